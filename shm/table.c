/*
 * The tree of pages.  Depth 0 is one line in a LINES segment, so that a small
 * bucket costs no page; depth d >= 1 is a tree of d levels of pages whose
 * lowest level holds 64 lines each and whose others hold 512 offsets.
 */

#include "shm/table.h"

#include <assert.h>
#include <string.h>

#include "shm/intent.h"
#include "shm/slab.h"
#include "shm/word.h"

/* Lines below one entry of a page of offsets `above` levels over lines. */
static uint64_t
span(unsigned above)
{
	uint64_t n = PAGE_LINES;

	while (above-- > 1)
		n *= PAGE_WORDS;
	return n;
}

/* Lines that a tree of that depth can hold. */
static uint64_t
capacity(unsigned depth)
{
	return depth == 0 ? 1 : span(depth);
}

static unsigned
depth_of(uint64_t root)
{
	return (unsigned)(root & ROOT_DEPTH_MASK);
}

static bool
is_unit(const struct arena *a, arena_off off, uint64_t bytes)
{
	return off % bytes == 0 && arena_holds(a, off, bytes);
}

struct line *
table_line(const struct arena *a, uint64_t root, uint64_t number)
{
	unsigned depth = depth_of(root), above;
	arena_off node = root & ~ROOT_DEPTH_MASK;
	const word *page;

	if (depth > TABLE_DEPTH_MAX || number >= capacity(depth))
		return NULL;
	if (depth == 0)
		return is_unit(a, node, sizeof(struct line)) ?
		    arena_at(a, node) : NULL;
	for (above = depth - 1; above > 0; above--) {
		if (!is_unit(a, node, PAGE_BYTES))
			return NULL;
		page = arena_at(a, node);
		node = word_load(&page[number / span(above) % PAGE_WORDS]);
	}
	if (!is_unit(a, node, PAGE_BYTES))
		return NULL;
	return (struct line *)arena_at(a, node) + number % PAGE_LINES;
}

/* A fresh page of offsets, all 0: the link word through the intent. */
static word *
new_page(struct held *h, arena_off *off)
{
	word *page;
	unsigned i;

	*off = slab_alloc(h, SLAB_PAGE);
	page = arena_at(h->a, *off);
	for (i = 0; i < PAGE_WORDS; i++)
		if (i != UNIT_LINK)
			word_init(&page[i], 0);
	intent_set(h, &page[UNIT_LINK], 0);
	return page;
}

static arena_off
child_of(struct held *h, word *slot, bool of_lines)
{
	arena_off child = intent_get(h, slot);

	if (child == 0) {
		if (of_lines)
			child = slab_alloc(h, SLAB_PAGE);
		else
			(void)new_page(h, &child);
		intent_set(h, slot, child);
	}
	return child;
}

/* Put a level above the tree when it is full; returns the new root. */
static uint64_t
deepen(struct held *h, struct table *t, uint64_t root, uint64_t lines)
{
	unsigned depth = depth_of(root);
	arena_off top;
	word *page;

	if (lines < capacity(depth) && depth > 0)
		return root;
	assert(depth < TABLE_DEPTH_MAX);
	if (depth == 0) {
		top = slab_alloc(h, SLAB_PAGE);
	} else {
		page = new_page(h, &top);
		word_init(&page[0], root & ~ROOT_DEPTH_MASK);
	}
	root = top | (depth + 1);
	intent_set(h, &t->root, root);
	return root;
}

struct line *
table_extend(struct held *h, struct table *t, uint64_t lines)
{
	uint64_t root = deepen(h, t, intent_get(h, &t->root), lines);
	arena_off node = root & ~ROOT_DEPTH_MASK;
	unsigned above;
	word *page;

	for (above = depth_of(root) - 1; above > 0; above--) {
		page = arena_at(h->a, node);
		node = child_of(h, &page[lines / span(above) % PAGE_WORDS],
		    above == 1);
	}
	return (struct line *)arena_at(h->a, node) + lines % PAGE_LINES;
}

/* Clear the way to line `last` in the page at node; true if it is empty. */
static bool
prune(struct held *h, arena_off node, unsigned above, uint64_t last)
{
	word *page = arena_at(h->a, node), *slot;

	if (above == 0)
		return last % PAGE_LINES == 0;
	slot = &page[last / span(above) % PAGE_WORDS];
	if (!prune(h, intent_get(h, slot), above - 1, last))
		return false;
	slab_free(h, SLAB_PAGE, intent_get(h, slot));
	if (slot == &page[0])
		return true;
	intent_set(h, slot, 0);
	return false;
}

void
table_truncate(struct held *h, struct table *t, uint64_t last)
{
	uint64_t root = word_peek(&t->root);
	unsigned depth = depth_of(root);
	arena_off top = root & ~ROOT_DEPTH_MASK;
	word *page = arena_at(h->a, top);

	assert(last > 0 && depth > 0);
	(void)prune(h, top, depth - 1, last);
	if (depth > 1 && last == capacity(depth - 1)) {
		intent_set(h, &t->root, intent_get(h, &page[0]) |
		    (depth - 1));
		slab_free(h, SLAB_PAGE, top);
	}
}
