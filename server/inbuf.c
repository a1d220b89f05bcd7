/*
 * The buffer in front of the parser.
 *
 *	0          head          tail          cap <= max
 *	| consumed | not parsed  | room        |
 *
 * Nearly every connection is between two requests nearly all of the time, so
 * an empty buffer owns nothing: ten thousand idle clients cost no buffers,
 * and a worker in steady state takes the same warm one from the pool for
 * each turn, without malloc(3).  It doubles only for a line that needs it,
 * up to the longest legal one, and is given back whole when that is done.
 */

#include <stdlib.h>
#include <string.h>

#include "server/inbuf.h"

static int
take(struct inbuf *in, struct inbuf_pool *pool)
{
	in->data = pool->n > 0 ? pool->free[--pool->n] : malloc(INBUF_MIN);
	in->cap = in->data == NULL ? 0 : INBUF_MIN;
	in->head = in->tail = 0;
	return in->data == NULL ? -1 : 0;
}

static int
grow(struct inbuf *in, size_t max)
{
	size_t cap = in->cap > max / 2 ? max : in->cap * 2;
	uint8_t *data;

	if (cap <= in->cap || (data = realloc(in->data, cap)) == NULL)
		return -1;
	in->data = data;
	in->cap = cap;
	return 0;
}

size_t
inbuf_room(struct inbuf *in, struct inbuf_pool *pool, size_t max)
{
	if (in->data == NULL && take(in, pool) == -1)
		return 0;
	if (in->tail == in->cap && in->head > 0) {
		memmove(in->data, in->data + in->head, inbuf_len(in));
		in->tail -= in->head;
		in->head = 0;
	}
	if (in->tail == in->cap && grow(in, max) == -1)
		return 0;
	return in->cap - in->tail;
}

void
inbuf_clear(struct inbuf *in, struct inbuf_pool *pool)
{
	if (in->cap == INBUF_MIN && pool->n < INBUF_POOL_MAX)
		pool->free[pool->n++] = in->data;
	else
		free(in->data);
	memset(in, 0, sizeof(*in));
}

void
inbuf_consume(struct inbuf *in, struct inbuf_pool *pool, size_t n)
{
	in->head += n;
	if (in->head == in->tail)
		inbuf_clear(in, pool);
}

void
inbuf_pool_free(struct inbuf_pool *pool)
{
	while (pool->n > 0)
		free(pool->free[--pool->n]);
}
