#ifndef KVD_SHM_AHEAD_H
#define KVD_SHM_AHEAD_H

#include "shm/arena.h"

/*
 * Where a pair will be looked for, so that it is in the cache by then.  A store
 * that is larger than the caches is as fast as its misses, and those of several
 * keys can be waited for together: call ahead_line() for each of them, then
 * ahead_record() for each, then read or change them.  Only of buckets whose
 * names are remembered, and which are large; else nothing is done.
 *
 * What is found here may be wrong and harms nobody: it is only touched.
 */
struct ahead {
	const void	*home;		/* a line, or NULL */
	uint64_t	 hash;
};

void ahead_line(const struct arena *, uint32_t shard, struct bytes bucket,
    struct bytes key, struct ahead *);
void ahead_record(const struct arena *, const struct ahead *);

#endif
