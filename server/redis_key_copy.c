/*
 * RENAME, RENAMENX, COPY: something under another name, within one shard, in
 * one transaction.
 *
 * A bucket's pairs name the bucket, so all of them are written anew, and have
 * to fit in a segment.
 */

#include "server/event.h"
#include "server/redis_key.h"

#include <string.h>

enum outcome { COPIED, COPY_MISSING, COPY_TAKEN };

struct copy {
	struct store	*store;
	struct bytes	 from;
	struct bytes	 to;
	bool		 move;
	bool		 replace;
	uint64_t	 bytes;		/* copied so far */
	enum outcome	 outcome;
	bool		 starved;	/* a line exceeds store->batch */
};

static enum shm_status
copy_pair(struct txn *t, struct copy *c, struct bytes key)
{
	struct pair pair = { .key.len = key.len };
	struct txn_pair old;
	enum shm_status status = txn_get(t, c->from, key, &old);

	if (status != SHM_OK)
		return status == SHM_NO_KEY ? SHM_OK : status;
	c->bytes += key.len + old.value.len;
	if (c->bytes > arena_segment_bytes(c->store->arena))
		return SHM_BATCH_SIZE;
	pair.expires_ms = old.expires_ms;
	pair.value.len = old.value.len;
	pair.key.data = txn_keep(t, key.data, key.len);
	pair.value.data = txn_keep(t, old.value.data, old.value.len);
	if (pair.key.data == NULL || pair.value.data == NULL)
		return SHM_NO_ROOM;
	return txn_put(t, c->to, &pair);
}

static enum shm_status
copy_some(struct txn *t, struct copy *c, struct scan *scan)
{
	struct scan_batch *batch = &c->store->batch;
	enum shm_status status;
	struct bytes key;
	size_t pos = 0;

	batch->enough = 0;
	status = txn_scan(t, c->from, scan, batch);
	if (status == SHM_NO_ROOM) {
		c->starved = true;
		return SHM_BATCH_SIZE;
	}
	while (status == SHM_OK && scan_next_name(batch, &pos, &key))
		status = copy_pair(t, c, key);
	return status;
}

static enum shm_status
copy_bucket(struct txn *t, struct copy *c, const struct txn_bucket *bucket)
{
	struct scan scan = { .cursor = 0 };
	enum shm_status status;

	c->bytes = 0;
	if (c->to.len == 0)
		return SHM_BUCKET_NAME_SIZE;
	status = txn_create(t, c->to, bucket->is_auto);
	while (status == SHM_OK && !scan.done)
		status = copy_some(t, c, &scan);
	if (status != SHM_OK || bucket->expires_ms == 0)
		return status;
	return txn_expire(t, c->to, bucket->expires_ms);
}

static enum shm_status
copy_found(struct txn *t, struct copy *c, const struct redis_found *from)
{
	enum shm_status status;

	txn_because(t, c->move ? EVENT_RENAME_TO : EVENT_COPY_TO);
	if (from->type == REDIS_HASH)
		status = copy_bucket(t, c, &from->bucket);
	else
		status = redis_put_again(t, c->store, c->to, &from->string,
		    from->string.expires_ms);
	return status;
}

static enum shm_status
remove_from(struct txn *t, struct copy *c, const struct redis_found *from)
{
	txn_because(t, EVENT_RENAME_FROM);
	return redis_remove(t, c->from, from);
}

/*
 * The name that goes is told of first, as Redis does it; but a bucket has to
 * be there to be copied.
 */
static enum shm_status
move_found(struct txn *t, struct copy *c, const struct redis_found *from)
{
	bool is_string = from->type == REDIS_STRING;
	enum shm_status status = SHM_OK;

	if (is_string)
		status = remove_from(t, c, from);
	if (status == SHM_OK)
		status = copy_found(t, c, from);
	if (status == SHM_OK && !is_string)
		status = remove_from(t, c, from);
	return status;
}

static bool
is_same(const struct copy *c)
{
	return c->from.len == c->to.len && (c->to.len == 0 ||
	    memcmp(c->from.data, c->to.data, c->to.len) == 0);
}

static enum shm_status
copy(struct txn *t, void *arg)
{
	struct copy *c = arg;
	struct redis_found from, to;
	enum shm_status status;

	c->outcome = COPY_MISSING;
	if ((status = redis_find_in(t, c->from, &from)) != SHM_OK)
		return status;
	if (from.type == REDIS_NONE)
		return SHM_NO_KEY;
	if ((status = redis_find_in(t, c->to, &to)) != SHM_OK)
		return status;
	c->outcome = to.type == REDIS_NONE || c->replace ? COPIED :
	    COPY_TAKEN;
	if (c->outcome == COPY_TAKEN || is_same(c))
		return SHM_NO_KEY;
	txn_because(t, EVENT_UNTOLD);
	if ((status = redis_remove(t, c->to, &to)) != SHM_OK)
		return status;
	return c->move ? move_found(t, c, &from) : copy_found(t, c, &from);
}

/* False: an error is the answer. */
static bool
run(struct call *call, struct copy *c)
{
	const struct slice *argv = call->req->argv;
	enum shm_status status;

	c->store = call->env->store;
	c->from = redis_bytes(argv[1]);
	c->to = redis_bytes(argv[2]);
	if (!redis_in_one_shard(call, 2, 1))
		return false;
	for (;;) {
		c->starved = false;
		status = store_change(c->store, redis_shard(call, argv[1]),
		    copy, c);
		if (!c->starved)
			break;
		if (!store_enlarge_batch(c->store)) {
			status = SHM_FULL;
			break;
		}
	}
	if (status == SHM_OK || status == SHM_NO_KEY)
		return true;
	redis_store_error(call, status);
	return false;
}

static bool
rename_key(struct call *call, bool replace, enum outcome *outcome)
{
	struct copy c = { .move = true, .replace = replace };

	if (!run(call, &c))
		return false;
	*outcome = c.outcome;
	if (c.outcome != COPY_MISSING)
		return true;
	redis_error(call, "ERR", "no such key");
	return false;
}

void
redis_run_rename(struct call *call)
{
	enum outcome outcome;

	if (rename_key(call, true, &outcome))
		redis_ok(call);
}

void
redis_run_renamenx(struct call *call)
{
	enum outcome outcome;

	if (rename_key(call, false, &outcome))
		resp_put_integer(call->out, outcome == COPIED);
}

/* DB 0 is the only one. */
static bool
read_options(struct call *call, bool *replace)
{
	const struct slice *argv = call->req->argv;
	size_t i, argc = call->req->argc;
	int64_t db;

	for (i = 3; i < argc; i++) {
		if (redis_is(argv[i], "REPLACE")) {
			*replace = true;
		} else if (redis_is(argv[i], "DB") && i + 1 < argc) {
			if (!redis_int(call, argv[++i], &db))
				return false;
			if (db != 0) {
				redis_error(call, "ERR", "DB index is out of "
				    "range");
				return false;
			}
		} else {
			redis_syntax_error(call);
			return false;
		}
	}
	return true;
}

void
redis_run_copy(struct call *call)
{
	struct copy c = {
		.from = redis_bytes(call->req->argv[1]),
		.to = redis_bytes(call->req->argv[2])
	};

	if (!read_options(call, &c.replace))
		return;
	if (is_same(&c))
		redis_error(call, "ERR", "source and destination objects are "
		    "the same");
	else if (run(call, &c))
		resp_put_integer(call->out, c.outcome == COPIED);
}
