/*
 * Many requests in flight.
 *
 * Invariants: at most window_bytes (and one request) wait to be sent, at most
 * depth requests wait for their reply, and replies are read only when asked
 * for.  So memory is bounded on this side whatever the server does; and since
 * a request that finds no room is answered KV_FULL instead of waited for, the
 * caller is never stuck in a write while the server is stuck in one too.
 */

#include <stdlib.h>

#include "proto/client/handle.h"

/*
 * Requests are offered to the kernel when this many bytes are queued: often
 * enough to keep the server busy, seldom enough not to pay a system call for
 * each.
 */
#define OFFER_BYTES	((size_t)32 << 10)
#define RING_MIN	((size_t)64)

static bool
grow(struct pending *pending)
{
	size_t cap = pending->cap > 0 ? pending->cap * 2 : RING_MIN, i;
	struct expect *ring = calloc(cap, sizeof(*ring));

	if (ring == NULL)
		return false;
	for (i = 0; i < pending->len; i++)
		ring[i] = pending->ring[(pending->head + i) &
		    (pending->cap - 1)];
	free(pending->ring);
	pending->ring = ring;
	pending->cap = cap;
	pending->head = 0;
	return true;
}

static void
push(struct pending *pending, struct expect expect)
{
	pending->ring[(pending->head + pending->len++) & (pending->cap - 1)] =
	    expect;
}

static void
pop(struct pending *pending)
{
	pending->head = (pending->head + 1) & (pending->cap - 1);
	pending->len--;
}

static enum kv_status
full(struct kv *kv)
{
	return handle_fail(kv, KV_FULL, "%s: the pipeline is full (read "
	    "replies first)", kv->server);
}

/* Room for one more request, in the window and in the ring. */
static enum kv_status
make_room(struct kv *kv)
{
	enum kv_status status = handle_check(kv, true);

	if (status != KV_OK)
		return status;
	if (outbuf_len(&kv->wire.out) >= kv->window_bytes)
		status = handle_lost(kv, wire_send(&kv->wire));
	if (status != KV_OK)
		return status;
	if (outbuf_len(&kv->wire.out) >= kv->window_bytes ||
	    kv->pending.len >= kv->depth)
		return full(kv);
	if (kv->pending.len == kv->pending.cap && !grow(&kv->pending))
		return handle_fail(kv, KV_NO_MEMORY, "%s: out of memory for "
		    "a pipeline", kv->server);
	return KV_OK;
}

static enum kv_status
queued(struct kv *kv, struct expect expect)
{
	push(&kv->pending, expect);
	if (outbuf_len(&kv->wire.out) >= OFFER_BYTES)
		return handle_lost(kv, wire_send(&kv->wire));
	return KV_OK;
}

static enum kv_status
queue(struct kv *kv, const char *verb, const struct kv_bytes *words, size_t n,
    struct expect expect)
{
	enum kv_status status = make_room(kv);

	if (status == KV_OK)
		status = handle_compose(kv, verb, words, n);
	if (status != KV_OK)
		return status;
	return queued(kv, expect);
}

enum kv_status
kv_pipe_create(struct kv *kv, struct kv_bytes bucket)
{
	struct expect expect = { .shape = SHAPE_STATUS };

	return queue(kv, "CREATE", &bucket, 1, expect);
}

enum kv_status
kv_pipe_put(struct kv *kv, struct kv_bytes bucket, struct kv_bytes key,
    struct kv_bytes value)
{
	const struct kv_bytes words[] = { bucket, key, value };
	struct expect expect = { .shape = SHAPE_STATUS };

	return queue(kv, "PUT", words, 3, expect);
}

enum kv_status
kv_pipe_get(struct kv *kv, struct kv_bytes bucket, struct kv_bytes key)
{
	const struct kv_bytes words[] = { bucket, key };
	struct expect expect = { .shape = SHAPE_VALUES, .values = 1 };

	return queue(kv, "GET", words, 2, expect);
}

enum kv_status
kv_pipe_delete(struct kv *kv, struct kv_bytes bucket, struct kv_bytes key)
{
	const struct kv_bytes words[] = { bucket, key };
	struct expect expect = { .shape = SHAPE_STATUS };

	return queue(kv, "DELETE", words, 2, expect);
}

static enum kv_status
nothing_asked(struct kv *kv)
{
	return handle_fail(kv, KV_BAD_ARGUMENT, "%s: a request for no keys "
	    "(give at least one)", kv->server);
}

enum kv_status
kv_pipe_mput(struct kv *kv, struct kv_bytes bucket,
    const struct kv_pair *pairs, size_t n)
{
	struct expect expect = { .shape = SHAPE_STATUS };
	enum kv_status status = make_room(kv);

	if (status == KV_OK && n == 0)
		status = nothing_asked(kv);
	if (status == KV_OK)
		status = handle_compose_pairs(kv, "MPUT", bucket, pairs, n);
	if (status != KV_OK)
		return status;
	return queued(kv, expect);
}

enum kv_status
kv_pipe_mget(struct kv *kv, struct kv_bytes bucket,
    const struct kv_bytes *keys, size_t n)
{
	struct expect expect = { .shape = SHAPE_VALUES, .values = n };
	enum kv_status status = make_room(kv);

	if (status == KV_OK && n == 0)
		status = nothing_asked(kv);
	if (status == KV_OK)
		status = handle_compose_keys(kv, "MGET", bucket, keys, n);
	if (status != KV_OK)
		return status;
	return queued(kv, expect);
}

enum kv_status
kv_pipe_flush(struct kv *kv)
{
	enum kv_status status = handle_check(kv, true);

	if (status == KV_OK)
		status = handle_lost(kv, wire_send(&kv->wire));
	if (status == KV_OK && outbuf_len(&kv->wire.out) > 0)
		return full(kv);
	return status;
}

size_t
kv_pipe_pending(const struct kv *kv)
{
	return kv->pending.len;
}

enum kv_status
kv_pipe_reply(struct kv *kv, struct kv_reply *reply)
{
	enum kv_status status = handle_check(kv, true);
	struct answer_part part;

	if (status != KV_OK)
		return status;
	if (kv->pending.len == 0)
		return handle_fail(kv, KV_NO_REPLY, "%s: no request is "
		    "unanswered (queue one first)", kv->server);
	if (!kv->answering)
		handle_expect(kv, kv->pending.ring[kv->pending.head]);
	status = handle_read(kv, handle_deadline(kv), &part);
	if (status != KV_OK)
		return status;
	if (part.last)
		pop(&kv->pending);
	reply->status = handle_verdict(kv, &part, kv_str(kv->server));
	reply->value = part.text;
	reply->last = part.last;
	return KV_OK;
}
