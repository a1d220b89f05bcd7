#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/clock.h"
#include "server/process.h"
#include "tests/unit/server/scratch.h"

static pid_t pid;
static char log_lines[4096];

static void
begin(void)
{
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	cr_assert_gt(pid, 0);
}

static void
end(void)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TestSuite(process, .init = begin, .fini = end, .timeout = 60);

/* Before it was born, and by more than what cannot be told apart. */
static uint64_t
long_ago_ms(void)
{
	return clock_ms() - 60000;
}

Test(process, is_there_if_it_has_shown_life_since_it_was_born)
{
	cr_assert(process_is_there(pid, clock_ms()));
	cr_assert(process_is_there(pid, clock_ms() + 1000));
}

Test(process, of_a_pid_that_has_gone_to_another_is_not_there)
{
	cr_assert(!process_is_there(pid, long_ago_ms()));
}

Test(process, that_has_ended_is_not_there_although_nobody_has_reaped_it)
{
	uint64_t now_ms = clock_ms();
	siginfo_t info;

	kill(pid, SIGKILL);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	cr_assert_eq(process_state(pid), 'Z');
	cr_assert(!process_is_there(pid, now_ms));
	waitpid(pid, NULL, 0);
	cr_assert_eq(process_state(pid), 0);
	cr_assert(!process_is_there(pid, now_ms));
}

static void
end_orphans(void)
{
	process_end_orphan(pid, long_ago_ms());
	process_end_orphan(getpid(), clock_ms());
	_exit(kill(pid, 0));
}

Test(process, of_somebody_else_is_not_ended_for_an_orphan_nor_are_we)
{
	cr_assert_eq(scratch_run(end_orphans, log_lines, sizeof(log_lines)),
	    0);
	cr_assert_str_empty(log_lines);
	cr_assert_eq(process_state(pid) == 'Z', false);
}

Test(process, that_is_an_orphan_is_ended)
{
	int status;

	process_end_orphan(pid, clock_ms());
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
