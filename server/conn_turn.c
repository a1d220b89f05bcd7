/*
 * Who may do something, and how much of it.
 *
 * Sockets are edge-triggered: an event only notes what a connection may do,
 * and queues it.  Each queued one then gets a turn: send, go on with a
 * stream, execute what has arrived, read more, send once.  A turn is bounded
 * in bytes and in requests, and a piece of a slow stream is a whole one, so
 * that one client's pipeline is not another's delay; who could go on is queued
 * again.  All turns together are bounded in time: thousands of pipelines must
 * not look like a worker that hangs.
 *
 * Back-pressure: while more than OUTPUT_HIGH bytes wait to be sent, nothing
 * is executed and nothing is read, so that TCP tells the client.  Output is
 * thus bounded by OUTPUT_HIGH and one reply, except a subscriber's, which has
 * its own limit and the door.
 */

#include <sys/epoll.h>

#include "server/conn.h"
#include "server/conn_state.h"

#define TURN_BYTES	((size_t)256 * 1024)
#define TURN_REQUESTS	1024U
#define TURNS_MS	20	/* of all, before the worker's heart beats */

void
conn_enqueue(struct conns *set, struct conn *conn)
{
	if (conn->queued)
		return;
	conn->queued = true;
	TAILQ_INSERT_TAIL(&set->queue, conn, queue);
}

void
conns_event(struct conns *set, struct conn *conn, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP |
	    EPOLLERR))
		conn->readable = true;
	/* What has broken is found out by trying, after what it sent. */
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		conn->writable = true;
	if (events & EPOLLHUP)
		conn->lost = true;
	/* Urgent data makes a short read too, and more may be behind it. */
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI))
		conn->hung_up = true;
	conn_enqueue(set, conn);
}

static void
conn_serve(struct conns *set, struct conn *conn, struct turn *turn)
{
	while (conn->state <= CONN_SERVING && !conn->broken &&
	    turn->bytes > 0 && turn->requests > 0 &&
	    outbuf_len(&conn->out) < OUTPUT_HIGH) {
		if (conn_is_waiting(conn))
			break;
		else if (conn->stream.next != NULL)
			conn_stream(set, conn, turn);
		else if (conn->away.argc > 0)
			conn_resume(set, conn, turn);
		else if (conn->away.bad)
			conn_answer_bad(set, conn, turn);
		else if (!conn->hungry)
			conn_parse(set, conn, turn);
		else if (conn->readable)
			conn_read(set, conn, turn);
		else
			break;
	}
	conn_forget_batch(set);
	/* The worker's request is somebody else's after this turn. */
	if (conn->stream.next != NULL && stream_keep(&conn->stream) == -1)
		conn->broken = true;
}

/* Nothing can come of it any more but what is in the buffer. */
static bool
is_finished(const struct conns *set, const struct conn *conn)
{
	if (conn->stream.next != NULL || conn_is_away(conn) ||
	    !conn->hungry || conn->readable)
		return false;
	/* A node that was told BYE hangs up by itself. */
	if (conn->greeted)
		return conn->eof;
	return conn->eof || set->draining ||
	    (conn->parting && inbuf_len(&conn->in) == 0);
}

/* What is in flight to another node is no reason: its answer will queue us. */
static bool
can_go_on(const struct conn *conn)
{
	if (conn->state > CONN_SERVING)
		return conn->readable;
	return outbuf_len(&conn->out) < OUTPUT_HIGH &&
	    !conn_is_waiting(conn) && (conn->stream.next != NULL ||
	    conn_is_held(conn) || !conn->hungry || conn->readable);
}

/* After its turn: closed, queued again, or waiting for an event. */
static void
conn_settle(struct conns *set, struct conn *conn)
{
	if (conn->state <= CONN_SERVING && is_finished(set, conn))
		conn_finish(set, conn);
	else if (conn->state == CONN_SUBSCRIBED && (conn->eof ||
	    set->draining || set->retiring))
		conn_finish(set, conn);
	else if (conn_listens(conn) && set->retiring)
		conn_finish(set, conn);
	if (conn_listens(conn) && outbuf_len(&conn->out) >
	    set->env->config->output_max_bytes) {
		conn_drop(set, conn, TOO_SLOW);
		return;
	}
	if (conn->parts_for != NULL) {
		conn_drop(set, conn, conn->parts_for);
		return;
	}
	if (conn->state == CONN_CLOSING && outbuf_len(&conn->out) == 0)
		conn_linger(set, conn);
	if (conn->broken || (conn->state == CONN_LINGERING &&
	    (conn->eof || set->draining)))
		conn_close(set, conn);
	else if (can_go_on(conn))
		conn_enqueue(set, conn);
}

static void
conn_turn(struct conns *set, struct conn *conn)
{
	struct turn turn = { TURN_BYTES, TURN_REQUESTS };

	conn_send(set, conn);
	conn_take_news(conn);
	if (conn->state <= CONN_SERVING)
		conn_serve(set, conn, &turn);
	if (conn->state > CONN_SERVING)
		conn_discard(set, conn, &turn);
	conn_take_news(conn);
	/* Who has an answer to it finds it done. */
	session_show(&conn->session);
	conn_send(set, conn);
	session_show_sizes(&conn->session);
	conn_settle(set, conn);
}

bool
conns_turn(struct conns *set)
{
	uint64_t end_ms = set->now_ms + TURNS_MS;
	struct conn *conn, *last;

	conns_end_condemned(set);
	last = TAILQ_LAST(&set->queue, conn_list);
	while (last != NULL && (conn = TAILQ_FIRST(&set->queue)) != NULL) {
		TAILQ_REMOVE(&set->queue, conn, queue);
		conn->queued = false;
		conn_turn(set, conn);
		if (conns_end_turn_ms(set) >= end_ms || conn == last)
			break;
	}
	return !TAILQ_EMPTY(&set->queue);
}
