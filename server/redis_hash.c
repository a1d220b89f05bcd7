/*
 * Hashes: a hash is a bucket, its fields are the bucket's keys.  A bucket that
 * one of these commands makes goes with its last field.
 */

#include "server/redis.h"

struct set {			/* HSET */
	const struct request	*req;
	int64_t			 added;
	bool			 is_string;
};

static enum shm_status
set_fields(struct txn *t, void *arg)
{
	struct set *set = arg;
	const struct slice *argv = set->req->argv;
	struct bytes name = redis_bytes(argv[1]);
	enum shm_status status;
	struct txn_pair old;
	struct pair pair = { .expires_ms = 0 };
	size_t i;

	set->added = 0;
	set->is_string = redis_type_in(t, name) == REDIS_STRING;
	if (set->is_string)
		return SHM_NO_BUCKET;
	if ((status = txn_create(t, name, true)) != SHM_OK)
		return status;
	for (i = 2; i < set->req->argc; i += 2) {
		pair.key = redis_bytes(argv[i]);
		pair.value = redis_bytes(argv[i + 1]);
		set->added += txn_get(t, name, pair.key, &old) == SHM_NO_KEY;
		if ((status = txn_put(t, name, &pair)) != SHM_OK)
			return status;
	}
	return SHM_OK;
}

void
redis_run_hset(struct call *call)
{
	struct set set = { .req = call->req };
	enum shm_status status;

	if (call->req->argc % 2 != 0) {
		redis_wrong_arity(call);
		return;
	}
	if (!redis_change(call, call->req->argv[1], set_fields, &set,
	    &status))
		return;
	if (set.is_string)
		redis_wrong_type(call);
	else
		resp_put_integer(call->out, set.added);
}

void
redis_run_hget(struct call *call)
{
	const struct slice *argv = call->req->argv;
	struct slice value;

	switch (store_get(call->env->store, argv[1], argv[2], &value)) {
	case SHM_OK:
		resp_put_bulk(call->out, value);
		break;
	case SHM_NO_BUCKET:
		if (redis_type_of(call, argv[1]) == REDIS_STRING) {
			redis_wrong_type(call);
			break;
		}
		/* FALLTHROUGH */
	default:
		resp_put_null(call->out, redis_version(call));
		break;
	}
}
