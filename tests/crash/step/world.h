#ifndef KVD_STEP_WORLD_H
#define KVD_STEP_WORLD_H

#include "model.h"
#include "shm/feed.h"
#include "shm/pair.h"
#include "shm/txn.h"

/*
 * An arena, small enough to be copied and audited at every instruction, and
 * the model of what is in it.
 */
#define WORLD_SEGMENTS_MAX	64
#define WORLD_SEGMENT_FILLER	2500	/* bytes: one value of the neighbour */

struct world {
	struct arena	*a;
	struct model	 m;
	struct feed	 feeds[MODEL_SHARDS];	/* where the news begin */
	uint64_t	 followed[WORLD_SEGMENTS_MAX]; /* states of segments */
};

/* An operation with all that it needs at hand, so that running it is one
 * call of libshm and nothing else. */
struct call {
	struct arena	*a;
	struct txn	*txn;		/* made once */
	struct op	 op;
	struct bytes	 bucket;
	struct pair	 pairs[MODEL_BATCH];
	uint8_t		 values[4096];
};

/*
 * Make the world: an arena of that many segments of which the first six have
 * memory, without a name, of the same hash seed always.  Fails the test if
 * it cannot be had.
 */
void world_make(struct world *, unsigned segments, unsigned segment_bytes);

/* Prepare an operation on this world as its model is now. */
void call_prepare(struct call *, const struct world *, const struct op *);

/* Run it; what is stepped through. */
enum shm_status call_run(const struct call *);

/* Run an operation on arena and model: NULL, or what is wrong. */
const char *world_try(struct world *, const struct op *, enum shm_status *);

/* The same; fails the test if it does not answer SHM_OK. */
void world_do(struct world *, struct op);

/* From here on the news are kept by the model, to be compared. */
void world_follow(struct world *);

/*
 * Read the feeds from there: NULL if they tell what the model says and no
 * more.  They may be lost where the cleaner has freed a segment.
 */
const char *world_compare_news(const struct world *, const struct model *);

#endif
