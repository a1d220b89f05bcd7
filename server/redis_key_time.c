/*
 * When names expire: said, asked, and called off.
 */

#include "server/redis_key.h"

#include <ctype.h>
#include <string.h>

#include "server/clock.h"
#include "server/event.h"

/* --- times in words --- */

void
redis_invalid_time(struct call *call)
{
	char name[16];
	size_t i;

	strlcpy(name, call->redis->name, sizeof(name));
	for (i = 0; name[i] != '\0'; i++)
		name[i] = (char)tolower((unsigned char)name[i]);
	redis_error(call, "ERR", "invalid expire time in '%s' command", name);
}

bool
redis_time(struct call *call, struct slice word, struct redis_clock clock,
    int64_t *ms)
{
	int64_t now_ms = clock.absolute ? 0 : (int64_t)clock_wall_ms();

	if (!redis_integer(call, word, ms))
		return false;
	if ((clock.seconds && __builtin_mul_overflow(*ms, 1000, ms)) ||
	    __builtin_add_overflow(*ms, now_ms, ms)) {
		redis_invalid_time(call);
		return false;
	}
	return true;
}

/* --- EXPIRE and its like --- */

enum {
	ONLY_NEW = 1,		/* NX: if it does not expire */
	ONLY_OLD = 2,		/* XX: if it does */
	ONLY_LATER = 4,		/* GT: never is later than all */
	ONLY_SOONER = 8		/* LT */
};

struct expire {
	struct pair_edit	 edit;
	struct store		*store;
	struct bytes		 name;
	unsigned		 only;
	int64_t			 ms;
	bool			 done;
};

static bool
read_condition(struct call *call, struct slice word, unsigned *only)
{
	static const char *const names[] = { "NX", "XX", "GT", "LT" };
	size_t i;

	for (i = 0; i < 4; i++)
		if (redis_is(word, names[i])) {
			*only |= 1U << i;
			return true;
		}
	redis_error(call, "ERR", "Unsupported option %.*s",
	    word.len < 128 ? (int)word.len : 128, word.data);
	return false;
}

static bool
read_conditions(struct call *call, unsigned *only)
{
	const unsigned both = ONLY_LATER | ONLY_SOONER;
	size_t i;

	for (i = 3; i < call->req->argc; i++)
		if (!read_condition(call, call->req->argv[i], only))
			return false;
	if ((*only & ONLY_NEW) != 0 && (*only & ~(unsigned)ONLY_NEW) != 0) {
		redis_error(call, "ERR", "NX and XX, GT or LT options at the "
		    "same time are not compatible");
		return false;
	}
	if ((*only & both) == both) {
		redis_error(call, "ERR", "GT and LT options at the same time "
		    "are not compatible");
		return false;
	}
	return true;
}

static bool
is_allowed(const struct expire *e, uint64_t before_ms)
{
	int64_t before = (int64_t)before_ms;

	if ((e->only & ONLY_NEW) != 0 && before != 0)
		return false;
	if ((e->only & ONLY_OLD) != 0 && before == 0)
		return false;
	if ((e->only & ONLY_LATER) != 0 && (before == 0 || e->ms <= before))
		return false;
	return (e->only & ONLY_SOONER) == 0 || before == 0 || e->ms < before;
}

/* What expires in the past goes at once. */
static enum pair_verdict
expire(void *arg, const struct pair_old *old, struct pair_new *new)
{
	struct expire *e = arg;

	e->done = old->is_there && is_allowed(e, old->expires_ms);
	if (!e->done)
		return PAIR_LEAVE;
	if (e->ms <= (int64_t)clock_wall_ms())
		return PAIR_DELETE;
	new->value = old->value;
	new->expires_ms = (uint64_t)e->ms;
	new->why = EVENT_EXPIRE;
	return PAIR_PUT;
}

static enum pair_verdict
persist(void *arg, const struct pair_old *old, struct pair_new *new)
{
	struct expire *e = arg;

	e->done = old->expires_ms != 0;
	new->value = old->value;
	new->why = EVENT_PERSIST;
	return e->done ? PAIR_PUT : PAIR_LEAVE;
}

static enum shm_status
put_again(struct txn *t, const struct expire *e,
    const struct redis_found *found, const struct pair_new *new)
{
	if (found->type == REDIS_HASH)
		return txn_expire(t, e->name, new->expires_ms);
	return redis_put_again(t, e->store, e->name, &found->string,
	    new->expires_ms);
}

/* The same of whatever has that name. */
static enum shm_status
change(struct txn *t, void *arg)
{
	const struct expire *e = arg;
	struct pair_new new = { .why = 0 };
	struct redis_found found;
	enum shm_status status;

	if ((status = redis_find_in(t, e->name, &found)) != SHM_OK)
		return status;
	switch (redis_decide(t, &e->edit, &found, &new)) {
	case PAIR_LEAVE:
		break;
	case PAIR_PUT:
		return put_again(t, e, &found, &new);
	case PAIR_DELETE:
		return redis_remove(t, e->name, &found);
	}
	return SHM_NO_KEY;
}

static void
run(struct call *call, struct expire *e)
{
	struct slice name = call->req->argv[1];
	enum shm_status status;

	e->edit.arg = e;
	e->store = call->env->store;
	e->name = redis_bytes(name);
	status = redis_edit(call, name, &e->edit, change, e);
	if (redis_is_well(call, status))
		resp_put_integer(call->out, e->done);
}

static void
run_expire(struct call *call, struct redis_clock clock)
{
	const struct slice *argv = call->req->argv;
	struct expire e = { .edit.decide = expire };

	if (read_conditions(call, &e.only) &&
	    redis_time(call, argv[2], clock, &e.ms))
		run(call, &e);
}

void
redis_run_expire(struct call *call)
{
	run_expire(call, (struct redis_clock){ .seconds = true });
}

void
redis_run_pexpire(struct call *call)
{
	run_expire(call, (struct redis_clock){ .seconds = false });
}

void
redis_run_expireat(struct call *call)
{
	run_expire(call, (struct redis_clock){
		.seconds = true, .absolute = true
	});
}

void
redis_run_pexpireat(struct call *call)
{
	run_expire(call, (struct redis_clock){ .absolute = true });
}

void
redis_run_persist(struct call *call)
{
	struct expire e = { .edit.decide = persist };

	run(call, &e);
}

/* --- TTL and its like --- */

/* Seconds are rounded. */
static void
run_ttl(struct call *call, struct redis_clock clock)
{
	int64_t ms, now_ms = clock.absolute ? 0 : (int64_t)clock_wall_ms();
	uint64_t expires_ms;

	if (redis_look(call, call->req->argv[1], &expires_ms) == REDIS_NONE) {
		resp_put_integer(call->out, -2);
		return;
	}
	if (expires_ms == 0) {
		resp_put_integer(call->out, -1);
		return;
	}
	ms = (int64_t)expires_ms > now_ms ? (int64_t)expires_ms - now_ms : 0;
	resp_put_integer(call->out, clock.seconds ? ms / 1000 +
	    (ms % 1000 >= 500) : ms);
}

void
redis_run_ttl(struct call *call)
{
	run_ttl(call, (struct redis_clock){ .seconds = true });
}

void
redis_run_pttl(struct call *call)
{
	run_ttl(call, (struct redis_clock){ .seconds = false });
}

void
redis_run_expiretime(struct call *call)
{
	run_ttl(call, (struct redis_clock){
		.seconds = true, .absolute = true
	});
}

void
redis_run_pexpiretime(struct call *call)
{
	run_ttl(call, (struct redis_clock){ .absolute = true });
}
