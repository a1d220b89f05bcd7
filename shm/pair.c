/*
 * Changing pairs: put, delete.  Each change is: lock, see to it that there is
 * room everywhere, write the record, publish it.  When the arena is full the
 * lock is let go, room is made, and the whole begins again.
 */

#include "shm/pair.h"

#include <stdlib.h>
#include <string.h>

#include "shm/batch.h"
#include "shm/bucket.h"
#include "shm/bucket_locked.h"
#include "shm/clock.h"
#include "shm/intent.h"
#include "shm/log.h"
#include "shm/pair_locked.h"
#include "shm/publish.h"
#include "shm/room.h"
#include "shm/word.h"

static enum shm_status
check_sizes(const struct arena *a, struct bytes bucket, size_t key_len,
    size_t value_len)
{
	if (bucket.len == 0 || bucket.len > BUCKET_NAME_MAX)
		return SHM_BUCKET_NAME_SIZE;
	return pair_check_sizes(a, key_len, value_len);
}

struct put {			/* what pair_put() has in hand */
	struct bytes		 bucket;
	const struct pair	*pair;
	struct pair_set		*set;		/* or NULL */
	uint64_t		 revision;
	bool			 starved;	/* no memory to grow */
};

/* Is it there?  The key is not hashed again when it is put. */
static enum shm_status
look_before(struct held *h, const struct bucket *b, struct record_view *r,
    struct pair_set *set)
{
	struct index_place place;
	struct record_view old;
	struct index_key key;

	index_key_of(h->a, &key, r);
	r->hash = key.hash;
	r->is_hashed = true;
	set->is_new = !index_find(h, &b->table, &key, &place) ||
	    !record_read(h->a, place.record, &old) ||
	    record_is_expired(&old, clock_wall_ms());
	if (h->broken)
		return SHM_DAMAGED;
	return set->is_new && set->replace ? SHM_NO_KEY : SHM_OK;
}

static enum shm_status
put_locked(struct held *h, void *arg)
{
	struct put *put = arg;
	struct index_place place;
	struct record_view r;
	enum shm_status status;
	struct bucket *b;
	arena_off off;

	if ((b = bucket_find(h, put->bucket, &place)) == NULL)
		return SHM_NO_BUCKET;
	r = pair_put_view(h->a, b, put->pair);
	if (put->set != NULL &&
	    (status = look_before(h, b, &r, put->set)) != SHM_OK)
		return status;
	if ((status = log_room(h, r.size, SEGMENT_FOR_PUT)) != SHM_OK ||
	    (status = index_reserve(h, &b->table, 1)) != SHM_OK)
		return status;
	off = log_write(h, &r);
	put->starved = publish_put(h, off, &r, false) == SHM_FULL;
	put->revision = r.lsn;
	return SHM_OK;
}

static enum shm_status
run_put(struct arena *a, uint32_t shard, struct put *put)
{
	enum shm_status status = room_run(a, shard, put_locked, put);

	if (put->starved)
		segment_back_some(a);
	return status;
}

enum shm_status
pair_put(struct arena *a, struct bytes bucket, const struct pair *p,
    uint64_t *revision)
{
	struct put put = { .bucket = bucket, .pair = p };
	enum shm_status status;

	status = check_sizes(a, bucket, p->key.len, p->value.len);
	if (status != SHM_OK)
		return status;
	status = run_put(a, arena_shard_of(a, bucket), &put);
	if (status == SHM_OK && revision != NULL)
		*revision = put.revision;
	return status;
}

enum shm_status
pair_set(struct arena *a, uint32_t shard, struct bytes bucket,
    const struct pair *p, struct pair_set *set)
{
	struct put put = { .bucket = bucket, .pair = p, .set = set };
	enum shm_status status;

	status = pair_check_sizes(a, p->key.len, p->value.len);
	if (status != SHM_OK)
		return status;
	status = run_put(a, shard, &put);
	set->revision = put.revision;
	return status;
}

struct put_many {		/* what pair_put_many() has in hand */
	struct bytes		 bucket;
	const struct pair	*pairs;
	struct record_view	*views;
	size_t			 n;
};

