/*
 * Hashes: fields as numbers, to which is added.  The field stays when it
 * would have: what is added to it is no reason to live longer.
 */

#include <math.h>

#include "proto/number.h"
#include "server/event.h"
#include "server/redis_hash.h"

struct sum {
	bool		 is_real;
	int64_t		 by;
	long double	 by_real;
	int64_t		 whole;		/* the sum, if it is not real */
	const char	*error;		/* NULL: none */
	size_t		 len;
	uint8_t		 text[NUMBER_REAL_MAX];
};

static const char *
add_whole(struct sum *sum, struct slice old)
{
	if (!number_parse_int(old, &sum->whole))
		return "hash value is not an integer";
	if (__builtin_add_overflow(sum->whole, sum->by, &sum->whole))
		return "increment or decrement would overflow";
	sum->len = number_write_int(sum->text, sum->whole);
	return NULL;
}

static const char *
add_real(struct sum *sum, struct slice old)
{
	long double real;

	if (!number_parse_real(old, &real))
		return "hash value is not a float";
	real += sum->by_real;
	if (!isfinite(real))
		return "increment would produce NaN or Infinity";
	sum->len = number_write_real(sum->text, real);
	return NULL;
}

static enum pair_verdict
add(void *arg, const struct pair_old *old, struct pair_new *new)
{
	struct sum *sum = arg;
	struct slice number = { (const uint8_t *)"0", 1 };

	if (old->is_there)
		number = (struct slice){ old->value.data, old->value.len };
	sum->error = sum->is_real ? add_real(sum, number) :
	    add_whole(sum, number);
	if (sum->error != NULL)
		return PAIR_LEAVE;
	new->value = (struct bytes){ sum->text, sum->len };
	new->expires_ms = old->expires_ms;
	new->why = sum->is_real ? EVENT_INCRBYFLOAT : EVENT_INCRBY;
	return PAIR_PUT;
}

/* False if the answer is that it cannot be. */
static bool
add_up(struct call *call, struct sum *sum)
{
	struct pair_edit edit = { .decide = add, .arg = sum };

	if (!hash_edit(call, call->req->argv[2], &edit))
		return false;
	if (sum->error != NULL)
		redis_error(call, "ERR", "%s", sum->error);
	return sum->error == NULL;
}

void
redis_run_hincrby(struct call *call)
{
	struct sum sum;

	sum.is_real = false;
	sum.error = NULL;
	if (redis_integer(call, call->req->argv[3], &sum.by) &&
	    add_up(call, &sum))
		resp_put_integer(call->out, sum.whole);
}

void
redis_run_hincrbyfloat(struct call *call)
{
	struct sum sum;

	sum.is_real = true;
	sum.error = NULL;
	if (!number_parse_real(call->req->argv[3], &sum.by_real))
		redis_error(call, "ERR", "value is not a valid float");
	else if (isinf(sum.by_real))
		redis_error(call, "ERR", "value is NaN or Infinity");
	else if (add_up(call, &sum))
		resp_put_bulk(call->out, (struct slice){ sum.text, sum.len });
}
