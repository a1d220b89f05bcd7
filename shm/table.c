/*
 * The tree from line numbers to lines.  The first 64 lines are units of
 * their own, named by nodes of eight offsets, so that a bucket of a few keys
 * costs a few lines; all further ones stand in pages of 64.
 *
 *	depth 0		the line
 *	depth 1		node of 8 lines
 *	depth 2		node of 8 nodes				64 lines
 *	depth 3		page of 512: a tree of depth 2, then pages of lines
 *	depth 4		page of 512: a tree of depth 3, then pages of
 *			512 pages of lines, and so on
 *
 * What is there is never moved: a tree grows deeper by a node or page above
 * it, whose first entry it becomes.
 */

#include "shm/table.h"

#include "shm/chain.h"
#include "shm/intent.h"
#include "shm/slab.h"
#include "shm/sound.h"
#include "shm/word.h"

#define NODE_WORDS	8
#define NODE_BITS	3
#define PAGE_BITS	9
#define PAGE_LINES_BITS	6
#define NODES_DEPTH	2	/* the deepest tree of nodes alone */
#define NODES_LINES	64	/* lines in it */
_Static_assert(NODES_LINES == PAGE_LINES, "one entry of a page is 64 lines");
_Static_assert(NODE_WORDS == 1 << NODE_BITS && PAGE_WORDS == 1 << PAGE_BITS &&
    PAGE_LINES == 1 << PAGE_LINES_BITS, "paths are found by shifting");

/*
 * Lines below one entry of the top of a tree of that depth, and all lines of
 * it, as powers of two.  Depth 0 has no entries.
 */
#define PAGES_BITS(n)	(PAGE_LINES_BITS + PAGE_BITS * (n))

static const uint8_t span[TABLE_DEPTH_MAX + 1] = {
	0, 0, NODE_BITS,
	PAGES_BITS(0), PAGES_BITS(1), PAGES_BITS(2), PAGES_BITS(3)
};

static const uint8_t capacity[TABLE_DEPTH_MAX + 1] = {
	0, NODE_BITS, 2 * NODE_BITS,
	PAGES_BITS(1), PAGES_BITS(2), PAGES_BITS(3), PAGES_BITS(4)
};

/* Which entry of the top leads to a line of the tree, and where below it. */
static uint64_t
entry_of(unsigned depth, uint64_t number)
{
	return number >> span[depth];
}

static uint64_t
within_entry(unsigned depth, uint64_t number)
{
	return number & ((UINT64_C(1) << span[depth]) - 1);
}

uint64_t
table_capacity(unsigned depth)
{
	return UINT64_C(1) << capacity[depth];
}

enum slab_class
table_class(unsigned depth)
{
	return depth <= NODES_DEPTH ? SLAB_LINE : SLAB_PAGE;
}

static inline arena_off
entry(const struct arena *a, arena_off top, uint64_t i)
{
	return word_load((const word *)arena_at(a, top) + i);
}

unsigned
table_child_depth(unsigned depth, uint64_t number)
{
	/* Only the first entry leads to what was there before. */
	if (depth > NODES_DEPTH + 1 || number < NODES_LINES)
		return depth - 1;
	return TABLE_LINES_PAGE;
}

/*
 * Down the pages, whose depths take PAGE_BITS of the number each; then there is
 * a page of lines, or for the first lines of all the tree of nodes.
 */
struct line *
table_line(const struct arena *a, uint64_t root, uint64_t number)
{
	unsigned depth = (unsigned)(root & ROOT_DEPTH_MASK), shift;
	arena_off at = root & ~ROOT_DEPTH_MASK, reach = arena_reach(a);

	if (depth > TABLE_DEPTH_MAX || number >> capacity[depth] != 0)
		return NULL;
	shift = capacity[depth];
	for (; depth > NODES_DEPTH; depth--) {
		if (!arena_holds_unit(a, reach, at, PAGE_BYTES))
			return NULL;
		shift -= PAGE_BITS;
		at = entry(a, at, number >> shift & (PAGE_WORDS - 1));
	}
	if (number >= NODES_LINES)
		return arena_holds_unit(a, reach, at, PAGE_BYTES) ?
		    (struct line *)arena_at(a, at) + number % PAGE_LINES :
		    NULL;
	for (; depth > 0; depth--) {
		if (!arena_holds_unit(a, reach, at, sizeof(struct line)))
			return NULL;
		shift -= NODE_BITS;
		at = entry(a, at, number >> shift & (NODE_WORDS - 1));
	}
	return arena_holds_unit(a, reach, at, sizeof(struct line)) ?
	    arena_at(a, at) : NULL;
}

unsigned
table_pages_to_extend(uint64_t lines)
{
	/* Small tables are to cost their shard no segment of pages. */
	return lines < NODES_LINES ? 0 : TABLE_DEPTH_MAX;
}

/*
 * A fresh node or page of offsets, all 0: the link word by the intent.  NULL
 * and 0 if the change breaks.
 */
