/*
 * Strings that are set, got and let go as a whole: SET and its older kin, and
 * GET's that change something.
 */

#include "server/redis_string.h"

#include "server/clock.h"
#include "server/event.h"

struct set {
	struct string_change	 change;
	struct bytes		 value;
	unsigned		 flags;
	uint64_t		 expires_ms;
	bool			 done;
	struct slice		 old;		/* with STRING_GET */
};

/* Of a time that is over nothing is left. */
static enum shm_status
put(struct txn *t, struct set *set, const struct redis_found *found)
{
	uint64_t expires_ms = (set->flags & STRING_KEEPTTL) != 0 ?
	    redis_found_expires(found) : set->expires_ms;
	enum shm_status status = SHM_OK;
	bool over = expires_ms != 0 && expires_ms <= clock_wall_ms();

	txn_because(t, over ? EVENT_PLAIN : set->expires_ms != 0 ?
	    EVENT_SET_EXPIRE : EVENT_SET);
	if (found->type == REDIS_HASH || over)
		status = redis_remove(t, set->change.name, found);
	if (status != SHM_OK || over)
		return status;
	return redis_put(t, set->change.name, set->value, expires_ms);
}

static enum shm_status
set(struct txn *t, void *arg)
{
	struct set *set = arg;
	struct string_change *change = &set->change;
	const struct redis_found *found = &change->found;
	enum shm_status status;

	set->done = false;
	set->old = (struct slice){ NULL, 0 };
	status = string_find(t, change);
	if ((set->flags & STRING_GET) != 0 && change->is_bucket)
		return status;
	if (status != SHM_OK && !change->is_bucket)
		return status;
	change->is_bucket = false;	/* it would be replaced */
	if ((set->flags & STRING_GET) != 0 && found->type == REDIS_STRING &&
	    !string_keep(t, found->string.value, &set->old))
		return SHM_NO_ROOM;
	if ((set->flags & (found->type == REDIS_NONE ? STRING_XX :
	    STRING_NX)) != 0)
		return SHM_NO_KEY;
	set->done = true;
	return put(t, set, found);
}

static bool
run_set(struct call *call, struct set *s, struct slice value)
{
	s->value = redis_bytes(value);
	return string_change(call, set, &s->change);
}

void
redis_run_set(struct call *call)
{
	const unsigned allowed = STRING_NX | STRING_XX | STRING_GET |
	    STRING_KEEPTTL | STRING_TIMES;
	struct string_options chosen;
	const struct slice *argv = call->req->argv;
	struct set s = { .done = false };

	if (call->req->argc == 3 && string_replace(call,
	    redis_shard(call, argv[1]), argv[1], argv[2])) {
		redis_ok(call);
		return;
	}
	if (!string_options(call, 3, allowed, &chosen) ||
	    !string_expiry(call, &chosen, &s.expires_ms))
		return;
	s.flags = chosen.flags;
	if (!run_set(call, &s, call->req->argv[2]))
		return;
	if ((s.flags & STRING_GET) != 0)
		string_reply(call, s.old);
	else if (s.done)
		redis_ok(call);
	else
		resp_put_null(call->out, redis_version(call));
}

void
redis_run_setnx(struct call *call)
{
	struct set s = { .flags = STRING_NX };

	if (run_set(call, &s, call->req->argv[2]))
		resp_put_integer(call->out, s.done);
}

static void
run_setex(struct call *call, unsigned flag)
{
	const struct string_options chosen = {
		.flags = flag, .time = call->req->argv[2]
	};
	struct set s = { .done = false };

	if (string_expiry(call, &chosen, &s.expires_ms) &&
	    run_set(call, &s, call->req->argv[3]))
		redis_ok(call);
}

void
redis_run_setex(struct call *call)
{
	run_setex(call, STRING_EX);
}

void
redis_run_psetex(struct call *call)
{
	run_setex(call, STRING_PX);
}

void
redis_run_getset(struct call *call)
{
	struct set s = { .flags = STRING_GET };

	if (run_set(call, &s, call->req->argv[2]))
		string_reply(call, s.old);
}

/* --- GETDEL, GETEX --- */

struct get {
	struct string_change	 change;
	struct slice		 value;
	unsigned		 flags;		/* of GETEX */
	uint64_t		 expires_ms;
};

static enum shm_status
find_value(struct txn *t, struct get *get)
{
	enum shm_status status = string_find(t, &get->change);

	get->value = (struct slice){ NULL, 0 };
	if (status != SHM_OK || get->change.found.type == REDIS_NONE)
		return status != SHM_OK ? status : SHM_NO_KEY;
	if (!string_keep(t, get->change.found.string.value, &get->value))
		return SHM_NO_ROOM;
	return SHM_OK;
}

static enum shm_status
get_and_delete(struct txn *t, void *arg)
{
	struct get *get = arg;
	enum shm_status status = find_value(t, get);

	if (status != SHM_OK)
		return status;
	return txn_delete(t, REDIS_STRINGS, get->change.name);
}

void
redis_run_getdel(struct call *call)
{
	struct get get = { .flags = 0 };

	if (string_change(call, get_and_delete, &get.change))
		string_reply(call, get.value);
}

static enum shm_status
get_and_expire(struct txn *t, void *arg)
{
	struct get *get = arg;
	enum shm_status status = find_value(t, get);

	if (status != SHM_OK)
		return status;
	/* PERSIST changes nothing of what does not expire. */
	if (get->expires_ms == 0 && get->change.found.string.expires_ms == 0)
		return SHM_NO_KEY;
	if (get->expires_ms != 0 && get->expires_ms <= clock_wall_ms())
		return txn_delete(t, REDIS_STRINGS, get->change.name);
	txn_because(t, get->expires_ms != 0 ? EVENT_EXPIRE : EVENT_PERSIST);
	return redis_put(t, get->change.name, redis_bytes(get->value),
	    get->expires_ms);
}

/* A time is looked at only if there is something to expire. */
void
redis_run_getex(struct call *call)
{
	const struct slice *argv = call->req->argv;
	struct get get = { .flags = 0 };
	struct string_options chosen;

	if (!string_options(call, 2, STRING_PERSIST | STRING_TIMES, &chosen) ||
	    !string_read(call, argv[1], &get.value))
		return;
	if (get.value.data != NULL && chosen.flags != 0) {
		if (!string_expiry(call, &chosen, &get.expires_ms) ||
		    !string_change(call, get_and_expire, &get.change))
			return;
	}
	string_reply(call, get.value);
}
