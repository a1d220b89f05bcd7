/*
 * Buckets.  The name of a bucket is in its RECORD_CREATE, which the table of
 * its shard points to; the record names the struct bucket, whose offset is
 * the bucket's id.  Ids are used again, but never within one stretch of the
 * log that does not show the RECORD_DROP in between.
 */

#include "shm/bucket.h"

#include <string.h>

#include "shm/batch.h"
#include "shm/bucket_locked.h"
#include "shm/clock.h"
#include "shm/hash.h"
#include "shm/intent.h"
#include "shm/log.h"
#include "shm/names.h"
#include "shm/publish.h"
#include "shm/read.h"
#include "shm/room.h"
#include "shm/slab.h"
#include "shm/sound.h"
#include "shm/word.h"

static bool
is_name(struct bytes name)
{
	return name.len > 0 && name.len <= BUCKET_NAME_MAX;
}

bool
bucket_is_ghost(const struct bucket *b)
{
	uint64_t expires_ms = word_peek(&b->link);

	return expires_ms != 0 && expires_ms <= clock_wall_ms();
}

/* The same, as it was found the last time. */
static struct bucket *
find_again(const struct held *h, const struct known_name *known,
    struct index_place *p)
{
	if (known == NULL || !names_hold(h->a, known))
		return NULL;
	*p = known->place;
	return bucket_live(h, known->bucket);
}

static void
keep(const struct held *h, const struct index_key *name,
    const struct index_place *p, const struct record_view *r)
{
	struct known_name found = {
		.shard = h->shard,
		.hash = name->hash,
		.shape = word_peek(&h->sh->buckets.shape),
		.version = word_peek(&p->home->version),
		.place = *p,
		.bucket = r->bucket,
		.created = r->lsn
	};

	names_keep(h->a, &found, name->key);
}

struct bucket *
bucket_find_any(struct held *h, struct bytes name, struct index_place *p)
{
	const struct known_name *known = names_recall(h->a, h->shard, name);
	struct index_key key = { .op = RECORD_CREATE, .key = name };
	struct bucket *b = find_again(h, known, p);
	struct record_view r;

	if (b != NULL)
		return b;
	if (known != NULL)
		key.hash = known->hash;
	else
		index_key_init(h->a, &key, RECORD_CREATE, 0, name);
	if (!index_find(h, &h->sh->buckets, &key, p) ||
	    !record_read(h->a, p->record, &r))
		return NULL;
	if ((b = bucket_live(h, r.bucket)) == NULL)
		held_break(h);
	else
		keep(h, &key, p, &r);
	return b;
}

struct bucket *
bucket_find(struct held *h, struct bytes name, struct index_place *p)
{
	struct bucket *b = bucket_find_any(h, name, p);

	return b == NULL || bucket_is_ghost(b) ? NULL : b;
}

static struct bucket *
marked(const struct held *h, arena_off off, uint64_t mark)
{
	struct bucket *b;
	uint64_t i;

	if (!sound_unit(h, off, SLAB_LINE))
		return NULL;
	i = arena_segment_of(h->a, off);
	b = arena_at(h->a, off);
	if (off - arena_segment_base(h->a, i) >=
	    word_peek(&h->a->table[i].used) || word_peek(&b->mark) != mark)
		return NULL;
	return b;
}

struct bucket *
bucket_live(const struct held *h, arena_off off)
{
	struct bucket *b = marked(h, off, BUCKET_LIVE);

	return b != NULL ? b : marked(h, off, BUCKET_AUTO);
}

struct bucket *
bucket_dropped(const struct held *h, arena_off off)
{
	return marked(h, off, BUCKET_DROPPED);
}

bool
bucket_name(struct held *h, const struct bucket *b, struct index_place *p,
    struct bytes *name)
{
	arena_off record = word_peek(&b->record);
	struct record_view r;

