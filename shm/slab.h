#ifndef KVD_SHM_SLAB_H
#define KVD_SHM_SLAB_H

#include "shm/lock.h"
#include "shm/segment.h"

/*
 * Lines (64 bytes) and pages (4 KiB), carved from segments of their own.
 */

/*
 * See to it that n units can be had without failing, by linking segments to
 * the shard; each is an intent of its own, so none may be under way.
 */
enum shm_status slab_reserve(struct held *, enum slab_class, unsigned n,
    enum segment_level);

/* Can they already?  n counts what the intent under construction took, too. */
bool slab_has_room(struct held *, enum slab_class, unsigned n);

/*
 * Take a unit, as part of the intent under construction; it must have been
 * reserved.  Its words may be initialised directly, except the one at
 * UNIT_LINK, which must go through the intent: until the commit the unit is
 * still in the free list.  Returns 0 if the change breaks.
 */
arena_off slab_alloc(struct held *, enum slab_class);

/* Give a unit back, as part of the intent under construction. */
void slab_free(struct held *, enum slab_class, arena_off);

/*
 * Give back the segments of which no unit is in use (intents of their own).
 * Returns how many.
 */
unsigned slab_release_empty(struct held *, enum slab_class);

/* The same after a batch, if it has emptied any. */
void slab_release_emptied(struct held *, enum slab_class);

/* The kind of its segments. */
static inline enum segment_kind
slab_kind(enum slab_class class)
{
	return class == SLAB_LINE ? SEGMENT_LINES : SEGMENT_INDEX;
}

/* Bytes of a unit. */
static inline uint64_t
slab_bytes(enum slab_class class)
{
	return class == SLAB_LINE ? sizeof(struct line) : PAGE_BYTES;
}

#endif
