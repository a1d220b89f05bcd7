/*
 * The requests that have arrived, all at once: what they say, and where they
 * will look.  In a store that is larger than the caches nearly all of a
 * request's time is waiting for memory: the line of the index, then the record.
 * A pipeline says early what will be asked; so before the first of its requests
 * is executed the memory of all is asked for, and in such a store of any that
 * is short.  What was found out for that, the bucket and the hash of the key,
 * is not found out again.  Nor are whose a bucket is, and the part of a
 * fingerprint that requests in a row have in common.
 */

#include "server/conn_state.h"
#include "server/redis.h"
#include "shm/short.h"

#define LARGE		UINT64_C(50000)	/* keys */
#define WORD_MAX	9999U	/* bytes; with longer ones it saves nothing */

void
conns_measure(struct conns *set)
{
	uint64_t buckets, keys;

	arena_counts(set->env->inherit->arena, &buckets, &keys);
	set->is_large = keys >= LARGE;
}

static size_t
parse_any(const struct conns *set, const struct conn *conn,
    const uint8_t *at, size_t len, struct plain *plain)
{
	plain->kind = PLAIN_NONE;
	plain->used = conn->session.protocol == REQUEST_TEXT ?
	    text_quick(at, len, plain->argv, PLAIN_WORDS, &plain->argc) :
	    resp_quick(at, len, store_value_max(set->env->store),
	    plain->argv, PLAIN_WORDS, &plain->argc);
	return plain->used;
}

/* What is parsed is not changed by that, and can be parsed again. */
static size_t
parse(const struct conns *set, const struct conn *conn, const uint8_t *at,
    size_t len, size_t word_max, struct plain *plain)
{
	size_t used = conn->session.protocol == REQUEST_TEXT ?
	    plain_text(at, len, word_max, plain) :
	    plain_resp(at, len, word_max, plain);

	return used > 0 || !set->is_large ? used :
	    parse_any(set, conn, at, len, plain);
}

/* --- where they will look --- */

/* What requests in a row share: runs are about the same few buckets. */
struct row {
	const struct arena	*a;
	struct ahead_bucket	 in;
	bool			 ours;
	enum plain_kind		 kind;		/* of the last; NONE: anew */
	uint64_t		 begun;		/* its fingerprint, so far */
};

#define UNKNOWN		UINT32_MAX

/* Is it ours?  Its shard, if that is how it is known. */
static bool
is_ours(const struct conns *set, struct slice name, uint32_t *shard)
{
	const struct route *route = set->env->route;

	*shard = UNKNOWN;
	return set->alone ||
	    route_find_owner(route, name.data, name.len, shard) ==
	    route_self(route);
}

static bool
is_same(struct slice name, struct bytes other)
{
	return name.len == other.len && name.len > 0 &&
	    short_equal(name.data, other.data, name.len);
}

static __attribute__((noinline)) void
enter(const struct conns *set, struct slice bucket, struct row *row)
{
	uint32_t shard;

	row->ours = is_ours(set, bucket, &shard);
	if (shard == UNKNOWN)
		shard = arena_shard_of(row->a, redis_bytes(bucket));
	ahead_bucket(row->a, shard, redis_bytes(bucket), &row->in);
	row->kind = PLAIN_NONE;
}

static inline bool
aim_in_bucket(const struct conns *set, struct slice bucket, struct slice key,
    struct row *row, struct ahead *ahead)
{
	ahead->home = NULL;
	if (bucket.len > BUCKET_NAME_MAX)
		return false;
	if (!is_same(bucket, row->in.name))
		enter(set, bucket, row);
	ahead_key(row->a, &row->in, redis_bytes(key), ahead);
	return row->ours;
}

static inline bool
aim_at_string(const struct conns *set, struct slice key, const struct row *row,
    struct ahead *ahead)
{
	uint32_t shard;
	bool ours = is_ours(set, key, &shard);

	if (shard == UNKNOWN)
		shard = arena_shard_of_string(row->a, redis_bytes(key));
	ahead_line(row->a, shard, (struct bytes){ NULL, 0 }, redis_bytes(key),
	    ahead);
	return ours;
}

/* Of a request that is not plain, if that can be told at a glance. */
static void
aim_any(const struct conns *set, const struct conn *conn,
    struct batch_request *r, struct row *row)
{
	struct slice bucket, key;

	r->ahead.home = NULL;
	if (!command_pair(conn->session.protocol, r->plain.argv,
	    r->plain.argc, &bucket, &key))
		return;
	if (bucket.len > 0)
		(void)aim_in_bucket(set, bucket, key, row, &r->ahead);
	else
		(void)aim_at_string(set, key, row, &r->ahead);
}

/* The verb, and the bucket if that is a word of its own. */
static inline uint64_t
begin(const struct plain *plain, bool has_bucket, struct row *row)
{
	if (row->kind != plain->kind) {
		row->kind = plain->kind;
		row->begun = fingerprint_begin(plain->argv[0]);
		if (has_bucket)
			row->begun = fingerprint_add(row->begun,
			    plain->argv[1]);
	}
	return row->begun;
}

static inline void
aim(const struct conns *set, const struct conn *conn, struct batch_request *r,
    struct row *row)
{
	const struct slice *argv = r->plain.argv;
	bool plain = false;

	switch (r->plain.kind) {
	case PLAIN_GET:
	case PLAIN_PUT:
	case PLAIN_HGET:
	case PLAIN_HSET:
		r->ahead.home = NULL;
		plain = argv[1].len > 0 &&
		    aim_in_bucket(set, argv[1], argv[2], row, &r->ahead);
		r->begun = begin(&r->plain, true, row);
		break;
	case PLAIN_STRING_GET:
	case PLAIN_STRING_SET:
	case PLAIN_STRING_INCR:
		plain = aim_at_string(set, argv[1], row, &r->ahead);
		r->begun = begin(&r->plain, false, row);
		break;
	case PLAIN_NONE:
		aim_any(set, conn, r, row);
		break;
	}
	if (!plain)
		r->plain.kind = row->kind = PLAIN_NONE;
}

static void
look_ahead(const struct arena *a, struct batch_request *r, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		(void)ahead_record(a, &r[i].ahead);
}

bool
conn_parse_batch(struct conns *set, const struct conn *conn)
{
	struct row row = { .a = set->env->inherit->arena };
	struct batch *batch = &set->batch;
	struct batch_request *r = batch->request;
	const uint8_t *at = conn->in.data + conn->in.head;
	size_t max = store_value_max(set->env->store);
	size_t left = inbuf_len(&conn->in), n;

	if (max > WORD_MAX)
		max = WORD_MAX;
	/* No longer line is read. */
	if (left > set->line_max)
		left = set->line_max;
	batch->at = at;
	for (n = 0; n < BATCH && left > 0 &&
	    parse(set, conn, at, left, max, &r->plain) > 0; n++, r++) {
		aim(set, conn, r, &row);
		r->end = at += r->plain.used;
		left -= r->plain.used;
	}
	batch->n = n;
	batch->i = 0;
	if (set->is_large && n > 1)
		look_ahead(row.a, batch->request, n);
	return n > 0;
}
