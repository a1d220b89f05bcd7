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
};

struct clean_work {			/* what the calls have done so far */
	uint64_t	records_moved;
	uint64_t	bytes_moved;
	uint64_t	records_expired;
	uint64_t	segments_freed;
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
 * Lock and unlock every shard in turn, so that a shard whose owner died is
 * repaired now and not when the next client comes.  Returns how many were.
 */
unsigned clean_repair_all(struct arena *);

#endif
