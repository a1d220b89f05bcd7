/*
 * Appending.  Invariant: bytes of a segment below the head (or below `used`
 * once sealed) are whole records; each is reachable from one index entry, or
 * counted in `dead`.
 */

#include "shm/log.h"

#include "shm/intent.h"
#include "shm/sound.h"
#include "shm/word.h"

static inline uint64_t
left(const struct held *h, const word *segment, const word *pos)
{
	uint64_t number = word_peek(segment);

	if (number == 0)
		return 0;
	return arena_segment_base(h->a, number) - word_peek(pos);
}

/* Does a head stand in a segment of ours?  Else the change breaks. */
static inline bool
is_head(struct held *h, const word *segment, const word *pos,
    enum segment_kind kind)
{
	uint64_t number = word_peek(segment), at = word_peek(pos), state;
	const struct segment *e;

	if (number == 0)
		return true;
	if (number <= h->a->segments) {
		e = &h->a->table[number - 1];
		state = word_peek(&e->state);
		if (segment_owner(state) == h->shard &&
		    segment_kind(state) == kind && word_peek(&e->used) == 0 &&
		    at % 8 == 0 && at - arena_segment_base(h->a, number - 1) <=
		    h->a->segment_bytes)
			return true;
	}
	held_break(h);
	return false;
}

static inline bool
is_hot_head(struct held *h)
{
	return is_head(h, &h->sh->hot_segment, &h->sh->hot_pos, SEGMENT_HOT);
}

static bool
is_cold_head(struct held *h)
{
	return is_head(h, &h->sh->cold_segment, &h->sh->cold_pos,
	    SEGMENT_COLD);
}

/* Into the intent: no more bytes come to the segment of this head. */
static void
seal(struct held *h, uint64_t number, uint64_t pos, uint64_t successor)
{
	struct segment *e = &h->a->table[number - 1];

	intent_add(h, &e->used, SEGMENT_SEALED |
	    (pos - arena_segment_base(h->a, number - 1)));
	intent_add(h, &e->next, successor);
}

static enum shm_status
open_segment(struct held *h, word *segment, word *pos,
    enum segment_kind kind, enum segment_level level)
{
	uint64_t old = word_peek(segment), i;
	enum shm_status status;
	struct segment *e;

	if ((status = segment_take(h, level, &i)) != SHM_OK)
		return status;
	e = &h->a->table[i];
	word_init(&e->used, 0);
	word_init(&e->dead, 0);
	word_init(&e->first_lsn, word_peek(&h->sh->lsn) + 1);
	word_init(&e->next, 0);
	word_init(&e->earliest_ms, 0);
	word_init(&e->swept_ms, 0);
	word_init(&e->live, level == SEGMENT_FOR_DELETE);
	if (old != 0)
		seal(h, old, word_peek(pos), i + 1);
	intent_add(h, &e->state, segment_as(word_peek(&e->state), kind));
	intent_add(h, pos, arena_segment_base(h->a, i));
	intent_add(h, segment, i + 1);
	intent_commit(h);
	return SHM_OK;
}

enum shm_status
log_cold_room(struct held *h, uint64_t size)
{
	struct shard *sh = h->sh;

	if (!is_cold_head(h))
		return SHM_DAMAGED;
	if (left(h, &sh->cold_segment, &sh->cold_pos) >= size)
		return SHM_OK;
	return open_segment(h, &sh->cold_segment, &sh->cold_pos, SEGMENT_COLD,
	    SEGMENT_FOR_CLEANING);
}

arena_off
log_write(struct held *h, struct record_view *r)
{
	arena_off off = word_peek(&h->sh->hot_pos);

	r->lsn = word_peek(&h->sh->lsn) + 1;
	record_write(h->a, off, r);
	return off;
}

void
log_advance(struct held *h, const struct record_view *r)
{
	intent_add(h, &h->sh->hot_pos, word_peek(&h->sh->hot_pos) + r->size);
	/* Last: a reader of the feed that sees the lsn sees the rest. */
	intent_add(h, &h->sh->lsn, r->lsn);
}

