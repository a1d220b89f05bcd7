/*
 * All names at once: DBSIZE, FLUSHDB, FLUSHALL.
 */

#include "server/event.h"
#include "server/redis_key.h"

void
redis_run_dbsize(struct call *call)
{
	uint64_t buckets, strings;

	store_count_all(call->env->store, &buckets, &strings);
	resp_put_integer(call->out, (int64_t)(buckets + strings));
}

/* --- FLUSHALL --- */

static enum shm_status
drop(struct txn *t, void *arg)
{
	const struct bytes *name = arg;

	txn_because(t, EVENT_UNTOLD);
	return txn_drop(t, *name);
}

/* It may have gone by itself. */
static enum shm_status
drop_name(struct store *store, uint32_t shard, struct bytes name)
{
	enum shm_status status = store_change(store, shard, drop, &name);

	return status == SHM_NO_BUCKET ? SHM_OK : status;
}

/* The strings of a shard with its first buckets. */
static enum shm_status
drop_some(struct stream *stream, struct store *store)
{
	enum shm_status status = SHM_OK;
	struct slice name;

	if (stream->scan.cursor == 0)
		status = drop_name(store, stream->shard, REDIS_STRINGS);
	if (status == SHM_OK)
		status = store_scan_buckets(store, stream->shard,
		    &stream->scan, 0);
	while (status == SHM_OK && store_next_name(store, &name))
		status = drop_name(store, stream->shard, redis_bytes(name));
	return status;
}

static bool
next_flush(struct stream *stream, struct store *store, struct outbuf *out)
{
	enum shm_status status;

	if ((status = drop_some(stream, store)) != SHM_OK) {
		resp_put_error(out, "ERR", "%s", shm_strstatus(status));
		return false;
	}
	if (!stream->scan.done)
		return true;
	stream->scan = (struct scan){ .cursor = 0 };
	if (++stream->shard < arena_shards(store->arena))
		return true;
	resp_put_simple(out, "OK");
	return false;
}

/*
 * Bucket by bucket, each of them in constant time, and other clients have
 * their turns in between; whether that is ASYNC or SYNC is all the same.
 */
void
redis_run_flushall(struct call *call)
{
	const struct request *req = call->req;

	if (req->argc > 2 || (req->argc == 2 &&
	    !redis_is(req->argv[1], "ASYNC") &&
	    !redis_is(req->argv[1], "SYNC"))) {
		redis_syntax_error(call);
		return;
	}
	stream_begin(call->stream, req, next_flush);
	call->stream->slow = true;
	call->next = CALL_STREAM;
}
