/*
 * A link's bytes.  First those of the handshake, then frames: questions out,
 * answers in.
 *
 * Answers come in the order of the questions; that is a rule of the link, so
 * one that has another number than the oldest question is garbage, and so is
 * whatever cannot be parsed.  There is no way to go on after either.
 */

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/link_state.h"
#include "server/log.h"

#define READ_BYTES	((size_t)256 * 1024)	/* in a turn */
#define KEEP_BYTES	((size_t)64 * 1024)	/* of memory, when idle */

static void
become_up(struct link *link)
{
	struct links *links = link->all;

	if (link->proven_down)
		log_info("node %s is up",
		    route_name(links->route, link->node));
	link->state = LINK_UP;
	link->proven_down = false;
	link->has_answered = false;
	link->heard_ms = links->now_ms;
	outbuf_free(&link->greeting);
	link_refuse_long(link);
	link_feeds_ask(link);
}

static void
greet(struct link *link)
{
	char why[HANDSHAKE_WHY_MAX];
	struct inbuf *in = &link->in;
	size_t used;

	switch (handshake_step(&link->handshake, in->data + in->head,
	    inbuf_len(in), &link->greeting, &used)) {
	case HANDSHAKE_OK:
		inbuf_consume(in, &link->all->pool, used);
		become_up(link);
		break;
	case HANDSHAKE_MORE:
		inbuf_consume(in, &link->all->pool, used);
		break;
	case HANDSHAKE_BAD:
		handshake_why(&link->handshake, why);
		link_write(link);
		link_prefer_next(link);
		link_down(link, why);
		break;
	}
}

/* The node that it names in its refusal is for people. */
static void
refused(struct link *link, const struct question *q,
    const struct frame *frame)
{
	struct links *links = link->all;
	char why[LINK_WHY_MAX];

	snprintf(why, sizeof(why), "%s%.*s", frame->op == FRAME_NOT_MINE ?
	    "it says that the owner is " : "", (int)frame->payload.len,
	    (const char *)frame->payload.data);
	if (q->who != NULL)
		links->listener.failed(links->listener.arg, q->who,
		    LINK_UNAVAILABLE, route_name(links->route, link->node),
		    why);
}

static void
take_oldest(struct link *link, struct question *q)
{
	link_take(link, q);
	outbuf_drain(&link->out, q->len, KEEP_BYTES);
	link->sent -= q->len;
}

/* What is not answered is done with when it has been sent. */
static void
take_silent(struct link *link)
{
	struct question q;

	while (link->count > 0 && link_question_at(link, 0)->silent &&
	    link_question_at(link, 0)->len <= link->sent)
		take_oldest(link, &q);
}

static void
answered(struct link *link, const struct frame *frame)
{
	struct links *links = link->all;
	struct question q;

	take_oldest(link, &q);
	link->has_answered = true;
	link->backoff_ms = 0;
	if (q.feed != NULL)
		link_feed_answered(q.feed, frame);
	else if (frame->op != FRAME_REPLY)
		refused(link, &q, frame);
	else if (q.who != NULL)
		links->listener.answered(links->listener.arg, q.who, frame);
	take_silent(link);
}

/* Returns false if it makes no sense. */
static bool
take_frame(struct link *link, struct frame *frame)
{
	switch (frame->op) {
	case FRAME_REPLY:
	case FRAME_NOT_MINE:
	case FRAME_REFUSED:
	case FRAME_PONG:
		if (!link_is_answer(link, frame))
			return false;
		if ((frame->flags & FRAME_GOES_ON) != 0)
			return link_keep_part(link, frame);
		if (!link_complete_answer(link, frame))
			return false;
		answered(link, frame);
		link_forget_answer(link);
		return true;
	case FRAME_EVENT:
		return link_feed_event(link, frame);
	case FRAME_BYE:
		link->state = LINK_LEAVING;
		return true;
	case FRAME_REQUEST:
	case FRAME_CANCEL:
	case FRAME_PING:
		break;
	}
	return false;
}

/* Returns false when there is no whole frame, or the link has broken. */
static bool
parse(struct link *link)
{
	struct inbuf *in = &link->in;
	struct frame frame;
	const char *reason;
	size_t used;

	switch (frame_parse(in->data + in->head, inbuf_len(in),
	    link->all->in_max - FRAME_HEADER_LEN, &frame, &reason, &used)) {
	case FRAME_OK:
		if (!take_frame(link, &frame)) {
			link_break(link, "answers what was not asked");
			return false;
		}
		inbuf_consume(in, &link->all->pool, used);
		return inbuf_len(in) > 0;
	case FRAME_MORE:
		return false;
	case FRAME_BAD:
		link_break(link, reason);
		break;
	}
	return false;
}

/* Half a question waits for nothing. */
static bool
waits_for_answer(const struct link *link)
{
	return link->count > 0 &&
	    link_question_at(link, 0)->len <= link->sent;
}

static void
understand(struct link *link)
{
	if (link->state == LINK_GREETING)
		greet(link);
	while ((link->state == LINK_UP || link->state == LINK_LEAVING) &&
	    inbuf_len(&link->in) > 0 && parse(link))
		;
	if (link->state == LINK_LEAVING && !waits_for_answer(link))
		link_break(link, "left");
}

void
link_read(struct link *link)
{
	struct links *links = link->all;
	size_t room, done = 0;
	ssize_t n;

	while (link->readable && done < READ_BYTES &&
	    link->state != LINK_IDLE && link->state != LINK_DIALLING) {
		room = inbuf_room(&link->in, &links->pool, links->in_max);
		if (room == 0) {
			link_break(link, "out of memory here");
			return;
		}
		n = recv(link->fd, link->in.data + link->in.tail, room,
		    MSG_DONTWAIT);
		if (n > 0) {
			link->in.tail += (size_t)n;
			done += (size_t)n;
			link->heard_ms = links->now_ms;
			understand(link);
		} else if (n == -1 && errno == EAGAIN) {
			link->readable = false;
			inbuf_consume(&link->in, &links->pool, 0);
		} else if (n == 0 || errno != EINTR) {
			link_break(link, n == 0 ? "it closed the link" :
			    strerror(errno));
		}
	}
}

/* Returns false when the socket takes no more. */
static bool
send_some(struct link *link, const uint8_t *data, size_t len, size_t *sent)
{
	ssize_t n = send(link->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	*sent = n > 0 ? (size_t)n : 0;
	/*
	 * Who takes our bytes is not silent; but those of other questions are
	 * taken by a system, long after its node has gone.
	 */
	if (n > 0 && !waits_for_answer(link))
		link->heard_ms = link->all->now_ms;
	if (n >= 0 || errno == EINTR)
		return true;
	link->writable = false;
	/* Why it broke is seen by reading, after what it has said. */
	if (errno != EAGAIN)
		link->readable = true;
	return false;
}

void
link_write(struct link *link)
{
	struct outbuf *out = &link->greeting;
	size_t n;

	while (link->writable && outbuf_len(out) > 0 &&
	    send_some(link, out->data + out->head, outbuf_len(out), &n))
		outbuf_drain(out, n, 0);
	out = &link->out;
	while (link->writable && link->state == LINK_UP &&
	    outbuf_len(out) > link->sent && send_some(link, out->data +
	    out->head + link->sent, outbuf_len(out) - link->sent, &n))
		link->sent += n;
	take_silent(link);
}
