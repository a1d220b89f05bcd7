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
 * A step of a walk over the keys of a bucket as it was before, see scan.h:
 * all of them, each once, if all steps are made in one call of op.
 * SHM_NO_ROOM is then a bucket line that is larger than the batch: answer
 * something else, and come again with a larger one.
 */
enum shm_status txn_scan(struct txn *, struct bytes bucket, struct scan *,
    struct scan_batch *);
enum shm_status txn_scan_pairs(struct txn *, struct bytes bucket,
    struct scan *, struct scan_batch *);

/* SHM_OK, SHM_NO_BUCKET, or what is wrong with the sizes. */
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
 * A copy that lives until the next txn_run().  NULL if there is no room for
 * it: then op returns SHM_NO_ROOM, and is called again with more.
 */
void *txn_keep(struct txn *, const void *, size_t len);

#endif
