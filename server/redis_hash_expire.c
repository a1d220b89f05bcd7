/*
 * Hashes: fields that expire.
 *
 * A field's time is a part of its record, so to set it is to set the field
 * anew.  A time that is past deletes the field, which others then see as just
 * that.
 */

#include <stdlib.h>

#include "server/clock.h"
#include "server/event.h"
#include "server/redis_hash.h"
#include "server/redis_key.h"

/* No later than Redis can say. */
#define AT_MAX_MS	INT64_C(0x3fffffffffff)

/* Answers for a field. */
#define NO_FIELD	(-2)
#define NO_EXPIRY	(-1)
#define NOT_MET		0
#define CHANGED		1
#define DELETED		2

/* --- words --- */

bool
hash_fields(struct call *call, size_t at, const char *bad_number,
    size_t *first)
{
	const struct request *req = call->req;
	int64_t n;

	if (at >= req->argc || !redis_is(req->argv[at], "FIELDS")) {
		redis_error(call, "ERR", "Mandatory argument FIELDS is "
		    "missing or not at the right position");
		return false;
	}
	if (at + 1 >= req->argc) {
		redis_wrong_arity(call);
		return false;
	}
	if (!number_parse_int(req->argv[at + 1], &n) || n < 1) {
		redis_error(call, "ERR", "%s", bad_number);
		return false;
	}
	*first = at + 2;
	if ((uint64_t)n == req->argc - *first)
		return true;
	redis_error(call, "ERR", "The `numfields` parameter must match the "
	    "number of arguments");
	return false;
}

