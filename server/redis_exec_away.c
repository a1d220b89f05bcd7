/*
 * EXEC when all keys are another node's: what is asked, and what is made of
 * the answer.
 *
 * The owner gets the whole transaction in one request of three words:
 *
 *	EXEC | names that are watched | commands that have keys
 *
 *	a name:		stamp 8, length 4, bytes
 *	a command:	as the words of any request, see proto/frame.h
 *
 * and answers with the number of replies in 4 bytes, and for each its length
 * in 4 and its bytes; or with nothing, if what is watched has changed.
 *
 * Commands without keys concern the client or this node.  They are executed
 * here, when all else has happened, and their replies put in between; so what
 * the other node has refused, or not even heard of, has done nothing.
 */

#include <stdlib.h>
#include <string.h>

#include "proto/frame.h"
#include "proto/little.h"
#include "server/redis_exec.h"

#define WORDS		3
#define STAMP_BYTES	8
#define LENGTH_BYTES	4

uint32_t
multi_owner(const struct command_env *env, const struct multi *m,
    uint32_t *shard)
{
	struct exec_place place;

	exec_find_place(env, m, &place);
	*shard = place.shard;
	return place.is_split ? route_self(env->route) : place.owner;
}

bool
multi_is_fenced(const struct command_env *env, const struct multi *m)
{
	struct exec_place place;

	exec_find_place(env, m, &place);
	return place.is_fenced;
}

/* --- asking --- */

static void
put_watched(struct outbuf *out, const struct watched *w)
{
	uint8_t head[STAMP_BYTES + LENGTH_BYTES];

	little_put(little_put(head, w->stamp, STAMP_BYTES), w->name.len,
	    LENGTH_BYTES);
	outbuf_append(out, head, sizeof(head));
	outbuf_append(out, w->name.data, w->name.len);
}

bool
multi_compose(const struct multi *m, struct request *req, struct outbuf *out)
{
	const struct queued *q;
	const struct watched *w;
	size_t len;

	TAILQ_FOREACH(w, &m->watched, next)
		put_watched(out, w);
	len = outbuf_len(out);
	TAILQ_FOREACH(q, &m->queue, next)
		if (q->has_keys)
			frame_put_words(out, q->argv, q->argc);
	if (out->failed)
		return false;
	req->argv[0] = redis_word("EXEC");
	req->argv[1] = (struct slice){ out->data, len };
	req->argv[2] = (struct slice){ len == outbuf_len(out) ? NULL :
	    out->data + len, outbuf_len(out) - len };
	req->argc = WORDS;
	return true;
}

/* --- being asked --- */

/* The bytes at the front, whose length stands before them. */
static bool
take_bytes(struct slice *rest, struct slice *bytes)
{
	if (rest->len < LENGTH_BYTES)
		return false;
	bytes->len = (size_t)little_get(&rest->data, LENGTH_BYTES);
	rest->len -= LENGTH_BYTES;
	if (bytes->len > rest->len)
		return false;
	bytes->data = rest->data;
	rest->data += bytes->len;
	rest->len -= bytes->len;
	return true;
}

static bool
read_watched(struct multi *m, struct slice rest)
{
	struct slice name;
	uint64_t stamp;

	while (rest.len > 0) {
		if (rest.len < STAMP_BYTES)
			return false;
		stamp = little_get(&rest.data, STAMP_BYTES);
		rest.len -= STAMP_BYTES;
		if (!take_bytes(&rest, &name) || !watch_add(m, name, stamp))
			return false;
	}
	return true;
}

/* It is checked like a client's, and has keys. */
static bool
is_sound(const struct command_env *env, const struct request *req)
{
	struct outbuf nowhere = { .data = NULL };
	struct call call = { .env = env, .req = req, .out = &nowhere };
	bool sound = command_check(&call);

	outbuf_free(&nowhere);
	return sound && redis_next_key(req, 0) != 0 &&
	    (call.redis->kind == COMMAND_READ ||
	    call.redis->kind == COMMAND_CHANGE);
}

static bool
read_commands(const struct command_env *env, struct multi *m,
    struct slice rest, enum request_protocol protocol)
{
	static struct request req;

	req.protocol = protocol;
	while (rest.len > 0)
		if (!frame_next_words(&rest, &req) || !is_sound(env, &req) ||
		    !multi_add(m, &req))
			return false;
	return true;
}

bool
multi_is_asked(const struct request *req)
{
	return req->protocol != REQUEST_TEXT && req->argc == WORDS &&
	    redis_is(req->argv[0], "EXEC");
}

struct multi *
multi_read(const struct command_env *env, const struct request *req)
{
	struct multi *m = multi_new();

	if (m == NULL)
		return NULL;
	m->open = true;
	if (read_watched(m, req->argv[1]) &&
	    read_commands(env, m, req->argv[2], req->protocol))
		return m;
	multi_free(m);
	return NULL;
}

/* --- the answer --- */

bool
multi_set_answer(struct session *session, struct slice payload)
{
	struct multi *m = session->multi;

	if (m == NULL && (m = session->multi = multi_new()) == NULL)
		return false;
	multi_forget_answer(m);
	if (payload.len > 0 && (m->answer = malloc(payload.len)) == NULL)
		return false;
	if (payload.len > 0)
		memcpy(m->answer, payload.data, payload.len);
	m->answer_len = payload.len;
	m->is_answered = true;
	return true;
}

/* One reply for each command that has keys, and nothing else. */
static bool
is_whole(const struct multi *m, struct slice rest)
{
	struct slice reply;
	size_t n;

	if (rest.len < LENGTH_BYTES ||
	    little_get(&rest.data, LENGTH_BYTES) != m->n_keyed)
		return false;
	rest.len -= LENGTH_BYTES;
	for (n = m->n_keyed; n > 0; n--)
		if (!take_bytes(&rest, &reply))
			return false;
	return rest.len == 0;
}

/* What the other node has done cannot be taken back any more. */
static void
run_here(struct call *call, const struct queued *q, size_t mark)
{
	if (outbuf_len(call->out) - mark > call->env->config->output_max_bytes)
		resp_put_error(call->out, "ERR", "not executed: the replies "
		    "of this transaction are too large");
	else
		exec_run_queued(call, q, call->session->protocol);
}

static void
put_replies(struct call *call, const struct multi *m, struct slice rest)
{
	size_t mark = outbuf_len(call->out);
	const struct queued *q;
	struct slice reply;

	resp_put_list(call->out, redis_version(call), RESP_ARRAY, m->count);
	TAILQ_FOREACH(q, &m->queue, next) {
		if (!q->has_keys)
			run_here(call, q, mark);
		else if (take_bytes(&rest, &reply))
			outbuf_append(call->out, reply.data, reply.len);
	}
}

void
exec_use_answer(struct call *call, struct multi *m)
{
	struct slice rest = { m->answer, m->answer_len };

	if (rest.len == 0) {
		resp_put_null_list(call->out, redis_version(call));
		return;
	}
	if (!is_whole(m, rest)) {
		redis_error(call, "UNKNOWN", "the answer of another node "
		    "makes no sense");
		return;
	}
	rest.data += LENGTH_BYTES;
	rest.len -= LENGTH_BYTES;
	put_replies(call, m, rest);
}
