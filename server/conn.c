/*
 * A connection's life.
 *
 *  FIRST ----> SERVING ----> SUBSCRIBED ----> CLOSING ----> LINGERING
 *   its first   requests in,   events out;     sends what    said goodbye,
 *   line        replies out    input is        waits         waits for the
 *                              thrown away                   client's
 *
 * Sockets are edge-triggered: an event only notes what a connection may do,
 * and queues it.  Each queued one then gets a turn: send, go on with a
 * stream, execute what has arrived, read more, send once.  A turn is bounded
 * in bytes and in requests, so that one client's pipeline is not another's
 * delay; who could go on is queued again.
 *
 * Back-pressure: while more than OUTPUT_HIGH bytes wait to be sent, nothing
 * is executed and nothing is read, so that TCP tells the client.  Output is
 * thus bounded by OUTPUT_HIGH and one reply, except a subscriber's, which has
 * its own limit and the door.
 *
 * What surprises: a request's words lie in the input buffer, so while its
 * stream runs the buffer must stay as it is; hence `pending', the bytes of
 * that request, consumed only when the stream is done.  And a connection is
 * never freed while events of one epoll_wait(2) are being noted, only in the
 * phases after that, so no event can name one that is gone.
 */

#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "proto/reply.h"
#include "proto/text.h"
#include "server/conn.h"
#include "server/inbuf.h"
#include "server/log.h"
#include "server/peer.h"
#include "shm/board.h"

#define OUTPUT_HIGH	((size_t)256 * 1024)
#define OUTPUT_KEEP	((size_t)32 * 1024)	/* memory an idle one keeps */
#define TURN_BYTES	((size_t)256 * 1024)
#define TURN_REQUESTS	1024U
#define LINGER_MS	2000
#define SPARE_CONNS	512
#define DISCARD_BYTES	((size_t)16 * 1024)

enum conn_state {
	CONN_FIRST, CONN_SERVING, CONN_SUBSCRIBED, CONN_CLOSING,
	CONN_LINGERING
};

struct conn {
	enum conn_state		 state;
	int			 fd;
	bool			 readable;	/* until EAGAIN */
	bool			 writable;	/* until EAGAIN */
	bool			 hung_up;	/* the end may be in sight:
						 * read on until 0 */
	bool			 eof;		/* no more will come */
	bool			 broken;	/* nothing can be sent */
	bool			 hungry;	/* no whole request is here */
	bool			 queued;
	struct text_parser	 parser;
	struct inbuf		 in;
	size_t			 pending;	/* of in, read by the stream */
	struct outbuf		 out;
	struct stream		 stream;
	struct subscriber	 sub;
	uint64_t		 active_ms;	/* last whole request */
	bool			 waiting;	/* for it to take output */
	uint64_t		 sent_ms;	/* output last moved */
	TAILQ_ENTRY(conn)	 all;
	TAILQ_ENTRY(conn)	 queue;
};

TAILQ_HEAD(conn_list, conn);

struct conns {
	const struct command_env *env;
	struct subscriptions	*subs;
	int			 epoll_fd;
	unsigned		 slot;
	uint64_t		 now_ms;
	uint64_t		 count;
	size_t			 line_max;
	bool			 draining;
	struct conn_list	 all;
	struct conn_list	 queue;
	struct conn_list	 spare;		/* closed, to be used again */
	size_t			 spares;
	struct inbuf_pool	 pool;
	uint64_t		 counted[BOARD_COUNTERS];
	struct request		 req;
	uint8_t			 discarded[DISCARD_BYTES];
};

struct turn {			/* what a turn may still do */
	size_t		bytes;
	unsigned	requests;
};

struct conns *
conns_open(const struct command_env *env, struct subscriptions *subs,
    int epoll_fd)
{
	struct conns *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return NULL;
	set->env = env;
	set->subs = subs;
	set->epoll_fd = epoll_fd;
	set->slot = env->inherit->slot;
	/* Every byte may come as \xHH; some more for verb, quotes, spaces. */
	set->line_max = 4 * (store_value_max(env->store) + PAIR_KEY_MAX +
	    BUCKET_NAME_MAX) + 64;
	TAILQ_INIT(&set->all);
	TAILQ_INIT(&set->queue);
	TAILQ_INIT(&set->spare);
	return set;
}

