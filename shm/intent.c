/*
 * The redo intent.  SIGKILL leaves a prefix of this thread's stores, so the
 * order of the stores is the whole proof:
 *
 *	pairs and guards	(unread while state is EMPTY)
 *	state = COMMITTED	the point of no return
 *	guards odd, words, guards even
 *	state = EMPTY
 *	released segments go back to the pool
 *
 * Words are applied in the order in which they were added; the shape of a
 * table is added after what it makes reachable.  Segments are freed after
 * EMPTY because another shard may take one at once, and a second application
 * must not touch what is no longer ours.
 */

#include "shm/intent.h"

#include "shm/repair_check.h"
#include "shm/segment.h"
#include "shm/word.h"

static struct intent_pair *
find(const struct held *h, const word *w)
{
	struct intent_pair *pairs = h->sh->intent.pairs;
	arena_off off = arena_off_of(h->a, w);
	unsigned i;

	for (i = h->npairs; i-- > 0;)
		if (word_peek(&pairs[i].off) == off)
			return &pairs[i];
	return NULL;
}

uint64_t
intent_get(const struct held *h, const word *w)
{
	const struct intent_pair *p = find(h, w);

	return p != NULL ? word_peek(&p->value) : word_peek(w);
}

void
intent_set(struct held *h, word *w, uint64_t value)
{
	struct intent_pair *p = find(h, w);

	if (p != NULL)
		word_init(&p->value, value);
	else
		intent_add(h, w, value);
}

void
intent_guard(struct held *h, word *version)
{
	if (!intent_guards(h, version))
		intent_guard_new(h, version);
}

bool
intent_guards(const struct held *h, const word *version)
{
	const struct intent_pair *g = h->sh->intent.guards;
	arena_off off = arena_off_of(h->a, version);
	unsigned i;

	for (i = 0; i < h->nguards; i++)
		if (word_peek(&g[i].off) == off)
			return true;
	return false;
}

void
intent_release_segment(struct held *h, uint64_t segment)
{
	if (h->nreleased == sizeof(h->released) / sizeof(h->released[0])) {
		held_break(h);
		return;
	}
	h->released[h->nreleased++] = segment;
}

static void
apply(struct arena *a, struct intent *in)
{
	uint64_t i, n = word_peek(&in->npairs), g = word_peek(&in->nguards);

	for (i = 0; i < g; i++)
		word_init(arena_at(a, word_peek(&in->guards[i].off)),
		    word_peek(&in->guards[i].value) - 1);
	/* Pairs with the acquire fence of a reader: who sees a new word sees
	 * the odd version too. */
	atomic_thread_fence(memory_order_release);
	for (i = 0; i < n; i++)
		word_store(arena_at(a, word_peek(&in->pairs[i].off)),
		    word_peek(&in->pairs[i].value));
	for (i = 0; i < g; i++)
		word_store(arena_at(a, word_peek(&in->guards[i].off)),
		    word_peek(&in->guards[i].value));
}

void
intent_forget(struct held *h)
{
	h->npairs = h->nguards = h->nreleased = 0;
}

void
intent_abandon(struct held *h)
{
	intent_forget(h);
	segment_free_strays(h);
	h->broken = false;
}

void
intent_commit(struct held *h)
{
	struct intent *in = &h->sh->intent;
	unsigned i;

	if (h->broken) {
		intent_forget(h);
		return;
	}
	word_init(&in->npairs, h->npairs);
	word_init(&in->nguards, h->nguards);
	word_store(&in->state, INTENT_COMMITTED);
	atomic_signal_fence(memory_order_seq_cst);
	apply(h->a, in);
	word_store(&in->state, INTENT_EMPTY);
	atomic_signal_fence(memory_order_seq_cst);
	for (i = 0; i < h->nreleased; i++)
		segment_free(h->a, h->shard, h->released[i]);
	intent_forget(h);
}

/* Would a sound process have left this? */
static bool
is_sane(const struct held *h, const struct intent *in)
{
	uint64_t i, n = word_peek(&in->npairs), g = word_peek(&in->nguards);

	if (n > INTENT_PAIRS || g > INTENT_GUARDS)
		return false;
	for (i = 0; i < n; i++)
		if (!repair_may_change(h, word_peek(&in->pairs[i].off)))
			return false;
	for (i = 0; i < g; i++)
		if (!repair_may_guard(h, word_peek(&in->guards[i].off)) ||
		    word_peek(&in->guards[i].value) % 2 != 0)
			return false;
	return true;
}

bool
intent_finish(struct held *h)
{
	struct intent *in = &h->sh->intent;

	if (word_load(&in->state) != INTENT_COMMITTED)
		return true;
	if (!is_sane(h, in))
		return false;
	apply(h->a, in);
	word_store(&in->state, INTENT_EMPTY);
	return true;
}
