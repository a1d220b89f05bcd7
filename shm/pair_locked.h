#ifndef KVD_SHM_PAIR_LOCKED_H
#define KVD_SHM_PAIR_LOCKED_H

#include "shm/index.h"

/*
 * Remove the pair whose record *old is at that place, with a tombstone in
 * the log.  For the shard that is held; SHM_OK or SHM_FULL.
 */
enum shm_status pair_delete_place(struct held *, const struct index_place *,
    const struct record_view *old);

#endif
