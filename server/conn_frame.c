/*
 * A connection whose other end is a node: after the handshake, frames, each a
 * request for a bucket of ours.
 *
 * A request is answered here or not at all.  Were it passed on, two nodes
 * with different tables could send it round for ever; so who does not have
 * the bucket says who has, and the two compare their tables.
 *
 * A worker that leaves says BYE and answers what is on its way; the other end
 * hangs up when it has its answers, and nothing is lost.
 */

#include <string.h>

#include "proto/reply.h"
#include "server/conn_state.h"
#include "server/poison.h"
#include "server/redis_every.h"
#include "server/redis_multi.h"

#define PIECE_BYTES	((size_t)64 * 1024)	/* of a list, about */
#define PART_BYTES	((size_t)256 * 1024)	/* of a long reply */
#define POISONED	"this request crashed a worker"

struct frame
conn_frame_of(const struct conns *set, enum frame_op op, uint32_t id)
{
	return (struct frame){
		.op = op, .id = id, .table = links_self(set->links)->table
	};
}

void
conn_refuse_frame(struct conns *set, struct conn *conn, uint32_t id,
    const char *why)
{
	struct frame frame = conn_frame_of(set, FRAME_REFUSED, id);

	frame.payload.data = (const uint8_t *)why;
	frame.payload.len = strlen(why);
	frame_write(&conn->out, &frame);
}

void
conn_say_not_mine(struct conns *set, struct conn *conn, uint32_t id,
    uint32_t owner)
{
	struct frame frame = conn_frame_of(set, FRAME_NOT_MINE, id);
	const char *name = route_name(set->env->route, owner);

	frame.payload.data = (const uint8_t *)name;
	frame.payload.len = strlen(name);
	frame_write(&conn->out, &frame);
}

void
conn_end_reply(struct conns *set, struct conn *conn, size_t mark,
    const struct frame *reply)
{
	size_t len = outbuf_len(&conn->out) - mark - FRAME_HEADER_LEN;
	size_t max = conn->greeting->peer_payload_max;

	if (conn->out.failed || len <= max) {
		frame_end(&conn->out, mark, reply);
	} else if ((reply->flags & FRAME_PLACE) != 0 ||
	    len > FRAME_REPLY_MAX) {
		outbuf_truncate(&conn->out, mark);
		conn_refuse_frame(set, conn, reply->id,
		    "its answer is longer than we take");
	} else {
		frame_end_long(&conn->out, mark, reply,
		    max < PART_BYTES ? max : PART_BYTES);
	}
}

/* One piece of a list.  Where the next one begins, 0 after the last. */
static uint64_t
write_piece(struct conns *set, struct stream *stream, struct outbuf *out,
    uint64_t place)
{
	size_t before = outbuf_len(out);
	bool more;

	if (!stream_set_place(stream, place)) {
		reply_error(out, "the list has no such place");
		return 0;
	}
	do
		more = stream->next(stream, set->env->store, out);
	while (more && outbuf_len(out) - before < PIECE_BYTES);
	return more ? stream_place(stream) : 0;
}

/* A sound request for a bucket of ours. */
static void
answer(struct conns *set, struct conn *conn, struct call *call,
    const struct frame *frame)
{
	struct frame reply = conn_frame_of(set, FRAME_REPLY, frame->id);
	bool measured = conns_begin_request(set);
	size_t mark;

	reply.flags = frame->flags & (FRAME_PROTOCOLS | FRAME_PLACE);
	mark = frame_begin(&conn->out, &reply);
	reply.place = frame->place;
	call->out = &conn->out;
	command_run(call);
	if (call->next == CALL_STREAM)
		reply.place = write_piece(set, call->stream, call->out,
		    reply.place);
	if (measured)
		conns_end_request(set, &conn->session, call);
	stream_end(call->stream);
	if (call->failed) {
		reply.flags |= FRAME_FAILED;
		set->counted[BOARD_ERRORS]++;
	}
	conn_end_reply(set, conn, mark, &reply);
}

/* A piece of what this node has of it, for who asks every node. */
static void
answer_part(struct conns *set, struct conn *conn, struct call *call,
    const struct frame *frame)
{
	struct frame reply = conn_frame_of(set, FRAME_REPLY, frame->id);
	size_t mark;

	reply.flags = frame->flags & (FRAME_PROTOCOLS | FRAME_PLACE);
	mark = frame_begin(&conn->out, &reply);
	reply.place = frame->place;
	call->out = &conn->out;
	redis_run_every(call, &reply.place);
	if (call->failed) {
		reply.flags |= FRAME_FAILED;
		set->counted[BOARD_ERRORS]++;
	}
	conn_end_reply(set, conn, mark, &reply);
}

