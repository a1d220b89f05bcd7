/*
 * A segment of units keeps its own list of free ones and a mark up to which
 * it was ever carved; the segments of a shard that have room are a doubly
 * linked list.  So a segment whose last unit is freed leaves at once, and
 * nothing searches.
 *
 *	shard.partial[class] -> segment <-> segment <-> ...
 *	                          | free_head -> unit -> unit -> ...
 *	                          | used: carved so far
 */

#include "shm/slab.h"

#include "shm/intent.h"
#include "shm/word.h"

static uint64_t
capacity(const struct arena *a, enum slab_class class)
{
	return a->segment_bytes / slab_bytes(class);
}

/*
 * A segment of ours for that class.  If the number says another, the change
 * breaks; what is returned then can be read, and is not changed.
 */
static struct segment *
entry(struct held *h, enum slab_class class, uint64_t number)
{
	struct segment *e;
	uint64_t state;

	if (number != 0 && number <= h->a->segments) {
		e = &h->a->table[number - 1];
		state = word_peek(&e->state);
		if (segment_owner(state) == h->shard &&
		    (segment_kind(state) == slab_kind(class) ||
		    segment_kind(state) == SEGMENT_TAKEN))
			return e;
	}
	held_break(h);
	return &h->a->table[0];
}

static word *
unit_link(const struct held *h, arena_off unit)
{
	return (word *)arena_at(h->a, unit) + UNIT_LINK;
}

static void
push_partial(struct held *h, enum slab_class class, uint64_t number)
{
	word *head = &h->sh->partial[class];
	uint64_t next = intent_get(h, head);

	intent_set(h, &entry(h, class, number)->next, next);
	intent_set(h, &entry(h, class, number)->prev, 0);
	if (next != 0)
		intent_set(h, &entry(h, class, next)->prev, number);
	intent_set(h, head, number);
}

static void
unlink_partial(struct held *h, enum slab_class class, uint64_t number)
{
	uint64_t next = intent_get(h, &entry(h, class, number)->next);
	uint64_t prev = intent_get(h, &entry(h, class, number)->prev);

	if (prev != 0)
		intent_set(h, &entry(h, class, prev)->next, next);
	else
		intent_set(h, &h->sh->partial[class], next);
	if (next != 0)
		intent_set(h, &entry(h, class, next)->prev, prev);
}

static enum shm_status
add_segment(struct held *h, enum slab_class class, enum segment_level level)
{
	struct segment *e;
	enum shm_status status;
	uint64_t i;

	if ((status = segment_take(h, level, &i)) != SHM_OK)
		return status;
	e = &h->a->table[i];
	word_init(&e->used, 0);
	word_init(&e->dead, 0);
	word_init(&e->first_lsn, 0);
	word_init(&e->free_head, 0);
	word_init(&e->live, 0);
	intent_add(h, &e->state, segment_as(word_peek(&e->state),
	    class == SLAB_LINE ? SEGMENT_LINES : SEGMENT_INDEX));
	push_partial(h, class, i + 1);
	intent_commit(h);
	return h->broken ? SHM_DAMAGED : SHM_OK;
}

bool
slab_has_room(struct held *h, enum slab_class class, unsigned n)
{
	uint64_t number = word_peek(&h->sh->partial[class]);
	uint64_t room = 0, most = capacity(h->a, class), live;
	const struct segment *e;

	while (number != 0 && room < n && !h->broken) {
		e = entry(h, class, number);
		live = word_peek(&e->live);
		/* All that are on the list have room: else it has no end. */
		if (live >= most)
			held_break(h);
		room += most - live;
		number = word_peek(&e->next);
	}
	return room >= n;
}

enum shm_status
slab_reserve(struct held *h, enum slab_class class, unsigned n,
    enum segment_level level)
{
	enum shm_status status;

	while (!slab_has_room(h, class, n) && !h->broken)
		if ((status = add_segment(h, class, level)) != SHM_OK)
			return status;
	return h->broken ? SHM_DAMAGED : SHM_OK;
}

/* The free unit on top, or one that was never used: 0 if it can be none. */
static arena_off
pop_unit(struct held *h, enum slab_class class, uint64_t number)
{
	struct segment *e = entry(h, class, number);
	arena_off unit = intent_get(h, &e->free_head);
	arena_off base = arena_segment_base(h->a, number - 1);
	uint64_t used = intent_get(h, &e->used), bytes = slab_bytes(class);

	if (h->broken || used > h->a->segment_bytes || used % bytes != 0)
		return 0;
	if (unit != 0) {
		if (unit % bytes != 0 || unit < base || unit - base >= used)
			return 0;
		intent_set(h, &e->free_head,
		    intent_get(h, unit_link(h, unit)));
		return unit;
	}
	if (used == h->a->segment_bytes)
		return 0;
	intent_set(h, &e->used, used + bytes);
	return base + used;
}

arena_off
slab_alloc(struct held *h, enum slab_class class)
{
	uint64_t number = intent_get(h, &h->sh->partial[class]);
	struct segment *e;
	arena_off unit;
	uint64_t live;

	/* What is stored into it directly comes after what made the readers
	 * of its last life retry. */
	atomic_thread_fence(memory_order_release);
	e = entry(h, class, number);
	if ((unit = pop_unit(h, class, number)) == 0) {
		held_break(h);
		return 0;
	}
	live = intent_get(h, &e->live) + 1;
	intent_set(h, &e->live, live);
	if (live == capacity(h->a, class))
		unlink_partial(h, class, number);
	return unit;
}

/* Into the intent: the segment is not the shard's any more. */
static void
leave(struct held *h, enum slab_class class, uint64_t number)
{
	struct segment *e = entry(h, class, number);

	unlink_partial(h, class, number);
	intent_set(h, &e->state, segment_as(word_peek(&e->state),
	    SEGMENT_RELEASED));
	intent_release_segment(h, number - 1);
}

/*
 * While a batch goes on its room stays: what was reserved for its next records
 * may be in this segment, beside the unit that the last one has freed.
 */
void
slab_free(struct held *h, enum slab_class class, arena_off unit)
{
	uint64_t number = arena_segment_of(h->a, unit) + 1;
	struct segment *e = entry(h, class, number);
	uint64_t live = intent_get(h, &e->live);

	if (live == 0)
		held_break(h);
	if (live == capacity(h->a, class))
		push_partial(h, class, number);
	intent_set(h, unit_link(h, unit), intent_get(h, &e->free_head));
	intent_set(h, &e->free_head, unit);
	intent_set(h, &e->live, live - 1);
	if (live != 1)
		return;
	if (word_peek(&h->sh->batch_end) == 0)
		leave(h, class, number);
	else
		h->emptied = true;
}

void
slab_release_emptied(struct held *h, enum slab_class class)
{
	if (h->emptied)
		(void)slab_release_empty(h, class);
	h->emptied = false;
}

unsigned
slab_release_empty(struct held *h, enum slab_class class)
{
	uint64_t number = word_peek(&h->sh->partial[class]), next;
	const struct segment *e;
	unsigned n = 0, seen;

	for (seen = 0; number != 0 && !h->broken; number = next, seen++) {
		e = entry(h, class, number);
		next = word_peek(&e->next);
		if (seen == h->a->segments)
			held_break(h);
		if (word_peek(&e->live) != 0)
			continue;
		leave(h, class, number);
		intent_commit(h);
		n += !h->broken;
	}
	return n;
}
