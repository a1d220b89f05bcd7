/*
 * Handlers.  Each answers by appending to call->out, or says in call->next
 * that the answer is a stream or a subscription; it knows no connection.
 */

#include <stdio.h>

#include "proto/reply.h"
#include "server/command_state.h"
#include "server/debug.h"
#include "server/session.h"

static void
answer_status(struct call *call, enum shm_status status)
{
	call->failed = status != SHM_OK;
	if (status == SHM_OK)
		reply_ok(call->out);
	else if (status == SHM_NO_BUCKET)
		reply_not_found(call->out);
	else
		reply_error(call->out, "%s", shm_strstatus(status));
}

void
command_run_create(struct call *call)
{
	answer_status(call,
	    store_create(call->env->store, call->req->argv[1]));
}

void
command_run_put(struct call *call)
{
	const struct slice *argv = call->req->argv;

	answer_status(call,
	    store_put(call->env->store, argv[1], argv[2], argv[3]));
}

void
command_run_get(struct call *call)
{
	const struct slice *argv = call->req->argv;
	enum shm_status status;
	struct slice value;

	status = store_get(call->env->store, argv[1], argv[2], &value);
	if (status == SHM_OK)
		reply_value(call->out, value);
	else if (status == SHM_NO_KEY)
		reply_no_value(call->out);
	else
		answer_status(call, status);
}

void
command_run_delete(struct call *call)
{
	const struct slice *argv = call->req->argv;
	enum shm_status status;

	status = store_delete(call->env->store, argv[1], argv[2]);
	answer_status(call, status == SHM_NO_KEY ? SHM_OK : status);
}

void
command_run_subscribe(struct call *call)
{
	call->next = CALL_SUBSCRIBE;
}

void
command_run_buckets(struct call *call)
{
	stream_buckets(call->stream, call->req);
	call->next = CALL_STREAM;
}

void
command_run_keys(struct call *call)
{
	stream_keys(call->stream, call->req);
	call->next = CALL_STREAM;
}

void
command_run_count(struct call *call)
{
	struct bucket_stat stat;
	enum shm_status status;

	status = store_stat(call->env->store, call->req->argv[1], &stat);
	if (status == SHM_OK)
		reply_number(call->out, stat.keys);
	else
		answer_status(call, status);
}

void
command_run_drop(struct call *call)
{
	answer_status(call, store_drop(call->env->store, call->req->argv[1]));
}

void
command_run_mput(struct call *call)
{
	const struct request *req = call->req;

	answer_status(call, store_put_many(call->env->store, req->argv[1],
	    req->argv + 2, req->argc - 2));
}

void
command_run_mget(struct call *call)
{
	stream_mget(call->stream, call->req);
	call->next = CALL_STREAM;
}

void
command_run_where(struct call *call)
{
	stream_where(call->stream, call->req, call->env->route);
	call->next = CALL_STREAM;
}

void
command_run_info(struct call *call)
{
	info_reply(call);
}

void
command_run_audit(struct call *call)
{
	const char *why;

	why = stream_audit(call->stream, call->req, call->env->store);
	if (why == NULL) {
		call->next = CALL_STREAM;
		return;
	}
	call->failed = true;
	reply_error(call->out, "%s", why);
}

static void
help_line(struct call *call, const struct command *command)
{
	char line[160];

	snprintf(line, sizeof(line), "%s%s%s: %s", command->name,
	    command->args[0] == '\0' ? "" : " ", command->args,
	    command->help);
	reply_text(call->out, line);
}

void
command_run_help(struct call *call)
{
	const struct command *command;
	size_t i;

	if (call->req->argc == 1) {
		for (i = 0; (command = command_at(i)) != NULL; i++)
			help_line(call, command);
	} else if ((command = command_find(call->req->argv[1])) != NULL) {
		help_line(call, command);
	} else {
		call->failed = true;
		reply_error(call->out,
		    "no such command; HELP alone lists them all");
		return;
	}
	reply_end(call->out);
}

void
command_run_auth(struct call *call)
{
	const char *why = NULL;

	if (!command_wants_password(call))
		why = "no password is set, see password in kvd.conf(5)";
	else if (!command_is_password(call, call->req->argv[1]))
		why = "wrong password";
	if (why == NULL) {
		call->session->is_stranger = false;
		reply_ok(call->out);
		return;
	}
	call->failed = true;
	reply_error(call->out, "%s", why);
}

void
command_run_ping(struct call *call)
{
	reply_pong(call->out);
}

void
command_run_quit(struct call *call)
{
	reply_ok(call->out);
	call->next = CALL_CLOSE;
}

#ifdef KVD_DEBUG_COMMANDS
void
command_run_debug(struct call *call)
{
	debug_execute(call);
}
#endif
