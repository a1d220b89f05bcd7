/*
 * Strings: what is in them, and what their commands have in common.
 */

#include "server/redis_string.h"

#include <string.h>

#include "proto/number.h"
#include "shm/bucket.h"

static enum shm_status
look(struct call *call, struct slice name, struct slice *value)
{
	enum shm_status status;

	*value = (struct slice){ NULL, 0 };
	status = store_read(call->env->store, redis_shard(call, name),
	    REDIS_STRINGS, redis_bytes(name), value);
	return status == SHM_NO_BUCKET ? SHM_NO_KEY : status;
}

/* Twice, for the reason that redis_look() has. */
bool
string_read(struct call *call, struct slice name, struct slice *value)
{
	enum shm_status status;
	struct bucket_stat stat;
	int i;

	for (i = 0; i < 2; i++) {
		if ((status = look(call, name, value)) != SHM_NO_KEY)
			break;
		if (store_stat(call->env->store, name, &stat) == SHM_OK) {
			redis_wrong_type(call);
			return false;
		}
	}
	if (status == SHM_OK || status == SHM_NO_KEY)
		return true;
	redis_store_error(call, status);
	return false;
}

/* --- changes --- */

bool
string_replace(const struct call *call, uint32_t shard, struct slice name,
    struct slice value)
{
	const struct pair pair = {
		.key = redis_bytes(name), .value = redis_bytes(value)
	};
	struct pair_set set = { .replace = true };

	return store_set(call->env->store, shard, REDIS_STRINGS, &pair,
	    &set) == SHM_OK;
}

enum shm_status
string_find(struct txn *t, struct string_change *change)
{
	enum shm_status status = redis_find_in(t, change->name, &change->found);

	change->error = NULL;
	change->is_bucket = status == SHM_OK &&
	    change->found.type == REDIS_HASH;
	return change->is_bucket ? SHM_NO_KEY : status;
}

enum shm_status
string_refuse(struct string_change *change, const char *error)
{
	change->error = error;
	return SHM_NO_KEY;
}

bool
string_change(struct call *call, enum shm_status (*op)(struct txn *, void *),
    struct string_change *change)
{
	struct slice name = call->req->argv[1];
	enum shm_status status;

	change->store = call->env->store;
	change->name = redis_bytes(name);
	if (!redis_change(call, name, op, change, &status))
		return false;
	if (change->is_bucket)
		redis_wrong_type(call);
	else if (change->error != NULL)
		redis_error(call, "ERR", "%s", change->error);
	return !change->is_bucket && change->error == NULL;
}

bool
string_keep(struct txn *t, struct bytes value, struct slice *copy)
{
	copy->data = txn_keep(t, value.data, value.len);
	copy->len = value.len;
	return copy->data != NULL;
}

void
string_reply(struct call *call, struct slice value)
{
	if (value.data == NULL)
		resp_put_null(call->out, redis_version(call));
	else
		resp_put_bulk(call->out, value);
}

/* --- the commands that only read --- */

void
redis_run_get(struct call *call)
{
	struct slice value;

	if (string_read(call, call->req->argv[1], &value))
		string_reply(call, value);
}

void
redis_run_strlen(struct call *call)
{
	struct slice value;

	if (string_read(call, call->req->argv[1], &value))
		resp_put_integer(call->out, (int64_t)value.len);
}

/* From the end, if it is negative; not before the beginning. */
static int64_t
position(int64_t at, size_t len)
{
	if (at < 0)
		at += (int64_t)len;
	return at < 0 ? 0 : at;
}

/* Both ends are in it. */
static struct slice
range(struct slice value, int64_t first, int64_t last)
{
	const struct slice nothing = { (const uint8_t *)"", 0 };

	if (value.len == 0 || (first < 0 && last < 0 && first > last))
		return nothing;
	first = position(first, value.len);
	last = position(last, value.len);
	if (last >= (int64_t)value.len)
		last = (int64_t)value.len - 1;
	if (first > last)
		return nothing;
	return (struct slice){ value.data + first,
	    (size_t)(last - first + 1) };
}

void
redis_run_getrange(struct call *call)
{
	const struct slice *argv = call->req->argv;
	struct slice value;
	int64_t first, last;

	if (redis_integer(call, argv[2], &first) &&
	    redis_integer(call, argv[3], &last) &&
	    string_read(call, argv[1], &value))
		resp_put_bulk(call->out, range(value, first, last));
}
