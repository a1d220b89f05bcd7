/*
 * One intent for each change of a pair.  What a put changes, at most:
 *
 *	slot, link and new line	 the index
 *	count, bytes, revision	 the bucket
 *	keys			 the shard
 *	dead			 the segment of the record it replaces
 *	earliest, swept		 the segment that it is in, if it expires
 *	hot_pos, lsn		 the log
 */

#include "shm/publish.h"

#include "shm/bucket_locked.h"
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

/* A statistic, in the memory of this process. */
static void
count_expired(struct held *h, const struct record_view *r)
{
	struct record_view name;

	if (record_why(r) != RECORD_EXPIRED)
		return;
	/* A string is a pair of the bucket without a name. */
	if (r->op == RECORD_DELETE && record_read(h->a,
	    word_peek(&publish_bucket(h, r)->record), &name) &&
	    name.key.len > 0)
		h->a->expired_fields++;
	else
		h->a->expired_keys++;
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

	index_key_of(h->a, &key, r);
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
	log_await(h, off, r->expires_ms, false);
	log_advance(h, r);
	intent_commit(h);
	return replaces || in_batch ? SHM_OK : index_grow(h, &b->table);
}

void
publish_delete(struct held *h, arena_off off, const struct record_view *r,
    const struct index_place *place, const struct record_view *old,
    bool in_batch)
{
	struct bucket *b = publish_bucket(h, r);

	count_expired(h, r);
	index_remove(h, &b->table, place);
	count_keys(h, (uint64_t)-1);
	log_kill(h, place->record, old->size);
	log_kill(h, off, r->size);
	account(h, b, payload(old), 0, r->lsn);
	log_advance(h, r);
	intent_commit(h);
	if (!in_batch)
		index_shrink(h, &b->table);
}

void
publish_drop(struct held *h, arena_off off, const struct record_view *r,
    const struct index_place *place, bool in_batch)
{
	struct bucket *b = publish_bucket(h, r);
	struct record_view created;

	count_expired(h, r);
	record_read(h->a, place->record, &created);
	/* A batch holds readers off by itself. */
	if (!in_batch)
		intent_guard(h, &h->sh->version);
	index_remove(h, &h->sh->buckets, place);
	count_keys(h, -word_peek(&b->table.count));
	intent_add(h, &b->mark, BUCKET_DROPPED);
	intent_add(h, &b->link, word_peek(&h->sh->graveyard));
	intent_add(h, &b->record, created.lsn);
	intent_add(h, &h->sh->graveyard, r->bucket);
	log_kill(h, place->record, created.size);
	log_kill(h, off, r->size);
	log_advance(h, r);
	intent_commit(h);
	if (!in_batch)
		index_shrink(h, &h->sh->buckets);
}

/* The word that links a dropped bucket to the others; NULL: none does. */
static word *
link_to(const struct held *h, arena_off off)
{
	uint64_t steps = h->a->segment_bytes / sizeof(struct record);
	word *link = &h->sh->graveyard;
	struct bucket *b;

	/* It was put there for this batch, so only drops of the same batch
	 * can be before it. */
	for (; steps > 0 && word_peek(link) != off; steps--) {
		if ((b = bucket_dropped(h, word_peek(link))) == NULL)
			return NULL;
		link = &b->link;
	}
	return steps > 0 ? link : NULL;
}

void
publish_create(struct held *h, arena_off off, const struct record_view *r)
{
	struct bucket *b = bucket_dropped(h, r->bucket);
	word *link = b == NULL ? NULL : link_to(h, r->bucket);
	struct index_place place;
	struct index_key key;

	index_key_init(h->a, &key, RECORD_CREATE, 0, r->key);
	if (link == NULL || index_find(h, &h->sh->buckets, &key, &place)) {
		held_break(h);
		return;
	}
	intent_add(h, link, word_peek(&b->link));
	intent_add(h, &b->mark, publish_mark(r));
	intent_add(h, &b->link, r->expires_ms);
	intent_add(h, &b->revision, r->lsn);
	intent_add(h, &b->record, off);
	log_await(h, off, r->expires_ms, false);
	index_insert(h, &h->sh->buckets, &place, key.hash, off);
	log_advance(h, r);
	intent_commit(h);
}

void
publish_touch(struct held *h, arena_off off, const struct record_view *r)
{
	struct bucket *b = publish_bucket(h, r);

	intent_add(h, &b->mark, publish_mark(r));
	intent_add(h, &b->link, r->expires_ms);
	intent_add(h, &b->revision, r->lsn);
	log_await(h, word_peek(&b->record), r->expires_ms, true);
	log_kill(h, off, r->size);
	log_advance(h, r);
	intent_commit(h);
}

void
publish_message(struct held *h, arena_off off, const struct record_view *r)
{
	log_kill(h, off, r->size);
	log_advance(h, r);
	intent_commit(h);
}

bool
publish_record(struct held *h, arena_off at, const struct record_view *r,
    bool in_batch)
{
	struct index_place place;
	struct record_view old;
	struct index_key key;

	switch (r->op) {
	case RECORD_PUT:
		(void)publish_put(h, at, r, in_batch);
		break;
	case RECORD_DELETE:
		index_key_of(h->a, &key, r);
		if (!index_find(h, &publish_bucket(h, r)->table, &key,
		    &place) || !record_read(h->a, place.record, &old))
			return false;
		publish_delete(h, at, r, &place, &old, in_batch);
		break;
	case RECORD_CREATE:
		publish_create(h, at, r);
		break;
	case RECORD_DROP:
		if (bucket_find_any(h, r->key, &place) !=
		    publish_bucket(h, r))
			return false;
		publish_drop(h, at, r, &place, in_batch);
		break;
	case RECORD_TOUCH:
		publish_touch(h, at, r);
		break;
	case RECORD_MESSAGE:
		publish_message(h, at, r);
		break;
	}
	return !h->broken;
}
