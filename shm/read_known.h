#ifndef KVD_SHM_READ_KNOWN_H
#define KVD_SHM_READ_KNOWN_H

#include "shm/ahead_find.h"
#include "shm/bucket_locked.h"
#include "shm/read.h"

/*
 * The innermost part of a read without a lock, in a header, for it is most of
 * what a request costs in shm/: where the action is known when this is compiled
 * nothing is called, and what is found stays in registers.  The protocol is in
 * read.h.  Every offset that was read is checked before it is followed, every
 * chain is walked a bounded number of steps: what a reader meets may have
 * become something else.
 */

static inline struct line *
read_follow(const struct arena *a, uint64_t slot)
{
	arena_off off = slot_off(slot);

	return arena_holds_unit(a, arena_reach(a), off, sizeof(struct line)) ?
	    arena_at(a, off) : NULL;
}

/* The slot of the key, or NULL. */
static inline __attribute__((always_inline)) word *
read_search_line(const struct arena *a, struct line *line,
    const struct index_key *k, struct record_view *r)
{
	uint64_t tag = slot_tag_of(k->hash);
	unsigned i;

	for (i = slot_find(line, 0, tag); i < LINE_SLOTS;
	    i = slot_find(line, i + 1, tag))
		if (index_key_is_at(a, k, slot_off(word_peek(&line->slots[i])),
		    r))
			return &line->slots[i];
	return NULL;
}

/*
 * Is the key in the chain, as far as can be told now?  What leads nowhere or
 * has no end is no chain any more.
 */
static inline __attribute__((always_inline)) enum read_status
read_search_chain(const struct arena *a, struct line *line,
    const struct index_key *k, struct record_view *r, word **slot)
{
	uint64_t last;
	unsigned steps;

	for (steps = 0; line != NULL && steps < CHAIN_STEPS_MAX; steps++) {
		*slot = read_search_line(a, line, k, r);
		if (*slot != NULL)
			return READ_FOUND;
		last = word_peek(&line->slots[LINE_SLOTS - 1]);
		if (!slot_is_link(last))
			return READ_MISSING;
		line = read_follow(a, last);
	}
	return READ_RETRY;
}

/* Does the name lead to that bucket still, and has it not expired? */
static inline bool
read_is_there(const struct shard *sh, const struct bucket *b,
    const struct ahead_bucket *in)
{
	return names_hold_at(sh, in->shape, in->home, in->version) &&
	    (word_peek(&b->link) == 0 || !bucket_is_ghost(b));
}

/*
 * One attempt at a pair that was looked for ahead, while all is still where it
 * was then; which is how nearly all are read.
 */
static inline __attribute__((always_inline)) enum read_status
read_known(const struct arena *a, const struct ahead *ahead,
    const struct read_action *act)
{
	const struct shard *sh = &a->shards[ahead->in.shard];
	const struct bucket *b = arena_at(a, ahead->in.at);
	const struct index_key k = {
		RECORD_PUT, ahead->in.at, ahead->key, ahead->hash
	};
	struct line *home = ahead->home;
	uint64_t batch = word_load(&sh->version), version;
	struct record_view r;
	enum read_status s;
	word *slot;

	if (home == NULL || (batch & 1) != 0 ||
	    !read_is_there(sh, b, &ahead->in) ||
	    word_load(&b->table.shape) != ahead->shape)
		return READ_RETRY;
	/* Pairs with intent.c. */
	version = word_load(&home->version);
	if ((version & 1) != 0)
		return READ_RETRY;
	s = read_search_chain(a, home, &k, &r, &slot);
	if (s == READ_FOUND)
		act->found(act->arg, &r);
	atomic_thread_fence(memory_order_acquire);
	return word_peek(&home->version) == version &&
	    word_peek(&b->table.shape) == ahead->shape &&
	    word_peek(&sh->version) == batch ? s : READ_RETRY;
}

#endif
