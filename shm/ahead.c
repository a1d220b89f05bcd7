/*
 * Touching before reading.  Nothing here waits for what it asks for but the
 * home line, which ahead_line() has asked for a dozen keys earlier.
 */

#include "shm/ahead.h"

#include "shm/chain.h"
#include "shm/hash.h"
#include "shm/names.h"
#include "shm/table.h"
#include "shm/word.h"

#define LARGE	2048U		/* lines; fewer stay in the cache anyway */

void
ahead_bucket(const struct arena *a, uint32_t shard, struct bytes name,
    struct ahead_bucket *in)
{
	const struct known_name *known = names_recall(a, shard, name);

	*in = (struct ahead_bucket){ .name = name, .shard = shard };
	if (known == NULL)
		return;
	in->at = known->bucket;
	in->home = known->place.home;
	in->shape = known->shape;
	in->version = known->version;
}

bool
ahead_holds(const struct arena *a, const struct ahead_bucket *in)
{
	return in->at != 0 &&
	    names_hold_at(a, in->shard, in->shape, in->home, in->version);
}

void
ahead_key(const struct arena *a, const struct ahead_bucket *in,
    struct bytes key, struct ahead *ahead)
{
	const struct bucket *b;
	uint64_t lines;

	ahead->in = *in;
	ahead->key = key;
	ahead->hash = hash_keyed(a->hash_seed, key.data, key.len);
	ahead->home = NULL;
	if (!ahead_holds(a, in))
		return;
	b = arena_at(a, in->at);
	lines = table_lines(word_load(&b->table.shape));
	if (lines < LARGE)
		return;
	ahead->home = table_line(a, word_load(&b->table.root),
	    table_line_number(lines, ahead->hash));
	if (ahead->home != NULL)
		__builtin_prefetch(ahead->home);
}

void
ahead_line(const struct arena *a, uint32_t shard, struct bytes bucket,
    struct bytes key, struct ahead *ahead)
{
	struct ahead_bucket in;

	ahead_bucket(a, shard, bucket, &in);
	ahead_key(a, &in, key, ahead);
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

void
ahead_record(const struct arena *a, const struct ahead *ahead)
{
	uint64_t tag = slot_tag(slot_make(ahead->hash, 0)), slot;
	const struct line *home = ahead->home;
	unsigned i;

	if (home == NULL)
		return;
	for (i = 0; i < LINE_SLOTS; i++) {
		slot = word_peek(&home->slots[i]);
		if (slot == 0)
			break;
		if (slot_tag(slot) == tag || slot_is_link(slot))
			touch(a, slot_off(slot));
	}
}
