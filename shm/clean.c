/*
 * Giving memory back.  In the order of what it costs: dropped buckets are
 * taken apart, heads of shards without buckets are closed, segments that are
 * all dead are freed, and the sparsest of the others is emptied, its live
 * records moving to the cold head of their shard one intent at a time.
 *
 * Moving must pay: when hardly a segment is free, a shard is touched only if
 * its garbage fills one, or the rest of its cold head takes what lives.
 */

#include "shm/clean.h"

#include <string.h>

#include "shm/feed.h"
#include "shm/hash.h"
#include "shm/index.h"
#include "shm/intent.h"
#include "shm/log.h"
#include "shm/pair_locked.h"
#include "shm/segment.h"
#include "shm/slab.h"
#include "shm/word.h"

#define LINES_PER_STEP		32
#define RECORDS_PER_STEP	32
#define BYTES_PER_STEP		(64U * 1024)
#define AHEAD			4	/* segments backed beyond the reserve */

static void
kill_record(struct held *h, arena_off off)
{
	struct record_view r;

	if (record_read(h->a, off, &r))
		log_kill(h, off, r.size);
}

/* One line of the dropped bucket on top, or the bucket itself. */
static void
dismantle_one(struct held *h, struct clean_work *work)
{
	arena_off off = word_peek(&h->sh->graveyard);
	struct bucket *b = arena_at(h->a, off);
	unsigned released;

	if (index_dismantle(h, &b->table, kill_record)) {
		work->lines_dismantled++;
	} else {
		intent_add(h, &h->sh->graveyard, word_peek(&b->link));
		intent_add(h, &b->mark, 0);
		slab_free(h, SLAB_LINE, off);
	}
	released = h->nreleased;
	intent_commit(h);
	work->segments_freed += released;
}

static enum lock_status
enter(struct arena *a, uint32_t shard, struct held *h,
    struct clean_work *work)
{
	enum lock_status s = lock_shard(a, shard, h);

	if (s == LOCK_RECOVERED)
		work->shards_repaired++;
	return s;
}

/* No bucket is left, but something is still held for them. */
static bool
is_idle(const struct shard *sh)
{
	return word_peek(&sh->buckets.count) == 0 &&
	    (word_peek(&sh->hot_segment) != 0 ||
	    word_peek(&sh->cold_segment) != 0 ||
	    word_peek(&sh->partial[SLAB_LINE]) != 0 ||
	    word_peek(&sh->partial[SLAB_PAGE]) != 0);
}

/* A shard without buckets holds no segment. */
static unsigned
vacate(struct held *h)
{
	unsigned i, n = 0;

	for (i = 0; i < LINES_PER_STEP; i++) {
		if (!index_dismantle(h, &h->sh->buckets, kill_record))
			break;
		n += h->nreleased;
		intent_commit(h);
	}
	return n + log_close_dead_heads(h) +
	    slab_release_empty(h, SLAB_LINE) +
	    slab_release_empty(h, SLAB_PAGE);
}

/* Returns true if there was something to do in this shard. */
static bool
tidy_shard(struct arena *a, uint32_t shard, struct clean_work *work)
{
	struct shard *sh = &a->shards[shard];
	uint64_t freed = work->segments_freed;
	bool buried = word_load(&sh->graveyard) != 0;
	struct held h;
	unsigned i;

	if ((!buried && !is_idle(sh)) ||
	    enter(a, shard, &h, work) == LOCK_POISONED)
		return false;
	for (i = 0; i < LINES_PER_STEP && word_peek(&sh->graveyard) != 0; i++)
		dismantle_one(&h, work);
	if (word_peek(&sh->graveyard) == 0 && is_idle(sh))
		work->segments_freed += vacate(&h);
	lock_release(&h);
	return buried || work->segments_freed > freed;
}

static bool
tidy(struct arena *a, struct clean_state *s, struct clean_work *work)
{
	uint32_t i, shard;

	for (i = 0; i < a->shards_count; i++) {
		shard = (s->shard + i) % a->shards_count;
		if (tidy_shard(a, shard, work)) {
			s->shard = shard;
			return true;
		}
	}
	return false;
}

