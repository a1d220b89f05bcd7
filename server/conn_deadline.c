/*
 * Who is closed for doing nothing: a client that sends no requests, does not
 * read, or does not answer our goodbye.
 *
 * A whole request counts as activity, a byte does not: one byte per second
 * keeps no connection open.  Whoever waits for us is not idle: the output of
 * a running stream is watched instead, and a subscriber may be silent.
 */

#include "server/conn.h"
#include "server/conn_state.h"
#include "server/log.h"

#define LINGER_MS	2000
#define RETIRE_MS	1000
#define GREET_MS	2000

static bool
is_past(const struct conns *set, uint64_t since_ms, uint64_t limit_ms)
{
	return limit_ms > 0 && set->now_ms > since_ms &&
	    set->now_ms - since_ms > limit_ms;
}

/* Patience begins anew when a reply has gone out, however long that took. */
static uint64_t
idle_since(const struct conn *conn)
{
	return conn->sent_ms > conn->active_ms ? conn->sent_ms :
	    conn->active_ms;
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
	} else if (conn->state > CONN_SERVING || conn_listens(conn) ||
	    conn->stream.next != NULL ||
	    conn_is_away(conn) || conn->greeted) {
		return;
	} else if (conn->greeting != NULL) {
		if (is_past(set, conn->active_ms, GREET_MS))
			conn_drop(set, conn, "it does not greet as a node");
	} else if (set->retiring && inbuf_len(&conn->in) == 0 &&
	    is_past(set, idle_since(conn), RETIRE_MS)) {
		conn_part(set, conn);
	} else if (is_past(set, idle_since(conn), config->idle_ms)) {
		log_debug("closing an idle client");
		set->counted[BOARD_DROPPED]++;
		conn_close(set, conn);
	}
}

void
conns_check_deadlines(struct conns *set)
{
	struct conn *conn, *next;

	conns_unpause(set);
	conns_measure(set);
	channels_tick(set->sessions.channels, set->now_ms);
	for (conn = TAILQ_FIRST(&set->all); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, all);
		check_deadlines(set, conn);
	}
}
