#ifndef KVD_PROTO_OUTBUF_H
#define KVD_PROTO_OUTBUF_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bytes on their way out: a growable buffer that is filled at the end and
 * drained from the front.  In the steady state it is reused without
 * allocation.  Not safe for two threads at once.
 */
struct outbuf {
	uint8_t	*data;
	size_t	 cap;
	size_t	 head;		/* first byte not yet drained */
	size_t	 tail;		/* end of the bytes */
	bool	 failed;	/* memory ran out: what follows is not kept */
};

/* An empty buffer; it owns no memory until something is written. */
void outbuf_init(struct outbuf *);

/* Give the memory back; the buffer is empty, sound and usable again. */
void outbuf_free(struct outbuf *);

/* Bytes waiting to be drained, at data + head. */
static inline size_t
outbuf_len(const struct outbuf *buf)
{
	return buf->tail - buf->head;
}

/* For the next one alone: the room is not there yet. */
uint8_t *outbuf_make_room(struct outbuf *, size_t n);

/*
 * Room for n bytes (0 is allowed) at the end, to be filled and then given to
 * outbuf_commit(), in part or whole; the pointer is good until the next call
 * that may write.  NULL if memory ran out.  Then `failed' is set and stays
 * set until outbuf_free(), so that it cannot be overlooked: bytes are missing
 * from the stream, and the connection can only be closed.  What was written
 * before is still there.
 */
static inline uint8_t *
outbuf_reserve(struct outbuf *buf, size_t n)
{
	if (!buf->failed && n < buf->cap - buf->tail)
		return buf->data + buf->tail;
	return outbuf_make_room(buf, n);
}

static inline void
outbuf_commit(struct outbuf *buf, size_t n)
{
	assert(n < buf->cap - buf->tail);
	buf->tail += n;
}

/* Copy n bytes to the end: all of them, or none and `failed' is set. */
void outbuf_append(struct outbuf *, const void *, size_t n);

/* Take back what was written behind the first len bytes that wait. */
void outbuf_truncate(struct outbuf *, size_t len);

/*
 * The first n bytes were sent (n is at most outbuf_len()).  A buffer that is
 * empty then and holds more than keep bytes of memory gives it all back.
 */
void outbuf_drain(struct outbuf *, size_t n, size_t keep);

#endif
