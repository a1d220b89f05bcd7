#ifndef KVD_SERVER_TRACKING_STATE_H
#define KVD_SERVER_TRACKING_STATE_H

#include <sys/queue.h>

#include "server/tracking.h"

/* What the files tracking*.c share, and nobody else sees. */

#define TRACKING_HASH	131072U		/* a power of two */
#define CHANGED_HASH	1024U		/* so is this */

struct reading {		/* of one name, by one session */
	TAILQ_ENTRY(reading)	 of_name;
	TAILQ_ENTRY(reading)	 of_tracker;
	struct tracked		*tracked;
	struct tracker		*tracker;
	uint64_t		 since;		/* revision: may not be in it */
};

TAILQ_HEAD(readings, reading);

struct tracked {		/* a name that somebody has read */
	TAILQ_ENTRY(tracked)	 same_name;	/* with this hash */
	TAILQ_ENTRY(tracked)	 same_id;	/* if it is a bucket's */
	TAILQ_ENTRY(tracked)	 age;
	struct readings		 readings;
	uint64_t		 id;		/* of the bucket, 0: none */
	uint32_t		 shard;
	size_t			 len;
	uint8_t			 name[];
};

TAILQ_HEAD(trackeds, tracked);

struct prefix {
	TAILQ_ENTRY(prefix)	 next;
	struct slice		 text;		/* ours to free */
};

struct tracker {		/* a session that tracks */
	TAILQ_ENTRY(tracker)	 all;
	struct tracking		*tracking;
	struct session		*session;
	struct session		*other;		/* told instead, or NULL */
	uint64_t		 redirect;	/* its number, 0: none */
	struct tracking_mode	 mode;
	bool			 excepted;	/* is the next request */
	uint64_t		 flushes;	/* before it began */
	struct readings		 readings;
	TAILQ_HEAD(, prefix)	 prefixes;
	uint64_t		*since;		/* by shard; only if bcast */
};

struct own {			/* what a session has changed */
	const struct session	*session;
	struct txn_revisions	 revisions;
};

struct changed {		/* a name, since we told the last time */
	TAILQ_ENTRY(changed)	 next;
	TAILQ_ENTRY(changed)	 same_hash;
	const struct session	*author;	/* NULL: anybody */
	uint32_t		 shard;
	uint64_t		 revision;	/* the last one */
	size_t			 len;
	uint8_t			 name[];
};

TAILQ_HEAD(changeds, changed);

struct tracking {
	struct tracking_peers	 peers;
	uint64_t		 flushes;	/* that we have told of */
	uint64_t		 seed[2];	/* of tracking_hash() */
	TAILQ_HEAD(, tracker)	 trackers;
	uint64_t		 items;		/* readings, of all */
	size_t			 broadcasts;	/* trackers with bcast */
	struct trackeds		*names;		/* by a hash; NULL at first */
	struct trackeds		*ids;
	struct trackeds		 age;		/* the oldest first */
	uint64_t		*used;		/* by shard: names */
	uint64_t		*strings;	/* by shard: the bucket that
						 * strings live in, 0: none */
	struct own		*own;		/* n_own of them, room for
						 * max_own */
	size_t			 n_own, max_own;
	struct changeds		 changed;
	struct changeds		 changed_by_hash[CHANGED_HASH];
};

/* Names are what clients choose, so it is one that they cannot know. */
uint64_t tracking_hash(const struct tracking *, struct slice name);

/* --- tracking.c --- */

struct tracked *tracking_find(const struct tracking *, struct slice name);
struct trackeds *tracking_chain_of_id(const struct tracking *, uint64_t id);
/* Its name goes with the last one. */
void tracking_drop_reading(struct tracking *, struct reading *);
void tracking_drop_readings(struct tracker *);

/* --- tracking_event.c --- */

/* Whose doing is this revision, as far as anybody wants to know?  Or NULL. */
const struct session *tracking_author(const struct tracking *,
    uint32_t shard, uint64_t revision);
/* Nobody reads the feed of that shard any more. */
void tracking_forget_own(struct tracking *, uint32_t shard);
/* Who has it is told that this is not true any more, and it is forgotten. */
void tracking_invalidate(struct tracking *, struct tracked *);

/* --- tracking_tell.c --- */

/* One name, or NULL: all. */
void tracking_write(const struct tracker *, const struct slice *name);
/* What has changed since the last time, to who wants to know all. */
void tracking_broadcast(struct tracking *);
/* That everything may have, to the same. */
void tracking_broadcast_all(const struct tracking *);
void tracking_forget_changed(struct tracking *);

#endif
