#ifndef KVD_TESTS_SHM_TRANSACT_H
#define KVD_TESTS_SHM_TRANSACT_H

#include "shm/txn.h"
#include "support.h"

/* Transactions in an arena of one shard. */
extern struct arena *a;
extern struct txn *txn;
extern struct txn_draft *draft;

/* Make that arena, which support_fini() ends. */
void set_up(uint64_t bytes, uint32_t segment_bytes);

struct bytes b(const char *text);

/* Run this; or write a draft so. */
enum shm_status run(enum shm_status (*op)(struct txn *, void *), void *arg);
enum shm_status run_draft(enum shm_status (*write)(struct txn *, void *),
    void *arg);

/* What there is when all is done; NULL: no such key. */
void must_have(const char *bucket, const char *key, const char *value);

/* --- in a transaction --- */

enum shm_status put(struct txn *, const char *bucket, const char *key,
    const char *value);

/*
 * Make bucket x, which goes with its last key, with k = w, and y without keys
 * that stays.  It looks at all that it does.
 */
enum shm_status make_two(struct txn *, void *);
/* Delete k in a bucket of this name, struct bytes. */
enum shm_status delete_k(struct txn *, void *bucket);
/* Put another bucket x, with m = new, in the place of the one there is. */
enum shm_status renew(struct txn *, void *);
/* Let x expire, ms since 1970, a uint64_t; make it, to stay; put l = 2. */
enum shm_status expire_x(struct txn *, void *at_ms);
enum shm_status create_x(struct txn *, void *);
enum shm_status put_l(struct txn *, void *);
/* Keep ten texts, char *[10], more than there is room for at first. */
enum shm_status keep_much(struct txn *, void *kept);
/* Put so many keys, an unsigned, into x: 0 = 0, 1 = 1, .. */
enum shm_status put_many(struct txn *, void *n);

#endif
