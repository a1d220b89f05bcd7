#ifndef KVD_SHM_READ_LINE_H
#define KVD_SHM_READ_LINE_H

#include "shm/read.h"

/* Parts of reading without a lock that walks need too; see read.h. */

/* What the name of a bucket leads to. */
struct read_name {
	arena_off	bucket;		/* inside the arena */
	uint64_t	created;	/* revision */
};

/* One attempt to find a bucket by name. */
enum read_status read_bucket_once(const struct arena *, const struct shard *,
    const struct index_key *name, struct read_name *);

/*
 * One attempt to hand out every record of the line of that number; READ_FOUND
 * if they are true as of now.  The caller checks the table's shape.
 */
enum read_status read_line_once(const struct arena *, const struct table *,
    uint64_t number, const struct read_action *);

/* What to answer where only the lock would help, and cannot be had. */
enum shm_status read_stuck(const struct shard *);

#endif
