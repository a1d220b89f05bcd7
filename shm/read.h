#ifndef KVD_SHM_READ_H
#define KVD_SHM_READ_H

#include "shm/index.h"

/*
 * Reading without a lock.  A read is an attempt: look at the versions, look
 * at the data, look at the versions again.  What was seen is true if none of
 * them moved; else it is thrown away, and after many failures the reader
 * takes the lock, which also repairs what a dead writer left odd.
 *
 *	shard.version	a bucket was dropped, or a batch is under way
 *	table.shape	lines were split or merged
 *	line.version	the entries of the line changed, or their records
 *			were moved by the cleaner
 *
 * Nothing is written, so a reader that is killed costs nothing.
 */

/*
 * What to do with a record found.  It may yet prove false: only copy, within
 * the lengths given.
 */
struct read_action {
	void	(*found)(void *arg, const struct record_view *);
	void	*arg;
};

enum read_status { READ_FOUND, READ_MISSING, READ_RETRY };

/*
 * Find a key of a bucket.  Tries as often as it takes.  SHM_OK,
 * SHM_NO_BUCKET, SHM_NO_KEY or SHM_DAMAGED; SHM_BUSY if only the lock would
 * help, and the arena is mapped to be read.
 */
enum shm_status read_pair(struct arena *, uint32_t shard, struct bytes bucket,
    struct bytes key, const struct read_action *);

/*
 * One attempt of a read_pair(), which takes no lock and does not wait.  Returns
 * false if what it saw may be torn: then *status, and what found() was given,
 * mean nothing.
 */
bool read_pair_once(const struct arena *, struct bytes bucket,
    struct bytes key, const struct read_action *, enum shm_status *status);

/*
 * The same of a key that was looked for ahead, all the way from the name of its
 * bucket on; most find it the short way before, see read_known.h.
 */
struct ahead;
bool read_ahead_once(const struct arena *, const struct ahead *,
    const struct read_action *, enum shm_status *status);

/*
 * Is there neither that string, which was looked for ahead, nor a bucket of its
 * name?  One attempt; false also if it cannot be told.  Both were missing at
 * the same moment: what takes one away and puts the other there, in one
 * transaction, is never seen half done.
 */
bool read_neither_once(const struct arena *, const struct ahead *string);

/* The same for a bucket itself: its facts as they were at one moment. */
struct read_facts {
	arena_off	bucket;
	uint64_t	count;
	uint64_t	bytes;
	uint64_t	revision;
	uint64_t	created;
	uint64_t	expires_ms;
	uint64_t	mark;
};
enum shm_status read_bucket(struct arena *, uint32_t shard,
    struct bytes bucket, struct read_facts *);

/*
 * For loops of attempts: call before the n-th one.  Waits a little, more as
 * n grows; returns false when it is time to take the lock instead.
 */
bool read_patience(unsigned n);

#endif
