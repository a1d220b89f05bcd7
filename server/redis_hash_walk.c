/*
 * Hashes: all fields, at once or in steps.
 *
 * HGETALL and its like are of one moment, if the hash is not large: they read
 * it again when it has changed meanwhile, and at last under the lock.  A large
 * one that is being changed is read as it is on the way, each field once.
 *
 * The cursor of HSCAN is the place of shm/scan.h with its bits in reverse:
 * places have zeros at their low end, and a number without them is short.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/glob.h"
#include "server/redis_hash.h"
#include "shm/hash.h"

#define STEADY_MAX	20000U	/* fields that are read again */
#define SMALL_MAX	128U	/* fields that HSCAN gives in one step */
#define COUNT_DEFAULT	10

enum what {
	NAMES = 1, VALUES = 2, BOTH = NAMES | VALUES
};

static struct slice
slice_of(struct bytes b)
{
	return (struct slice){ b.data, b.len };
}

static void
put_pair(struct call *call, enum what what, const struct pair *pair)
{
	if ((what & NAMES) != 0)
		resp_put_bulk(call->out, slice_of(pair->key));
	if ((what & VALUES) != 0)
		resp_put_bulk(call->out, slice_of(pair->value));
}

/* Returns how many there were. */
static size_t
put_batch(struct call *call, enum what what)
{
	struct pair pair;
	size_t n;

	for (n = 0; hash_next_pair(call, &pair); n++)
		put_pair(call, what, &pair);
	return n;
}

static enum shm_status
put_all(struct call *call, enum what what, size_t *n)
{
	size_t mark = outbuf_len(call->out);
	struct scan scan = { 0 };
	enum shm_status status;

	*n = 0;
	do {
		hash_beat(call);
		status = store_scan_pairs(call->env->store,
		    call->req->argv[1], &scan, 0);
		if (status != SHM_OK)
			return status;
		*n += put_batch(call, what);
		if (outbuf_len(call->out) - mark > HASH_REPLY_MAX)
			return SHM_NO_ROOM;
	} while (!scan.done);
	return SHM_OK;
}

/* Of one moment, if that can be had. */
static enum shm_status
put_steady(struct call *call, enum what what, size_t *n)
{
	size_t mark = outbuf_len(call->out);
	enum shm_status status, locked;
	struct hash_moment moment;
	unsigned tries;

	for (tries = 0; tries < HASH_TRIES; tries++) {
		outbuf_truncate(call->out, mark);
		hash_moment_begin(call, &moment);
		status = put_all(call, what, n);
		if (hash_moment_lasts(call, &moment) || *n > STEADY_MAX ||
		    status == SHM_NO_ROOM)
			return status;
	}
	locked = store_scan_moment(call->env->store, call->req->argv[1]);
	if (locked == SHM_NO_ROOM)
		return status;
	outbuf_truncate(call->out, mark);
	*n = locked == SHM_OK ? put_batch(call, what) : 0;
	return locked;
}

static void
answer_all(struct call *call, enum what what)
{
	size_t mark = outbuf_len(call->out), n;
	enum shm_status status = put_steady(call, what, &n);

	if (status != SHM_OK) {
		outbuf_truncate(call->out, mark);
		n = 0;
	}
	if (status == SHM_NO_ROOM)
		hash_too_long(call);
	if (status == SHM_NO_ROOM ||
	    (status != SHM_OK && !hash_lacks(call, status)))
		return;
	resp_put_list_at(call->out, redis_version(call),
	    what == BOTH ? RESP_MAP : RESP_ARRAY, n, mark);
}

void
redis_run_hgetall(struct call *call)
{
	answer_all(call, BOTH);
}

void
redis_run_hkeys(struct call *call)
{
	answer_all(call, NAMES);
}

void
redis_run_hvals(struct call *call)
{
	answer_all(call, VALUES);
}

/* --- steps --- */

struct step {			/* what HSCAN is told */
	struct scan	 scan;
	struct glob	*glob;		/* NULL: all */
	int64_t		 count;
	enum what	 what;
};

