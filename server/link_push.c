/*
 * Questions of a link: a frame in `out', and a place in the ring which says
 * whose it is.  Both grow at the end and are taken from the front, together.
 */

#include <stdlib.h>

#include "server/link_state.h"

static bool
make_ring(struct link *link)
{
	size_t i, cap = link->cap * 2;
	struct question *ring;

	if (link->count < link->cap)
		return true;
	if ((ring = calloc(cap, sizeof(*ring))) == NULL)
		return false;
	for (i = 0; i < link->count; i++)
		ring[i] = *link_question_at(link, i);
	free(link->ring);
	link->ring = ring;
	link->first = 0;
	link->cap = cap;
	return true;
}

bool
link_reserve(struct outbuf *out, size_t len)
{
	if (outbuf_reserve(out, len) != NULL)
		return true;
	out->failed = false;
	return false;
}

/* For a frame and its question: then neither can fail. */
static bool
make_room(struct link *link, size_t len)
{
	return make_ring(link) && link_reserve(&link->out, len);
}

/* The frame is behind the others; so is its question now. */
static void
push(struct link *link, size_t before, const struct question *q)
{
	struct links *links = link->all;

	if (before == 0)
		link->heard_ms = links->now_ms;
	*link_question_at(link, link->count) = *q;
	link_question_at(link, link->count++)->len =
	    outbuf_len(&link->out) - before;
	link->dirty = true;
}

static struct frame
next_frame(const struct link *link, enum frame_op op)
{
	return (struct frame){
		.op = op, .id = link->first_id + (uint32_t)link->count,
		.table = link->all->self.table
	};
}

bool
link_push_request(struct link *link, const struct link_question *q,
    struct link_feed *feed)
{
	struct frame frame = next_frame(link, FRAME_REQUEST);
	size_t mark, before = outbuf_len(&link->out);

	frame.flags = frame_protocol(q->req->protocol) |
	    (q->piece ? FRAME_PLACE : 0);
	frame.shard = q->shard;
	frame.place = q->place;
	if (!make_room(link, FRAME_HEADER_LEN + sizeof(q->place) +
	    frame_words_len(q->req->argv, q->req->argc)))
		return false;
	mark = frame_begin(&link->out, &frame);
	frame_put_words(&link->out, q->req->argv, q->req->argc);
	frame_end(&link->out, mark, &frame);
	push(link, before, &(struct question){ .who = q->who,
	    .repeatable = q->repeatable || feed != NULL, .feed = feed,
	    .piece = q->piece, .place = q->place });
	return true;
}

static void
push_bare(struct link *link, const struct frame *frame,
    const struct question *q)
{
	size_t before = outbuf_len(&link->out);

	if (!make_room(link, FRAME_HEADER_LEN))
		return;
	frame_write(&link->out, frame);
	push(link, before, q);
}

void
link_push_cancel(struct link *link, uint32_t id)
{
	struct frame frame = next_frame(link, FRAME_CANCEL);

	if (link->state != LINK_UP)
		return;
	frame.id = id;
	push_bare(link, &frame, &(struct question){ .silent = true });
}

void
link_push_ping(struct link *link)
{
	struct frame frame = next_frame(link, FRAME_PING);

	push_bare(link, &frame, &(struct question){ .ping = true });
}

void
link_take(struct link *link, struct question *q)
{
	*q = *link_question_at(link, 0);
	link->first = (link->first + 1) & (link->cap - 1);
	link->count--;
	link->first_id++;
}
