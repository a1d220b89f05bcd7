#ifndef KVD_SHM_SEGMENT_H
#define KVD_SHM_SEGMENT_H

#include "shm/lock.h"

/*
 * The pool of segments is the segment table itself: a segment is taken by one
 * compare-and-swap of its state, so there is no pool lock, and a process that
 * dies with one in its hands leaves it TAKEN by a shard whose repair finds it.
 */

/* How deep into the reserve an operation may reach. */
enum segment_level {
	SEGMENT_FOR_PUT,	/* leaves what deletes and cleaning need */
	SEGMENT_FOR_DELETE,	/* leaves what cleaning needs */
	SEGMENT_FOR_CLEANING	/* takes the last one */
};

static inline enum segment_kind
segment_kind(uint64_t state)
{
	return (enum segment_kind)(state & 0xff);
}

static inline uint32_t
segment_owner(uint64_t state)
{
	return (uint32_t)(state >> 8 & 0xffffff);
}

static inline uint64_t
segment_generation(uint64_t state)
{
	return state >> 32;
}

static inline uint64_t
segment_state(uint64_t generation, uint32_t owner, enum segment_kind kind)
{
	return generation << 32 | (uint64_t)owner << 8 | (uint64_t)kind;
}

/* The same state with another kind. */
static inline uint64_t
segment_as(uint64_t state, enum segment_kind kind)
{
	return (state & ~UINT64_C(0xff)) | (uint64_t)kind;
}

/*
 * Take a free segment for the shard that is held.  It is TAKEN and unlinked;
 * the caller commits an intent that links it.  Returns SHM_OK, or SHM_FULL.
 */
enum shm_status segment_take(struct held *, enum segment_level,
    uint64_t *segment);

/* RELEASED or TAKEN -> FREE; only by the holder of the owner's lock. */
void segment_free(struct arena *, uint32_t shard, uint64_t segment);

/* For the repair: free what the shard holds but does not use. */
void segment_free_strays(struct held *);

/* How many are free, backed by memory. */
uint64_t segment_count_free(const struct arena *);

/* Free segments that a PUT leaves, and the cleaner keeps backed. */
uint64_t segment_reserve(const struct arena *);

/*
 * So many free ones are wanted beyond the reserve.  Writers are told how many
 * of these are missing, or of an eighth of all if that is less, see pace.h; but
 * not in an arena of a few.  The cleaner backs twice as many, so that it need
 * not be there the moment that one is taken: what it backs has huge pages.
 */
#define SEGMENTS_AHEAD	UINT64_C(4)
#define SEGMENTS_BACKED	(2 * SEGMENTS_AHEAD)

/* Count, and tell them. */
void segment_note_hurry(struct arena *);

/*
 * Back one raw segment with memory, or a piece of one: no lock may be held.
 * Returns false if there is none left or the system has no memory for it.
 */
#define SEGMENT_PIECE	(UINT64_C(64) * 1024)	/* bytes */

bool segment_back_one(struct arena *);
bool segment_back_some(struct arena *);

/* Would that be worth a try? */
bool segment_may_back(const struct arena *);

#endif
