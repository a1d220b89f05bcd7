#ifndef KVD_SHM_SCAN_LOCKED_H
#define KVD_SHM_SCAN_LOCKED_H

#include "shm/lock.h"
#include "shm/scan.h"

/*
 * scan_shard_keys() and scan_pairs() for who has the lock, and need not let it
 * go between two steps.
 */
enum shm_status scan_keys_locked(struct held *, struct bytes bucket,
    struct scan *, struct scan_batch *);
enum shm_status scan_pairs_locked(struct held *, struct bytes bucket,
    struct scan *, struct scan_batch *);

#endif
