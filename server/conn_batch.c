/*
 * The short way.  Nearly all requests read, set or count up one key, on
 * connections that want nothing but the answer, and they come many at a time.
 * Such a run is recognised by its bytes (proto/plain.h), and executed without
 * what every other request may need: its verb is not looked for, its call has
 * no structure, its value is copied once, from the arena to where it is sent
 * from.
 *
 * Here is only what goes well.  Whatever does not, be it for a reason that
 * makes an error, ends the run: that request is then executed as any other, as
 * if it had not been tried, and says itself what is wrong.  So there are two
 * ways, but each answer that is not quite plain has one source.
 *
 * What is asked once for a run instead of once for a request must not change
 * within it.  A plain request changes nothing but the store, so a session stays
 * as it was; what others change, such as a pause or a list of requests that are
 * refused, they may as well have changed a few microseconds later.  What is
 * done for each request all the same is to show its fingerprint on the board.
 *
 * They are all parsed before the first of them is executed, for the reason
 * that conn_batch_parse.c has, and executed as if they had not been: only what
 * parses the same way again is parsed ahead, and whatever puts an end to the
 * run (a reply that is awaited, a stream, the end of the turn) just forgets the
 * rest.  No command changes how the next bytes are parsed once a connection has
 * made its first request, but RESET where there is a password: what was parsed
 * is forgotten then.
 */

#include "server/conn_state.h"
#include "server/poison.h"
#include "server/redis.h"
#include "server/redis_slowlog.h"

#define EXACT_US	1000	/* below that, requests are timed one by one */

void
conn_forget_batch(struct conns *set)
{
	set->batch.n = set->batch.i = 0;
}

static const char *
name_of(const char *verb)
{
	return redis_find(redis_word(verb))->name;
}

void
conns_prepare_batches(struct conns *set)
{
	set->verbs[PLAIN_HGET] = name_of("HGET");
	set->verbs[PLAIN_HSET] = name_of("HSET");
	set->verbs[PLAIN_STRING_GET] = name_of("GET");
	set->verbs[PLAIN_STRING_SET] = name_of("SET");
	set->verbs[PLAIN_STRING_INCR] = name_of("INCR");
}

/* --- whether --- */

/* Everything that arrives is a request of its own, and wants a reply. */
static bool
is_plain_session(const struct session *s)
{
	return s->queued == 0 && s->reply == SESSION_REPLY &&
	    s->listener == NULL && s->tracker == NULL;
}

/*
 * No request has to wait, is refused, is timed on its own, or is somebody
 * else's by the table that is in force.
 */
static bool
is_plain_time(const struct conns *set)
{
	const struct inherit *in = set->env->inherit;
	int64_t limit_us = redis_slower_than(in->agreed);

	return !poison_is_any(in->poison, set->now_ms) &&
	    !roster_is_paused(set->sessions.roster, true, set->now_ms) &&
	    (limit_us < 0 || limit_us >= EXACT_US) &&
	    (set->alone || ownership_is_of(in->arena,
	    route_hash(set->env->route)));
}

/* Half a request is known to the parser, which has not seen its end yet. */
static bool
is_between(const struct conn *conn)
{
	return conn->session.protocol == REQUEST_TEXT ?
	    conn->parser.scanned == 0 :
	    conn->resp.at == 0 && conn->resp.scanned == 0;
}

/* --- execute --- */

static bool
is_change(enum plain_kind kind)
{
	return kind == PLAIN_PUT || kind == PLAIN_HSET ||
	    kind == PLAIN_STRING_SET || kind == PLAIN_STRING_INCR;
}

/* How many of these can be executed in one go: reads, or changes in a row. */
static size_t
piece_of(const struct batch_request *r, size_t n)
{
	bool change = is_change(r->plain.kind);
	size_t i;

	for (i = 0; i < n && r[i].plain.kind != PLAIN_NONE; i++)
		if (is_change(r[i].plain.kind) != change ||
		    (change &&
		    r[i].ahead.in.shard != r->ahead.in.shard))
			break;
	return i;
}

static void
take_words(struct conns *set, const struct conn *conn,
    const struct plain *plain)
{
	size_t i;

	set->req.protocol = conn->session.protocol;
	set->req.argc = plain->argc;
	for (i = 0; i < plain->argc; i++)
		set->req.argv[i] = plain->argv[i];
}

/* By itself, for it is rare and its call is large. */
static __attribute__((noinline)) void
note_slow(struct conns *set, const struct conn *conn,
    const struct plain *plain, uint64_t took_us)
{
	const struct call call = { .env = set->env, .req = &set->req };

	take_words(set, conn, plain);
	redis_note_slow(&call, &conn->session, took_us);
}

