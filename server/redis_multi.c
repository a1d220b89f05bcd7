/*
 * MULTI: commands are queued, to be executed together.
 *
 * EXEC writes the draft of a transaction (see shm/txn.h): the handlers run as
 * they always do, but what they read and change through the store is the
 * draft's view of it.  Should somebody else change the shard meanwhile, their
 * answers are taken back and they run again; so a handler may run several
 * times and must do nothing else that lasts.
 *
 * What is said on channels cannot be taken back: PUBLISH is put off until all
 * else has happened, and its answer is put where there is room left for it.
 *
 * A name that is watched is remembered by the revision of its last change, of
 * which there are no two in a shard.
 */

#include "server/redis_multi.h"

#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include "server/redis.h"

#define QUEUE_BYTES	((size_t)16 * 1024 * 1024)	/* of one session */
#define WATCHED_MAX	16384
#define CROSSSLOT	"Keys in request don't hash to the same slot"

struct queued {
	TAILQ_ENTRY(queued)	 next;
	size_t			 put_off;	/* where its answer goes */
	size_t			 argc;
	struct slice		 argv[];	/* the words' bytes follow */
};

struct watched {
	TAILQ_ENTRY(watched)	 next;
	uint64_t		 revision;	/* 0: it was not there */
	size_t			 len;
	uint8_t			 name[];
};

struct multi {
	bool			 open;
	bool			 spoilt;
	size_t			 bytes;
	size_t			 count;
	uint64_t		 fingerprint;
	TAILQ_HEAD(, queued)	 queue;
	size_t			 n_watched;
	TAILQ_HEAD(, watched)	 watched;
};

/* --- memory --- */

static void
forget_queue(struct multi *m)
{
	struct queued *q;

	while ((q = TAILQ_FIRST(&m->queue)) != NULL) {
		TAILQ_REMOVE(&m->queue, q, next);
		free(q);
	}
	m->open = m->spoilt = false;
	m->bytes = m->count = 0;
	m->fingerprint = 0;
}

static void
forget_watched(struct multi *m)
{
	struct watched *w;

	while ((w = TAILQ_FIRST(&m->watched)) != NULL) {
		TAILQ_REMOVE(&m->watched, w, next);
		free(w);
	}
	m->n_watched = 0;
}

void
multi_free(struct multi *m)
{
	if (m == NULL)
		return;
	forget_queue(m);
	forget_watched(m);
	free(m);
}

void
multi_forget(struct session *session)
{
	multi_free(session->multi);
	session->multi = NULL;
	session->queued = 0;
}

/* The session's, made if need be; NULL, and an error is the answer. */
static struct multi *
multi_of(struct call *call)
{
	struct multi *m = call->session->multi;

	if (m != NULL)
		return m;
	if ((m = calloc(1, sizeof(*m))) == NULL) {
		redis_store_error(call, SHM_FULL);
		return NULL;
	}
	TAILQ_INIT(&m->queue);
	TAILQ_INIT(&m->watched);
	return call->session->multi = m;
}

/* --- the queue --- */

bool
multi_is_open(const struct session *session)
{
	return session->multi != NULL && session->multi->open;
}

uint64_t
multi_fingerprint(const struct session *session, uint64_t words)
{
	return multi_is_open(session) ?
	    (words ^ session->multi->fingerprint) | 1 : words;
}

static bool
is_at_once(const struct redis_command *command)
{
	static const char *const names[] = {
		"EXEC", "DISCARD", "MULTI", "WATCH", "QUIT", "RESET"
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(command->name, names[i]) == 0)
			return true;
	return false;
}

static size_t
size_of(const struct request *req)
{
	size_t i, size = sizeof(struct queued) +
	    req->argc * sizeof(struct slice);

	for (i = 0; i < req->argc; i++)
		size += req->argv[i].len;
	return size;
}

