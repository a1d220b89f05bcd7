/*
 * All keys and values of a bucket, as lines that kv load reads back.
 *
 * Keys arrive as a list on one connection; their values are asked for on
 * another, a batch at a time and several batches ahead.  A batch keeps its
 * keys until its values have come, and there is a fixed number of batches: so
 * a bucket of any size passes through a few hundred kilobytes.
 *
 * A key that goes between the list and the question is left out: it is as if
 * the dump had come by later.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/client/kv_command.h"
#include "proto/client/kv_progress.h"

#define BATCH_KEYS	64
#define BATCH_BYTES	((size_t)16 << 10)	/* then no more is added */
#define BATCHES		16

struct batch {
	char	*bytes;				/* of the keys, in one piece */
	size_t	 used;
	size_t	 cap;
	size_t	 ends[BATCH_KEYS];
	size_t	 n;
};

/*
 * A ring of batches: `asked' of them wait for values, oldest at head, and the
 * one behind them is being filled.
 */
struct dump {
	const struct session	*session;
	struct kv		*values;	/* the second connection */
	struct kv_bytes		 bucket;
	struct batch		 batches[BATCHES];
	size_t			 head;
	size_t			 asked;
	size_t			 answered;	/* values of the oldest */
	char			*quoted;	/* room for one word */
	size_t			 quoted_cap;
	int			 exit_status;
	struct progress		 progress;
};

static int
no_memory(struct dump *dump)
{
	session_complain("dump: %s", strerror(ENOMEM));
	return dump->exit_status = EX_OSERR;
}

static struct kv_bytes
batch_key(const struct batch *batch, size_t i)
{
	size_t start = i > 0 ? batch->ends[i - 1] : 0;

	return (struct kv_bytes){ batch->bytes + start,
	    batch->ends[i] - start };
}

static int
print_quoted(struct dump *dump, struct kv_bytes word)
{
	size_t len = kv_quoted_len(word);
	char *room;

	if (len > dump->quoted_cap) {
		room = realloc(dump->quoted, len);
		if (room == NULL)
			return no_memory(dump);
		dump->quoted = room;
		dump->quoted_cap = len;
	}
	(void)kv_quote(dump->quoted, word);
	(void)fwrite(dump->quoted, 1, len, stdout);
	return 0;
}

static int
print_pair(struct dump *dump, struct kv_bytes key, struct kv_bytes value)
{
	const struct output *out = &dump->session->out;

	if (out->json) {
		output_json_begin();
		output_json_bytes("key", &key);
		output_json_bytes("value", &value);
		output_json_end(out);
		return 0;
	}
	if (print_quoted(dump, key) != 0)
		return dump->exit_status;
	(void)putchar(' ');
	if (print_quoted(dump, value) != 0)
		return dump->exit_status;
	output_end(out);
	return 0;
}

/* The next value of the oldest batch. */
static int
take_value(struct dump *dump)
{
	struct batch *batch = &dump->batches[dump->head];
	struct kv_reply reply;
	enum kv_status status;

	status = kv_pipe_reply(dump->values, &reply);
	if (status == KV_OK && reply.status != KV_NO_KEY)
		status = reply.status;
	if (status != KV_OK)
		return dump->exit_status = session_verdict(dump->values,
		    status);
	progress_step(&dump->progress, reply.status == KV_OK, 1);
	if (reply.status == KV_OK && print_pair(dump,
	    batch_key(batch, dump->answered), reply.value) != 0)
		return dump->exit_status;
	dump->answered++;
	if (!reply.last)
		return 0;
	batch->n = batch->used = dump->answered = 0;
	dump->head = (dump->head + 1) % BATCHES;
	dump->asked--;
	return 0;
}

static struct batch *
open_batch(struct dump *dump)
{
	return &dump->batches[(dump->head + dump->asked) % BATCHES];
}

/* Ask for the values of the batch that is open, and open another. */
static int
ask(struct dump *dump)
{
	struct batch *batch = open_batch(dump);
	struct kv_bytes keys[BATCH_KEYS];
	enum kv_status status;
	size_t i;

	for (i = 0; i < batch->n; i++)
		keys[i] = batch_key(batch, i);
	while ((status = kv_pipe_mget(dump->values, dump->bucket, keys,
	    batch->n)) == KV_FULL)
		if (take_value(dump) != 0)
			return dump->exit_status;
	if (status == KV_OK)
		status = kv_pipe_flush(dump->values);
	if (status != KV_OK && status != KV_FULL)
		return dump->exit_status = session_verdict(dump->values,
		    status);
	dump->asked++;
	while (dump->asked == BATCHES)
		if (take_value(dump) != 0)
			return dump->exit_status;
	return 0;
}

static int
add_key(void *arg, struct kv_bytes key)
{
	struct dump *dump = arg;
	struct batch *batch = open_batch(dump);
	size_t need = batch->used + key.len;
	char *room;

	/* One byte more, so that there is an address for the empty key. */
	if (need + 1 > batch->cap) {
		if (need < 2 * BATCH_BYTES)
			need = 2 * BATCH_BYTES;
		room = realloc(batch->bytes, need + 1);
		if (room == NULL)
			return no_memory(dump);
		batch->bytes = room;
		batch->cap = need + 1;
	}
	if (key.len > 0)
		memcpy(batch->bytes + batch->used, key.data, key.len);
	batch->used += key.len;
	batch->ends[batch->n++] = batch->used;
	if (batch->n < BATCH_KEYS && batch->used < BATCH_BYTES)
		return 0;
	if (ferror(stdout))
		return dump->exit_status = EX_IOERR;
	return ask(dump);
}

static int
dump_all(struct dump *dump, struct kv *list)
{
	enum kv_status status = kv_keys(list, dump->bucket, add_key, dump);

	/* Stopped by us: the reason has been told. */
	if (status == KV_STOPPED)
		return dump->exit_status;
	if (status != KV_OK)
		return session_verdict(list, status);
	if (open_batch(dump)->n > 0 && ask(dump) != 0)
		return dump->exit_status;
	while (dump->asked > 0)
		if (take_value(dump) != 0)
			return dump->exit_status;
	return 0;
}

static void
dump_free(struct dump *dump)
{
	size_t i;

	for (i = 0; i < BATCHES; i++)
		free(dump->batches[i].bytes);
	free(dump->quoted);
	kv_close(dump->values);
	free(dump);
}

int
run_dump(struct session *session, const struct kv_bytes *words, size_t n)
{
	struct dump *dump = calloc(1, sizeof(*dump));
	enum kv_status status;
	uint64_t count = 0;
	int exit_status = 0;

	(void)n;
	if (dump == NULL) {
		session_complain("dump: %s", strerror(errno));
		return EX_OSERR;
	}
	dump->session = session;
	dump->bucket = words[0];
	status = kv_count(session->kv, words[0], &count);
	if (status != KV_OK) {
		exit_status = session_verdict(session->kv, status);
	} else if ((dump->values = session_open(session, &exit_status)) !=
	    NULL) {
		progress_begin(&dump->progress,
		    session->out.quiet || session->out.terminal, count);
		exit_status = dump_all(dump, session->kv);
		progress_end(&dump->progress, "dumped");
	}
	dump_free(dump);
	return exit_status;
}
