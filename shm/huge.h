#ifndef KVD_SHM_HUGE_H
#define KVD_SHM_HUGE_H

#include "shm/handle.h"

/*
 * Huge pages: one entry of the page table for 2 MiB instead of 512 of them.  A
 * random read of a large store waits for such an entry as often as for what it
 * reads.  On a system that has none of this everything works as it is.
 */
#define HUGE_BYTES	(UINT64_C(2) << 20)

/*
 * Map a whole object, so that it may have huge pages where its offset is a
 * multiple of them.  access is of mmap(2); MAP_FAILED and errno if it fails.
 */
void *huge_map(int fd, uint64_t size_bytes, int access);

/*
 * Have what can be of a segment that nobody uses yet, and that is not backed,
 * backed by huge pages; the rest is for posix_fallocate(3).  Called by anybody,
 * without a lock.
 */
void huge_back(const struct arena *, arena_off segment);

#endif
