#ifndef KVD_SHM_PACE_H
#define KVD_SHM_PACE_H

#include "shm/handle.h"
#include "shm/word.h"

/*
 * A process that has written so many bytes to the log of a shard, and holds no
 * lock, keeps pace with what it takes: when free segments are missing
 * (segment_note_hurry()) it backs memory, or collects garbage, in proportion
 * to what it wrote and to what is missing.  That takes some microseconds for a
 * record of ordinary size.
 */
void pace_hurry(struct arena *, uint32_t shard, uint64_t written_bytes);

static inline void
pace_writer(struct arena *a, uint32_t shard, uint64_t written_bytes)
{
	if (word_peek(&a->pool->hurry) != 0 && written_bytes > 0)
		pace_hurry(a, shard, written_bytes);
}

#endif