/* Segments of the log that no head writes to any more. */
static bool
is_sealed(const struct arena *a, const struct segment *e)
{
	uint64_t state = word_load(&e->state);
	enum segment_kind kind = segment_kind(state);

	return (kind == SEGMENT_HOT || kind == SEGMENT_COLD) &&
	    (word_peek(&e->used) & SEGMENT_SEALED) != 0 &&
	    word_peek(&a->shards[segment_owner(state)].poisoned) == 0;
}

static uint64_t
cold_left(const struct arena *a, uint32_t shard)
{
	uint64_t number = word_peek(&a->shards[shard].cold_segment);

	return number == 0 ? 0 : arena_segment_base(a, number) -
	    word_peek(&a->shards[shard].cold_pos);
}

struct pressure {
	uint64_t	free;		/* segments, raw ones included */
	uint64_t	ready;		/* of these, backed */
	uint64_t	reserve;
	uint64_t	garbage[ARENA_SHARDS_MAX]; /* sealed, bytes */
};

static void
feel_pressure(const struct arena *a, struct pressure *p)
{
	uint64_t i, state;

	memset(p, 0, sizeof(*p));
	for (i = 0; i < a->segments; i++) {
		state = word_load(&a->table[i].state);
		if (is_sealed(a, &a->table[i]))
			p->garbage[segment_owner(state)] +=
			    word_peek(&a->table[i].dead);
		p->ready += segment_kind(state) == SEGMENT_FREE;
		p->free += segment_kind(state) == SEGMENT_RAW;
	}
	p->free += p->ready;
	p->reserve = segment_reserve(a);
}

/* While there is memory, those who follow the log are given time. */
static bool
is_followed(struct arena *a, const struct segment *e)
{
	uint64_t state = word_peek(&e->state);
	struct feed_watchers who;

	return segment_kind(state) == SEGMENT_HOT &&
	    feed_watchers(a, segment_owner(state), &who);
}

/* Is emptying this segment worth the copying, as memory is now? */
static bool
pays(struct arena *a, const struct segment *e, const struct pressure *p)
{
	uint64_t used = word_peek(&e->used) & ~SEGMENT_SEALED;
	uint64_t dead = word_peek(&e->dead);
	uint32_t shard = segment_owner(word_peek(&e->state));

	if (p->free > a->segments / 4)
		return dead > used / 4 * 3 && !is_followed(a, e);
	if (dead == used)
		return true;
	if (p->free > p->reserve + a->segments / 16)
		return dead > used / 4;
	if (dead < used / 32 + 1)
		return false;
	return p->ready > 2 || cold_left(a, shard) >= used - dead ||
	    (p->ready > 0 && p->garbage[shard] >= a->segment_bytes);
}

static bool
choose_victim(struct arena *a)
{
	uint64_t i, used, dead, best = 0, best_used = 1, best_dead = 0;
	struct pressure p;

	feel_pressure(a, &p);
	for (i = 0; i < a->segments; i++) {
		const struct segment *e = &a->table[i];

		if (!is_sealed(a, e))
			continue;
		used = word_peek(&e->used) & ~SEGMENT_SEALED;
		dead = word_peek(&e->dead);
		/* dead / used above the best, without a division */
		if ((best != 0 && dead * best_used <= best_dead * used) ||
		    !pays(a, e, &p))
			continue;
		best = i + 1;
		best_used = used;
		best_dead = dead;
	}
	if (best == 0)
		return false;
	word_store(&a->cleaning->victim, 0);
	word_store(&a->cleaning->offset, 0);
	word_store(&a->cleaning->generation, segment_generation(
	    word_peek(&a->table[best - 1].state)));
	word_store(&a->cleaning->victim, best);
	return true;
}

/*
 * The bucket that a record names, unless it is no more: the unit may be a
 * line by now, or bytes of another life that nobody has carved yet.
 */
