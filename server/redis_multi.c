/*
 * MULTI: commands are queued, to be executed together.
 *
 * What is wrong with a command by itself is found when it is queued, by the
 * node that the client talks to, and spoils all of them; whose keys they are
 * is looked at by EXEC, see redis_exec.c.
 */

#include <stdlib.h>
#include <string.h>

#include "server/redis_multi_state.h"

/* --- memory --- */

static void
forget_queue(struct multi *m)
{
	struct queued *q;

	while ((q = TAILQ_FIRST(&m->queue)) != NULL) {
		TAILQ_REMOVE(&m->queue, q, next);
		free(q);
	}
}

static void
forget_watched(struct multi *m)
{
	struct watched *w;

	while ((w = TAILQ_FIRST(&m->watched)) != NULL) {
		TAILQ_REMOVE(&m->watched, w, next);
		free(w);
	}
}

void
multi_forget_answer(struct multi *m)
{
	free(m->answer);
	m->answer = NULL;
	m->answer_len = 0;
	m->is_answered = false;
}

void
multi_free(struct multi *m)
{
	if (m == NULL)
		return;
	forget_queue(m);
	forget_watched(m);
	multi_forget_answer(m);
	free(m);
}

void
multi_forget(struct session *session)
{
	multi_free(session->multi);
	session->multi = NULL;
	session->queued = 0;
}

struct multi *
multi_new(void)
{
	struct multi *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	TAILQ_INIT(&m->queue);
	TAILQ_INIT(&m->watched);
	return m;
}

struct multi *
multi_of(struct call *call)
{
	struct multi *m = call->session->multi;

	if (m != NULL)
		return m;
	if ((m = multi_new()) == NULL) {
		redis_store_error(call, SHM_FULL);
		return NULL;
	}
	return call->session->multi = m;
}

/* --- the queue --- */

bool
multi_is_open(const struct session *session)
{
	return session->multi != NULL && session->multi->open;
}

bool
multi_changes(const struct multi *m)
{
	return m != NULL && m->changes;
}

enum command_kind
multi_kind(const struct session *session, const struct request *req)
{
	enum command_kind kind = command_kind(req);

	if (multi_is_open(session))
		return kind == COMMAND_EXEC && !session->multi->spoilt ?
		    COMMAND_EXEC : COMMAND_HERE;
	return kind == COMMAND_EXEC ? COMMAND_HERE : kind;
}

uint64_t
multi_fingerprint(const struct multi *m, uint64_t words)
{
	return m != NULL && m->open ? (words ^ m->fingerprint) | 1 : words;
}

static bool
is_at_once(const struct redis_command *command)
{
	static const char *const names[] = {
		"EXEC", "DISCARD", "MULTI", "WATCH", "QUIT", "RESET"
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(command->name, names[i]) == 0)
			return true;
	return false;
}

static size_t
size_of(const struct request *req)
{
	size_t i, size = sizeof(struct queued) +
	    req->argc * sizeof(struct slice);

	for (i = 0; i < req->argc; i++)
		size += req->argv[i].len;
	return size;
}

static struct queued *
copy_request(const struct request *req, size_t size)
{
	struct queued *q = malloc(size);
	uint8_t *to;
	size_t i;

	if (q == NULL)
		return NULL;
	q->has_keys = redis_next_key(req, 0) != 0;
	q->argc = req->argc;
	to = (uint8_t *)&q->argv[req->argc];
	for (i = 0; i < req->argc; i++) {
		q->argv[i] = (struct slice){ to, req->argv[i].len };
		if (req->argv[i].len > 0)
			memcpy(to, req->argv[i].data, req->argv[i].len);
		to += req->argv[i].len;
	}
	return q;
}

bool
multi_add(struct multi *m, const struct request *req)
{
	size_t size = size_of(req);
	struct queued *q = NULL;

	if (size <= MULTI_BYTES - m->bytes)
		q = copy_request(req, size);
	if (q == NULL)
		return false;
	TAILQ_INSERT_TAIL(&m->queue, q, next);
	m->bytes += size;
	m->count++;
	m->n_keyed += q->has_keys;
	m->changes |= command_kind(req) == COMMAND_CHANGE ||
	    redis_flushes(req);
	m->fingerprint = m->fingerprint * 31 + command_fingerprint(req);
	return true;
}

void
multi_take_queued(struct request *req, const struct queued *q,
    enum request_protocol protocol)
{
	req->protocol = protocol;
	req->argc = q->argc;
	memcpy(req->argv, q->argv, q->argc * sizeof(*q->argv));
}

bool
multi_take(struct call *call)
{
	struct multi *m;

	if (call->session == NULL || !multi_is_open(call->session) ||
	    is_at_once(call->redis))
		return false;
	m = call->session->multi;
	if (multi_add(m, call->req)) {
		call->session->queued++;
		resp_put_simple(call->out, "QUEUED");
	} else {
		m->spoilt = true;
		redis_error(call, "ERR", "transaction is too large");
	}
	return true;
}

/* EXEC with words behind it ends it at once, and says what was wrong. */
void
multi_spoil(struct call *call, size_t mark)
{
	bool open = call->session != NULL && multi_is_open(call->session);

	if (open)
		call->session->multi->spoilt = true;
	if (call->redis == NULL || strcmp(call->redis->name, "EXEC") != 0)
		return;
	/* Redis says so even if there is no transaction. */
	outbuf_truncate(call->out, mark);
	redis_error(call, "EXECABORT", "Transaction discarded because of: %s",
	    call->session != NULL && call->session->is_stranger &&
	    redis_fits(call->redis->arity, call->req->argc) ?
	    "NOAUTH Authentication required." :
	    "wrong number of arguments for 'exec' command");
	if (open)
		multi_forget(call->session);
}

void
redis_run_multi(struct call *call)
{
	struct multi *m = multi_of(call);

	if (m == NULL)
		return;
	if (m->open) {
		redis_error(call, "ERR", "MULTI calls can not be nested");
		return;
	}
	m->open = true;
	call->session->queued = 1;
	redis_ok(call);
}

void
redis_run_discard(struct call *call)
{
	if (!multi_is_open(call->session)) {
		redis_error(call, "ERR", "DISCARD without MULTI");
		return;
	}
	multi_forget(call->session);
	redis_ok(call);
}
