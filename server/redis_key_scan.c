/*
 * SCAN: names by steps, those of one node after those of another.  Its cursor
 * says whose are next, so who is asked passes the request on to that one, and
 * the last step on a node gives the cursor at which the next one begins.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/redis_every.h"
#include "server/redis_walk.h"

#define CURSOR_DIGITS	20
#define COUNT_USUAL	10
#define NODE_BYTES	((size_t)64 * 1024)	/* what a frame has room for */

static void
reply_scan(struct call *call, const struct walk *w, const struct found *found)
{
	char cursor[CURSOR_DIGITS + 1];
	int len;

	len = snprintf(cursor, sizeof(cursor), "%ju",
	    (uintmax_t)walk_cursor(w));
	resp_put_list(call->out, redis_version(call), RESP_ARRAY, 2);
	resp_put_bulk(call->out, (struct slice){ (const uint8_t *)cursor,
	    (size_t)len });
	walk_reply(call->out, redis_version(call), found);
}

static void
scan(struct call *call, struct walk *w, size_t count)
{
	struct found found = { .n = 0 };
	enum shm_status status;

	outbuf_init(&found.names);
	status = walk_collect(w, count, call->session == NULL ?
	    NODE_BYTES : WALK_PIECE_BYTES, &found);
	if (status == SHM_OK)
		reply_scan(call, w, &found);
	else
		redis_store_error(call, status);
	outbuf_free(&found.names);
}

static void
read_type(struct walk *w, struct slice word)
{
	w->only = redis_is(word, "string") ? REDIS_STRING :
	    redis_is(word, "hash") ? REDIS_HASH : REDIS_NONE;
	w->nothing = w->only == REDIS_NONE;
}

static bool
read_count(struct call *call, struct slice word, int64_t *count)
{
	if (!redis_integer(call, word, count))
		return false;
	if (*count > 0)
		return true;
	redis_syntax_error(call);
	return false;
}

static bool
read_options(struct call *call, struct walk *w, int64_t *count)
{
	const struct slice *argv = call->req->argv;
	size_t i, argc = call->req->argc;

	for (i = 2; i + 1 < argc; i += 2) {
		if (redis_is(argv[i], "COUNT")) {
			if (!read_count(call, argv[i + 1], count))
				return false;
		} else if (redis_is(argv[i], "MATCH")) {
			if (!walk_set_pattern(w, call, argv[i + 1]))
				return false;
		} else if (redis_is(argv[i], "TYPE")) {
			read_type(w, argv[i + 1]);
		} else {
			break;
		}
	}
	if (i < argc)
		redis_syntax_error(call);
	return i >= argc;
}

/* In any form that strtoul(3) takes, as Redis does. */
static bool
read_number(struct slice word, uint64_t *number)
{
	char text[64], *end;

	if (word.len >= sizeof(text) || memchr(word.data, '\0', word.len) !=
	    NULL || (word.len > 0 && strchr(" \t\n\v\f\r", word.data[0]) !=
	    NULL))
		return false;
	memcpy(text, word.data, word.len);
	text[word.len] = '\0';
	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno != ERANGE && *end == '\0';
}

void
redis_run_scan(struct call *call)
{
	int64_t count = COUNT_USUAL;
	uint64_t cursor;
	struct walk w;

	if (!read_number(call->req->argv[1], &cursor)) {
		redis_error(call, "ERR", "invalid cursor");
		return;
	}
	walk_begin(&w, call->env);
	walk_set_cursor(&w, cursor);
	if (read_options(call, &w, &count))
		scan(call, &w, (size_t)count);
	walk_end(&w);
}

uint32_t
redis_scan_node(const struct request *req, const struct route *route)
{
	uint64_t cursor;

	return req->argc >= 2 && read_number(req->argv[1], &cursor) ?
	    walk_node_of(route, cursor) : route_self(route);
}
