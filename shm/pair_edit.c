/*
 * Edits.  What is there is found once: the lookup is remembered with the lock
 * (see index.c), so publishing does not repeat it.  The record that is read
 * cannot go before the lock does, for only its holder frees a segment of the
 * shard; hence a new value may be the old one, where it lies.
 *
 * When there is no room the lock is let go, and what is there may be something
 * else afterwards: then it is decided again.
 */

#include "shm/pair_edit.h"

#include "shm/bucket.h"
#include "shm/bucket_locked.h"
#include "shm/clock.h"
#include "shm/hash.h"
#include "shm/log.h"
#include "shm/pair_locked.h"
#include "shm/publish.h"
#include "shm/room.h"
#include "shm/word.h"

struct editing {
	struct bytes		 bucket;
	struct bytes		 key;
	uint64_t		 hash;		/* of the key */
	struct pair_edit	*edit;
	bool			 starved;	/* no memory to grow */
};

bool
pair_is_name(struct held *h, struct bytes bucket, struct bytes key,
    uint64_t hash)
{
	const struct index_key name = {
		.op = RECORD_CREATE, .key = key, .hash = hash
	};
	struct index_place place;

	return bucket.len == 0 && key.len > 0 && key.len <= BUCKET_NAME_MAX &&
	    index_find(h, &h->sh->buckets, &name, &place);
}

/* Over an old one the index has room. */
static enum shm_status
put(struct held *h, struct editing *e, struct bucket *b, bool is_new,
    const struct pair_new *new)
{
	const struct pair pair = { e->key, new->value, new->expires_ms };
	struct record_view r = pair_put_view(h->a, b, &pair);
	enum shm_status status;
	arena_off off;

	r.flags |= new->why << RECORD_WHY_SHIFT;
	r.hash = e->hash;
	r.is_hashed = true;
	status = pair_check_sizes(h->a, r.key.len, r.value.len);
	if (status != SHM_OK ||
	    (status = log_room(h, r.size, SEGMENT_FOR_PUT)) != SHM_OK ||
	    (is_new && (status = index_reserve(h, &b->table, 1)) != SHM_OK))
		return status;
	off = log_write(h, &r);
	e->starved = publish_put(h, off, &r, false) == SHM_FULL;
	return SHM_OK;
}

/* The clock is not read for what never expires. */
static bool
is_expired(const struct record_view *r)
{
	return r->expires_ms != 0 && record_is_expired(r, clock_wall_ms());
}

/* Both NULL, or what is at that place. */
static enum shm_status
decide(struct held *h, struct editing *e, struct bucket *b,
    const struct index_place *place, const struct record_view *r)
{
	struct pair_old old = { .is_there = r != NULL };
	struct pair_new new = { .why = 0 };

	if (r != NULL) {
		old.value = r->value;
		old.expires_ms = r->expires_ms;
	}
	switch (e->edit->decide(e->edit->arg, &old, &new)) {
	case PAIR_LEAVE:
		break;
	case PAIR_PUT:
		return put(h, e, b, r == NULL, &new);
	case PAIR_DELETE:
		return pair_delete_place(h, place, r, new.why);
	}
	return SHM_NO_KEY;
}

static enum shm_status
edit_in(struct held *h, struct editing *e, struct bucket *b)
{
	const struct index_key key = {
		.op = RECORD_PUT, .bucket = arena_off_of(h->a, b),
		.key = e->key, .hash = e->hash
	};
	struct index_place place;
	struct record_view r;
	bool is_there;

	is_there = index_find(h, &b->table, &key, &place) &&
	    record_read(h->a, place.record, &r);
	/* decide() may copy it to where the longest value has room. */
	if (is_there && r.value.len > h->a->value_max_bytes)
		return SHM_DAMAGED;
	if (is_there ? is_expired(&r) :
	    pair_is_name(h, e->bucket, e->key, e->hash))
		return SHM_NO_BUCKET;
	if (h->broken)
		return SHM_DAMAGED;
	return is_there ? decide(h, e, b, &place, &r) :
	    decide(h, e, b, NULL, NULL);
}

static enum shm_status
edit_locked(struct held *h, void *arg)
{
	struct editing *e = arg;
	struct index_place place;
	enum shm_status status;
	struct bucket *b;

	if ((b = bucket_find(h, e->bucket, &place)) == NULL)
		return SHM_NO_BUCKET;
	e->edit->first = word_peek(&h->sh->lsn) + 1;
	status = edit_in(h, e, b);
	e->edit->last = word_peek(&h->sh->lsn);
	return status;
}

enum shm_status
pair_edit(struct arena *a, uint32_t shard, struct bytes bucket,
    struct bytes key, struct pair_edit *edit)
{
	struct editing e = {
		.bucket = bucket, .key = key, .edit = edit,
		.hash = hash_keyed(a->hash_seed, key.data, key.len)
	};
	enum shm_status status = room_run(a, shard, edit_locked, &e);

	if (e.starved)
		segment_back_one(a);
	return status;
}
