/*
 * A queue of bytes in one piece of memory, so that a write(2) takes them all
 * and a reply is written where it is sent from.
 *
 *	0        head          tail                 cap
 *	| sent   | waiting     | room               |
 *
 * Invariant: head <= tail < cap <= OUTBUF_MAX, or all three are 0 and data is
 * NULL.  One byte of room is always left unused: so room for 0 bytes is a
 * real address too, and the test on the hot path is a single comparison.
 *
 * The bytes are moved to the front only when at least as many were sent: each
 * byte written is then moved a bounded number of times, however the socket
 * takes them.  A ring would never move any, but would cut replies in two.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/outbuf.h"

#define OUTBUF_MIN	((size_t)1024)
#define OUTBUF_MAX	(SIZE_MAX / 4 + 1)	/* a power of two */

void
outbuf_init(struct outbuf *buf)
{
	memset(buf, 0, sizeof(*buf));
}

void
outbuf_free(struct outbuf *buf)
{
	free(buf->data);
	outbuf_init(buf);
}

/*
 * The next power of two that holds need bytes and is larger than what we
 * have.  It cannot wrap: need is no more than OUTBUF_MAX.
 */
static size_t
outbuf_next_cap(const struct outbuf *buf, size_t need)
{
	size_t cap = OUTBUF_MIN;

	while (cap < need || cap <= buf->cap)
		cap *= 2;
	return cap;
}

/*
 * Into new memory rather than by realloc(3), which would copy what was sent
 * already.
 */
static bool
outbuf_enlarge(struct outbuf *buf, size_t need)
{
	size_t len = outbuf_len(buf), cap = outbuf_next_cap(buf, need);
	uint8_t *data = malloc(cap);

	if (data == NULL)
		return false;
	if (len > 0)
		memcpy(data, buf->data + buf->head, len);
	free(buf->data);
	buf->data = data;
	buf->cap = cap;
	buf->head = 0;
	buf->tail = len;
	return true;
}

uint8_t *
outbuf_make_room(struct outbuf *buf, size_t n)
{
	size_t len = outbuf_len(buf);

	if (buf->failed)
		return NULL;
	if (n >= OUTBUF_MAX - len) {
		buf->failed = true;
		return NULL;
	}
	if (n < buf->cap - len && buf->head >= len) {
		memmove(buf->data, buf->data + buf->head, len);
		buf->head = 0;
		buf->tail = len;
	} else if (!outbuf_enlarge(buf, len + n + 1)) {
		buf->failed = true;
		return NULL;
	}
	return buf->data + buf->tail;
}

void
outbuf_append(struct outbuf *buf, const void *bytes, size_t n)
{
	uint8_t *room;

	if (n == 0 || (room = outbuf_reserve(buf, n)) == NULL)
		return;
	memcpy(room, bytes, n);
	buf->tail += n;
}

void
outbuf_truncate(struct outbuf *buf, size_t len)
{
	if (len < outbuf_len(buf))
		buf->tail = buf->head + len;
}

void
outbuf_drain(struct outbuf *buf, size_t n, size_t keep)
{
	assert(n <= outbuf_len(buf));
	buf->head += n;
	if (buf->head < buf->tail)
		return;
	buf->head = buf->tail = 0;
	if (buf->cap > keep) {
		free(buf->data);
		buf->data = NULL;
		buf->cap = 0;
	}
}