void
log_kill(struct held *h, arena_off off, uint64_t size)
{
	struct segment *e = &h->a->table[arena_segment_of(h->a, off)];

	if (!sound_log(h, e))
		held_break(h);
	intent_set(h, &e->dead, intent_get(h, &e->dead) + size);
}

void
log_await(struct held *h, arena_off off, uint64_t expires_ms, bool is_old)
{
	struct segment *e;
	uint64_t earliest_ms, swept_ms;

	if (expires_ms == 0)
		return;
	if (!arena_holds(h->a, off, sizeof(struct record))) {
		held_break(h);
		return;
	}
	e = &h->a->table[arena_segment_of(h->a, off)];
	earliest_ms = intent_get(h, &e->earliest_ms);
	if (earliest_ms == 0 || expires_ms < earliest_ms)
		intent_set(h, &e->earliest_ms, expires_ms);
	swept_ms = intent_get(h, &e->swept_ms);
	/* Or its time was over before it came. */
	if ((is_old && (swept_ms & SEGMENT_SWEEPING) != 0) ||
	    expires_ms <= (swept_ms & ~SEGMENT_SWEEPING))
		intent_set(h, &e->swept_ms, 0);
}

void
log_free_segment(struct held *h, uint64_t segment)
{
	struct segment *e = &h->a->table[segment];

	intent_add(h, &e->state,
	    segment_as(word_peek(&e->state), SEGMENT_RELEASED));
	intent_release_segment(h, segment);
	intent_commit(h);
}

static unsigned
close_if_dead(struct held *h, word *segment, const word *pos)
{
	uint64_t number = word_peek(segment);
	struct segment *e;

	if (number == 0)
		return 0;
	e = &h->a->table[number - 1];
	if (word_peek(&e->dead) !=
	    word_peek(pos) - arena_segment_base(h->a, number - 1))
		return 0;
	intent_add(h, segment, 0);
	log_free_segment(h, number - 1);
	return 1;
}

/* A segment that a DELETE took from the reserve is no place for a PUT. */
static inline bool
may_use_head(const struct held *h, enum segment_level level)
{
	uint64_t number = word_peek(&h->sh->hot_segment);

	return number == 0 || level != SEGMENT_FOR_PUT ||
	    word_peek(&h->a->table[number - 1].live) == 0;
}

static enum shm_status
open_hot(struct held *h, enum segment_level level)
{
	return open_segment(h, &h->sh->hot_segment, &h->sh->hot_pos,
	    SEGMENT_HOT, level);
}

uint64_t
log_left(struct held *h)
{
	if (!is_hot_head(h) || !may_use_head(h, SEGMENT_FOR_PUT))
		return 0;
	return left(h, &h->sh->hot_segment, &h->sh->hot_pos);
}

enum shm_status
log_room(struct held *h, uint64_t size, enum segment_level level)
{
	struct shard *sh = h->sh;
	enum shm_status status;

	if (!is_hot_head(h))
		return SHM_DAMAGED;
	if (left(h, &sh->hot_segment, &sh->hot_pos) >= size &&
	    may_use_head(h, level))
		return SHM_OK;
	status = open_hot(h, SEGMENT_FOR_PUT);
	if (status != SHM_FULL || level != SEGMENT_FOR_DELETE)
		return status;
	status = open_hot(h, level);
	if (status == SHM_FULL &&
	    close_if_dead(h, &sh->hot_segment, &sh->hot_pos) > 0)
		status = open_hot(h, level);
	return status;
}

unsigned
log_close_dead_heads(struct held *h, bool keep_hot)
{
	struct shard *sh = h->sh;

	if (!is_hot_head(h) || !is_cold_head(h))
		return 0;
	return (keep_hot ? 0 :
	    close_if_dead(h, &sh->hot_segment, &sh->hot_pos)) +
	    close_if_dead(h, &sh->cold_segment, &sh->cold_pos);
}
