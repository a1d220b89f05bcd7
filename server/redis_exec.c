/*
 * EXEC: what was queued is executed where its keys are.
 *
 * It is the draft of a transaction (see shm/txn.h): the handlers run as they
 * always do, but what they read and change through the store is the draft's
 * view of it.  Should somebody else change the shard meanwhile, their answers
 * are taken back and they run again; so a handler may run several times and
 * must do nothing else that lasts.
 *
 * What is said on channels cannot be taken back: PUBLISH is put off until all
 * else has happened, and its answer is put where there is room left for it.
 *
 * For another node's client the commands without keys are left out, see
 * redis_exec_away.c.
 */

#include "proto/little.h"
#include "server/clock.h"
#include "server/redis_exec.h"
#include "server/redis_sub.h"
#include "server/redis_tracking.h"
#include "shm/board.h"

#define LENGTH_BYTES	4

struct exec {
	struct call	*call;
	struct multi	*multi;
	bool		 in_pieces;	/* for another node */
	size_t		 room;		/* for the answer */
	size_t		 mark;		/* where it begins */
	bool		 is_lost;	/* what was watched has changed */
};

/* --- whose it is --- */

static void
add_key(const struct command_env *env, struct exec_place *place,
    struct slice name)
{
	const struct route *route = env->route;
	uint32_t shard = arena_shard_of(env->store->arena, redis_bytes(name));
	uint32_t owner = route_owner_of_name(route, name.data, name.len);

	if (place->has_keys && (shard != place->shard ||
	    owner != place->owner))
		place->is_split = true;
	if (!route_is_alone(route) && owner == route_self(route) &&
	    !ownership_allows(env->store->arena, route_hash(route),
	    redis_bytes(name)))
		place->is_fenced = true;
	place->has_keys = true;
	place->shard = shard;
	place->owner = owner;
}

