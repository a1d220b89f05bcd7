/*
 * The superblock is the only part of an arena that is believed, once it has
 * been checked: all places are worked out again from the three numbers that
 * they follow from, and must be the same.
 */

#include "shm/superblock.h"

#include <string.h>

#include "shm/system.h"
#include "shm/word.h"

void
superblock_fill(struct superblock *sb, const struct geometry *g)
{
	sb->version = LAYOUT_VERSION;
	sb->layout_hash = geometry_layout_hash();
	sb->size_bytes = g->size_bytes;
	sb->segment_bytes = g->segment_bytes;
	sb->segments = g->segments;
	sb->shards = g->shards;
	sb->value_max_bytes = g->value_max_bytes;
	sb->cleaning_off = g->cleaning_off;
	sb->board_off = g->board_off;
	sb->shards_off = g->shards_off;
	sb->table_off = g->table_off;
	sb->segments_off = g->segments_off;
	system_boot_id(sb->boot_id);
	system_pid_namespace(sb->pidns);
}

enum arena_error
superblock_check_numbers(const struct superblock *sb, uint64_t object_bytes)
{
	struct geometry g = {
		.size_bytes = sb->size_bytes,
		.segment_bytes = sb->segment_bytes,
		.shards = sb->shards,
		.value_max_bytes = sb->value_max_bytes
	};

	if (word_peek(&sb->magic) == 0)
		return ARENA_UNFINISHED;
	if (word_peek(&sb->magic) != LAYOUT_MAGIC)
		return ARENA_NOT_AN_ARENA;
	if (sb->version != LAYOUT_VERSION ||
	    sb->layout_hash != geometry_layout_hash())
		return ARENA_OTHER_LAYOUT;
	if (sb->size_bytes != object_bytes || !geometry_is_possible(&g) ||
	    g.cleaning_off != sb->cleaning_off ||
	    g.board_off != sb->board_off || g.shards_off != sb->shards_off ||
	    g.table_off != sb->table_off || g.segments != sb->segments ||
	    g.segments_off != sb->segments_off)
		return ARENA_NOT_AN_ARENA;
	return ARENA_OK;
}

enum arena_error
superblock_check(const struct superblock *sb, uint64_t object_bytes)
{
	enum arena_error error = superblock_check_numbers(sb, object_bytes);
	char boot_id[sizeof(sb->boot_id)];
	uint64_t pidns[2];

	if (error != ARENA_OK)
		return error;
	system_boot_id(boot_id);
	if (memcmp(boot_id, sb->boot_id, sizeof(boot_id)) != 0)
		return ARENA_OTHER_BOOT;
	system_pid_namespace(pidns);
	if (memcmp(pidns, sb->pidns, sizeof(pidns)) != 0)
		return ARENA_OTHER_PIDNS;
	return ARENA_OK;
}
