/*
 * Strings that are set, got and let go as a whole: SET and its older kin, and
 * GET's that change something.
 */

#include "server/redis_string.h"

#include "server/clock.h"
#include "server/event.h"

struct set {
	struct string_edit	 edit;
	struct bytes		 value;
	unsigned		 flags;
	uint64_t		 expires_ms;
	bool			 done;
	struct slice		 old;		/* with STRING_GET */
};

/* Of a time that is over nothing is left. */
static enum pair_verdict
put(const struct set *set, const struct pair_old *old, struct pair_new *new)
{
	new->value = set->value;
	new->expires_ms = (set->flags & STRING_KEEPTTL) != 0 ?
	    old->expires_ms : set->expires_ms;
	if (new->expires_ms != 0 && new->expires_ms <= clock_wall_ms()) {
		new->why = EVENT_PLAIN;
		return old->is_there ? PAIR_DELETE : PAIR_LEAVE;
	}
	new->why = set->expires_ms != 0 ? EVENT_SET_EXPIRE : EVENT_SET;
	return PAIR_PUT;
}

static enum pair_verdict
set(void *arg, const struct pair_old *old, struct pair_new *new)
{
	struct set *set = arg;

	set->old = (struct slice){ NULL, 0 };
	if ((set->flags & STRING_GET) != 0 && old->is_there)
		set->old = string_keep(set->edit.store, old->value);
	set->done = (set->flags & (old->is_there ? STRING_NX : STRING_XX)) ==
	    0;
	return set->done ? put(set, old, new) : PAIR_LEAVE;
}

/* A hash is replaced as well, but not got. */
static bool
run_set(struct call *call, struct set *s, struct slice value)
{
	s->value = redis_bytes(value);
	s->edit.pair.decide = set;
	s->edit.over_hash = (s->flags & STRING_GET) == 0;
	return string_edit(call, &s->edit);
}

void
redis_run_set(struct call *call)
{
	const unsigned allowed = STRING_NX | STRING_XX | STRING_GET |
	    STRING_KEEPTTL | STRING_TIMES;
	struct string_options chosen;
	const struct slice *argv = call->req->argv;
	struct set s = { .done = false };

	if (call->req->argc == 3 && string_set(call,
	    redis_shard(call, argv[1]), argv[1], argv[2])) {
		redis_ok(call);
		return;
	}
	if (!string_options(call, 3, allowed, &chosen) ||
	    !string_expiry(call, &chosen, &s.expires_ms))
		return;
	s.flags = chosen.flags;
	if (!run_set(call, &s, argv[2]))
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
	struct string_edit	 edit;
	struct slice		 value;
	uint64_t		 expires_ms;	/* of GETEX */
};

static bool
take_value(struct get *get, const struct pair_old *old)
{
	get->value = (struct slice){ NULL, 0 };
	if (old->is_there)
		get->value = string_keep(get->edit.store, old->value);
	return old->is_there;
}

static enum pair_verdict
get_and_delete(void *arg, const struct pair_old *old, struct pair_new *new)
{
	(void)new;
	return take_value(arg, old) ? PAIR_DELETE : PAIR_LEAVE;
}

void
redis_run_getdel(struct call *call)
{
	struct get get = { .edit.pair.decide = get_and_delete };

	if (string_edit(call, &get.edit))
		string_reply(call, get.value);
}

static enum pair_verdict
get_and_expire(void *arg, const struct pair_old *old, struct pair_new *new)
{
	struct get *get = arg;

	/* PERSIST changes nothing of what does not expire. */
	if (!take_value(get, old) ||
	    (get->expires_ms == 0 && old->expires_ms == 0))
		return PAIR_LEAVE;
	if (get->expires_ms != 0 && get->expires_ms <= clock_wall_ms())
		return PAIR_DELETE;
	new->value = old->value;
	new->expires_ms = get->expires_ms;
	new->why = get->expires_ms != 0 ? EVENT_EXPIRE : EVENT_PERSIST;
	return PAIR_PUT;
}

/* A time is looked at only if there is something to expire. */
void
redis_run_getex(struct call *call)
{
	const struct slice *argv = call->req->argv;
	struct get get = { .edit.pair.decide = get_and_expire };
	struct string_options chosen;

	if (!string_options(call, 2, STRING_PERSIST | STRING_TIMES, &chosen) ||
	    !string_read(call, argv[1], &get.value))
		return;
	if (get.value.data != NULL && chosen.flags != 0) {
		if (!string_expiry(call, &chosen, &get.expires_ms) ||
		    !string_edit(call, &get.edit))
			return;
	}
	string_reply(call, get.value);
}
