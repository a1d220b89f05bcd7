/*
 * A client: sends a batch of requests, takes the replies, and so on.  When
 * its connection breaks it notes what is in doubt, connects again, and first
 * of all reads what it is in doubt about.
 *
 * Some clients send many requests at once, for throughput; others one at a
 * time with a pause, for they measure how long a request takes that waits
 * behind none of its own.
 */

#include "tests/crash/storm/client.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/crash/storm/request.h"
#include "tests/crash/storm/value.h"

#define DEPTH_MAX	64
#define SUSPECTS_MAX	(4 * DEPTH_MAX)
#define VISIT_REQUESTS	(VISIT_PUTS + 5)

struct session {
	struct storm	*storm;
	struct client	*me;
	struct wire	 wire;
	bool		 verifying;	/* storm and calm are over */
	unsigned	 filled;	/* own keys that were put once */
	unsigned	 n;
	struct request	 queue[DEPTH_MAX];
	unsigned	 suspects;
	struct request	 suspect[SUSPECTS_MAX];
	uint64_t	 sent_ns;
	uint64_t	 lost_ns;	/* 0: all is well */
};

static void
add(struct session *x, enum request_kind kind, unsigned index)
{
	struct request *q = &x->queue[x->n++];

	*q = (struct request){ .kind = kind, .index = index };
	request_send(x->me, &x->wire, q);
}

static bool
has_room(const struct session *x, unsigned n)
{
	return x->n + n <= x->me->depth && x->wire.out_len < WIRE_OUT / 2;
}

/* Make a bucket, use it, drop it: in one batch. */
static void
add_visit(struct session *x)
{
	unsigned i;

	add(x, REQUEST_CREATE, 0);
	for (i = 0; i < VISIT_PUTS; i++)
		add(x, REQUEST_VISIT_PUT, i);
	add(x, REQUEST_VISIT_COUNT, 0);
	add(x, REQUEST_VISIT_GET, VISIT_PUTS - 1);
	add(x, REQUEST_DROP, 0);
	add(x, REQUEST_VISIT_GONE, 0);
}

static void
add_some(struct session *x)
{
	uint64_t bits = value_random(&x->me->random);
	unsigned what = (unsigned)(bits & 63), key = (unsigned)(bits >> 32);

	if (what == 0 && has_room(x, VISIT_REQUESTS) && !x->me->visit.on)
		add_visit(x);
	else if (what < 3)
		add(x, REQUEST_MPUT, key % GROUPS);
	else if (what < 5)
		add(x, REQUEST_MGET, key % GROUPS);
	else if (what < 9)
		add(x, REQUEST_SHARED_PUT, key % SHARED);
	else if (what < 13)
		add(x, REQUEST_SHARED_GET, key % SHARED);
	else if (what < 17)
		add(x, REQUEST_DELETE, key % KEYS);
	else
		add(x, what < 40 ? REQUEST_PUT : REQUEST_GET, key % KEYS);
}

/* What may be otherwise than we think comes first. */
static void
add_suspects(struct session *x)
{
	const struct request *q;

	if (x->me->visit.in_doubt && has_room(x, 2)) {
		add(x, REQUEST_VISIT_LOOK, 0);
		add(x, REQUEST_VISIT_CLEAR, 0);
	}
	while (x->suspects > 0 && has_room(x, 1)) {
		q = &x->suspect[--x->suspects];
		add(x, q->kind, q->index);
	}
}

static void
fill(struct session *x)
{
	x->n = 0;
	add_suspects(x);
	while (has_room(x, 1) && x->me->depth > 1 && x->filled < KEYS)
		add(x, REQUEST_PUT, x->filled++);
	while (has_room(x, 1))
		add_some(x);
}

/* Figures. */

static void
note_reply(struct session *x, const struct request *q, uint64_t now_ns)
{
	struct client *me = x->me;
	int phase = atomic_load_explicit(&x->storm->phase,
	    memory_order_relaxed);
	uint64_t ns = now_ns - x->sent_ns;

	if (x->verifying)
		return;
	atomic_fetch_add_explicit(&me->replies[phase], 1,
	    memory_order_relaxed);
	if (x->lost_ns != 0)
		histogram_add(&me->outage, now_ns - x->lost_ns);
	x->lost_ns = 0;
	histogram_add(&me->latency[phase], ns);
	if (phase != PHASE_STORM || ns <= me->worst_ns)
		return;
	me->worst_ns = ns;
	me->worst_at_ns = now_ns;
	snprintf(me->worst_of, sizeof(me->worst_of), "%s",
	    request_name(q->kind));
}

