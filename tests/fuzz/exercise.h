#ifndef KVD_FUZZ_EXERCISE_H
#define KVD_FUZZ_EXERCISE_H

#include <stdbool.h>

#include "shm/audit.h"
#include "shm/handle.h"

/*
 * What processes do with an arena, one after the other.  Whatever they find
 * in it, each call must return, with an answer of those that its header
 * promises and without a lock; what the answers say is not looked at.
 */

/*
 * The audit, with pieces of that much work or AUDIT_WHOLE; returns how many
 * errors it has found.
 */
uint64_t exercise_audit(struct arena *, uint64_t piece);

/* All that takes no lock: values, facts, walks, feeds from their begin. */
void exercise_reads(struct arena *);

/* Put, overwrite, delete, a batch, create, drop, clean. */
void exercise_changes(struct arena *);

/*
 * Are all locks of shards the ones that were made?  Of those that are, none
 * is left held.  Others nobody can take and come back.
 */
bool exercise_locks(struct arena *);

#endif
