/*
 * Touching before reading.  Nothing here waits for what it asks for but the
 * home line, which ahead_key() or ahead_line() has asked for some keys earlier.
 */

#include "shm/ahead.h"

#include "shm/ahead_find.h"

#define LARGE	2048U		/* lines; fewer stay in the cache anyway */

/* Each shard has strings of its own, and all of them are asked for. */
static inline bool
is_large(const struct arena *a, const struct ahead *ahead)
{
	uint64_t tables = ahead->in.name.len > 0 ? 1 : a->shards_count;

	return ahead->home != NULL &&
	    table_lines(ahead->shape) * tables >= LARGE;
}

void
ahead_bucket(const struct arena *a, uint32_t shard, struct bytes name,
    struct ahead_bucket *in)
{
	ahead_find_bucket(a, shard, name, in);
}

/* The line of the key, in the bucket that was found. */
static inline void
ask_line(const struct arena *a, struct bytes key, struct ahead *ahead)
{
	ahead_find_line(a, key, ahead);
	if (is_large(a, ahead))
		__builtin_prefetch(ahead->home);
}

void
ahead_key(const struct arena *a, const struct ahead_bucket *in,
    struct bytes key, struct ahead *ahead)
{
	ahead->in = *in;
	ask_line(a, key, ahead);
}

void
ahead_line(const struct arena *a, uint32_t shard, struct bytes bucket,
    struct bytes key, struct ahead *ahead)
{
	ahead_find_bucket(a, shard, bucket, &ahead->in);
	ask_line(a, key, ahead);
}

/* A header and a short key are in the first line, a value in the second. */
static void
touch(const struct arena *a, arena_off off)
{
	const uint8_t *p = arena_at(a, off);

	if (!arena_holds(a, off, sizeof(struct line)))
		return;
	__builtin_prefetch(p);
	__builtin_prefetch(p + sizeof(struct line));
}

bool
ahead_record(const struct arena *a, const struct ahead *ahead)
{
	const struct line *home = ahead->home;
	unsigned i;

	if (!is_large(a, ahead))
		return false;
	i = slot_find(home, 0, slot_tag_of(ahead->hash));
	/* The last one may be where it goes on. */
	if (i == LINE_SLOTS)
		i--;
	touch(a, slot_off(word_peek(&home->slots[i])));
	return true;
}
