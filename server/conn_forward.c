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
#include "server/redis.h"
#include "server/redis_every.h"
#include "server/redis_multi.h"

/* Words that are kept of a request: of one with too many not all were. */
static size_t
size_of_words(size_t argc)
{
	return (argc < REQUEST_ARGS_MAX ? argc : REQUEST_ARGS_MAX) *
	    sizeof(struct slice);
}

void
conn_hold(struct conns *set, struct conn *conn, size_t used)
{
	struct away *away = &conn->away;
	size_t size = size_of_words(set->req.argc);

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

	memcpy(set->req.argv, away->argv, size_of_words(away->argc));
	set->req.argc = away->argc;
	set->req.protocol = conn->session.protocol;
	free(away->argv);
	away->argv = NULL;
	away->argc = 0;
	return away->used;
}

/* Is it about a bucket, argv[1], that a node has? */
static bool
is_for_owner(enum command_kind kind)
{
	switch (kind) {
	case COMMAND_CHANGE:
	case COMMAND_READ:
	case COMMAND_LIST:
	case COMMAND_FEED:
	case COMMAND_WATCH:
		return true;
	case COMMAND_HERE:
	case COMMAND_EVERY:
	case COMMAND_NODE:
	case COMMAND_NODES:
	case COMMAND_ALL:
	case COMMAND_HEAR:
	case COMMAND_EXEC:
	case COMMAND_AT:
		break;
	}
	return false;
}

/*
 * This one where there is nobody else to ask; any other one for all.  The
 * shard is told if it had to be found, which is not for nothing.
 */
static uint32_t
node_for(const struct conns *set, const struct conn *conn,
    enum command_kind kind, uint32_t *shard)
{
	const struct route *route = set->env->route;
	const struct request *req = &set->req;
	struct slice name;

	if (kind == COMMAND_HERE || kind == COMMAND_HEAR ||
	    kind == COMMAND_NODE || route_is_alone(route))
		return route_self(route);
	if (kind == COMMAND_EXEC)
		return multi_owner(set->env, conn->session.multi, shard);
	if (kind == COMMAND_AT)
		return redis_node_at(req, route);
	if (!is_for_owner(kind))
		return route_self(route) == 0 ? 1 : 0;
	name = command_name(req);
	if (name.len == 0)
		return route_self(route);
	return route_find_owner(route, name.data, name.len, shard);
}

/* Nobody is asked what can be answered here: that it makes no sense. */
static bool
is_sound(const struct conns *set, struct conn *conn)
{
	struct outbuf nowhere = { .data = NULL };
	struct call call = { .env = set->env, .req = &set->req,
	    .out = &nowhere, .session = &conn->session };
	bool sound = command_check(&call);

	outbuf_free(&nowhere);
	return sound;
}

uint32_t
conn_shard_of(const struct conns *set)
{
	struct slice bucket = command_name(&set->req);

	return arena_shard_of(set->env->inherit->arena,
	    (struct bytes){ .data = bucket.data, .len = bucket.len });
}

void
conn_ask(struct conns *set, struct conn *conn, const struct link_question *q)
{
	struct away *away = &conn->away;

	away->asked++;
	away->waited = false;
	switch (link_ask(away->link, q)) {
	case LINK_ASKED:
	case LINK_DOWN:
		return;
	case LINK_FULL:
		away->asked--;
		away->crowded = true;
		TAILQ_INSERT_TAIL(&set->crowd, conn, crowd);
		return;
	}
}

static void
ask_piece(struct conns *set, struct conn *conn)
{
	const struct link_question q = {
		.who = conn, .req = &set->req, .shard = conn_shard_of(set),
		.piece = true, .place = conn->away.place, .repeatable = true,
		.waited = conn->away.waited
	};

	conn_ask(set, conn, &q);
}

static void
begin_list(struct conns *set, struct conn *conn, enum command_kind kind,
    size_t used)
{
	conn_hold(set, conn, used);
	if (conn->broken)
		return;
	conn->away.list = kind == COMMAND_LIST;
	conn->away.every = kind != COMMAND_LIST;
	conn->away.place = 0;
	if (conn->away.every)
		conn_gather_begin(set, conn, kind);
	else
		ask_piece(set, conn);
}

static void
ask(struct conns *set, struct conn *conn, bool repeatable, uint32_t shard,
    size_t used)
{
	const struct link_question q = {
		.who = conn, .req = &set->req, .shard = shard,
		.repeatable = repeatable, .waited = conn->away.waited
	};

	conn_ask(set, conn, &q);
	if (conn->away.crowded)
		conn_hold(set, conn, used);
	else
		inbuf_consume(&conn->in, &set->pool, used);
}

