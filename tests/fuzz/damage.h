#ifndef KVD_FUZZ_DAMAGE_H
#define KVD_FUZZ_DAMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "shm/handle.h"

/*
 * Damage as a list of edits of one word each, so that two words can be made
 * to agree on something wrong.  An edit says where, in one of several sets of
 * words, so that a short input meets what matters:
 *
 *	0	1	2	4		8
 *	+-------+-------+-------+---------------+
 *	| where | how   | index |      arg      |
 *	+-------+-------+-------+---------------+
 */
#define DAMAGE_EDIT	8
#define DAMAGE_EDITS	48	/* more are ignored */

enum damage_where {
	DAMAGE_FRONT,		/* superblock, pool, cleaning */
	DAMAGE_SHARD,		/* words of a shard, but for its intent */
	DAMAGE_INTENT,		/* the first words and pairs of its intent */
	DAMAGE_TABLE,		/* the table of segments */
	DAMAGE_UNITS,		/* lines, nodes, pages, buckets */
	DAMAGE_RECORDS,		/* of the log: the first three words */
	DAMAGE_HEADS,		/* behind the heads of the logs */
	DAMAGE_ANY,		/* any word of the segments */
	DAMAGE_WHERE
};

enum damage_how {
	DAMAGE_SET,		/* to arg */
	DAMAGE_SET_NEGATIVE,	/* to -1 - arg */
	DAMAGE_SET_HIGH,	/* the upper half, to arg */
	DAMAGE_FLIP,		/* one bit */
	DAMAGE_ADD,		/* arg, which may be negative */
	DAMAGE_COPY,		/* another word */
	DAMAGE_POINT,		/* to another word's line: the lower 48 bits */
	DAMAGE_LINK,		/* the same, as the link of a line */
	DAMAGE_HOW
};

/*
 * Which words of an arena belong to which set.  Locks are in none of them:
 * nobody could take a damaged one and come back.
 */
struct damage_map;

/* As the arena is now.  Lives as long as the process. */
struct damage_map *damage_map(const struct arena *);

void damage(struct arena *, const struct damage_map *, const uint8_t *bytes,
    size_t len);

#endif
