/*
 * Commands about channels.  In RESP2 a message cannot be told from a reply,
 * so who listens may say little else; in RESP3 messages are pushes.
 */

#include <string.h>

#include "server/channel.h"
#include "server/redis.h"
#include "server/redis_pubsub.h"

bool
pubsub_allows(struct call *call)
{
	static const char *const allowed[] = {
		"PING", "PSUBSCRIBE", "PUNSUBSCRIBE", "QUIT", "RESET",
		"SUBSCRIBE", "UNSUBSCRIBE"
	};
	char name[32];
	size_t i;

	if (!pubsub_is_mute(call))
		return true;
	for (i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (strcmp(call->redis->name, allowed[i]) == 0)
			return true;
	redis_lower(name, sizeof(name), call->redis->name);
	redis_error(call, "ERR", "Can't execute '%s': only (P|S)SUBSCRIBE / "
	    "(P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this "
	    "context", name);
	return false;
}

bool
pubsub_is_mute(const struct call *call)
{
	return call->session != NULL && redis_version(call) == RESP_2 &&
	    channels_count(call->session) > 0;
}

static void
put(struct call *call, const char *what, const struct slice *name)
{
	resp_put_list(call->out, redis_version(call), RESP_PUSH, 3);
	redis_say(call, what);
	if (name != NULL)
		resp_put_bulk(call->out, *name);
	else
		resp_put_null(call->out, redis_version(call));
	resp_put_integer(call->out, (int64_t)channels_count(call->session));
}

static void
subscribe(struct call *call, enum channel_kind kind, const char *what)
{
	const struct request *req = call->req;
	size_t i;

	for (i = 1; i < req->argc; i++) {
		if (!channel_add(call->session, kind, req->argv[i],
		    call->out)) {
			redis_error(call, "ERR", "no memory, or a pattern "
			    "that is too long");
			return;
		}
		put(call, what, &req->argv[i]);
	}
}

/* The name is the session's own, so it goes when it has been said. */
static void
unsubscribe_all(struct call *call, enum channel_kind kind, const char *what)
{
	struct slice name;

	while (channel_any(call->session, kind, &name)) {
		resp_put_list(call->out, redis_version(call), RESP_PUSH, 3);
		redis_say(call, what);
		resp_put_bulk(call->out, name);
		channel_remove(call->session, kind, name);
		resp_put_integer(call->out,
		    (int64_t)channels_count(call->session));
	}
}

static void
unsubscribe(struct call *call, enum channel_kind kind, const char *what)
{
	const struct request *req = call->req;
	struct slice name;
	size_t i;

	if (req->argc == 1 && channel_any(call->session, kind, &name))
		unsubscribe_all(call, kind, what);
	else if (req->argc == 1)
		put(call, what, NULL);
	for (i = 1; i < req->argc; i++) {
		channel_remove(call->session, kind, req->argv[i]);
		put(call, what, &req->argv[i]);
	}
}

void
redis_run_subscribe(struct call *call)
{
	subscribe(call, CHANNEL_NAME, "subscribe");
}

void
redis_run_psubscribe(struct call *call)
{
	subscribe(call, CHANNEL_PATTERN, "psubscribe");
}

void
redis_run_unsubscribe(struct call *call)
{
	unsubscribe(call, CHANNEL_NAME, "unsubscribe");
}

void
redis_run_punsubscribe(struct call *call)
{
	unsubscribe(call, CHANNEL_PATTERN, "punsubscribe");
}

/* --- PUBLISH --- */

static void
refuse(struct call *call, enum shm_status status)
{
	if (status == SHM_KEY_SIZE)
		redis_error(call, "ERR", "name of the channel is too long");
	else if (status == SHM_VALUE_SIZE)
		redis_error(call, "ERR", "message is too long");
	else
		redis_store_error(call, status);
}

bool
pubsub_say(struct call *call, uint64_t *heard)
{
	const struct slice *argv = call->req->argv;
	enum shm_status status;

	*heard = roster_receivers(call->env->inherit->roster, argv[1]);
	status = store_say(call->env->store, argv[1], argv[2]);
	if (status != SHM_OK)
		refuse(call, status);
	return status == SHM_OK;
}

/*
 * Where there are other nodes they are asked by who has called; in a
 * transaction that is EXEC, when all else has happened.
 */
void
redis_run_publish(struct call *call)
{
	uint64_t heard;

	if (pubsub_say(call, &heard))
		resp_put_integer(call->out, (int64_t)heard);
}
