#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "server/daemon.h"
#include "server/log.h"
#include "tests/unit/server/scratch.h"

static char errors[4096];
static int to_daemon[2], to_test[2];
static pid_t session;

/* Orphaned daemons come to us, so that none is left behind. */
static void
adopt_orphans(void)
{
	scratch_make();
	session = getsid(0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	cr_assert_eq(pipe(to_daemon), 0);
	cr_assert_eq(pipe(to_test), 0);
}

TestSuite(daemon, .init = adopt_orphans, .fini = scratch_remove,
    .timeout = 60);

static void
await_byte(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		_exit(99);
}

static void
reap_daemon(int expected)
{
	int status;

	cr_assert_gt(waitpid(-1, &status, 0), 0);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), expected);
}

static void
become_ready_when_told(void)
{
	daemon_detach();
	if (write(to_test[1], "x", 1) != 1)
		_exit(98);
	await_byte(to_daemon[0]);
	daemon_ready();
	await_byte(to_daemon[0]);
	_exit(7);
}

Test(daemon, the_command_ends_with_0_when_the_daemon_is_ready_not_before)
{
	pid_t command = fork();
	int status;

	if (command == 0)
		become_ready_when_told();
	await_byte(to_test[0]);
	cr_assert_eq(waitpid(command, &status, WNOHANG), 0);
	cr_assert_eq(write(to_daemon[1], "x", 1), 1);
	cr_assert_eq(waitpid(command, &status, 0), command);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	cr_assert_eq(write(to_daemon[1], "x", 1), 1);
	reap_daemon(7);
}

static void
print_link(FILE *f, int fd)
{
	char link[64], target[PATH_MAX] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, target, sizeof(target) - 1) > 0)
		fprintf(f, "%d %s\n", fd, target);
}

static void
describe_itself(void)
{
	const char *path = scratch_path("daemon");
	char folder[PATH_MAX];
	FILE *f;

	daemon_detach();
	daemon_ready();
	f = fopen(path, "w");
	fprintf(f, "%s\n", getcwd(folder, sizeof(folder)));
	fprintf(f, "umask %03o\n", umask(0));
	fprintf(f, "leader %d\n", getsid(0) == getpid());
	fprintf(f, "session of its own %d\n", getsid(0) != session);
	print_link(f, 0);
	print_link(f, 1);
	print_link(f, 2);
	fclose(f);
	_exit(0);
}

Test(daemon, it_has_left_terminal_folder_and_session)
{
	char *text;

	cr_assert_eq(scratch_run(describe_itself, errors, sizeof(errors)), 0);
	reap_daemon(0);
	text = scratch_read(scratch_path("daemon"));
	cr_assert_str_eq(text, "/\numask 027\nleader 0\nsession of its own 1\n"
	    "0 /dev/null\n1 /dev/null\n2 /dev/null\n");
	cr_assert_str_eq(errors, "");
	free(text);
}

static void
fail_to_start(void)
{
	daemon_detach();
	fatal(EX_UNAVAILABLE, "port %d is taken", 4040);
}

Test(daemon, the_shell_gets_message_and_status_of_a_daemon_that_fails)
{
	cr_assert_eq(scratch_run(fail_to_start, errors, sizeof(errors)),
	    EX_UNAVAILABLE);
	cr_assert_str_eq(errors, "kvd: port 4040 is taken\n");
}

static void
be_killed(void)
{
	daemon_detach();
	raise(SIGKILL);
}

Test(daemon, a_daemon_killed_before_it_serves_is_reported)
{
	cr_assert_eq(scratch_run(be_killed, errors, sizeof(errors)),
	    EX_SOFTWARE);
	cr_assert_str_eq(errors,
	    "kvd: killed by signal 9 (Killed) before it served\n");
}

static void
leave_quietly(void)
{
	daemon_detach();
	_exit(0);
}

Test(daemon, a_daemon_that_ends_before_it_serves_is_no_success)
{
	cr_assert_eq(scratch_run(leave_quietly, errors, sizeof(errors)),
	    EX_SOFTWARE);
}

/* The middle process is our parent until we are ready. */
static void
outlive_the_middle(void)
{
	fclose(stderr);
	daemon_keep_stdio();
	daemon_detach();
	kill(getppid(), SIGKILL);
	await_byte(to_daemon[0]);
	daemon_ready();
	_exit(8);
}

Test(daemon, nobody_waiting_any_more_does_not_stop_the_daemon)
{
	pid_t command = fork();
	int status;

	if (command == 0)
		outlive_the_middle();
	cr_assert_eq(waitpid(command, &status, 0), command);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == EX_SOFTWARE);
	cr_assert_eq(write(to_daemon[1], "x", 1), 1);
	reap_daemon(8);
}

static void
stay_in_front(void)
{
	daemon_ready();
	fputs("here\n", stderr);
}

Test(daemon, ready_without_detach_keeps_the_terminal)
{
	cr_assert_eq(scratch_run(stay_in_front, errors, sizeof(errors)), 0);
	cr_assert_str_eq(errors, "here\n");
}

static void
start_without_stdio(void)
{
	struct stat st[3], null;
	int fd;

	close(0);
	close(1);
	close(2);
	daemon_keep_stdio();
	if (stat("/dev/null", &null) == -1)
		_exit(1);
	for (fd = 0; fd < 3; fd++)
		if (fstat(fd, &st[fd]) == -1 || st[fd].st_rdev != null.st_rdev)
			_exit(2);
	fd = open("/dev/null", O_RDONLY);
	_exit(fd > 2 ? 0 : 3);
}

Test(daemon, closed_standard_descriptors_become_dev_null)
{
	cr_assert_eq(scratch_run(start_without_stdio, errors,
	    sizeof(errors)), 0);
}

static void
start_with_stdio(void)
{
	int before = dup(2), after;

	close(before);
	daemon_keep_stdio();
	after = dup(2);
	fputs("still here\n", stderr);
	_exit(before == after ? 0 : 1);
}

Test(daemon, open_standard_descriptors_are_left_alone_and_none_leaks)
{
	cr_assert_eq(scratch_run(start_with_stdio, errors, sizeof(errors)), 0);
	cr_assert_str_eq(errors, "still here\n");
}
