/*
 * MEMORY and OBJECT: what is known of a key beside its value.
 *
 * All values are kept alike, as bytes in a record, and nobody writes down when
 * one was read.  So an encoding is what Redis would have for such a value, a
 * hash is never small to us, and no key has been idle.
 */

#include "server/redis.h"

#include "proto/number.h"
#include "server/redis_sub.h"

#define STRING_OVERHEAD	64	/* a record's head, its place in the index */
#define BUCKET_OVERHEAD	192	/* the same and its table */
#define PAIR_OVERHEAD	64
#define EMBEDDED_MAX	44	/* bytes of a string that Redis embeds */

struct known {
	enum redis_type		 type;
	struct bucket_stat	 stat;		/* REDIS_HASH */
	struct pair_facts	 facts;		/* REDIS_STRING; its first */
	uint8_t			 value[NUMBER_INT_MAX];	/* bytes, if short */
};

static void
know(const struct call *call, struct slice name, struct known *known)
{
	struct store *store = call->env->store;

	*known = (struct known){ .type = redis_type_of(call, name) };
	if (known->type == REDIS_HASH &&
	    store_stat(store, name, &known->stat) != SHM_OK)
		known->type = REDIS_NONE;
	if (known->type != REDIS_STRING)
		return;
	switch (store_look(store, redis_shard(call, name), REDIS_STRINGS,
	    redis_bytes(name), known->value, sizeof(known->value),
	    &known->facts)) {
	case SHM_OK:
	case SHM_NO_ROOM:
		break;
	default:
		known->type = REDIS_NONE;
		break;
	}
}

/* Of the key that is the third word; false: there is none, and that is said. */
static bool
know_key(struct call *call, struct known *known)
{
	know(call, call->req->argv[2], known);
	if (known->type == REDIS_NONE)
		resp_put_null(call->out, redis_version(call));
	return known->type != REDIS_NONE;
}

/* --- MEMORY --- */

/* Nothing is sampled, but what is no option of Redis's is refused. */
static bool
parse_samples(struct call *call)
{
	const struct request *req = call->req;
	int64_t n;
	size_t i;

	for (i = 3; i < req->argc; i += 2) {
		if (i + 1 == req->argc || !redis_is(req->argv[i], "SAMPLES"))
			break;
		if (!redis_integer(call, req->argv[i + 1], &n))
			return false;
		if (n < 0)
			break;
	}
	if (i >= req->argc)
		return true;
	redis_syntax_error(call);
	return false;
}

void
redis_run_memory_usage(struct call *call)
{
	struct slice name = call->req->argv[2];
	struct known known;
	uint64_t bytes = name.len;

	if (!parse_samples(call))
		return;
	if (!know_key(call, &known))
		return;
	if (known.type == REDIS_STRING)
		bytes += STRING_OVERHEAD + known.facts.len;
	else
		bytes += BUCKET_OVERHEAD + known.stat.bytes +
		    known.stat.keys * PAIR_OVERHEAD;
	resp_put_integer(call->out, (int64_t)bytes);
}

/* --- OBJECT --- */

static const char *
encoding_of(const struct known *known)
{
	int64_t n;

	if (known->type == REDIS_HASH)
		return "hashtable";
	if (known->facts.len <= sizeof(known->value) && number_parse_int(
	    (struct slice){ known->value, known->facts.len }, &n))
		return "int";
	return known->facts.len <= EMBEDDED_MAX ? "embstr" : "raw";
}

void
redis_run_object_encoding(struct call *call)
{
	struct known known;

	if (know_key(call, &known))
		redis_say(call, encoding_of(&known));
}

void
redis_run_object_freq(struct call *call)
{
	struct known known;

	if (know_key(call, &known))
		redis_error(call, "ERR", "An LFU maxmemory policy is not "
		    "selected, access frequency not tracked. Please note that "
		    "when switching between policies at runtime LRU and LFU "
		    "data will take some time to adjust.");
}

void
redis_run_object_idletime(struct call *call)
{
	struct known known;

	if (know_key(call, &known))
		resp_put_integer(call->out, 0);
}

void
redis_run_object_refcount(struct call *call)
{
	struct known known;

	if (know_key(call, &known))
		resp_put_integer(call->out, 1);
}
