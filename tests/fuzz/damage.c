/*
 * Nine of ten words of an arena say nothing about the others: values, and
 * what was never written.  So the map sorts them by what they are for.
 */

#include "damage.h"

#include <stddef.h>
#include <string.h>

#include "must.h"
#include "shm/chain.h"
#include "shm/lock.h"
#include "shm/record.h"
#include "shm/segment.h"
#include "shm/word.h"

#define HEAD_WORDS	256

struct set {
	uint32_t	*words;		/* offsets */
	size_t		 n;
};

struct damage_map {
	const struct arena	*a;
	struct set		 sets[DAMAGE_WHERE];
};

static void
add(struct damage_map *map, enum damage_where where, arena_off from,
    arena_off end)
{
	struct set *s = &map->sets[where];

	must(end <= map->a->size_bytes && end <= UINT32_MAX);
	for (; from < end; from += sizeof(word))
		s->words[s->n++] = (uint32_t)from;
}

static void
add_shards(struct damage_map *map)
{
	const struct arena *a = map->a;
	arena_off sh;
	uint32_t i;

	for (i = 0; i < a->shards_count; i++) {
		sh = arena_off_of(a, &a->shards[i]);
		add(map, DAMAGE_SHARD, sh, sh + offsetof(struct shard, lock));
		sh += offsetof(struct shard, intent);
		add(map, DAMAGE_INTENT, sh, sh + 512);
	}
}

static void
add_front(struct damage_map *map)
{
	const struct arena *a = map->a;
	arena_off cleaning = arena_off_of(a, a->cleaning);

	add(map, DAMAGE_FRONT, 0, sizeof(struct superblock));
	add(map, DAMAGE_FRONT, POOL_OFF, POOL_OFF + sizeof(struct pool));
	add(map, DAMAGE_FRONT, OWNERSHIP_OFF, OWNERSHIP_OFF +
	    sizeof(struct ownership_record));
	add(map, DAMAGE_FRONT, cleaning, cleaning +
	    offsetof(struct cleaning, lock));
}

/* Where the log of a segment ends. */
static arena_off
end_of(const struct arena *a, uint64_t i, arena_off base)
{
	const struct shard *sh =
	    &a->shards[segment_owner(word_peek(&a->table[i].state))];

	if (word_peek(&sh->hot_segment) == i + 1)
		return word_peek(&sh->hot_pos);
	if (word_peek(&sh->cold_segment) == i + 1)
		return word_peek(&sh->cold_pos);
	return base + (word_peek(&a->table[i].used) & ~SEGMENT_SEALED);
}

static void
add_log(struct damage_map *map, uint64_t i)
{
	const struct arena *a = map->a;
	arena_off at = arena_segment_base(a, i), end = end_of(a, i, at);
	arena_off beyond = end + HEAD_WORDS * sizeof(word);
	arena_off limit = arena_segment_base(a, i + 1);
	struct record_view r;

	for (; at < end && record_read(a, at, &r); at += r.size)
		add(map, DAMAGE_RECORDS, at, at + sizeof(struct record) +
		    (record_is_long(r.key.len, r.value.len) ?
		    sizeof(struct record_lengths) : 0));
	if ((word_peek(&a->table[i].used) & SEGMENT_SEALED) == 0)
		add(map, DAMAGE_HEADS, end, beyond < limit ? beyond : limit);
}

static void
add_segment(struct damage_map *map, uint64_t i)
{
	const struct arena *a = map->a;
	arena_off base = arena_segment_base(a, i);

	switch (segment_kind(word_peek(&a->table[i].state))) {
	case SEGMENT_HOT:
	case SEGMENT_COLD:
		add_log(map, i);
		break;
	case SEGMENT_LINES:
	case SEGMENT_INDEX:
		add(map, DAMAGE_UNITS, base,
		    base + word_peek(&a->table[i].used));
		break;
	case SEGMENT_RAW:
	case SEGMENT_FREE:
	case SEGMENT_TAKEN:
	case SEGMENT_RELEASED:
	case SEGMENT_KINDS:
		break;
	}
}

static struct damage_map *
new_map(const struct arena *a)
{
	struct damage_map *map = calloc(1, sizeof(*map));
	unsigned i;

	must(map != NULL);
	map->a = a;
	for (i = 0; i < DAMAGE_WHERE; i++) {
		map->sets[i].words = calloc(a->size_bytes / sizeof(word),
		    sizeof(*map->sets[i].words));
		must(map->sets[i].words != NULL);
	}
	return map;
}

struct damage_map *
damage_map(const struct arena *a)
{
	struct damage_map *map = new_map(a);
	uint64_t i;

	add_front(map);
	add_shards(map);
	add(map, DAMAGE_TABLE, arena_off_of(a, a->table),
	    arena_off_of(a, a->table + a->segments));
	for (i = 0; i < a->segments; i++)
		add_segment(map, i);
	add(map, DAMAGE_ANY, a->segments_off, a->segments_end);
	return map;
}

static arena_off
place(const struct damage_map *map, unsigned where, unsigned index)
{
	const struct set *s = &map->sets[where % DAMAGE_WHERE];

	/* Of more than an index can tell apart some are left out. */
	if (s->n > UINT16_MAX + 1)
		return s->words[index * (s->n / (UINT16_MAX + 1))];
	return s->n == 0 ? 0 : s->words[index % s->n];
}

static uint64_t
edited(const struct damage_map *map, uint64_t was, unsigned how, uint32_t arg)
{
	arena_off other = place(map, arg >> 16, arg & 0xffff);
	arena_off line = other & ~(sizeof(struct line) - 1);

	switch ((enum damage_how)(how % DAMAGE_HOW)) {
	case DAMAGE_SET:
		return arg;
	case DAMAGE_SET_NEGATIVE:
		return ~(uint64_t)arg;
	case DAMAGE_SET_HIGH:
		return (uint64_t)arg << 32 | (was & UINT32_MAX);
	case DAMAGE_FLIP:
		return was ^ UINT64_C(1) << arg % 64;
	case DAMAGE_ADD:
		return was + (uint64_t)(int64_t)(int32_t)arg;
	case DAMAGE_COPY:
		return word_peek(arena_at(map->a, other));
	case DAMAGE_POINT:
		return (was & ~LINE_OFF_MASK) | line;
	case DAMAGE_LINK:
		return LINE_LINK << 48 | line;
	case DAMAGE_HOW:
		break;
	}
	return was;
}

void
damage(struct arena *a, const struct damage_map *map, const uint8_t *bytes,
    size_t len)
{
	uint16_t index;
	uint32_t arg;
	unsigned i;
	word *w;

	for (i = 0; i < DAMAGE_EDITS && len >= DAMAGE_EDIT; i++) {
		memcpy(&index, bytes + 2, sizeof(index));
		memcpy(&arg, bytes + 4, sizeof(arg));
		w = arena_at(a, place(map, bytes[0], index));
		word_store(w, edited(map, word_peek(w), bytes[1], arg));
		bytes += DAMAGE_EDIT;
		len -= DAMAGE_EDIT;
	}
}
