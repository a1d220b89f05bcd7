/*
 * What workers have agreed on, seen by one process and by its child.
 */

#include <sys/wait.h>

#include <criterion/criterion.h>
#include <unistd.h>

#include "server/agreed.h"

static struct agreed *agreed;

static void
begin(void)
{
	cr_assert_not_null(agreed = agreed_open());
}

static void
end(void)
{
	agreed_close(agreed);
}

TestSuite(agreed, .init = begin, .fini = end);

Test(agreed, a_setting_is_there_until_it_is_forgotten)
{
	uint64_t value = 7;

	cr_assert(!agreed_get(agreed, 3, &value));
	cr_assert_eq(value, 7);
	agreed_set(agreed, 3, UINT64_MAX);
	cr_assert(agreed_get(agreed, 3, &value));
	cr_assert_eq(value, UINT64_MAX);
	cr_assert(!agreed_get(agreed, AGREED_SETTINGS - 1, &value));
	agreed_forget_settings(agreed);
	cr_assert(!agreed_get(agreed, 3, &value));
}

Test(agreed, a_child_agrees)
{
	uint64_t value = 0;
	int status;
	pid_t pid;

	cr_assert_neq(pid = fork(), -1);
	if (pid == 0) {
		agreed_set(agreed, 0, 2);
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(agreed_get(agreed, 0, &value));
	cr_assert_eq(value, 2);
}
