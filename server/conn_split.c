/*
 * Requests in RESP that several nodes have a part in: what all of them have
 * names of, and commands with keys here and there.
 *
 * Each node is asked for its part, one after the other in the order of the
 * table, and what they say becomes one answer in the order of the request.
 * This node is one of them, and does its part by the same code.
 *
 * Redis knows no answer that lacks something.  So the first part that fails is
 * the end, and nobody else is asked; the error says which node it was, and by
 * its class whether others have done their parts.
 */

#include <stdlib.h>
#include <string.h>

#include "proto/resp_item.h"
#include "server/conn_state.h"
#include "server/poison.h"
#include "server/redis_every.h"
#include "server/redis_walk.h"

#define VALUES_BYTES	((size_t)64 * 1024 * 1024)	/* of MGET's reply */
#define NO_SENSE	"its answer makes no sense"

enum merge {
	MERGE_SUM,		/* of integers */
	MERGE_DONE,		/* OK if all are */
	MERGE_LIST,		/* of all items */
	MERGE_DRAW,		/* one item, by the integer before it */
	MERGE_WORDS		/* an item for each key */
};

struct rule {
	const char	*name;
	enum merge	 merge;
	bool		 changes;
};

static const struct rule rules[] = {
	{ "BUCKETS", MERGE_LIST, false },
	{ "DBSIZE", MERGE_SUM, false },
	{ "DEL", MERGE_SUM, true },
	{ "EXISTS", MERGE_SUM, false },
	{ "FLUSHALL", MERGE_DONE, true },
	{ "FLUSHDB", MERGE_DONE, true },
	{ "KEYS", MERGE_LIST, false },
	{ "MGET", MERGE_WORDS, false },
	{ "MSET", MERGE_DONE, true },
	{ "RANDOMKEY", MERGE_DRAW, false },
	{ "TOUCH", MERGE_SUM, false },
	{ "UNLINK", MERGE_SUM, true }
};

#define RULES	(sizeof(rules) / sizeof(rules[0]))

struct item {			/* of a key, in items */
	size_t	at;
	size_t	len;
};

struct split {
	const struct rule	*rule;
	bool			 every;		/* node has a part; else who
						 * has keys */
	uint32_t		 node;		/* whose turn it is */
	uint64_t		 place;		/* of its next piece */
	bool			 begun;		/* a part has been executed */
	int64_t			 total;
	size_t			 n;
	struct outbuf		 items;
	struct item		*of_word;	/* of MERGE_WORDS */
};

static const struct rule *
find_rule(const struct request *req)
{
	size_t i;

	for (i = 0; i < RULES; i++)
		if (redis_is(req->argv[0], rules[i].name))
			return &rules[i];
	return NULL;
}

bool
conn_split_can(const struct conns *set)
{
	return find_rule(&set->req) != NULL;
}

void
conn_split_forget(struct away *away)
{
	struct split *split = away->split;

	if (split == NULL)
		return;
	outbuf_free(&split->items);
	free(split->of_word);
	free(split);
	away->split = NULL;
}

/* --- whose turn it is --- */

static uint32_t
owner_of(const struct conns *set, size_t word)
{
	struct slice name = set->req.argv[word];

	return route_owner_of_name(set->env->route, name.data, name.len);
}

static bool
has_keys(const struct conns *set, uint32_t node)
{
	size_t word = 0;

	while ((word = redis_next_key(&set->req, word)) != 0)
		if (owner_of(set, word) == node)
			return true;
	return false;
}

/* The request is whole, as the client has sent it. */
static void
find_node(const struct conns *set, struct split *split)
{
	uint32_t count = route_count(set->env->route);

	while (!split->every && split->node < count &&
	    !has_keys(set, split->node))
		split->node++;
}

static void
next_node(const struct conns *set, struct split *split)
{
	split->node++;
	find_node(set, split);
}

/* The request becomes the part of it that a node has the keys of. */
static void
take_part(struct conns *set, const struct split *split)
{
	const struct redis_command *command = redis_find(set->req.argv[0]);
	struct slice *argv = set->req.argv;
	size_t i, step = (size_t)command->step, word = 0, n = 1;

	if (split->every)
		return;
	while ((word = redis_next_key(&set->req, word)) != 0)
		if (owner_of(set, word) == split->node)
			for (i = 0; i < step; i++)
				argv[n++] = argv[word + i];
	set->req.argc = n;
}

static bool
begin(struct conns *set, struct split *split, enum command_kind kind)
{
	split->rule = find_rule(&set->req);
	split->every = kind == COMMAND_EVERY;
	outbuf_init(&split->items);
	find_node(set, split);
	if (split->rule->merge != MERGE_WORDS)
		return true;
	split->of_word = calloc(set->req.argc, sizeof(*split->of_word));
	return split->of_word != NULL;
}

