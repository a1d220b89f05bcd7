/*
 * Who writes faster than the cleaner cleans comes to the end of the free
 * segments, and has to wait until one is emptied: tens of milliseconds, for
 * one PUT of ten thousand.  Here each pays its own share while some are left.
 *
 * The debt is in bytes of the log.  Garbage that was passed in the segment that
 * is being emptied is memory won back, whatever had to be moved for it: who
 * wins as much as it writes does not come to the end.  How much is to be won
 * grows evenly as memory gets less, from nothing to several times what is
 * written, so it settles where all of it is just paid.  Segments come and go
 * whole, and what is left of those in hand makes up for that.
 *
 * Pieces are small and the lock of the shard is let go in between, so nobody
 * waits long for who pays; all work on the same segment, as ever.  What is owed
 * is this process's own business, in its own memory.  Where there is no garbage
 * it writes on trust for a while before it looks again: looking takes a walk
 * over all segments.
 */

#include "shm/pace.h"

#include "shm/clean.h"
#include "shm/segment.h"
#include "shm/word.h"

#define TRUST_PARTS	16	/* of a segment are written on trust */

static void
pay(struct arena *a, uint64_t bytes)
{
	a->owed_bytes -= bytes < a->owed_bytes ? bytes : a->owed_bytes;
}

/* Returns true if there is more to be paid, and something to do for it. */
static bool
pay_some(struct arena *a)
{
	struct clean_state state = { .shard = 0 };
	struct clean_piece piece = { .enough = a->owed_bytes };

	if (segment_may_back(a)) {
		if (a->owed_bytes < SEGMENT_PIECE || !segment_back_some(a))
			return false;
		pay(a, SEGMENT_PIECE);
	} else if (clean_some(a, &state, &piece)) {
		pay(a, piece.gained);
	} else {
		a->owed_bytes = 0;
		a->trusted_bytes = a->segment_bytes / TRUST_PARTS;
	}
	return a->owed_bytes > 0;
}

static uint64_t
left(const struct arena *a, uint64_t number, arena_off pos)
{
	return number == 0 || number > a->segments ? 0 :
	    arena_segment_base(a, number) - pos;
}

/* Of segments that are neither free nor full: what can be had of them. */
static uint64_t
parts(const struct arena *a, const struct shard *sh)
{
	uint64_t victim = word_peek(&a->cleaning->victim), bytes;

	bytes = left(a, word_peek(&sh->hot_segment), word_peek(&sh->hot_pos));
	if (victim == 0 || victim > a->segments)
		return bytes;
	sh = &a->shards[segment_owner(word_peek(&a->table[victim - 1].state)) %
	    a->shards_count];
	return bytes + word_peek(&a->cleaning->offset) +
	    left(a, word_peek(&sh->cold_segment), word_peek(&sh->cold_pos));
}

/* What it owes for that; these are hints, and may be anything. */
static uint64_t
owes(const struct arena *a, uint32_t shard, uint64_t written)
{
	uint64_t missing = word_peek(&a->pool->hurry) << a->segment_bits;
	uint64_t most = SEGMENTS_AHEAD << a->segment_bits;
	uint64_t there = parts(a, &a->shards[shard]);

	if (missing > most)
		missing = most;
	if (there >= missing)
		return 0;
	/* In pages, so that no product is too large. */
	return written * ((missing - there) / PAGE_BYTES) /
	    (a->segment_bytes / PAGE_BYTES);
}

void
pace_hurry(struct arena *a, uint32_t shard, uint64_t written)
{
	uint64_t pieces, most = 2 * a->segment_bytes;

	if (a->trusted_bytes > written) {
		a->trusted_bytes -= written;
		return;
	}
	a->trusted_bytes = 0;
	a->owed_bytes += owes(a, shard, written);
	/* What cannot be paid is forgotten one day. */
	if (a->owed_bytes > most)
		a->owed_bytes = most;
	if (a->owed_bytes > 0)
		a->delays++;
	for (pieces = 1 + 2 * written / SEGMENT_PIECE;
	    a->owed_bytes > 0 && pieces > 0 && pay_some(a); pieces--)
		;
}
