/*
 * Hashes: fields that are named, read without a lock.
 */

#include "server/redis_hash.h"

void
hash_moment_begin(const struct call *call, struct hash_moment *moment)
{
	moment->status = hash_stat(call, &moment->stat);
}

bool
hash_moment_lasts(const struct call *call, const struct hash_moment *moment)
{
	struct hash_moment now;

	hash_moment_begin(call, &now);
	return now.status == moment->status && (now.status != SHM_OK ||
	    (now.stat.id == moment->stat.id &&
	    now.stat.created == moment->stat.created &&
	    now.stat.revision == moment->stat.revision));
}

void
redis_run_hget(struct call *call)
{
	enum shm_status status;
	struct slice value;

	status = hash_get(call, call->req->argv[2], &value);
	if (status == SHM_OK)
		resp_put_bulk(call->out, value);
	else if (hash_lacks(call, status))
		resp_put_null(call->out, redis_version(call));
}

/* One after the other; false if something is wrong with the store. */
static bool
put_values(struct call *call)
{
	const struct request *req = call->req;
	enum shm_status status;
	struct slice value;
	size_t i;

	resp_put_list(call->out, redis_version(call), RESP_ARRAY,
	    req->argc - 2);
	for (i = 2; i < req->argc; i++) {
		status = hash_get(call, req->argv[i], &value);
		if (status == SHM_OK)
			resp_put_bulk(call->out, value);
		else if (status == SHM_DAMAGED)
			return false;
		else
			resp_put_null(call->out, redis_version(call));
	}
	return true;
}

void
redis_run_hmget(struct call *call)
{
	size_t mark = outbuf_len(call->out);
	struct hash_moment moment;
	unsigned tries;

	for (tries = 0; tries < HASH_TRIES; tries++) {
		hash_moment_begin(call, &moment);
		if (moment.status != SHM_OK && !hash_lacks(call,
		    moment.status))
			return;
		if (put_values(call) && hash_moment_lasts(call, &moment))
			return;
		outbuf_truncate(call->out, mark);
	}
	hash_get_fields(call, 2, HASH_LEAVE, NULL);
}

void
redis_run_hlen(struct call *call)
{
	struct bucket_stat stat;
	enum shm_status status;

	status = hash_stat(call, &stat);
	if (status == SHM_OK)
		resp_put_integer(call->out, (int64_t)stat.keys);
	else if (hash_lacks(call, status))
		resp_put_integer(call->out, 0);
}

/* A number, 0 if there is no such field. */
static void
put_fact(struct call *call, bool is_len)
{
	struct pair_facts facts;
	enum shm_status status;

	status = hash_look(call, call->req->argv[2], &facts);
	if (status == SHM_OK)
		resp_put_integer(call->out, is_len ? (int64_t)facts.len : 1);
	else if (hash_lacks(call, status))
		resp_put_integer(call->out, 0);
}

void
redis_run_hexists(struct call *call)
{
	put_fact(call, false);
}

void
redis_run_hstrlen(struct call *call)
{
	put_fact(call, true);
}