void
conn_split_begin(struct conns *set, struct conn *conn, enum command_kind kind,
    size_t used)
{
	struct split *split = calloc(1, sizeof(*split));

	if (conn->state == CONN_FIRST)
		conn->state = CONN_SERVING;
	conn->active_ms = conn->session.active_ms = set->now_ms;
	set->counted[BOARD_REQUESTS]++;
	set->counted[BOARD_FORWARDED]++;
	conn->away.split = split;
	conn_hold(set, conn, used);
	if (split == NULL || !begin(set, split, kind))
		conn->broken = true;
}

/* --- the answer --- */

static void
put_values(struct conns *set, const struct split *split, struct outbuf *out)
{
	size_t word = 0, n = 0;

	while ((word = redis_next_key(&set->req, word)) != 0)
		n++;
	resp_put_list(out, RESP_2, RESP_ARRAY, n);
	while ((word = redis_next_key(&set->req, word)) != 0)
		outbuf_append(out, split->items.data + split->items.head +
		    split->of_word[word].at, split->of_word[word].len);
}

static void
put_answer(struct conns *set, const struct split *split,
    enum resp_version version, struct outbuf *out)
{
	switch (split->rule->merge) {
	case MERGE_SUM:
		resp_put_integer(out, split->total);
		return;
	case MERGE_DONE:
		resp_put_ok(out);
		return;
	case MERGE_LIST:
		resp_put_list(out, version, RESP_ARRAY, split->n);
		break;
	case MERGE_DRAW:
		if (split->n == 0)
			resp_put_null(out, version);
		break;
	case MERGE_WORDS:
		put_values(set, split, out);
		return;
	}
	if (split->n > 0)
		outbuf_append(out, split->items.data + split->items.head,
		    outbuf_len(&split->items));
}

/* It has its answer behind that mark, unless it wants none. */
static void
end(struct conns *set, struct conn *conn, size_t mark)
{
	conn->out.failed |= conn->away.split->items.failed;
	if (session_step(&conn->session))
		outbuf_truncate(&conn->out, mark);
	conn_end_list(set, conn);
}

static void
finish(struct conns *set, struct conn *conn)
{
	size_t mark = outbuf_len(&conn->out);

	put_answer(set, conn->away.split, conn->session.protocol ==
	    REQUEST_RESP3 ? RESP_3 : RESP_2, &conn->out);
	end(set, conn, mark);
}

static void
fail(struct conns *set, struct conn *conn, const char *code, const char *node,
    const char *why)
{
	size_t mark = outbuf_len(&conn->out);

	if (node != NULL)
		conn_error(conn, code, "%s: %s", node, why);
	else
		conn_error(conn, code, "%s", why);
	set->counted[BOARD_ERRORS]++;
	end(set, conn, mark);
}

/* The error with which a node has answered is the answer. */
static void
pass_error(struct conns *set, struct conn *conn, struct slice error)
{
	size_t mark = outbuf_len(&conn->out);

	outbuf_append(&conn->out, error.data, error.len);
	set->counted[BOARD_ERRORS]++;
	end(set, conn, mark);
}

void
conn_split_failed(struct conns *set, struct conn *conn,
    enum link_failure failure, const char *node, const char *why)
{
	const struct split *split = conn->away.split;
	const char *code = "UNAVAILABLE";

	if (failure == LINK_UNKNOWN)
		code = "UNKNOWN";
	else if (split->begun && split->rule->changes)
		code = "PARTIAL";
	fail(set, conn, code, node, why);
}

/* --- parts --- */

static bool
take_items(struct split *split, struct slice rest)
{
	struct slice item;

	for (; rest.len > 0; split->n++) {
		if (!resp_take_item(&rest, &item))
			return false;
		outbuf_append(&split->items, item.data, item.len);
	}
	return true;
}

static bool
take_sum(struct split *split, struct slice rest)
{
	int64_t n;

	if (!resp_take_integer(&rest, &n) || rest.len > 0)
		return false;
	return !__builtin_add_overflow(split->total, n, &split->total);
}

/* Each of all names is as likely as another. */
static bool
draw(struct split *split, struct slice rest)
{
	struct slice item;
	uint64_t random;
	int64_t n;

	if (!resp_take_integer(&rest, &n) || n < 0 ||
	    !resp_take_item(&rest, &item) || rest.len > 0)
		return false;
	if (item.data[0] != '$' || item.data[1] == '-')
		return true;
	n += n == 0;
	if (__builtin_add_overflow(split->total, n, &split->total))
		return false;
	arc4random_buf(&random, sizeof(random));
	if (split->n > 0 && random % (uint64_t)split->total >= (uint64_t)n)
		return true;
	split->n = 1;
	outbuf_truncate(&split->items, 0);
	outbuf_append(&split->items, item.data, item.len);
	return true;
}

/* The request is whole again. */
static bool
take_values(const struct conns *set, struct split *split, struct slice rest)
{
	size_t n, word = 0;
	struct slice item;

	if (!resp_take_array(&rest, &n))
		return false;
	while ((word = redis_next_key(&set->req, word)) != 0) {
		if (owner_of(set, word) != split->node)
			continue;
		if (!resp_take_item(&rest, &item))
			return false;
		split->of_word[word] = (struct item){
			outbuf_len(&split->items), item.len
		};
		outbuf_append(&split->items, item.data, item.len);
	}
	return rest.len == 0;
}

