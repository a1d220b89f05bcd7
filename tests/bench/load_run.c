/*
 * The loop.  In a closed loop a connection has `depth' requests in one write,
 * and the next ones when the last of them is answered, as redis-benchmark
 * does: what a server gets at once does not depend on how fast either side
 * is.  In an open loop request i belongs to connection i mod n, and goes out
 * when it is due, or as soon after that as fewer than depth are on their
 * way.
 *
 * Latency counts from the moment in which a request was due or, in a closed
 * loop, its batch was begun.  What was asked while time was measured is
 * waited for even afterwards: else the slowest would be left out.
 */

#include <sys/epoll.h>
#include <sys/prctl.h>

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/load_conn.h"
#include "tests/bench/load_processes.h"
#include "tests/bench/load_run.h"
#include "tests/bench/load_schedule.h"
#include "tests/bench/load_zipf.h"

#define EVENTS		256
#define FILL_DEPTH	64
#define NEVER		UINT64_MAX

struct run {
	const struct load_options	*o;
	struct load_result		*result;
	struct load_values		 values;
	struct load_zipf		 zipf;
	struct load_schedule		 schedule;	/* of an open loop */
	struct load_processes		 servers;
	struct load_conn		*conns;
	int				 epoll_fd;
	bool				 in_order;	/* keys: a fill */
	uint64_t			 random;
	uint64_t			 given;		/* requests to conns */
	uint64_t			 limit;		/* no more than that */
	uint64_t			 answered;
	uint64_t			 from_ns;	/* what begins then */
	uint64_t			 to_ns;		/* and before, counts */
};

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Asking. */

static void
draw(struct run *run, uint64_t i, struct load_request *r)
{
	const struct load_options *o = run->o;

	r->key = run->in_order ? i : load_zipf_draw(&run->zipf, &run->random);
	r->read = !run->in_order && load_dialect_reads(o->dialect) &&
	    (double)(load_random(&run->random) >> 11) * 0x1p-53 <
	    o->read_part;
}

/* A closed loop's next batch. */
static void
ask_batch(struct run *run, struct load_conn *c, uint64_t ns)
{
	struct load_request r = { .since_ns = ns };
	size_t n;

	for (n = 0; n < run->o->depth && run->given < run->limit; n++) {
		draw(run, run->given++, &r);
		load_conn_ask(c, run->o, &run->values, &r);
	}
	load_conn_flush(c, run->epoll_fd);
}

/* What an open loop owes this connection, as far as there is room. */
static void
ask_backlog(struct run *run, struct load_conn *c)
{
	struct load_request r;
	uint64_t i;

	while (c->backlog > 0 && load_conn_pending(c) < run->o->depth) {
		i = c->taken++ * run->o->connections +
		    (uint64_t)(c - run->conns);
		draw(run, i, &r);
		r.since_ns = load_schedule_due_ns(&run->schedule, i);
		load_conn_ask(c, run->o, &run->values, &r);
		c->backlog--;
	}
	load_conn_flush(c, run->epoll_fd);
}

/* Hand out what is due by now. */
static void
give(struct run *run, uint64_t ns)
{
	uint64_t due = load_schedule_count(&run->schedule, ns);
	struct load_conn *c;

	for (; run->given < due && run->given < run->limit; run->given++) {
		c = &run->conns[run->given % run->o->connections];
		c->backlog++;
		ask_backlog(run, c);
	}
}

/* Hearing. */

static void
count_wrong(struct load_result *result, const struct load_reply *reply)
{
	if (result->wrong++ == 0)
		snprintf(result->first_wrong, sizeof(result->first_wrong),
		    "%.*s", reply->len > 100 ? 100 : (int)reply->len,
		    reply->data);
}

static void
take(struct run *run, const struct load_request *r,
    const struct load_reply *reply, uint64_t ns)
{
	run->answered++;
	if (!load_is_right(run->o->dialect, &run->values, r, reply))
		count_wrong(run->result, reply);
	if (r->since_ns >= run->from_ns && r->since_ns < run->to_ns)
		load_histogram_add(&run->result->latency,
		    ns - r->since_ns);
}

static void
hear(struct run *run, struct load_conn *c)
{
	const struct load_request *r;
	struct load_reply reply;
	uint64_t ns;

	load_conn_read(c);
	ns = now_ns();
	while ((r = load_conn_next(c, run->o, &reply)) != NULL)
		take(run, r, &reply, ns);
	if (run->o->rate > 0)
		ask_backlog(run, c);
	else if (load_conn_pending(c) == 0 && run->given < run->limit)
		ask_batch(run, c, ns);
}

/* Wait until then at most, and hear who has answered.  Returns how many. */
static int
wait_and_hear(struct run *run, uint64_t ns, uint64_t until_ns)
{
	uint64_t rest = until_ns > ns ? until_ns - ns : 0;
	struct timespec ts = { .tv_sec = (time_t)(rest / 1000000000),
		.tv_nsec = (long)(rest % 1000000000) };
	struct epoll_event events[EVENTS];
	int i, n;

	n = epoll_pwait2(run->epoll_fd, events, EVENTS, &ts, NULL);
	if (n == -1)
		err(1, "epoll");
	for (i = 0; i < n; i++) {
		if (events[i].events & EPOLLOUT)
			load_conn_flush(events[i].data.ptr, run->epoll_fd);
		if (events[i].events & ~(uint32_t)EPOLLOUT)
			hear(run, events[i].data.ptr);
	}
	return n;
}

