#ifndef KVD_SHM_PAIR_LOCKED_H
#define KVD_SHM_PAIR_LOCKED_H

#include "shm/index.h"

/*
 * Remove the pair whose record *old is at that place, with a tombstone in
 * the log, and its bucket if it goes with its last key.  For the shard that is
 * held; why is for those who follow the log, see layout.h.  SHM_OK, SHM_FULL
 * or SHM_DAMAGED.
 */
enum shm_status pair_delete_place(struct held *, const struct index_place *,
    const struct record_view *old, unsigned why);

#endif