static bool
take(const struct conns *set, struct split *split, struct slice part)
{
	switch (split->rule->merge) {
	case MERGE_SUM:
		return take_sum(split, part);
	case MERGE_DONE:
		return true;
	case MERGE_LIST:
		return take_items(split, part);
	case MERGE_DRAW:
		return draw(split, part);
	case MERGE_WORDS:
		return take_values(set, split, part);
	}
	abort();
}

/* What was held is the request, whatever was made of it meanwhile. */
static void
restore_request(struct conns *set, const struct conn *conn)
{
	memcpy(set->req.argv, conn->away.argv,
	    conn->away.argc * sizeof(*conn->away.argv));
	set->req.argc = conn->away.argc;
	set->req.protocol = conn->session.protocol;
}

static void
took(struct conns *set, struct conn *conn, struct slice part, uint64_t place)
{
	struct split *split = conn->away.split;

	restore_request(set, conn);
	split->begun = true;
	if (!take(set, split, part)) {
		fail(set, conn, split->rule->changes ? "UNKNOWN" :
		    "UNAVAILABLE", route_name(set->env->route, split->node),
		    NO_SENSE);
		return;
	}
	if (outbuf_len(&split->items) > (split->rule->merge == MERGE_WORDS ?
	    VALUES_BYTES : WALK_NAMES_MAX)) {
		fail(set, conn, "ERR", NULL, split->rule->merge ==
		    MERGE_WORDS ? shm_strstatus(SHM_BATCH_SIZE) :
		    WALK_TOO_MANY);
		return;
	}
	if ((split->place = place) == 0)
		next_node(set, split);
}

void
conn_split_answered(struct conns *set, struct conn *conn,
    const struct frame *frame)
{
	if ((frame->flags & FRAME_FAILED) != 0)
		pass_error(set, conn, frame->payload);
	else
		took(set, conn, frame->payload, frame->place);
}

/* Does the table in force give us what ours does? */
static bool
is_allowed(const struct conns *set, const struct split *split)
{
	const struct request *req = &set->req;
	const struct command_env *env = set->env;
	size_t word = 0;

	while (!split->every && (word = redis_next_key(req, word)) != 0)
		if (!ownership_allows(env->inherit->arena,
		    route_hash(env->route), redis_bytes(req->argv[word])))
			return false;
	return true;
}

/* As another node would do it for us. */
static void
execute(struct conns *set, struct split *split, struct call *call)
{
	struct arena *arena = set->env->inherit->arena;
	uint64_t fingerprint = command_fingerprint(&set->req);

	if (poison_is_refused(set->env->inherit->poison, fingerprint,
	    set->now_ms)) {
		set->counted[BOARD_REFUSED_POISON]++;
		redis_error(call, "REFUSED", "this request crashed a worker");
		return;
	}
	board_set_fingerprint(arena, set->slot, fingerprint);
	if (!command_check(call))
		call->failed = true;
	else if (split->every)
		redis_run_every(call, &split->place);
	else
		command_run(call);
	board_set_fingerprint(arena, set->slot, 0);
}

static void
do_part(struct conns *set, struct conn *conn)
{
	struct split *split = conn->away.split;
	struct outbuf out;
	struct call call = {
		.env = set->env, .req = &set->req, .out = &out,
		.stream = &conn->stream
	};
	struct slice part;

	take_part(set, split);
	if (!is_allowed(set, split)) {
		conn_split_failed(set, conn, LINK_UNAVAILABLE,
		    route_name(set->env->route, split->node),
		    "its routing table is changing");
		return;
	}
	outbuf_init(&out);
	execute(set, split, &call);
	part = (struct slice){ out.data == NULL ? NULL : out.data + out.head,
	    outbuf_len(&out) };
	conn->out.failed |= out.failed;
	if (call.failed)
		pass_error(set, conn, part);
	else
		took(set, conn, part, split->place);
	outbuf_free(&out);
}

static void
ask_part(struct conns *set, struct conn *conn)
{
	const struct split *split = conn->away.split;
	struct link_question q = {
		.who = conn, .req = &set->req, .shard = FRAME_NO_SHARD,
		.piece = split->every, .place = split->place,
		.repeatable = !split->rule->changes,
		.waited = conn->away.waited
	};

	take_part(set, split);
	if (!split->every)
		q.shard = conn_shard_of(set);
	conn->away.link = links_to(set->links, split->node);
	conn_ask(set, conn, &q);
}

/* A piece of ours is work for a turn, and so is that others are served. */
void
conn_split_step(struct conns *set, struct conn *conn, struct turn *turn)
{
	const struct split *split = conn->away.split;

	if (split->node == route_count(set->env->route)) {
		finish(set, conn);
	} else if (split->node != route_self(set->env->route)) {
		ask_part(set, conn);
	} else {
		turn->requests = split->every ? 0 : turn->requests;
		do_part(set, conn);
	}
}
