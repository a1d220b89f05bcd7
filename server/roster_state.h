#ifndef KVD_SERVER_ROSTER_STATE_H
#define KVD_SERVER_ROSTER_STATE_H

#include <stdatomic.h>

#include "server/roster.h"
#include "server/roster_slow.h"

/*
 * What the files roster*.c share, and nobody else sees: how the memory looks.
 *
 *	 head | slow requests | desk 0 .. 511 | room 0 .. 511
 *	                         counts          clients, chains, cells
 *
 * Rooms are for the most that a worker may have, and nearly all of that is
 * never touched: it costs addresses, and no memory.  Desks are apart from
 * them, a line each, for who looks at all.
 *
 * A number of changes is odd while something is written.  Readers copy between
 * two looks at it, and what they have copied counts if they saw it even, and
 * the same twice.
 */

#define ROSTER_DESKS	((unsigned)BOARD_WORKERS_MAX)
#define ROSTER_LINE	64	/* bytes that go between processors at once */
#define ROSTER_CELLS	(1U << 20)
#define ROSTER_CHAINS	(1U << 16)	/* a power of two */
#define ROSTER_TEXT	24	/* bytes of a name in one cell */
#define ROSTER_NAME_BYTES	((size_t)ROSTER_CELLS * ROSTER_TEXT)

/* The number of changes of what stands behind it. */
struct roster_seal {
	_Atomic uint64_t	 changes;
};

struct roster_entry {		/* a client */
	struct roster_seal	 seal;
	_Atomic uint64_t	 id;		/* 0: free */
	_Atomic uint64_t	 condemned;	/* the client of that number */
	uint32_t		 next_free;	/* the owner's: place + 1 */
	struct roster_client	 facts;
} __attribute__((aligned(ROSTER_LINE)));

/* A name, or the rest of one; cell 0 stands for none. */
struct roster_cell {
	_Atomic uint32_t	 next;		/* of its chain, or free */
	_Atomic uint32_t	 more;		/* of its text */
	_Atomic uint32_t	 after, before;	/* of its kind */
	_Atomic uint32_t	 hash;
	_Atomic uint32_t	 len;
	_Atomic uint32_t	 clients;	/* that listen to it */
	_Atomic uint32_t	 kind;
	_Atomic uint64_t	 stamp;		/* of its coming; 0: free */
	uint8_t			 text[ROSTER_TEXT];
};

_Static_assert(sizeof(struct roster_cell) == ROSTER_LINE, "a line each");

struct roster_desk {
	_Atomic uint64_t	 called;	/* by who has condemned one */
	_Atomic uint32_t	 places;	/* that were ever used */
	uint32_t		 free_place;	/* the owner's: place + 1 */
	struct roster_seal	 seal;		/* of chains and cells */
	_Atomic uint64_t	 patterns_changed;
	_Atomic uint32_t	 names[ROSTER_KINDS];
	_Atomic uint32_t	 first[ROSTER_KINDS];
	uint32_t		 last[ROSTER_KINDS];	/* the owner's */
	uint32_t		 cells;		/* that were ever used */
	uint32_t		 free_cell;
	uint64_t		 stamp;		/* the last */
} __attribute__((aligned(ROSTER_LINE)));

struct roster_room {
	struct roster_entry	 client[ROSTER_CLIENTS_MAX];
	_Atomic uint32_t	 chain[ROSTER_CHAINS];
	struct roster_cell	 cell[ROSTER_CELLS];
} __attribute__((aligned(4096)));

/* What every request reads is apart from what each new client changes. */
struct roster_memory {
	uint64_t		 kind;		/* ROSTER_KIND */
	uint64_t		 seed[2];	/* names are clients' choice */
	_Atomic uint64_t	 paused_until_ms;
	_Atomic bool		 pauses_changes_alone;
	_Atomic uint32_t	 desks;		/* that were ever used */
	_Alignas(ROSTER_LINE) _Atomic uint64_t last_id;
	_Alignas(ROSTER_LINE) _Atomic uint64_t slow_next; /* number */
	_Atomic uint64_t	 slow_first;	/* that is not forgotten */
	_Atomic uint64_t	 slow_state[ROSTER_SLOW_MAX];
	struct roster_slow	 slow[ROSTER_SLOW_MAX];
	struct roster_desk	 desk[ROSTER_DESKS];
	struct roster_room	 room[ROSTER_DESKS];
};

/* Of another layout there is another number: count it up. */
#define ROSTER_LAYOUT	2
#define ROSTER_KIND	(UINT64_C(0x6b76642d00000000) + ROSTER_LAYOUT)

struct roster {
	struct roster_memory	*memory;
	int			 fd;
	unsigned		 desk;		/* ours */
	struct roster_globs	*globs;		/* of each desk, see there */
};

/* roster_pattern.c: forget what was prepared. */
void roster_free_globs(struct roster *);
/* How many listen to patterns, of that desk, which match. */
uint64_t roster_match(struct roster *, unsigned desk, struct slice channel);

/* roster_slow.c: what was being written at that desk is given up. */
void roster_clear_slow(struct roster *, unsigned desk);

/* roster_channel.c: copy the text of a name of len bytes to a buffer. */
bool roster_copy_text(const struct roster_room *, uint32_t cell, size_t len,
    uint8_t *);

static inline struct roster_desk *
roster_our_desk(const struct roster *r)
{
	return &r->memory->desk[r->desk];
}

static inline struct roster_room *
roster_our_room(const struct roster *r)
{
	return &r->memory->room[r->desk];
}

static inline uint32_t
roster_peek(const _Atomic uint32_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

static inline void
roster_put(_Atomic uint32_t *word, uint32_t value)
{
	atomic_store_explicit(word, value, memory_order_relaxed);
}

/* Pairs with roster_look(): who sees what follows sees the odd number. */
static inline void
roster_break(struct roster_seal *seal)
{
	uint64_t n = atomic_load_explicit(&seal->changes,
	    memory_order_relaxed);

	atomic_store_explicit(&seal->changes, n | 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

/* Pairs with roster_look(): who sees the number sees what was written. */
static inline void
roster_seal(struct roster_seal *seal)
{
	uint64_t n = atomic_load_explicit(&seal->changes,
	    memory_order_relaxed);

	atomic_store_explicit(&seal->changes, n + 1, memory_order_release);
}

/* Begin to read; an odd number: it is no use. */
static inline uint64_t
roster_look(const struct roster_seal *seal)
{
	return atomic_load_explicit(&seal->changes, memory_order_acquire);
}

/* Was nothing written since? */
static inline bool
roster_is_sealed(const struct roster_seal *seal, uint64_t since)
{
	atomic_thread_fence(memory_order_acquire);
	return since % 2 == 0 && atomic_load_explicit(&seal->changes,
	    memory_order_relaxed) == since;
}

/*
 * Try again?  At first at once, for a change takes as long as it takes to
 * write a line; then a while later, for its writer may have been stopped; and
 * then no more, for it may never go on.  Begin with 0.
 */
bool roster_retry(unsigned *tries);

#endif