static struct bucket *
live_bucket(struct held *h, arena_off off)
{
	const struct segment *e;
	struct bucket *b;
	uint64_t i;

	if (!arena_holds(h->a, off, sizeof(*b)))
		return NULL;
	i = arena_segment_of(h->a, off);
	e = &h->a->table[i];
	b = arena_at(h->a, off);
	if (segment_kind(word_peek(&e->state)) != SEGMENT_LINES ||
	    segment_owner(word_peek(&e->state)) != h->shard ||
	    off - arena_segment_base(h->a, i) >= word_peek(&e->used) ||
	    word_peek(&b->mark) != BUCKET_LIVE)
		return NULL;
	return b;
}

/* The table and the place in it that lead to this record, if any. */
static struct table *
find_live(struct held *h, arena_off off, const struct record_view *r,
    struct index_place *p)
{
	uint64_t hash = hash_keyed(h->a->hash_seed, r->key.data, r->key.len);
	struct table *t = &h->sh->buckets;
	struct bucket *b;

	if (r->op == RECORD_PUT) {
		if ((b = live_bucket(h, r->bucket)) == NULL)
			return NULL;
		t = &b->table;
	} else if (r->op != RECORD_CREATE) {
		return NULL;
	}
	return index_find_record(h, t, hash, off, p) ? t : NULL;
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
	log_kill(h, off, r->size);
	intent_add(h, &h->sh->cold_pos, to + r->size);
	intent_commit(h);
	work->records_moved++;
	work->bytes_moved += r->size;
	return SHM_OK;
}

static enum shm_status
clean_record(struct held *h, arena_off off, const struct record_view *r,
    struct clean_work *work, uint64_t now_ms)
{
	struct index_place p;

	if (find_live(h, off, r, &p) == NULL)
		return SHM_OK;
	if (r->op == RECORD_PUT && record_is_expired(r, now_ms) &&
	    pair_delete_place(h, &p, r) == SHM_OK) {
		work->records_expired++;
		return SHM_OK;
	}
	return move(h, off, r, &p, work);
}

/* Some records of the victim; false when it cannot go on. */
static bool
empty_some(struct held *h, uint64_t victim, struct clean_work *work,
    uint64_t now_ms)
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
		    work->bytes_moved - moved < BYTES_PER_STEP; n++) {
			if (!record_read(h->a, base + at, &r) ||
			    clean_record(h, base + at, &r, work, now_ms) !=
			    SHM_OK)
				return false;
			at += r.size;
			word_store(offset, at);
		}
	if (word_peek(&e->dead) != used)
		return at < used;
	word_store(&h->a->cleaning->victim, 0);
	log_free_segment(h, victim);
	work->segments_freed++;
	return true;
}

static bool
is_victim(const struct arena *a, uint64_t victim)
{
	return victim != 0 && is_sealed(a, &a->table[victim - 1]) &&
	    segment_generation(word_load(&a->table[victim - 1].state)) ==
	    word_peek(&a->cleaning->generation);
}

/* With the lock of the cleaning: go on with the victim, or find one. */
static bool
empty_victim(struct arena *a, struct clean_work *work, uint64_t now_ms)
{
	uint64_t victim;
	bool on = true;
	struct held h;

	if (!is_victim(a, word_peek(&a->cleaning->victim)) &&
	    !choose_victim(a))
		return false;
	victim = word_peek(&a->cleaning->victim) - 1;
	if (enter(a, segment_owner(word_peek(&a->table[victim].state)), &h,
	    work) == LOCK_POISONED) {
		word_store(&a->cleaning->victim, 0);
		return true;	/* the next victim is another shard's */
	}
	/* It may have been freed before we had the lock; what belongs to a
	 * dropped bucket is for tidy(). */
	if (is_victim(a, victim + 1) && word_peek(&h.sh->graveyard) == 0)
		on = empty_some(&h, victim, work, now_ms);
	lock_release(&h);
	if (!on)
		word_store(&a->cleaning->victim, 0);
	return on;
}

bool
clean_step(struct arena *a, struct clean_state *s, struct clean_work *work,
    uint64_t now_ms)
{
	bool more;

	arena_back_ahead(a, (unsigned)segment_reserve(a) + AHEAD);
	if (tidy(a, s, work))
		return true;
	lock_hints(&a->cleaning->lock);
	more = empty_victim(a, work, now_ms);
	lock_hints_release(&a->cleaning->lock);
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
