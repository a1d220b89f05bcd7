/*
 * Growth and shrinking, one line at a time, so that no insertion ever waits
 * for a table to be rehashed.  Both are intents of their own after the
 * operation that made them due: a kill in between costs a line's worth of
 * density, which the next insertion makes good.
 *
 * Splitting line n - 2^L into itself and n needs the hashes of its entries,
 * that is, their keys; they are prefetched together.
 */

#include "shm/index.h"

#include "shm/chain.h"
#include "shm/hash.h"
#include "shm/intent.h"
#include "shm/slab.h"
#include "shm/sound.h"
#include "shm/table.h"
#include "shm/word.h"

/*
 * Entries per line, on average: above the one split, below the other merge.
 * The distance keeps a bucket that goes up and down by one from doing both.
 * A small table is to take little memory, and is in the cache anyway.  In a
 * large one who comes to an overflow line waits for memory once more: with
 * seven on average one key in four is in such a line, with four one in sixteen,
 * for 4 bytes more per key.
 */
#define SMALL		PAGE_LINES	/* lines */
#define DENSE_SMALL	LINE_SLOTS
#define DENSE		4
#define SPARSE		3

/* Words that a split or a merge of the longest chains may need, at most. */
#define REWRITE_WORDS	(4 * CHAIN_ENTRIES_MAX + 64)
/* Lines that a split may take: of the chains, and of the way to the new. */
#define SPLIT_LINES_MAX	(2 * CHAIN_LINES_MAX + TABLE_DEPTH_MAX)

_Static_assert(REWRITE_WORDS <= INTENT_PAIRS, "a rewrite fits an intent");

static uint64_t
hash_of_entry(const struct held *h, uint64_t entry)
{
	struct record_view r;

	if (!record_read(h->a, slot_off(entry), &r))
		return 0;
	return hash_keyed(h->a->hash_seed, r.key.data, r.key.len);
}

/* Those whose hash has the bit go to `high`. */
static void
deal(const struct held *h, const struct chain *all, uint64_t bit,
    struct chain *low, struct chain *high)
{
	struct chain *to;
	unsigned i;

	for (i = 0; i < all->n; i++)
		__builtin_prefetch(arena_at(h->a,
		    slot_off(all->entries[i])));
	low->n = high->n = 0;
	for (i = 0; i < all->n; i++) {
		to = (hash_of_entry(h, all->entries[i]) & bit) != 0 ?
		    high : low;
		to->entries[to->n++] = all->entries[i];
	}
}

static void
split(struct held *h, struct table *t, uint64_t lines, struct line *home,
    const struct chain *all)
{
	struct chain low, high;
	struct line *new;

	deal(h, all, table_level(lines), &low, &high);
	intent_guard(h, &home->version);
	if ((new = table_extend(h, t, lines)) != NULL)
		chain_write(h, new, &high);
	chain_write(h, home, &low);
	intent_set(h, &t->shape, table_reshape(word_peek(&t->shape),
	    lines + 1));
	intent_commit(h);
}

static bool
is_dense(const struct table *t, uint64_t lines, unsigned more)
{
	return word_peek(&t->count) + more > lines * (lines < SMALL ?
	    DENSE_SMALL : DENSE);
}

static enum shm_status
split_next(struct held *h, struct table *t, uint64_t lines)
{
	struct line *home = sound_home(h, t, lines - table_level(lines));
	enum shm_status status;
	struct chain all;

	if (home == NULL)
		return SHM_DAMAGED;
	if (!chain_gather(h, home, &all))
		return SHM_FULL;
	if ((status = slab_reserve(h, SLAB_PAGE,
	    table_pages_to_extend(lines), SEGMENT_FOR_PUT)) != SHM_OK ||
	    (status = slab_reserve(h, SLAB_LINE, SPLIT_LINES_MAX,
	    SEGMENT_FOR_PUT)) != SHM_OK)
		return status;
	split(h, t, lines, home, &all);
	return h->broken ? SHM_DAMAGED : SHM_OK;
}