static void
ask_node(struct conns *set, struct conn *conn, enum command_kind kind,
    uint32_t shard, size_t used)
{
	if (shard == FRAME_NO_SHARD && is_for_owner(kind))
		shard = conn_shard_of(set);
	switch (kind) {
	case COMMAND_LIST:
	case COMMAND_EVERY:
	case COMMAND_NODES:
	case COMMAND_ALL:
		begin_list(set, conn, kind, used);
		return;
	case COMMAND_READ:
	case COMMAND_CHANGE:
	case COMMAND_AT:
		ask(set, conn, kind != COMMAND_CHANGE, shard, used);
		return;
	case COMMAND_FEED:
		conn_follow_bucket(set, conn, conn->away.link, shard);
		if (inbuf_len(&conn->in) > 0)
			inbuf_consume(&conn->in, &set->pool, used);
		return;
	case COMMAND_WATCH:
	case COMMAND_EXEC:
		conn_ask_multi(set, conn, kind, shard, used);
		return;
	case COMMAND_HERE:
	case COMMAND_HEAR:
	case COMMAND_NODE:
		return;
	}
}

/* One question, one answer: then more may be asked at once. */
static bool
is_single(enum command_kind kind)
{
	return kind == COMMAND_READ || kind == COMMAND_CHANGE ||
	    kind == COMMAND_AT;
}

/* Our table gives it to us, but it is not the one in force, and that one
 * does not. */
static bool
is_fenced(const struct conns *set, enum command_kind kind)
{
	const struct command_env *env = set->env;
	const struct request *req = &set->req;

	struct slice name = command_name(req);

	if (!is_for_owner(kind) || name.len == 0)
		return false;
	return !ownership_allows(env->inherit->arena, route_hash(env->route),
	    (struct bytes){ name.data, name.len });
}

/* The error behind that mark is its answer, unless it wants none. */
static void
refused(struct conns *set, struct conn *conn, size_t mark, size_t used)
{
	if (conn->state == CONN_FIRST)
		conn->state = CONN_SERVING;
	conn->active_ms = conn->session.active_ms = set->now_ms;
	set->counted[BOARD_REQUESTS]++;
	set->counted[BOARD_ERRORS]++;
	if (session_step(&conn->session))
		outbuf_truncate(&conn->out, mark);
	inbuf_consume(&conn->in, &set->pool, used);
}

static void
refuse_fenced(struct conns *set, struct conn *conn, size_t used)
{
	size_t mark = outbuf_len(&conn->out);

	conn_error(conn, "UNAVAILABLE", "%s: its routing table is "
	    "changing", route_name(set->env->route,
	    route_self(set->env->route)));
	refused(set, conn, mark, used);
}

/* Has another node any of its keys?  Not if one lacks its value. */
static bool
is_of_several(const struct conns *set, uint32_t node)
{
	const struct request *req = &set->req;
	const struct route *route = set->env->route;
	const struct redis_command *command;
	size_t word = 0;

	if (req->protocol == REQUEST_TEXT ||
	    (command = redis_find(req->argv[0])) == NULL ||
	    (command->step == 2 && req->argc % 2 == 0))
		return false;
	while ((word = redis_next_key(req, word)) != 0)
		if (route_owner_of_name(route, req->argv[word].data,
		    req->argv[word].len) != node)
			return true;
	return false;
}

static void
refuse_split(struct conns *set, struct conn *conn, size_t used)
{
	size_t mark = outbuf_len(&conn->out);

	conn_error(conn, "CROSSSLOT",
	    "Keys in request don't hash to the same slot");
	refused(set, conn, mark, used);
}

/* What is executed here is checked when it is. */
void
conn_route(struct conns *set, struct conn *conn, size_t used)
{
	enum command_kind kind = multi_kind(&conn->session, &set->req);
	uint32_t shard = FRAME_NO_SHARD;
	uint32_t node = node_for(set, conn, kind, &shard);
	struct link *link = NULL;
	bool several;

	if (node != route_self(set->env->route) && is_sound(set, conn))
		link = links_to(set->links, node);
	several = kind != COMMAND_HERE && is_of_several(set, node) &&
	    is_sound(set, conn);
	if (conn->away.asked > 0 && (link != conn->away.link ||
	    !is_single(kind) || several)) {
		conn_hold(set, conn, used);
		return;
	}
	if (several) {
		if (conn_split_can(set))
			conn_split_begin(set, conn, kind, used);
		else
			refuse_split(set, conn, used);
		return;
	}
	if (link == NULL) {
		if (is_fenced(set, kind))
			refuse_fenced(set, conn, used);
		else
			conn_execute(set, conn, used);
		return;
	}
	if (kind == COMMAND_EVERY && set->req.protocol != REQUEST_TEXT) {
		conn_split_begin(set, conn, kind, used);
		return;
	}
	if (conn->state == CONN_FIRST)
		conn->state = CONN_SERVING;
	conn->active_ms = conn->session.active_ms = set->now_ms;
	if (!conn->away.waited) {
		set->counted[BOARD_FORWARDED]++;
		/* Those are counted when they are executed. */
		if (kind != COMMAND_WATCH && kind != COMMAND_EXEC)
			set->counted[BOARD_REQUESTS]++;
	}
	conn->away.link = link;
	ask_node(set, conn, kind, shard, used);
}

