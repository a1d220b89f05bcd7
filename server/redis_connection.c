/*
 * Commands of Redis about the connection itself.
 *
 * There is one user, `default', and one password or none.  Without one any is
 * right.
 */

#include "server/redis.h"

#include <string.h>

#include "proto/number.h"
#include "server/channel.h"
#include "server/redis_client.h"
#include "server/redis_cluster.h"
#include "server/redis_multi.h"
#include "server/redis_pubsub.h"
#include "server/session.h"
#include "server/tracking.h"

#define OPTION_SHOWN	128	/* bytes of one that is unknown */

/* To somebody who takes it for a message. */
static void
pong(struct call *call)
{
	const struct request *req = call->req;

	resp_put_list(call->out, redis_version(call), RESP_ARRAY, 2);
	redis_say(call, "pong");
	resp_put_bulk(call->out, req->argc == 2 ? req->argv[1] :
	    redis_word(""));
}

void
redis_run_ping(struct call *call)
{
	const struct request *req = call->req;

	if (req->argc > 2)
		redis_wrong_arity(call);
	else if (pubsub_is_mute(call))
		pong(call);
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

/* --- AUTH --- */

static bool
is_welcome(struct call *call, struct slice user, struct slice password)
{
	if (user.len == 7 && memcmp(user.data, "default", 7) == 0 &&
	    (!command_wants_password(call) ||
	    command_is_password(call, password))) {
		call->session->is_stranger = false;
		return true;
	}
	redis_error(call, "WRONGPASS", "invalid username-password pair or "
	    "user is disabled.");
	return false;
}

void
redis_run_auth(struct call *call)
{
	const struct request *req = call->req;

	if (req->argc > 3)
		redis_syntax_error(call);
	else if (req->argc == 2 && !command_wants_password(call))
		redis_error(call, "ERR", "AUTH <password> called without any "
		    "password configured for the default user. Are you sure "
		    "your configuration is correct?");
	else if (is_welcome(call, req->argc == 2 ? redis_word("default") :
	    req->argv[1], req->argv[req->argc - 1]))
		redis_ok(call);
}

/* --- HELLO --- */

static void
put_number(struct call *call, const char *name, int64_t value)
{
	redis_say(call, name);
	resp_put_integer(call->out, value);
}

static void
put_pair(struct call *call, const char *name, const char *value)
{
	redis_say(call, name);
	redis_say(call, value);
}

static void
greet(struct call *call, enum resp_version v)
{
	resp_put_list(call->out, v, RESP_MAP, 7);
	put_pair(call, "server", "redis");
	put_pair(call, "version", REDIS_VERSION);
	put_number(call, "proto", v);
	put_number(call, "id", (int64_t)call->session->id);
	put_pair(call, "mode", redis_cluster_is_on(call) ? "cluster" :
	    "standalone");
	put_pair(call, "role", "master");
	redis_say(call, "modules");
	resp_put_list(call->out, v, RESP_ARRAY, 0);
}

struct hello {
	enum resp_version	 version;
	const struct slice	*name;		/* NULL: the one it has */
};

static bool
parse_version(struct call *call, struct hello *hello)
{
	int64_t version;

	if (!number_parse_int(call->req->argv[1], &version)) {
		redis_error(call, "ERR", "Protocol version is not an integer "
		    "or out of range");
		return false;
	}
	if (version != RESP_2 && version != RESP_3) {
		redis_error(call, "NOPROTO", "unsupported protocol version");
		return false;
	}
	hello->version = (enum resp_version)version;
	return true;
}

/* Returns the number of words taken; 0: the answer is an error. */
static size_t
parse_option(struct call *call, size_t i, struct hello *hello)
{
	const struct slice *argv = call->req->argv;
	size_t more = call->req->argc - i - 1;

	if (redis_is(argv[i], "AUTH") && more >= 2)
		return is_welcome(call, argv[i + 1], argv[i + 2]) ? 3 : 0;
	if (redis_is(argv[i], "SETNAME") && more >= 1) {
		hello->name = &argv[i + 1];
		return redis_client_name_is_sound(call, "Client names",
		    argv[i + 1]) ? 2 : 0;
	}
	redis_error(call, "ERR", "Syntax error in HELLO option '%.*s'",
	    argv[i].len < OPTION_SHOWN ? (int)argv[i].len : OPTION_SHOWN,
	    argv[i].data);
	return 0;
}

void
redis_run_hello(struct call *call)
{
	struct hello hello = { .version = redis_version(call) };
	size_t i, used;

	if (call->req->argc > 1 && !parse_version(call, &hello))
		return;
	for (i = 2; i < call->req->argc; i += used)
		if ((used = parse_option(call, i, &hello)) == 0)
			return;
	if (call->session->is_stranger) {
		redis_error(call, "NOAUTH", "HELLO must be called with the "
		    "client already authenticated, otherwise the HELLO AUTH "
		    "<user> <pass> option can be used to authenticate the "
		    "client and select the RESP protocol version at the same "
		    "time");
		return;
	}
	if (hello.name != NULL &&
	    !session_set_name(call->session, *hello.name)) {
		redis_error(call, "ERR", "out of memory");
		return;
	}
	call->session->protocol = hello.version == RESP_3 ? REQUEST_RESP3 :
	    REQUEST_RESP2;
	greet(call, hello.version);
}

/* --- the rest --- */

void
redis_run_select(struct call *call)
{
	int64_t db;

	if (!redis_int(call, call->req->argv[1], &db))
		return;
	if (db == 0)
		redis_ok(call);
	else
		redis_error(call, "ERR", "DB index is out of range");
}

void
redis_run_reset(struct call *call)
{
	session_reset(call->session);
	call->session->is_stranger = command_wants_password(call);
	channels_forget(call->session);
	tracking_end(call->session);
	multi_forget(call->session);
	resp_put_simple(call->out, "RESET");
}

void
redis_run_quit(struct call *call)
{
	redis_ok(call);
	call->next = CALL_CLOSE;
}
