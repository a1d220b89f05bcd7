/*
 * Hashes: fields by chance.
 *
 * A field of a large hash is found without a walk over it: one of those that
 * follow a random place in the space of hashes.  So many of them stand for
 * election that the gap before each, which is by chance larger or smaller,
 * hardly matters.
 *
 * Many different fields are chosen on a walk over all, each with the chance
 * that the number still wanted has among those still to come; so no memory is
 * needed to remember them by.
 */

#include <stdlib.h>

#include "server/redis_hash.h"

#define CROWD		64U	/* fields that stand for election */
#define SMALL_MAX	128U	/* fields: all of them do */
#define FEW		32U	/* different ones that are looked for singly */
#define FEW_TRIES	(8 * FEW)
#define TIMES_MAX	1000000

struct draw {
	struct call	*call;
	bool		 has_values;
	uint64_t	 keys;		/* of the hash, more or less */
	uint64_t	 random;	/* state */
	uint64_t	 chosen;	/* by draw_one(): its fingerprint */
};

/* splitmix64 (G. Steele, D. Lea, C. Flood 2014). */
static uint64_t
random_next(struct draw *draw)
{
	uint64_t z = draw->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t
random_below(struct draw *draw, uint64_t n)
{
	return n == 0 ? 0 : random_next(draw) % n;
}

/* FNV-1a: no two fields of a few have the same, but by a rare chance. */
static uint64_t
fingerprint(struct bytes field)
{
	const uint8_t *p = field.data;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < field.len; i++)
		hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static void
put_pair(struct draw *draw, const struct pair *pair)
{
	struct outbuf *out = draw->call->out;

	if (draw->has_values && redis_version(draw->call) == RESP_3)
		resp_put_list(out, RESP_3, RESP_ARRAY, 2);
	resp_put_bulk(out, (struct slice){ pair->key.data, pair->key.len });
	if (draw->has_values)
		resp_put_bulk(out, (struct slice){ pair->value.data,
		    pair->value.len });
}

/* Each takes the place of the one before with its share of the chance. */
static void
elect(struct draw *draw, size_t mark, size_t *candidates)
{
	struct pair pair;

	while (hash_next_pair(draw->call, &pair)) {
		if (random_below(draw, ++*candidates) != 0)
			continue;
		outbuf_truncate(draw->call->out, mark);
		put_pair(draw, &pair);
		draw->chosen = fingerprint(pair.key);
	}
}

/* Write one field; SHM_NO_KEY if there is none. */
static enum shm_status
draw_one(struct draw *draw)
{
	bool is_small = draw->keys <= SMALL_MAX;
	struct scan scan = { .cursor = is_small ? 0 : random_next(draw) };
	size_t mark = outbuf_len(draw->call->out), candidates = 0;
	size_t wanted = is_small ? SIZE_MAX : CROWD;
	enum shm_status status;
	unsigned ends = 0;

	while (candidates < wanted && ends < (is_small ? 1 : 2)) {
		hash_beat(draw->call);
		status = store_scan_pairs(draw->call->env->store,
		    draw->call->req->argv[1], &scan, wanted - candidates);
		if (status != SHM_OK)
			return status;
		elect(draw, mark, &candidates);
		if (!scan.done)
			continue;
		scan = (struct scan){ 0 };
		ends++;
	}
	return candidates > 0 ? SHM_OK : SHM_NO_KEY;
}

/* The same field may come again. */
static enum shm_status
draw_times(struct draw *draw, uint64_t times, size_t *n)
{
	size_t mark = outbuf_len(draw->call->out);
	enum shm_status status;

	for (*n = 0; *n < times; ++*n) {
		if ((status = draw_one(draw)) != SHM_OK)
			return status;
		if (outbuf_len(draw->call->out) - mark > HASH_REPLY_MAX)
			return SHM_NO_ROOM;
	}
	return SHM_OK;
}

static bool
is_new(const uint64_t *seen, size_t n, uint64_t one)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (seen[i] == one)
			return false;
	return true;
}

/* Different ones of a large hash. */
static enum shm_status
draw_few(struct draw *draw, uint64_t wanted, size_t *n)
{
	struct outbuf *out = draw->call->out;
	uint64_t seen[FEW];
	enum shm_status status;
	unsigned tries;
	size_t mark;

	for (tries = 0; *n < wanted && tries < FEW_TRIES; tries++) {
		mark = outbuf_len(out);
		if ((status = draw_one(draw)) != SHM_OK)
			return status;
		if (is_new(seen, *n, draw->chosen))
			seen[(*n)++] = draw->chosen;
		else
			outbuf_truncate(out, mark);
	}
	return SHM_OK;
}

