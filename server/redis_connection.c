/*
 * Commands of Redis about the connection itself.
 */

#include <string.h>

#include "server/redis.h"
#include "server/session.h"

void
redis_run_ping(struct call *call)
{
	const struct request *req = call->req;

	if (req->argc > 2)
		redis_wrong_arity(call);
	else if (req->argc == 2)
		resp_put_bulk(call->out, req->argv[1]);
	else
		resp_put_simple(call->out, "PONG");
}

void
redis_run_echo(struct call *call)
{
	resp_put_bulk(call->out, call->req->argv[1]);
}

static void
pair(struct call *call, const char *name, const char *value)
{
	resp_put_bulk(call->out, (struct slice){ (const uint8_t *)name,
	    strlen(name) });
	resp_put_bulk(call->out, (struct slice){ (const uint8_t *)value,
	    strlen(value) });
}

static void
number(struct call *call, const char *name, int64_t value)
{
	resp_put_bulk(call->out, (struct slice){ (const uint8_t *)name,
	    strlen(name) });
	resp_put_integer(call->out, value);
}

static void
greet(struct call *call)
{
	enum resp_version v = redis_version(call);

	resp_put_list(call->out, v, RESP_MAP, 7);
	pair(call, "server", "redis");
	pair(call, "version", "7.0.15");
	number(call, "proto", v);
	number(call, "id", (int64_t)call->session->id);
	pair(call, "mode", "standalone");
	pair(call, "role", "master");
	resp_put_bulk(call->out, (struct slice){ (const uint8_t *)"modules",
	    7 });
	resp_put_list(call->out, v, RESP_ARRAY, 0);
}

void
redis_run_hello(struct call *call)
{
	int64_t version;

	greet(call);
	(void)version;
}

void
redis_run_select(struct call *call)
{
	int64_t db;

	if (!redis_integer(call, call->req->argv[1], &db))
		return;
	if (db == 0)
		redis_ok(call);
	else
		redis_error(call, "ERR", "DB index is out of range");
}

void
redis_run_quit(struct call *call)
{
	redis_ok(call);
	call->next = CALL_CLOSE;
}
