#ifndef KVD_SHM_CLEAN_H
#define KVD_SHM_CLEAN_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/arena.h"

/*
 * What the cleaner does: gives back what overwrites, deletes, drops and
 * expiry have left.  Each call does a bounded piece of work (microseconds
 * under any one lock).  Any process may clean at any time: those that do so
 * at once work on the same segment, and a cleaner that is killed is gone on
 * after by the next.
 */
struct clean_state {
	uint32_t	shard;		/* where drops are looked for next */
	uint64_t	look;		/* a segment, to be swept next */
	struct clean_sweep {		/* of the segment in hand */
		uint64_t	number;		/* + 1; 0: none */
		uint64_t	generation;
		uint64_t	offset;		/* all before is done */
		uint64_t	began_ms;	/* 0: to be begun */
		uint64_t	swept_ms;	/* the time before, or 0 */
		uint64_t	earliest_ms;	/* of what is left there */
	} sweep;
};

struct clean_work {			/* what the calls have done so far */
	uint64_t	records_moved;
	uint64_t	bytes_moved;
	uint64_t	records_expired;
	uint64_t	buckets_expired;
	uint64_t	records_swept;	/* looked at for what has expired */
	uint64_t	segments_freed;
	uint64_t	segments_backed;
	uint64_t	lines_dismantled;	/* of dropped buckets */
	uint64_t	shards_repaired;
};

/*
 * One piece of work: back segments ahead, take dropped buckets apart, empty
 * the sparsest sealed segment when memory runs low or most of it is garbage.
 * now_ms: the wall clock, ms since 1970, for expiry.
 * Returns true if there is more to do at once, false if the caller may sleep.
 */
bool clean_step(struct arena *, struct clean_state *, struct clean_work *,
    uint64_t now_ms);

/*
 * A piece of the work of clean_step() for somebody in a hurry: memory is not
 * backed, and it ends when as many bytes of garbage were passed as are enough.
 * At most 32 records are looked at, or 64 KiB moved.
 * Returns false if there is nothing that can be cleaned.
 */
struct clean_piece {
	uint64_t	enough;
	uint64_t	gained;		/* 0 to begin with */
};

bool clean_some(struct arena *, struct clean_state *, struct clean_piece *);

/*
 * One piece of another work: some records of a segment in which something has
 * expired are looked at, and what has expired is deleted.  A segment that was
 * looked at to its end less than wait_ms before is left alone.
 * Returns true if it was a piece, false if there is nothing to sweep.
 */
bool clean_sweep(struct arena *, struct clean_state *, struct clean_work *,
    uint64_t now_ms, uint64_t wait_ms);

/*
 * Lock and unlock every shard in turn, so that a shard whose owner died is
 * repaired now and not when the next client comes.  Returns how many were.
 */
unsigned clean_repair_all(struct arena *);

#endif