/* Is it about all keys there are, which no single shard, or node, has? */
static bool
is_of_all(const struct queued *q)
{
	static const char *const names[] = {
		"BUCKETS", "DBSIZE", "FLUSHALL", "FLUSHDB", "KEYS",
		"RANDOMKEY", "SCAN"
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (redis_is(q->argv[0], names[i]))
			return true;
	return false;
}

/* The one that is looked at or executed, of one session at a time. */
static struct request current;

void
exec_find_place(const struct command_env *env, const struct multi *m,
    struct exec_place *place)
{
	const struct queued *q;
	const struct watched *w;
	bool all = false;
	size_t word;

	*place = (struct exec_place){ .owner = route_self(env->route) };
	TAILQ_FOREACH(q, &m->queue, next) {
		all |= is_of_all(q);
		multi_take_queued(&current, q, REQUEST_RESP2);
		for (word = redis_next_key(&current, 0); word != 0;
		    word = redis_next_key(&current, word))
			add_key(env, place, current.argv[word]);
	}
	TAILQ_FOREACH(w, &m->watched, next)
		add_key(env, place, w->name);
	place->is_split |= all && (place->has_keys ||
	    !route_is_alone(env->route));
}

/* --- the draft --- */

/* All names in one go: that takes its time. */
static void
finish_stream(struct call *call)
{
	const struct inherit *in = call->env->inherit;

	while (call->stream->next(call->stream, call->env->store, call->out))
		board_beat(in->arena, in->slot, clock_ms());
	stream_end(call->stream);
}

/* What lasts, whatever becomes of the draft. */
static bool
is_put_off(const struct queued *q)
{
	return redis_is(q->argv[0], "PUBLISH");
}

static void
say_elsewhere(const struct sessions *all)
{
	if (all->say_elsewhere != NULL)
		all->say_elsewhere(all->arg, &current);
}

void
exec_run_queued(struct call *exec, const struct queued *q,
    enum request_protocol protocol)
{
	struct call call = *exec;

	multi_take_queued(&current, q, protocol);
	call.req = &current;
	call.redis = redis_find(current.argv[0]);
	redis_sub_take(&call);
	call.redis->run(&call);
	if (call.next == CALL_STREAM)
		finish_stream(&call);
	/* It has ended itself, and hears the rest before. */
	if (call.next == CALL_CLOSE)
		exec->next = CALL_CLOSE;
	if (is_put_off(q))
		say_elsewhere(call.session->sessions);
}

static void
begin_answer(struct exec *e)
{
	struct outbuf *out = e->call->out;
	uint8_t count[LENGTH_BYTES];

	if (e->in_pieces) {
		little_put(count, e->multi->count, sizeof(count));
		outbuf_append(out, count, sizeof(count));
	} else {
		resp_put_list(out, redis_version(e->call), RESP_ARRAY,
		    e->multi->count);
	}
}

static void
execute(struct exec *e, const struct queued *q)
{
	const struct session *session = e->call->session;
	struct outbuf *out = e->call->out;
	size_t mark = outbuf_len(out);
	uint8_t length[LENGTH_BYTES] = { 0 };

	if (e->in_pieces)
		outbuf_append(out, length, sizeof(length));
	/* HELLO may have changed it. */
	exec_run_queued(e->call, q, session == NULL ?
	    e->call->req->protocol : session->protocol);
	if (e->in_pieces && !out->failed)
		little_put(out->data + out->head + mark,
		    outbuf_len(out) - mark - sizeof(length), sizeof(length));
}

/* All replies; they may be more than anybody can take. */
static enum shm_status
execute_all(void *arg)
{
	struct exec *e = arg;
	struct call *call = e->call;
	struct queued *q;

	outbuf_truncate(call->out, e->mark);
	e->is_lost = !watch_holds(call->env, e->multi);
	if (e->is_lost)
		return SHM_NO_KEY;
	begin_answer(e);
	TAILQ_FOREACH(q, &e->multi->queue, next) {
		store_turn_page(call->env->store);
		q->put_off = outbuf_len(call->out) - e->mark;
		if (!is_put_off(q))
			execute(e, q);
		if (outbuf_len(call->out) - e->mark > e->room)
			return SHM_NO_ROOM;
	}
	return SHM_OK;
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
		execute(e, q);
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
	if (!e->is_lost)
		redis_error(e->call, "EXECABORT", "Transaction discarded "
		    "because of: %s", status == SHM_NO_ROOM ?
		    "its replies are too large" : shm_strstatus(status));
	else if (!e->in_pieces)
		resp_put_null_list(e->call->out, redis_version(e->call));
}

static void
exec(struct exec *e)
{
	struct call *call = e->call;
	struct exec_place place;
	enum shm_status status;

	exec_find_place(call->env, e->multi, &place);
	if (place.is_split) {
		redis_error(call, "CROSSSLOT", MULTI_SPLIT);
		return;
	}
	if (place.is_fenced) {
		redis_error(call, "UNAVAILABLE", "%s: its routing table is "
		    "changing", route_name(call->env->route, place.owner));
		return;
	}
	e->mark = outbuf_len(call->out);
	status = place.has_keys ? store_draft(call->env->store, place.shard,
	    execute_all, e) : execute_all(e);
	if (status == SHM_OK)
		execute_put_off(e);
	else
		discarded(e, status);
}

void
multi_execute(struct call *call, struct multi *m, size_t room)
{
	struct exec e = {
		.call = call, .multi = m, .in_pieces = true, .room = room
	};

	exec(&e);
}

/*
 * What is going to be read is remembered before, for to do so takes the lock
 * that a draft may be written under.  CLIENT CACHING among the commands makes
 * an exception of what follows; it is all remembered then.
 */
static void
note_readings(struct call *call, const struct multi *m)
{
	const struct queued *q;
	bool sure = false;

	if (call->session->tracker == NULL)
		return;
	TAILQ_FOREACH(q, &m->queue, next) {
		multi_take_queued(&current, q, call->session->protocol);
		sure |= redis_is(current.argv[0], "CLIENT");
		redis_note_reading(call, &current, sure);
	}
}

static void
execute_here(struct call *call, struct multi *m)
{
	struct exec e = {
		.call = call, .multi = m,
		.room = call->env->config->output_max_bytes
	};

	note_readings(call, m);
	exec(&e);
}

void
redis_run_exec(struct call *call)
{
	struct multi *m = call->session->multi;

	if (!multi_is_open(call->session)) {
		redis_error(call, "ERR", "EXEC without MULTI");
		return;
	}
	if (m->spoilt)
		redis_error(call, "EXECABORT", "Transaction discarded because "
		    "of previous errors.");
	else if (m->is_answered)
		exec_use_answer(call, m);
	else
		execute_here(call, m);
	multi_forget(call->session);
}
