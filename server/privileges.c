/*
 * Giving up privileges.  The order matters: the groups first, because only
 * root may change them, the user last; and since a half-done drop looks just
 * like a whole one, the way back is tried and must be closed.
 */
#include "server/privileges.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "server/log.h"

static const struct passwd *
look_up(const char *user)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL && errno != 0 && errno != ENOENT)
		fatal(EX_OSERR, "cannot look up user %s: %s", user,
		    strerror(errno));
	if (pw == NULL)
		fatal(EX_NOUSER, "no such user: %s", user);
	return pw;
}

void
privileges_require_user(const char *user)
{
	if (user != NULL)
		look_up(user);
}

gid_t
privileges_group(const char *group)
{
	const struct group *gr;

	errno = 0;
	/* cppcheck-suppress getgrnamCalled ; there is one thread */
	gr = getgrnam(group);
	if (gr == NULL && errno != 0 && errno != ENOENT)
		fatal(EX_OSERR, "cannot look up group %s: %s", group,
		    strerror(errno));
	if (gr == NULL)
		fatal(EX_NOUSER, "no such group: %s", group);
	return gr->gr_gid;
}

void
privileges_require_group(const char *group)
{
	if (group != NULL)
		(void)privileges_group(group);
}

void
privileges_give_log(const char *user)
{
	if (user != NULL && geteuid() == 0)
		log_give_to(look_up(user)->pw_uid);
}

void
privileges_drop(const char *user)
{
	const struct passwd *pw;

	if (user == NULL || (pw = look_up(user))->pw_uid == geteuid())
		return;
	if (geteuid() != 0)
		fatal(EX_NOPERM, "only root can become user %s", user);
	if (initgroups(user, pw->pw_gid) == -1 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == -1 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == -1)
		fatal(EX_NOPERM, "cannot become user %s: %s", user,
		    strerror(errno));
	if (setuid(0) == 0 || seteuid(0) == 0 || getuid() != pw->pw_uid)
		fatal(EX_SOFTWARE, "became user %s, but could go back", user);
}

/*
 * A limit of 0 stops core files, but not cores that are piped to a program;
 * 1 stops both, for the kernel takes it as the mark of such a program and no
 * core file fits into one byte.
 */
static void
forbid_cores(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CORE, &limit) == -1)
		return;
	if (limit.rlim_max > 1)
		limit.rlim_max = 1;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_CORE, &limit) == -1)
		log_debug("cannot forbid core files: %s", strerror(errno));
}

void
privileges_confine(void)
{
	forbid_cores();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		log_debug("cannot forbid new privileges: %s",
		    strerror(errno));
}

uint64_t
privileges_raise_files(uint64_t files)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return 0;
	if (limit.rlim_cur >= files)
		return limit.rlim_cur;
	/* Raising the hard limit is root's right: it is tried, not owed. */
	if (limit.rlim_max < files) {
		struct rlimit more = { files, files };

		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			return files;
	}
	limit.rlim_cur = limit.rlim_max < files ? limit.rlim_max : files;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < files)
		log_warn("only %" PRIu64 " open files are allowed, %" PRIu64
		    " are needed; raise the limit of open files or lower "
		    "limits.clients", (uint64_t)limit.rlim_cur, files);
	return limit.rlim_cur;
}
