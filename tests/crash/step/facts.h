#ifndef KVD_STEP_FACTS_H
#define KVD_STEP_FACTS_H

#include "world.h"

/*
 * What an operation did to the inside of the arena, so that a scenario says
 * what it covers and is held to it: each happening is a bit.
 */
#define HAPPENS_SPLIT		0x00000001U	/* a table has a line more */
#define HAPPENS_MERGE		0x00000002U	/* ... less */
#define HAPPENS_DEPTH_1		0x00000004U	/* bucket 0 got that deep */
#define HAPPENS_DEPTH_2		0x00000008U
#define HAPPENS_DEPTH_3		0x00000010U
#define HAPPENS_FLATTER		0x00000020U	/* ... less deep */
#define HAPPENS_OVERFLOW	0x00000040U	/* more overflow lines */
#define HAPPENS_OVERFLOW_LESS	0x00000080U
#define HAPPENS_HOT		0x00000100U	/* a hot segment is opened */
#define HAPPENS_COLD		0x00000200U
#define HAPPENS_LINES		0x00000400U	/* a LINES segment is added */
#define HAPPENS_LINES_LESS	0x00000800U	/* ... given back */
#define HAPPENS_INDEX		0x00001000U
#define HAPPENS_INDEX_LESS	0x00002000U
#define HAPPENS_FREED		0x00004000U	/* free segments are more */
#define HAPPENS_BACKED		0x00008000U	/* memory for a raw segment */
#define HAPPENS_LAST		0x00010000U	/* took the last for puts */
#define HAPPENS_RESERVE		0x00020000U	/* a segment for tombstones */
#define HAPPENS_FIRST		0x00040000U	/* the shard had no segment */
#define HAPPENS_VACATED		0x00080000U	/* ... has none any more */
#define HAPPENS_MOVED		0x00100000U	/* records to the cold head */
#define HAPPENS_DROPPED		0x00200000U	/* a bucket waits dropped */
#define HAPPENS_BURIED		0x00400000U	/* ... is taken apart */
#define HAPPENS_REMOVED		0x00800000U	/* entries less */
#define HAPPENS_ADDED		0x01000000U	/* entries more */
#define HAPPENS_REFUSED		0x02000000U	/* it answered SHM_FULL */
#define HAPPENS_DENSE		0x04000000U	/* a split had to wait */
#define HAPPENS_DEAD_HEAD	0x08000000U	/* tombstones: another head */
#define HAPPENS_TAKEN_APART	0x10000000U	/* lines of a dropped bucket */
#define HAPPENS_CLEANED		0x20000000U	/* a log segment was freed */

struct facts_of_arena {
	unsigned	raw, free, hot, cold, lines, index;	/* segments */
	unsigned	of_shard;		/* segments of shard 0 */
	uint64_t	states[WORLD_SEGMENTS_MAX];
	uint64_t	hot_segment, hot_state, cold_segment, cold_pos;
	uint64_t	table_lines;		/* of live tables of shard 0 */
	uint64_t	overflow;		/* and their other lines */
	unsigned	depth;			/* of bucket 0 */
	uint64_t	records, dropped, all_lines;
	uint64_t	reserve;
	bool		tombstones;		/* the hot head is for them */
	bool		dense;			/* bucket 0 ought to be split */
};

/* Look at an arena in which all is well; NULL, or what the audit says. */
const char *facts_take(const struct world *, struct facts_of_arena *);

/* The happenings between the two. */
uint32_t facts_between(const struct facts_of_arena *before,
    const struct facts_of_arena *after, enum shm_status);

#endif
