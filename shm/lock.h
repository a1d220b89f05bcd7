#ifndef KVD_SHM_LOCK_H
#define KVD_SHM_LOCK_H

#include <pthread.h>
#include <stdbool.h>

#include "shm/handle.h"

/*
 * The last lookup in a table, which is good as long as neither the shape of
 * the table nor the version of the home line has moved; see index.c.
 */
struct held_lookup {
	const struct table	*table;		/* NULL: none yet */
	uint64_t		 shape;
	uint64_t		 version;
	uint64_t		 hash;
	const void		*key;
	size_t			 key_len;
	arena_off		 bucket;
	bool			 found;
	struct line		*home;
	word			*slot;
	arena_off		 record;
};

/*
 * Proof that this thread holds the lock of a shard.  Functions that need the
 * lock take one of these; n and guards count what is in the intent under
 * construction, in private memory until it is committed.
 */
struct held {
	struct arena	*a;
	struct shard	*sh;
	uint32_t	 shard;
	unsigned	 npairs;
	unsigned	 nguards;
	unsigned	 nreleased;
	uint64_t	 released[40];	/* segments, freed after commit */
	bool		 emptied;	/* segments of units, in a batch */
	bool		 broken;	/* met what cannot be, see sound.h */
	struct held_lookup last[2];	/* of names, of keys */
};

/* How often this process looks at a lock that is taken before it sleeps. */
unsigned lock_spins(void);

enum lock_status {
	LOCK_OK,
	LOCK_RECOVERED,		/* the last owner had died; repaired */
	LOCK_POISONED		/* beyond repair: not held, never will be */
};

/* Make the lock of a shard, once, before anybody else can see it. */
int lock_init(pthread_mutex_t *);

/*
 * Is this of the kind that lock_init() makes?  Looks at what does not change
 * while it is used, so nothing needs to be held.
 */
bool lock_is_ours(const pthread_mutex_t *);

/*
 * Take the lock of a shard; if its owner died, finish or forget what it was
 * doing first.  On LOCK_POISONED nothing is held.
 */
enum lock_status lock_shard(struct arena *, uint32_t shard, struct held *);
void lock_release(struct held *);

/*
 * The change in hand has met damage.  What it has committed stays, but it
 * commits no more; whatever it had taken for the rest is given back when the
 * lock is released.
 */
static inline void
held_break(struct held *h)
{
	h->broken = true;
}

/*
 * A lock that protects only hints: whoever follows a dead owner just goes
 * on.  Take it before any shard's.
 */
void lock_hints(pthread_mutex_t *);
void lock_hints_release(pthread_mutex_t *);

/*
 * Does this system's kernel and libc hand on the lock of a dead process?
 * Forks a child that dies holding one.  Returns 1 yes, 0 no, -1 errno.
 */
int lock_probe(void);

#endif
