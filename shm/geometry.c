/*
 * How an arena is cut up, where the parameters leave it open.  A segment
 * holds the largest record, if the arena is large enough for that, and grows
 * with the arena so that the table stays short.  There are eight segments or
 * more for each shard, for the pool keeps one in reserve for each in use.
 */

#include "shm/geometry.h"

#include <stddef.h>

#include "shm/huge.h"
#include "shm/pair.h"
#include "shm/record.h"

#define SEGMENT_BYTES_MIN	(64U * 1024)
#define SEGMENT_BYTES_MAX	(64U * 1024 * 1024)
#define SEGMENTS_WANTED		8192	/* then segments get larger */
#define SEGMENTS_PER_SHARD	8
#define SHARDS_DEFAULT		64
#define VALUE_MAX_DEFAULT	(UINT64_C(1) << 20)
#define SEGMENTS_MIN		8
#define SIZE_MAX_BYTES		(UINT64_C(1) << 47)	/* of 48-bit offsets */

static bool
is_power_of_two(uint64_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

static uint64_t
align(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

bool
geometry_place(struct geometry *g)
{
	uint64_t n = g->size_bytes / g->segment_bytes;

	g->cleaning_off = PAGE_BYTES;
	g->board_off = g->cleaning_off + sizeof(struct cleaning);
	g->shards_off = g->board_off +
	    BOARD_SLOTS * sizeof(struct board_slot);
	g->table_off = g->shards_off + g->shards * sizeof(struct shard);
	/* The table is sized for as many segments as could be without it. */
	g->segments_off = align(g->table_off + n * sizeof(struct segment),
	    g->segment_bytes < HUGE_BYTES ? PAGE_BYTES : HUGE_BYTES);
	if (g->segments_off >= g->size_bytes)
		return false;
	g->segments = (g->size_bytes - g->segments_off) / g->segment_bytes;
	return g->segments > 0;
}

static uint64_t
record_max(uint64_t value_max)
{
	return record_size(PAIR_KEY_MAX, value_max, true);
}

/*
 * The smallest power of two that holds the largest record and leaves no more
 * segments than wanted; less in an arena that would be left with a handful.
 */
static uint64_t
choose_segment_bytes(uint64_t memory, uint64_t value_max)
{
	uint64_t n = SEGMENT_BYTES_MIN;

	while (n < SEGMENT_BYTES_MAX && n * SEGMENTS_MIN * 4 <= memory &&
	    (n < record_max(value_max) || memory / n > SEGMENTS_WANTED))
		n *= 2;
	return n;
}

static uint64_t
choose_shards(const struct geometry *g)
{
	uint64_t shards = SHARDS_DEFAULT;

	while (shards > 1 && shards * SEGMENTS_PER_SHARD * g->segment_bytes >
	    g->size_bytes)
		shards /= 2;
	return shards;
}

/* What a segment holds beside the longest key, or in small ones, most of it. */
static enum arena_error
choose_value_max(struct geometry *g, uint64_t wanted)
{
	uint64_t most = g->segment_bytes;

	most -= most > 2 * record_max(0) ? record_max(0) :
	    record_size(0, most, true) - most + most / 4;
	if (wanted > most)
		return ARENA_BAD_PARAMS;
	g->value_max_bytes = wanted != 0 ? wanted :
	    most < VALUE_MAX_DEFAULT ? most : VALUE_MAX_DEFAULT;
	return ARENA_OK;
}

static bool
is_segment_size(uint64_t bytes)
{
	return is_power_of_two(bytes) && bytes >= PAGE_BYTES &&
	    bytes <= SEGMENT_BYTES_MAX;
}

static bool
is_shards(uint64_t n)
{
	return is_power_of_two(n) && n <= ARENA_SHARDS_MAX;
}

bool
geometry_is_possible(struct geometry *g)
{
	uint64_t value_max = g->value_max_bytes;

	return g->size_bytes <= SIZE_MAX_BYTES &&
	    g->size_bytes % PAGE_BYTES == 0 &&
	    is_segment_size(g->segment_bytes) && is_shards(g->shards) &&
	    geometry_place(g) && g->segments >= SEGMENTS_MIN &&
	    value_max > 0 && choose_value_max(g, value_max) == ARENA_OK;
}

enum arena_error
geometry_choose(struct geometry *g, const struct arena_params *p)
{
	if (p->memory_bytes > SIZE_MAX_BYTES ||
	    p->value_max_bytes > SEGMENT_BYTES_MAX ||
	    (p->shards != 0 && !is_shards(p->shards)) ||
	    (p->segment_bytes != 0 && !is_segment_size(p->segment_bytes)))
		return ARENA_BAD_PARAMS;
	g->size_bytes = align(p->memory_bytes, PAGE_BYTES);
	g->segment_bytes = p->segment_bytes != 0 ? p->segment_bytes :
	    choose_segment_bytes(g->size_bytes, p->value_max_bytes != 0 ?
	    p->value_max_bytes : VALUE_MAX_DEFAULT);
	g->shards = p->shards != 0 ? p->shards : choose_shards(g);
	if (!geometry_place(g) || g->segments < SEGMENTS_MIN)
		return ARENA_TOO_SMALL;
	return choose_value_max(g, p->value_max_bytes);
}

uint64_t
geometry_layout_hash(void)
{
	static const uint64_t facts[] = {
		LAYOUT_VERSION, BOARD_SLOTS, BOARD_COUNTERS,
		FEED_WATCHERS_MAX, INTENT_PAIRS, INTENT_GUARDS, LINE_SLOTS,
		PAGE_BYTES, UNIT_LINK, RECORD_LSN_SHIFT, RECORD_BUCKET_SHIFT,
		RECORD_VALUE_SHIFT, RECORD_FLAGS_SHIFT, RECORD_LONG,
		RECORD_OPS, SEGMENT_KINDS, SLAB_CLASSES,
		POOL_OFF, OWNERSHIP_OFF, OWNERSHIP_PIECES,
		sizeof(struct superblock), sizeof(struct pool),
		sizeof(struct ownership_record),
		sizeof(struct cleaning),
		sizeof(struct board_slot),
		sizeof(struct line), sizeof(struct bucket),
		sizeof(struct record), sizeof(struct segment),
		sizeof(struct intent), sizeof(struct shard),
		sizeof(pthread_mutex_t), offsetof(struct shard, lsn),
		offsetof(struct shard, lock), offsetof(struct shard, intent),
		offsetof(struct bucket, bytes), offsetof(struct segment, dead)
	};
	uint64_t hash = UINT64_C(0xcbf29ce484222325);	/* FNV-1a */
	size_t i;

	for (i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		hash = (hash ^ facts[i]) * UINT64_C(0x100000001b3);
	return hash;
}
