#ifndef KVD_SHM_TXN_H
#define KVD_SHM_TXN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/pair.h"
#include "shm/scan.h"

/*
 * Transactions: changes of one shard that happen together, or not at all,
 * also when the process is killed half way, and that may depend on what they
 * find.  A function says what is to change while the shard's lock is held; it
 * sees what it has changed itself, and nobody else sees any of it before all
 * is done.
 *
 * The function may be called again from its beginning, if room has to be made
 * first, so it must do the same each time.  It must not wait, allocate memory
 * or log.
 *
 * One per process and thread.
 */
struct txn;

/* NULL when memory ran out.  The arena must outlive it. */
struct txn *txn_open(struct arena *);
void txn_close(struct txn *);

/*
 * Run a transaction on a shard.  Whatever op returns but SHM_OK (and
 * SHM_NO_ROOM, for which see txn_keep()) ends it without a change, and is the
 * answer; so does SHM_BATCH_SIZE, if the changes do not fit in a segment,
 * SHM_FULL and SHM_DAMAGED.  *revision (may be NULL) becomes the shard's last
 * one.
 */
enum shm_status txn_run(struct txn *, uint32_t shard,
    enum shm_status (*op)(struct txn *, void *), void *arg,
    uint64_t *revision);

/*
 * Which revisions of its shard are those of the last transaction that was
 * SHM_OK, all of them and nobody else's: first to last, or none if last is
 * less.
 */
struct txn_revisions {
	uint32_t	shard;
	uint64_t	first;
	uint64_t	last;
};
struct txn_revisions txn_revisions(const struct txn *);

/* --- for op alone.  Bytes that are given must stay until txn_run() ends. */

/* A bucket as it would be. */
struct txn_bucket {
	bool		is_auto;	/* goes with its last key */
	uint64_t	keys;		/* expired ones included */
	uint64_t	expires_ms;	/* 0: never */
	uint64_t	revision;	/* of its last change before */
};

/*
 * SHM_OK or SHM_NO_BUCKET.  The name may be "": that is a bucket which nobody
 * sees, for the store's own use, one in every shard.
 */
enum shm_status txn_look(struct txn *, struct bytes bucket,
    struct txn_bucket *);

struct txn_pair {
	struct bytes	value;		/* good until op returns */
	uint64_t	expires_ms;	/* 0: never */
	uint64_t	revision;	/* 0: changed in here */
};

/* SHM_OK, SHM_NO_KEY or SHM_NO_BUCKET. */
enum shm_status txn_get(struct txn *, struct bytes bucket, struct bytes key,
    struct txn_pair *);

/*
 * A step of a walk over the keys of a bucket as it was before, see scan.h;
 * in a draft, as it would be.  All of them, each once, if all steps are made
 * in one call of op.
 * SHM_NO_ROOM is then a bucket line that is larger than the batch: answer
 * something else, and come again with a larger one.
 */
enum shm_status txn_scan(struct txn *, struct bytes bucket, struct scan *,
    struct scan_batch *);
enum shm_status txn_scan_pairs(struct txn *, struct bytes bucket,
    struct scan *, struct scan_batch *);

/*
 * SHM_OK, SHM_NO_BUCKET, or what is wrong with the sizes.  What is replaced and
 * has expired is removed first.
 */
enum shm_status txn_put(struct txn *, struct bytes bucket,
    const struct pair *);

/*
 * SHM_OK, SHM_NO_KEY or SHM_NO_BUCKET.  The bucket goes with its last key if
 * it is one that does.
 */
enum shm_status txn_delete(struct txn *, struct bytes bucket,
    struct bytes key);

/* SHM_OK also if it is there; then it is AUTO if it was, and is asked for. */
enum shm_status txn_create(struct txn *, struct bytes bucket, bool is_auto);

/* SHM_OK or SHM_NO_BUCKET. */
enum shm_status txn_drop(struct txn *, struct bytes bucket);

/* Let a bucket expire, 0: not any more.  SHM_OK or SHM_NO_BUCKET. */
enum shm_status txn_expire(struct txn *, struct bytes bucket,
    uint64_t expires_ms);

/*
 * Why the changes are made that follow in this call of op: a number below
 * TXN_REASONS, for those who follow the log; at first 0.  1 is for what has
 * expired, which tells itself.
 */
#define TXN_REASONS	32U
void txn_because(struct txn *, unsigned why);

/*
 * A copy that lives until the next txn_run().  NULL if there is no room for
 * it: then op returns SHM_NO_ROOM, and is called again with more.
 */
void *txn_keep(struct txn *, const void *, size_t len);

/*
 * Drafts: transactions of several steps, between which anything may be done,
 * for all of it is done without the lock.  A function writes the draft: it
 * reads in the view by txn_get() and its like, and changes it by steps, each
 * of which is like an op above and sees those before it.  Then the lock is
 * taken, and if the shard is what it was when the draft was begun, all changes
 * happen together.  If not, the draft is written again.
 *
 * If others always come first, it is written under the lock at last.  So what
 * a draft is for must go through the view, and nothing else of this shard may
 * be asked that could take the lock.
 *
 * One per process and thread.
 */
struct txn_draft;

/* NULL when memory ran out.  The arena must outlive it. */
struct txn_draft *txn_draft_open(struct arena *);
void txn_draft_close(struct txn_draft *);

/*
 * Run write() until what it has written has happened.  Whatever it returns but
 * SHM_OK ends it without a change, and is the answer; else as txn_run().
 */
enum shm_status txn_draft_run(struct txn_draft *, uint32_t shard,
    enum shm_status (*write)(struct txn *view, void *), void *arg);
struct txn_revisions txn_draft_revisions(const struct txn_draft *);

/*
 * A step: what op returns.  Unless it is SHM_OK the step has changed nothing.
 * What is given need not stay, and there is always room for txn_keep() unless
 * memory ran out.
 */
enum shm_status txn_step(struct txn *view, enum shm_status (*op)(struct txn *,
    void *), void *arg);

/* Nobody uses what was read or kept so far any more. */
void txn_turn_page(struct txn *view);

#endif