	if (record_read(h->a, record, &r) && r.op == RECORD_CREATE &&
	    r.key.len <= BUCKET_NAME_MAX &&
	    r.bucket == arena_off_of(h->a, b) &&
	    index_find_record(h, &h->sh->buckets, hash_keyed(h->a->hash_seed,
	    r.key.data, r.key.len), record, p)) {
		*name = r.key;
		return true;
	}
	held_break(h);
	return false;
}

static void
init(struct bucket *b, uint64_t lsn, arena_off record)
{
	word_init(&b->table.shape, 0);
	word_init(&b->table.root, 0);
	word_init(&b->table.count, 0);
	word_init(&b->bytes, 0);
	word_init(&b->revision, lsn);
	word_init(&b->record, record);
}

/*
 * A fresh struct bucket from the reserve, for the next record: its link
 * through the intent.  0 if the change breaks.
 */
static arena_off
new_bucket(struct held *h)
{
	arena_off off = slab_alloc(h, SLAB_LINE);
	struct bucket *b = arena_at(h->a, off);

	if (off == 0)
		return 0;
	init(b, word_peek(&h->sh->lsn) + 1, word_peek(&h->sh->hot_pos));
	/* Last: a death before the commit leaves a free unit, which the
	 * cleaner may yet find named by an old record and, marked like this,
	 * take for a bucket. */
	word_store(&b->mark, BUCKET_LIVE);
	intent_set(h, &b->link, 0);
	return off;
}

enum shm_status
bucket_prepare(struct held *h, arena_off *off)
{
	enum shm_status status;
	struct bucket *b;

	status = slab_reserve(h, SLAB_LINE, 1, SEGMENT_FOR_PUT);
	if (status != SHM_OK)
		return status;
	if ((*off = slab_alloc(h, SLAB_LINE)) == 0)
		return SHM_DAMAGED;
	b = arena_at(h->a, *off);
	init(b, 0, 0);
	word_store(&b->mark, BUCKET_DROPPED);
	intent_set(h, &b->link, word_peek(&h->sh->graveyard));
	intent_add(h, &h->sh->graveyard, *off);
	intent_commit(h);
	return h->broken ? SHM_DAMAGED : SHM_OK;
}

enum shm_status
bucket_drop_place(struct held *h, const struct bucket *b, struct bytes name,
    const struct index_place *place, unsigned why)
{
	struct record_view r = {
		.op = RECORD_DROP,
		.bucket = arena_off_of(h->a, b),
		.flags = why << RECORD_WHY_SHIFT,
		.key = name,
		.size = record_size(name.len, 0, false)
	};
	enum shm_status status;
	arena_off off;

	if ((status = log_room(h, r.size, SEGMENT_FOR_DELETE)) != SHM_OK)
		return status;
	off = log_write(h, &r);
	publish_drop(h, off, &r, place, false);
	return SHM_OK;
}

/* It goes no more with its last key. */
static enum shm_status
make_stay(struct held *h, struct bucket *b, struct bytes name)
{
	uint64_t expires_ms = word_peek(&b->link);
	struct record_view r = {
		.op = RECORD_TOUCH,
		.bucket = arena_off_of(h->a, b),
		.flags = expires_ms != 0 ? RECORD_EXPIRES : 0,
		.expires_ms = expires_ms,
		.key = name,
		.size = record_size(name.len, 0, expires_ms != 0)
	};
	enum shm_status status;
	arena_off off;

	if (word_peek(&b->mark) == BUCKET_LIVE)
		return SHM_OK;
	if ((status = log_room(h, r.size, SEGMENT_FOR_PUT)) != SHM_OK)
		return status;
	off = log_write(h, &r);
	publish_touch(h, off, &r);
	return SHM_OK;
}

