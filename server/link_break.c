/*
 * The end of a connection to a node, and what it means for what was asked.
 *
 * What was not sent was not executed.  Of what was sent, nobody knows; what
 * only reads is asked once more, and of the rest it is said that nobody
 * knows.  Then, if anything waits, the node is dialled at once: most often
 * it was one of its workers that died, and another one is there.
 */

#include <string.h>
#include <unistd.h>

#include "server/link_state.h"
#include "server/log.h"

#define BACKOFF_MIN_MS	100
#define BACKOFF_MAX_MS	2000

void
link_hang_up(struct link *link)
{
	if (link->fd != -1)
		close(link->fd);
	link->fd = -1;
	link->state = LINK_IDLE;
	link->readable = link->writable = false;
	inbuf_clear(&link->in, &link->all->pool);
	outbuf_free(&link->greeting);
	link_forget_answer(link);
}

static void
fail(struct link *link, const struct question *q, enum link_failure failure,
    const char *why)
{
	struct links *links = link->all;

	if (q->feed != NULL)
		link_feed_failed(q->feed, why);
	else if (q->who != NULL)
		links->listener.failed(links->listener.arg, q->who, failure,
		    route_name(links->route, link->node), why);
}

/* What became of what was sent matters only if it changes something. */
static void
give_up(struct link *link, const struct question *q, bool was_sent,
    const char *why)
{
	if (was_sent && !q->repeatable)
		fail(link, q, LINK_UNKNOWN,
		    "link lost after the request was sent");
	else
		fail(link, q, LINK_UNAVAILABLE, why);
}

/* For the node that this link has led to. */
static bool
is_too_long(const struct link *link, const struct question *q)
{
	return q->len - FRAME_HEADER_LEN > link->handshake.peer_payload_max;
}

/* Is it to be asked again?  Then its frame is copied to `out'. */
static bool
keep(struct link *link, const struct question *q, const uint8_t *frame,
    bool was_sent, bool was_begun)
{
	if ((q->who == NULL && q->feed == NULL) || is_too_long(link, q) ||
	    (was_begun && q->repeated) || (was_sent && !q->repeatable))
		return false;
	if (!link_reserve(&link->out, q->len))
		return false;
	outbuf_append(&link->out, frame, q->len);
	return true;
}

/*
 * Questions are kept in their order, or fail.  Numbers go on: what is asked
 * again is newer than all that was asked, as if it had been asked now.
 */
static void
sort_out(struct link *link, const char *why)
{
	struct outbuf old = link->out;
	size_t i, at = 0, sent = link->sent, n = link->count;
	uint32_t id = link->first_id + (uint32_t)n;
	struct question q;
	bool was_sent, was_begun;

	outbuf_init(&link->out);
	link->sent = 0;
	for (i = 0; i < n; i++, at += q.len) {
		link_take(link, &q);
		/* Half a frame is no question, but it is not sent for ever. */
		was_sent = at + q.len <= sent;
		was_begun = at < sent;
		if (keep(link, &q, old.data + old.head + at, was_sent,
		    was_begun)) {
			q.repeated |= was_begun;
			frame_renumber(link->out.data + link->out.tail -
			    q.len, id++);
			*link_question_at(link, link->count++) = q;
		} else {
			give_up(link, &q, was_sent, why);
		}
	}
	outbuf_free(&old);
}

void
link_refuse_long(struct link *link)
{
	size_t i;

	for (i = 0; i < link->count; i++)
		if (is_too_long(link, link_question_at(link, i))) {
			sort_out(link, LINK_TOO_LONG);
			return;
		}
}

/* A link that is up, and of which nobody wants anything, proves nothing. */
static bool
is_wanted(const struct link *link)
{
	return link->count > 0 || link->feeds != NULL;
}

/*
 * Dialled again at once is only who has proved of use; others would be
 * dialled for ever, without a pause.
 */
void
link_break(struct link *link, const char *why)
{
	if (link->state < LINK_UP) {
		link_dial_next(link, why);
		return;
	}
	if (!link->has_answered && link->state != LINK_LEAVING &&
	    is_wanted(link)) {
		link_prefer_next(link);
		link_down(link, why);
		return;
	}
	log_debug("link to node %s: %s",
	    route_name(link->all->route, link->node), why);
	link_hang_up(link);
	sort_out(link, why);
	link_feeds_break(link);
	link_feeds_ask(link);
	if (link->count > 0 && link->state == LINK_IDLE)
		link_dial(link);
}

void
link_down(struct link *link, const char *why)
{
	struct links *links = link->all;
	struct question q;
	size_t at = 0;

	if (!link->proven_down || strcmp(link->why, why) != 0)
		log_warn("node %s is down: %s",
		    route_name(links->route, link->node), why);
	strlcpy(link->why, why, sizeof(link->why));
	link->proven_down = true;
	link_hang_up(link);
	link->backoff_ms = link->backoff_ms == 0 ? BACKOFF_MIN_MS :
	    link->backoff_ms * 2;
	if (link->backoff_ms > BACKOFF_MAX_MS)
		link->backoff_ms = BACKOFF_MAX_MS;
	link->retry_ms = links->now_ms + link->backoff_ms;
	link_feeds_break(link);
	/* It may have taken some, and only never answered. */
	while (link->count > 0) {
		link_take(link, &q);
		at += q.len;
		give_up(link, &q, at <= link->sent, link->why);
	}
	outbuf_free(&link->out);
	link->sent = 0;
}
