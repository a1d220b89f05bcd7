#ifndef KVD_SHM_REPAIR_CHECK_H
#define KVD_SHM_REPAIR_CHECK_H

#include "shm/lock.h"
#include "shm/record.h"

/*
 * What a dead process has left is checked before the repair acts on it: a
 * wild store of a process that went wrong must cost one shard at most.
 */

/*
 * May the intent of this shard change the word at off?  The words of the
 * shard that intents change, the table entries of segments that it owns, and
 * what is in those that hold lines or pages.
 */
bool repair_may_change(const struct held *, arena_off);

/* May the intent guard the version word at off? */
bool repair_may_guard(const struct held *, arena_off);

/*
 * Can this record, the next of a batch, be published: its bucket is there,
 * the chain of its key, or name, has an end, and there is a line to be had
 * if it takes one?
 */
bool repair_can_publish(const struct held *, const struct record_view *);

#endif
