#ifndef KVD_SHM_ROOM_H
#define KVD_SHM_ROOM_H

#include "shm/lock.h"

/*
 * Run op(held, arg) under the lock of a shard.  If it answers SHM_FULL, and
 * with no lock held, back one more segment with memory or do the cleaner's
 * work until a segment is free, and run it again, as long as that helps.  So
 * a writer that is faster than the cleaner waits for itself and is not
 * refused while there is garbage to be collected.
 * Returns what op answered last, or SHM_DAMAGED if the lock is lost.
 */
enum shm_status room_run(struct arena *, uint32_t shard,
    enum shm_status (*op)(struct held *, void *arg), void *arg);

#endif
