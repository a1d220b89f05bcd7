/*
 * The completion script for bash: a template with the names of commands and
 * options filled in from their tables, so that it cannot lag behind.
 */

#include <stdio.h>
#include <string.h>

#include "proto/client/kv_command.h"
#include "proto/client/kv_options.h"

/*
 * A line that is one of the words below is replaced by names.  Buckets are
 * compared in the script itself: compgen -W would expand their names, and a
 * bucket may be called $(reboot).
 */
static const char *const script[] = {
	"# bash completion for kv(1), made by `kv completion bash'",
	"",
	"_kv()",
	"{",
	"	local line=${COMP_LINE:0:COMP_POINT}",
	"	local cur='' command='' at=0 i name",
	"	local -a words server=() names=()",
	"",
	"	# COMP_WORDS is broken at colons, which host:port has.",
	"	read -ra words <<<\"${line}x\"",
	"	cur=${words[-1]%x}",
	"	COMPREPLY=()",
	"	for ((i = 1; i < ${#words[@]} - 1; i++)); do",
	"		case ${words[i]} in",
	"ARGUMENT",
	"			server=(\"${words[i]}\" \"${words[i + 1]}\")",
	"			((++i))",
	"			;;",
	"		-*) ;;",
	"		*)",
	"			command=${words[i]} at=$i",
	"			break",
	"			;;",
	"		esac",
	"	done",
	"	if [[ -z $command && $cur == -* ]]; then",
	"		names=(",
	"OPTIONS",
	"		)",
	"	elif [[ -z $command || $command == help ]]; then",
	"		names=(",
	"COMMANDS",
	"		)",
	"	elif ((${#words[@]} == at + 2)); then",
	"		case $command in",
	"		completion)",
	"			names=(bash)",
	"			;;",
	"BUCKET",
	"			mapfile -t names < <(timeout 1 kv \\",
	"				\"${server[@]}\" buckets 2>/dev/null)",
	"			;;",
	"		esac",
	"	fi",
	"	for name in \"${names[@]}\"; do",
	"		[[ $name == \"$cur\"* ]] || continue",
	"		name=${name#\"${cur%\"${cur##*:}\"}\"}",
	"		printf -v name %q \"$name\"",
	"		COMPREPLY+=(\"$name\")",
	"	done",
	"}",
	"complete -F _kv kv",
};

static void
print_arguments(void)
{
	const char *bar = "		";
	size_t i;

	for (i = 0; i < options_count; i++) {
		if (options[i].arg == NULL)
			continue;
		(void)printf("%s-%c | --%s", bar, options[i].letter,
		    options[i].name);
		bar = " | ";
	}
	(void)puts(")");
}

static void
print_options(void)
{
	size_t i;

	for (i = 0; i < options_count; i++)
		(void)printf("			-%c --%s\n",
		    options[i].letter, options[i].name);
}

static void
print_commands(void)
{
	size_t i;

	for (i = 0; i < commands_count; i++)
		(void)printf("			%s\n", commands[i].name);
}

static void
print_bucket_commands(void)
{
	const char *bar = "		";
	size_t i;

	for (i = 0; i < commands_count; i++) {
		if (!(commands[i].flags & COMMAND_BUCKET))
			continue;
		(void)printf("%s%s", bar, commands[i].name);
		bar = " | ";
	}
	(void)puts(")");
}

static void
print_line(const char *line)
{
	static const struct {
		const char	*word;
		void		(*print)(void);
	} fillings[] = {
		{ "ARGUMENT", print_arguments },
		{ "OPTIONS", print_options },
		{ "COMMANDS", print_commands },
		{ "BUCKET", print_bucket_commands },
	};
	size_t i;

	for (i = 0; i < sizeof(fillings) / sizeof(fillings[0]); i++) {
		if (strcmp(line, fillings[i].word) == 0) {
			fillings[i].print();
			return;
		}
	}
	(void)puts(line);
}

int
run_completion(struct session *session, const struct kv_bytes *words,
    size_t n)
{
	size_t i;

	(void)session;
	(void)n;
	if (words[0].len != 4 || memcmp(words[0].data, "bash", 4) != 0) {
		session_complain("%s: no completion for this shell "
		    "(there is one for bash)", session_shown(words[0]));
		return EX_USAGE;
	}
	for (i = 0; i < sizeof(script) / sizeof(script[0]); i++)
		print_line(script[i]);
	return 0;
}
