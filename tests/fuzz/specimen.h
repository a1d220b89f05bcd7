#ifndef KVD_FUZZ_SPECIMEN_H
#define KVD_FUZZ_SPECIMEN_H

#include "shm/handle.h"

/*
 * Small arenas with something of everything in them, the same in each run:
 * what an input does to one today it does tomorrow.
 */
struct specimen {
	struct arena	*a;
	uint8_t		*image;		/* all of it, undamaged */
	struct damage_map *map;
};

enum specimen_shape {
	SPECIMEN_MIXED,		/* several buckets, one of them dropped; what
				 * was moved, overwritten, deleted, expires */
	SPECIMEN_LARGE,		/* a bucket whose lines are in pages */
	SPECIMEN_FULL,		/* no room for another PUT */
	SPECIMEN_SHAPES
};

/*
 * Made by the first call.  No name in /dev/shm leads to it, and behind and in
 * front of it lies memory that nobody may touch.
 */
struct specimen *specimen_get(enum specimen_shape);

/* Undo what has happened to it. */
void specimen_restore(struct specimen *);

/*
 * A place for an arena with such memory around it, and moving a mapping
 * there.
 */
void *specimen_reserve(void);
void specimen_move(struct arena *, void *to);

/* What is there to be asked for in all of them. */
#define SPECIMEN_BUCKETS	4
#define SPECIMEN_KEYS		600

/* "b0", ...: static storage. */
struct bytes specimen_bucket(unsigned);
/* "key 0", ...: static storage, until the next call. */
struct bytes specimen_key(unsigned);

#endif
