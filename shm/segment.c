/*
 * The pool.  Invariant: a segment has one owner from the moment its state
 * says TAKEN to the moment it says FREE again, and only the holder of the
 * owner's lock moves it between.
 *
 * The reserve is a segment for every shard in use plus two.  When the arena
 * is full a DELETE takes its shard's one for tombstones, and only for them:
 * a segment of tombstones is all dead, so it can be emptied at once and used
 * again.  The two let the cleaner begin.
 *
 * Backing is posix_fallocate(3): a hole in tmpfs would be a SIGBUS in
 * whoever touches it first when /dev/shm is full.  The kernel clears a page in
 * a microsecond or more, a segment in one to some tens of milliseconds, and
 * whoever else asks it for memory of the same object waits: so it goes in
 * pieces, and how far the segment in hand has come stands in the arena.
 */

#include "shm/segment.h"

#include <errno.h>
#include <fcntl.h>

#include "shm/clock.h"
#include "shm/huge.h"
#include "shm/word.h"

#define CLEANING_RESERVE	2
#define FEW			24	/* segments: none of them to spare */
#define PART_WANTED		8
#define REFUSAL_LASTS_MS	1000

uint64_t
segment_count_free(const struct arena *a)
{
	uint64_t i, n = 0;

	for (i = 0; i < a->segments; i++)
		if (segment_kind(word_peek(&a->table[i].state)) ==
		    SEGMENT_FREE)
			n++;
	return n;
}

uint64_t
segment_reserve(const struct arena *a)
{
	uint64_t n = CLEANING_RESERVE;
	uint32_t i;

	for (i = 0; i < a->shards_count; i++)
		if (word_peek(&a->shards[i].hot_segment) != 0)
			n++;
	return n;
}

static uint64_t
keep_at(const struct held *h, enum segment_level level)
{
	switch (level) {
	case SEGMENT_FOR_PUT:
		/*
		 * A shard that is new to the game brings its own reserve,
		 * and wants a second segment at once, for lines.  If it took
		 * the first and did not get the second, making room would
		 * begin with giving back the first, and get nowhere.
		 */
		return segment_reserve(h->a) +
		    (word_peek(&h->sh->hot_segment) == 0 ? 2 : 0);
	case SEGMENT_FOR_DELETE:
		return CLEANING_RESERVE;
	case SEGMENT_FOR_CLEANING:
		break;
	}
	return 0;
}

static bool
try_take(struct held *h, uint64_t i)
{
	word *state = &h->a->table[i].state;
	uint64_t was = word_load(state);

	return segment_kind(was) == SEGMENT_FREE &&
	    atomic_compare_exchange_strong(state, &was, segment_state(
	    segment_generation(was) + 1, h->shard, SEGMENT_TAKEN));
}

/* Others may have taken theirs since we counted: then this one was one too
 * many. */
static enum shm_status
keep_or_return(struct held *h, enum segment_level level, uint64_t segment)
{
	if (segment_count_free(h->a) >= keep_at(h, level))
		return SHM_OK;
	segment_free(h->a, h->shard, segment);
	return SHM_FULL;
}

void
segment_note_hurry(struct arena *a)
{
	uint64_t ready = segment_count_free(a), kept = segment_reserve(a);
	uint64_t slack = ready > kept ? ready - kept : 0, hurry = 0;
	uint64_t wanted = a->segments / PART_WANTED;

	if (wanted > SEGMENTS_AHEAD)
		wanted = SEGMENTS_AHEAD;
	if (slack < wanted && a->segments >= FEW)
		hurry = wanted - slack;
	/* All look at it with each change, and it hardly ever changes. */
	if (word_peek(&a->pool->hurry) != hurry)
		word_store(&a->pool->hurry, hurry);
}

static enum shm_status
take(struct held *h, enum segment_level level, uint64_t *segment)
{
	uint64_t i;

	if (segment_count_free(h->a) <= keep_at(h, level))
		return SHM_FULL;
	for (i = 0; i < h->a->segments; i++)
		if (try_take(h, i)) {
			/* What is written into it comes after what made its
			 * old readers retry. */
			atomic_thread_fence(memory_order_release);
			*segment = i;
			return keep_or_return(h, level, i);
		}
	return SHM_FULL;
}

enum shm_status
segment_take(struct held *h, enum segment_level level, uint64_t *segment)
{
	enum shm_status status = take(h, level, segment);

	segment_note_hurry(h->a);
	return status;
}

