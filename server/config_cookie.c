/*
 * The files of secrets: the cookie, and the password.  A reload reads them as
 * the user that the start has become, so the cookie is looked for in that
 * user's home from the beginning, and they may belong to that user or to root.
 * Nobody but its owner may have any right to one: what others may read is no
 * secret, and what others may write is theirs.
 */
#include "server/config_cookie.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#define FILE_MAX	(CONFIG_COOKIE_MAX + 2)	/* it may end in CR LF */

struct secret {
	const char	*what;		/* "cookie" */
	char		**to;		/* where it belongs, NULL there */
};

static int complain(const struct config_report *, int, const char *, ...)
    __attribute__((format(printf, 3, 4)));

static int
complain(const struct config_report *report, int status, const char *fmt, ...)
{
	char line[2 * PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	report->line(report->arg, line);
	return status;
}

static int
complain_missing(const struct config_report *report, const char *path)
{
	return complain(report, EX_CONFIG, "%s: %s; nodes know each other by "
	    "a cookie: make one with (umask 077; head -c 32 /dev/urandom | "
	    "base64 >%s) and copy it to all of them", path, strerror(errno),
	    path);
}

/* False if there is no such place. */
static bool
default_path(const struct config *config, char *path, size_t size)
{
	const char *home = getenv("HOME");
	const struct passwd *pw;

	if (config->user != NULL)
		home = (pw = getpwnam(config->user)) == NULL ? NULL :
		    pw->pw_dir;
	return home != NULL && *home == '/' && (size_t)snprintf(path, size,
	    "%s/%s", home, CONFIG_COOKIE_FILE) < size;
}

static bool
may_own(const struct config *config, uid_t owner)
{
	const struct passwd *pw = config->user == NULL ? NULL :
	    getpwnam(config->user);

	return owner == 0 || owner == geteuid() ||
	    (pw != NULL && owner == pw->pw_uid);
}

/* Whose file it is and who may read it; by the descriptor, not by name. */
static int
check_file(const struct config *config, const struct secret *secret, int fd,
    const char *path, const struct config_report *report)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return complain(report, EX_OSERR, "%s: %s", path,
		    strerror(errno));
	if (!S_ISREG(st.st_mode))
		return complain(report, EX_CONFIG, "%s: not a file", path);
	if (!may_own(config, st.st_uid))
		return complain(report, EX_CONFIG, "%s: belongs to user %u; "
		    "give it to root, or to who runs kvd, with chown", path,
		    (unsigned)st.st_uid);
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return complain(report, EX_CONFIG, "%s: has mode %04o, so "
		    "others can read or change the %s; chmod 600 %s", path,
		    (unsigned)(st.st_mode & 07777), secret->what, path);
	return 0;
}

/* One line of printable bytes, whose end is cut off. */
static bool
is_secret(char *bytes, size_t len)
{
	size_t i;

	if (len > 0 && bytes[len - 1] == '\n')
		len--;
	if (len > 0 && bytes[len - 1] == '\r')
		len--;
	for (i = 0; i < len; i++)
		if ((unsigned char)bytes[i] < ' ' || bytes[i] == 0x7f)
			return false;
	bytes[len] = '\0';
	return len > 0 && len <= CONFIG_COOKIE_MAX;
}

static int
take(const struct secret *secret, const char *text,
    const struct config_report *report)
{
	*secret->to = strdup(text);
	return *secret->to != NULL ? 0 :
	    complain(report, EX_OSERR, "out of memory");
}

static int
read_file(const struct secret *secret, int fd, const char *path,
    const struct config_report *report)
{
	char bytes[FILE_MAX + 2];
	ssize_t n;

	do
		n = read(fd, bytes, FILE_MAX + 1);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return complain(report, EX_CONFIG, "%s: %s", path,
		    strerror(errno));
	if (!is_secret(bytes, (size_t)n))
		return complain(report, EX_CONFIG, "%s: a %s is one line "
		    "of 1 to %d bytes, none of them a control byte", path,
		    secret->what, CONFIG_COOKIE_MAX);
	return take(secret, bytes, report);
}

static int
load_file(const struct config *config, const struct secret *secret,
    const char *path, const struct config_report *report)
{
	/* Not to be held up by a pipe. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int status;

	if (fd == -1)
		return errno == ENOENT && strcmp(secret->what, "cookie") == 0 ?
		    complain_missing(report, path) : complain(report,
		    EX_CONFIG, "%s: %s", path, strerror(errno));
	status = check_file(config, secret, fd, path, report);
	if (status == 0)
		status = read_file(secret, fd, path, report);
	close(fd);
	return status;
}

int
config_cookie_load(struct config *config, const struct config_report *report)
{
	const struct secret secret = { "cookie", &config->secret };
	char path[PATH_MAX];

	if (config->nodes.count < 2)
		return 0;
	if (config->cookie != NULL)
		return take(&secret, config->cookie, report);
	if (config->cookie_file != NULL)
		return load_file(config, &secret, config->cookie_file, report);
	if (default_path(config, path, sizeof(path)))
		return load_file(config, &secret, path, report);
	return complain(report, EX_CONFIG, "nodes know each other by a cookie, "
	    "and there is no home folder to look for it; say where it is with "
	    "cookie-file");
}

int
config_password_load(struct config *config,
    const struct config_report *report)
{
	const struct secret secret = { "password", &config->client_secret };

	if (config->password != NULL)
		return take(&secret, config->password, report);
	if (config->password_file != NULL)
		return load_file(config, &secret, config->password_file,
		    report);
	return 0;
}