/* No line has room on average. */
static bool
is_crowded(const struct table *t, uint64_t lines, unsigned more)
{
	return word_peek(&t->count) + more > lines * DENSE_SMALL;
}

/*
 * A table may have far too few lines: it has just become a large one, or was
 * one when lines were longer.  Nobody has to make up for that at once, but each
 * does his share, if there is memory.
 */
enum shm_status
index_grow_for(struct held *h, struct table *t, unsigned entries)
{
	uint64_t lines = table_lines(word_peek(&t->shape));
	uint64_t most = lines + entries;
	enum shm_status status = SHM_OK;

	for (; status == SHM_OK && is_crowded(t, lines, entries); lines++)
		status = split_next(h, t, lines);
	if (status != SHM_OK)
		return status;
	for (; status == SHM_OK && lines < most && is_dense(t, lines, entries);
	    lines++)
		status = split_next(h, t, lines);
	return status == SHM_FULL ? SHM_OK : status;
}

enum shm_status
index_grow(struct held *h, struct table *t)
{
	uint64_t lines = table_lines(word_peek(&t->shape));
	enum shm_status status;

	if (lines == 0 || !is_dense(t, lines, 0))
		return SHM_OK;
	status = split_next(h, t, lines);
	/* The insertion is none the worse for it. */
	if (h->broken)
		intent_abandon(h);
	return status;
}

static void
merge_last(struct held *h, struct table *t, uint64_t last)
{
	struct line *from = sound_home(h, t, last);
	struct line *to = sound_home(h, t, last - table_level(last));
	struct chain all, more;
	unsigned i;

	if (from == NULL || to == NULL ||
	    !chain_gather(h, to, &all) || !chain_gather(h, from, &more) ||
	    all.n + more.n > CHAIN_ENTRIES_MAX ||
	    slab_reserve(h, SLAB_LINE, CHAIN_LINES_MAX, SEGMENT_FOR_PUT) !=
	    SHM_OK)
		return;
	for (i = 0; i < more.n; i++)
		all.entries[all.n++] = more.entries[i];
	intent_guard(h, &to->version);
	intent_guard(h, &from->version);
	chain_write(h, to, &all);
	chain_clear(h, from);
	table_truncate(h, t, last);
	intent_set(h, &t->shape, table_reshape(word_peek(&t->shape), last));
	intent_commit(h);
}

void
index_shrink(struct held *h, struct table *t)
{
	uint64_t lines = table_lines(word_peek(&t->shape));

	if (lines < 2 || word_peek(&t->count) >= (lines - 1) * SPARSE)
		return;
	merge_last(h, t, lines - 1);
	if (h->broken)
		intent_abandon(h);
}

/* Hand over the entries of one line, which is then empty. */
static void
hand_over(struct held *h, struct line *line,
    void (*each)(struct held *, arena_off))
{
	uint64_t slot;
	unsigned i;

	for (i = 0; i < LINE_SLOTS; i++) {
		slot = word_peek(&line->slots[i]);
		if (slot == 0)
			break;
		each(h, slot_off(slot));
		intent_set(h, &line->slots[i], 0);
	}
}

/* The last line of a chain, and the one before it, if any. */
static struct line *
last_of_chain(const struct held *h, struct line *line, struct line **before)
{
	struct line *next;

	for (*before = NULL; (next = chain_next(h, line)) != NULL;
	    line = next)
		*before = line;
	return line;
}

bool
index_dismantle(struct held *h, struct table *t,
    void (*each)(struct held *, arena_off))
{
	uint64_t lines = table_lines(word_peek(&t->shape));
	struct line *line, *before;

	if (lines == 0 || (line = sound_home(h, t, lines - 1)) == NULL)
		return false;
	line = last_of_chain(h, line, &before);
	hand_over(h, line, each);
	if (before != NULL) {
		intent_set(h, &before->slots[LINE_SLOTS - 1], 0);
		slab_free(h, SLAB_LINE, arena_off_of(h->a, line));
		return true;
	}
	table_truncate(h, t, lines - 1);
	intent_set(h, &t->shape, table_reshape(word_peek(&t->shape),
	    lines - 1));
	return true;
}
