/*
 * Strings that are changed in part: numbers that are added to, and bytes that
 * are put behind others or over them.  When they expire stays as it is.
 */

#include "server/redis_string.h"

#include <math.h>
#include <string.h>

#include "proto/number.h"
#include "server/event.h"

static struct slice
text_of(const struct redis_found *found)
{
	if (found->type != REDIS_STRING)
		return (struct slice){ NULL, 0 };
	return (struct slice){ found->string.value.data,
	    found->string.value.len };
}

static enum shm_status
put_back(struct txn *t, const struct string_change *change, const void *data,
    size_t len, enum event_reason why)
{
	txn_because(t, why);
	return redis_put(t, change->name, (struct bytes){ data, len },
	    redis_found_expires(&change->found));
}

/* --- whole numbers --- */

struct add {
	struct string_change	change;
	int64_t			number;		/* in: to be added; out: sum */
	int64_t			by;
	uint8_t			text[NUMBER_INT_MAX];
};

static enum shm_status
add(struct txn *t, void *arg)
{
	struct add *add = arg;
	struct string_change *change = &add->change;
	enum shm_status status = string_find(t, change);

	add->number = 0;
	if (status != SHM_OK)
		return status;
	if (change->found.type == REDIS_STRING &&
	    !number_parse_int(text_of(&change->found), &add->number))
		return string_refuse(change, "value is not an integer or out "
		    "of range");
	if (__builtin_add_overflow(add->number, add->by, &add->number))
		return string_refuse(change, "increment or decrement would "
		    "overflow");
	return put_back(t, change, add->text,
	    number_write_int(add->text, add->number), EVENT_INCRBY);
}

static void
run_add(struct call *call, int64_t by)
{
	struct add a = { .by = by };

	if (string_change(call, add, &a.change))
		resp_put_integer(call->out, a.number);
}

void
redis_run_incr(struct call *call)
{
	run_add(call, 1);
}

void
redis_run_decr(struct call *call)
{
	run_add(call, -1);
}

void
redis_run_incrby(struct call *call)
{
	int64_t by;

	if (redis_integer(call, call->req->argv[2], &by))
		run_add(call, by);
}

void
redis_run_decrby(struct call *call)
{
	int64_t by;

	if (!redis_integer(call, call->req->argv[2], &by))
		return;
	if (by == INT64_MIN)
		redis_error(call, "ERR", "decrement would overflow");
	else
		run_add(call, -by);
}

/* --- real numbers --- */

struct add_real {
	struct string_change	change;
	struct slice		word;
	size_t			len;
	uint8_t			text[NUMBER_REAL_MAX];
};

static enum shm_status
add_real(struct txn *t, void *arg)
{
	struct add_real *add = arg;
	struct string_change *change = &add->change;
	enum shm_status status = string_find(t, change);
	long double number = 0, by;

	if (status != SHM_OK)
		return status;
	if ((change->found.type == REDIS_STRING &&
	    !number_parse_real(text_of(&change->found), &number)) ||
	    !number_parse_real(add->word, &by))
		return string_refuse(change, "value is not a valid float");
	number += by;
	if (!isfinite(number))
		return string_refuse(change, "increment would produce NaN or "
		    "Infinity");
	add->len = number_write_real(add->text, number);
	return put_back(t, change, add->text, add->len, EVENT_INCRBYFLOAT);
}

void
redis_run_incrbyfloat(struct call *call)
{
	struct add_real a = { .word = call->req->argv[2] };

	if (string_change(call, add_real, &a.change))
		resp_put_bulk(call->out, (struct slice){ a.text, a.len });
}

/* --- bytes --- */

struct splice {
	struct string_change	change;
	struct slice		piece;
	size_t			at;		/* SIZE_MAX: behind it all */
	size_t			len;		/* out: of the string */
};

/* What is between the end and the place becomes zeros. */
static enum shm_status
splice(struct txn *t, void *arg)
{
	struct splice *s = arg;
	struct string_change *change = &s->change;
	enum shm_status status = string_find(t, change);
	struct slice old = text_of(&change->found);
	uint8_t *value = change->store->value;
	size_t at = s->at == SIZE_MAX ? old.len : s->at;

	s->len = old.len;
	if (status != SHM_OK)
		return status;
	/* APPEND of nothing is a change, as SET of the same is. */
	if (s->piece.len == 0 && s->at != SIZE_MAX)
		return SHM_NO_KEY;
	if (at + s->piece.len > store_value_max(change->store))
		return string_refuse(change, "string exceeds maximum allowed "
		    "size (proto-max-bulk-len)");
	if (old.len > 0)
		memcpy(value, old.data, old.len);
	if (at > old.len)
		memset(value + old.len, 0, at - old.len);
	if (s->piece.len > 0)
		memcpy(value + at, s->piece.data, s->piece.len);
	if (s->len < at + s->piece.len)
		s->len = at + s->piece.len;
	return put_back(t, change, value, s->len,
	    s->at == SIZE_MAX ? EVENT_APPEND : EVENT_SETRANGE);
}

static void
run_splice(struct call *call, struct slice piece, size_t at)
{
	struct splice s = { .piece = piece, .at = at };

	if (string_change(call, splice, &s.change))
		resp_put_integer(call->out, (int64_t)s.len);
}

void
redis_run_append(struct call *call)
{
	run_splice(call, call->req->argv[2], SIZE_MAX);
}

void
redis_run_setrange(struct call *call)
{
	const struct slice *argv = call->req->argv;
	int64_t at;

	if (!redis_integer(call, argv[2], &at))
		return;
	if (at < 0)
		redis_error(call, "ERR", "offset is out of range");
	else
		run_splice(call, argv[3], (size_t)at);
}
