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
 * True if [off, off + len) lies inside one segment that is backed: touching
 * another could be a SIGBUS.
 */
static inline bool
arena_holds(const struct arena *a, arena_off off, uint64_t len)
{
	uint64_t inside;

	/* The end of what is backed is a shared word like any other. */
	if (off < a->segments_off || off >= a->segments_end ||
	    off >= atomic_load_explicit(&a->pool->backed_end,
	    memory_order_relaxed))
		return false;
	inside = (off - a->segments_off) & (a->segment_bytes - 1);
	return len <= a->segment_bytes - inside;
}

#endif
