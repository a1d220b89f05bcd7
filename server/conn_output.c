/*
 * A connection's output: what waits is sent as far as the socket takes it.
 *
 * Replies are bounded before they are written, see conn_turn.c.  Events are
 * not: nobody can tell the writers of a bucket to wait.  So a subscriber who
 * does not keep up is shown the door.
 */

#include <sys/socket.h>

#include <errno.h>

#include "server/conn.h"
#include "server/conn_state.h"
#include "server/tracking.h"

void
conn_send(struct conns *set, struct conn *conn)
{
	size_t len;
	ssize_t n;

	if (conn->out.failed)
		conn->broken = true;
	if (conn->session.listener != NULL && channels_wait(&conn->session))
		return;
	while ((len = outbuf_len(&conn->out)) > 0 && conn->writable &&
	    !conn->broken) {
		n = send(conn->fd, conn->out.data + conn->out.head, len,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			outbuf_drain(&conn->out, (size_t)n, OUTPUT_KEEP);
			set->counted[BOARD_BYTES_OUT] += (uint64_t)n;
			conn->sent_ms = set->now_ms;
		} else if (errno == EAGAIN) {
			conn->writable = false;
		} else if (errno != EINTR) {
			conn->broken = true;
		}
	}
	if (len > 0 && !conn->waiting)
		conn->sent_ms = set->now_ms;
	conn->waiting = len > 0;
}

static void
deliver(struct conns *set, struct conn *conn, bool lost)
{
	conn_send(set, conn);
	session_show_sizes(&conn->session);
	if (outbuf_len(&conn->out) > set->env->config->output_max_bytes)
		conn_drop(set, conn, TOO_SLOW);
	else if (lost)
		conn_drop(set, conn, "fell behind the events of its "
		    "subscription, some are gone");
	else
		conn_enqueue(set, conn);
}

/* Those who listen to channels. */
static void
deliver_messages(struct conns *set)
{
	struct channels *channels = set->sessions.channels;
	struct session *session;
	struct conn *conn;
	bool lost;

	while ((session = channels_next_touched(channels, &lost)) != NULL) {
		conn = (struct conn *)((char *)session -
		    offsetof(struct conn, session));
		deliver(set, conn, lost);
	}
}

/* Those who are told about what they keep; the turn that follows sends it. */
static void
deliver_news(struct conns *set)
{
	struct session *session;
	struct conn *conn;

	tracking_tell(set->sessions.tracking);
	while ((session = session_next_news(&set->sessions)) != NULL) {
		conn = (struct conn *)((char *)session -
		    offsetof(struct conn, session));
		if (outbuf_len(&session->news) >
		    set->env->config->output_max_bytes)
			conn_drop(set, conn, TOO_SLOW);
		else
			conn_enqueue(set, conn);
	}
}

/* Within a reply there is no place for it. */
void
conn_take_news(struct conn *conn)
{
	struct outbuf *news = &conn->session.news;
	size_t len = outbuf_len(news);

	conn->out.failed |= news->failed;
	if (len == 0 || conn->stream.next != NULL ||
	    outbuf_len(&conn->out) >= OUTPUT_HIGH)
		return;
	if (conn->state <= CONN_SERVING)
		outbuf_append(&conn->out, news->data + news->head, len);
	outbuf_drain(news, len, 0);
}

void
conns_deliver(struct conns *set)
{
	struct subscriber *sub;
	struct conn *conn;

	while ((sub = subscribe_next_touched(set->subs)) != NULL) {
		if (sub->of_node) {
			conn_feed_deliver(set, sub);
			continue;
		}
		conn = (struct conn *)((char *)sub -
		    offsetof(struct conn, sub));
		if (sub->state == SUBSCRIBER_DROPPED)
			conn_finish(set, conn);
		deliver(set, conn, sub->state == SUBSCRIBER_LOST);
	}
	deliver_messages(set);
	deliver_news(set);
	set->clock_stale = true;
}
