#ifndef KVD_SHM_INTENT_H
#define KVD_SHM_INTENT_H

#include "shm/lock.h"
#include "shm/word.h"

/*
 * Changing shared words so that a kill at any instruction leaves the old
 * state or the new one.  Under the shard's lock: say what each word shall
 * be, guard the version words of the lines concerned, commit.  Nothing that
 * can be reached changes before the commit; afterwards whoever takes the
 * lock next can finish the work, as often as it takes, because values are
 * absolute.
 */

/* The word shall become value.  At most one call per word and intent. */
static inline void
intent_add(struct held *h, word *w, uint64_t value)
{
	struct intent_pair *p = &h->sh->intent.pairs[h->npairs];

	/* No sound change is so long. */
	if (h->npairs == INTENT_PAIRS) {
		held_break(h);
		return;
	}
	word_init(&p->off, arena_off_of(h->a, w));
	word_init(&p->value, value);
	h->npairs++;
}

/* The word as it will be: its value in the intent, else in memory. */
uint64_t intent_get(const struct held *, const word *);

/* Like intent_add(), but replaces what the intent already says. */
void intent_set(struct held *, word *, uint64_t value);

/* Readers of what this version word heads shall retry. */
void intent_guard(struct held *, word *version);

/* The same of one that is not guarded yet. */
static inline void
intent_guard_new(struct held *h, word *version)
{
	struct intent_pair *g = &h->sh->intent.guards[h->nguards];

	if (h->nguards == INTENT_GUARDS) {
		held_break(h);
		return;
	}
	word_init(&g->off, arena_off_of(h->a, version));
	word_init(&g->value, (word_peek(version) & ~UINT64_C(1)) + 2);
	h->nguards++;
}

/* Do they, by the intent under construction? */
bool intent_guards(const struct held *, const word *version);

/* A segment that the intent marks RELEASED: free it after the commit. */
void intent_release_segment(struct held *, uint64_t segment);

/*
 * Commit, apply, and leave the intent empty.  If the change is broken it is
 * only left empty.
 */
void intent_commit(struct held *);

/* Leave it empty, for what it says shall not be. */
void intent_forget(struct held *);

/*
 * The change is broken and this is the end of it: its intent is empty, the
 * segments that were taken for it are free again, and another may begin.
 */
void intent_abandon(struct held *);

/*
 * For the repair: finish a committed intent, if there is one.  Returns false
 * if what it says is impossible.
 */
bool intent_finish(struct held *);

#endif
