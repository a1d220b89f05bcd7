#ifndef KVD_SHM_REPAIR_H
#define KVD_SHM_REPAIR_H

#include "shm/lock.h"

/*
 * Bring a shard whose owner died to the old state or the new one.  Called by
 * lock.c with the lock held and not yet consistent; may itself be killed and
 * begun again.  Returns false if the shard's intent is nonsense: then the
 * lock must not be made consistent.
 */
bool repair_shard(struct held *);

#endif