static struct queued *
copy_request(const struct request *req, size_t size)
{
	struct queued *q = malloc(size);
	uint8_t *to;
	size_t i;

	if (q == NULL)
		return NULL;
	q->argc = req->argc;
	to = (uint8_t *)&q->argv[req->argc];
	for (i = 0; i < req->argc; i++) {
		q->argv[i] = (struct slice){ to, req->argv[i].len };
		if (req->argv[i].len > 0)
			memcpy(to, req->argv[i].data, req->argv[i].len);
		to += req->argv[i].len;
	}
	return q;
}

static void
add_to_queue(struct call *call, struct multi *m)
{
	size_t size = size_of(call->req);
	struct queued *q = NULL;

	if (size <= QUEUE_BYTES - m->bytes)
		q = copy_request(call->req, size);
	if (q == NULL) {
		m->spoilt = true;
		redis_error(call, "ERR", "transaction is too large");
		return;
	}
	TAILQ_INSERT_TAIL(&m->queue, q, next);
	m->bytes += size;
	m->count++;
	call->session->queued++;
	m->fingerprint = m->fingerprint * 31 +
	    command_fingerprint(call->req);
	resp_put_simple(call->out, "QUEUED");
}

bool
multi_take(struct call *call)
{
	if (call->session == NULL || !multi_is_open(call->session) ||
	    is_at_once(call->redis))
		return false;
	add_to_queue(call, call->session->multi);
	return true;
}

/* EXEC with words behind it ends it at once, and says what was wrong. */
void
multi_spoil(struct call *call, size_t mark)
{
	bool open = call->session != NULL && multi_is_open(call->session);

	if (open)
		call->session->multi->spoilt = true;
	if (call->redis == NULL || strcmp(call->redis->name, "EXEC") != 0)
		return;
	/* Redis says so even if there is no transaction. */
	outbuf_truncate(call->out, mark);
	redis_error(call, "EXECABORT", "Transaction discarded because of: "
	    "wrong number of arguments for 'exec' command");
	if (open)
		multi_forget(call->session);
}

void
redis_run_multi(struct call *call)
{
	struct multi *m = multi_of(call);

	if (m == NULL)
		return;
	if (m->open) {
		redis_error(call, "ERR", "MULTI calls can not be nested");
		return;
	}
	m->open = true;
	call->session->queued = 1;
	redis_ok(call);
}

void
redis_run_discard(struct call *call)
{
	if (!multi_is_open(call->session)) {
		redis_error(call, "ERR", "DISCARD without MULTI");
		return;
	}
	multi_forget(call->session);
	redis_ok(call);
}

/* --- watching --- */

/* Of the last change of that name, 0 if there is nothing. */
static uint64_t
revision_of(struct call *call, struct slice name)
{
	struct pair_facts string;
	struct bucket_stat stat;
	enum shm_status status;

	if (store_stat(call->env->store, name, &stat) == SHM_OK)
		return stat.revision;
	status = store_look(call->env->store, redis_shard(call, name),
	    REDIS_STRINGS, redis_bytes(name), NULL, 0, &string);
	return status == SHM_OK || status == SHM_NO_ROOM ? string.revision : 0;
}

static bool
is_watched(const struct multi *m, struct slice name)
{
	const struct watched *w;

	TAILQ_FOREACH(w, &m->watched, next)
		if (w->len == name.len && (name.len == 0 ||
		    memcmp(w->name, name.data, name.len) == 0))
			return true;
	return false;
}

static bool
watch(struct call *call, struct multi *m, struct slice name)
{
	struct watched *w;

	if (is_watched(m, name))
		return true;
	if (m->n_watched == WATCHED_MAX ||
	    (w = malloc(sizeof(*w) + name.len)) == NULL) {
		redis_error(call, "ERR", "too many keys are watched");
		return false;
	}
	w->revision = revision_of(call, name);
	w->len = name.len;
	if (name.len > 0)
		memcpy(w->name, name.data, name.len);
	TAILQ_INSERT_TAIL(&m->watched, w, next);
	m->n_watched++;
	return true;
}