void
conns_set_time(struct conns *set, uint64_t now_ms)
{
	set->now_ms = now_ms;
}

uint64_t
conns_count(const struct conns *set)
{
	return set->count;
}

void
conns_publish_counters(struct conns *set)
{
	struct arena *arena = set->env->inherit->arena;
	unsigned i;

	for (i = 0; i < BOARD_COUNTERS; i++) {
		if (set->counted[i] == 0)
			continue;
		board_add(arena, set->slot, i, set->counted[i]);
		set->counted[i] = 0;
	}
}

static void
enqueue(struct conns *set, struct conn *conn)
{
	if (conn->queued)
		return;
	conn->queued = true;
	TAILQ_INSERT_TAIL(&set->queue, conn, queue);
}

/* Opening and closing. */

static struct conn *
conn_alloc(struct conns *set)
{
	struct conn *conn = TAILQ_FIRST(&set->spare);

	if (conn == NULL)
		return calloc(1, sizeof(*conn));
	TAILQ_REMOVE(&set->spare, conn, all);
	set->spares--;
	return conn;
}

/* The output buffer's memory goes on to the next one. */
static void
conn_recycle(struct conns *set, struct conn *conn)
{
	struct outbuf out;

	outbuf_drain(&conn->out, outbuf_len(&conn->out), OUTPUT_KEEP);
	if (conn->out.failed)
		outbuf_free(&conn->out);
	out = conn->out;
	memset(conn, 0, sizeof(*conn));
	conn->out = out;
	if (set->spares == SPARE_CONNS) {
		outbuf_free(&conn->out);
		free(conn);
		return;
	}
	TAILQ_INSERT_HEAD(&set->spare, conn, all);
	set->spares++;
}

static void
unsubscribe(struct conns *set, struct conn *conn)
{
	if (conn->sub.state == SUBSCRIBER_OFF)
		return;
	subscribe_remove(set->subs, &conn->sub);
	board_sub(set->env->inherit->arena, set->slot, BOARD_SUBSCRIBERS, 1);
}

static void
conn_close(struct conns *set, struct conn *conn)
{
	unsubscribe(set, conn);
	stream_end(&conn->stream);
	inbuf_clear(&conn->in, &set->pool);
	close(conn->fd);
	if (conn->queued)
		TAILQ_REMOVE(&set->queue, conn, queue);
	TAILQ_REMOVE(&set->all, conn, all);
	set->count--;
	board_sub(set->env->inherit->arena, set->slot, BOARD_CLIENTS, 1);
	conn_recycle(set, conn);
}

/* We part with a client against its will: counted, and told to the log. */
static void
conn_drop(struct conns *set, struct conn *conn, const char *why)
{
	char name[PEER_NAME_MAX];

	peer_name(conn->fd, name, sizeof(name));
	log_warn("closing client %s: %s", name, why);
	set->counted[BOARD_DROPPED]++;
	conn_close(set, conn);
}

void
conns_add(struct conns *set, int fd)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET
	};
	struct conn *conn = conn_alloc(set);

	if (conn == NULL) {
		log_warn("cannot serve a client: %s", strerror(errno));
		board_sub(set->env->inherit->arena, set->slot,
		    BOARD_CLIENTS, 1);
		close(fd);
		return;
	}
	conn->fd = fd;
	conn->state = CONN_FIRST;
	conn->hungry = true;
	conn->active_ms = set->now_ms;
	TAILQ_INSERT_TAIL(&set->all, conn, all);
	set->count++;
	set->counted[BOARD_ACCEPTED]++;
	event.data.ptr = conn;
	if (epoll_ctl(set->epoll_fd, EPOLL_CTL_ADD, fd, &event) == -1)
		conn_drop(set, conn, strerror(errno));
}

/* No more of its requests: send what waits, then close. */
static void
conn_finish(struct conns *set, struct conn *conn)
{
	unsubscribe(set, conn);
	stream_end(&conn->stream);
	inbuf_clear(&conn->in, &set->pool);
	conn->state = CONN_CLOSING;
}

/*
 * Bytes that arrive after close(2) make the kernel send a reset, which may
 * overtake our last words.  So say that we are done, and throw away what
 * comes until the client is done too, or for a while.
 */
