#ifndef KVD_SHM_AUDIT_H
#define KVD_SHM_AUDIT_H

#include <stdint.h>

#include "shm/arena.h"

/*
 * Checks every promise of the layout: each unit of each segment reachable or
 * free and never both, live and dead bytes exact, every line dense, every
 * entry in the line its hash says, counts right, no intent left.  Takes one
 * shard lock at a time for as long as that shard takes; the rest go on.
 */
struct audit_report {
	uint64_t	shards, segments, buckets, dropped, lines, records;
	uint64_t	live_bytes, dead_bytes;
	uint64_t	errors;
	char		first_error[256];	/* empty if there is none */
};

/*
 * Returns 0 if the audit could be made (look at report->errors), or -1 if
 * memory for its bit maps was missing.  Never crashes on a damaged arena.
 */
int audit_arena(struct arena *, struct audit_report *);

#endif
