/*
 * Hashes: fields as numbers, to which is added.  The field stays when it
 * would have: what is added to it is no reason to live longer.
 */

#include <math.h>

#include "proto/number.h"
#include "server/event.h"
#include "server/redis_hash.h"

struct sum {
	struct slice	 field;
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

static enum shm_status
add(struct txn *t, struct bytes name, void *arg)
{
	struct sum *sum = arg;
	struct pair pair = { .key = redis_bytes(sum->field) };
	struct slice old = { (const uint8_t *)"0", 1 };
	enum shm_status status;
	struct txn_pair found;

	if ((status = txn_create(t, name, true)) != SHM_OK)
		return status;
	status = txn_get(t, name, pair.key, &found);
	if (status == SHM_OK) {
		old = (struct slice){ found.value.data, found.value.len };
		pair.expires_ms = found.expires_ms;
	} else if (status != SHM_NO_KEY) {
		return status;
	}
	sum->error = sum->is_real ? add_real(sum, old) : add_whole(sum, old);
	if (sum->error != NULL)
		return SHM_NO_KEY;
	pair.value = (struct bytes){ sum->text, sum->len };
	txn_because(t, sum->is_real ? EVENT_INCRBYFLOAT : EVENT_INCRBY);
	return txn_put(t, name, &pair);
}

/* False if the answer is that it cannot be. */
static bool
add_up(struct call *call, struct sum *sum)
{
	enum shm_status status;

	sum->field = call->req->argv[2];
	if (!hash_change(call, add, sum, &status))
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
