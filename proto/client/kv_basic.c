/*
 * The commands that are one call of libkv each.
 */

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/client/kv_command.h"

static int
ok(struct session *session, enum kv_status status)
{
	if (status == KV_OK)
		output_ok(&session->out);
	return session_verdict(session->kv, status);
}

int
run_create(struct session *session, const struct kv_bytes *words, size_t n)
{
	(void)n;
	return ok(session, kv_create(session->kv, words[0]));
}

int
run_drop(struct session *session, const struct kv_bytes *words, size_t n)
{
	(void)n;
	return ok(session, kv_drop(session->kv, words[0]));
}

int
run_delete(struct session *session, const struct kv_bytes *words, size_t n)
{
	(void)n;
	return ok(session, kv_delete(session->kv, words[0], words[1]));
}

/* All of standard input, for the caller to free; NULL after saying why. */
static char *
read_input(size_t *len)
{
	size_t cap = 0, grown;
	char *data = NULL, *more;
	ssize_t n;

	*len = 0;
	for (;;) {
		if (*len == cap) {
			grown = cap > 0 ? cap * 2 : 65536;
			more = realloc(data, grown);
			if (more == NULL)
				break;
			data = more;
			cap = grown;
		}
		n = read(STDIN_FILENO, data + *len, cap - *len);
		if (n == 0)
			return data;
		if (n > 0)
			*len += (size_t)n;
		else if (errno != EINTR)
			break;
	}
	warn("standard input");
	free(data);
	return NULL;
}

static int
put_input(struct session *session, const struct kv_bytes *words)
{
	struct kv_bytes value;
	char *data = read_input(&value.len);
	int status;

	if (data == NULL)
		return EX_IOERR;
	value.data = data;
	status = ok(session, kv_put(session->kv, words[0], words[1], value));
	free(data);
	return status;
}

int
run_put(struct session *session, const struct kv_bytes *words, size_t n)
{
	if (n == 2)
		return put_input(session, words);
	return ok(session, kv_put(session->kv, words[0], words[1], words[2]));
}

int
run_get(struct session *session, const struct kv_bytes *words, size_t n)
{
	struct kv_bytes value;
	enum kv_status status;

	(void)n;
	status = session->map != NULL ?
	    kv_map_get(session->map, words[0], words[1], &value) :
	    kv_get(session->kv, words[0], words[1], &value);
	/* Not there is an answer, and nothing to complain of. */
	if (status == KV_NO_KEY)
		return EXIT_NOT_FOUND;
	if (status != KV_OK)
		return session_answer(session, status);
	if (session->out.json) {
		output_json_begin();
		output_json_bytes("key", &words[1]);
		output_json_bytes("value", &value);
		output_json_end(&session->out);
	} else {
		output_text(&session->out, value, COLOUR_NONE);
		output_end(&session->out);
	}
	return 0;
}

int
run_mput(struct session *session, const struct kv_bytes *words, size_t n)
{
	struct kv_pair *pairs;
	size_t i;
	int status;

	if (n % 2 == 0) {
		session_complain("mput: the last key has no value (usage: "
		    "mput bucket key value [key value ...])");
		return EX_USAGE;
	}
	pairs = calloc(n / 2, sizeof(*pairs));
	if (pairs == NULL) {
		warn("mput");
		return EX_OSERR;
	}
	for (i = 0; i < n / 2; i++) {
		pairs[i].key = words[1 + 2 * i];
		pairs[i].value = words[2 + 2 * i];
	}
	status = ok(session, kv_mput(session->kv, words[0], pairs, n / 2));
	free(pairs);
	return status;
}

int
run_count(struct session *session, const struct kv_bytes *words, size_t n)
{
	enum kv_status status;
	uint64_t count;

	(void)n;
	status = session->map != NULL ?
	    kv_map_count(session->map, words[0], &count) :
	    kv_count(session->kv, words[0], &count);
	if (status != KV_OK)
		return session_answer(session, status);
	if (session->out.json) {
		output_json_begin();
		output_json_bytes("bucket", &words[0]);
		output_json_number("count", count);
		output_json_end(&session->out);
	} else {
		(void)printf("%ju", (uintmax_t)count);
		output_end(&session->out);
	}
	return 0;
}

int
run_ping(struct session *session, const struct kv_bytes *words, size_t n)
{
	enum kv_status status = kv_ping(session->kv);

	(void)words;
	(void)n;
	if (status != KV_OK)
		return session_verdict(session->kv, status);
	if (session->out.quiet)
		return 0;
	(void)fputs(session->out.json ? "{\"ok\":true}" : "PONG", stdout);
	output_end(&session->out);
	return 0;
}
