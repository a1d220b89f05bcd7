/*
 * Every check is of the segment that an offset lies in, which is in the
 * segment table and mostly in the cache: whose it is, and what for.  What the
 * bytes there say is not known thereby, but whatever it is, changing it
 * changes this shard alone.
 */

#include "shm/sound.h"

#include "shm/chain.h"
#include "shm/segment.h"
#include "shm/table.h"
#include "shm/word.h"

/* What the segment is for, if it is ours; else SEGMENT_RAW. */
static enum segment_kind
our_kind(const struct held *h, const struct segment *e)
{
	uint64_t state = word_peek(&e->state);

	return segment_owner(state) == h->shard ? segment_kind(state) :
	    SEGMENT_RAW;
}

static enum segment_kind
our_kind_at(const struct held *h, arena_off off)
{
	return our_kind(h, &h->a->table[arena_segment_of(h->a, off)]);
}

bool
sound_unit(const struct held *h, arena_off off, enum slab_class class)
{
	return arena_holds_unit(h->a, arena_reach(h->a), off,
	    slab_bytes(class)) &&
	    our_kind_at(h, off) == slab_kind(class);
}

bool
sound_chain(const struct held *h, const struct line *line)
{
	enum segment_kind kind = our_kind_at(h, arena_off_of(h->a, line));
	unsigned steps;
	uint64_t last;

	if (kind != SEGMENT_LINES && kind != SEGMENT_INDEX)
		return false;
	for (steps = 0; steps < CHAIN_STEPS_MAX; steps++) {
		last = word_peek(&line->slots[LINE_SLOTS - 1]);
		if (!slot_is_link(last))
			return true;
		if (!sound_unit(h, slot_off(last), SLAB_LINE))
			return false;
		line = arena_at(h->a, slot_off(last));
	}
	return false;
}

struct line *
sound_home(struct held *h, const struct table *t, uint64_t number)
{
	struct line *home = table_line(h->a, word_peek(&t->root), number);

	if (home != NULL && sound_chain(h, home))
		return home;
	held_break(h);
	return NULL;
}