/* So long for all since the last one that was noted, of which this is first. */
static inline void
note_time(struct conns *set, const struct conn *conn,
    const struct batch_request *first)
{
	uint64_t took_us;

	if (conns_end_piece(set, &took_us))
		note_slow(set, conn, &first->plain, took_us);
}

static bool
was_delayed(const struct conns *set, uint64_t *delays)
{
	uint64_t before = *delays;

	*delays = arena_delays(set->env->inherit->arena);
	return *delays != before;
}

/* Returns how many of the piece were done. */
static size_t
run_piece(struct conns *set, struct conn *conn,
    const struct batch_request *r, size_t n)
{
	return is_change(r->plain.kind) ? conn_run_changes(set, conn, r, n) :
	    conn_run_reads(set, conn, r, n);
}

/*
 * As far as that goes, and what the turn still allows.  To look at the clock is
 * a part of what a request takes, so they are timed together, but for a piece
 * that something was in the way of: changes of one shard wait for its lock
 * before the first of them, and so it is that the time is laid on.
 */
static void
run_plain(struct conns *set, struct conn *conn, size_t max)
{
	struct batch *batch = &set->batch;
	const struct batch_request *r = batch->request + batch->i;
	const struct batch_request *first = r;
	bool measured = conns_begin_request(set);
	uint64_t delays = arena_delays(set->env->inherit->arena);
	size_t n, done, left = batch->n - batch->i;

	if (left > max)
		left = max;
	while (outbuf_len(&conn->out) < OUTPUT_HIGH &&
	    (n = piece_of(r, left)) > 0) {
		done = run_piece(set, conn, r, n);
		if (measured && was_delayed(set, &delays)) {
			/* Who is executed once more takes the time with it. */
			if (done > 0)
				note_time(set, conn, r);
			first = r + done;
		}
		r += done;
		left -= done;
		if (done == 0 || (done < n && !is_change(r->plain.kind)))
			break;
	}
	batch->i = (size_t)(r - batch->request);
	if (measured && r > first)
		note_time(set, conn, first);
	board_set_fingerprint(set->env->inherit->arena, set->slot, 0);
}

/* What every request leaves behind; their bytes are done with. */
static void
note_done(struct conns *set, struct conn *conn, struct turn *turn, size_t n)
{
	struct batch *batch = &set->batch;
	const struct batch_request *last = &batch->request[batch->i - 1];
	size_t used = (size_t)(last->end - batch->at);

	turn->requests -= (unsigned)n;
	set->counted[BOARD_REQUESTS] += n;
	conn->active_ms = conn->session.active_ms = set->now_ms;
	if (set->verbs[last->plain.kind] != NULL) {
		conn->session.command = set->verbs[last->plain.kind];
		conn->session.sub = NULL;
	}
	batch->at = last->end;
	inbuf_consume(&conn->in, &set->pool, used);
	conn->hungry = inbuf_len(&conn->in) == 0;
	conns_end_condemned(set);
}

/* The next one is not plain, or did not go well. */
static void
take_next(struct conns *set, struct conn *conn, struct turn *turn)
{
	struct batch *batch = &set->batch;
	const struct batch_request *r = &batch->request[batch->i++];

	turn->requests--;
	batch->at = r->end;
	take_words(set, conn, &r->plain);
	conn_take(set, conn, r->plain.used);
}

bool
conn_run_batch(struct conns *set, struct conn *conn, struct turn *turn)
{
	struct batch *batch = &set->batch;
	bool plain = is_plain_session(&conn->session) &&
	    conn->away.asked == 0 && is_plain_time(set);
	size_t from;

	/* A stranger may not send all that is parsed here. */
	if (conn->state != CONN_SERVING || conn->session.is_stranger ||
	    !is_between(conn) || (!plain && !set->is_large)) {
		conn_forget_batch(set);
		return false;
	}
	if ((batch->i == batch->n ||
	    batch->at != conn->in.data + conn->in.head) &&
	    !conn_parse_batch(set, conn))
		return false;
	from = batch->i;
	if (plain)
		run_plain(set, conn, turn->requests);
	if (batch->i > from)
		note_done(set, conn, turn, batch->i - from);
	if (batch->i < batch->n && !conn->broken && turn->requests > 0 &&
	    outbuf_len(&conn->out) < OUTPUT_HIGH)
		take_next(set, conn, turn);
	return true;
}