bool
hash_clock_of(struct slice word, enum hash_clock *clock)
{
	static const char *const words[] = {
		[HASH_SECONDS] = "EX", [HASH_MS] = "PX",
		[HASH_AT_SECONDS] = "EXAT", [HASH_AT_MS] = "PXAT"
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (redis_is(word, words[i])) {
			*clock = (enum hash_clock)i;
			return true;
		}
	return false;
}

bool
hash_expiry_parse(struct call *call, struct slice word, enum hash_clock clock,
    struct hash_expiry *expiry)
{
	bool in_ms = clock == HASH_MS || clock == HASH_AT_MS;
	int64_t n, base = 0;

	if (!redis_integer(call, word, &n))
		return false;
	if (n < 0) {
		redis_error(call, "ERR", "invalid expire time, must be >= 0");
		return false;
	}
	if (clock == HASH_SECONDS || clock == HASH_MS)
		base = (int64_t)clock_wall_ms();
	if (n > (in_ms ? AT_MAX_MS : AT_MAX_MS / 1000) ||
	    (n *= in_ms ? 1 : 1000) > AT_MAX_MS - base) {
		redis_invalid_time(call);
		return false;
	}
	*expiry = (struct hash_expiry){ true, (uint64_t)(n + base) };
	return true;
}

/* --- set --- */

bool
hash_is_past(const struct hash_expiry *expiry)
{
	return expiry->is_given && expiry->at_ms <= clock_wall_ms();
}

enum shm_status
hash_expire_field(struct txn *t, struct bytes name, struct bytes field,
    const struct txn_pair *found, const struct hash_expiry *expiry)
{
	struct pair pair = {
		.key = field,
		.expires_ms = expiry->is_given ? expiry->at_ms : 0
	};

	txn_because(t, expiry->is_given ? EVENT_EXPIRE : EVENT_PERSIST);
	if (hash_is_past(expiry))
		return txn_delete(t, name, field);
	pair.value.len = found->value.len;
	pair.value.data = txn_keep(t, found->value.data, found->value.len);
	return pair.value.data == NULL ? SHM_NO_ROOM : txn_put(t, name, &pair);
}

enum condition { ALWAYS, NX, XX, GT, LT };

struct expire {			/* HEXPIRE and its like, HPERSIST */
	const struct slice	*fields;
	size_t			 n;
	struct hash_expiry	 expiry;	/* not given: HPERSIST */
	enum condition		 condition;
	int64_t			*answers;	/* n */
};

static bool
is_met(const struct expire *e, uint64_t old_ms)
{
	switch (e->condition) {
	case ALWAYS:
		return true;
	case NX:
		return old_ms == 0;
	case XX:
		return old_ms != 0;
	case GT:
		return old_ms != 0 && e->expiry.at_ms > old_ms;
	case LT:
		return old_ms == 0 || e->expiry.at_ms < old_ms;
	}
	return false;
}

static enum shm_status
expire_one(struct txn *t, struct bytes name, const struct expire *e, size_t i)
{
	struct bytes field = redis_bytes(e->fields[i]);
	enum shm_status status;
	struct txn_pair found;

	status = txn_get(t, name, field, &found);
	if (status == SHM_NO_KEY || status == SHM_NO_BUCKET) {
		e->answers[i] = NO_FIELD;
		return SHM_OK;
	}
	if (status != SHM_OK)
		return status;
	e->answers[i] = e->expiry.is_given ? NOT_MET : NO_EXPIRY;
	if (e->expiry.is_given ? !is_met(e, found.expires_ms) :
	    found.expires_ms == 0)
		return SHM_OK;
	e->answers[i] = hash_is_past(&e->expiry) ? DELETED : CHANGED;
	return hash_expire_field(t, name, field, &found, &e->expiry);
}

static enum shm_status
expire_fields(struct txn *t, struct bytes name, void *arg)
{
	const struct expire *e = arg;
	enum shm_status status = SHM_OK;
	size_t i;

	for (i = 0; i < e->n && status == SHM_OK; i++)
		status = expire_one(t, name, e, i);
	return status;
}

static void
put_numbers(struct call *call, const int64_t *numbers, size_t n)
{
	size_t i;

	resp_put_list(call->out, redis_version(call), RESP_ARRAY, n);
	for (i = 0; i < n; i++)
		resp_put_integer(call->out, numbers[i]);
}

static void
expire_from(struct call *call, size_t first, struct expire *e)
{
	enum shm_status status;

	e->fields = call->req->argv + first;
	e->n = call->req->argc - first;
	e->answers = calloc(e->n, sizeof(*e->answers));
	if (e->answers == NULL)
		redis_store_error(call, SHM_FULL);
	else if (hash_change(call, expire_fields, e, &status))
		put_numbers(call, e->answers, e->n);
	free(e->answers);
}

static enum condition
condition_of(struct slice word)
{
	static const char *const words[] = {
		[NX] = "NX", [XX] = "XX", [GT] = "GT", [LT] = "LT"
	};
	enum condition c;

	for (c = NX; c <= LT; c++)
		if (redis_is(word, words[c]))
			return c;
	return ALWAYS;
}

static void
expire(struct call *call, enum hash_clock clock)
{
	const struct slice *argv = call->req->argv;
	struct expire e = { .condition = condition_of(argv[3]) };
	size_t first;

	if (!hash_is_string(call) &&
	    hash_expiry_parse(call, argv[2], clock, &e.expiry) &&
	    hash_fields(call, e.condition == ALWAYS ? 3 : 4, "Parameter "
	    "`numFields` should be greater than 0", &first))
		expire_from(call, first, &e);
}

void
redis_run_hexpire(struct call *call)
{
	expire(call, HASH_SECONDS);
}

void
redis_run_hpexpire(struct call *call)
{
	expire(call, HASH_MS);
}

void
redis_run_hexpireat(struct call *call)
{
	expire(call, HASH_AT_SECONDS);
}

void
redis_run_hpexpireat(struct call *call)
{
	expire(call, HASH_AT_MS);
}

void
redis_run_hpersist(struct call *call)
{
	struct expire e = { .condition = ALWAYS };
	size_t first;

	if (!hash_is_string(call) &&
	    hash_fields(call, 2, HASH_BAD_NUMBER, &first))
		expire_from(call, first, &e);
}

/* --- ask --- */

static int64_t
time_of(const struct pair_facts *facts, enum hash_clock clock)
{
	int64_t ms = (int64_t)facts->expires_ms;

	if (ms == 0)
		return NO_EXPIRY;
	if (clock == HASH_SECONDS || clock == HASH_MS)
		ms -= (int64_t)clock_wall_ms();
	/* It was there a moment ago. */
	if (ms < 0)
		ms = 0;
	return clock == HASH_MS || clock == HASH_AT_MS ? ms :
	    (ms + 999) / 1000;
}

static void
put_times(struct call *call, size_t first, enum hash_clock clock)
{
	const struct request *req = call->req;
	struct pair_facts facts;
	size_t i;

	resp_put_list(call->out, redis_version(call), RESP_ARRAY,
	    req->argc - first);
	for (i = first; i < req->argc; i++)
		resp_put_integer(call->out, hash_look(call, req->argv[i],
		    &facts) == SHM_OK ? time_of(&facts, clock) : NO_FIELD);
}

static void
ask(struct call *call, enum hash_clock clock)
{
	size_t first;

	if (!hash_is_string(call) &&
	    hash_fields(call, 2, HASH_BAD_NUMBER, &first))
		put_times(call, first, clock);
}

void
redis_run_httl(struct call *call)
{
	ask(call, HASH_SECONDS);
}

void
redis_run_hpttl(struct call *call)
{
	ask(call, HASH_MS);
}

void
redis_run_hexpiretime(struct call *call)
{
	ask(call, HASH_AT_SECONDS);
}

void
redis_run_hpexpiretime(struct call *call)
{
	ask(call, HASH_AT_MS);
}
