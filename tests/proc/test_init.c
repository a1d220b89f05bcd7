/*
 * The init script, run as an administrator would, against a real kvd.  The
 * script under test is the installed one but for the path of its defaults,
 * which point it at a folder of this test.
 */

#include <sys/stat.h>

#include <criterion/criterion.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/proc/daemon.h"
#include "tests/proc/talk.h"

#define SCRIPT		"server/etc/kvd.init"
#define PATIENCE_MS	20000

static struct daemon d;
static char defaults[128], pidfile[128], output[4096];

static void write_file(const char *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

static void
write_file(const char *path, const char *fmt, ...)
{
	FILE *f = fopen(path, "w");
	va_list ap;

	cr_assert_not_null(f, "%s", path);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	cr_assert_eq(fclose(f), 0);
}

static void
write_defaults(const char *more)
{
	write_file(defaults, "DAEMON=%s\nCONF=%s\nPIDFILE=%s\n"
	    "DAEMON_USER=\nDAEMON_OPTS='-N %s -l %u -w 1'\n%s\n",
	    getenv("KVD_BIN"), d.conf, pidfile, d.name, d.port, more);
}

static void
prepare(void)
{
	daemon_prepare(&d, "memory 64M\n");
	d.port = daemon_free_port();
	snprintf(defaults, sizeof(defaults), "%s/default", d.dir);
	snprintf(pidfile, sizeof(pidfile), "%s/run/kvd.pid", d.dir);
	write_defaults("");
}

static void
clean_up(void)
{
	daemon_configure(&d, "memory 64M\n");
	daemon_remove(&d);
}

TestSuite(init, .init = prepare, .fini = clean_up, .timeout = 120);

/* Run the script with these words; returns its exit status. */
static int
script(const char *words)
{
	char command[1024];
	size_t n;
	FILE *f;
	int status;

	snprintf(command, sizeof(command),
	    "sed 's,/etc/default/kvd,%s,g' " SCRIPT " > %s/init && "
	    "exec sh %s/init %s 2>&1", defaults, d.dir, d.dir, words);
	f = popen(command, "r");
	cr_assert_not_null(f);
	n = fread(output, 1, sizeof(output) - 1, f);
	output[n] = '\0';
	status = pclose(f);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
must(const char *words, int status)
{
	int got = script(words);

	cr_assert_eq(got, status, "%s: %d, not %d: %s", words, got, status,
	    output);
}

static pid_t
pid_of_daemon(void)
{
	FILE *f = fopen(pidfile, "r");
	int pid;

	cr_assert_not_null(f, "no pid file");
	cr_assert_eq(fscanf(f, "%d", &pid), 1);
	fclose(f);
	return pid;
}

static void
must_serve(void)
{
	int fd = talk_open_port(d.port);

	talk(fd, "CREATE shopping\r\n", "OK\r\n");
	close(fd);
}

static void
nap(void)
{
	const struct timespec ts = { .tv_nsec = 5000000 };

	nanosleep(&ts, NULL);
}

Test(init, start_and_stop_do_what_they_say_and_may_be_repeated)
{
	pid_t pid;

	must("status", 3);
	must("stop", 0);
	must("start", 0);
	pid = pid_of_daemon();
	must_serve();
	must("status", 0);
	must("start", 0);
	cr_assert_eq(pid_of_daemon(), pid);
	must("stop", 0);
	cr_assert_eq(access(pidfile, F_OK), -1);
	must("status", 3);
	must("stop", 0);
}

Test(init, restart_starts_and_replaces)
{
	pid_t pid;

	must("restart", 0);
	pid = pid_of_daemon();
	must("restart", 0);
	cr_assert_neq(pid_of_daemon(), pid);
	must_serve();
	must("stop", 0);
}

Test(init, try_restart_leaves_a_stopped_daemon_alone)
{
	pid_t pid;

	must("try-restart", 0);
	must("status", 3);
	must("start", 0);
	pid = pid_of_daemon();
	must("try-restart", 0);
	cr_assert_neq(pid_of_daemon(), pid);
	must("stop", 0);
}

Test(init, reload_keeps_the_process_and_needs_one)
{
	pid_t pid;

	must("reload", 7);
	must("force-reload", 7);
	must("start", 0);
	pid = pid_of_daemon();
	must("reload", 0);
	must("force-reload", 0);
	cr_assert_eq(pid_of_daemon(), pid);
	must_serve();
	must("stop", 0);
}

Test(init, upgrade_goes_on_in_another_process_and_needs_one)
{
	pid_t pid;

	must("upgrade", 7);
	must("start", 0);
	pid = pid_of_daemon();
	must("upgrade", 0);
	cr_assert_neq(pid_of_daemon(), pid);
	must_serve();
	must("status", 0);
	must("stop", 0);
	must("status", 3);
}

Test(init, reload_takes_a_new_configuration)
{
	char log[128];
	struct stat st;
	int i;

	snprintf(log, sizeof(log), "%s/new.log", d.dir);
	must("start", 0);
	write_file(d.conf, "memory 64M\nlog { to %s }\n", log);
	must("reload", 0);
	for (i = 0; stat(log, &st) == -1 || st.st_size == 0; i++) {
		cr_assert_lt(i, PATIENCE_MS / 5, "no new log");
		nap();
	}
	must("stop", 0);
}

Test(init, a_bad_configuration_stops_nothing)
{
	pid_t pid;

	must("start", 0);
	pid = pid_of_daemon();
	daemon_configure(&d, "memory banana\n");
	must("configtest", 6);
	cr_assert_not_null(strstr(output, "kvd.conf:1: memory: \"banana\""),
	    "%s", output);
	must("restart", 6);
	must("try-restart", 6);
	must("reload", 6);
	must("force-reload", 6);
	cr_assert_eq(pid_of_daemon(), pid);
	must_serve();
	daemon_configure(&d, "memory 64M\n");
	must("configtest", 0);
	must("stop", 0);
	daemon_configure(&d, "memory banana\n");
	must("start", 6);
	must("status", 3);
}

Test(init, a_daemon_that_was_killed_is_seen_and_started_again)
{
	pid_t pid;
	int i;

	must("start", 0);
	pid = pid_of_daemon();
	cr_assert_eq(kill(pid, SIGKILL), 0);
	for (i = 0; i < PATIENCE_MS / 5 && script("status") == 0; i++)
		nap();
	must("status", 1);
	must("start", 0);
	cr_assert_neq(pid_of_daemon(), pid);
	must("stop", 0);
}

Test(init, a_pid_that_belongs_to_another_program_deceives_nobody)
{
	char folder[128];

	snprintf(folder, sizeof(folder), "%s/run", d.dir);
	cr_assert_eq(mkdir(folder, 0700), 0);
	write_file(pidfile, "%d\n", (int)getpid());
	must("status", 1);
	must("reload", 7);
	must("stop", 0);
	write_file(pidfile, "%d\n", (int)getpid());
	must("start", 0);
	cr_assert_neq(pid_of_daemon(), getpid());
	must("stop", 0);
}

Test(init, what_kvd_refuses_becomes_a_status_of_the_lsb)
{
	write_defaults("DAEMON_OPTS=\"$DAEMON_OPTS -Z\"");
	must("start", 6);
	write_defaults("DAEMON_OPTS=\"$DAEMON_OPTS -u no-such-user-here\"");
	must("start", 6);
	write_defaults("DAEMON_USER=no-such-user-here");
	must("start", 6);
	write_defaults("DAEMON_OPTS=\"$DAEMON_OPTS -l /nowhere/kvd.sock\"");
	must("start", 1);
	must("status", 3);
}

Test(init, a_missing_program_is_not_installed_and_easily_stopped)
{
	write_defaults("DAEMON=/nowhere/kvd");
	must("start", 5);
	must("restart", 5);
	must("configtest", 5);
	must("stop", 0);
	must("status", 3);
}

Test(init, what_it_does_not_know_it_says)
{
	must("", 2);
	cr_assert_not_null(strstr(output, "usage: "));
	must("start now", 2);
	must("frobnicate", 3);
	must("status", 3);
}

Test(init, the_header_names_what_the_lsb_wants)
{
	static const char *const keywords[] = {
		"### BEGIN INIT INFO\n", "# Provides:          kvd\n",
		"# Required-Start:    $remote_fs", "# Required-Stop:     ",
		"# Default-Start:     2 3 4 5\n",
		"# Default-Stop:      0 1 6\n", "# Short-Description: ",
		"# Description:       ", "### END INIT INFO\n"
	};
	const char *at = output;
	size_t i, n;
	FILE *f = fopen(SCRIPT, "r");

	cr_assert_not_null(f);
	n = fread(output, 1, sizeof(output) - 1, f);
	output[n] = '\0';
	fclose(f);
	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		at = strstr(at, keywords[i]);
		cr_assert_not_null(at, "%s", keywords[i]);
	}
}