static void
begin_feed(struct conns *set, struct conn *conn, const struct frame *frame)
{
	struct frame reply = conn_frame_of(set, FRAME_REPLY, frame->id);

	reply.flags = FRAME_TEXT;
	conn_feed_begin(set, conn, &reply);
}

/* All that EVERY stands for: our part of BUCKETS, of one shard. */
static void
list_buckets(struct conns *set, struct conn *conn, const struct frame *frame)
{
	struct frame reply = conn_frame_of(set, FRAME_REPLY, frame->id);
	size_t mark;

	if (frame->shard >= arena_shards(set->env->inherit->arena)) {
		conn_refuse_frame(set, conn, frame->id, "it has no such shard");
		return;
	}
	reply.flags = FRAME_TEXT | FRAME_PLACE;
	reply.place = frame->place;
	mark = frame_begin(&conn->out, &reply);
	if (store_list_buckets(set->env->store, set->env->route,
	    frame->shard, &reply.place, &conn->out) != SHM_OK) {
		reply.flags |= FRAME_FAILED;
		reply.place = 0;
	}
	conn_end_reply(set, conn, mark, &reply);
}

/* What INFO says of this node alone, for the one that asks all of them. */
static void
tell_of_node(struct conns *set, struct conn *conn, const struct frame *frame)
{
	struct frame reply = conn_frame_of(set, FRAME_REPLY, frame->id);
	size_t mark;

	reply.flags = FRAME_TEXT | FRAME_PLACE;
	mark = frame_begin(&conn->out, &reply);
	info_node(set->env, &conn->out);
	conn_end_reply(set, conn, mark, &reply);
}

static bool
has_my_table(const struct conns *set, const struct frame *frame)
{
	const struct frame_table *ours = &links_self(set->links)->table;

	return frame->table.version == ours->version &&
	    frame->table.hash == ours->hash;
}

/* Is it about a node, and not about a bucket? */
static bool
is_of_node(enum command_kind kind)
{
	return kind == COMMAND_EVERY || kind == COMMAND_NODE ||
	    kind == COMMAND_ALL || kind == COMMAND_HEAR;
}

void
conn_say_poisoned(struct conns *set, struct conn *conn,
    const struct frame *frame, bool in_list)
{
	struct frame reply = conn_frame_of(set, FRAME_REPLY, frame->id);
	size_t mark;

	set->counted[BOARD_REFUSED_POISON]++;
	set->counted[BOARD_ERRORS]++;
	if (in_list) {
		conn_refuse_frame(set, conn, frame->id, "refused: " POISONED);
		return;
	}
	reply.flags = FRAME_FAILED |
	    (frame->flags & (FRAME_PROTOCOLS | FRAME_PLACE));
	mark = frame_begin(&conn->out, &reply);
	conn_put_error(&conn->out, set->req.protocol, "REFUSED", POISONED);
	frame_end(&conn->out, mark, &reply);
}

/* While the fingerprint is on the board, a crash is laid on the request. */
static void
execute(struct conns *set, struct conn *conn, struct call *call,
    enum command_kind kind, const struct frame *frame)
{
	uint64_t fingerprint = command_fingerprint(&set->req);
	struct arena *arena = set->env->inherit->arena;

	if (poison_is_refused(set->env->inherit->poison, fingerprint,
	    set->now_ms)) {
		conn_say_poisoned(set, conn, frame, is_of_node(kind));
		return;
	}
	board_set_fingerprint(arena, set->slot, fingerprint);
	if (kind == COMMAND_EVERY && set->req.protocol != REQUEST_TEXT)
		answer_part(set, conn, call, frame);
	else if (kind == COMMAND_EVERY)
		list_buckets(set, conn, frame);
	else if (kind == COMMAND_NODE)
		tell_of_node(set, conn, frame);
	else if (kind == COMMAND_FEED || kind == COMMAND_HEAR)
		begin_feed(set, conn, frame);
	else
		answer(set, conn, call, frame);
	board_set_fingerprint(arena, set->slot, 0);
}

/* Of a list of all nodes each has its part. */
static uint32_t
owner_of(const struct conns *set, enum command_kind kind)
{
	struct slice bucket = command_name(&set->req);

	if (is_of_node(kind))
		return route_self(set->env->route);
	if (kind == COMMAND_AT)
		return redis_node_at(&set->req, set->env->route);
	return route_owner_of_name(set->env->route, bucket.data, bucket.len);
}

/* Our table gives it to us, and the one in force does not. */
static bool
is_fenced(const struct conns *set, const struct frame *frame)
{
	struct slice bucket = command_name(&set->req);
	enum command_kind kind = command_kind(&set->req);

	return !is_of_node(kind) && kind != COMMAND_AT &&
	    !ownership_allows(set->env->inherit->arena, frame->table.hash,
	    (struct bytes){ bucket.data, bucket.len });
}

