#ifndef KVD_SHM_RECORD_H
#define KVD_SHM_RECORD_H

#include "shm/handle.h"

/* Reading and measuring records; their layout is in layout.h. */

struct record_view {		/* a record taken apart, in private memory */
	uint64_t	lsn;
	arena_off	bucket;		/* its struct bucket */
	enum record_op	op;
	unsigned	flags;
	uint64_t	expires_ms;	/* 0: never */
	struct bytes	key;		/* in the arena */
	struct bytes	value;
	uint64_t	size;		/* bytes of the log */
	uint64_t	hash;		/* of the key, if is_hashed */
	bool		is_hashed;
};

/* Must the lengths stand behind the header? */
static inline bool
record_is_long(size_t key_len, size_t value_len)
{
	return key_len >= RECORD_LONG || value_len >= RECORD_LONG;
}

static inline uint64_t
record_size(size_t key_len, size_t value_len, bool expires)
{
	return (sizeof(struct record) + (expires ? 8 : 0) +
	    (record_is_long(key_len, value_len) ?
	    sizeof(struct record_lengths) : 0) +
	    (uint64_t)key_len + value_len + 7) & ~UINT64_C(7);
}

/*
 * Take the record at off apart.  Its lengths are checked against the
 * segment, so that even a record that is being overwritten by others leads
 * nowhere outside; whether what was read is true, the caller's version check
 * says.  Returns false if the lengths are impossible.
 */
bool record_read(const struct arena *, arena_off, struct record_view *);

/*
 * Write a record at off, beyond the log head, where nobody looks yet.
 * view->size must fit there.
 */
void record_write(struct arena *, arena_off, const struct record_view *);

/* Why it was written, see layout.h. */
static inline unsigned
record_why(const struct record_view *r)
{
	return r->flags >> RECORD_WHY_SHIFT;
}

/* True if the record is past its time at now_ms. */
static inline bool
record_is_expired(const struct record_view *r, uint64_t now_ms)
{
	return r->expires_ms != 0 && r->expires_ms <= now_ms;
}

#endif
