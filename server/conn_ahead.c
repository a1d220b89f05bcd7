/*
 * Looking ahead.  In a large store nearly all of a request's time is waiting
 * for memory: the line of the index, then the record.  A pipeline says early
 * what will be asked; so its next requests are parsed before the first of them
 * is run, and the memory of all is asked for at once.
 *
 * They are run as if they had not been parsed yet.  Only what parses the same
 * way again is parsed ahead, and whatever puts an end to the run of requests (a
 * reply that is awaited, a stream, the end of the turn) just forgets the rest.
 * What is parsed was sent as the same kind of request as the one before: no
 * command changes how the next bytes are parsed once a connection has made its
 * first request, but RESET where there is a password: what is parsed after
 * that is forgotten.
 */

#include "server/conn_state.h"
#include "shm/ahead.h"

#define LARGE	UINT64_C(50000)	/* keys */

void
conns_measure(struct conns *set)
{
	uint64_t buckets, keys;

	arena_counts(set->env->inherit->arena, &buckets, &keys);
	set->is_large = keys >= LARGE;
}

void
conn_forget_ahead(struct conns *set)
{
	set->ahead.n = set->ahead.i = 0;
}

static size_t
parse(const struct conns *set, const struct conn *conn, const uint8_t *at,
    size_t len, struct ahead_request *r)
{
	if (len > set->line_max)
		len = set->line_max;
	return conn->session.protocol == REQUEST_TEXT ?
	    text_quick(at, len, r->argv, AHEAD_WORDS, &r->argc) :
	    resp_quick(at, len, store_value_max(set->env->store), r->argv,
	    AHEAD_WORDS, &r->argc);
}

static void
parse_ahead(struct conns *set, const struct conn *conn, size_t used)
{
	struct ahead_requests *ahead = &set->ahead;
	const uint8_t *at = conn->in.data + conn->in.head + used;
	size_t left = inbuf_len(&conn->in) - used;
	struct ahead_request *r;

	ahead->at = at;
	for (ahead->n = ahead->i = 0; ahead->n < AHEAD && left > 0;
	    ahead->n++) {
		r = &ahead->request[ahead->n];
		if ((r->used = parse(set, conn, at, left, r)) == 0)
			break;
		at += r->used;
		left -= r->used;
	}
}

/* Where a request will look, in all likelihood. */
static void
aim(const struct conns *set, const struct slice *argv, size_t argc,
    struct ahead *ahead)
{
	const struct arena *a = set->env->inherit->arena;
	struct slice bucket, key, name;

	ahead->home = NULL;
	if (!command_pair(set->req.protocol, argv, argc, &bucket, &key))
		return;
	name = bucket.len > 0 ? bucket : key;
	ahead_line(a, arena_shard_of(a, (struct bytes){ name.data, name.len }),
	    (struct bytes){ bucket.data, bucket.len },
	    (struct bytes){ key.data, key.len }, ahead);
}

void
conn_look_ahead(struct conns *set, struct conn *conn, size_t used)
{
	const struct arena *a = set->env->inherit->arena;
	struct ahead places[AHEAD + 1];
	size_t i;

	/* A stranger may not send all that is parsed here. */
	if (!set->is_large || conn->state != CONN_SERVING ||
	    conn->session.is_stranger)
		return;
	parse_ahead(set, conn, used);
	if (set->ahead.n == 0)
		return;
	aim(set, set->req.argv, set->req.argc, &places[AHEAD]);
	for (i = 0; i < set->ahead.n; i++)
		aim(set, set->ahead.request[i].argv,
		    set->ahead.request[i].argc, &places[i]);
	ahead_record(a, &places[AHEAD]);
	for (i = 0; i < set->ahead.n; i++)
		ahead_record(a, &places[i]);
}

bool
conn_take_ahead(struct conns *set, struct conn *conn, size_t *used)
{
	struct ahead_requests *ahead = &set->ahead;
	const struct ahead_request *r = &ahead->request[ahead->i];
	size_t i;

	/* RESET makes a stranger of a client. */
	if (ahead->i == ahead->n || conn->session.is_stranger ||
	    ahead->at != conn->in.data + conn->in.head)
		return false;
	set->req.protocol = conn->session.protocol;
	set->req.argc = r->argc;
	for (i = 0; i < r->argc; i++)
		set->req.argv[i] = r->argv[i];
	*used = r->used;
	ahead->at += r->used;
	ahead->i++;
	return true;
}
