#ifndef KVD_SHM_GEOMETRY_H
#define KVD_SHM_GEOMETRY_H

#include <stdint.h>

#include "shm/arena.h"
#include "shm/layout.h"

/* Sizes and places, worked out once from the parameters of an arena. */
struct geometry {
	uint64_t	size_bytes;
	uint64_t	segment_bytes;
	uint64_t	segments;
	uint64_t	shards;
	uint64_t	value_max_bytes;
	arena_off	cleaning_off;
	arena_off	board_off;
	arena_off	shards_off;
	arena_off	table_off;
	arena_off	segments_off;
};

/*
 * Choose what the parameters leave open; ARENA_OK, ARENA_TOO_SMALL or
 * ARENA_BAD_PARAMS.  Pure.
 */
enum arena_error geometry_choose(struct geometry *,
    const struct arena_params *);

/*
 * The offsets that follow from size, segment size and shards; returns false
 * if they leave no segment.  Pure.
 */
bool geometry_place(struct geometry *);

/*
 * Could geometry_choose() have come to this size, segment size, number of
 * shards and longest value?  If so, the places are filled in.  Pure.
 */
bool geometry_is_possible(struct geometry *);

/* Differs between any two programs that disagree about layout.h.  Pure. */
uint64_t geometry_layout_hash(void);

#endif