static uint64_t
patience_ns(const struct run *run)
{
	return (uint64_t)(run->o->patience_s * 1e9);
}

/* When to look again if nobody answers: something will be due then. */
static uint64_t
next_ns(const struct run *run, uint64_t ns)
{
	if (run->o->rate > 0 && run->given < run->limit)
		return load_schedule_due_ns(&run->schedule, run->given) + 1;
	return ns + patience_ns(run);
}

/*
 * Until this time, or until that many are answered, or until nobody has said
 * anything for too long.
 */
static void
talk(struct run *run, uint64_t until_ns, uint64_t answers)
{
	uint64_t ns, look_ns;

	while ((ns = now_ns()) < until_ns && run->answered < answers) {
		if (run->o->rate > 0)
			give(run, ns);
		look_ns = next_ns(run, ns);
		if (look_ns > until_ns)
			look_ns = until_ns;
		if (wait_and_hear(run, ns, look_ns) == 0 &&
		    look_ns >= ns + patience_ns(run))
			return;
	}
}

/* A whole run. */

static void
begin(struct run *run)
{
	const struct load_options *o = run->o;
	size_t i;

	load_values_open(&run->values, o->value_min, o->value_max);
	load_zipf_open(&run->zipf, o->keys, o->theta);
	for (i = 0; i < o->servers_n; i++)
		load_processes_add(&run->servers, o->servers[i]);
	if ((run->epoll_fd = epoll_create1(EPOLL_CLOEXEC)) == -1 ||
	    (run->conns = calloc(o->connections, sizeof(*run->conns))) == NULL)
		err(1, NULL);
	for (i = 0; i < o->connections; i++)
		load_conn_open(&run->conns[i], o, run->epoll_fd);
	/* Without it a sleep of 1 us would be one of 50 us. */
	(void)prctl(PR_SET_TIMERSLACK, 1);
	run->schedule.start_ns = now_ns();
	run->schedule.rate = o->rate;
	run->from_ns = run->schedule.start_ns + (uint64_t)(o->warm_s * 1e9);
	for (i = 0; o->rate == 0 && i < o->connections; i++)
		ask_batch(run, &run->conns[i], now_ns());
}

/* Whoever has been asked, or should have been by then, may still answer. */
static void
end(struct run *run)
{
	size_t i;

	if (run->o->rate == 0)
		run->limit = run->given;
	else if (run->o->requests == 0)
		run->limit = load_schedule_count(&run->schedule, run->to_ns);
	talk(run, now_ns() + patience_ns(run), run->limit);
	run->result->missing += run->limit - run->answered;
	for (i = 0; i < run->o->connections; i++)
		load_conn_close(&run->conns[i]);
	free(run->conns);
	close(run->epoll_fd);
	load_values_close(&run->values);
}

/* The part that counts. */
static void
measure(struct run *run)
{
	const struct load_options *o = run->o;
	struct load_result *result = run->result;
	uint64_t before = run->answered, begun_ns = now_ns();

	result->server_s = load_processes_s(&run->servers);
	result->client_s = load_clock_s(CLOCK_PROCESS_CPUTIME_ID);
	run->to_ns = NEVER;
	if (o->requests > 0) {
		talk(run, NEVER, o->requests);
	} else {
		run->to_ns = run->from_ns + (uint64_t)(o->seconds * 1e9);
		talk(run, run->to_ns, NEVER);
	}
	result->seconds = (double)(now_ns() - begun_ns) / 1e9;
	result->server_s = load_processes_s(&run->servers) - result->server_s;
	result->client_s = load_clock_s(CLOCK_PROCESS_CPUTIME_ID) -
	    result->client_s;
	result->answered = run->answered - before;
}

static void
create_bucket(const struct load_options *o, struct load_result *result)
{
	struct load_options create = *o;

	create.dialect = LOAD_CREATE;
	create.connections = create.depth = create.requests = 1;
	create.rate = create.warm_s = 0;
	create.servers_n = 0;
	load_run(&create, result);
}

void
load_fill(const struct load_options *o, struct load_result *result)
{
	struct load_options fill = *o;
	struct run run = {
		.o = &fill, .result = result, .in_order = true,
		.limit = o->keys
	};

	if (o->dialect == LOAD_TEXT)
		create_bucket(o, result);
	fill.rate = fill.warm_s = 0;
	fill.depth = o->depth > FILL_DEPTH ? o->depth : FILL_DEPTH;
	fill.servers_n = 0;
	begin(&run);
	talk(&run, NEVER, o->keys);
	end(&run);
}

void
load_run(const struct load_options *o, struct load_result *result)
{
	struct run run = {
		.o = o, .result = result,
		.limit = o->requests > 0 ? o->requests : NEVER
	};

	*result = (struct load_result){
		.wrong = result->wrong, .missing = result->missing
	};
	begin(&run);
	if (o->warm_s > 0)
		talk(&run, run.from_ns, NEVER);
	measure(&run);
	end(&run);
}
