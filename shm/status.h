#ifndef KVD_SHM_STATUS_H
#define KVD_SHM_STATUS_H

#include <stddef.h>

/*
 * What every operation on the arena answers.  A full arena or a damaged
 * shard is an ordinary answer here, never an assertion: the caller words it
 * for its own user.
 */
enum shm_status {
	SHM_OK,
	SHM_NO_KEY,		/* the bucket is there, the key is not */
	SHM_NO_BUCKET,		/* no bucket of that name */
	SHM_FULL,		/* no segment left that it may take */
	SHM_BUCKET_NAME_SIZE,	/* bucket name empty or over BUCKET_NAME_MAX */
	SHM_KEY_SIZE,		/* key over PAIR_KEY_MAX */
	SHM_VALUE_SIZE,		/* value over arena_value_max() */
	SHM_BATCH_SIZE,		/* the records of one batch exceed a segment */
	SHM_NOT_A_BUCKET,	/* the name is that of a string */
	SHM_NO_ROOM,		/* the caller's buffer is too small */
	SHM_DAMAGED,		/* the shard is, or its lock lost, see lock.h */
	SHM_BUSY		/* a change stands half done, and this process
				 * may only read: somebody else finishes it */
};

/* A run of bytes that somebody else owns. */
struct bytes {
	const void	*data;
	size_t		 len;
};

/*
 * A short English phrase for a status, e.g. "out of memory".
 * Static storage; safe from any thread.
 */
const char *shm_strstatus(enum shm_status);

#endif
