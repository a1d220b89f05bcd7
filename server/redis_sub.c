/*
 * Commands that are named by two words.  To Redis they are commands of their
 * own, with an arity and a name, "client|id"; what it says of those that do
 * not exist is known to clients, who try newer ones to see what they get.
 */

#include "server/redis_sub.h"

#include <stdio.h>
#include <string.h>

#include "server/session.h"

static const struct redis_sub subs[] = {
#define SUB(command, name, handler, arity, args, help) \
	{ #command, name, #command "|" name, redis_run_##handler, arity, args, \
	    help },
#include "server/redis_sub.def"
#undef SUB
};

#define SUBS	(sizeof(subs) / sizeof(subs[0]))
#define LINE	256	/* of HELP */
#define SHOWN	128	/* bytes of an unknown name */

const struct redis_sub *
redis_sub_at(size_t i)
{
	return &subs[i];
}

size_t
redis_subs(void)
{
	return SUBS;
}

const struct redis_sub *
redis_sub_find(const struct redis_command *command, struct slice name)
{
	size_t i;

	for (i = 0; i < SUBS; i++)
		if (strcmp(subs[i].command, command->name) == 0 &&
		    redis_is(name, subs[i].name))
			return &subs[i];
	return NULL;
}

static size_t
help_sub(struct call *call, const struct redis_sub *sub)
{
	char line[LINE];

	snprintf(line, sizeof(line), "%s%s%s", sub->name,
	    *sub->args == '\0' ? "" : " ", sub->args);
	resp_put_simple(call->out, line);
	snprintf(line, sizeof(line), "    %s", sub->help);
	resp_put_simple(call->out, line);
	return 2;
}

static void
help(struct call *call)
{
	const char *name = call->redis->name;
	size_t i, mark = outbuf_len(call->out), n = 3;
	char line[LINE];

	snprintf(line, sizeof(line), "%s <subcommand> [<arg> [value] [opt] "
	    "...]. Subcommands are:", name);
	resp_put_simple(call->out, line);
	for (i = 0; i < SUBS; i++)
		if (strcmp(subs[i].command, name) == 0)
			n += help_sub(call, &subs[i]);
	resp_put_simple(call->out, "HELP");
	resp_put_simple(call->out, "    This list.");
	resp_put_list_at(call->out, redis_version(call), RESP_ARRAY, n, mark);
}

bool
redis_has_subs(const struct redis_command *command)
{
	return command->run == redis_run_sub ||
	    command->run == redis_run_command;
}

void
redis_sub_take(struct call *call)
{
	const struct request *req = call->req;

	call->sub = NULL;
	if (req->argc > 1 && redis_has_subs(call->redis))
		call->sub = redis_sub_find(call->redis, req->argv[1]);
	if (call->session != NULL)
		call->session->sub = call->sub != NULL ? call->sub->name :
		    NULL;
}

static void
unknown(struct call *call, struct slice name)
{
	redis_error(call, "ERR", "unknown subcommand '%.*s'. Try %s HELP.",
	    name.len < SHOWN ? (int)name.len : SHOWN, name.data,
	    call->redis->name);
}

void
redis_sub_syntax_error(struct call *call)
{
	struct slice name = call->req->argv[1];

	redis_error(call, "ERR", "unknown subcommand or wrong number of "
	    "arguments for '%.*s'. Try %s HELP.",
	    name.len < SHOWN ? (int)name.len : SHOWN, name.data,
	    call->redis->name);
}

/* All have one, which is in no list. */
static bool
check_help(struct call *call)
{
	char name[LINE];

	if (call->req->argc == 2)
		return true;
	redis_lower(name, sizeof(name), call->redis->name);
	redis_error(call, "ERR", "wrong number of arguments for '%s|help' "
	    "command", name);
	return false;
}

bool
redis_sub_check(struct call *call)
{
	const struct request *req = call->req;

	redis_sub_take(call);
	if (req->argc == 1 || !redis_has_subs(call->redis))
		return true;
	if (call->sub == NULL) {
		if (redis_is(req->argv[1], "HELP"))
			return check_help(call);
		unknown(call, req->argv[1]);
		return false;
	}
	if (redis_fits(call->sub->arity, req->argc))
		return true;
	redis_wrong_arity(call);
	return false;
}

void
redis_run_sub(struct call *call)
{
	if (call->sub == NULL)
		help(call);
	else
		call->sub->run(call);
}
