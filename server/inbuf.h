#ifndef KVD_SERVER_INBUF_H
#define KVD_SERVER_INBUF_H

#include <stddef.h>
#include <stdint.h>

/*
 * Bytes that arrived and are not yet understood: filled at the end, consumed
 * at the front, at most `max' of them.  It owns memory only while it holds
 * bytes; between times the memory waits in the pool for whoever reads next.
 */
#define INBUF_MIN	((size_t)16 * 1024)

struct inbuf {
	uint8_t	*data;
	size_t	 cap;
	size_t	 head;		/* first byte not yet consumed */
	size_t	 tail;		/* end of the bytes */
};

/* Buffers of INBUF_MIN bytes that nobody uses now. */
#define INBUF_POOL_MAX	64

struct inbuf_pool {
	uint8_t	*free[INBUF_POOL_MAX];
	size_t	 n;
};

/*
 * Room for at least one byte at data + tail, up to cap.  The bytes may move.
 * Returns the room, or 0 if `max' bytes are held or memory ran out.
 */
size_t inbuf_room(struct inbuf *, struct inbuf_pool *, size_t max);

/* n bytes at the front are done with; an empty buffer gives its memory up. */
void inbuf_consume(struct inbuf *, struct inbuf_pool *, size_t n);

/* Forget what is held. */
void inbuf_clear(struct inbuf *, struct inbuf_pool *);

void inbuf_pool_free(struct inbuf_pool *);

static inline size_t
inbuf_len(const struct inbuf *in)
{
	return in->tail - in->head;
}

#endif
