/*
 * An ordinary change that meets damage breaks, and is as if it had not begun.
 * The repair cannot: what it does has been promised.  So all that the dead
 * have left is looked at before any of it is acted on, for they may have been
 * out of their minds.  Everything here errs on the side of the shard: what a
 * sound process can have left is never refused.
 */

#include "shm/repair_check.h"

#include <stddef.h>

#include "shm/bucket_locked.h"
#include "shm/chain.h"
#include "shm/hash.h"
#include "shm/slab.h"
#include "shm/sound.h"
#include "shm/table.h"
#include "shm/word.h"

static bool
is_between(arena_off off, const struct held *h, size_t first, size_t end)
{
	arena_off at = arena_off_of(h->a, h->sh);

	return off >= at + first && off < at + end;
}

static bool
is_of_shard(const struct held *h, arena_off off)
{
	return is_between(off, h, offsetof(struct shard, version),
	    offsetof(struct shard, watched)) ||
	    is_between(off, h, offsetof(struct shard, lsn),
	    offsetof(struct shard, durable));
}

/* The states that a segment has while the shard's intents deal with it. */
static bool
is_owned(const struct held *h, uint64_t segment)
{
	uint64_t state = word_peek(&h->a->table[segment].state);

	return segment_owner(state) == h->shard &&
	    segment_kind(state) >= SEGMENT_TAKEN &&
	    segment_kind(state) < SEGMENT_KINDS;
}

static bool
is_of_table(const struct held *h, arena_off off)
{
	arena_off table = arena_off_of(h->a, h->a->table);

	return off >= table && off < table +
	    h->a->segments * sizeof(struct segment) &&
	    is_owned(h, (off - table) / sizeof(struct segment));
}

static bool
is_in_units(const struct held *h, arena_off off)
{
	uint64_t segment, state;

	if (!arena_holds(h->a, off, sizeof(word)))
		return false;
	segment = arena_segment_of(h->a, off);
	state = word_peek(&h->a->table[segment].state);
	return is_owned(h, segment) && segment_kind(state) != SEGMENT_HOT &&
	    segment_kind(state) != SEGMENT_COLD;
}

bool
repair_may_change(const struct held *h, arena_off off)
{
	return off % sizeof(word) == 0 && (is_of_shard(h, off) ||
	    is_of_table(h, off) || is_in_units(h, off));
}

bool
repair_may_guard(const struct held *h, arena_off off)
{
	return off == arena_off_of(h->a, &h->sh->version) ||
	    (off % sizeof(struct line) == 0 && is_in_units(h, off));
}

/* Can slab_alloc() take a line? */
static bool
has_line(const struct held *h)
{
	uint64_t number = word_peek(&h->sh->partial[SLAB_LINE]), used, base;
	uint64_t segment = number - 1, bytes = sizeof(struct line);
	const struct segment *e;
	arena_off unit;

	if (number == 0 || number > h->a->segments ||
	    !is_in_units(h, arena_segment_base(h->a, segment)))
		return false;
	e = &h->a->table[segment];
	base = arena_segment_base(h->a, segment);
	used = word_peek(&e->used);
	unit = word_peek(&e->free_head);
	if (used > h->a->segment_bytes || used % bytes != 0 ||
	    word_peek(&e->next) > h->a->segments ||
	    word_peek(&e->prev) > h->a->segments)
		return false;
	if (unit == 0)
		return used < h->a->segment_bytes;
	return unit % bytes == 0 && unit >= base && unit - base < used;
}

static bool
is_sound_chain(const struct held *h, const struct table *t, struct bytes key)
{
	uint64_t lines = table_lines(word_peek(&t->shape));
	const struct line *home;

	if (lines == 0)
		return false;
	home = table_line(h->a, word_peek(&t->root), table_line_number(lines,
	    hash_keyed(h->a->hash_seed, key.data, key.len)));
	return home != NULL && sound_chain(h, home);
}

bool
repair_can_publish(const struct held *h, const struct record_view *r)
{
	const struct bucket *b = bucket_live(h, r->bucket);

	switch (r->op) {
	case RECORD_PUT:
		return b != NULL && is_sound_chain(h, &b->table, r->key) &&
		    has_line(h);
	case RECORD_DELETE:
		return b != NULL && is_sound_chain(h, &b->table, r->key);
	case RECORD_CREATE:
		return bucket_dropped(h, r->bucket) != NULL &&
		    is_sound_chain(h, &h->sh->buckets, r->key) && has_line(h);
	case RECORD_DROP:
		return b != NULL &&
		    is_sound_chain(h, &h->sh->buckets, r->key);
	case RECORD_TOUCH:
		return b != NULL;
	case RECORD_MESSAGE:
		return true;
	}
	return false;
}
