/*
 * All names at once: DBSIZE, FLUSHDB, FLUSHALL.
 */

#include <stdlib.h>

#include "server/agreed.h"
#include "server/event.h"
#include "server/redis_every.h"
#include "server/redis_key.h"
#include "server/redis_walk.h"

#define PIECE_NAMES	((size_t)10000)

/* --- DBSIZE --- */

void
redis_run_dbsize(struct call *call)
{
	resp_put_integer(call->out, (int64_t)walk_total(call->env));
}

/* Other nodes may have left names in any shard: those of ours are counted. */
static void
count_piece(struct call *call, uint64_t *place)
{
	enum shm_status status = SHM_OK;
	size_t seen = 0, n = 0;
	struct slice name;
	struct walk w;

	walk_begin(&w, call->env);
	walk_set_place(&w, *place);
	while (status == SHM_OK && seen < PIECE_NAMES && !walk_is_over(&w))
		for (status = walk_step(&w, PIECE_NAMES); status == SHM_OK &&
		    store_next_name(w.store, &name); seen++)
			n += walk_wants(&w, name);
	if (status == SHM_OK)
		resp_put_integer(call->out, (int64_t)n);
	else
		redis_store_error(call, status);
	*place = walk_place(&w);
}

void
every_count(struct call *call, uint64_t *place)
{
	if (route_owner(call->env->route, 0) == ROUTE_NOBODY)
		count_piece(call, place);
	else
		redis_run_dbsize(call);
}

/* --- FLUSHALL --- */

static enum shm_status
drop(struct txn *t, void *arg)
{
	const struct bytes *name = arg;

	txn_because(t, EVENT_UNTOLD);
	return txn_drop(t, *name);
}

static enum shm_status
drop_string(struct txn *t, void *arg)
{
	const struct bytes *name = arg;

	txn_because(t, EVENT_UNTOLD);
	return txn_delete(t, REDIS_STRINGS, *name);
}

/* It may have gone by itself. */
static enum shm_status
change(struct store *store, uint32_t shard,
    enum shm_status (*op)(struct txn *, void *), struct bytes name)
{
	enum shm_status status = store_change(store, shard, op, &name);

	return status == SHM_NO_BUCKET || status == SHM_NO_KEY ? SHM_OK :
	    status;
}

/* Some names of one table; strings all at once, if none is another node's. */
static enum shm_status
drop_some(struct walk *w)
{
	bool strings = w->strings, first = w->scan.cursor == 0;
	enum shm_status status = SHM_OK;
	uint32_t shard = w->shard;
	struct slice name;

	if (strings && first && walk_has_shard(w, shard))
		status = change(w->store, shard, drop, REDIS_STRINGS);
	if (status == SHM_OK)
		status = walk_step(w, 0);
	while (status == SHM_OK && store_next_name(w->store, &name))
		if (walk_wants(w, name))
			status = change(w->store, shard, strings ?
			    drop_string : drop, redis_bytes(name));
	return status;
}

static bool
next_flush(struct stream *stream, struct store *store, struct outbuf *out)
{
	struct walk *w = stream->own;
	enum shm_status status = drop_some(w);

	(void)store;
	if (status != SHM_OK)
		resp_put_error(out, "ERR", "%s", shm_strstatus(status));
	else if (walk_is_over(w))
		resp_put_ok(out);
	return status == SHM_OK && !walk_is_over(w);
}

static bool
is_sound(struct call *call)
{
	const struct request *req = call->req;

	if (req->argc == 1 || (req->argc == 2 &&
	    (redis_is(req->argv[1], "ASYNC") ||
	    redis_is(req->argv[1], "SYNC"))))
		return true;
	redis_syntax_error(call);
	return false;
}

/*
 * Bucket by bucket, each of them in constant time, and other clients have
 * their turns in between; whether that is ASYNC or SYNC is all the same.
 */
void
redis_run_flushall(struct call *call)
{
	struct walk *w;

	if (!is_sound(call))
		return;
	if ((w = malloc(sizeof(*w))) == NULL) {
		redis_store_error(call, SHM_FULL);
		return;
	}
	agreed_flush(call->env->inherit->agreed);
	walk_begin(w, call->env);
	stream_begin(call->stream, call->req, next_flush);
	call->stream->own = w;
	call->stream->release = free;
	call->stream->slow = true;
	call->next = CALL_STREAM;
}

/* Who has another table than that in force drops nothing. */
void
every_flush(struct call *call, uint64_t *place)
{
	const struct command_env *env = call->env;
	enum shm_status status;
	struct walk w;

	if (!is_sound(call))
		return;
	if (!ownership_is_of(env->store->arena, route_hash(env->route))) {
		redis_error(call, "UNAVAILABLE", "%s: its routing table is "
		    "changing", route_name(env->route,
		    route_self(env->route)));
		return;
	}
	walk_begin(&w, env);
	walk_set_place(&w, *place);
	status = walk_is_over(&w) ? SHM_OK : drop_some(&w);
	if (status != SHM_OK)
		redis_store_error(call, status);
	*place = walk_place(&w);
}
