/*
 * Giving memory back.  In the order of what it costs: what is dropped is
 * taken apart (clean_tidy.c); then one sealed segment (clean_choose.c) is
 * emptied, its live records moving to the cold head of their shard one
 * intent at a time, and freed.
 */

#include "shm/clean_parts.h"

#include <string.h>

#include "shm/bucket_locked.h"
#include "shm/clock.h"
#include "shm/hash.h"
#include "shm/index.h"
#include "shm/intent.h"
#include "shm/log.h"
#include "shm/pair_locked.h"
#include "shm/segment.h"
#include "shm/word.h"

#define RECORDS_PER_STEP	32
#define BYTES_PER_STEP		(64U * 1024)

enum lock_status
clean_enter(struct arena *a, uint32_t shard, struct held *h,
    struct clean_work *work)
{
	enum lock_status s = lock_shard(a, shard, h);

	if (s == LOCK_RECOVERED)
		work->shards_repaired++;
	return s;
}

void
clean_leave(struct held *h)
{
	if (h->broken)
		word_store(&h->sh->poisoned, 1);
	lock_release(h);
}

/* The table in which this record would be found if it lives, or NULL. */
static struct table *
table_of(struct held *h, const struct record_view *r)
{
	struct bucket *b;

	switch (r->op) {
	case RECORD_PUT:
		b = bucket_live(h, r->bucket);
		return b != NULL ? &b->table : NULL;
	case RECORD_CREATE:
		return &h->sh->buckets;
	case RECORD_DELETE:
	case RECORD_DROP:
	case RECORD_TOUCH:
	case RECORD_MESSAGE:
		break;
	}
	return NULL;
}

bool
clean_find_live(struct held *h, arena_off off, const struct record_view *r,
    struct index_place *p)
{
	const struct table *t = table_of(h, r);

	return t != NULL && index_find_record(h, t,
	    hash_keyed(h->a->hash_seed, r->key.data, r->key.len), off, p);
}

/* Its bucket is to find it where it will be, and so is a sweep. */
static void
redirect(struct held *h, arena_off to, const struct record_view *r)
{
	struct bucket *b;

	if (r->op == RECORD_PUT) {
		log_await(h, to, r->expires_ms, false);
	} else if ((b = bucket_live(h, r->bucket)) != NULL) {
		intent_add(h, &b->record, to);
		log_await(h, to, word_peek(&b->link), false);
	} else {
		held_break(h);
	}
}

static enum shm_status
move(struct held *h, arena_off off, const struct record_view *r,
    const struct index_place *p, struct clean_work *work)
{
	enum shm_status status = log_cold_room(h, r->size);
	arena_off to;

	if (status != SHM_OK)
		return status;
	to = word_peek(&h->sh->cold_pos);
	memcpy(arena_at(h->a, to), arena_at(h->a, off), r->size);
	index_move(h, p, to);
	redirect(h, to, r);
	log_kill(h, off, r->size);
	intent_add(h, &h->sh->cold_pos, to + r->size);
	intent_commit(h);
	work->records_moved++;
	work->bytes_moved += r->size;
	return SHM_OK;
}

enum shm_status
clean_bury(struct held *h, const struct bucket *b, struct clean_work *work)
{
	struct index_place place;
	enum shm_status status;
	struct bytes name;

	if (!bucket_name(h, b, &place, &name))
		return SHM_DAMAGED;
	status = bucket_drop_place(h, b, name, &place, RECORD_EXPIRED);
	work->buckets_expired += status == SHM_OK;
	return status;
}

/* Nobody has met the ghost since it became one. */
static bool
bury_ghost(struct held *h, const struct record_view *r,
    struct clean_work *work)
{
	const struct bucket *b = bucket_live(h, r->bucket);

	return r->op == RECORD_CREATE && b != NULL && bucket_is_ghost(b) &&
	    clean_bury(h, b, work) == SHM_OK;
}

static enum shm_status
clean_record(struct held *h, arena_off off, const struct record_view *r,
    struct clean_work *work, uint64_t now_ms)
{
	struct index_place p;

	if (!clean_find_live(h, off, r, &p))
		return h->broken ? SHM_DAMAGED : SHM_OK;
	if (r->op == RECORD_PUT && record_is_expired(r, now_ms) &&
	    pair_delete_place(h, &p, r, RECORD_EXPIRED) == SHM_OK) {
		work->records_expired++;
		return SHM_OK;
	}
	if (bury_ghost(h, r, work))
		return SHM_OK;
	return move(h, off, r, &p, work);
}

/*
 * Some records of the victim; false when it cannot go on.  It can when a ghost
 * was buried: those of its records that are here are dead after clean_tidy().
 */
