/*
 * kv: the command line of kvd.
 *
 * Options end at the first word that is none, which is the command: so keys
 * and values may begin with a hyphen.
 */

#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/client/kv_command.h"
#include "proto/client/kv_help.h"
#include "proto/client/kv_options.h"
#include "proto/client/kv_prompt.h"

const struct option_entry options[] = {
	{ 's', "server", "server", "host:port, :port, or the path of a "
	    "unix socket; or several, with commas" },
	{ 'a', "auth", "file", "the file that has the password, in its first "
	    "line; else it is in KV_PASSWORD" },
	{ 'L', "local", "instance", "read the memory of the kvd of that "
	    "name, without a server" },
	{ 'j', "json", NULL, "print JSON, an object a line" },
	{ '0', "null", NULL, "end records with NUL instead of a newline" },
	{ 'q', "quiet", NULL, "print no OK and no progress" },
	{ 'h', "help", NULL, "print this help" },
	{ 'V', "version", NULL, "print the version" },
};

const size_t options_count = sizeof(options) / sizeof(options[0]);

#define OPTIONS	(sizeof(options) / sizeof(options[0]))

/* What getopt_long(3) wants to know, from the table. */
struct getopt_tables {
	char		letters[2 * OPTIONS + 2];
	struct option	names[OPTIONS + 1];
};

static void
make_tables(struct getopt_tables *tables)
{
	char *letter = tables->letters;
	size_t i;

	memset(tables, 0, sizeof(*tables));
	/* '+': no options behind the command. */
	*letter++ = '+';
	for (i = 0; i < OPTIONS; i++) {
		*letter++ = (char)options[i].letter;
		if (options[i].arg != NULL)
			*letter++ = ':';
		tables->names[i].name = options[i].name;
		tables->names[i].has_arg = options[i].arg != NULL;
		tables->names[i].val = options[i].letter;
	}
}

/* -1 to go on, else an exit status. */
static int
read_options(struct session *session, int argc, char **argv)
{
	static char name[] = "kv";
	struct getopt_tables tables;
	int letter;

	make_tables(&tables);
	/* As whom getopt complains. */
	argv[0] = name;
	while ((letter = getopt_long(argc, argv, tables.letters, tables.names,
	    NULL)) != -1) {
		switch (letter) {
		case 's':
			session->server = optarg;
			break;
		case 'a':
			if (!session_read_password(session, optarg))
				return EX_NOINPUT;
			break;
		case 'L':
			session->local = optarg;
			break;
		case 'j':
			session->out.json = true;
			break;
		case '0':
			session->out.end = '\0';
			break;
		case 'q':
			session->out.quiet = true;
			break;
		case 'h':
			help_usage(&session->out);
			return 0;
		case 'V':
			(void)printf("kv %s\n", KVD_VERSION);
			return 0;
		default:	/* getopt has said what is wrong */
			(void)fputs("usage: kv [-qj0] [-a file] [-s server | "
			    "-L instance] [command ...] "
			    "(kv --help explains)\n", stderr);
			return EX_USAGE;
		}
	}
	return -1;
}

static int
run_words(struct session *session, char **argv, size_t n)
{
	struct kv_bytes *words = calloc(n, sizeof(*words));
	int exit_status;
	size_t i;

	if (words == NULL) {
		session_complain("out of memory");
		return EX_OSERR;
	}
	for (i = 0; i < n; i++)
		words[i] = kv_str(argv[i]);
	exit_status = command_run(session, words, n);
	free(words);
	return exit_status;
}

int
main(int argc, char **argv)
{
	struct session session = {
		.server = getenv("KV_SERVER"),
		.password = getenv("KV_PASSWORD")
	};
	int exit_status;

	(void)setlocale(LC_CTYPE, "");
	/* A pipe that closes ends us quietly, whoever started us. */
	(void)signal(SIGPIPE, SIG_DFL);
	if (session.server != NULL && *session.server == '\0')
		session.server = NULL;
	if (session.password != NULL && *session.password == '\0')
		session.password = NULL;
	output_init(&session.out);
	exit_status = read_options(&session, argc, argv);
	if (exit_status == -1 && optind == argc)
		exit_status = prompt_run(&session);
	else if (exit_status == -1)
		exit_status = run_words(&session, argv + optind,
		    (size_t)(argc - optind));
	session_close(&session);
	if (!output_flush() && exit_status == 0)
		exit_status = EX_IOERR;
	return exit_status;
}