/* A node asks for lists by the piece, and about the node for no shard. */
static bool
is_for_nodes(enum command_kind kind, const struct frame *frame)
{
	bool piece = (frame->flags & FRAME_PLACE) != 0;

	switch (kind) {
	case COMMAND_HERE:
	case COMMAND_NODES:
	case COMMAND_EXEC:
		return false;
	case COMMAND_NODE:
		return piece && frame->shard == FRAME_NO_SHARD;
	case COMMAND_EVERY:
		return piece && (frame->shard == FRAME_NO_SHARD) ==
		    ((frame->flags & FRAME_TEXT) == 0);
	case COMMAND_AT:
		return !piece && frame->shard == FRAME_NO_SHARD;
	case COMMAND_LIST:
		return piece;
	case COMMAND_ALL:
	case COMMAND_HEAR:
		return !piece && frame->shard == FRAME_NO_SHARD;
	case COMMAND_CHANGE:
	case COMMAND_READ:
	case COMMAND_FEED:
	case COMMAND_WATCH:
		return !piece;
	}
	return false;
}

/*
 * The other end is a node, but perhaps of another version: what it asks for
 * is checked like a client's.
 */
static void
take_request(struct conns *set, struct conn *conn, const struct frame *frame)
{
	struct outbuf nowhere = { .data = NULL };
	struct call call = {
		.env = set->env, .req = &set->req, .out = &nowhere,
		.stream = &conn->stream, .next = CALL_GO_ON
	};
	bool sound = command_check(&call);
	enum command_kind kind = command_kind(&set->req);
	uint32_t owner;

	outbuf_free(&nowhere);
	if (!sound || !is_for_nodes(kind, frame)) {
		conn_refuse_frame(set, conn, frame->id, CONN_NO_SUCH);
		return;
	}
	owner = owner_of(set, kind);
	if (owner != route_self(set->env->route))
		conn_say_not_mine(set, conn, frame->id, owner);
	else if (is_fenced(set, frame))
		conn_refuse_frame(set, conn, frame->id, CONN_CHANGING);
	else
		execute(set, conn, &call, kind, frame);
}

static void
take_any_request(struct conns *set, struct conn *conn,
    const struct frame *frame)
{
	set->counted[BOARD_REQUESTS]++;
	if (!has_my_table(set, frame))
		conn_refuse_frame(set, conn, frame->id, "its routing table is "
		    "another one: compare the nodes in both configurations");
	else if (multi_is_asked(&set->req))
		conn_take_multi(set, conn, frame);
	else
		take_request(set, conn, frame);
}

/* Returns false, with the reason, if it makes no sense. */
static bool
take_frame(struct conns *set, struct conn *conn, const struct frame *frame,
    const char **reason)
{
	struct frame pong;

	*reason = "it sends what is not for us";
	switch (frame->op) {
	case FRAME_REQUEST:
		if (!frame_words(frame, &set->req, reason))
			return false;
		take_any_request(set, conn, frame);
		return true;
	case FRAME_PING:
		pong = conn_frame_of(set, FRAME_PONG, frame->id);
		frame_write(&conn->out, &pong);
		return true;
	case FRAME_CANCEL:
		conn_feed_cancel(set, conn, frame->id);
		return true;
	case FRAME_BYE:
		return true;
	case FRAME_REPLY:
	case FRAME_EVENT:
	case FRAME_NOT_MINE:
	case FRAME_REFUSED:
	case FRAME_PONG:
		break;
	}
	return false;
}

void
conn_parse_frame(struct conns *set, struct conn *conn, struct turn *turn)
{
	struct inbuf *in = &conn->in;
	struct frame frame;
	const char *reason;
	size_t used;

	if (inbuf_len(in) == 0) {
		conn->hungry = true;
		return;
	}
	if (!conn->greeted) {
		conn_go_on_greeting(set, conn);
		return;
	}
	switch (frame_parse(in->data + in->head, inbuf_len(in),
	    links_self(set->links)->payload_max, &frame, &reason, &used)) {
	case FRAME_OK:
		turn->requests--;
		conn->active_ms = set->now_ms;
		if (take_frame(set, conn, &frame, &reason)) {
			inbuf_consume(in, &set->pool, used);
			return;
		}
		break;
	case FRAME_MORE:
		conn->hungry = true;
		return;
	case FRAME_BAD:
		break;
	}
	conn_log_refusal(conn, reason);
	conn->broken = true;
}

void
conn_say_bye(struct conns *set, struct conn *conn)
{
	struct frame bye = conn_frame_of(set, FRAME_BYE, 0);

	frame_write(&conn->out, &bye);
	conn_enqueue(set, conn);
}
