#ifndef KVD_SHM_AHEAD_H
#define KVD_SHM_AHEAD_H

#include "shm/arena.h"

/*
 * Where a pair will be looked for, so that it is in the cache by then.  A store
 * that is larger than the caches is as fast as its misses, and those of several
 * keys can be waited for together: call ahead_line() for each of them, then
 * ahead_record() for each, then read them (pair_look_ahead(), or
 * read_ahead_once()), or change them.  What was found on the way, the bucket,
 * the hash of the key and the line, need not be found again then.
 * Only buckets whose names are remembered are looked into, and memory is asked
 * for only if they are large; for others this is the same, and brings less.
 *
 * What is known here may be wrong when it is used, and is looked at again: to
 * change what was looked for, even to drop the bucket, harms nobody.  Nothing
 * refers to another one, so it may be copied, kept and thrown away.
 */
struct ahead_bucket {
	struct bytes	 name;		/* the caller's, as long as this */
	uint32_t	 shard;
	uint64_t	 at;		/* offset of it; 0: not remembered */
	const void	*home;		/* of the name: a line, */
	uint64_t	 shape;		/* and what must not have moved */
	uint64_t	 version;
};

struct ahead {
	struct ahead_bucket in;
	struct bytes	 key;		/* the caller's, as long as this */
	uint64_t	 hash;		/* of the key */
	void		*home;		/* of the key: a line, or NULL, */
	uint64_t	 shape;		/* as of this shape of the table */
};

/* A bucket of that shard, which may be the one without a name. */
void ahead_bucket(const struct arena *, uint32_t shard, struct bytes name,
    struct ahead_bucket *);

/* A key of it: the same bucket does for many. */
void ahead_key(const struct arena *, const struct ahead_bucket *,
    struct bytes key, struct ahead *);

/* Both. */
void ahead_line(const struct arena *, uint32_t shard, struct bytes bucket,
    struct bytes key, struct ahead *);

/*
 * Of one whose home is NULL nothing else need be set.  False: its table, or
 * those of all shards if it is a string, are so small that they were not looked
 * into.
 */
bool ahead_record(const struct arena *, const struct ahead *);

#endif
