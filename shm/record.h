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

/*
 * Both lengths, and where they end; false if they cannot be, or are written in
 * a form that nobody writes.
 */
static inline bool
record_lengths(const uint8_t *p, const struct record *head, uint64_t room,
    struct record_lengths *len, uint64_t *end)
{
	*end = sizeof(*head);
	len->key = (uint32_t)(head->lsn & RECORD_LONG);
	len->value = (uint32_t)(head->meta >> RECORD_VALUE_SHIFT &
	    RECORD_LONG);
	if (len->key != RECORD_LONG)
		return len->value != RECORD_LONG;
	*end += sizeof(*len);
	if (len->value != 0 || *end > room)
		return false;
	memcpy(len, p + sizeof(*head), sizeof(*len));
	return record_is_long(len->key, len->value);
}

/* Take the record at p apart, whose header is a copy, within so much room. */
static inline bool
record_open(const uint8_t *p, const struct record *head, uint64_t room,
    struct record_view *r)
{
	unsigned flags = (unsigned)(head->meta >> RECORD_FLAGS_SHIFT &
	    RECORD_FLAGS_MASK);
	size_t extra = (flags & RECORD_EXPIRES) != 0 ? 8 : 0;
	struct record_lengths len;
	uint64_t end;

	if (!record_lengths(p, head, room, &len, &end))
		return false;
	r->size = (end + extra + len.key + len.value + 7) & ~UINT64_C(7);
	if (r->size > room)
		return false;
	r->lsn = head->lsn >> RECORD_LSN_SHIFT;
	r->bucket = (head->meta >> RECORD_BUCKET_SHIFT) * sizeof(struct line);
	r->op = (enum record_op)(head->meta & RECORD_OP_MASK);
	r->flags = flags;
	r->is_hashed = false;
	r->expires_ms = 0;
	p += end;
	if (extra != 0)
		memcpy(&r->expires_ms, p, 8);
	r->key = (struct bytes){ p + extra, len.key };
	r->value = (struct bytes){ p + extra + len.key, len.value };
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
