/*
 * Names, whatever is behind them: are they there, what are they, and let them
 * be no more.
 */

#include "server/redis_key.h"

#include <string.h>

#include "shm/bucket.h"

/*
 * Looked for twice: one that is made a string of a bucket, or the other way
 * round, between two looks of ours was there all the time.
 */
enum redis_type
redis_look(const struct call *call, struct slice name, uint64_t *expires_ms)
{
	struct store *store = call->env->store;
	uint32_t shard = redis_shard(call, name);
	struct pair_facts string;
	struct bucket_stat stat;
	enum shm_status status;
	int i;

	for (i = 0; i < 2; i++) {
		if (store_stat(store, name, &stat) == SHM_OK) {
			*expires_ms = stat.expires_ms;
			return REDIS_HASH;
		}
		status = store_look(store, shard, REDIS_STRINGS,
		    redis_bytes(name), NULL, 0, &string);
		if (status == SHM_OK || status == SHM_NO_ROOM) {
			*expires_ms = string.expires_ms;
			return REDIS_STRING;
		}
	}
	return REDIS_NONE;
}

/* --- in a transaction --- */

enum shm_status
redis_find_in(struct txn *t, struct bytes name, struct redis_found *found)
{
	enum shm_status status;

	found->type = REDIS_STRING;
	status = txn_get(t, REDIS_STRINGS, name, &found->string);
	if (status != SHM_NO_KEY && status != SHM_NO_BUCKET)
		return status;
	found->type = REDIS_NONE;
	if (name.len == 0 || name.len > BUCKET_NAME_MAX)
		return SHM_OK;
	status = txn_look(t, name, &found->bucket);
	if (status == SHM_OK)
		found->type = REDIS_HASH;
	return status == SHM_NO_BUCKET ? SHM_OK : status;
}

enum shm_status
redis_remove(struct txn *t, struct bytes name, const struct redis_found *found)
{
	switch (found->type) {
	case REDIS_STRING:
		return txn_delete(t, REDIS_STRINGS, name);
	case REDIS_HASH:
		return txn_drop(t, name);
	case REDIS_NONE:
		break;
	}
	return SHM_OK;
}

enum pair_verdict
redis_decide(struct txn *t, const struct pair_edit *edit,
    const struct redis_found *found, struct pair_new *new)
{
	const struct pair_old old = {
		.is_there = found->type != REDIS_NONE,
		.value = found->type == REDIS_STRING ? found->string.value :
		    (struct bytes){ NULL, 0 },
		.expires_ms = redis_found_expires(found)
	};
	enum pair_verdict verdict = edit->decide(edit->arg, &old, new);

	txn_because(t, new->why);
	return verdict;
}

/* The bucket of strings is made with the first one, and stays. */
enum shm_status
redis_put(struct txn *t, struct bytes name, struct bytes value,
    uint64_t expires_ms)
{
	const struct pair pair = {
		.key = name, .value = value, .expires_ms = expires_ms
	};
	enum shm_status status = txn_put(t, REDIS_STRINGS, &pair);

	if (status != SHM_NO_BUCKET)
		return status;
	if ((status = txn_create(t, REDIS_STRINGS, false)) != SHM_OK)
		return status;
	return txn_put(t, REDIS_STRINGS, &pair);
}

enum shm_status
redis_put_again(struct txn *t, struct store *store, struct bytes name,
    const struct txn_pair *string, uint64_t expires_ms)
{
	if (string->value.len > 0)
		memcpy(store->value, string->value.data, string->value.len);
	return redis_put(t, name, (struct bytes){ store->value,
	    string->value.len }, expires_ms);
}

/* --- the commands --- */

static enum shm_status
remove_part(struct txn *t, void *arg)
{
	struct redis_part *part = arg;
	struct redis_found found;
	enum shm_status status = SHM_OK;
	struct bytes name;
	size_t i;

	for (i = part->first; i != 0 && status == SHM_OK; i = part->next[i]) {
		name = redis_bytes(part->argv[i]);
		if ((status = redis_find_in(t, name, &found)) != SHM_OK)
			break;
		part->count += found.type != REDIS_NONE;
		status = redis_remove(t, name, &found);
	}
	return status;
}

static bool
remove_string(const struct call *call, uint32_t shard, struct redis_part *part)
{
	return part->next[part->first] == 0 && redis_remove_pair(call, shard,
	    REDIS_STRINGS, part->argv[part->first], &part->count);
}

void
redis_run_del(struct call *call)
{
	const struct redis_visit visit = {
		.step = 1, .op = remove_part, .quick = remove_string
	};
	int64_t removed;

	if (redis_each_shard(call, &visit, &removed))
		resp_put_integer(call->out, removed);
}

static enum shm_status
count_part(struct txn *t, void *arg)
{
	struct redis_part *part = arg;
	struct redis_found found;
	enum shm_status status;
	size_t i;

	for (i = part->first; i != 0; i = part->next[i]) {
		status = redis_find_in(t, redis_bytes(part->argv[i]), &found);
		if (status != SHM_OK)
			return status;
		part->count += found.type != REDIS_NONE;
	}
	return SHM_NO_KEY;	/* nothing has changed */
}

/* TOUCH as well: when a key was used is not written down. */
void
redis_run_exists(struct call *call)
{
	const struct redis_visit visit = { .step = 1, .op = count_part };
	int64_t found;

	if (call->req->argc == 2)
		resp_put_integer(call->out, redis_type_of(call,
		    call->req->argv[1]) != REDIS_NONE);
	else if (redis_each_shard(call, &visit, &found))
		resp_put_integer(call->out, found);
}

void
redis_run_type(struct call *call)
{
	static const char *const types[] = {
		[REDIS_NONE] = "none",
		[REDIS_STRING] = "string",
		[REDIS_HASH] = "hash"
	};

	resp_put_simple(call->out,
	    types[redis_type_of(call, call->req->argv[1])]);
}