static void
conn_linger(struct conns *set, struct conn *conn)
{
	if (shutdown(conn->fd, SHUT_WR) == -1)
		conn->broken = true;
	conn->state = CONN_LINGERING;
	conn->active_ms = set->now_ms;
}

/* Output. */

static void
conn_send(struct conns *set, struct conn *conn)
{
	size_t len;
	ssize_t n;

	if (conn->out.failed)
		conn->broken = true;
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

/* Input. */

static void
note_end_of_input(struct conn *conn, ssize_t n)
{
	if (n == 0) {
		conn->eof = true;
		conn->readable = false;
	} else if (errno == EAGAIN) {
		conn->readable = false;
	} else if (errno != EINTR) {
		conn->broken = true;
		conn->readable = false;
	}
}

static void
conn_read(struct conns *set, struct conn *conn, struct turn *turn)
{
	size_t room = inbuf_room(&conn->in, &set->pool, set->line_max);
	ssize_t n;

	if (room == 0) {
		conn->broken = true;
		return;
	}
	n = recv(conn->fd, conn->in.data + conn->in.tail, room, MSG_DONTWAIT);
	if (n <= 0) {
		note_end_of_input(conn, n);
		inbuf_consume(&conn->in, &set->pool, 0);
		return;
	}
	conn->in.tail += (size_t)n;
	conn->hungry = false;
	set->counted[BOARD_BYTES_IN] += (uint64_t)n;
	turn->bytes -= (size_t)n < turn->bytes ? (size_t)n : turn->bytes;
	/* A short read has emptied the socket: the next edge will tell. */
	if ((size_t)n < room && !conn->hung_up)
		conn->readable = false;
}

static void
conn_discard(struct conns *set, struct conn *conn, struct turn *turn)
{
	ssize_t n;

	while (conn->readable && turn->bytes > 0) {
		n = recv(conn->fd, set->discarded, sizeof(set->discarded),
		    MSG_DONTWAIT);
		if (n <= 0)
			note_end_of_input(conn, n);
		else
			turn->bytes -= (size_t)n < turn->bytes ? (size_t)n :
			    turn->bytes;
	}
}

/* Requests. */

static void
conn_subscribe(struct conns *set, struct conn *conn)
{
	enum shm_status status;

	status = subscribe_add(set->subs, &conn->sub, set->env->store,
	    set->req.argv[1], &conn->out);
	if (status == SHM_OK) {
		board_add(set->env->inherit->arena, set->slot,
		    BOARD_SUBSCRIBERS, 1);
		inbuf_clear(&conn->in, &set->pool);
		conn->state = CONN_SUBSCRIBED;
		return;
	}
	set->counted[BOARD_ERRORS]++;
	if (status == SHM_NO_BUCKET)
		reply_not_found(&conn->out);
	else
		reply_error(&conn->out, "%s", shm_strstatus(status));
}

/*
 * PING as the very first line is a benchmark tool at the door, which wants
 * the answer of another protocol.
 */
static bool
is_greeting(struct conn *conn, const struct request *req)
{
	bool first = conn->state == CONN_FIRST;

	if (first)
		conn->state = CONN_SERVING;
	return first && req->argc == 1 && req->argv[0].len == 4 &&
	    strncasecmp((const char *)req->argv[0].data, "PING", 4) == 0;
}

static void
conn_execute(struct conns *set, struct conn *conn, size_t used)
{
	struct call call = {
		.env = set->env, .req = &set->req, .out = &conn->out,
		.stream = &conn->stream, .next = CALL_GO_ON
	};
	struct arena *arena = set->env->inherit->arena;

	conn->active_ms = set->now_ms;
	set->counted[BOARD_REQUESTS]++;
	if (is_greeting(conn, &set->req)) {
		outbuf_append(&conn->out, "+PONG\r\n", 7);
	} else {
		board_set_fingerprint(arena, set->slot,
		    command_fingerprint(&set->req));
		command_execute(&call);
		board_set_fingerprint(arena, set->slot, 0);
	}
	if (call.failed)
		set->counted[BOARD_ERRORS]++;
	switch (call.next) {
	case CALL_STREAM:
		conn->pending = used;
		return;
	case CALL_SUBSCRIBE:
		conn_subscribe(set, conn);
		break;
	case CALL_CLOSE:
		conn_finish(set, conn);
		break;
	case CALL_CUT:
		conn->broken = true;
		break;
	case CALL_GO_ON:
		break;
	}
	/* Not if the step above has thrown the input away already. */
	if (inbuf_len(&conn->in) > 0)
		inbuf_consume(&conn->in, &set->pool, used);
}

static bool
refused_resp(struct conns *set, struct conn *conn)
{
	static const char reply[] =
	    "-ERR RESP is not supported by this version\r\n";

	if (conn->state != CONN_FIRST || conn->in.data[conn->in.head] != '*')
		return false;
	outbuf_append(&conn->out, reply, sizeof(reply) - 1);
	conn_finish(set, conn);
	return true;
}

static void
conn_bad_line(struct conns *set, struct conn *conn,
    const struct text_error *error, size_t used)
{
	conn->state = CONN_SERVING;
	conn->active_ms = set->now_ms;
	set->counted[BOARD_ERRORS]++;
	reply_error(&conn->out, "%s at %zu", error->reason, error->position);
	inbuf_consume(&conn->in, &set->pool, used);
}

static void
conn_parse(struct conns *set, struct conn *conn, struct turn *turn)
{
	struct text_error error;
	size_t used;

	if (inbuf_len(&conn->in) == 0) {
		conn->hungry = true;
		return;
	}
	if (refused_resp(set, conn))
		return;
	switch (text_parse(&conn->parser, conn->in.data + conn->in.head,
	    inbuf_len(&conn->in), set->line_max, &set->req, &error, &used)) {
	case TEXT_OK:
		turn->requests--;
		conn_execute(set, conn, used);
		break;
	case TEXT_EMPTY:
		turn->requests--;
		inbuf_consume(&conn->in, &set->pool, used);
		break;
	case TEXT_BAD:
		turn->requests--;
		conn_bad_line(set, conn, &error, used);
		break;
	case TEXT_MORE:
		conn->hungry = true;
		break;
	case TEXT_TOO_LONG:
		reply_error(&conn->out, "line too long");
		set->counted[BOARD_ERRORS]++;
		set->counted[BOARD_DROPPED]++;
		conn_finish(set, conn);
		break;
	}
}

static void
conn_stream(struct conns *set, struct conn *conn, struct turn *turn)
{
	size_t before = outbuf_len(&conn->out), wrote;

	if (!conn->stream.next(&conn->stream, set->env->store, &conn->out)) {
		stream_end(&conn->stream);
		inbuf_consume(&conn->in, &set->pool, conn->pending);
		conn->pending = 0;
	}
	wrote = outbuf_len(&conn->out) - before;
	turn->bytes -= wrote < turn->bytes ? wrote : turn->bytes;
	turn->requests--;
}

/* Turns. */

static void
conn_serve(struct conns *set, struct conn *conn, struct turn *turn)
{
	while (conn->state <= CONN_SERVING && !conn->broken &&
	    turn->bytes > 0 && turn->requests > 0 &&
	    outbuf_len(&conn->out) < OUTPUT_HIGH) {
		if (conn->stream.next != NULL)
			conn_stream(set, conn, turn);
		else if (!conn->hungry)
			conn_parse(set, conn, turn);
		else if (conn->readable)
			conn_read(set, conn, turn);
		else
			break;
	}
	/* The worker's request is somebody else's after this turn. */
	if (conn->stream.next != NULL && stream_keep(&conn->stream) == -1)
		conn->broken = true;
}

/* Nothing can come of it any more but what is in the buffer. */
static bool
is_finished(const struct conns *set, const struct conn *conn)
{
	if (conn->stream.next != NULL || !conn->hungry || conn->readable)
		return false;
	return conn->eof || set->draining;
}

static bool
can_go_on(const struct conn *conn)
{
	if (conn->state > CONN_SERVING)
		return conn->readable;
	return outbuf_len(&conn->out) < OUTPUT_HIGH &&
	    (conn->stream.next != NULL || !conn->hungry || conn->readable);
}

/* After its turn: closed, queued again, or waiting for an event. */
static void
conn_settle(struct conns *set, struct conn *conn)
{
	if (conn->state <= CONN_SERVING && is_finished(set, conn))
		conn_finish(set, conn);
	else if (conn->state == CONN_SUBSCRIBED && (conn->eof ||
	    set->draining))
		conn_finish(set, conn);
	if (conn->state == CONN_CLOSING && outbuf_len(&conn->out) == 0)
		conn_linger(set, conn);
	if (conn->broken || (conn->state == CONN_LINGERING &&
	    (conn->eof || set->draining)))
		conn_close(set, conn);
	else if (can_go_on(conn))
		enqueue(set, conn);
}

static void
conn_turn(struct conns *set, struct conn *conn)
{
	struct turn turn = { TURN_BYTES, TURN_REQUESTS };

	conn_send(set, conn);
	if (conn->state <= CONN_SERVING)
		conn_serve(set, conn, &turn);
	if (conn->state > CONN_SERVING)
		conn_discard(set, conn, &turn);
	conn_send(set, conn);
	conn_settle(set, conn);
}

bool
conns_turn(struct conns *set)
{
	struct conn_list now;
	struct conn *conn;

	TAILQ_INIT(&now);
	TAILQ_CONCAT(&now, &set->queue, queue);
	while ((conn = TAILQ_FIRST(&now)) != NULL) {
		TAILQ_REMOVE(&now, conn, queue);
		conn->queued = false;
		conn_turn(set, conn);
	}
	return !TAILQ_EMPTY(&set->queue);
}

void
conns_event(struct conns *set, struct conn *conn, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		conn->readable = true;
	/* What has broken is found out by trying, after what it sent. */
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		conn->writable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		conn->hung_up = true;
	enqueue(set, conn);
}

void
conns_deliver(struct conns *set)
{
	struct subscriber *sub;
	struct conn *conn;

	while ((sub = subscribe_next_touched(set->subs)) != NULL) {
		conn = (struct conn *)((char *)sub -
		    offsetof(struct conn, sub));
		conn_send(set, conn);
		if (outbuf_len(&conn->out) >
		    set->env->config->output_max_bytes)
			conn_drop(set, conn, "too slow for the events of its "
			    "subscription, see `output' in kvd.conf(5)");
		else if (sub->state == SUBSCRIBER_LOST)
			conn_drop(set, conn, "fell behind the events of its "
			    "subscription, some are gone");
		else {
			if (sub->state == SUBSCRIBER_DROPPED)
				conn_finish(set, conn);
			enqueue(set, conn);
		}
	}
}

/* Deadlines. */

static bool
is_past(const struct conns *set, uint64_t since_ms, uint64_t limit_ms)
{
	return limit_ms > 0 && set->now_ms > since_ms &&
	    set->now_ms - since_ms > limit_ms;
}

static void
check_deadlines(struct conns *set, struct conn *conn)
{
	const struct config *config = set->env->config;

	if (conn->waiting) {
		if (is_past(set, conn->sent_ms, config->send_ms))
			conn_drop(set, conn, "it does not read, see `send' "
			    "in kvd.conf(5)");
	} else if (conn->state == CONN_LINGERING) {
		if (is_past(set, conn->active_ms, LINGER_MS))
			conn_close(set, conn);
	} else if (conn->state <= CONN_SERVING && conn->stream.next == NULL &&
	    is_past(set, conn->active_ms, config->idle_ms)) {
		log_debug("closing an idle client");
		set->counted[BOARD_DROPPED]++;
		conn_close(set, conn);
	}
}

void
conns_check_deadlines(struct conns *set)
{
	struct conn *conn, *next;

	for (conn = TAILQ_FIRST(&set->all); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, all);
		check_deadlines(set, conn);
	}
}

/* The end. */

void
conns_drain(struct conns *set)
{
	struct conn *conn;

	set->draining = true;
	TAILQ_FOREACH(conn, &set->all, all) {
		/* One more look: what has arrived is answered. */
		conn->readable = true;
		conn->hung_up = true;
		enqueue(set, conn);
	}
}

void
conns_close(struct conns *set)
{
	struct conn *conn;

	if (set == NULL)
		return;
	while ((conn = TAILQ_FIRST(&set->all)) != NULL) {
		conn_send(set, conn);
		conn_close(set, conn);
	}
	while ((conn = TAILQ_FIRST(&set->spare)) != NULL) {
		TAILQ_REMOVE(&set->spare, conn, all);
		outbuf_free(&conn->out);
		free(conn);
	}
	inbuf_pool_free(&set->pool);
	free(set);
}
