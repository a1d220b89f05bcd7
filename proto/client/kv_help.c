/* Help, from the tables of commands and options. */

#include <stdio.h>
#include <string.h>

#include "proto/client/kv_command.h"
#include "proto/client/kv_help.h"
#include "proto/client/kv_options.h"

#define ARGS_COLUMN	39	/* where the help of a command begins */
#define OPTION_COLUMN	23

static void
print_command(const struct output *out, const struct command *command)
{
	int column = (int)(strlen(command->name) + strlen(command->args)) + 1;

	(void)fputs("  ", stdout);
	output_word(out, command->name, COLOUR_NAME);
	(void)printf(" %s%*s %s\n", command->args,
	    column < ARGS_COLUMN ? ARGS_COLUMN - column : 0, "",
	    command->help);
}

static void
print_commands(const struct output *out)
{
	size_t i;

	for (i = 0; i < commands_count; i++)
		print_command(out, &commands[i]);
}

static void
print_json(const struct output *out, const struct command *command)
{
	output_json_begin();
	output_json_string("command", command->name);
	output_json_string("args", command->args);
	output_json_string("help", command->help);
	output_json_end(out);
}

void
help_usage(const struct output *out)
{
	char left[64];
	size_t i;

	(void)puts("usage: kv [-qj0] [-s server | -L instance] "
	    "[command ...]\n\n"
	    "Without a command kv reads commands from a prompt.\n"
	    "The server is 127.0.0.1:4040, or what KV_SERVER says.\n");
	for (i = 0; i < options_count; i++) {
		(void)snprintf(left, sizeof(left), "-%c, --%s %s",
		    options[i].letter, options[i].name,
		    options[i].arg != NULL ? options[i].arg : "");
		(void)printf("  %-*s %s\n", OPTION_COLUMN, left,
		    options[i].help);
	}
	(void)putchar('\n');
	print_commands(out);
}

int
run_help(struct session *session, const struct kv_bytes *words, size_t n)
{
	const struct command *command;
	size_t i;

	if (n == 0 && session->out.json) {
		for (i = 0; i < commands_count; i++)
			print_json(&session->out, &commands[i]);
		return 0;
	}
	if (n == 0) {
		print_commands(&session->out);
		return 0;
	}
	command = command_find(words[0]);
	if (command == NULL) {
		session_complain("%s: no such command (kv help lists them)",
		    session_shown(words[0]));
		return EX_USAGE;
	}
	if (session->out.json)
		print_json(&session->out, command);
	else
		print_command(&session->out, command);
	return 0;
}
