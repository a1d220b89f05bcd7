/*
 * kvd: the command line.  What is asked for is found out first, and nothing
 * is opened before all of it is known to make sense.
 */

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "server/config.h"
#include "server/config_cookie.h"
#include "server/control.h"
#include "server/daemon.h"
#include "server/log.h"
#include "server/master.h"
#include "server/notify.h"
#include "server/privileges.h"
#include "server/upgrade.h"

#ifdef __OPTIMIZE__
#define OPTIMIZED	"optimized"
#else
#define OPTIMIZED	"not optimized"
#endif

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED	", address sanitizer"
#else
#define SANITIZED	""
#endif

struct command_line {
	struct config_args	 args;
	struct master_options	 options;
	const char		*signal;	/* -s */
	bool			 check;		/* -n */
	bool			 print;		/* -T */
};

static void
complain(void *arg, const char *message)
{
	(void)arg;
	fprintf(stderr, "kvd: %s\n", message);
}

static const struct config_report report = { .line = complain };

static void
usage(FILE *out)
{
	fputs("usage: kvd [-CdfnTVvh] [-c file] [-D macro=value] "
	    "[-l address[:port]]\n"
	    "           [-m memory] [-N name] [-p pidfile] [-s signal] "
	    "[-u user] [-w workers]\n", out);
}

static _Noreturn void
help(void)
{
	usage(stdout);
	fputs(
	    "  -C             discard the data an earlier run has left\n"
	    "  -c file        configuration file, " CONFIG_FILE "\n"
	    "  -D macro=value define a macro of the configuration\n"
	    "  -d             debug: foreground, log to standard error\n"
	    "  -f             stay in the foreground\n"
	    "  -h             this help\n"
	    "  -l address     listen there: host:port, :port or a path; "
	    "repeatable\n"
	    "  -m memory      size of the shared memory, such as 512M\n"
	    "  -N name        of the instance\n"
	    "  -n             check the configuration and exit\n"
	    "  -p pidfile     write the process id there\n"
	    "  -s signal      reload, stop, quit, reopen or upgrade it\n"
	    "  -T             print the effective configuration and exit\n"
	    "  -u user        become this user\n"
	    "  -V             print version and build and exit\n"
	    "  -v             print the version and exit\n"
	    "  -w workers     processes that serve, 0 for one per CPU\n",
	    stdout);
	exit(EX_OK);
}

static _Noreturn void
version(bool build)
{
	puts("kvd " KVD_VERSION);
	if (build) {
		puts("compiler: " __VERSION__ ", " OPTIMIZED SANITIZED);
		puts("protocols: text");
		puts("configuration: " CONFIG_FILE);
	}
	exit(EX_OK);
}

static void
parse(struct command_line *line, int argc, char **argv)
{
	int c, status;

	config_args_init(&line->args);
	while ((c = getopt(argc, argv, "CD:N:TVc:dfhl:m:np:s:u:vw:")) != -1) {
		switch (c) {
		case 'C':
			line->options.cold = true;
			break;
		case 'T':
			line->print = true;
			break;
		case 'V':
		case 'v':
			version(c == 'V');
		case 'd':
			line->options.debug++;
			line->options.foreground = true;
			break;
		case 'f':
			line->options.foreground = true;
			break;
		case 'h':
			help();
		case 'n':
			line->check = true;
			break;
		case 's':
			line->signal = optarg;
			break;
		case '?':
			usage(stderr);
			exit(EX_USAGE);
		default:
			status = config_args_flag(&line->args, c, optarg,
			    &report);
			if (status != EX_OK)
				exit(status);
			break;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "kvd: unexpected argument: %s\n",
		    argv[optind]);
		usage(stderr);
		exit(EX_USAGE);
	}
}

static int
run(struct command_line *line, struct config *config)
{
	int status;

	if (line->print) {
		config_print(config, stdout);
		return EX_OK;
	}
	if (line->signal != NULL && !line->check)
		return control_signal(config->name, line->signal);
	status = config_cookie_load(config, &report);
	if (status == EX_OK)
		status = config_password_load(config, &report);
	if (status != EX_OK)
		return status;
	if (line->check) {
		privileges_require_user(config->user);
		privileges_require_group(config->readers);
		puts("configuration OK");
		return EX_OK;
	}
	return master_run(config, &line->args, &line->options);
}

int
main(int argc, char **argv)
{
	struct command_line line = { 0 };
	struct config config;
	int status;

	daemon_keep_stdio();
	upgrade_remember(argv);
	setproctitle_init(argc, argv, environ);
	notify_open();
	parse(&line, argc, argv);
	status = config_load(&config, &line.args, &report);
	if (status != EX_OK)
		return status;
	status = run(&line, &config);
	config_free(&config);
	return status;
}
