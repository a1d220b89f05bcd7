#ifndef KVD_CLIENT_MAP_H
#define KVD_CLIENT_MAP_H

#include <sys/types.h>

#include "proto/client/kv.h"
#include "shm/ahead.h"
#include "shm/arena.h"
#include "shm/bucket.h"
#include "shm/ownership.h"
#include "shm/scan.h"

#define MAP_NAME	"default"
#define MAP_WAIT_MS	3000

struct kv_map {
	struct arena		*arena;		/* NULL: none is mapped */
	char			*name;
	uid_t			 owner;
	bool			 has_owner;
	int			 wait_ms;
	bool			 listing;	/* inside a callback */
	struct ownership_copy	 owned;
	uint64_t		 looked_ms;	/* whether it has its name */
	bool			 is_lost;	/* it has not */
	struct ahead_bucket	 last;		/* that a pair was read of */
	uint8_t			 last_name[BUCKET_NAME_MAX];
	uint64_t		 value_max;	/* bytes */
	uint8_t			*value;		/* room for any */
	struct scan_batch	 batch;
	const char		*why;		/* the message, here or there */
	char			 message[512];
};

/* "thing: reason (remedy)" into the handle; returns the status. */
enum kv_status map_fail(struct kv_map *, enum kv_status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Milliseconds of a clock that costs next to nothing, and is as exact. */
uint64_t map_clock_ms(void);

/*
 * A read that is tried until it can be had, or the wait is over.  op returns
 * what a function of shm/ does; it is called again while that is SHM_BUSY.
 * The answer is verdict's if it is something else.  name is what the data are
 * routed by: the bucket, or a string's key; NULL: they are not.
 */
struct map_read {
	const struct bytes	*name;
	enum shm_status		(*op)(struct kv_map *, void *);
	void			*arg;
};
enum kv_status map_run(struct kv_map *, const struct map_read *);

/*
 * Can it be tried at once, because it is the bucket of the read before, and
 * still this map's to read?  Not during a list.  Clears map->why.  What
 * comes of that is for map_verdict(), but for SHM_BUSY, which is for map_run().
 */
bool map_is_at_hand(struct kv_map *, struct bytes bucket);
enum kv_status map_verdict(struct kv_map *, enum shm_status);

static inline struct bytes
map_bytes(struct kv_bytes bytes)
{
	return (struct bytes){ bytes.data, bytes.len };
}

#endif