void
conn_resume(struct conns *set, struct conn *conn, struct turn *turn)
{
	struct away *away = &conn->away;
	bool answered = away->answered;

	turn->requests--;
	if (!away->list && !away->every && away->split == NULL) {
		away->multi = away->answered = false;
		if (answered)
			conn_execute(set, conn, take_held(set, conn));
		else
			conn_route(set, conn, take_held(set, conn));
		return;
	}
	memcpy(set->req.argv, away->argv, away->argc * sizeof(*away->argv));
	set->req.argc = away->argc;
	set->req.protocol = conn->session.protocol;
	if (away->split != NULL)
		conn_split_step(set, conn, turn);
	else if (away->every)
		conn_gather_step(set, conn);
	else
		ask_piece(set, conn);
}

static void
forget_list(struct away *away)
{
	free(away->argv);
	free(away->gather.partial);
	conn_split_forget(away);
	away->argv = NULL;
	away->argc = 0;
	away->list = away->every = away->multi = false;
	away->gather.partial = NULL;
	away->gather.sum = false;
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

static void
note_size(struct away *away, size_t len)
{
	away->large = len > LARGE_REPLY;
	if (away->large)
		away->small = 0;
	else if (away->small < SMALL_MAX)
		away->small++;
}

void
conn_answered(void *arg, void *who, const struct frame *frame)
{
	struct conns *set = arg;
	struct conn *conn = who;

	if (conn->away.split != NULL) {
		conn_split_answered(set, conn, frame);
		settle(set, conn);
		return;
	}
	if (conn->away.gather.sum) {
		conn_gather_add(set, conn, frame);
		settle(set, conn);
		return;
	}
	if (conn->away.multi && (frame->flags & FRAME_FAILED) == 0) {
		conn_multi_answered(conn, frame->payload);
		settle(set, conn);
		return;
	}
	if (!session_step(&conn->session))
		outbuf_append(&conn->out, frame->payload.data,
		    frame->payload.len);
	if ((frame->flags & FRAME_FAILED) != 0)
		set->counted[BOARD_ERRORS]++;
	conn->away.place = frame->place;
	note_size(&conn->away, frame->payload.len);
	if (conn->away.every && (frame->flags & FRAME_FAILED) != 0)
		conn_gather_failed(set, conn, route_name(set->env->route,
		    conn->away.gather.node), "shard damaged");
	else if (conn->away.every)
		conn_gather_answered(set, conn, frame->place);
	else if (conn->away.list && frame->place == 0)
		conn_end_list(set, conn);
	else if (conn->away.multi)
		conn_multi_failed(set, conn);
	settle(set, conn);
}

/* Of a list that has begun nobody can say that it was not executed. */
static const char *
class_of(const struct away *away, enum link_failure failure)
{
	if (away->list && away->place != 0)
		return "PARTIAL";
	return failure == LINK_UNKNOWN ? "UNKNOWN" : "UNAVAILABLE";
}

void
conn_failed(void *arg, void *who, enum link_failure failure,
    const char *node, const char *why)
{
	struct conns *set = arg;
	struct conn *conn = who;
	size_t before = outbuf_len(&conn->out);

	if (conn->away.split != NULL) {
		conn_split_failed(set, conn, failure, node, why);
		settle(set, conn);
		return;
	}
	if (conn->away.every) {
		conn_gather_failed(set, conn, node, why);
		settle(set, conn);
		return;
	}
	conn_error(conn, class_of(&conn->away, failure), "%s: %s", node,
	    why);
	if (session_step(&conn->session))
		outbuf_truncate(&conn->out, before);
	set->counted[BOARD_ERRORS]++;
	if (conn->away.list)
		conn_end_list(set, conn);
	else if (conn->away.multi)
		conn_multi_failed(set, conn);
	settle(set, conn);
}

static void
leave_crowd(struct conns *set, struct conn *conn)
{
	conn->away.crowded = false;
	TAILQ_REMOVE(&set->crowd, conn, crowd);
}

/* In the order in which they came; that one is woken is as good as asked. */
bool
conns_have_room(void *arg, const struct link *link, size_t bytes)
{
	struct conns *set = arg;
	struct conn *conn, *next;

	for (conn = TAILQ_FIRST(&set->crowd); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, crowd);
		if (conn->away.link != link)
			continue;
		if (bytes == 0)
			return true;
		bytes -= conn->away.used < bytes ? conn->away.used : bytes;
		leave_crowd(set, conn);
		conn->away.waited = true;
		conn_enqueue(set, conn);
	}
	return false;
}

void
conn_forget_away(struct conns *set, struct conn *conn)
{
	if (conn->away.asked > 0)
		link_forget(conn->away.link, conn);
	if (conn->away.crowded)
		leave_crowd(set, conn);
	link_unfollow(&conn->follower);
	forget_list(&conn->away);
	memset(&conn->away, 0, sizeof(conn->away));
}
