/*
 * The service manager's protocol, by hand: a few datagrams are no reason for
 * a library, and what is always compiled in cannot be missing from a build,
 * which would leave `Type=notify' waiting for ever.
 *
 * Nothing here may stop or delay the daemon: a manager that has gone away is
 * not an error.
 */
#include "server/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "server/log.h"

#define FIRST_FD	3	/* sd_listen_fds(3) */
#define FDS_MAX		1024	/* more is a mistake */
#define MESSAGE_MAX	512

static struct {
	struct sockaddr_un	address;
	socklen_t		length;		/* 0: nobody to tell */
	char			path[108];	/* as sun_path */
	uint64_t		watchdog_ms;
} manager;

/* $WATCHDOG_PID may say whom $WATCHDOG_USEC is meant for. */
static uint64_t
watchdog_wanted_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");

	if (manager.length == 0 || usec == NULL ||
	    (pid != NULL && strtol(pid, NULL, 10) != getpid()))
		return 0;
	return strtoull(usec, NULL, 10) / 1000;
}

/* "/path", or "@name" for the abstract name space, where a NUL leads. */
void
notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path == NULL ? 0 : strlen(path);

	manager.length = 0;
	if (len > 1 && len < sizeof(manager.address.sun_path) &&
	    (*path == '/' || *path == '@')) {
		manager.address.sun_family = AF_UNIX;
		memcpy(manager.address.sun_path, path, len + 1);
		if (*path == '@')
			manager.address.sun_path[0] = '\0';
		manager.length = (socklen_t)(
		    offsetof(struct sockaddr_un, sun_path) + len);
		strlcpy(manager.path, path, sizeof(manager.path));
	}
	manager.watchdog_ms = watchdog_wanted_ms();
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void
notify_pass_on(void)
{
	char usec[32];

	if (manager.length == 0)
		return;
	(void)setenv("NOTIFY_SOCKET", manager.path, 1);
	snprintf(usec, sizeof(usec), "%" PRIu64, manager.watchdog_ms * 1000);
	if (manager.watchdog_ms > 0)
		(void)setenv("WATCHDOG_USEC", usec, 1);
}

static void tell(const char *, ...) __attribute__((format(printf, 1, 2)));

static void
tell(const char *fmt, ...)
{
	char message[MESSAGE_MAX];
	va_list ap;
	int fd;

	if (manager.length == 0)
		return;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1 || sendto(fd, message, strlen(message), MSG_NOSIGNAL,
	    (const struct sockaddr *)&manager.address, manager.length) == -1)
		log_debug("cannot tell the service manager: %s",
		    strerror(errno));
	if (fd != -1)
		close(fd);
}

void
notify_ready(void)
{
	tell("READY=1\nMAINPID=%d", (int)getpid());
}

void
notify_status(const char *fmt, ...)
{
	char status[MESSAGE_MAX / 2], *end;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(status, sizeof(status), fmt, ap);
	va_end(ap);
	/* A line end would begin another assignment. */
	if ((end = strchr(status, '\n')) != NULL)
		*end = '\0';
	tell("STATUS=%s", status);
}

void
notify_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	tell("RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
	    (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

void
notify_stopping(void)
{
	tell("STOPPING=1");
}

void
notify_successor(pid_t pid)
{
	tell("MAINPID=%d", (int)pid);
}

void
notify_watchdog(void)
{
	tell("WATCHDOG=1");
}

uint64_t
notify_watchdog_ms(void)
{
	return manager.watchdog_ms;
}

/* --- sockets that were opened for us --- */

static long
number_in(const char *name, const char *text)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < 0 || n > INT_MAX)
		fatal(EX_CONFIG, "%s=%s in the environment is not a number",
		    name, text);
	return n;
}

static void
check_listener(int fd)
{
	int type = 0, listening = 0;
	socklen_t size = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == -1 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == -1)
		fatal(EX_CONFIG, "descriptor %d, named by LISTEN_FDS: %s", fd,
		    strerror(errno));
	if (type != SOCK_STREAM || !listening)
		fatal(EX_CONFIG, "descriptor %d, named by LISTEN_FDS, is not "
		    "a listening stream socket", fd);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		fatal(EX_OSERR, "descriptor %d: %s", fd, strerror(errno));
}

static size_t
adopt(long n, int **fds)
{
	long i;

	if (n > FDS_MAX)
		fatal(EX_CONFIG, "LISTEN_FDS=%ld in the environment is more "
		    "than %d", n, FDS_MAX);
	if (n > 0 && (*fds = calloc((size_t)n, sizeof(**fds))) == NULL)
		fatal(EX_OSERR, "out of memory");
	for (i = 0; i < n; i++) {
		check_listener(FIRST_FD + (int)i);
		(*fds)[i] = FIRST_FD + (int)i;
	}
	return (size_t)n;
}

size_t
notify_listeners(int **fds)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	size_t n = 0;

	*fds = NULL;
	if (pid != NULL && count != NULL &&
	    number_in("LISTEN_PID", pid) == getpid())
		n = adopt(number_in("LISTEN_FDS", count), fds);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return n;
}