/* Another node has it: it is not asked what it knows. */
static bool
is_elsewhere(const struct call *call, struct slice name)
{
	const struct command_env *env = call->env;

	return !route_is_alone(env->route) &&
	    (route_owner_of_name(env->route, name.data, name.len) !=
	    route_self(env->route) || !ownership_allows(
	    env->store->arena, route_hash(env->route), redis_bytes(name)));
}

static void
refuse_elsewhere(struct call *call)
{
	redis_error(call, "CROSSSLOT", "Keys of a transaction must be those "
	    "of the node that is asked");
}

void
redis_run_watch(struct call *call)
{
	const struct request *req = call->req;
	struct multi *m = multi_of(call);
	size_t i;

	if (m == NULL)
		return;
	if (m->open) {
		redis_error(call, "ERR", "WATCH inside MULTI is not allowed");
		return;
	}
	for (i = 1; i < req->argc; i++) {
		if (is_elsewhere(call, req->argv[i])) {
			refuse_elsewhere(call);
			return;
		}
		if (!watch(call, m, req->argv[i]))
			return;
	}
	redis_ok(call);
}

/* In a queue this comes too late to matter. */
void
redis_run_unwatch(struct call *call)
{
	if (call->session->multi != NULL && !call->session->multi->open)
		multi_forget(call->session);
	redis_ok(call);
}

/* --- EXEC --- */

struct exec {
	struct call	*call;
	struct multi	*multi;
	size_t		 mark;		/* of the answer */
	bool		 has_keys;
	uint32_t	 shard;
	bool		 is_lost;	/* what was watched has changed */
};

/* The one that is executed, of one session at a time. */
static struct request current;

static void
take_queued(struct exec *e, const struct queued *q)
{
	current.protocol = e->call->session->protocol;
	current.argc = q->argc;
	memcpy(current.argv, q->argv, q->argc * sizeof(*q->argv));
}

/* Its keys are in the shard of those before it, or that is the answer. */
static bool
add_key(struct exec *e, struct slice name)
{
	uint32_t shard = redis_shard(e->call, name);

	if (is_elsewhere(e->call, name)) {
		refuse_elsewhere(e->call);
		return false;
	}
	if (e->has_keys && shard != e->shard) {
		redis_error(e->call, "CROSSSLOT", CROSSSLOT);
		return false;
	}
	e->shard = shard;
	e->has_keys = true;
	return true;
}

static bool
add_keys(struct exec *e)
{
	size_t word = 0;

	while ((word = redis_next_key(&current, word)) != 0)
		if (!add_key(e, current.argv[word]))
			return false;
	return true;
}

