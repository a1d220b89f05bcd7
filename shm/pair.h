#ifndef KVD_SHM_PAIR_H
#define KVD_SHM_PAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/arena.h"

/*
 * Key-value pairs.  Every function names the bucket by its name, may be
 * called by any process at any time, and is complete when it returns: a
 * change is seen by everybody, and a process killed inside leaves the old
 * state or the new one.
 */

#define PAIR_KEY_MAX	(128U * 1024)	/* bytes; "" is a key */

struct pair {
	struct bytes	key;
	struct bytes	value;
	uint64_t	expires_ms;	/* ms since 1970; 0: never */
};

/*
 * Set a key.  *revision (may be NULL) becomes the revision of the change.
 */
enum shm_status pair_put(struct arena *, struct bytes bucket,
    const struct pair *, uint64_t *revision);

/*
 * The same of a key of a bucket of that shard, which may be the one without a
 * name (see txn.h).  If it shall only replace, a key that is not there, or has
 * expired, is SHM_NO_KEY.
 */
struct pair_set {
	bool		replace;	/* given */
	bool		is_new;		/* the key was not there, or expired */
	uint64_t	revision;	/* of the change */
};
enum shm_status pair_set(struct arena *, uint32_t shard, struct bytes bucket,
    const struct pair *, struct pair_set *);

/*
 * Set n keys, all or none of them, also when this process is killed half
 * way.  Readers see none or all of one shard's batch.  Later pairs win over
 * earlier ones with the same key.  Only SHM_DAMAGED may mean some of them.
 */
enum shm_status pair_put_many(struct arena *, struct bytes bucket,
    const struct pair *, size_t n);

/* Remove a key: SHM_OK, or SHM_NO_KEY if there was none. */
enum shm_status pair_delete(struct arena *, struct bytes bucket,
    struct bytes key);

/*
 * Copy a value out, without a lock.  *len becomes the length of the value;
 * if it exceeds cap nothing useful is in buf and the answer is SHM_NO_ROOM:
 * make room and call again.  *revision may be NULL.
 */
enum shm_status pair_get(struct arena *, struct bytes bucket,
    struct bytes key, void *buf, size_t cap, size_t *len,
    uint64_t *revision);

/* What is known of a pair. */
struct pair_facts {
	size_t		len;		/* bytes of the value */
	uint64_t	revision;
	uint64_t	expires_ms;	/* ms since 1970; 0: never */
};

/*
 * The same as pair_get(), of a bucket of that shard, which may be the one
 * without a name (see txn.h).  facts is filled in with SHM_OK and SHM_NO_ROOM.
 */
enum shm_status pair_look(struct arena *, uint32_t shard, struct bytes bucket,
    struct bytes key, void *buf, size_t cap, struct pair_facts *);

/*
 * The same of a bucket that was found with ahead_bucket(), for who comes back
 * to it.  *in, whose name must stay, is the caller's, of one thread; if it was
 * not the place any more it is found anew, so that the next one is quick.
 */
struct ahead_bucket;
enum shm_status pair_look_in(struct arena *, struct ahead_bucket *,
    struct bytes key, void *buf, size_t cap, struct pair_facts *);

/*
 * The same of a pair that was looked for ahead, see ahead.h: neither its bucket
 * nor the hash of its key is found again.
 */
struct ahead;
enum shm_status pair_look_ahead(struct arena *, const struct ahead *,
    void *buf, size_t cap, struct pair_facts *);

/*
 * The same of many keys in that bucket, see pair_look_in(), whose memory is
 * asked for a few at a time, so that the waits for it overlap, see ahead.h; buf
 * is used for each in turn, by tell(), which is told SHM_OK or SHM_NO_KEY of
 * keys[i] and returns false to be told no more.  *done is where to begin, and
 * becomes where it ended.  SHM_OK if it is at the end or was stopped, else why
 * keys[*done] cannot be told.  No snapshot: each key is as it is when it is
 * read.
 */
struct pair_told {
	void	*buf;		/* room for a value */
	size_t	 cap;
	bool	(*tell)(void *arg, size_t i, enum shm_status,
		    const struct pair_facts *);
	void	*arg;
};
enum shm_status pair_look_many(struct arena *, struct ahead_bucket *,
    const struct bytes *keys, size_t n, size_t *done,
    const struct pair_told *);

#endif
