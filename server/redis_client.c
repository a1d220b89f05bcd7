/*
 * CLIENT: what a connection is called, and what it is sent.  LIST and KILL are
 * redis_client_list.c.
 *
 * A pause is all workers'.
 */

#include "server/redis_client.h"

#include <stdio.h>
#include <string.h>

#include "server/redis_sub.h"
#include "server/session.h"

#define WORD_SHOWN	128

/* --- names --- */

bool
redis_client_name_is_sound(struct call *call, const char *what,
    struct slice name)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if (name.data[i] < '!' || name.data[i] > '~') {
			redis_error(call, "ERR", "%s cannot contain spaces, "
			    "newlines or special characters.", what);
			return false;
		}
	return true;
}

void
redis_run_client_setname(struct call *call)
{
	struct slice name = call->req->argv[2];

	if (!redis_client_name_is_sound(call, "Client names", name))
		return;
	if (session_set_name(call->session, name))
		redis_ok(call);
	else
		redis_error(call, "ERR", "out of memory");
}

void
redis_run_client_getname(struct call *call)
{
	if (call->session->name == NULL)
		resp_put_null(call->out, redis_version(call));
	else
		redis_say(call, call->session->name);
}

/* A longer one is cut off. */
void
redis_run_client_setinfo(struct call *call)
{
	struct slice option = call->req->argv[2], value = call->req->argv[3];
	bool is_name = redis_is(option, "LIB-NAME");
	char *kept = is_name ? call->session->lib_name :
	    call->session->lib_version;

	if (!is_name && !redis_is(option, "LIB-VER")) {
		redis_error(call, "ERR", "Unrecognized option '%.*s'",
		    option.len < WORD_SHOWN ? (int)option.len : WORD_SHOWN,
		    option.data);
		return;
	}
	if (!redis_client_name_is_sound(call, is_name ? "lib-name" :
	    "lib-ver", value))
		return;
	snprintf(kept, SESSION_WORD_MAX, "%.*s", value.len < WORD_SHOWN ?
	    (int)value.len : WORD_SHOWN, value.data);
	session_show_names(call->session);
	redis_ok(call);
}

void
redis_run_client_id(struct call *call)
{
	resp_put_integer(call->out, (int64_t)call->session->id);
}

/* --- what is sent, and when --- */

void
redis_run_client_reply(struct call *call)
{
	struct slice word = call->req->argv[2];
	enum session_reply *reply = &call->session->reply;

	if (redis_is(word, "ON")) {
		*reply = SESSION_REPLY;
		redis_ok(call);
	} else if (redis_is(word, "OFF")) {
		*reply = SESSION_MUTE;
	} else if (!redis_is(word, "SKIP")) {
		redis_syntax_error(call);
	} else if (*reply != SESSION_MUTE) {
		*reply = SESSION_SKIP_NEXT;
	}
}

void
redis_run_client_pause(struct call *call)
{
	const struct request *req = call->req;
	uint64_t now_ms = call->session->sessions->now_ms;
	bool changes = req->argc > 3 && redis_is(req->argv[3], "WRITE");
	int64_t wait_ms;

	if (req->argc > 4) {
		redis_wrong_arity(call);
	} else if (req->argc == 4 && !changes &&
	    !redis_is(req->argv[3], "ALL")) {
		redis_error(call, "ERR", "CLIENT PAUSE mode must be WRITE or "
		    "ALL");
	} else if (redis_timeout(call, req->argv[2], &wait_ms)) {
		roster_pause(call->env->inherit->roster,
		    now_ms + (uint64_t)wait_ms, changes);
		redis_ok(call);
	}
}

void
redis_run_client_unpause(struct call *call)
{
	roster_pause(call->env->inherit->roster, 0, false);
	redis_ok(call);
}

void
redis_run_client_unblock(struct call *call)
{
	int64_t id;

	if (redis_integer(call, call->req->argv[2], &id))
		resp_put_integer(call->out, 0);
}

/* What it turns off does not happen anyway. */
void
redis_run_client_flag(struct call *call)
{
	struct slice word = call->req->argv[2];

	if (redis_is(word, "ON") || redis_is(word, "OFF"))
		redis_ok(call);
	else
		redis_syntax_error(call);
}
