#ifndef KVD_SHM_RECORD_H
#define KVD_SHM_RECORD_H

#include <string.h>

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
 * Bytes from off to the end of the segment, if there may be a record there that
 * can be read without harm; else 0.
 */
static inline uint64_t
record_room(const struct arena *a, arena_off off)
{
	uint64_t room = arena_room(a, off);

	return off % 8 == 0 && room >= sizeof(struct record) ? room : 0;
}

/* A copy of the header of the record at p, each word of which is read once. */
static inline struct record
record_head(const uint8_t *p)
{
	struct record head;

	memcpy(&head.lsn, p, sizeof(head.lsn));
	memcpy(&head.meta, p + sizeof(head.lsn), sizeof(head.meta));
	return head;
}

/* Its header, taken apart. */
static inline void
record_open_head(const struct record *head, struct record_view *r)
{
	r->lsn = head->lsn >> RECORD_LSN_SHIFT;
	r->bucket = (head->meta >> RECORD_BUCKET_SHIFT) * sizeof(struct line);
	r->op = (enum record_op)(head->meta & RECORD_OP_MASK);
	r->flags = (unsigned)(head->meta >> RECORD_FLAGS_SHIFT &
	    RECORD_FLAGS_MASK);
	r->is_hashed = false;
}

/*
 * Take the record at p apart, whose header is a copy, within so much room;
 * false if its lengths are impossible.  Here is the form that most have, short
 * and without an expiry; record_open_any() takes each.
 */
bool record_open_any(const uint8_t *p, const struct record *head,
    uint64_t room, struct record_view *);

static inline bool
record_open(const uint8_t *p, const struct record *head, uint64_t room,
    struct record_view *r)
{
	const uint64_t expires = (uint64_t)RECORD_EXPIRES << RECORD_FLAGS_SHIFT;
	size_t key_len = head->lsn & RECORD_LONG;
	size_t value_len = head->meta >> RECORD_VALUE_SHIFT & RECORD_LONG;
	struct record_view any;

	if (key_len == RECORD_LONG || (head->meta & expires) != 0) {
		/* Not into *r, whose address would keep it out of registers. */
		if (!record_open_any(p, head, room, &any))
			return false;
		*r = any;
		return true;
	}
	r->size = (sizeof(*head) + key_len + value_len + 7) & ~UINT64_C(7);
	if (value_len == RECORD_LONG || r->size > room)
		return false;
	record_open_head(head, r);
	r->expires_ms = 0;
	r->key = (struct bytes){ p + sizeof(*head), key_len };
	r->value = (struct bytes){ p + sizeof(*head) + key_len, value_len };
	return true;
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
