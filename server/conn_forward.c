/*
 * Requests whose bucket another node has.
 *
 * A connection asks one node at a time, as much as it likes: its replies then
 * come in order without a queue to sort them in, and what a client sends in a
 * row happens in a row, whichever nodes it concerns.  The price is a wait
 * where a pipeline goes from one node to another.
 *
 * What cannot be done yet is held: its words are copied, its bytes stay in
 * the input.  So is a list, from its first piece to its last.
 */

#include <stdlib.h>
#include <string.h>

#include "proto/reply.h"
#include "server/conn.h"
#include "server/conn_state.h"

static void
hold(struct conns *set, struct conn *conn, size_t used)
{
	struct away *away = &conn->away;
	size_t size = set->req.argc * sizeof(*away->argv);

	if ((away->argv = malloc(size)) == NULL) {
		conn->broken = true;
		return;
	}
	memcpy(away->argv, set->req.argv, size);
	away->argc = set->req.argc;
	away->used = used;
}

/* Back to where a request is before it is executed. */
static size_t
take_held(struct conns *set, struct conn *conn)
{
	struct away *away = &conn->away;

	memcpy(set->req.argv, away->argv, away->argc * sizeof(*away->argv));
	set->req.argc = away->argc;
	free(away->argv);
	away->argv = NULL;
	away->argc = 0;
	away->list = false;
	return away->used;
}

/* This node is self where there is nobody else to ask. */
static uint32_t
node_for(const struct conns *set, const struct call *call)
{
	const struct route *route = set->env->route;
	struct slice bucket;

	if (command_kind(call) == COMMAND_HERE)
		return route_self(route);
	bucket = call->req->argv[1];
	return route_owner_of_name(route, bucket.data, bucket.len);
}

static uint32_t
shard_of(const struct conns *set)
{
	struct slice bucket = set->req.argv[1];

	return arena_shard_of(set->env->inherit->arena,
	    (struct bytes){ .data = bucket.data, .len = bucket.len });
}

static void
ask_piece(struct conns *set, struct conn *conn, const struct request *req)
{
	struct away *away = &conn->away;
	const struct link_question q = {
		.who = conn, .req = req, .shard = shard_of(set),
		.piece = true, .place = away->place, .repeatable = true
	};

	away->asked++;
	switch (link_ask(away->link, &q)) {
	case LINK_ASKED:
	case LINK_DOWN:
		return;
	case LINK_FULL:
		away->asked--;
		away->crowded = set->crowded = true;
		return;
	}
}

static void
begin_list(struct conns *set, struct conn *conn, size_t used)
{
	hold(set, conn, used);
	if (conn->broken)
		return;
	conn->away.list = true;
	conn->away.place = 0;
	ask_piece(set, conn, &set->req);
}

static void
ask(struct conns *set, struct conn *conn, bool repeatable, size_t used)
{
	struct away *away = &conn->away;
	const struct link_question q = {
		.who = conn, .req = &set->req, .shard = shard_of(set),
		.repeatable = repeatable
	};

	away->asked++;
	switch (link_ask(away->link, &q)) {
	case LINK_ASKED:
	case LINK_DOWN:
		inbuf_consume(&conn->in, &set->pool, used);
		return;
	case LINK_FULL:
		away->asked--;
		away->crowded = set->crowded = true;
		hold(set, conn, used);
		return;
	}
}

static void
ask_node(struct conns *set, struct conn *conn, enum command_kind kind,
    size_t used)
{
	set->counted[BOARD_FORWARDED]++;
	switch (kind) {
	case COMMAND_LIST:
		begin_list(set, conn, used);
		return;
	case COMMAND_READ:
	case COMMAND_CHANGE:
		ask(set, conn, kind == COMMAND_READ, used);
		return;
	case COMMAND_HERE:
		return;
	}
}

void
conn_route(struct conns *set, struct conn *conn, size_t used)
{
	struct outbuf nowhere = { .data = NULL };
	struct call call = { .env = set->env, .req = &set->req,
	    .out = &nowhere };
	bool sound = command_check(&call);
	uint32_t node = sound ? node_for(set, &call) :
	    route_self(set->env->route);
	struct link *link = NULL;

	outbuf_free(&nowhere);
	if (node != route_self(set->env->route))
		link = links_to(set->links, node);
	if (conn->away.asked > 0 && (link != conn->away.link ||
	    command_kind(&call) == COMMAND_LIST)) {
		hold(set, conn, used);
		return;
	}
	if (link == NULL) {
		conn_execute(set, conn, used);
		return;
	}
	if (conn->state == CONN_FIRST)
		conn->state = CONN_SERVING;
	conn->active_ms = set->now_ms;
	set->counted[BOARD_REQUESTS]++;
	conn->away.link = link;
	ask_node(set, conn, command_kind(&call), used);
}

void
conn_resume(struct conns *set, struct conn *conn)
{
	const struct away *away = &conn->away;

	if (away->list) {
		memcpy(set->req.argv, away->argv, away->argc *
		    sizeof(*away->argv));
		set->req.argc = away->argc;
		ask_piece(set, conn, &set->req);
	} else {
		conn_route(set, conn, take_held(set, conn));
	}
}

/* A list has come to its end. */
static void
end_list(struct conns *set, struct conn *conn)
{
	struct away *away = &conn->away;

	free(away->argv);
	away->argv = NULL;
	away->argc = 0;
	away->list = false;
	inbuf_consume(&conn->in, &set->pool, away->used);
}

static void
settle(struct conns *set, struct conn *conn)
{
	conn->away.asked--;
	conn->active_ms = set->now_ms;
	conn_enqueue(set, conn);
}

void
conn_answered(void *arg, void *who, const struct frame *frame)
{
	struct conns *set = arg;
	struct conn *conn = who;

	outbuf_append(&conn->out, frame->payload.data, frame->payload.len);
	if ((frame->flags & FRAME_FAILED) != 0)
		set->counted[BOARD_ERRORS]++;
	conn->away.place = frame->place;
	if (conn->away.list && frame->place == 0)
		end_list(set, conn);
	settle(set, conn);
}

void
conn_failed(void *arg, void *who, enum link_failure failure,
    const char *node, const char *why)
{
	struct conns *set = arg;
	struct conn *conn = who;

	reply_error(&conn->out, "%s: %s: %s", failure == LINK_UNKNOWN ?
	    "unknown" : "unavailable", node, why);
	set->counted[BOARD_ERRORS]++;
	if (conn->away.list)
		end_list(set, conn);
	settle(set, conn);
}

void
conns_have_room(void *arg)
{
	struct conns *set = arg;
	struct conn *conn;

	if (!set->crowded)
		return;
	set->crowded = false;
	TAILQ_FOREACH(conn, &set->all, all)
		if (conn->away.crowded) {
			conn->away.crowded = false;
			conn_enqueue(set, conn);
		}
}

void
conn_forget_away(struct conn *conn)
{
	if (conn->away.asked > 0)
		link_forget(conn->away.link, conn);
	free(conn->away.argv);
	memset(&conn->away, 0, sizeof(conn->away));
}
