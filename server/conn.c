/*
 * A connection's life, and the set of them.
 *
 *  FIRST ----> SERVING ----> SUBSCRIBED ----> CLOSING ----> LINGERING
 *   its first   requests in,   events out;     sends what    said goodbye,
 *   line        replies out    input is        waits         waits for the
 *                              thrown away                   client's
 *
 * Here it is opened and closed.  What happens in between: conn_turn.c (who
 * may do something, and how much), conn_input.c, conn_request.c,
 * conn_output.c, conn_deadline.c.
 *
 * What surprises: a connection is never freed while events of one
 * epoll_wait(2) are being noted, only in the phases after that, so no event
 * can name one that is gone.
 */

#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/conn.h"
#include "server/conn_state.h"
#include "server/log.h"
#include "server/peer.h"
#include "server/redis_multi.h"
#include "server/tracking.h"

#define SPARE_CONNS	512

static bool
open_tracking(struct conns *set)
{
	const struct tracking_peers peers = {
		.arena = set->env->inherit->arena, .subs = set->subs,
		.channels = set->sessions.channels, .config = set->env->config,
		.agreed = set->env->inherit->agreed, .slot = set->slot
	};

	set->sessions.tracking = tracking_open(&peers);
	if (set->sessions.tracking == NULL)
		return false;
	channels_set_tracking(set->sessions.channels, set->sessions.tracking);
	return true;
}

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
	set->alone = route_is_alone(env->route);
	/* Every byte may come as \xHH; some more for verb, quotes, spaces. */
	set->line_max = 4 * (store_value_max(env->store) + PAIR_KEY_MAX +
	    BUCKET_NAME_MAX) + 64;
	set->sessions.roster = env->inherit->roster;
	set->sessions.channels = channels_open(env->inherit->arena, subs,
	    set->slot, env->inherit->roster);
	if (set->sessions.channels == NULL || !open_tracking(set)) {
		channels_close(set->sessions.channels);
		free(set);
		return NULL;
	}
	TAILQ_INIT(&set->all);
	TAILQ_INIT(&set->queue);
	TAILQ_INIT(&set->crowd);
	TAILQ_INIT(&set->spare);
	conns_prepare_batches(set);
	conns_measure(set);
	return set;
}

void
conns_set_links(struct conns *set, struct links *links)
{
	set->links = links;
	if (set->alone)
		return;
	set->sessions.say_elsewhere = conn_say_elsewhere;
	set->sessions.arg = set;
	channels_set_links(set->sessions.channels, links, set->env->route);
}

uint64_t
conns_count(const struct conns *set)
{
	return set->count;
}

static void
publish_counter(struct conns *set, enum board_counter i)
{
	if (set->counted[i] == 0)
		return;
	board_add(set->env->inherit->arena, set->slot, i, set->counted[i]);
	set->counted[i] = 0;
}

/* Of those that are not the usual three hardly ever one has moved. */
void
conns_publish_counters(struct conns *set)
{
	uint64_t others = 0;
	unsigned i;

	publish_counter(set, BOARD_REQUESTS);
	publish_counter(set, BOARD_BYTES_IN);
	publish_counter(set, BOARD_BYTES_OUT);
	for (i = 0; i < BOARD_COUNTERS; i++)
		others |= set->counted[i];
	for (i = 0; i < BOARD_COUNTERS && others != 0; i++)
		publish_counter(set, (enum board_counter)i);
	board_add_expired(set->env->inherit->arena, set->slot);
}

static enum board_counter
gauge_of(enum conn_kind kind)
{
	return kind == CONN_NODE ? BOARD_LINKS : BOARD_CLIENTS;
}

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
	if (conn->is_counted)
		board_sub(set->env->inherit->arena, set->slot,
		    BOARD_SUBSCRIBERS, 1);
	conn->is_counted = false;
	channels_forget(&conn->session);
	tracking_forget(&conn->session);
	conn_feeds_end(set, conn);
	if (conn->sub.state == SUBSCRIBER_OFF)
		return;
	subscribe_remove(set->subs, &conn->sub);
	board_sub(set->env->inherit->arena, set->slot, BOARD_SUBSCRIBERS, 1);
}

