#ifndef KVD_SHM_FEED_H
#define KVD_SHM_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/arena.h"

/*
 * The feed of events of a shard: its log, read in order and without a lock.
 * A reader too slow for the cleaner is told so (FEED_LOST), never given a
 * gap in silence.
 */

struct feed {			/* a position; plain values, may be copied */
	uint32_t	shard;
	uint64_t	lsn;		/* revision expected next */
	uint64_t	segment;
	uint64_t	generation;
	uint64_t	offset;		/* inside the segment */
};

enum feed_op {
	FEED_SET, FEED_DELETED, FEED_CREATED, FEED_DROPPED,
	FEED_TOUCHED,		/* expires at another time, or not any more */
	FEED_MESSAGE		/* no change: see message.h */
};

struct feed_event {
	enum feed_op	op;
	uint64_t	revision;
	uint64_t	bucket_id;	/* see struct bucket_stat; 0: none */
	struct bytes	key;		/* of a bucket: its name; a channel */
	struct bytes	value;		/* empty but for FEED_SET, MESSAGE */
	bool		expires;	/* FEED_SET, _TOUCHED: at some time */
	unsigned	why;		/* 0, FEED_EXPIRED, or see txn.h */
	bool		is_more;	/* the same happened just before, for
					 * the same reason, to its bucket */
};

#define FEED_EXPIRED	1U		/* its time had come */

enum feed_status { FEED_OK, FEED_NONE, FEED_LOST, FEED_NO_ROOM };

/* Begin after the last change that is visible now. */
void feed_open(struct arena *, uint32_t shard, struct feed *);

/*
 * The next event; its key and value are copied into buf.
 * FEED_NONE: nothing new.  FEED_LOST: the records were overtaken by the
 * cleaner, open again.  FEED_NO_ROOM: *needed bytes are required.
 */
enum feed_status feed_next(struct arena *, struct feed *, void *buf,
    size_t cap, struct feed_event *, size_t *needed);

/*
 * Who wants to be woken when a shard changes.  A watcher is a number below
 * FEED_WATCHERS_MAX that belongs to one process at a time (a worker's board
 * slot).  The arena only keeps the set: waking, with an eventfd for example,
 * is the writer's business after its change.  Bits are set and cleared
 * atomically; those of a process that died are cleared by the one that takes
 * its number next, with feed_unwatch_all().
 */
#define FEED_WATCHERS_MAX	512

struct feed_watchers {
	uint64_t	bits[FEED_WATCHERS_MAX / 64];
};

void feed_watch(struct arena *, uint32_t shard, unsigned watcher);
void feed_unwatch(struct arena *, uint32_t shard, unsigned watcher);
void feed_unwatch_all(struct arena *, unsigned watcher);
/* Copies the set; returns false if it is empty (one load on the hot path). */
bool feed_watchers(struct arena *, uint32_t shard, struct feed_watchers *);

#endif