static word *
new_top(struct held *h, unsigned depth, arena_off *off)
{
	unsigned i, n = depth <= NODES_DEPTH ? NODE_WORDS : PAGE_WORDS;
	word *top;

	*off = slab_alloc(h, table_class(depth));
	if (*off == 0)
		return NULL;
	top = arena_at(h->a, *off);
	for (i = 0; i < n; i++)
		if (i != UNIT_LINK)
			word_init(&top[i], 0);
	intent_set(h, &top[UNIT_LINK], 0);
	return top;
}

/* Put a level above the tree when it is full; returns the new root. */
static uint64_t
deepen(struct held *h, struct table *t, uint64_t root, uint64_t lines)
{
	unsigned depth = (unsigned)(root & ROOT_DEPTH_MASK);
	arena_off off;
	word *top;

	if (lines < table_capacity(depth))
		return root;
	if (depth >= TABLE_DEPTH_MAX ||
	    (top = new_top(h, depth + 1, &off)) == NULL) {
		held_break(h);
		return root;
	}
	word_init(&top[0], root & ~ROOT_DEPTH_MASK);
	root = off | (depth + 1);
	intent_set(h, &t->root, root);
	return root;
}

static arena_off
new_child(struct held *h, unsigned depth)
{
	struct line *line;
	arena_off off;

	if (depth == TABLE_LINES_PAGE)
		return slab_alloc(h, SLAB_PAGE);
	if (depth > 0)
		return new_top(h, depth, &off) != NULL ? off : 0;
	line = chain_new_line(h);
	return line != NULL ? arena_off_of(h->a, line) : 0;
}

/* Can there be a tree of that depth?  If not, the change breaks. */
static bool
is_top(struct held *h, arena_off at, unsigned depth)
{
	enum slab_class class = depth == TABLE_LINES_PAGE ? SLAB_PAGE :
	    table_class(depth);

	if (!h->broken && sound_unit(h, at, class))
		return true;
	held_break(h);
	return false;
}

/* The child that slot names, made if there is none; it may be no top. */
static arena_off
child_of(struct held *h, word *slot, unsigned depth)
{
	arena_off child = intent_get(h, slot);

	if (child == 0) {
		child = new_child(h, depth);
		intent_set(h, slot, child);
	}
	return child;
}

/* A line of a page that has been another's, or another thing. */
static struct line *
blank(struct held *h, struct line *line)
{
	unsigned i;

	word_init(&line->version, 0);
	for (i = 0; i < LINE_SLOTS - 1; i++)
		word_init(&line->slots[i], 0);
	/* Of a page's first line this is the link of the free list. */
	intent_set(h, &line->slots[i], 0);
	return line;
}

struct line *
table_extend(struct held *h, struct table *t, uint64_t lines)
{
	uint64_t root = deepen(h, t, word_peek(&t->root), lines);
	unsigned depth = (unsigned)(root & ROOT_DEPTH_MASK), child;
	arena_off at = root & ~ROOT_DEPTH_MASK;
	uint64_t number = lines;
	word *top;

	for (; depth > 0 && depth != TABLE_LINES_PAGE; depth = child) {
		if (!is_top(h, at, depth))
			return NULL;
		top = arena_at(h->a, at);
		child = table_child_depth(depth, lines);
		at = child_of(h, &top[entry_of(depth, number)], child);
		number = within_entry(depth, number);
	}
	if (!is_top(h, at, depth))
		return NULL;
	if (depth == 0)
		return arena_at(h->a, at);
	return blank(h, (struct line *)arena_at(h->a, at) + number);
}

/*
 * Free the way to the line of that number below the tree at `at`; the number
 * is counted from the tree's first line, `line` from the table's.  Returns
 * true if nothing is left of the tree, which is then freed too; false also if
 * the change breaks.
 */
static bool
prune(struct held *h, arena_off at, unsigned depth, uint64_t number,
    uint64_t line)
{
	word *top, *slot;

	if (!is_top(h, at, depth))
		return false;
	top = arena_at(h->a, at);
	if (depth == TABLE_LINES_PAGE) {
		if (number != 0)
			return false;
	} else if (depth > 0) {
		slot = &top[entry_of(depth, number)];
		if (!prune(h, intent_get(h, slot),
		    table_child_depth(depth, line), within_entry(depth, number),
		    line))
			return false;
		intent_set(h, slot, 0);
		if (slot != top)
			return false;
	}
	slab_free(h, depth == TABLE_LINES_PAGE ? SLAB_PAGE :
	    table_class(depth), at);
	return true;
}

/* Take a level off the top when its first entry is all that is left. */
static void
flatten(struct held *h, struct table *t, uint64_t root, uint64_t lines)
{
	unsigned depth = (unsigned)(root & ROOT_DEPTH_MASK);
	arena_off at = root & ~ROOT_DEPTH_MASK;
	const word *top;

	if (h->broken || depth == 0 || lines != table_capacity(depth - 1))
		return;
	top = arena_at(h->a, at);
	intent_set(h, &t->root, intent_get(h, &top[0]) | (depth - 1));
	slab_free(h, table_class(depth), at);
}

void
table_truncate(struct held *h, struct table *t, uint64_t last)
{
	uint64_t root = word_peek(&t->root);

	if (prune(h, root & ~ROOT_DEPTH_MASK,
	    (unsigned)(root & ROOT_DEPTH_MASK), last, last))
		intent_set(h, &t->root, 0);
	else
		flatten(h, t, root, last);
}
