#ifndef KVD_SHM_AUDIT_H
#define KVD_SHM_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/arena.h"

/*
 * Checks the promises of the layout, also of an arena that others change
 * meanwhile, and however damaged it is: it reports, it never crashes and it
 * comes to an end.  It changes nothing, but that taking a dead owner's lock
 * repairs the shard, as for everybody.
 *
 * A shard that takes no more than a piece of work is checked whole, under its
 * lock, and then all of this is known of it as it was at that moment:
 *
 *	its lock is one of ours
 *	no intent, batch, odd version or lost segment is left
 *	every unit is reachable or free, and never both or twice
 *	every chain is dense, every entry in the line that its hash says,
 *	every key once, every record sound, ours, and not of the future
 *	all counts right: keys, bytes, units, live and dead bytes
 *	the log has every revision in order, up to the shard's own
 *	its heads and lists name its own segments, and all of them
 *
 * A larger one is checked in slices, a piece under the lock each, while it
 * changes in between.  Every line, entry, bucket, segment and record of the
 * log that is there all the time is checked as above, and so are the sums of
 * each bucket and of each segment's units that fit a piece.  Sums over more
 * than a piece are not: that the whole of the shard's units and live bytes
 * adds up, and that large buckets count right.  Of the dropped buckets only
 * their list is checked then.
 *
 * Of the pool: every segment is of a known kind and of a shard that exists,
 * backed in order, and the superblock is as it was at attach.
 */
struct audit_report {
	uint64_t	shards;		/* of these ... */
	uint64_t	shards_whole;	/* ... each at one moment */
	uint64_t	shards_sliced;	/* ... a piece at a time */
	uint64_t	shards_lost;	/* ... beyond repair, not checked */
	uint64_t	shards_repaired; /* their last owner had died */
	uint64_t	segments;	/* of shards */
	uint64_t	segments_free;	/* not of shards: backed, ... */
	uint64_t	segments_raw;	/* ... and not yet */
	uint64_t	buckets;
	uint64_t	dropped;	/* buckets not yet taken apart */
	uint64_t	lines;		/* of indexes */
	uint64_t	records;	/* that indexes lead to */
	uint64_t	log_records;	/* read in the log, dead ones too */
	uint64_t	live_bytes;	/* of the records of indexes */
	uint64_t	dead_bytes;	/* as the segments count them */
	uint64_t	errors;
	char		first_error[256];	/* empty if there is none */
};

struct audit;

/*
 * Work under one lock, in units of an entry, a line or a record.  Measured
 * with 10 million keys of 16 bytes in one bucket: a piece of this size takes
 * 2 ms, the longest 4.5 ms; a shard of 7,000 keys is checked whole.
 */
#define AUDIT_PIECE	UINT64_C(16384)
/* Every shard whole, however long its lock is held. */
#define AUDIT_WHOLE	UINT64_MAX

/*
 * Begin an audit of an arena, which must stay open; piece is the most work
 * under one lock.  For one thread.  NULL when memory for its bit maps was
 * missing.
 */
struct audit *audit_open(struct arena *, uint64_t piece);

/*
 * Do the next piece, under one lock at the most, which is not held when this
 * returns.  False after the last; then it does nothing any more.
 */
bool audit_step(struct audit *);

/* What was found so far; all of it once audit_step() has returned false. */
const struct audit_report *audit_report(const struct audit *);

/* End it, finished or not.  NULL is allowed. */
void audit_close(struct audit *);

/*
 * All at once, every shard whole.  Returns 0 if the audit could be made (look
 * at report->errors), or -1 if memory was missing.
 */
int audit_arena(struct arena *, struct audit_report *);

#endif
