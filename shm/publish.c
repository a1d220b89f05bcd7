/*
 * One intent for each change of a pair.  What a put changes, at most:
 *
 *	slot, link and new line	 the index
 *	count, bytes, revision	 the bucket
 *	keys			 the shard
 *	dead			 the segment of the record it replaces
 *	hot_pos, lsn		 the log
 */

#include "shm/publish.h"

#include "shm/intent.h"
#include "shm/log.h"
#include "shm/word.h"

/* Into the intent: the bucket after a change from `old` to `new` bytes. */
static void
account(struct held *h, struct bucket *b, uint64_t old, uint64_t new,
    uint64_t lsn)
{
	intent_add(h, &b->bytes, word_peek(&b->bytes) - old + new);
	intent_add(h, &b->revision, lsn);
}

/* Into the intent: the shard has so many keys more, or less. */
static void
count_keys(struct held *h, uint64_t more)
{
	intent_add(h, &h->sh->keys, word_peek(&h->sh->keys) + more);
}

static uint64_t
payload(const struct record_view *r)
{
	return (uint64_t)r->key.len + r->value.len;
}

enum shm_status
publish_put(struct held *h, arena_off off, const struct record_view *r,
    bool in_batch)
{
	struct bucket *b = publish_bucket(h, r);
	struct record_view old = { .size = 0 };
	struct index_place place;
	struct index_key key;
	bool replaces;

	index_key_init(h->a, &key, RECORD_PUT, r->bucket, r->key);
	replaces = index_find(h, &b->table, &key, &place);
	if (replaces) {
		record_read(h->a, place.record, &old);
		index_move(h, &place, off);
		log_kill(h, place.record, old.size);
	} else {
		index_insert(h, &b->table, &place, key.hash, off);
		count_keys(h, 1);
	}
	account(h, b, replaces ? payload(&old) : 0, payload(r), r->lsn);
	log_advance(h, r);
	intent_commit(h);
	return replaces || in_batch ? SHM_OK : index_grow(h, &b->table);
}

void
publish_delete(struct held *h, arena_off off, const struct record_view *r,
    const struct index_place *place, const struct record_view *old)
{
	struct bucket *b = publish_bucket(h, r);

	index_remove(h, &b->table, place);
	count_keys(h, (uint64_t)-1);
	log_kill(h, place->record, old->size);
	log_kill(h, off, r->size);
	account(h, b, payload(old), 0, r->lsn);
	log_advance(h, r);
	intent_commit(h);
	index_shrink(h, &b->table);
}
