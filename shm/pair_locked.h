#ifndef KVD_SHM_PAIR_LOCKED_H
#define KVD_SHM_PAIR_LOCKED_H

#include "shm/index.h"
#include "shm/pair.h"

/* SHM_OK, or SHM_KEY_SIZE or SHM_VALUE_SIZE. */
enum shm_status pair_check_sizes(const struct arena *, size_t key_len,
    size_t value_len);

/* The record of a put, but for its lsn.  The bytes stay the pair's. */
struct record_view pair_put_view(const struct arena *, const struct bucket *,
    const struct pair *);

/*
 * Remove the pair whose record *old is at that place, with a tombstone in
 * the log, and its bucket if it goes with its last key.  For the shard that is
 * held; why is for those who follow the log, see layout.h.  SHM_OK, SHM_FULL
 * or SHM_DAMAGED.
 */
enum shm_status pair_delete_place(struct held *, const struct index_place *,
    const struct record_view *old, unsigned why);

#endif