/* In the forms that strtoul(3) takes, but without space before it. */
static bool
parse_cursor(struct call *call, uint64_t *cursor)
{
	struct slice word = call->req->argv[2];
	char text[32] = "", *end;

	errno = 0;
	if (word.len < sizeof(text)) {
		if (word.len > 0)
			memcpy(text, word.data, word.len);
		*cursor = strtoull(text, &end, 10);
		if (end == text + word.len && errno == 0 &&
		    strchr(" \t\n\v\f\r", text[0]) == NULL)
			return true;
		if (word.len == 0)
			return true;
	}
	redis_error(call, "ERR", "invalid cursor");
	return false;
}

static bool
parse_count(struct call *call, struct slice word, struct step *step)
{
	if (!redis_integer(call, word, &step->count))
		return false;
	if (step->count > 0)
		return true;
	redis_syntax_error(call);
	return false;
}

static bool
parse_pattern(struct call *call, struct slice word, struct step *step)
{
	glob_free(step->glob);
	step->glob = glob_new(word, false);
	if (step->glob != NULL)
		return true;
	redis_error(call, "ERR", "pattern is longer than %d bytes",
	    GLOB_PATTERN_MAX);
	return false;
}

static bool
parse_options(struct call *call, struct step *step)
{
	const struct slice *argv = call->req->argv;
	size_t i, argc = call->req->argc;

	for (i = 3; i < argc; i++) {
		if (redis_is(argv[i], "NOVALUES")) {
			step->what = NAMES;
		} else if (redis_is(argv[i], "COUNT") && i + 1 < argc) {
			if (!parse_count(call, argv[++i], step))
				return false;
		} else if (redis_is(argv[i], "MATCH") && i + 1 < argc) {
			if (!parse_pattern(call, argv[++i], step))
				return false;
		} else {
			redis_syntax_error(call);
			return false;
		}
	}
	return true;
}

/* Of a small hash all, as clients are used to. */
static size_t
step_size(const struct call *call, const struct step *step)
{
	struct bucket_stat stat;

	if (store_stat(call->env->store, call->req->argv[1], &stat) ==
	    SHM_OK && stat.keys <= SMALL_MAX && step->count < SMALL_MAX)
		return SMALL_MAX;
	return (size_t)step->count;
}

static void
put_cursor(struct call *call, uint64_t cursor)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%ju", (uintmax_t)cursor);

	resp_put_list(call->out, redis_version(call), RESP_ARRAY, 2);
	resp_put_bulk(call->out, (struct slice){ (const uint8_t *)text,
	    (size_t)len });
}

/* The fields of the step just made. */
static void
put_found(struct call *call, const struct step *step)
{
	size_t mark = outbuf_len(call->out), n = 0;
	struct pair pair;

	while (hash_next_pair(call, &pair)) {
		if (step->glob != NULL &&
		    !glob_match(step->glob, slice_of(pair.key)))
			continue;
		put_pair(call, step->what, &pair);
		n++;
	}
	resp_put_list_at(call->out, redis_version(call), RESP_ARRAY,
	    step->what == BOTH ? 2 * n : n, mark);
}

static void
make_step(struct call *call, struct step *step)
{
	enum shm_status status;

	status = store_scan_pairs(call->env->store, call->req->argv[1],
	    &step->scan, step_size(call, step));
	if (status == SHM_OK) {
		put_cursor(call, step->scan.done ? 0 :
		    hash_reverse(step->scan.cursor));
		put_found(call, step);
	} else if (hash_lacks(call, status)) {
		put_cursor(call, 0);
		resp_put_list(call->out, redis_version(call), RESP_ARRAY, 0);
	}
}

/* What is wrong with the options for a hash that is not there nobody hears. */
void
redis_run_hscan(struct call *call)
{
	struct step step = { .count = COUNT_DEFAULT, .what = BOTH };
	struct bucket_stat stat;
	uint64_t cursor;

	if (!parse_cursor(call, &cursor))
		return;
	step.scan.cursor = hash_reverse(cursor);
	if (store_stat(call->env->store, call->req->argv[1], &stat) !=
	    SHM_OK || parse_options(call, &step))
		make_step(call, &step);
	glob_free(step.glob);
}
