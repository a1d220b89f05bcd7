#ifndef KVD_SHM_WORD_H
#define KVD_SHM_WORD_H

#include "shm/layout.h"

/*
 * Access to shared words.  A load that acquires pairs with the store that
 * releases the same word in intent_apply(); what was stored before that one
 * is then visible too.
 */

static inline uint64_t
word_load(const word *w)
{
	return atomic_load_explicit(w, memory_order_acquire);
}

/* The order comes from elsewhere: the lock that is held, or a fence. */
static inline uint64_t
word_peek(const word *w)
{
	return atomic_load_explicit(w, memory_order_relaxed);
}

static inline void
word_store(word *w, uint64_t value)
{
	atomic_store_explicit(w, value, memory_order_release);
}

/* For memory that nobody can reach yet. */
static inline void
word_init(word *w, uint64_t value)
{
	atomic_store_explicit(w, value, memory_order_relaxed);
}

#endif
