#ifndef KVD_SHM_TXN_PARTS_H
#define KVD_SHM_TXN_PARTS_H

#include "shm/lock.h"
#include "shm/record.h"
#include "shm/txn.h"

/*
 * What the two halves of a transaction share: txn_stage.c collects what is to
 * change, txn.c makes it happen.  All of it is private memory.
 */

/* A bucket that the transaction has to do with. */
struct stage_bucket {
	struct bytes	 name;
	uint64_t	 hash;		/* of the name */
	arena_off	 off;		/* 0: none yet */
	bool		 exists;
	bool		 is_ghost;	/* off is what is left of another one */
	bool		 is_new;	/* created here */
	bool		 is_auto;
	uint64_t	 keys;
	uint64_t	 expires_ms;
	uint64_t	 revision;
	unsigned	 puts;
	unsigned	 deletes;
	uint32_t	 hides;		/* in the index, until it is undone */
};

/* Of a record: whose, where the next lookup finds it, and how to undo it. */
struct stage_change {
	uint32_t	 bucket;	/* number of its stage_bucket */
	uint64_t	 hash;		/* of the key, if it is a pair's */
	uint32_t	 hides;		/* in the index */
	struct stage_bucket before;	/* its bucket */
};

/* Numbers + 1 of what was staged, by a hash; 0 is empty, never full. */
struct stage_index {
	uint32_t	*slots;
	size_t		 mask;
};

struct stage {
	size_t			 cap;
	size_t			 n;		/* changes: views, changes */
	struct record_view	*views;
	struct stage_change	*changes;
	size_t			 nbuckets;
	struct stage_bucket	*buckets;
	struct stage_index	 pairs;		/* the last change of a key */
	struct stage_index	 names;		/* the last bucket of a name */
	struct bytes		 last_name;	/* that was looked for */
	uint32_t		 last_bucket;	/* number + 1; 0: none */
};

struct txn {
	struct arena		*a;
	struct held		*h;		/* while op runs; NULL: the
						 * lock is not held */
	struct txn_draft	*draft;		/* whose view it is, or NULL */
	bool			 starved;	/* it was too little room */
	enum shm_status		(*op)(struct txn *, void *);
	void			*arg;
	uint32_t		 shard;
	uint64_t		 now_ms;
	unsigned		 why;		/* of changes to come */
	size_t			 step;		/* the first change since op
						 * was called */
	uint64_t		 before;	/* revision, and after */
	uint64_t		 revision;
	struct stage		 stage;
	uint8_t			*kept;
	size_t			 kept_cap;
	size_t			 kept_used;
	size_t			 kept_needed;
};

/* Forget what was staged. */
void stage_clear(struct txn *);

/* What follows is of another call of op. */
void stage_begin_step(struct txn *);

/* Forget it down to so many changes and buckets. */
void stage_undo(struct txn *, size_t n, size_t nbuckets);

/* The number of one that exists: SHM_OK, SHM_NO_BUCKET or why not. */
enum shm_status stage_find_bucket(struct txn *, struct bytes name,
    uint32_t *bucket);

/* The last change of a key; NULL if there is none. */
const struct record_view *stage_last_change(const struct txn *,
    uint32_t bucket, struct bytes key);

/* Buckets that have lost their last key, and go with it. */
enum shm_status stage_ends(struct txn *);

/* The number of bytes that all records take. */
uint64_t stage_bytes(const struct txn *);

/* More room for the stage, and not more than usual; what is in it is lost. */
bool stage_enlarge(struct txn *);
void stage_forget_large(struct txn *);

/*
 * txn_draft.c: what a view reads while the lock is not held, and what it
 * keeps.  The answers are those of txn.h; NULL if memory ran out.
 */
enum shm_status draft_read_bucket(struct txn_draft *, struct stage_bucket *);
enum shm_status draft_read_pair(struct txn_draft *, struct bytes bucket,
    struct bytes key, struct record_view *);
void *draft_keep(struct txn_draft *, const void *, size_t len);
/* The same for as long as the draft. */
bool draft_keep_on(struct txn_draft *, struct bytes *);

#endif
