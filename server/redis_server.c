/*
 * Commands of Redis about the server, but for those that have a file of their
 * own: INFO, CONFIG, COMMAND, CLUSTER, SLOWLOG.
 *
 * Much of what they ask for kvd has not: functions, scripts, replicas to wait
 * for.  The answer is then what an idle Redis says, which is
 * the truth as well.
 */

#include "server/redis.h"

#include <stdio.h>
#include <time.h>

#include "proto/number.h"
#include "server/clock.h"
#include "server/debug.h"
#include "server/redis_sub.h"

#define EVENT_SHOWN	128

/* --- time --- */

void
redis_run_time(struct call *call)
{
	char text[24];
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	resp_put_list(call->out, redis_version(call), RESP_ARRAY, 2);
	snprintf(text, sizeof(text), "%jd", (intmax_t)ts.tv_sec);
	redis_say(call, text);
	snprintf(text, sizeof(text), "%ld", ts.tv_nsec / 1000);
	redis_say(call, text);
}

/* Redis counts its start as one, before it saves for the first time. */
void
redis_run_lastsave(struct call *call)
{
	struct board_row master = { .started_ms = 0 };

	board_read(call->env->inherit->arena, BOARD_MASTER_SLOT, &master);
	resp_put_integer(call->out, (int64_t)(master.started_ms / 1000));
}

/* --- replicas --- */

void
redis_run_wait(struct call *call)
{
	const struct slice *argv = call->req->argv;
	int64_t n, timeout_ms;

	if (redis_integer(call, argv[1], &n) &&
	    redis_timeout(call, argv[2], &timeout_ms))
		resp_put_integer(call->out, 0);
}

void
redis_run_role(struct call *call)
{
	enum resp_version v = redis_version(call);

	resp_put_list(call->out, v, RESP_ARRAY, 3);
	redis_say(call, "master");
	resp_put_integer(call->out, 0);
	resp_put_list(call->out, v, RESP_ARRAY, 0);
}

/* --- functions and scripts --- */

static bool
is_sync(const struct request *req)
{
	return req->argc == 2 || (req->argc == 3 &&
	    (redis_is(req->argv[2], "SYNC") ||
	    redis_is(req->argv[2], "ASYNC")));
}

void
redis_run_function_flush(struct call *call)
{
	if (call->req->argc > 3)
		redis_sub_syntax_error(call);
	else if (is_sync(call->req))
		redis_ok(call);
	else
		redis_error(call, "ERR", "FUNCTION FLUSH only supports "
		    "SYNC|ASYNC option");
}

void
redis_run_script_flush(struct call *call)
{
	if (is_sync(call->req))
		redis_ok(call);
	else
		redis_error(call, "ERR", "SCRIPT FLUSH only support "
		    "SYNC|ASYNC option");
}

void
redis_run_function_list(struct call *call)
{
	resp_put_list(call->out, redis_version(call), RESP_ARRAY, 0);
}

void
redis_run_script_exists(struct call *call)
{
	size_t i, n = call->req->argc - 2;

	resp_put_list(call->out, redis_version(call), RESP_ARRAY, n);
	for (i = 0; i < n; i++)
		resp_put_integer(call->out, 0);
}

/* --- what takes how long: nothing is measured --- */

void
redis_run_latency_empty(struct call *call)
{
	resp_put_list(call->out, redis_version(call), RESP_ARRAY, 0);
}

void
redis_run_latency_histogram(struct call *call)
{
	resp_put_list(call->out, redis_version(call), RESP_MAP, 0);
}

void
redis_run_latency_reset(struct call *call)
{
	resp_put_integer(call->out, 0);
}

void
redis_run_latency_graph(struct call *call)
{
	struct slice event = call->req->argv[2];

	redis_error(call, "ERR", "No samples available for event '%.*s'",
	    event.len < EVENT_SHOWN ? (int)event.len : EVENT_SHOWN,
	    event.data);
}

void
redis_run_latency_doctor(struct call *call)
{
	resp_put_verbatim(call->out, redis_version(call), redis_word(
	    "kvd does not measure latency by itself; try redis-cli "
	    "--latency.\n"));
}

/* --- builds for tests --- */

#ifdef KVD_DEBUG_COMMANDS

#define NAP_MS	50

/* As long as a client asks for; the watchdog is told that this is meant. */
static void
sleep_alive(const struct inherit *in, uint64_t ms)
{
	const struct timespec nap = { .tv_nsec = NAP_MS * 1000000L };
	uint64_t end_ms = clock_ms() + ms;

	while (clock_ms() < end_ms) {
		board_beat(in->arena, in->slot, clock_ms());
		nanosleep(&nap, NULL);
	}
}

void
redis_run_debug(struct call *call)
{
	const struct slice *argv = call->req->argv;
	long double seconds;

	if (redis_is(argv[1], "SLEEP") && call->req->argc == 3 &&
	    number_parse_real(argv[2], &seconds) && seconds >= 0 &&
	    seconds < 3600)
		sleep_alive(call->env->inherit, (uint64_t)(seconds * 1000));
	else if (redis_is(argv[1], "CRASH"))
		debug_execute(call);
	else if (!redis_is(argv[1], "JMAP")) {
		redis_syntax_error(call);
		return;
	}
	redis_ok(call);
}

#endif
