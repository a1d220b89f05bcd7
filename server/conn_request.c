/*
 * A connection's requests: from the bytes that have arrived to a command, and
 * to what the command wants of the connection afterwards.
 *
 * What surprises: a request's words lie in the input buffer, so while its
 * stream runs the buffer must stay as it is; hence `pending', the bytes of
 * that request, consumed only when the stream is done.
 */

#include <strings.h>

#include "proto/reply.h"
#include "proto/resp_reply.h"
#include "server/conn_state.h"
#include "server/log.h"
#include "server/peer.h"
#include "server/poison.h"
#include "server/redis.h"
#include "server/redis_multi.h"

#define STRANGER_LINE	((size_t)4096)
#define REFUSED_LOG_MS	1000	/* between two lines about refusals */

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
	if (!first || req->protocol != REQUEST_TEXT || req->argc != 1 ||
	    req->argv[0].len != 4 ||
	    strncasecmp((const char *)req->argv[0].data, "PING", 4) != 0)
		return false;
	conn->session.protocol = REQUEST_RESP2;
	return true;
}

static void
greet(struct conn *conn, struct call *call)
{
	call->failed = conn->session.is_stranger;
	if (call->failed)
		resp_put_error(&conn->out, "NOAUTH",
		    "Authentication required.");
	else
		resp_put_simple(&conn->out, "PONG");
}

/*
 * One line a second says enough: who is refused tends to try again at once.
 */
static void
conn_refuse(struct conns *set, struct conn *conn, uint64_t fingerprint)
{
	char name[PEER_NAME_MAX];

	conn_error(conn, "REFUSED", "this request crashed a worker");
	set->counted[BOARD_REFUSED_POISON]++;
	set->refused++;
	if (set->now_ms < set->refused_log_ms)
		return;
	peer_name(conn->fd, name, sizeof(name));
	log_warn("refused request %016jx of client %s: it has crashed workers "
	    "(refusals since the last such line: %ju)",
	    (uintmax_t)fingerprint, name, (uintmax_t)set->refused);
	set->refused = 0;
	set->refused_log_ms = set->now_ms + REFUSED_LOG_MS;
}

static void
conn_run(struct conns *set, struct conn *conn, struct call *call,
    uint64_t fingerprint)
{
	if (is_greeting(conn, call->req)) {
		greet(conn, call);
	} else if (poison_is_refused(set->env->inherit->poison, fingerprint,
	    set->now_ms)) {
		call->failed = true;
		conn_refuse(set, conn, fingerprint);
		if (multi_kind(&conn->session, call->req) == COMMAND_EXEC)
			multi_forget(&conn->session);
	} else {
		command_execute(call);
	}
}

