/*
 * The log.  A line is built whole in one buffer and leaves with one
 * write(2), so the lines of several processes that share a file never mix.
 *
 * What a message quotes may come from a stranger.  Whatever could end a line,
 * move the cursor of a terminal or turn the reading direction is written as
 * \xHH, and so is what is not UTF-8: what one sees is what was logged.
 *
 * The state is one struct, inherited over fork(2); each child then says its
 * role.  The log file is opened for appending by every process for itself
 * after log_reopen(), which is why several may hold it at once.
 */
#include "server/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "server/log_escape.h"

#define ROLE_MAX	32
#define TIME_MAX	32
#define STAMP_SIZE	(TIME_MAX + ROLE_MAX + 32)

static struct {
	bool		 open;		/* log_open() has been called */
	bool		 detached;	/* nobody reads standard error */
	bool		 journal;	/* it ends where syslog does */
	enum config_log	 to;
	int		 fd;		/* of the file, else -1 */
	bool		 made;		/* the file was not there before */
	int		 level;		/* of syslog(3): the least important */
	char		*file;
	char		 role[ROLE_MAX];
} state = { .fd = -1, .level = LOG_DEBUG, .role = "kvd" };

static int
level_of(const char *name)
{
	if (strcmp(name, "err") == 0)
		return LOG_ERR;
	if (strcmp(name, "warning") == 0)
		return LOG_WARNING;
	return strcmp(name, "debug") == 0 ? LOG_DEBUG : LOG_INFO;
}

static int
facility_of(const char *name)
{
	static const int locals[] = {
		LOG_LOCAL0, LOG_LOCAL1, LOG_LOCAL2, LOG_LOCAL3, LOG_LOCAL4,
		LOG_LOCAL5, LOG_LOCAL6, LOG_LOCAL7
	};

	if (strncmp(name, "local", 5) == 0 && name[5] >= '0' && name[5] <= '7')
		return locals[name[5] - '0'];
	return strcmp(name, "user") == 0 ? LOG_USER : LOG_DAEMON;
}

static const char *
prefix_of(int level)
{
	switch (level) {
	case LOG_ERR:
		return "error: ";
	case LOG_WARNING:
		return "warning: ";
	case LOG_DEBUG:
		return "debug: ";
	default:
		return "";
	}
}

static int
open_file(const char *path)
{
	const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY;
	int fd = open(path, flags | O_EXCL, 0640);

	state.made = fd != -1;
	if (fd == -1 && errno == EEXIST)
		fd = open(path, flags, 0640);
	return fd;
}

/* The new file, or -1 after saying why there is none. */
static int
open_or_explain(const char *path)
{
	int fd = open_file(path);

	if (fd != -1)
		return fd;
	if (!state.open)
		fatal(EX_CANTCREAT, "cannot open the log %s: %s", path,
		    strerror(errno));
	log_warn("cannot open the log %s: %s; the old one goes on", path,
	    strerror(errno));
	return -1;
}

static void
use_file(int fd, char *path)
{
	if (state.fd != -1)
		close(state.fd);
	free(state.file);
	state.fd = fd;
	state.file = path;
}

/*
 * Is standard error the journal of systemd?  It says so by naming the file in
 * JOURNAL_STREAM, see systemd.exec(5).  What goes to syslog arrives there as
 * well, and twice would be once too often.
 */
static bool
is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char ours[64];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) == -1)
		return false;
	snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	return strcmp(stream, ours) == 0;
}

void
log_open(const struct config *config, bool to_stderr, int verbose)
{
	int saved = errno, fd = -1;
	enum config_log to = to_stderr ? CONFIG_LOG_STDERR : config->log_to;
	char *file = NULL;

	if (to == CONFIG_LOG_FILE) {
		fd = open_or_explain(config->log_file);
		if (fd == -1)
			goto keep;
		if ((file = strdup(config->log_file)) == NULL)
			fatal(EX_OSERR, "out of memory");
	}
	use_file(fd, file);
	closelog();
	openlog("kvd", LOG_NDELAY, facility_of(config->log_facility));
	state.to = to;
	state.journal = is_journal();
keep:
	state.level = verbose > 0 ? LOG_DEBUG : level_of(config->log_level);
	state.open = true;
	errno = saved;
}

void
log_reopen(void)
{
	int saved = errno, fd;

	if (state.fd != -1 && (fd = open_or_explain(state.file)) != -1) {
		close(state.fd);
		state.fd = fd;
	}
	errno = saved;
}

void
log_give_to(uid_t uid)
{
	if (state.fd != -1 && state.made &&
	    fchown(state.fd, uid, (gid_t)-1) == -1)
		log_warn("cannot give the log %s to user %ju: %s", state.file,
		    (uintmax_t)uid, strerror(errno));
}

void
log_role(const char *role)
{
	strlcpy(state.role, role, sizeof(state.role));
}

void
log_detach(void)
{
	state.detached = true;
}

/* "2026-01-31T12:00:00.123Z " */
static void
print_time(char *out, size_t size)
{
	struct timespec now;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, size - n, ".%03ldZ ", now.tv_nsec / 1000000);
}

/* False if the line did not get out: a full disk, a closed pipe. */
static bool
write_line(int fd, const char *head, const char *line)
{
	char out[STAMP_SIZE + LOG_LINE_MAX + 1];
	int len = snprintf(out, sizeof(out), "%s%s\n", head, line);
	ssize_t n;

	do {
		n = write(fd, out, (size_t)len);
	} while (n == -1 && errno == EINTR);
	return n == len;
}

/* To whoever started us, and only what went wrong. */
static void
tell_starter(int level, const char *line)
{
	if (state.open && state.journal && state.to == CONFIG_LOG_SYSLOG)
		return;
	if (!state.detached && level <= LOG_WARNING)
		write_line(STDERR_FILENO, "kvd: ", line);
}

static void
emit(int level, const char *line)
{
	char head[STAMP_SIZE], stamp[TIME_MAX];

	if (!state.open) {
		tell_starter(level, line);
		return;
	}
	print_time(stamp, sizeof(stamp));
	snprintf(head, sizeof(head), "%s%s[%d]: %s", stamp, state.role,
	    (int)getpid(), prefix_of(level));
	if (state.to == CONFIG_LOG_STDERR && !state.detached) {
		write_line(STDERR_FILENO, head, line);
		return;
	}
	if (state.to != CONFIG_LOG_FILE || !write_line(state.fd, head, line))
		syslog(level, "%s[%d]: %s%s", state.role, (int)getpid(),
		    prefix_of(level), line);
	tell_starter(level, line);
}

static void log_at(int, const char *, va_list)
    __attribute__((format(printf, 2, 0)));

static void
log_at(int level, const char *fmt, va_list ap)
{
	char raw[LOG_LINE_MAX + 2], line[LOG_LINE_MAX + 1];
	int saved = errno;

	if (level <= state.level) {
		vsnprintf(raw, sizeof(raw), fmt, ap);
		log_escape(line, sizeof(line), raw);
		emit(level, line);
	}
	errno = saved;
}

void
log_err(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_at(LOG_ERR, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_at(LOG_WARNING, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_at(LOG_INFO, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_at(LOG_DEBUG, fmt, ap);
	va_end(ap);
}

_Noreturn void
fatal(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_at(LOG_ERR, fmt, ap);
	va_end(ap);
	exit(status);
}
