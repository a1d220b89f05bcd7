/*
 * Strings: what is in them, and what their commands have in common.
 */

#include "server/redis_string.h"

#include <string.h>

#include "server/event.h"
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

enum pair_verdict
string_refuse(struct string_edit *edit, const char *error)
{
	edit->error = error;
	return PAIR_LEAVE;
}

struct slice
string_keep(const struct store *store, struct bytes value)
{
	if (value.len > 0)
		memcpy(store->value, value.data, value.len);
	return (struct slice){ store->value, value.len };
}

static enum shm_status
put(struct txn *t, const struct string_edit *edit,
    const struct redis_found *found, const struct pair_new *new)
{
	enum shm_status status = SHM_OK;

	if (found->type == REDIS_HASH)
		status = redis_remove(t, edit->name, found);
	if (status != SHM_OK)
		return status;
	if (found->type == REDIS_STRING &&
	    new->value.data == found->string.value.data)
		return redis_put_again(t, edit->store, edit->name,
		    &found->string, new->expires_ms);
	return redis_put(t, edit->name, new->value, new->expires_ms);
}

static enum shm_status
change(struct txn *t, void *arg)
{
	struct string_edit *edit = arg;
	struct pair_new new = { .why = 0 };
	struct redis_found found;
	enum shm_status status;

	if ((status = redis_find_in(t, edit->name, &found)) != SHM_OK)
		return status;
	edit->is_hash = found.type == REDIS_HASH && !edit->over_hash;
	if (edit->is_hash)
		return SHM_NO_KEY;
	switch (redis_decide(t, &edit->pair, &found, &new)) {
	case PAIR_LEAVE:
		break;
	case PAIR_PUT:
		return put(t, edit, &found, &new);
	case PAIR_DELETE:
		return redis_remove(t, edit->name, &found);
	}
	return SHM_NO_KEY;
}

bool
string_edit(struct call *call, struct string_edit *edit)
{
	struct slice name = call->req->argv[1];
	enum shm_status status;

	edit->pair.arg = edit;
	edit->store = call->env->store;
	edit->name = redis_bytes(name);
	edit->is_hash = false;
	edit->error = NULL;
	status = redis_edit(call, name, &edit->pair, change, edit);
	if (!redis_is_well(call, status))
		return false;
	if (edit->is_hash)
		redis_wrong_type(call);
	else if (edit->error != NULL)
		redis_error(call, "ERR", "%s", edit->error);
	return !edit->is_hash && edit->error == NULL;
}

static enum pair_verdict
set(void *arg, const struct pair_old *old, struct pair_new *new)
{
	(void)old;
	new->value = redis_bytes(*(const struct slice *)arg);
	new->why = EVENT_SET;
	return PAIR_PUT;
}

bool
string_set(const struct call *call, uint32_t shard, struct slice name,
    struct slice value)
{
	struct pair_edit pair = { .decide = set, .arg = &value };

	return store_edit(call->env->store, shard, REDIS_STRINGS,
	    redis_bytes(name), &pair) == SHM_OK;
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
