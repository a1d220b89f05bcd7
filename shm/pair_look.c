/*
 * Reading pairs, without a lock: one, one that was looked for ahead, and many.
 * A large store is as fast as memory answers; so of many keys some are looked
 * for ahead together, and the waits overlap.
 */

#include "shm/pair.h"

#include <string.h>

#include "shm/ahead.h"
#include "shm/bucket.h"
#include "shm/clock.h"
#include "shm/read.h"

#define LOOK_AHEAD	16	/* keys; more are slower again */

struct copy {			/* what pair_look() wants of a record */
	void			*buf;
	size_t			 cap;
	struct pair_facts	*facts;
};

static void
copy_value(void *arg, const struct record_view *r)
{
	struct copy *c = arg;

	c->facts->len = r->value.len;
	c->facts->revision = r->lsn;
	c->facts->expires_ms = r->expires_ms;
	if (r->value.len > 0 && r->value.len <= c->cap)
		memcpy(c->buf, r->value.data, r->value.len);
}

/* What was found is there unless its time has come. */
static enum shm_status
verdict(const struct pair_facts *facts, size_t cap)
{
	if (facts->expires_ms != 0 && facts->expires_ms <= clock_wall_ms())
		return SHM_NO_KEY;
	return facts->len > cap ? SHM_NO_ROOM : SHM_OK;
}

enum shm_status
pair_look(struct arena *a, uint32_t shard, struct bytes bucket,
    struct bytes key, void *buf, size_t cap, struct pair_facts *facts)
{
	struct copy c = { .buf = buf, .cap = cap, .facts = facts };
	struct read_action copy = { copy_value, &c };
	enum shm_status status = read_pair(a, shard, bucket, key, &copy);

	return status == SHM_OK ? verdict(facts, cap) : status;
}

enum shm_status
pair_look_ahead(struct arena *a, const struct ahead *ahead, void *buf,
    size_t cap, struct pair_facts *facts)
{
	struct copy c = { .buf = buf, .cap = cap, .facts = facts };
	struct read_action copy = { copy_value, &c };
	enum shm_status status = read_ahead(a, ahead, &copy);

	return status == SHM_OK ? verdict(facts, cap) : status;
}

static void
look_ahead(const struct arena *a, const struct ahead_bucket *in,
    const struct bytes *keys, size_t n, struct ahead ahead[LOOK_AHEAD])
{
	size_t i;

	for (i = 0; i < n; i++)
		ahead_key(a, in, keys[i], &ahead[i]);
	for (i = 0; i < n; i++)
		ahead_record(a, &ahead[i]);
}

enum shm_status
pair_look_many(struct arena *a, uint32_t shard, struct bytes bucket,
    const struct bytes *keys, size_t n, size_t *done,
    const struct pair_told *told)
{
	struct pair_facts facts = { 0 };
	struct ahead ahead[LOOK_AHEAD];
	struct ahead_bucket in;
	enum shm_status status;
	size_t i, some;

	while (*done < n) {
		some = n - *done < LOOK_AHEAD ? n - *done : LOOK_AHEAD;
		/* Reading the first of all has made the name known. */
		ahead_bucket(a, shard, bucket, &in);
		look_ahead(a, &in, keys + *done, some, ahead);
		for (i = 0; i < some; i++) {
			status = pair_look_ahead(a, &ahead[i], told->buf,
			    told->cap, &facts);
			if (status != SHM_OK && status != SHM_NO_KEY)
				return status;
			if (!told->tell(told->arg, (*done)++, status, &facts))
				return SHM_OK;
		}
	}
	return SHM_OK;
}

enum shm_status
pair_get(struct arena *a, struct bytes bucket, struct bytes key, void *buf,
    size_t cap, size_t *len, uint64_t *revision)
{
	struct pair_facts facts;
	enum shm_status status;

	if (bucket.len == 0 || bucket.len > BUCKET_NAME_MAX)
		return SHM_BUCKET_NAME_SIZE;
	if (key.len > PAIR_KEY_MAX)
		return SHM_KEY_SIZE;
	status = pair_look(a, arena_shard_of(a, bucket), bucket, key, buf,
	    cap, &facts);
	if (status != SHM_OK && status != SHM_NO_ROOM)
		return status;
	*len = facts.len;
	if (revision != NULL)
		*revision = facts.revision;
	return status;
}
