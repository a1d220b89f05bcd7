#include <criterion/criterion.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "server/log.h"
#include "server/privileges.h"
#include "tests/unit/server/scratch.h"

#define NOBODY	"nobody"

static char errors[4096], log_path[PATH_MAX];

TestSuite(privileges, .timeout = 60);

static void
need_root(void)
{
	if (geteuid() != 0)
		cr_skip_test("only root can give up its rights");
}

static void
drop_and_look(void)
{
	const struct passwd *pw = getpwnam(NOBODY);
	uid_t u[3];
	gid_t g[3], groups[64];
	int i, n;

	privileges_drop(NOBODY);
	getresuid(&u[0], &u[1], &u[2]);
	getresgid(&g[0], &g[1], &g[2]);
	for (i = 0; i < 3; i++)
		if (u[i] != pw->pw_uid || g[i] != pw->pw_gid)
			_exit(1);
	n = getgroups(64, groups);
	for (i = 0; i < n; i++)
		if (groups[i] == 0)
			_exit(2);
	if (setuid(0) == 0 || setgid(0) == 0)
		_exit(3);
	privileges_drop(NOBODY);	/* already */
	_exit(0);
}

Test(privileges, all_ids_and_groups_are_given_up_for_good, .init = need_root)
{
	cr_assert_eq(scratch_run(drop_and_look, errors, sizeof(errors)), 0,
	    "%s", errors);
}

/* As kvd does: log_open() as root, then another user. */
static void
log_and_drop(void)
{
	static char level[] = "info", facility[] = "daemon";
	struct config config = {
		.log_to = CONFIG_LOG_FILE,
		.log_file = log_path,
		.log_level = level,
		.log_facility = facility
	};

	log_open(&config, false, 0);
	privileges_give_log(NOBODY);
	privileges_drop(NOBODY);
	_exit(0);
}

static uid_t
owner_after_drop(const char *path)
{
	struct stat st;

	strlcpy(log_path, path, sizeof(log_path));
	cr_assert_eq(scratch_run(log_and_drop, errors, sizeof(errors)), 0,
	    "%s", errors);
	cr_assert_eq(stat(path, &st), 0);
	return st.st_uid;
}

Test(privileges, go_with_the_log_that_was_made_and_no_other_file)
{
	need_root();
	scratch_make();
	cr_expect_eq(owner_after_drop(scratch_path("new")),
	    getpwnam(NOBODY)->pw_uid);
	cr_expect_eq(owner_after_drop(scratch_file("old", "")), 0);
	scratch_remove();
}

static void
drop_twice(void)
{
	if (geteuid() == 0)
		privileges_drop(NOBODY);
	privileges_drop("root");
}

Test(privileges, only_root_can_become_somebody_else)
{
	cr_assert_eq(scratch_run(drop_twice, errors, sizeof(errors)),
	    EX_NOPERM);
	cr_assert_str_eq(errors, "kvd: only root can become user root\n");
}

static void
drop_to_a_stranger(void)
{
	privileges_drop("no-such-user-here");
}

static void
require_a_stranger(void)
{
	privileges_require_user("no-such-user-here");
}

Test(privileges, an_unknown_user_is_named)
{
	cr_assert_eq(scratch_run(drop_to_a_stranger, errors, sizeof(errors)),
	    EX_NOUSER);
	cr_assert_str_eq(errors, "kvd: no such user: no-such-user-here\n");
	cr_assert_eq(scratch_run(require_a_stranger, errors, sizeof(errors)),
	    EX_NOUSER);
	cr_assert_str_eq(errors, "kvd: no such user: no-such-user-here\n");
}

static void
want_nobody(void)
{
	uid_t before = geteuid();

	privileges_require_user(NULL);
	privileges_require_user("root");
	privileges_drop(NULL);
	_exit(geteuid() == before ? 0 : 1);
}

Test(privileges, no_user_wanted_changes_nothing)
{
	cr_assert_eq(scratch_run(want_nobody, errors, sizeof(errors)), 0);
}

static void
confine_and_look(void)
{
	struct rlimit limit;

	privileges_confine();
	privileges_confine();
	if (getrlimit(RLIMIT_CORE, &limit) == -1 || limit.rlim_cur > 1 ||
	    limit.rlim_max > 1)
		_exit(1);
	_exit(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 2);
}

Test(privileges, confined_means_no_cores_and_no_new_privileges)
{
	cr_assert_eq(scratch_run(confine_and_look, errors, sizeof(errors)), 0);
}

static void
confine_without_any_core(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	confine_and_look();
}

Test(privileges, a_limit_of_no_core_at_all_is_kept)
{
	cr_assert_eq(scratch_run(confine_without_any_core, errors,
	    sizeof(errors)), 0);
}

static void
raise_to_the_hard_limit(void)
{
	struct rlimit limit = { 50, 60 };

	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		_exit(1);
	if (privileges_raise_files(40) != 50)
		_exit(2);
	if (privileges_raise_files(60) != 60)
		_exit(3);
	getrlimit(RLIMIT_NOFILE, &limit);
	_exit(limit.rlim_cur == 60 ? 0 : 4);
}

Test(privileges, the_limit_of_open_files_is_raised_but_never_lowered)
{
	cr_assert_eq(scratch_run(raise_to_the_hard_limit, errors,
	    sizeof(errors)), 0);
	cr_assert_str_eq(errors, "");
}

static void
raise_over_the_hard_limit(void)
{
	struct rlimit limit = { 50, 60 };

	setrlimit(RLIMIT_NOFILE, &limit);
	if (geteuid() == 0)
		privileges_drop(NOBODY);
	if (privileges_raise_files(70) != 60)
		_exit(1);
}

Test(privileges, what_cannot_be_raised_is_a_warning)
{
	cr_assert_eq(scratch_run(raise_over_the_hard_limit, errors,
	    sizeof(errors)), 0);
	cr_assert_str_eq(errors, "kvd: only 60 open files are allowed, 70 are "
	    "needed; raise the limit of open files or lower limits.clients\n");
}

static void
raise_as_root(void)
{
	struct rlimit limit = { 50, 60 };

	setrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_max = 65;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		_exit(77);	/* a root without CAP_SYS_RESOURCE */
	_exit(privileges_raise_files(70) == 70 ? 0 : 1);
}

Test(privileges, root_may_raise_the_hard_limit_of_open_files,
    .init = need_root)
{
	int status = scratch_run(raise_as_root, errors, sizeof(errors));

	if (status == 77)
		cr_skip_test("this root may not raise limits");
	cr_assert_eq(status, 0);
}