/* Where a ghost was there shall be a bucket: both together. */
static enum shm_status
replace(struct held *h, const struct bucket *ghost, struct bytes name)
{
	struct record_view r[2] = {
		{
			.op = RECORD_DROP, .bucket = arena_off_of(h->a, ghost),
			.flags = RECORD_EXPIRED << RECORD_WHY_SHIFT,
			.key = name, .size = record_size(name.len, 0, false)
		}, {
			.op = RECORD_CREATE,
			.key = name, .size = record_size(name.len, 0, false)
		}
	};
	enum shm_status status;

	if ((status = log_room(h, r[0].size + r[1].size, SEGMENT_FOR_PUT)) !=
	    SHM_OK || (status = index_reserve(h, &h->sh->buckets, 1)) !=
	    SHM_OK || (status = bucket_prepare(h, &r[1].bucket)) != SHM_OK ||
	    (status = slab_reserve(h, SLAB_LINE, 1, SEGMENT_FOR_PUT)) !=
	    SHM_OK)
		return status;
	batch_run(h, r, 2);
	return SHM_OK;
}

static enum shm_status
create_locked(struct held *h, void *arg)
{
	struct bytes name = *(const struct bytes *)arg;
	struct table *t = &h->sh->buckets;
	struct index_place place;
	struct record_view r = {
		.op = RECORD_CREATE,
		.key = name,
		.size = record_size(name.len, 0, false)
	};
	struct index_key key;
	enum shm_status status;
	struct bucket *b;
	arena_off off;

	if ((b = bucket_find_any(h, name, &place)) != NULL)
		return bucket_is_ghost(b) ? replace(h, b, name) :
		    make_stay(h, b, name);
	if ((status = log_room(h, r.size, SEGMENT_FOR_PUT)) != SHM_OK ||
	    (status = index_reserve(h, t, 1)) != SHM_OK ||
	    (status = slab_reserve(h, SLAB_LINE, 2, SEGMENT_FOR_PUT)) !=
	    SHM_OK)
		return status;
	r.bucket = new_bucket(h);
	off = log_write(h, &r);
	index_key_init(h->a, &key, RECORD_CREATE, 0, name);
	(void)index_find(h, t, &key, &place);
	index_insert(h, t, &place, key.hash, off);
	log_advance(h, &r);
	intent_commit(h);
	(void)index_grow(h, t);
	return SHM_OK;
}

enum shm_status
bucket_create(struct arena *a, struct bytes name)
{
	if (!is_name(name))
		return SHM_BUCKET_NAME_SIZE;
	return room_run(a, arena_shard_of(a, name), create_locked, &name);
}

static enum shm_status
drop_locked(struct held *h, void *arg)
{
	struct bytes name = *(const struct bytes *)arg;
	struct index_place place;
	struct bucket *b;

	if ((b = bucket_find(h, name, &place)) == NULL)
		return SHM_NO_BUCKET;
	return bucket_drop_place(h, b, name, &place, 0);
}

enum shm_status
bucket_drop(struct arena *a, struct bytes name)
{
	if (!is_name(name))
		return SHM_BUCKET_NAME_SIZE;
	return room_run(a, arena_shard_of(a, name), drop_locked, &name);
}

enum shm_status
bucket_look(struct arena *a, uint32_t shard, struct bytes name,
    struct bucket_stat *st)
{
	struct read_facts facts;
	enum shm_status status;

	if ((status = read_bucket(a, shard, name, &facts)) == SHM_OK)
		*st = (struct bucket_stat){
			.keys = facts.count,
			.bytes = facts.bytes,
			.revision = facts.revision,
			.created = facts.created,
			.expires_ms = facts.expires_ms,
			.is_auto = facts.mark == BUCKET_AUTO,
			.id = facts.bucket
		};
	return status;
}

enum shm_status
bucket_stat(struct arena *a, struct bytes name, struct bucket_stat *st)
{
	if (!is_name(name))
		return SHM_BUCKET_NAME_SIZE;
	return bucket_look(a, arena_shard_of(a, name), name, st);
}
