#ifndef KVD_SHM_PAIR_EDIT_H
#define KVD_SHM_PAIR_EDIT_H

#include "shm/pair.h"

/*
 * A change of one pair that depends on what it is, such as to add to a number.
 * A transaction (txn.h) can do the same and more; this is one lock, one look,
 * one record, and nothing is staged.
 */

/* The pair as it is; one that has expired is not there. */
struct pair_old {
	bool		is_there;
	struct bytes	value;		/* in the arena, not to be kept */
	uint64_t	expires_ms;	/* 0: never */
};

/* And as it shall be.  The value may be the old one, or the caller's. */
struct pair_new {
	struct bytes	value;
	uint64_t	expires_ms;
	unsigned	why;		/* as in txn_because() */
};

enum pair_verdict {
	PAIR_LEAVE,		/* it as it is */
	PAIR_PUT,
	PAIR_DELETE		/* it, for it is there */
};

struct pair_edit {
	/*
	 * Called under the lock, perhaps several times, the last one counts:
	 * so it decides the same of the same, in a bounded time, and makes no
	 * system call.  *new is all zeros at first.
	 */
	enum pair_verdict	(*decide)(void *arg, const struct pair_old *,
				    struct pair_new *);
	void			*arg;
	uint64_t		 first;		/* told: the revisions of the */
	uint64_t		 last;		/* change, and nobody else's */
};

/*
 * Decide about a key of a bucket of that shard, which may be the one without a
 * name, and do it.  SHM_OK: it was put or deleted, and its bucket went with
 * it if that was the last key of one that does.  SHM_NO_KEY: it was left.
 * SHM_NO_BUCKET, and nothing was decided: there is none, or there is more to
 * do than this, which takes a transaction: what is there has expired, which is
 * to be told, or is not there while a bucket has that name, where the bucket
 * asked for has none.  Else SHM_KEY_SIZE, SHM_VALUE_SIZE, SHM_FULL or
 * SHM_DAMAGED, and nothing was done.
 */
enum shm_status pair_edit(struct arena *, uint32_t shard, struct bytes bucket,
    struct bytes key, struct pair_edit *);

#endif