/* Commands about all keys there are, which no single shard has. */
static bool
is_of_all(const struct request *req)
{
	static const char *const names[] = {
		"BUCKETS", "DBSIZE", "FLUSHALL", "FLUSHDB", "KEYS",
		"RANDOMKEY", "SCAN"
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (redis_is(req->argv[0], names[i]))
			return true;
	return false;
}

/* One shard has all that it is about; or that is the answer. */
static bool
find_shard(struct exec *e)
{
	const struct watched *w;
	const struct queued *q;
	bool all = false;

	TAILQ_FOREACH(q, &e->multi->queue, next) {
		take_queued(e, q);
		if (!add_keys(e))
			return false;
		all |= is_of_all(&current);
	}
	TAILQ_FOREACH(w, &e->multi->watched, next)
		if (!add_key(e, (struct slice){ w->name, w->len }))
			return false;
	if (!all || !e->has_keys)
		return true;
	redis_error(e->call, "CROSSSLOT", CROSSSLOT);
	return false;
}

static bool
is_as_watched(struct exec *e)
{
	const struct watched *w;

	TAILQ_FOREACH(w, &e->multi->watched, next)
		if (revision_of(e->call, (struct slice){ w->name, w->len }) !=
		    w->revision)
			return false;
	return true;
}

static void
finish_stream(struct call *call)
{
	while (call->stream->next(call->stream, call->env->store, call->out))
		;
	stream_end(call->stream);
}

static void
execute(struct exec *e, const struct queued *q)
{
	struct call call = *e->call;

	take_queued(e, q);
	call.req = &current;
	call.redis = redis_find(current.argv[0]);
	call.redis->run(&call);
	if (call.next == CALL_STREAM)
		finish_stream(&call);
}

/* What lasts, whatever becomes of the draft. */
static bool
is_put_off(const struct queued *q)
{
	return redis_is(q->argv[0], "PUBLISH");
}

static bool
has_put_off(const struct multi *m)
{
	const struct queued *q;

	TAILQ_FOREACH(q, &m->queue, next)
		if (is_put_off(q))
			return true;
	return false;
}

/* All replies; they may be more than anybody can take. */
static enum shm_status
execute_all(void *arg)
{
	struct exec *e = arg;
	struct call *call = e->call;
	struct queued *q;

	outbuf_truncate(call->out, e->mark);
	if ((e->is_lost = !is_as_watched(e)))
		return SHM_NO_KEY;
	resp_put_list(call->out, redis_version(call), RESP_ARRAY,
	    e->multi->count);
	TAILQ_FOREACH(q, &e->multi->queue, next) {
		store_turn_page(call->env->store);
		q->put_off = outbuf_len(call->out) - e->mark;
		if (!is_put_off(q))
			execute(e, q);
		if (outbuf_len(call->out) - e->mark >
		    call->env->config->output_max_bytes)
			return SHM_NO_ROOM;
	}
	return SHM_OK;
}

static void
say(struct exec *e, const struct queued *q)
{
	const struct sessions *all = e->call->session->sessions;

	execute(e, q);
	if (all->say_elsewhere != NULL)
		all->say_elsewhere(all->arg, &current);
}

/* All has happened but what was put off. */
static void
execute_put_off(struct exec *e)
{
	struct outbuf *out = e->call->out, said = { .data = NULL };
	size_t done = 0, len = outbuf_len(out) - e->mark;
	const struct queued *q;

	if (!has_put_off(e->multi))
		return;
	outbuf_append(&said, out->data + out->head + e->mark, len);
	outbuf_truncate(out, e->mark);
	TAILQ_FOREACH(q, &e->multi->queue, next) {
		if (!is_put_off(q) || said.failed)
			continue;
		outbuf_append(out, said.data + said.head + done,
		    q->put_off - done);
		done = q->put_off;
		say(e, q);
	}
	if (!said.failed)
		outbuf_append(out, said.data + said.head + done, len - done);
	out->failed |= said.failed;
	outbuf_free(&said);
}

static void
discarded(struct exec *e, enum shm_status status)
{
	outbuf_truncate(e->call->out, e->mark);
	if (e->is_lost)
		resp_put_null_list(e->call->out, redis_version(e->call));
	else
		redis_error(e->call, "EXECABORT", "Transaction discarded "
		    "because of: %s", status == SHM_NO_ROOM ?
		    "its replies are too large" : shm_strstatus(status));
}

static void
exec(struct exec *e)
{
	enum shm_status status;

	if (!find_shard(e))
		return;
	status = e->has_keys ? store_draft(e->call->env->store, e->shard,
	    execute_all, e) : execute_all(e);
	if (status == SHM_OK)
		execute_put_off(e);
	else
		discarded(e, status);
}

void
redis_run_exec(struct call *call)
{
	struct exec e = {
		.call = call, .multi = call->session->multi,
		.mark = outbuf_len(call->out)
	};

	if (!multi_is_open(call->session)) {
		redis_error(call, "ERR", "EXEC without MULTI");
		return;
	}
	if (e.multi->spoilt)
		redis_error(call, "EXECABORT", "Transaction discarded because "
		    "of previous errors.");
	else
		exec(&e);
	multi_forget(call->session);
}
