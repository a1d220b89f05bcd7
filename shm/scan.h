#ifndef KVD_SHM_SCAN_H
#define KVD_SHM_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/pair.h"

/*
 * Walks over the keys of a bucket, or over the buckets of a shard, while
 * others write.  Every name that is there during the whole walk is returned,
 * none is returned twice, and none is ever torn.  The walk goes through the
 * space of (bit-reversed) hashes, so its cursor is one number that stays good
 * while the table grows or shrinks, and in any process.  No lock is held
 * between calls, and no state is kept for a walk that is given up.
 *
 * Any number is a cursor: a walk may as well begin in the middle of the space.
 */

struct scan {
	uint64_t	cursor;		/* 0: at the beginning */
	bool		done;
};

/*
 * The names found by one step, packed into the caller's buffer as
 * {u32 length, bytes} entries without padding; read them with
 * scan_next_name().  A pair is {u32 length of the key, u32 length of the
 * value, u64 when it expires, key, value}, for scan_next_pair().
 */
struct scan_batch {
	uint8_t		*buf;
	size_t		 cap;
	size_t		 enough;	/* entries, or a few more; 0: as many
					 * as fit */
	size_t		 used;		/* out: bytes filled */
	size_t		 needed;	/* out, on SHM_NO_ROOM: least cap */
};

/*
 * Advance a walk over the keys of a bucket: at least one index line, as many
 * as fit the buffer.  scan->done is set with the last step.  A step may
 * return no name without being the last.
 * SHM_OK, SHM_NO_BUCKET (also when it is dropped between two steps),
 * SHM_NO_ROOM when a single line does not fit: enlarge to `needed`; SHM_BUSY
 * as from read_pair(), and then the walk has lost nothing.
 */
enum shm_status scan_keys(struct arena *, struct bytes bucket, struct scan *,
    struct scan_batch *);

/* The same of a bucket of that shard, which may be the one without a name. */
enum shm_status scan_shard_keys(struct arena *, uint32_t shard,
    struct bytes bucket, struct scan *, struct scan_batch *);

/*
 * The same as scan_keys(), with what the keys are set to.  Those that have
 * expired are among them, for who would see them gone for good.
 */
enum shm_status scan_pairs(struct arena *, struct bytes bucket, struct scan *,
    struct scan_batch *);
#define SCAN_PAIR_BYTES	16	/* of a batch, beside key and value */

/* The same over the names of the buckets of one shard. */
enum shm_status scan_buckets(struct arena *, uint32_t shard, struct scan *,
    struct scan_batch *);

/*
 * Make room of malloc(3), which buf must be, for the line that did not fit.
 * False: no memory, and all stays.
 */
bool scan_enlarge(struct scan_batch *);

/*
 * Take the next name out of a batch; *pos starts at 0.  The bytes stay in
 * the batch's buffer.  Returns false at the end.
 */
bool scan_next_name(const struct scan_batch *, size_t *pos, struct bytes *name);
bool scan_next_pair(const struct scan_batch *, size_t *pos, struct pair *);

/*
 * Write an entry there, as a name or as a pair, if it fits; its bytes may be
 * further behind in the same buffer.  Returns where the next one would be.
 */
size_t scan_put(struct scan_batch *, size_t at, const struct pair *,
    bool has_value);

#endif
