/*
 * Commands of the text protocol that Redis does not have: buckets by their own
 * name.  They mean here what they mean there, and answer in the types of RESP;
 * GET, KEYS, MGET and SUBSCRIBE are those of Redis.
 *
 * A bucket that was made by CREATE stays when it is empty.
 */

#include "server/redis.h"

static void
answer(struct call *call, enum shm_status status)
{
	struct slice name = call->req->argv[1];

	if (status == SHM_OK)
		redis_ok(call);
	else if (status == SHM_NOT_A_BUCKET || (status == SHM_NO_BUCKET &&
	    redis_type_of(call, name) == REDIS_STRING))
		redis_wrong_type(call);
	else if (status == SHM_NO_BUCKET)
		redis_error(call, "ERR", "no such bucket");
	else
		redis_store_error(call, status);
}

void
redis_run_create(struct call *call)
{
	answer(call, store_create(call->env->store, call->req->argv[1]));
}

void
redis_run_drop(struct call *call)
{
	answer(call, store_drop(call->env->store, call->req->argv[1]));
}

void
redis_run_put(struct call *call)
{
	const struct slice *argv = call->req->argv;

	answer(call, store_put(call->env->store, argv[1], argv[2], argv[3]));
}

void
redis_run_mput(struct call *call)
{
	const struct request *req = call->req;

	if (req->argc % 2 != 0)
		redis_wrong_arity(call);
	else
		answer(call, store_put_many(call->env->store, req->argv[1],
		    req->argv + 2, req->argc - 2));
}

void
redis_run_delete(struct call *call)
{
	const struct slice *argv = call->req->argv;
	enum shm_status status;

	status = store_delete(call->env->store, argv[1], argv[2]);
	answer(call, status == SHM_NO_KEY ? SHM_OK : status);
}

void
redis_run_count(struct call *call)
{
	struct bucket_stat stat;
	enum shm_status status;

	status = store_stat(call->env->store, call->req->argv[1], &stat);
	if (status == SHM_OK)
		resp_put_integer(call->out, (int64_t)stat.keys);
	else
		answer(call, status);
}