void
segment_free(struct arena *a, uint32_t shard, uint64_t segment)
{
	word *state = &a->table[segment].state;
	uint64_t was = word_peek(state);

	word_store(state, segment_state(segment_generation(was), shard,
	    SEGMENT_FREE));
}

void
segment_free_strays(struct held *h)
{
	uint64_t i, state;

	for (i = 0; i < h->a->segments; i++) {
		state = word_load(&h->a->table[i].state);
		if (segment_owner(state) == h->shard &&
		    (segment_kind(state) == SEGMENT_TAKEN ||
		    segment_kind(state) == SEGMENT_RELEASED))
			segment_free(h->a, h->shard, i);
	}
}

/* Up to here there is memory. */
static void
raise_to(word *w, arena_off end)
{
	uint64_t was = word_load(w);

	while (was < end && !atomic_compare_exchange_weak(w, &was, end))
		;
}

/* All segments before this one are backed: tell the readers. */
static void
raise_backed_end(struct arena *a, uint64_t segments)
{
	raise_to(&a->pool->backed_end, arena_segment_base(a, segments));
}

static uint64_t
first_raw(const struct arena *a)
{
	uint64_t i;

	for (i = 0; i < a->segments; i++)
		if (segment_kind(word_load(&a->table[i].state)) ==
		    SEGMENT_RAW)
			break;
	return i;
}

/* Asking a full system again for each client costs more than it brings. */
static bool
was_refused_lately(const struct arena *a)
{
	uint64_t then = word_load(&a->pool->refused_ms);
	uint64_t now = clock_wall_ms();

	return then != 0 && now >= then && now - then < REFUSAL_LASTS_MS;
}

/* How far a segment is that somebody has begun with, or where it begins. */
static arena_off
begun(const struct arena *a, uint64_t i)
{
	arena_off at = word_load(&a->pool->backing);
	arena_off base = arena_segment_base(a, i);

	return at > base && at <= base + a->segment_bytes ? at : base;
}

static bool
allocate(struct arena *a, arena_off at, uint64_t bytes)
{
	int error;

	do
		error = posix_fallocate(a->fd, (off_t)at, (off_t)bytes);
	while (error == EINTR);
	if (error != 0) {
		word_store(&a->pool->refused_ms, clock_wall_ms());
		return false;
	}
	raise_to(&a->pool->backing, at + bytes);
	return true;
}

/* A hint from beyond the segment cannot tell how far it has come. */
static uint64_t
piece_of(const struct arena *a, arena_off at, arena_off end)
{
	uint64_t left = end - at;

	return left < SEGMENT_PIECE || word_load(&a->pool->backing) > end ?
	    left : SEGMENT_PIECE;
}

/* The next piece of a segment, and if it is the last the segment is free. */
static bool
back(struct arena *a, uint64_t i)
{
	word *state = &a->table[i].state;
	uint64_t was = word_load(state);
	arena_off at = begun(a, i), end = arena_segment_base(a, i + 1);
	uint64_t piece = piece_of(a, at, end);

	if (piece > 0 && !allocate(a, at, piece))
		return false;
	if (piece < end - at)
		return true;
	/* Readers may look into it before any record can be there. */
	raise_backed_end(a, i + 1);
	/* Another process may have been quicker: then it is FREE already. */
	if (segment_kind(was) == SEGMENT_RAW)
		atomic_compare_exchange_strong(state, &was,
		    segment_as(was, SEGMENT_FREE));
	return true;
}

bool
segment_may_back(const struct arena *a)
{
	return word_load(&a->pool->backed_end) < a->segments_end &&
	    !was_refused_lately(a);
}

bool
segment_back_some(struct arena *a)
{
	uint64_t i = first_raw(a);

	return i < a->segments && !was_refused_lately(a) && back(a, i);
}

bool
segment_back_one(struct arena *a)
{
	uint64_t i = first_raw(a);

	if (i == a->segments || was_refused_lately(a))
		return false;
	/* Quicker than small ones, but not for who has no time at all. */
	if (begun(a, i) == arena_segment_base(a, i))
		huge_back(a, arena_segment_base(a, i));
	while (segment_kind(word_load(&a->table[i].state)) == SEGMENT_RAW)
		if (!back(a, i))
			return false;
	return true;
}
