/*
 * The requests that have arrived, all at once: what they say, and where they
 * will look.  In a store that is larger than the caches nearly all of a
 * request's time is waiting for memory: the line of the index, then the record.
 * A pipeline says early what will be asked; so before the first of its requests
 * is executed the memory of all is asked for, and in such a store of any that
 * is short.  What was found out for that, the bucket and the hash of the key,
 * is not found out again.
 */

#include <string.h>

#include "server/conn_state.h"
#include "server/redis.h"

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

/* What it is about, if that can be told at a glance. */
static bool
find_pair(const struct conn *conn, const struct plain *plain,
    struct slice *bucket, struct slice *key)
{
	switch (plain->kind) {
	case PLAIN_GET:
	case PLAIN_PUT:
	case PLAIN_HGET:
	case PLAIN_HSET:
		*bucket = plain->argv[1];
		*key = plain->argv[2];
		return true;
	case PLAIN_STRING_GET:
	case PLAIN_STRING_SET:
	case PLAIN_STRING_INCR:
		*bucket = (struct slice){ NULL, 0 };
		*key = plain->argv[1];
		return true;
	case PLAIN_NONE:
		break;
	}
	return command_pair(conn->session.protocol, plain->argv, plain->argc,
	    bucket, key);
}

/* Is there a bucket to it that the client has named? */
static bool
names_bucket(enum plain_kind kind)
{
	return kind == PLAIN_GET || kind == PLAIN_PUT || kind == PLAIN_HGET ||
	    kind == PLAIN_HSET;
}

static bool
is_ours(const struct conns *set, struct slice name)
{
	const struct route *route = set->env->route;

	return set->alone ||
	    route_owner_of_name(route, name.data, name.len) ==
	    route_self(route);
}

static bool
is_same(struct slice name, struct bytes other)
{
	return name.len == other.len && name.len > 0 &&
	    memcmp(name.data, other.data, name.len) == 0;
}

/* *in is that of the request before: runs are about the same few buckets. */
static void
aim(const struct conns *set, const struct conn *conn, struct batch_request *r,
    struct ahead_bucket *in)
{
	const struct arena *a = set->env->inherit->arena;
	struct slice bucket, key, name;

	r->ahead.home = NULL;
	if (!find_pair(conn, &r->plain, &bucket, &key))
		return;
	if ((bucket.len == 0 && names_bucket(r->plain.kind)) ||
	    bucket.len > BUCKET_NAME_MAX) {
		r->plain.kind = PLAIN_NONE;
		return;
	}
	name = bucket.len > 0 ? bucket : key;
	if (!is_ours(set, name))
		r->plain.kind = PLAIN_NONE;
	if (!is_same(bucket, in->name))
		ahead_bucket(a, arena_shard_of(a, redis_bytes(name)),
		    redis_bytes(bucket), in);
	ahead_key(a, in, redis_bytes(key), &r->ahead);
}

static void
look_ahead(const struct arena *a, struct batch_request *r, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		ahead_record(a, &r[i].ahead);
}

bool
conn_parse_batch(struct conns *set, const struct conn *conn)
{
	struct ahead_bucket in = { .name = { NULL, 0 } };
	struct batch *batch = &set->batch;
	struct batch_request *r = batch->request;
	const uint8_t *at = conn->in.data + conn->in.head;
	size_t max = store_value_max(set->env->store);
	size_t left = inbuf_len(&conn->in);

	if (max > WORD_MAX)
		max = WORD_MAX;
	/* No longer line is read. */
	if (left > set->line_max)
		left = set->line_max;
	batch->at = at;
	for (batch->n = batch->i = 0; batch->n < BATCH && left > 0 &&
	    parse(set, conn, at, left, max, &r->plain) > 0; batch->n++, r++) {
		aim(set, conn, r, &in);
		r->end = at += r->plain.used;
		left -= r->plain.used;
	}
	if (set->is_large && batch->n > 1)
		look_ahead(set->env->inherit->arena, batch->request,
		    batch->n);
	return batch->n > 0;
}