static enum shm_status
put_many_locked(struct held *h, void *arg)
{
	struct put_many *put = arg;
	struct index_place place;
	enum shm_status status;
	uint64_t total = 0;
	struct bucket *b;
	size_t i;

	if ((b = bucket_find(h, put->bucket, &place)) == NULL)
		return SHM_NO_BUCKET;
	for (i = 0; i < put->n; i++) {
		put->views[i] = pair_put_view(h->a, b, &put->pairs[i]);
		total += put->views[i].size;
	}
	if (total > h->a->segment_bytes)
		return SHM_BATCH_SIZE;
	if ((status = log_room(h, total, SEGMENT_FOR_PUT)) != SHM_OK ||
	    (status = index_reserve(h, &b->table, (unsigned)put->n)) !=
	    SHM_OK)
		return status;
	batch_run(h, put->views, put->n);
	return SHM_OK;
}

enum shm_status
pair_put_many(struct arena *a, struct bytes bucket, const struct pair *p,
    size_t n)
{
	struct put_many put = { .bucket = bucket, .pairs = p, .n = n };
	enum shm_status status;
	size_t i;

	for (i = 0; i < n; i++)
		if ((status = check_sizes(a, bucket, p[i].key.len,
		    p[i].value.len)) != SHM_OK)
			return status;
	/* More records than bytes of a segment can never fit. */
	if (n > a->segment_bytes / sizeof(struct record))
		return SHM_BATCH_SIZE;
	if ((put.views = calloc(n + 1, sizeof(*put.views))) == NULL)
		return SHM_FULL;
	status = room_run(a, arena_shard_of(a, bucket), put_many_locked,
	    &put);
	free(put.views);
	return status;
}

/* The last pair of a bucket that goes with it: both at once. */
static enum shm_status
delete_last(struct held *h, const struct record_view *deletion)
{
	struct record_view r[2] = {
		*deletion, { .op = RECORD_DROP, .bucket = deletion->bucket }
	};
	struct index_place place;
	enum shm_status status;

	if (!bucket_name(h, publish_bucket(h, deletion), &place, &r[1].key))
		return SHM_DAMAGED;
	r[1].size = record_size(r[1].key.len, 0, false);
	status = log_room(h, r[0].size + r[1].size, SEGMENT_FOR_DELETE);
	if (status != SHM_OK)
		return status;
	batch_run(h, r, 2);
	index_shrink(h, &h->sh->buckets);
	return SHM_OK;
}

enum shm_status
pair_delete_place(struct held *h, const struct index_place *place,
    const struct record_view *old, unsigned why)
{
	const struct bucket *b = publish_bucket(h, old);
	struct record_view r = {
		.op = RECORD_DELETE,
		.bucket = old->bucket,
		.flags = why << RECORD_WHY_SHIFT,
		.key = old->key,
		.size = record_size(old->key.len, 0, false)
	};
	enum shm_status status;
	arena_off off;

	if (word_peek(&b->mark) == BUCKET_AUTO &&
	    word_peek(&b->table.count) == 1)
		return delete_last(h, &r);

	if ((status = log_room(h, r.size, SEGMENT_FOR_DELETE)) != SHM_OK)
		return status;
	off = log_write(h, &r);
	publish_delete(h, off, &r, place, old, false);
	return SHM_OK;
}

struct deletion {		/* what pair_delete() has in hand */
	struct bytes	bucket;
	struct bytes	key;
	uint64_t	now_ms;
};

static enum shm_status
delete_locked(struct held *h, void *arg)
{
	const struct deletion *d = arg;
	struct index_place place;
	struct record_view old;
	enum shm_status status;
	struct index_key key;
	struct bucket *b;
	bool is_expired;

	if ((b = bucket_find(h, d->bucket, &place)) == NULL)
		return SHM_NO_BUCKET;
	index_key_init(h->a, &key, RECORD_PUT, arena_off_of(h->a, b),
	    d->key);
	if (!index_find(h, &b->table, &key, &place) ||
	    !record_read(h->a, place.record, &old))
		return SHM_NO_KEY;
	is_expired = record_is_expired(&old, d->now_ms);
	status = pair_delete_place(h, &place, &old,
	    is_expired ? RECORD_EXPIRED : 0);
	/* It was not there any more, but now it is gone too. */
	return status == SHM_OK && is_expired ? SHM_NO_KEY : status;
}

enum shm_status
pair_delete(struct arena *a, struct bytes bucket, struct bytes key)
{
	struct deletion d = {
		.bucket = bucket, .key = key, .now_ms = clock_wall_ms()
	};
	enum shm_status status;

	if ((status = check_sizes(a, bucket, key.len, 0)) != SHM_OK)
		return status;
	return room_run(a, arena_shard_of(a, bucket), delete_locked, &d);
}