static enum shm_status
count_fields(struct draw *draw, uint64_t *fields)
{
	struct scan scan = { 0 };
	enum shm_status status;
	struct slice name;

	for (*fields = 0; !scan.done;) {
		hash_beat(draw->call);
		status = store_scan_keys(draw->call->env->store,
		    draw->call->req->argv[1], &scan);
		if (status != SHM_OK)
			return status;
		while (store_next_name(draw->call->env->store, &name))
			++*fields;
	}
	return SHM_OK;
}

/* Of the fields that a step has found. */
static void
draw_some(struct draw *draw, uint64_t wanted, uint64_t *left, size_t *n)
{
	struct pair pair;

	while (*n < wanted && hash_next_pair(draw->call, &pair)) {
		if (random_below(draw, *left) < wanted - *n) {
			put_pair(draw, &pair);
			++*n;
		}
		*left -= *left > 0;
	}
}

/*
 * Different ones.  If fields came since they were counted, the last ones are
 * more in luck than the others.
 */
static enum shm_status
draw_many(struct draw *draw, uint64_t wanted, size_t *n)
{
	size_t mark = outbuf_len(draw->call->out);
	struct scan scan = { 0 };
	enum shm_status status;
	uint64_t left;

	if ((status = count_fields(draw, &left)) != SHM_OK)
		return status;
	while (!scan.done && *n < wanted) {
		hash_beat(draw->call);
		status = store_scan_pairs(draw->call->env->store,
		    draw->call->req->argv[1], &scan, 0);
		if (status != SHM_OK)
			return status;
		draw_some(draw, wanted, &left, n);
		if (outbuf_len(draw->call->out) - mark > HASH_REPLY_MAX)
			return SHM_NO_ROOM;
	}
	return SHM_OK;
}

static enum shm_status
draw_count(struct draw *draw, int64_t count, size_t *n)
{
	*n = 0;
	if (count < 0)
		return draw_times(draw, -(uint64_t)count, n);
	if (count <= FEW && draw->keys > SMALL_MAX)
		return draw_few(draw, (uint64_t)count, n);
	return draw_many(draw, (uint64_t)count, n);
}

/* The length that a client is told. */
static size_t
elements(const struct draw *draw, size_t n)
{
	return draw->has_values && redis_version(draw->call) == RESP_2 ?
	    2 * n : n;
}

static void
answer_count(struct draw *draw, int64_t count)
{
	struct call *call = draw->call;
	size_t mark = outbuf_len(call->out), n;
	enum shm_status status = draw_count(draw, count, &n);

	if (status == SHM_OK) {
		resp_put_list_at(call->out, redis_version(call), RESP_ARRAY,
		    elements(draw, n), mark);
		return;
	}
	outbuf_truncate(call->out, mark);
	if (status == SHM_NO_ROOM)
		hash_too_long(call);
	else if (hash_lacks(call, status))
		resp_put_list(call->out, redis_version(call), RESP_ARRAY, 0);
}

static void
answer_one(struct draw *draw)
{
	enum shm_status status = draw_one(draw);

	if (status != SHM_OK && hash_lacks(draw->call, status))
		resp_put_null(draw->call->out, redis_version(draw->call));
}

static bool
parse_count(struct draw *draw, int64_t *count)
{
	const struct request *req = draw->call->req;

	if (!redis_integer(draw->call, req->argv[2], count))
		return false;
	if (*count == INT64_MIN) {
		redis_error(draw->call, "ERR", "value is out of range, value "
		    "must between %jd and %jd", (intmax_t)-INT64_MAX,
		    (intmax_t)INT64_MAX);
		return false;
	}
	draw->has_values = req->argc == 4 && redis_is(req->argv[3],
	    "WITHVALUES");
	if (req->argc > 3 && !draw->has_values) {
		redis_syntax_error(draw->call);
		return false;
	}
	if (*count >= -TIMES_MAX && (!draw->has_values ||
	    *count <= INT64_MAX / 2))
		return true;
	redis_error(draw->call, "ERR", "value is out of range");
	return false;
}

void
redis_run_hrandfield(struct call *call)
{
	struct draw draw = { .call = call };
	struct bucket_stat stat;
	int64_t count = 0;

	if (call->req->argc > 2 && !parse_count(&draw, &count))
		return;
	if (store_stat(call->env->store, call->req->argv[1], &stat) == SHM_OK)
		draw.keys = stat.keys;
	arc4random_buf(&draw.random, sizeof(draw.random));
	if (call->req->argc > 2)
		answer_count(&draw, count);
	else
		answer_one(&draw);
}
