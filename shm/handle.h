#ifndef KVD_SHM_HANDLE_H
#define KVD_SHM_HANDLE_H

#include <stdbool.h>

#include "shm/arena.h"
#include "shm/layout.h"

/*
 * What is behind struct arena, for the modules of shm/ only: this process's
 * mapping and copies of the facts of the superblock, so that a damaged one
 * cannot change them under us.
 */
struct arena {
	uint8_t			*base;
	int			 fd;
	bool			 read_only;	/* no lock can be taken */
	uint64_t		 size_bytes;
	uint64_t		 segment_bytes;
	unsigned		 segment_bits;	/* its logarithm */
	unsigned		 shard_bits;	/* of slots in a shard */
	uint64_t		 segments;
	uint64_t		 value_max_bytes;
	uint32_t		 shards_count;
	unsigned		 lock_spins;
	arena_off		 segments_off;
	arena_off		 segments_end;
	uint64_t		 hash_seed[2];
	struct pool		*pool;
	struct ownership_record	*ownership;
	struct cleaning		*cleaning;
	struct board_slot	*board;
	struct shard		*shards;
	struct segment		*table;
	struct names		*names;		/* NULL: not remembered */
	uint64_t		 owed_bytes;	/* see pace.c */
	uint64_t		 trusted_bytes;
	uint64_t		 delays;	/* see arena_delays() */
	uint64_t		 expired_keys;	/* removed by this process, */
	uint64_t		 expired_fields; /* until board.c takes them */
	char			 uuid[37];
	char			 name[ARENA_NAME_MAX + 1];
};

static inline void *
arena_at(const struct arena *a, arena_off off)
{
	return a->base + off;
}

static inline arena_off
arena_off_of(const struct arena *a, const void *p)
{
	return (arena_off)((const uint8_t *)p - a->base);
}

static inline arena_off
arena_segment_base(const struct arena *a, uint64_t segment)
{
	return a->segments_off + segment * a->segment_bytes;
}

static inline uint64_t
arena_segment_of(const struct arena *a, arena_off off)
{
	return (off - a->segments_off) >> a->segment_bits;
}

/*
 * How many bytes of segments are backed, from the first one on: touching others
 * could be a SIGBUS.  What it says may only grow meanwhile.
 */
static inline uint64_t
arena_reach(const struct arena *a)
{
	/* A shared word like any other. */
	arena_off end = atomic_load_explicit(&a->pool->backed_end,
	    memory_order_relaxed);

	if (end > a->segments_end)
		end = a->segments_end;
	return end > a->segments_off ? end - a->segments_off : 0;
}

/*
 * True if a unit of that size is backed and where units are: a power of two up
 * to PAGE_BYTES, of which segments begin and end at a multiple.
 */
static inline bool
arena_holds_unit(const struct arena *a, uint64_t reach, arena_off off,
    uint64_t bytes)
{
	return (off & (bytes - 1)) == 0 && off - a->segments_off < reach;
}

/*
 * How many bytes there are from off to the end of its segment; 0 if that is not
 * backed, or off is in none.
 */
static inline uint64_t
arena_room(const struct arena *a, arena_off off)
{
	uint64_t at = off - a->segments_off;

	return at < arena_reach(a) ? a->segment_bytes -
	    (at & (a->segment_bytes - 1)) : 0;
}

/* True if [off, off + len) lies inside one segment that is backed; len > 0. */
static inline bool
arena_holds(const struct arena *a, arena_off off, uint64_t len)
{
	return len <= arena_room(a, off);
}

#endif
