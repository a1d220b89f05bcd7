#ifndef KVD_SHM_CHAIN_H
#define KVD_SHM_CHAIN_H

#include "shm/lock.h"
#include "shm/word.h"

/*
 * A chain: a home line and the lines that its last slot links to.  Dense and
 * canonical: n entries take 1 + ceil((n - 7) / 6) lines.
 */

#define CHAIN_LINES_MAX		16	/* of chains that are rewritten whole */
#define CHAIN_ENTRIES_MAX	(LINE_SLOTS + (CHAIN_LINES_MAX - 1) * \
				    (LINE_SLOTS - 1))

/*
 * A chain of more lines is none: entries are kept to a dozen per line on
 * average, and nobody can choose where they go.
 */
#define CHAIN_STEPS_MAX	256

struct chain {			/* the entries of a chain, taken together */
	unsigned	n;
	uint64_t	entries[CHAIN_ENTRIES_MAX];
};

static inline uint64_t
slot_tag(uint64_t slot)
{
	return slot >> 48;
}

static inline arena_off
slot_off(uint64_t slot)
{
	return slot & LINE_OFF_MASK;
}

static inline bool
slot_is_link(uint64_t slot)
{
	return slot_tag(slot) == LINE_LINK;
}

/* The tag of entries whose key has that hash. */
static inline uint64_t
slot_tag_of(uint64_t hash)
{
	uint64_t tag = hash >> 48;

	return tag == LINE_LINK ? tag - 1 : tag;
}

static inline uint64_t
slot_with_tag(uint64_t tag, arena_off off)
{
	return tag << 48 | off;
}

/* An entry for a record at off whose key has that hash. */
static inline uint64_t
slot_make(uint64_t hash, arena_off off)
{
	return slot_with_tag(slot_tag_of(hash), off);
}

/*
 * The first slot, from that one on, that has that tag, or LINE_SLOTS.  An empty
 * one has a tag like others, but leads nowhere.
 */
static inline unsigned
slot_find(const struct line *line, unsigned first, uint64_t tag)
{
	unsigned i;

#pragma GCC unroll 7
	for (i = first; i < LINE_SLOTS; i++)
		if (slot_tag(word_peek(&line->slots[i])) == tag)
			break;
	return i;
}

/*
 * All entries of the chain at home, under the lock.  Returns false if there
 * are too many to be rewritten.
 */
bool chain_gather(const struct held *, struct line *home, struct chain *);

/*
 * Into the intent: the chain at home holds exactly these entries.  Reuses
 * its lines, takes reserved ones for more, gives back those left over.
 */
void chain_write(struct held *, struct line *home, const struct chain *);

/* Into the intent: home has no entries and no further lines. */
void chain_clear(struct held *, struct line *home);

/*
 * Into the intent: one entry more, at the end, in at most one new line,
 * which must have been reserved.
 */
void chain_append(struct held *, struct line *home, uint64_t entry);

/* Into the intent: the slot, of the chain at home, is taken out. */
void chain_remove(struct held *, struct line *home, word *slot);

/*
 * A fresh line with no entries, from the reserve: all its words but the
 * first are in the intent.  NULL if the change breaks.
 */
struct line *chain_new_line(struct held *);

/* The line after this one, or NULL; under the lock, of a sound chain. */
struct line *chain_next(const struct held *, struct line *);

#endif
