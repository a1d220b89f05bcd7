/*
 * BUCKETS, INFO and PUBLISH over all nodes.
 *
 * Of BUCKETS each lists its own, one after the other, shard by shard, and one
 * piece at a time.  So nothing is kept but where the walk has got to, on this
 * node as on the others.  Of INFO the piece is a line of each.
 *
 * A node that does not answer is passed over; in INFO it has a line that says
 * so.  The list is then not all there is, and ends with an error that names
 * the first such node, where OK would say that it is.
 *
 * PUBLISH is said here first: if that is refused nobody hears it.  Then the
 * others say it in their order, and the answer is the sum over those that
 * have answered.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/reply.h"
#include "proto/resp_item.h"
#include "proto/resp_reply.h"
#include "server/conn_state.h"
#include "server/redis_pubsub.h"

/* The walk goes on at this or the next shard where the node has buckets. */
static void
find_shard(struct conns *set, struct gather *g)
{
	const struct route *route = set->env->route;
	uint32_t owner, shards = arena_shards(set->env->inherit->arena);

	g->place = 0;
	if (g->facts || g->sum)
		return;
	for (; g->node < route_count(route); g->node++, g->shard = 0)
		for (; g->shard < shards; g->shard++) {
			owner = route_owner(route, g->shard);
			if (owner == g->node || owner == ROUTE_NOBODY)
				return;
		}
}

static void
pass_over_node(struct conns *set, struct gather *g)
{
	g->node++;
	g->shard = 0;
	find_shard(set, g);
}

/* A piece of that shard is there; the next one begins at place, 0: none. */
static void
go_on_at(struct conns *set, struct gather *g, uint64_t place)
{
	if (g->facts) {
		pass_over_node(set, g);
		return;
	}
	g->place = place;
	if (place != 0)
		return;
	g->shard++;
	find_shard(set, g);
}

/* What was written since goes to the client, if it wants replies. */
static void
end_sum(struct conns *set, struct conn *conn, size_t before)
{
	if (session_step(&conn->session))
		outbuf_truncate(&conn->out, before);
	conn_end_list(set, conn);
}

static void
say_here(struct conns *set, struct conn *conn, struct call *call)
{
	struct arena *arena = set->env->inherit->arena;
	size_t before = outbuf_len(&conn->out);
	uint64_t heard;
	bool said;

	board_set_fingerprint(arena, set->slot,
	    command_fingerprint(&set->req));
	said = pubsub_say(call, &heard);
	board_set_fingerprint(arena, set->slot, 0);
	if (said) {
		conn->away.gather.total = heard;
		return;
	}
	set->counted[BOARD_ERRORS]++;
	end_sum(set, conn, before);
}

void
conn_gather_begin(struct conns *set, struct conn *conn,
    enum command_kind kind)
{
	struct call call = {
		.env = set->env, .req = &set->req, .out = &conn->out,
		.session = &conn->session
	};
	struct gather *g = &conn->away.gather;

	memset(g, 0, sizeof(*g));
	g->facts = kind == COMMAND_NODES;
	g->sum = kind == COMMAND_ALL;
	find_shard(set, g);
	if (g->facts)
		info_local(&call);
	if (g->sum)
		say_here(set, conn, &call);
}

static void
finish(struct conns *set, struct conn *conn)
{
	struct gather *g = &conn->away.gather;
	size_t before = outbuf_len(&conn->out);

	if (g->sum) {
		resp_put_integer(&conn->out, (int64_t)g->total);
		end_sum(set, conn, before);
		return;
	}
	if (g->partial == NULL) {
		reply_end(&conn->out);
	} else {
		reply_error(&conn->out, "partial: %s", g->partial);
		set->counted[BOARD_ERRORS]++;
	}
	conn_end_list(set, conn);
}

static void
list_here(struct conns *set, struct conn *conn)
{
	struct gather *g = &conn->away.gather;
	uint64_t fingerprint = command_fingerprint(&set->req);
	struct arena *arena = set->env->inherit->arena;
	enum shm_status status = SHM_OK;

	board_set_fingerprint(arena, set->slot, fingerprint);
	if (g->facts)
		info_node(set->env, &conn->out);
	else
		status = store_list_buckets(set->env->store, set->env->route,
		    g->shard, &g->place, &conn->out);
	board_set_fingerprint(arena, set->slot, 0);
	if (status != SHM_OK) {
		conn_gather_failed(set, conn,
		    route_name(set->env->route, g->node), "shard damaged");
		return;
	}
	go_on_at(set, g, g->place);
}

/* INFO, whatever was held, becomes the question for one line. */
static void
ask_for_facts(struct request *req)
{
	static const char *const words[] = { "INFO", "node" };
	size_t i;

	for (i = 0; i < 2; i++)
		req->argv[i] = (struct slice){ (const uint8_t *)words[i], 4 };
	req->argc = 2;
}

static void
ask_there(struct conns *set, struct conn *conn)
{
	struct gather *g = &conn->away.gather;
	const struct link_question q = {
		.who = conn, .req = &set->req,
		.shard = g->facts || g->sum ? FRAME_NO_SHARD : g->shard,
		.piece = !g->sum, .place = g->place, .repeatable = !g->sum,
		.waited = conn->away.waited
	};

	if (g->facts)
		ask_for_facts(&set->req);
	conn->away.link = links_to(set->links, g->node);
	conn_ask(set, conn, &q);
}

void
conn_gather_step(struct conns *set, struct conn *conn)
{
	struct gather *g = &conn->away.gather;

	if (g->sum && g->node == route_self(set->env->route))
		pass_over_node(set, g);
	if (g->node == route_count(set->env->route))
		finish(set, conn);
	else if (g->node == route_self(set->env->route))
		list_here(set, conn);
	else
		ask_there(set, conn);
}

void
conn_gather_answered(struct conns *set, struct conn *conn, uint64_t place)
{
	go_on_at(set, &conn->away.gather, place);
}

void
conn_gather_add(struct conns *set, struct conn *conn,
    const struct frame *frame)
{
	struct gather *g = &conn->away.gather;
	struct slice rest = frame->payload;
	int64_t n;

	/* Or it is an error, if it could not be said there. */
	if (resp_take_integer(&rest, &n) && n > 0)
		g->total += (uint64_t)n;
	pass_over_node(set, g);
}

void
conn_say_elsewhere(void *arg, const struct request *req)
{
	struct conns *set = arg;
	const struct link_question q = {
		.req = req, .shard = FRAME_NO_SHARD
	};
	uint32_t i;

	for (i = 0; i < route_count(set->env->route); i++)
		if (i != route_self(set->env->route))
			(void)link_ask(links_to(set->links, i), &q);
}

void
conn_gather_failed(struct conns *set, struct conn *conn, const char *node,
    const char *why)
{
	struct gather *g = &conn->away.gather;

	if (g->sum) {
		pass_over_node(set, g);
		return;
	}
	if (g->partial == NULL && asprintf(&g->partial, "%s: %s", node,
	    why) == -1)
		conn->broken = true;
	if (g->facts)
		info_node_down(set->env, g->node, why, &conn->out);
	pass_over_node(set, g);
}
