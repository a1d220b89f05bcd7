#ifndef KVD_SHM_PAIR_RUN_PARTS_H
#define KVD_SHM_PAIR_RUN_PARTS_H

#include "shm/index.h"
#include "shm/pair_run.h"

/*
 * What the two halves of a run share: pair_run_find.c finds where its steps go
 * to, pair_run.c changes what is there.  All of it is private memory.
 */

struct run_aim {		/* where a step goes to */
	struct bucket	*bucket;
	struct line	*home;
	unsigned	 first;		/* slots before this one are others' */
	uint64_t	 hash;
	uint64_t	 size;		/* of the record to come, at most */
	bool		 is_added;
};

struct run_found {		/* what it finds there */
	bool			 there;
	bool			 shared;	/* with a step before */
	word			*slot;
	struct segment		*segment;	/* of the old record, and */
	uint64_t		 size;		/* its bytes there; */
	uint64_t		 bytes;		/* those of key and value */
	struct bytes		 value;
	uint64_t		 expires_ms;
};

struct run_dying {		/* a segment of what is replaced */
	struct segment	*segment;
	uint64_t	 dead;
};

struct run {
	struct pair_step	*steps;
	size_t			 n;		/* as far as is known */
	size_t			 least;		/* or nothing is done */
	word			*in_hand;	/* fingerprint, on the board */
	arena_off		 from;		/* of the first record */
	arena_off		 at;		/* of the next record */
	uint64_t		 lsn;		/* of the last one */
	uint64_t		 seen;		/* lines, a bit for some each */
	unsigned		 added;		/* keys */
	struct bucket		*bucket;	/* of the last step */
	unsigned		 entered;	/* buckets, perhaps again */
	uint64_t		 bytes;		/* of it, as they will be */
	uint64_t		 count;
	uint64_t		 now_ms;	/* 0: not looked at yet */
	unsigned		 ndying;
	struct run_dying	 dying[PAIR_RUN_MAX];
	struct run_aim		 aims[PAIR_RUN_MAX];
	struct held		 h;
};

/* A line has a bit in what was seen, and so have others. */
static inline uint64_t
run_bit_of(const struct line *line)
{
	return UINT64_C(1) << ((uintptr_t)line / sizeof(*line) & 63);
}

/* Of the steps as many as have a bucket with lines, and room in the log. */
void pair_run_aim(struct run *);

/*
 * What is there for the i-th step, as those before leave it.  False if the
 * chain is not sound.
 */
bool pair_run_find(const struct run *, size_t i, struct run_found *);

#endif
