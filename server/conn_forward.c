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
	return away->used;
}

/* This one where there is nobody else to ask; any other one for all. */
static uint32_t
node_for(const struct conns *set, const struct call *call)
{
	const struct route *route = set->env->route;
	struct slice bucket;

	if (command_kind(call) == COMMAND_HERE || route_is_alone(route))
		return route_self(route);
	if (command_kind(call) == COMMAND_EVERY)
		return route_self(route) == 0 ? 1 : 0;
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

void
conn_ask(struct conns *set, struct conn *conn, const struct link_question *q)
{
	struct away *away = &conn->away;

	away->asked++;
	switch (link_ask(away->link, q)) {
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
ask_piece(struct conns *set, struct conn *conn)
{
	const struct link_question q = {
		.who = conn, .req = &set->req, .shard = shard_of(set),
		.piece = true, .place = conn->away.place, .repeatable = true
	};

	conn_ask(set, conn, &q);
}

static void
begin_list(struct conns *set, struct conn *conn, bool every, size_t used)
{
	hold(set, conn, used);
	if (conn->broken)
		return;
	conn->away.list = !every;
	conn->away.every = every;
	conn->away.place = 0;
	if (every)
		conn_gather_begin(set, conn);
	else
		ask_piece(set, conn);
}

static void
ask(struct conns *set, struct conn *conn, bool repeatable, size_t used)
{
	const struct link_question q = {
		.who = conn, .req = &set->req, .shard = shard_of(set),
		.repeatable = repeatable
	};

	conn_ask(set, conn, &q);
	if (conn->away.crowded)
		hold(set, conn, used);
	else
		inbuf_consume(&conn->in, &set->pool, used);
}

static void
ask_node(struct conns *set, struct conn *conn, enum command_kind kind,
    size_t used)
{
	set->counted[BOARD_FORWARDED]++;
	switch (kind) {
	case COMMAND_LIST:
	case COMMAND_EVERY:
		begin_list(set, conn, kind == COMMAND_EVERY, used);
		return;
	case COMMAND_READ:
	case COMMAND_CHANGE:
		ask(set, conn, kind == COMMAND_READ, used);
		return;
	case COMMAND_FEED:
		conn_follow_bucket(set, conn, conn->away.link,
		    shard_of(set));
		if (inbuf_len(&conn->in) > 0)
			inbuf_consume(&conn->in, &set->pool, used);
		return;
	case COMMAND_HERE:
		return;
	}
}

/* One question, one answer: then more may be asked at once. */
static bool
is_single(enum command_kind kind)
{
	return kind == COMMAND_READ || kind == COMMAND_CHANGE;
}

/* Our table gives it to us, but it is not the one in force, and that one
 * does not. */
static bool
is_fenced(const struct conns *set, const struct call *call)
{
	const struct command_env *env = set->env;

	if (command_kind(call) == COMMAND_HERE ||
	    command_kind(call) == COMMAND_EVERY)
		return false;
	return !ownership_allows(env->inherit->arena, route_hash(env->route),
	    (struct bytes){ call->req->argv[1].data, call->req->argv[1].len });
}

static void
refuse_fenced(struct conns *set, struct conn *conn, size_t used)
{
	if (conn->state == CONN_FIRST)
		conn->state = CONN_SERVING;
	conn->active_ms = set->now_ms;
	set->counted[BOARD_REQUESTS]++;
	set->counted[BOARD_ERRORS]++;
	reply_error(&conn->out, "unavailable: %s: its routing table is "
	    "changing", route_name(set->env->route,
	    route_self(set->env->route)));
	inbuf_consume(&conn->in, &set->pool, used);
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
	    !is_single(command_kind(&call)))) {
		hold(set, conn, used);
		return;
	}
	if (link == NULL) {
		if (sound && is_fenced(set, &call))
			refuse_fenced(set, conn, used);
		else
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
conn_resume(struct conns *set, struct conn *conn, struct turn *turn)
{
	const struct away *away = &conn->away;

	turn->requests--;
	if (!away->list && !away->every) {
		conn_route(set, conn, take_held(set, conn));
		return;
	}
	memcpy(set->req.argv, away->argv, away->argc * sizeof(*away->argv));
	set->req.argc = away->argc;
	if (away->every)
		conn_gather_step(set, conn);
	else
		ask_piece(set, conn);
}

static void
forget_list(struct away *away)
{
	free(away->argv);
	free(away->gather.partial);
	away->argv = NULL;
	away->argc = 0;
	away->list = away->every = false;
	away->gather.partial = NULL;
}

void
conn_end_list(struct conns *set, struct conn *conn)
{
	forget_list(&conn->away);
	inbuf_consume(&conn->in, &set->pool, conn->away.used);
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
	conn->away.large = frame->payload.len > LARGE_REPLY;
	if (conn->away.every && (frame->flags & FRAME_FAILED) != 0)
		conn_gather_failed(set, conn, route_name(set->env->route,
		    conn->away.gather.node), "shard damaged");
	else if (conn->away.every)
		conn_gather_answered(set, conn, frame->place);
	else if (conn->away.list && frame->place == 0)
		conn_end_list(set, conn);
	settle(set, conn);
}

void
conn_failed(void *arg, void *who, enum link_failure failure,
    const char *node, const char *why)
{
	struct conns *set = arg;
	struct conn *conn = who;

	if (conn->away.every) {
		conn_gather_failed(set, conn, node, why);
		settle(set, conn);
		return;
	}
	reply_error(&conn->out, "%s: %s: %s", failure == LINK_UNKNOWN ?
	    "unknown" : "unavailable", node, why);
	set->counted[BOARD_ERRORS]++;
	if (conn->away.list)
		conn_end_list(set, conn);
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
	link_unfollow(&conn->follower);
	forget_list(&conn->away);
	memset(&conn->away, 0, sizeof(conn->away));
}
