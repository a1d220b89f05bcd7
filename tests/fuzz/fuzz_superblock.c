/*
 * Any bytes as a superblock, and any size of the object it was read from.
 * The check ends with an answer, and if that is ARENA_OK all that the numbers
 * lead to is inside of the object, in order, and the longest value fits a
 * segment.
 *
 * The layout hash is a number that nobody guesses, so by default the bytes
 * change a superblock that is right.
 *
 *	0	1	2	4	8
 *	+-------+-------+-------+-------+------------------------
 *	| shards|segment| value | pages | xor of the superblock ...
 *	+-------+-------+-------+-------+------------------------
 */

#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "shm/record.h"
#include "shm/superblock.h"
#include "shm/word.h"

#define PARAMS	8
#define RAW	0x80	/* in the first byte: not changed, but replaced */

/* A right one of that geometry; false if there is none. */
static bool
right_one(struct superblock *sb, const uint8_t params[PARAMS])
{
	struct arena_params p = {
		.shards = 1U << params[0] % 16,
		.segment_bytes = 1U << params[1] % 32
	};
	struct geometry g;
	uint16_t value_kib;
	uint32_t pages;

	memcpy(&value_kib, params + 2, sizeof(value_kib));
	memcpy(&pages, params + 4, sizeof(pages));
	p.value_max_bytes = (uint64_t)value_kib * 1024;
	p.memory_bytes = (uint64_t)pages * PAGE_BYTES;
	if (geometry_choose(&g, &p) != ARENA_OK)
		return false;
	word_init(&sb->magic, LAYOUT_MAGIC);
	superblock_fill(sb, &g);
	return true;
}

static void
follows(uint64_t off, uint64_t end, uint64_t next)
{
	must(off <= end && end <= next);
}

/* Nothing lies outside, or on something else. */
static void
check_places(const struct superblock *sb, uint64_t object_bytes)
{
	uint64_t cleaning_end = sb->cleaning_off + sizeof(struct cleaning);
	uint64_t board_end = sb->board_off +
	    BOARD_SLOTS * sizeof(struct board_slot);
	uint64_t shards_end = sb->shards_off +
	    sb->shards * sizeof(struct shard);
	uint64_t table_end = sb->table_off +
	    sb->segments * sizeof(struct segment);

	must(sb->shards > 0 && sb->shards <= ARENA_SHARDS_MAX);
	must(sb->segments > 0 && sb->segments <= object_bytes / PAGE_BYTES);
	follows(POOL_OFF, POOL_OFF + sizeof(struct pool), OWNERSHIP_OFF);
	follows(OWNERSHIP_OFF, OWNERSHIP_OFF +
	    sizeof(struct ownership_record), sb->cleaning_off);
	follows(sb->cleaning_off, cleaning_end, sb->board_off);
	follows(sb->board_off, board_end, sb->shards_off);
	follows(sb->shards_off, shards_end, sb->table_off);
	follows(sb->table_off, table_end, sb->segments_off);
	follows(sb->segments_off, sb->segments_off +
	    sb->segments * sb->segment_bytes, object_bytes);
	must(sb->segments_off % PAGE_BYTES == 0 && sb->shards_off % 64 == 0);
	must(record_size(0, sb->value_max_bytes, true) <= sb->segment_bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t params[PARAMS] = { 0 };
	struct superblock sb, *exact;
	uint8_t *p = (uint8_t *)&sb;
	enum arena_error error;
	uint64_t object_bytes;
	size_t i;

	memset(&sb, 0, sizeof(sb));
	memcpy(params, bytes, len < PARAMS ? len : PARAMS);
	if ((params[0] & RAW) == 0 && !right_one(&sb, params))
		return 0;
	object_bytes = sb.size_bytes;
	for (i = PARAMS; i < len && i - PARAMS < sizeof(sb); i++)
		p[i - PARAMS] ^= bytes[i];
	if ((params[0] & RAW) != 0)
		object_bytes = sb.size_bytes;
	/* Memory that ends where the superblock ends. */
	exact = malloc(sizeof(*exact));
	memcpy(exact, &sb, sizeof(sb));
	error = superblock_check_numbers(exact, object_bytes);
	if (error == ARENA_OK)
		check_places(exact, object_bytes);
	else
		must(superblock_check(exact, object_bytes) == error);
	must(*arena_strerror(error) != '\0');
	free(exact);
	return 0;
}
