/*
 * Slow requests, in a ring that all workers write to.
 *
 *	state	63 ........... 10 | 9 ... 1 | 0
 *		 number + 1         desk     it is being written
 *
 * A worker takes the next number, and with it a place in the ring, and claims
 * that by its state; the words are its own to write then.  Who is killed in
 * between leaves a place that nobody takes, until the master clears the desk
 * and so sets it free; meanwhile others go on at the next number.  So numbers
 * may have gaps, and no place ever has two writers.
 */

#include "server/roster_slow.h"

#include <string.h>

#include "server/roster_state.h"

#define WRITING		UINT64_C(1)
#define CLAIMS		8	/* that we try; they fail after deaths alone */

static uint64_t
state_of(uint64_t id, unsigned desk)
{
	return (id + 1) << 10 | (uint64_t)desk << 1;
}

static _Atomic uint64_t *
state_at(const struct roster *r, uint64_t id)
{
	return &r->memory->slow_state[id % ROSTER_SLOW_MAX];
}

static bool
claim(struct roster *r, uint64_t id)
{
	_Atomic uint64_t *state = state_at(r, id);
	uint64_t before = atomic_load(state), ours = state_of(id, r->desk);

	return (before & WRITING) == 0 && before < ours &&
	    atomic_compare_exchange_strong(state, &before, ours | WRITING);
}

static void
write_words(struct roster_slow *slow, const struct slice *words)
{
	size_t i, n;

	for (i = 0; i < slow->words && i < ROSTER_SLOW_WORDS; i++) {
		slow->len[i] = words[i].len;
		n = words[i].len < ROSTER_SLOW_BYTES ? words[i].len :
		    ROSTER_SLOW_BYTES;
		if (n > 0)
			memcpy(slow->word[i], words[i].data, n);
	}
}

void
roster_note_slow(struct roster *r, const struct roster_slow *facts,
    const struct slice *words)
{
	struct roster_slow *slow;
	unsigned tries;
	uint64_t id;

	for (tries = 0; tries < CLAIMS; tries++) {
		id = atomic_fetch_add(&r->memory->slow_next, 1);
		if (!claim(r, id))
			continue;
		/* Pairs with the fence of who reads: see roster_break(). */
		atomic_thread_fence(memory_order_release);
		slow = &r->memory->slow[id % ROSTER_SLOW_MAX];
		slow->id = id;
		slow->at_s = facts->at_s;
		slow->took_us = facts->took_us;
		slow->words = facts->words;
		memcpy(slow->addr, facts->addr, sizeof(slow->addr));
		memcpy(slow->name, facts->name, sizeof(slow->name));
		write_words(slow, words);
		/* Pairs with the load of who reads. */
		atomic_store_explicit(state_at(r, id),
		    state_of(id, r->desk), memory_order_release);
		return;
	}
}

void
roster_clear_slow(struct roster *r, unsigned desk)
{
	uint64_t state;
	size_t i;

	for (i = 0; i < ROSTER_SLOW_MAX; i++) {
		state = atomic_load(&r->memory->slow_state[i]);
		if ((state & WRITING) != 0 && (state >> 1 & 511) == desk)
			atomic_compare_exchange_strong(
			    &r->memory->slow_state[i], &state, 0);
	}
}

/* --- reading --- */

static bool
has(uint64_t state, uint64_t id)
{
	return (state & WRITING) == 0 && state >> 10 == id + 1;
}

static bool
copy_slow(const struct roster *r, uint64_t id, struct roster_slow *copy)
{
	uint64_t state = atomic_load_explicit(state_at(r, id),
	    memory_order_acquire);

	if (!has(state, id))
		return false;
	if (copy != NULL)
		memcpy(copy, &r->memory->slow[id % ROSTER_SLOW_MAX],
		    sizeof(*copy));
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(state_at(r, id),
	    memory_order_relaxed) == state;
}

/* The number of the oldest that may be there. */
static uint64_t
oldest(const struct roster *r, uint64_t next)
{
	uint64_t first = atomic_load(&r->memory->slow_first);

	return next - first > ROSTER_SLOW_MAX ? next - ROSTER_SLOW_MAX :
	    first;
}

bool
roster_slow_before(const struct roster *r, uint64_t id,
    struct roster_slow *copy)
{
	uint64_t next = atomic_load(&r->memory->slow_next);
	uint64_t first = oldest(r, next);

	for (id = id < next ? id : next; id > first; id--)
		if (copy_slow(r, id - 1, copy))
			return true;
	return false;
}

uint64_t
roster_slow_count(const struct roster *r)
{
	uint64_t next = atomic_load(&r->memory->slow_next);
	uint64_t id, n = 0;

	for (id = oldest(r, next); id < next; id++)
		n += copy_slow(r, id, NULL);
	return n;
}

void
roster_forget_slow(struct roster *r)
{
	atomic_store(&r->memory->slow_first,
	    atomic_load(&r->memory->slow_next));
}
