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
text_of(const struct pair_old *old)
{
	return (struct slice){ old->value.data, old->value.len };
}

static enum pair_verdict
put_back(const struct pair_old *old, struct pair_new *new, const void *data,
    size_t len, enum event_reason why)
{
	new->value = (struct bytes){ data, len };
	new->expires_ms = old->expires_ms;
	new->why = why;
	return PAIR_PUT;
}

/* --- whole numbers --- */

static enum pair_verdict
add(void *arg, const struct pair_old *old, struct pair_new *new)
{
	struct string_add *add = arg;

	add->number = 0;
	if (old->is_there && !number_parse_int(text_of(old), &add->number))
		return string_refuse(&add->edit, "value is not an integer or "
		    "out of range");
	if (__builtin_add_overflow(add->number, add->by, &add->number))
		return string_refuse(&add->edit, "increment or decrement "
		    "would overflow");
	return put_back(old, new, add->text,
	    number_write_int(add->text, add->number), EVENT_INCRBY);
}

void
string_add_init(struct string_add *a, int64_t by)
{
	a->edit = (struct string_edit){ .pair = { .decide = add, .arg = a } };
	a->by = by;
}

static void
run_add(struct call *call, int64_t by)
{
	struct string_add a;

	string_add_init(&a, by);
	if (string_edit(call, &a.edit))
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
	struct string_edit	edit;
	struct slice		word;
	size_t			len;
	uint8_t			text[NUMBER_REAL_MAX];
};

static enum pair_verdict
add_real(void *arg, const struct pair_old *old, struct pair_new *new)
{
	struct add_real *add = arg;
	long double number = 0, by;

	if ((old->is_there && !number_parse_real(text_of(old), &number)) ||
	    !number_parse_real(add->word, &by))
		return string_refuse(&add->edit, "value is not a valid float");
	number += by;
	if (!isfinite(number))
		return string_refuse(&add->edit, "increment would produce NaN "
		    "or Infinity");
	add->len = number_write_real(add->text, number);
	return put_back(old, new, add->text, add->len, EVENT_INCRBYFLOAT);
}

void
redis_run_incrbyfloat(struct call *call)
{
	struct add_real a = {
		.edit.pair.decide = add_real, .word = call->req->argv[2]
	};

	if (string_edit(call, &a.edit))
		resp_put_bulk(call->out, (struct slice){ a.text, a.len });
}

/* --- bytes --- */

struct splice {
	struct string_edit	edit;
	struct slice		piece;
	size_t			at;		/* SIZE_MAX: behind it all */
	size_t			len;		/* out: of the string */
};

/* What is between the end and the place becomes zeros. */
static enum pair_verdict
splice(void *arg, const struct pair_old *old, struct pair_new *new)
{
	struct splice *s = arg;
	const struct store *store = s->edit.store;
	size_t was = old->value.len;
	size_t at = s->at == SIZE_MAX ? was : s->at;

	s->len = was;
	/* APPEND of nothing is a change, as SET of the same is. */
	if (s->piece.len == 0 && s->at != SIZE_MAX)
		return PAIR_LEAVE;
	if (at + s->piece.len > store_value_max(store))
		return string_refuse(&s->edit, "string exceeds maximum "
		    "allowed size (proto-max-bulk-len)");
	(void)string_keep(store, old->value);
	if (at > was)
		memset(store->value + was, 0, at - was);
	if (s->piece.len > 0)
		memcpy(store->value + at, s->piece.data, s->piece.len);
	if (s->len < at + s->piece.len)
		s->len = at + s->piece.len;
	return put_back(old, new, store->value, s->len,
	    s->at == SIZE_MAX ? EVENT_APPEND : EVENT_SETRANGE);
}

static void
run_splice(struct call *call, struct slice piece, size_t at)
{
	struct splice s = {
		.edit.pair.decide = splice, .piece = piece, .at = at
	};

	if (string_edit(call, &s.edit))
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
