#ifndef KVD_SHM_BUCKET_H
#define KVD_SHM_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/arena.h"

#define BUCKET_NAME_MAX	1024	/* bytes */

struct bucket_stat {
	uint64_t	keys;		/* pairs, those expired but not yet
					 * reclaimed included */
	uint64_t	bytes;		/* of all keys and values */
	uint64_t	revision;	/* of its last change */
	uint64_t	created;	/* revision of its creation */
	uint64_t	expires_ms;	/* ms since 1970; 0: never */
	bool		is_auto;	/* goes with its last key */
	uint64_t	id;		/* the same until it is dropped, and
					 * then perhaps another's */
};

/* Make a bucket; SHM_OK also if it is there already. */
enum shm_status bucket_create(struct arena *, struct bytes name);

/*
 * Remove a bucket and all its pairs.  Constant time: it is unlinked at once
 * and taken apart later by the cleaner.
 */
enum shm_status bucket_drop(struct arena *, struct bytes name);

/* Facts about a bucket, read without a lock.  SHM_OK or SHM_NO_BUCKET. */
enum shm_status bucket_stat(struct arena *, struct bytes name,
    struct bucket_stat *);

/* The same of a bucket of that shard, which may be the one without a name. */
enum shm_status bucket_look(struct arena *, uint32_t shard, struct bytes name,
    struct bucket_stat *);

#endif
