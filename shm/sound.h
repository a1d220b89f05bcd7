#ifndef KVD_SHM_SOUND_H
#define KVD_SHM_SOUND_H

#include "shm/lock.h"
#include "shm/slab.h"

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

/* A segment of the log of this shard. */
bool sound_log(const struct held *, const struct segment *);

/*
 * The line of that number, with a sound chain; else the change breaks and
 * NULL is returned.
 */
struct line *sound_home(struct held *, const struct table *, uint64_t number);

#endif