static void
conn_follow(struct conns *set, struct conn *conn, enum call_next next,
    size_t used)
{
	switch (next) {
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

void
conns_end_condemned(struct conns *set)
{
	struct conn *conn;

	if (!roster_was_called(set->sessions.roster))
		return;
	TAILQ_FOREACH(conn, &set->all, all) {
		if (conn->session.sessions == NULL || !roster_is_condemned(
		    set->sessions.roster, conn->session.place))
			continue;
		conn->broken = true;
		conn_enqueue(set, conn);
	}
}

static bool
changes_something(const struct conns *set, const struct conn *conn)
{
	enum command_kind kind = command_kind(&set->req);

	if (kind == COMMAND_EXEC)
		return multi_changes(conn->session.multi);
	if (kind == COMMAND_EVERY)
		return set->req.protocol != REQUEST_TEXT &&
		    redis_flushes(&set->req);
	return kind == COMMAND_CHANGE || kind == COMMAND_ALL;
}

static bool
is_paused(const struct conns *set, const struct conn *conn)
{
	const struct roster *roster = set->sessions.roster;

	return roster_is_paused(roster, true, set->now_ms) &&
	    roster_is_paused(roster, changes_something(set, conn),
	    set->now_ms);
}

void
conn_take(struct conns *set, struct conn *conn, size_t used)
{
	if (is_paused(set, conn)) {
		set->pausing = conn->paused = conn->session.waits = true;
		conn_hold(set, conn, used);
	} else if (set->alone) {
		conn_execute(set, conn, used);
	} else {
		conn_route(set, conn, used);
	}
}

void
conns_unpause(struct conns *set)
{
	struct conn *conn;

	if (!set->pausing || roster_is_paused(set->sessions.roster, true,
	    set->now_ms))
		return;
	set->pausing = false;
	TAILQ_FOREACH(conn, &set->all, all) {
		if (!conn->paused)
			continue;
		conn->paused = conn->session.waits = false;
		conn_enqueue(set, conn);
	}
}

/* While the fingerprint is on the board, a crash is laid on the request. */
void
conn_execute(struct conns *set, struct conn *conn, size_t used)
{
	struct call call = {
		.env = set->env, .req = &set->req, .out = &conn->out,
		.stream = &conn->stream, .next = CALL_GO_ON,
		.session = &conn->session
	};
	struct arena *arena = set->env->inherit->arena;
	size_t before = outbuf_len(&conn->out);
	bool measured;

	conn->active_ms = conn->session.active_ms = set->now_ms;
	conn->fingerprint = multi_fingerprint(conn->session.multi,
	    command_fingerprint(&set->req));
	set->counted[BOARD_REQUESTS]++;
	board_set_fingerprint(arena, set->slot, conn->fingerprint);
	measured = conns_begin_request(set);
	conn_run(set, conn, &call, conn->fingerprint);
	if (measured)
		conns_end_request(set, &conn->session, &call);
	if (call.failed)
		set->counted[BOARD_ERRORS]++;
	if (session_step(&conn->session))
		outbuf_truncate(&conn->out, before);
	conn_follow(set, conn, call.next, used);
	conns_end_condemned(set);
	board_set_fingerprint(arena, set->slot, 0);
}

/* A node at the door for clients: some table has the wrong address. */
static bool
refused_node(struct conn *conn)
{
	char name[PEER_NAME_MAX];

	if (conn->state != CONN_FIRST ||
	    !handshake_is_greeting(conn->in.data + conn->in.head,
	    inbuf_len(&conn->in)))
		return false;
	peer_name(conn->fd, name, sizeof(name));
	log_warn("closing client %s: it speaks as a node does; this is not "
	    "our address for peers", name);
	conn->broken = true;
	return true;
}

void
conn_answer_bad(struct conns *set, struct conn *conn, struct turn *turn)
{
	struct away *away = &conn->away;

	turn->requests--;
	away->bad = false;
	conn->state = CONN_SERVING;
	conn->active_ms = set->now_ms;
	if (conn->session.protocol != REQUEST_TEXT) {
		conn_answer_bad_resp(set, conn);
		return;
	}
	set->counted[BOARD_ERRORS]++;
	reply_error(&conn->out, "%s at %zu", away->error.reason,
	    away->error.position);
	inbuf_consume(&conn->in, &set->pool, away->used);
}

/* Who may not do anything yet needs no room for it. */
static size_t
line_max(const struct conns *set, const struct conn *conn)
{
	return conn->session.is_stranger && set->line_max > STRANGER_LINE ?
	    STRANGER_LINE : set->line_max;
}

/* Behind the answers that are still to come, so perhaps not yet. */
static void
refuse_long_line(struct conns *set, struct conn *conn)
{
	if ((conn->away.again = conn->away.asked > 0))
		return;
	reply_error(&conn->out, "line too long");
	set->counted[BOARD_ERRORS]++;
	set->counted[BOARD_DROPPED]++;
	conn_finish(set, conn);
}

void
conn_parse(struct conns *set, struct conn *conn, struct turn *turn)
{
	struct text_error error;
	size_t used;

	if (inbuf_len(&conn->in) == 0) {
		conn->hungry = true;
		return;
	}
	if (conn->greeting != NULL) {
		conn_parse_frame(set, conn, turn);
		return;
	}
	if (conn_run_batch(set, conn, turn) || refused_node(conn))
		return;
	if (conn_is_resp(conn)) {
		conn_parse_resp(set, conn, turn);
		return;
	}
	set->req.protocol = REQUEST_TEXT;
	switch (text_parse(&conn->parser, conn->in.data + conn->in.head,
	    inbuf_len(&conn->in), line_max(set, conn), &set->req, &error,
	    &used)) {
	case TEXT_OK:
		turn->requests--;
		conn_take(set, conn, used);
		break;
	case TEXT_EMPTY:
		turn->requests--;
		inbuf_consume(&conn->in, &set->pool, used);
		break;
	case TEXT_BAD:
		conn->away.error = error;
		conn->away.used = used;
		conn->away.bad = true;
		if (conn->away.asked == 0)
			conn_answer_bad(set, conn, turn);
		break;
	case TEXT_MORE:
		conn->hungry = true;
		break;
	case TEXT_TOO_LONG:
		refuse_long_line(set, conn);
		break;
	}
}

void
conn_stream(struct conns *set, struct conn *conn, struct turn *turn)
{
	struct arena *arena = set->env->inherit->arena;
	size_t before = outbuf_len(&conn->out);
	bool slow = conn->stream.slow;

	board_set_fingerprint(arena, set->slot, conn->fingerprint);
	/* Streams only read: for nobody they need not go on. */
	if (conn->lost || !conn->stream.next(&conn->stream, set->env->store,
	    &conn->out)) {
		stream_end(&conn->stream);
		inbuf_consume(&conn->in, &set->pool, conn->pending);
		conn->pending = 0;
	}
	board_set_fingerprint(arena, set->slot, 0);
	set->clock_stale = true;
	turn_spend(turn, outbuf_len(&conn->out) - before);
	turn->requests = slow ? 0 : turn->requests - 1;
}