static bool
empty_some(struct held *h, uint64_t victim, struct clean_piece *piece,
    struct clean_work *work, uint64_t now_ms)
{
	struct segment *e = &h->a->table[victim];
	uint64_t used = word_peek(&e->used) & ~SEGMENT_SEALED;
	word *offset = &h->a->cleaning->offset;
	uint64_t at = word_peek(offset), moved = work->bytes_moved;
	arena_off base = arena_segment_base(h->a, victim);
	struct record_view r;
	unsigned n;

	if (word_peek(&e->dead) != used)
		for (n = 0; at < used && n < RECORDS_PER_STEP &&
		    piece->gained < piece->enough &&
		    word_peek(&h->sh->graveyard) == 0 &&
		    work->bytes_moved - moved < BYTES_PER_STEP; n++) {
			uint64_t before = work->bytes_moved;

			if (!record_read(h->a, base + at, &r) ||
			    clean_record(h, base + at, &r, work, now_ms) !=
			    SHM_OK || h->broken)
				return false;
			if (work->bytes_moved == before)
				piece->gained += r.size;
			at += r.size;
			word_store(offset, at);
		}
	if (word_peek(&e->dead) != used)
		return at < used || word_peek(&h->sh->graveyard) != 0;
	piece->gained += at < used ? used - at : 0;
	word_store(&h->a->cleaning->victim, 0);
	log_free_segment(h, victim);
	work->segments_freed++;
	return true;
}

static bool
is_victim(const struct arena *a, uint64_t victim)
{
	return victim != 0 && victim <= a->segments &&
	    victim == word_load(&a->cleaning->victim) &&
	    clean_is_sealed(a, &a->table[victim - 1]) &&
	    segment_generation(word_load(&a->table[victim - 1].state)) ==
	    word_peek(&a->cleaning->generation);
}

/* The one in hand, or another one; 0 if there is none. */
static uint64_t
find_victim(struct arena *a)
{
	uint64_t victim = word_load(&a->cleaning->victim);

	if (is_victim(a, victim))
		return victim;
	lock_hints(&a->cleaning->lock);
	victim = word_load(&a->cleaning->victim);
	if (!is_victim(a, victim))
		victim = clean_choose_victim(a) ?
		    word_peek(&a->cleaning->victim) : 0;
	lock_hints_release(&a->cleaning->lock);
	return victim;
}

/* Nobody goes on with this one; there may be another one by now. */
static void
give_up(struct arena *a, uint64_t victim)
{
	atomic_compare_exchange_strong(&a->cleaning->victim, &victim, 0);
}

/* Go on with the victim, or find one. */
static bool
empty_victim(struct arena *a, struct clean_piece *piece,
    struct clean_work *work, uint64_t now_ms)
{
	uint64_t victim = find_victim(a);
	bool on = true;
	struct held h;

	if (victim == 0)
		return false;
	if (clean_enter(a, segment_owner(word_load(
	    &a->table[victim - 1].state)), &h, work) == LOCK_POISONED) {
		give_up(a, victim);
		return true;	/* the next victim is another shard's */
	}
	/* It may have been freed before we had the lock, and be another
	 * shard's; what belongs to a dropped bucket is for clean_tidy(). */
	if (segment_owner(word_load(&a->table[victim - 1].state)) ==
	    h.shard && is_victim(a, victim) &&
	    word_peek(&h.sh->graveyard) == 0)
		on = empty_some(&h, victim - 1, piece, work, now_ms);
	if (!on)
		give_up(a, victim);
	clean_leave(&h);
	return on;
}

bool
clean_some(struct arena *a, struct clean_state *s, struct clean_piece *piece)
{
	struct clean_work work = { .segments_freed = 0 };
	bool more;

	more = empty_victim(a, piece, &work, clock_wall_ms());
	if (piece->gained == 0 && work.bytes_moved == 0)
		more = clean_tidy(a, s, &work);
	if (work.segments_freed > 0)
		segment_note_hurry(a);
	return more;
}

bool
clean_step(struct arena *a, struct clean_state *s, struct clean_work *work,
    uint64_t now_ms)
{
	struct clean_piece piece = { .enough = UINT64_MAX };
	bool more = true;

	if (segment_count_free(a) < segment_reserve(a) + SEGMENTS_BACKED &&
	    segment_back_one(a))
		work->segments_backed++;
	else
		more = clean_tidy(a, s, work) ||
		    empty_victim(a, &piece, work, now_ms);
	segment_note_hurry(a);
	return more;
}

unsigned
clean_repair_all(struct arena *a)
{
	struct held h;
	unsigned n = 0;
	uint32_t i;

	for (i = 0; i < a->shards_count; i++)
		switch (lock_shard(a, i, &h)) {
		case LOCK_RECOVERED:
			n++;
			lock_release(&h);
			break;
		case LOCK_OK:
			lock_release(&h);
			break;
		case LOCK_POISONED:
			break;
		}
	return n;
}
