/*
 * DEBUG: a worker that does on demand what none should ever do, so that
 * tests of what happens then need no luck.
 *
 *	DEBUG CRASH segv|abort|fpe[:tag] [later]
 *	DEBUG EXIT status
 *	DEBUG HANG [locked bucket]	turns round for ever
 *	DEBUG STOP [locked bucket]	stops itself; OK after SIGCONT
 *
 * A tag makes another request of it, to whoever tells requests apart by
 * their first three words.  `later' crashes in the reply, which is a stream.
 * `locked' is with the lock of that bucket's shard held.
 *
 * No client may have this, so command.def names it only in builds for tests
 * (KVD_DEBUG_COMMANDS); in others nobody asks for this file, and the linker
 * leaves it out.  So it is with debug_hold(), which holds a change of
 * generations up at a place that a test has to be quick to hit.
 */

#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "proto/reply.h"
#include "server/clock.h"
#include "server/debug.h"
#include "shm/board.h"
#include "shm/lock.h"

#define NOWHERE		16	/* an address where nothing ever is */

/* What the sanitizers would stop is what is wanted here. */
#define UNCHECKED	__attribute__((no_sanitize("address"), \
    no_sanitize("undefined")))

static bool
is_word(struct slice given, const char *name)
{
	return given.len == strlen(name) &&
	    strncasecmp((const char *)given.data, name, given.len) == 0;
}

static void
answer_unknown(struct call *call)
{
	call->failed = true;
	reply_unknown_command(call->out);
}

/* Ways to crash. */

UNCHECKED static void
crash_segv(void)
{
	volatile uintptr_t address = NOWHERE;

	*(volatile char *)address = 1;
}

UNCHECKED static void
crash_fpe(void)
{
	/* A zero that no compiler and no checker knows for one. */
	long zero = strtol("0", NULL, 10);
	volatile long divisor = zero, quotient = 1;

	quotient = quotient / divisor;
}

struct crash_way {
	const char	*name;
	void		(*crash)(void);
};

static const struct crash_way crash_ways[] = {
	{ "segv", crash_segv },
	{ "abort", abort },
	{ "fpe", crash_fpe },
};

/* NULL if there is none of that name. */
static const struct crash_way *
find_crash(struct slice given)
{
	const uint8_t *colon = memchr(given.data, ':', given.len);
	size_t i;

	if (colon != NULL)
		given.len = (size_t)(colon - given.data);
	for (i = 0; i < sizeof(crash_ways) / sizeof(crash_ways[0]); i++)
		if (is_word(given, crash_ways[i].name))
			return &crash_ways[i];
	return NULL;
}

static bool
crash_in_stream(struct stream *stream, struct store *store,
    struct outbuf *out)
{
	(void)store;
	(void)out;
	find_crash(stream->argv[2])->crash();
	return false;
}

static void
debug_crash(struct call *call)
{
	const struct request *req = call->req;
	const struct crash_way *way = find_crash(req->argv[2]);

	if (way == NULL) {
		answer_unknown(call);
	} else if (req->argc == 4 && is_word(req->argv[3], "later")) {
		*call->stream = (struct stream){ .next = crash_in_stream,
		    .argv = req->argv, .argc = req->argc };
		call->next = CALL_STREAM;
	} else {
		way->crash();
		/* Not every processor traps a division by zero. */
		call->failed = true;
		reply_error(call->out, "still alive");
	}
}

static void
debug_exit(struct call *call)
{
	struct slice given = call->req->argv[2];
	int status = 0;
	size_t i;

	for (i = 0; i < given.len && i < 4 && isdigit(given.data[i]); i++)
		status = status * 10 + given.data[i] - '0';
	if (i == given.len && i > 0 && i < 4)
		_exit(status);
	answer_unknown(call);
}

/* Ways to stand still. */

static void
hang(void)
{
	for (;;)
		;
}

static void
stop(void)
{
	raise(SIGSTOP);
}

/* With the lock of the bucket in argv[3], if the request says so. */
static void
stand_still(struct call *call, void (*still)(void))
{
	const struct request *req = call->req;
	struct arena *arena = call->env->inherit->arena;
	struct held held;

	if (req->argc == 2) {
		still();
	} else if (req->argc == 4 && is_word(req->argv[2], "locked")) {
		if (lock_shard(arena, arena_shard_of(arena, (struct bytes){
		    .data = req->argv[3].data, .len = req->argv[3].len }),
		    &held) == LOCK_POISONED) {
			call->failed = true;
			reply_error(call->out, "shard damaged");
			return;
		}
		still();
		lock_release(&held);
	} else {
		answer_unknown(call);
		return;
	}
	reply_ok(call->out);
}

void
debug_execute(struct call *call)
{
	const struct request *req = call->req;

	if (is_word(req->argv[1], "CRASH") && req->argc >= 3)
		debug_crash(call);
	else if (is_word(req->argv[1], "EXIT") && req->argc == 3)
		debug_exit(call);
	else if (is_word(req->argv[1], "HANG"))
		stand_still(call, hang);
	else if (is_word(req->argv[1], "STOP"))
		stand_still(call, stop);
	else
		answer_unknown(call);
}

#ifdef KVD_DEBUG_COMMANDS
void
debug_hold(const struct inherit *in)
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	const char *path = getenv("KVD_DEBUG_HOLD");
	sigset_t pending;

	sigemptyset(&pending);
	while (path != NULL && access(path, F_OK) == 0 &&
	    !sigismember(&pending, SIGTERM)) {
		board_beat(in->arena, in->slot, clock_ms());
		nanosleep(&pause, NULL);
		sigpending(&pending);
	}
}
#endif
