#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "server/pidfile.h"
#include "tests/unit/server/scratch.h"

static char errors[4096];

TestSuite(pidfile, .init = scratch_make, .fini = scratch_remove,
    .timeout = 60);

static void
must_hold(const char *path, pid_t pid)
{
	char *text = scratch_read(path);

	cr_assert_not_null(text);
	cr_assert_eq(atoi(text), pid, "\"%s\"", text);
	free(text);
}

static void
take(void)
{
	pidfile_take(scratch_path("pid"));
}

Test(pidfile, it_holds_our_pid_and_everybody_may_read_it)
{
	struct stat st;

	umask(077);
	take();
	must_hold(scratch_path("pid"), getpid());
	cr_assert_eq(stat(scratch_path("pid"), &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0644);
}

Test(pidfile, a_second_daemon_is_told_the_pid_of_the_first)
{
	char message[128];

	take();
	cr_assert_eq(scratch_run(take, errors, sizeof(errors)), EX_TEMPFAIL);
	snprintf(message, sizeof(message), "kvd: already running with pid %d,",
	    (int)getpid());
	cr_assert_eq(strncmp(errors, message, strlen(message)), 0, "%s",
	    errors);
	must_hold(scratch_path("pid"), getpid());
}

Test(pidfile, one_left_by_a_crash_is_taken_over)
{
	scratch_file("pid", "99999999\n");
	take();
	must_hold(scratch_path("pid"), getpid());
}

static void
take_and_crash(void)
{
	take();
	raise(SIGKILL);
}

Test(pidfile, a_holder_that_was_killed_holds_it_no_more)
{
	cr_assert_eq(scratch_run(take_and_crash, errors, sizeof(errors)),
	    -SIGKILL);
	take();
	must_hold(scratch_path("pid"), getpid());
}

static void
take_nowhere(void)
{
	pidfile_take("/nowhere/kvd.pid");
}

Test(pidfile, a_path_that_cannot_be_written_is_named)
{
	cr_assert_eq(scratch_run(take_nowhere, errors, sizeof(errors)),
	    EX_CANTCREAT);
	cr_assert_str_eq(errors, "kvd: cannot make the pid file "
	    "/nowhere/kvd.pid: No such file or directory\n");
}

Test(pidfile, dropping_removes_it)
{
	take();
	pidfile_drop();
	cr_assert_eq(access(scratch_path("pid"), F_OK), -1);
	take();
	must_hold(scratch_path("pid"), getpid());
	pidfile_drop();
}

static int hold[2];	/* the end of file lets the child end */

/* A child that lets go and lives on while its parent dies. */
static void
leave_a_child(void)
{
	int alive[2];
	char byte;

	take();
	if (pipe(alive) == -1)
		_exit(9);
	if (fork() == 0) {
		pidfile_forget();
		pidfile_drop();
		close(STDERR_FILENO);
		close(hold[1]);
		if (write(alive[1], "x", 1) == 1)
			_exit(read(hold[0], &byte, 1) == 0 ? 0 : 1);
	}
	if (read(alive[0], &byte, 1) == 1)
		raise(SIGKILL);
}

Test(pidfile, a_child_that_forgot_it_neither_holds_nor_removes_it)
{
	int status;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	cr_assert_eq(pipe(hold), 0);
	cr_assert_eq(scratch_run(leave_a_child, errors, sizeof(errors)),
	    -SIGKILL);
	cr_assert_eq(access(scratch_path("pid"), F_OK), 0);
	take();
	must_hold(scratch_path("pid"), getpid());
	cr_assert_eq(waitpid(-1, &status, WNOHANG), 0, "it lives");
	close(hold[1]);
	cr_assert_gt(waitpid(-1, &status, 0), 0);
	cr_assert_eq(status, 0);
}

Test(pidfile, none_wanted_is_none_made)
{
	pidfile_take(NULL);
	pidfile_forget();
	pidfile_drop();
}
