#ifndef KVD_SHM_PAIR_H
#define KVD_SHM_PAIR_H

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

#endif
