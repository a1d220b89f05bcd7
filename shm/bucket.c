/*
 * Buckets.  The name of a bucket is in its RECORD_CREATE, which the table of
 * its shard points to; the record names the struct bucket, whose offset is
 * the bucket's id.  Ids are used again, but never within one stretch of the
 * log that does not show the RECORD_DROP in between.
 */

#include "shm/bucket.h"

#include <string.h>

#include "shm/bucket_locked.h"
#include "shm/intent.h"
#include "shm/log.h"
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

struct bucket *
bucket_find(struct held *h, struct bytes name, struct index_place *p)
{
	struct record_view r;
	struct index_key key;
	struct bucket *b;

	index_key_init(h->a, &key, RECORD_CREATE, 0, name);
	if (!index_find(h, &h->sh->buckets, &key, p) ||
	    !record_read(h->a, p->record, &r))
		return NULL;
	if ((b = bucket_live(h, r.bucket)) == NULL)
		held_break(h);
	return b;
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
	return marked(h, off, BUCKET_LIVE);
}

struct bucket *
bucket_dropped(const struct held *h, arena_off off)
{
	return marked(h, off, BUCKET_DROPPED);
}

/*
 * A fresh struct bucket from the reserve: its link through the intent.  0 if
 * the change breaks.
 */
static arena_off
new_bucket(struct held *h, uint64_t lsn)
{
	arena_off off = slab_alloc(h, SLAB_LINE);
	struct bucket *b = arena_at(h->a, off);

	if (off == 0)
		return 0;
	word_init(&b->table.shape, 0);
	word_init(&b->table.root, 0);
	word_init(&b->table.count, 0);
	word_init(&b->bytes, 0);
	word_init(&b->revision, lsn);
	word_init(&b->created, lsn);
	/* Last: a death before the commit leaves a free unit, which the
	 * cleaner may yet find named by an old record and, marked like this,
	 * take for a bucket. */
	word_store(&b->mark, BUCKET_LIVE);
	intent_set(h, &b->link, 0);
	return off;
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
	arena_off off;

	if (bucket_find(h, name, &place) != NULL)
		return SHM_OK;
	if ((status = log_room(h, r.size, SEGMENT_FOR_PUT)) != SHM_OK ||
	    (status = index_reserve(h, t, 1)) != SHM_OK ||
	    (status = slab_reserve(h, SLAB_LINE, 2, SEGMENT_FOR_PUT)) !=
	    SHM_OK)
		return status;
	r.bucket = new_bucket(h, word_peek(&h->sh->lsn) + 1);
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
	struct record_view created, r = {
		.op = RECORD_DROP,
		.key = name,
		.size = record_size(name.len, 0, false)
	};
	enum shm_status status;
	struct bucket *b;
	arena_off off;

	if ((b = bucket_find(h, name, &place)) == NULL)
		return SHM_NO_BUCKET;
	if ((status = log_room(h, r.size, SEGMENT_FOR_DELETE)) != SHM_OK)
		return status;
	record_read(h->a, place.record, &created);
	r.bucket = created.bucket;
	off = log_write(h, &r);
	intent_guard(h, &h->sh->version);
	index_remove(h, &h->sh->buckets, &place);
	intent_add(h, &h->sh->keys, word_peek(&h->sh->keys) -
	    word_peek(&b->table.count));
	intent_add(h, &b->mark, BUCKET_DROPPED);
	intent_add(h, &b->link, word_peek(&h->sh->graveyard));
	intent_add(h, &h->sh->graveyard, r.bucket);
	log_kill(h, place.record, created.size);
	log_kill(h, off, r.size);
	log_advance(h, &r);
	intent_commit(h);
	index_shrink(h, &h->sh->buckets);
	return SHM_OK;
}

enum shm_status
bucket_drop(struct arena *a, struct bytes name)
{
	if (!is_name(name))
		return SHM_BUCKET_NAME_SIZE;
	return room_run(a, arena_shard_of(a, name), drop_locked, &name);
}

enum shm_status
bucket_stat(struct arena *a, struct bytes name, struct bucket_stat *st)
{
	struct read_facts facts;
	enum shm_status status;

	if (!is_name(name))
		return SHM_BUCKET_NAME_SIZE;
	if ((status = read_bucket(a, name, &facts)) == SHM_OK)
		*st = (struct bucket_stat){
			.keys = facts.count,
			.bytes = facts.bytes,
			.revision = facts.revision,
			.created = facts.created,
			.id = facts.bucket
		};
	return status;
}
