#ifndef KVD_SHM_SOUND_H
#define KVD_SHM_SOUND_H

#include "shm/lock.h"
#include "shm/slab.h"
#include "shm/word.h"

/*
 * What an offset is looked at for before a change follows it, under the lock.
 * A wild store of whoever had the arena mapped must cost the shard that it
 * met, not the process that comes across it, and not the other shards.
 *
 * A change that meets what cannot be calls held_break(): from then on nothing
 * of it is committed, and its answer is SHM_DAMAGED.
 */

/* In use by this shard, whole, for that kind of unit. */
bool sound_unit(const struct held *, arena_off, enum slab_class);

/*
 * A line that table_line() has found: it is ours, and so are those that
 * follow, and there is an end.
 */
bool sound_chain(const struct held *, const struct line *home);

/* The same of the line alone. */
static inline bool
sound_line(const struct held *h, const struct line *home)
{
	uint64_t i = arena_segment_of(h->a, arena_off_of(h->a, home));
	uint64_t state = word_peek(&h->a->table[i].state);

	return segment_owner(state) == h->shard &&
	    (segment_kind(state) == SEGMENT_INDEX ||
	    segment_kind(state) == SEGMENT_LINES);
}

/* A segment of the log of this shard. */
static inline bool
sound_log(const struct held *h, const struct segment *e)
{
	uint64_t state = word_peek(&e->state);

	return segment_owner(state) == h->shard &&
	    (segment_kind(state) == SEGMENT_HOT ||
	    segment_kind(state) == SEGMENT_COLD);
}

/*
 * The line of that number, with a sound chain; else the change breaks and
 * NULL is returned.
 */
struct line *sound_home(struct held *, const struct table *, uint64_t number);

#endif
