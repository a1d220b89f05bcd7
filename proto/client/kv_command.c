/*
 * The table of commands, and running one: the same way for the command line
 * and for the prompt.
 */

#include <string.h>
#include <strings.h>

#include "proto/client/kv_command.h"

#define ANY	SIZE_MAX
#define BUCKET	COMMAND_BUCKET
#define INPUT	COMMAND_INPUT
#define LOCAL	COMMAND_LOCAL
#define MAPPED	COMMAND_MAPPED

const struct command commands[] = {
#define COMMAND(name, min, max, flags, args, help) \
	{ #name, min, max, flags, args, help, run_##name },
#include "proto/client/kv_command.def"
#undef COMMAND
};

const size_t commands_count = sizeof(commands) / sizeof(commands[0]);

const struct command *
command_find(struct kv_bytes name)
{
	size_t i;

	for (i = 0; i < commands_count; i++)
		if (strlen(commands[i].name) == name.len && strncasecmp(
		    commands[i].name, name.data, name.len) == 0)
			return &commands[i];
	return NULL;
}

static int
complain_usage(const struct session *session, const struct command *command)
{
	const char *blank = *command->args != '\0' ? " " : "";

	if (session->prompt && (command->flags & COMMAND_INPUT))
		session_complain("%s: wrong number of words (usage: %s%s%s; "
		    "from a file: kv %s ... <file)", command->name,
		    command->name, blank, command->args, command->name);
	else
		session_complain("%s: wrong number of words (usage: %s%s%s)",
		    command->name, command->name, blank, command->args);
	return EX_USAGE;
}

/* At the prompt standard input is where the commands come from. */
static bool
lacks_input(const struct session *session, const struct command *command,
    size_t n)
{
	size_t enough = command->max == ANY ? command->min + 1 : command->max;

	return session->prompt && (command->flags & COMMAND_INPUT) &&
	    (n < enough || command->max == 1);
}

int
command_run(struct session *session, const struct kv_bytes *words, size_t n)
{
	const struct command *command = command_find(words[0]);
	int status;

	if (command == NULL) {
		session_complain("%s: no such command (kv help lists them)",
		    session_shown(words[0]));
		return EX_USAGE;
	}
	n--;
	words++;
	if (n < command->min || n > command->max ||
	    lacks_input(session, command, n))
		return complain_usage(session, command);
	if (session->local != NULL && !(command->flags & COMMAND_MAPPED)) {
		session_complain("%s: not without a server (leave out "
		    "--local)", command->name);
		return EX_USAGE;
	}
	if (!(command->flags & COMMAND_LOCAL)) {
		status = session_connect(session);
		if (status != 0)
			return status;
	}
	return command->run(session, words, n);
}