void
conn_close(struct conns *set, struct conn *conn)
{
	unsubscribe(set, conn);
	conn_know(set, conn);
	stream_end(&conn->stream);
	session_end(&conn->session);
	conn_forget_away(set, conn);
	multi_free(conn->session.multi);
	free(conn->greeting);
	inbuf_clear(&conn->in, &set->pool);
	close(conn->fd);
	if (conn->queued)
		TAILQ_REMOVE(&set->queue, conn, queue);
	TAILQ_REMOVE(&set->all, conn, all);
	set->count--;
	board_sub(set->env->inherit->arena, set->slot, gauge_of(conn->kind), 1);
	conn_recycle(set, conn);
}

/* We part with a client against its will: counted, and told to the log. */
void
conn_drop(struct conns *set, struct conn *conn, const char *why)
{
	char name[PEER_NAME_MAX];

	peer_name(conn->fd, name, sizeof(name));
	log_warn("closing client %s: %s", name, why);
	set->counted[BOARD_DROPPED]++;
	conn_close(set, conn);
}

static bool
begin_session(struct conns *set, struct conn *conn)
{
	conn->session.is_stranger = set->env->config->client_secret != NULL;
	return session_begin(&conn->session, &set->sessions);
}

/* Not inlined, for tests/bench/instructions knows it by its name. */
__attribute__((noinline)) void
conns_add(struct conns *set, int fd, enum conn_kind kind)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP |
		    EPOLLET
	};
	struct conn *conn = conn_alloc(set);

	if (conn == NULL) {
		log_warn("cannot serve a client: %s", strerror(errno));
		board_sub(set->env->inherit->arena, set->slot,
		    gauge_of(kind), 1);
		close(fd);
		return;
	}
	conn->fd = fd;
	conn->kind = kind;
	conn->state = CONN_FIRST;
	conn->hungry = true;
	text_parser_init(&conn->parser);
	resp_parser_init(&conn->resp);
	TAILQ_INIT(&conn->feeds);
	conn->active_ms = set->now_ms;
	TAILQ_INSERT_TAIL(&set->all, conn, all);
	set->clock_stale = true;
	conn->session.fd = fd;
	conn->session.in = &conn->in;
	conn->session.out = &conn->out;
	set->count++;
	set->counted[BOARD_ACCEPTED]++;
	if (kind == CONN_CLIENT && !begin_session(set, conn)) {
		conn_drop(set, conn, "too many clients of this worker");
		return;
	}
	event.data.ptr = conn;
	if (epoll_ctl(set->epoll_fd, EPOLL_CTL_ADD, fd, &event) == -1 ||
	    (kind == CONN_NODE && !conn_greet(set, conn)))
		conn_drop(set, conn, strerror(errno));
}

/* No more of its requests: send what waits, then close. */
void
conn_finish(struct conns *set, struct conn *conn)
{
	unsubscribe(set, conn);
	stream_end(&conn->stream);
	conn_forget_away(set, conn);
	inbuf_clear(&conn->in, &set->pool);
	conn->state = CONN_CLOSING;
}

/*
 * Bytes that arrive after close(2) make the kernel send a reset, which may
 * overtake our last words.  So say that we are done, and throw away what
 * comes until the client is done too, or for a while.
 */
void
conn_linger(struct conns *set, struct conn *conn)
{
	if (shutdown(conn->fd, SHUT_WR) == -1)
		conn->broken = true;
	conn->state = CONN_LINGERING;
	conn->active_ms = set->now_ms;
}

void
conn_part(struct conns *set, struct conn *conn)
{
	conn->parting = true;
	conn->readable = true;
	conn->hung_up = true;
	conn_enqueue(set, conn);
}

void
conns_drain(struct conns *set)
{
	struct conn *conn;

	set->draining = true;
	TAILQ_FOREACH(conn, &set->all, all)
		if (conn->greeted)
			conn_say_bye(set, conn);
		else
			conn_part(set, conn);
}

void
conns_retire(struct conns *set)
{
	struct conn *conn;

	set->retiring = true;
	TAILQ_FOREACH(conn, &set->all, all)
		if (conn->greeted)
			conn_say_bye(set, conn);
		else if (conn_listens(conn))
			conn_enqueue(set, conn);
}

void
conns_fence(struct conns *set)
{
	set->alone = false;
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
	channels_close(set->sessions.channels);
	tracking_close(set->sessions.tracking);
	free(set);
}