static void
lose(struct session *x, unsigned from)
{
	struct request check;
	unsigned i;

	for (i = from; i < x->n; i++) {
		request_lost(x->me, &x->queue[i]);
		check = request_check_of(&x->queue[i]);
		if (request_is_in_doubt(x->me, &check) &&
		    x->suspects < SUSPECTS_MAX)
			x->suspect[x->suspects++] = check;
	}
	x->me->broken++;
	if (x->lost_ns == 0)
		x->lost_ns = storm_now_ns();
}

/* Returns false if the connection is to be made anew. */
static bool
take_replies(struct session *x)
{
	enum wire_status status;
	struct reply reply;
	unsigned i;

	for (i = 0; i < x->n; i++) {
		status = wire_reply(&x->wire, request_items(&x->queue[i]),
		    &reply);
		if (status == WIRE_LOST) {
			lose(x, i);
			return false;
		}
		if (status == WIRE_GARBAGE)
			return client_fail(x->me, "no reply to %s: %.80s",
			    request_name(x->queue[i].kind), reply.last);
		note_reply(x, &x->queue[i], storm_now_ns());
		if (!request_settle(x->storm, x->me, &x->queue[i], &reply))
			return false;
	}
	return true;
}

static bool
exchange(struct session *x)
{
	/* If not all of it went out, what comes back tells us so. */
	wire_flush(&x->wire);
	return take_replies(x);
}

static void
run(struct session *x)
{
	const _Atomic bool *stop = &x->storm->stop;

	x->wire.fd = -1;
	while (!atomic_load(stop) && !atomic_load(&x->me->failed)) {
		if (x->wire.fd == -1 &&
		    !wire_open(&x->wire, x->storm->socket, stop))
			break;
		fill(x);
		x->sent_ns = storm_now_ns();
		if (!exchange(x))
			wire_close(&x->wire);
		else if (x->me->pause_ns != 0)
			storm_sleep_ns(x->me->pause_ns);
	}
	wire_close(&x->wire);
}

static double
cpu_used(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	    (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static struct session *
session_open(struct storm *s, unsigned number)
{
	struct session *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->storm = s;
	x->me = &s->client[number];
	return x;
}

pid_t
client_start(struct storm *s, unsigned number)
{
	pid_t pid = fork();
	struct session *x;

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if ((x = session_open(s, number)) == NULL)
		_exit(1);
	run(x);
	x->me->cpu_s = cpu_used();
	_exit(0);
}

/* The end. */

/* The i-th of all things that a client may have written. */
static struct request
nth(unsigned i)
{
	if (i < KEYS)
		return (struct request){ .kind = REQUEST_GET, .index = i };
	if (i < KEYS + GROUPS)
		return (struct request){
			.kind = REQUEST_MGET, .index = i - KEYS
		};
	return (struct request){
		.kind = REQUEST_SHARED_LAST, .index = i - KEYS - GROUPS
	};
}

static bool
verify(struct session *x)
{
	static const _Atomic bool never;
	struct request q;
	unsigned i = 0;

	if (!wire_open(&x->wire, x->storm->socket, &never))
		return false;
	for (add_suspects(x); i < KEYS + GROUPS + SHARED; x->n = 0) {
		for (; i < KEYS + GROUPS + SHARED && has_room(x, 1); i++) {
			q = nth(i);
			add(x, q.kind, q.index);
		}
		if (!exchange(x))
			return client_fail(x->me, "connection lost in calm");
	}
	return true;
}

bool
client_verify(struct storm *s, unsigned number)
{
	struct session *x = session_open(s, number);
	bool ok;

	if (x == NULL)
		return client_fail(&s->client[number], "out of memory");
	x->verifying = true;
	x->me->depth = DEPTH_MAX;
	ok = verify(x);
	wire_close(&x->wire);
	free(x);
	return ok;
}
