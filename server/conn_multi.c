/*
 * WATCH and EXEC of what another node has, from both ends.
 *
 * What the owner answers is not yet the client's answer: of WATCH it is what
 * to remember, of EXEC some of the replies.  So the request is held, and when
 * the answer is there it is executed here like any other, and finds it.
 *
 * For the owner an EXEC is one request.  It is executed as a whole or refused,
 * and the link says the same of it as of any other: not executed, or, if it
 * breaks, that nobody knows.
 */

#include "server/conn_state.h"
#include "server/poison.h"
#include "server/redis_multi.h"

/* --- this node's client --- */

static bool
is_poisoned(const struct conns *set, const struct conn *conn)
{
	return poison_is_refused(set->env->inherit->poison,
	    multi_fingerprint(conn->session.multi,
	    command_fingerprint(&set->req)), set->now_ms);
}

static void
ask(struct conns *set, struct conn *conn, bool repeatable, uint32_t shard)
{
	const struct link_question q = {
		.who = conn, .req = &set->req, .shard = shard,
		.repeatable = repeatable, .waited = conn->away.waited
	};

	conn_ask(set, conn, &q);
}

static void
ask_exec(struct conns *set, struct conn *conn, uint32_t shard)
{
	const struct multi *m = conn->session.multi;
	struct outbuf bytes;

	outbuf_init(&bytes);
	if (multi_compose(m, &set->req, &bytes))
		ask(set, conn, !multi_changes(m), shard);
	else
		conn->broken = true;
	outbuf_free(&bytes);
}

void
conn_ask_multi(struct conns *set, struct conn *conn, enum command_kind kind,
    uint32_t shard, size_t used)
{
	/* Asked there, it would have been executed when it is refused here. */
	if (kind == COMMAND_EXEC && is_poisoned(set, conn)) {
		conn_execute(set, conn, used);
		return;
	}
	conn_hold(set, conn, used);
	if (conn->broken)
		return;
	conn->away.multi = true;
	if (kind == COMMAND_EXEC)
		ask_exec(set, conn, shard);
	else
		ask(set, conn, true, shard);
}

void
conn_multi_answered(struct conn *conn, struct slice payload)
{
	conn->away.answered = true;
	if (!multi_set_answer(&conn->session, payload))
		conn->broken = true;
}

void
conn_multi_failed(struct conns *set, struct conn *conn)
{
	set->counted[BOARD_REQUESTS]++;
	if (multi_is_open(&conn->session))
		multi_forget(&conn->session);
	conn_end_list(set, conn);
}

/* --- another node's --- */

static void
execute(struct conns *set, struct conn *conn, struct multi *m,
    const struct frame *frame)
{
	struct frame reply = conn_frame_of(set, FRAME_REPLY, frame->id);
	struct call call = {
		.env = set->env, .req = &set->req, .out = &conn->out,
		.stream = &conn->stream, .next = CALL_GO_ON
	};
	size_t room = conn->greeting->peer_payload_max, mark;

	if (room > set->env->config->output_max_bytes)
		room = set->env->config->output_max_bytes;
	reply.flags = frame->flags & FRAME_PROTOCOLS;
	mark = frame_begin(&conn->out, &reply);
	multi_execute(&call, m, room);
	if (call.failed) {
		reply.flags |= FRAME_FAILED;
		set->counted[BOARD_ERRORS]++;
	}
	conn_end_reply(set, conn, mark, &reply);
}

/* While the fingerprint is on the board, a crash is laid on the request. */
static void
try_to_execute(struct conns *set, struct conn *conn, struct multi *m,
    const struct frame *frame)
{
	struct arena *arena = set->env->inherit->arena;
	uint64_t fingerprint = multi_fingerprint(m, 0);

	if (poison_is_refused(set->env->inherit->poison, fingerprint,
	    set->now_ms)) {
		conn_say_poisoned(set, conn, frame, false);
		return;
	}
	board_set_fingerprint(arena, set->slot, fingerprint);
	execute(set, conn, m, frame);
	board_set_fingerprint(arena, set->slot, 0);
}

void
conn_take_multi(struct conns *set, struct conn *conn,
    const struct frame *frame)
{
	const struct command_env *env = set->env;
	struct multi *m = multi_read(env, &set->req);
	uint32_t owner, shard;

	if (m == NULL || (frame->flags & FRAME_PLACE) != 0) {
		conn_refuse_frame(set, conn, frame->id, CONN_NO_SUCH);
		multi_free(m);
		return;
	}
	owner = multi_owner(env, m, &shard);
	if (owner != route_self(env->route))
		conn_say_not_mine(set, conn, frame->id, owner);
	else if (multi_is_fenced(env, m))
		conn_refuse_frame(set, conn, frame->id, CONN_CHANGING);
	else
		try_to_execute(set, conn, m, frame);
	multi_free(m);
}
