/* What an arena can tell about itself without touching its data. */

#include "shm/arena.h"

#include <errno.h>
#include <string.h>

#include "shm/handle.h"
#include "shm/hash.h"
#include "shm/names.h"
#include "shm/segment.h"
#include "shm/word.h"

const char *
arena_strerror(enum arena_error error)
{
	switch (error) {
	case ARENA_OK:
		return "ok";
	case ARENA_ERRNO:
		return strerror(errno);
	case ARENA_EXISTS:
		return "already there";
	case ARENA_MISSING:
		return "not there";
	case ARENA_TOO_SMALL:
		return "memory is too small for a useful arena";
	case ARENA_NO_SPACE:
		return "no space left in /dev/shm";
	case ARENA_BAD_PARAMS:
		return "impossible number of shards, segment or value size";
	case ARENA_UNFINISHED:
		return "never completed by who began to make it";
	case ARENA_NOT_AN_ARENA:
		return "not an arena, or a damaged one";
	case ARENA_OTHER_LAYOUT:
		return "made by a version with another layout";
	case ARENA_OTHER_USER:
		return "another user's";
	case ARENA_OTHER_BOOT:
		return "made before the last boot";
	case ARENA_OTHER_PIDNS:
		return "made in another pid namespace";
	case ARENA_NO_ROBUST:
		return "this system does not hand on the locks of the dead";
	}
	return "unknown error";
}

uint32_t
arena_shards(const struct arena *a)
{
	return a->shards_count;
}

uint64_t
arena_memory_bytes(const struct arena *a)
{
	return a->size_bytes;
}

uint64_t
arena_segment_bytes(const struct arena *a)
{
	return a->segment_bytes;
}

uint64_t
arena_value_max(const struct arena *a)
{
	return a->value_max_bytes;
}

const char *
arena_uuid(const struct arena *a)
{
	return a->uuid;
}

uint64_t
arena_delays(const struct arena *a)
{
	return a->delays;
}

uint32_t
arena_shard_of(const struct arena *a, struct bytes bucket)
{
	uint32_t shard;

	return names_shard(a, bucket, &shard) ? shard :
	    arena_shard_of_string(a, bucket);
}

uint32_t
arena_shard_of_string(const struct arena *a, struct bytes name)
{
	/* A shard is a run of consecutive slots. */
	return hash_slot(name.data, name.len) >> a->shard_bits;
}

void
arena_shard_counts(const struct arena *a, uint32_t shard, uint64_t *buckets,
    uint64_t *keys)
{
	*buckets = word_load(&a->shards[shard].buckets.count);
	*keys = word_load(&a->shards[shard].keys);
}

void
arena_counts(const struct arena *a, uint64_t *buckets, uint64_t *keys)
{
	uint64_t some_buckets, some_keys;
	uint32_t i;

	*buckets = *keys = 0;
	for (i = 0; i < a->shards_count; i++) {
		arena_shard_counts(a, i, &some_buckets, &some_keys);
		*buckets += some_buckets;
		*keys += some_keys;
	}
}

static void
count_log(const struct arena *a, uint64_t i, struct arena_usage *u)
{
	uint64_t used = word_peek(&a->table[i].used);

	u->segments_log++;
	u->dead_bytes += word_peek(&a->table[i].dead);
	if ((used & SEGMENT_SEALED) != 0)
		u->log_bytes += used & ~SEGMENT_SEALED;
}

static void
count_segment(const struct arena *a, uint64_t i, struct arena_usage *u)
{
	switch (segment_kind(word_load(&a->table[i].state))) {
	case SEGMENT_RAW:
		u->segments_raw++;
		break;
	case SEGMENT_FREE:
		u->segments_free++;
		break;
	case SEGMENT_HOT:
	case SEGMENT_COLD:
		count_log(a, i, u);
		break;
	case SEGMENT_LINES:
	case SEGMENT_INDEX:
		u->segments_index++;
		break;
	case SEGMENT_TAKEN:
	case SEGMENT_RELEASED:
	case SEGMENT_KINDS:
		break;
	}
}

static uint64_t
head_bytes(const struct arena *a, const word *segment, const word *pos)
{
	uint64_t number = word_load(segment), at = word_load(pos);
	arena_off base;

	if (number == 0)
		return 0;
	/* The two words are not read at one moment; a bad guess is 0. */
	base = arena_segment_base(a, number - 1);
	return at < base || at > base + a->segment_bytes ? 0 : at - base;
}

void
arena_usage(const struct arena *a, struct arena_usage *u)
{
	uint64_t i;

	memset(u, 0, sizeof(*u));
	u->segments = a->segments;
	for (i = 0; i < a->segments; i++)
		count_segment(a, i, u);
	for (i = 0; i < a->shards_count; i++) {
		const struct shard *sh = &a->shards[i];

		u->log_bytes += head_bytes(a, &sh->hot_segment,
		    &sh->hot_pos);
		u->log_bytes += head_bytes(a, &sh->cold_segment,
		    &sh->cold_pos);
	}
}
