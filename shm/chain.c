/*
 * Chains under the lock.  Everything that can be reached goes through the
 * intent; even the words of a new line do, because the line may come from a
 * free list that still needs its link, and because new lines are rare.
 *
 * A home line comes from sound_home(), so links lead to lines and there is an
 * end to them.
 */

#include "shm/chain.h"

#include "shm/intent.h"
#include "shm/slab.h"
#include "shm/word.h"

struct line *
chain_next(const struct held *h, struct line *line)
{
	uint64_t last = intent_get(h, &line->slots[LINE_SLOTS - 1]);

	return slot_is_link(last) ? arena_at(h->a, slot_off(last)) : NULL;
}

/* Intents stay short: say only what changes. */
static void
set(struct held *h, word *slot, uint64_t value)
{
	if (intent_get(h, slot) != value)
		intent_set(h, slot, value);
}

struct line *
chain_new_line(struct held *h)
{
	arena_off off = slab_alloc(h, SLAB_LINE);
	struct line *line = arena_at(h->a, off);
	unsigned i;

	if (off == 0)
		return NULL;
	word_init(&line->version, 0);
	for (i = 0; i < LINE_SLOTS; i++)
		intent_set(h, &line->slots[i], 0);
	return line;
}

bool
chain_gather(const struct held *h, struct line *line, struct chain *c)
{
	uint64_t slot;
	unsigned i;

	for (c->n = 0; line != NULL; line = chain_next(h, line))
		for (i = 0; i < LINE_SLOTS; i++) {
			slot = word_peek(&line->slots[i]);
			if (slot == 0 || slot_is_link(slot))
				break;
			if (c->n == CHAIN_ENTRIES_MAX)
				return false;
			c->entries[c->n++] = slot;
		}
	return true;
}

static void
free_lines(struct held *h, struct line *line)
{
	struct line *next;

	for (; line != NULL; line = next) {
		next = chain_next(h, line);
		slab_free(h, SLAB_LINE, arena_off_of(h->a, line));
	}
}

void
chain_write(struct held *h, struct line *line, const struct chain *c)
{
	struct line *next;
	unsigned at = 0, i;

	while (c->n - at > LINE_SLOTS) {
		next = chain_next(h, line);
		if (next == NULL && (next = chain_new_line(h)) == NULL)
			return;
		for (i = 0; i < LINE_SLOTS - 1; i++)
			set(h, &line->slots[i], c->entries[at++]);
		set(h, &line->slots[i],
		    LINE_LINK << 48 | arena_off_of(h->a, next));
		line = next;
	}
	next = chain_next(h, line);
	for (i = 0; i < LINE_SLOTS; i++)
		set(h, &line->slots[i], at < c->n ? c->entries[at++] : 0);
	free_lines(h, next);
}

void
chain_clear(struct held *h, struct line *home)
{
	static const struct chain none;

	chain_write(h, home, &none);
}

void
chain_append(struct held *h, struct line *line, uint64_t entry)
{
	struct line *next;
	word *last;
	unsigned i;

	while ((next = chain_next(h, line)) != NULL)
		line = next;
	for (i = 0; i < LINE_SLOTS; i++)
		if (intent_get(h, &line->slots[i]) == 0) {
			intent_set(h, &line->slots[i], entry);
			return;
		}
	last = &line->slots[LINE_SLOTS - 1];
	if ((next = chain_new_line(h)) == NULL)
		return;
	intent_set(h, &next->slots[0], intent_get(h, last));
	intent_set(h, &next->slots[1], entry);
	intent_set(h, last, LINE_LINK << 48 | arena_off_of(h->a, next));
}

void
chain_remove(struct held *h, struct line *line, word *slot)
{
	struct line *before = NULL, *next;
	unsigned n;

	for (; (next = chain_next(h, line)) != NULL; line = next)
		before = line;
	for (n = 0; n < LINE_SLOTS && word_peek(&line->slots[n]) != 0;)
		n++;
	if (n == 0) {
		held_break(h);
		return;
	}
	/* The last entry fills the gap, and of two that are left in a line
	 * the other one takes the place of the link. */
	intent_set(h, slot, word_peek(&line->slots[n - 1]));
	intent_set(h, &line->slots[n - 1], 0);
	if (before != NULL && n == 2) {
		intent_set(h, &before->slots[LINE_SLOTS - 1],
		    intent_get(h, &line->slots[0]));
		slab_free(h, SLAB_LINE, arena_off_of(h->a, line));
	}
}
