#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "server/notify.h"
#include "tests/unit/server/scratch.h"

static char errors[4096];
static int manager = -1;

TestSuite(notify, .init = scratch_make, .fini = scratch_remove, .timeout = 60);

/* A service manager that listens; '@' in front means an abstract name. */
static void
listen_as(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t len = strlen(path);

	memcpy(un.sun_path, path, len);
	if (*path == '@')
		un.sun_path[0] = '\0';
	manager = socket(AF_UNIX, SOCK_DGRAM, 0);
	cr_assert_eq(bind(manager, (const struct sockaddr *)&un,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)), 0);
	setenv("NOTIFY_SOCKET", path, 1);
}

static void
must_hear(const char *expected)
{
	char message[1024];
	ssize_t n = recv(manager, message, sizeof(message) - 1, MSG_DONTWAIT);

	cr_assert_gt(n, 0);
	message[n] = '\0';
	cr_assert_str_eq(message, expected);
}

static void
must_hear_nothing(void)
{
	char byte;

	cr_assert_eq(recv(manager, &byte, 1, MSG_DONTWAIT), -1);
}

static void
must_hear_ready(void)
{
	char ready[64];

	snprintf(ready, sizeof(ready), "READY=1\nMAINPID=%d", (int)getpid());
	notify_ready();
	must_hear(ready);
}

Test(notify, ready_tells_our_pid)
{
	listen_as(scratch_path("notify"));
	notify_open();
	must_hear_ready();
	must_hear_nothing();
}

Test(notify, abstract_sockets_are_reached)
{
	char name[64];

	snprintf(name, sizeof(name), "@kvd-unit-%d", (int)getpid());
	listen_as(name);
	notify_open();
	must_hear_ready();
}

Test(notify, status_is_one_line_whatever_is_in_it)
{
	listen_as(scratch_path("notify"));
	notify_open();
	notify_status("%d workers", 4);
	must_hear("STATUS=4 workers");
	notify_status("serving\nSTOPPING=1");
	must_hear("STATUS=serving");
}

Test(notify, reloading_carries_the_monotonic_clock)
{
	struct timespec now;
	char message[256] = "";
	unsigned long long usec;

	listen_as(scratch_path("notify"));
	notify_open();
	notify_reloading();
	cr_assert_gt(recv(manager, message, sizeof(message) - 1,
	    MSG_DONTWAIT), 0);
	cr_assert_eq(sscanf(message, "RELOADING=1\nMONOTONIC_USEC=%llu",
	    &usec), 1, "%s", message);
	clock_gettime(CLOCK_MONOTONIC, &now);
	cr_assert_leq(usec, (unsigned long long)now.tv_sec * 1000000 +
	    (unsigned long long)now.tv_nsec / 1000);
	cr_assert_geq(usec, (unsigned long long)(now.tv_sec - 60) * 1000000);
}

Test(notify, stopping_is_told)
{
	listen_as(scratch_path("notify"));
	notify_open();
	notify_stopping();
	must_hear("STOPPING=1");
}

Test(notify, successor_and_watchdog_are_told)
{
	listen_as(scratch_path("notify"));
	setenv("WATCHDOG_USEC", "30000000", 1);
	notify_open();
	cr_assert_eq(notify_watchdog_ms(), 30000);
	notify_watchdog();
	must_hear("WATCHDOG=1");
	notify_successor(4711);
	must_hear("MAINPID=4711");
	cr_assert_null(getenv("WATCHDOG_USEC"));
	notify_pass_on();
	cr_assert_str_eq(getenv("WATCHDOG_USEC"), "30000000");
	cr_assert_str_eq(getenv("NOTIFY_SOCKET"), scratch_path("notify"));
}

Test(notify, watchdog_meant_for_another_process_is_not_fed)
{
	listen_as(scratch_path("notify"));
	setenv("WATCHDOG_USEC", "30000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	notify_open();
	cr_assert_eq(notify_watchdog_ms(), 0);
}

Test(notify, children_do_not_find_the_socket_in_their_environment)
{
	listen_as(scratch_path("notify"));
	notify_open();
	cr_assert_null(getenv("NOTIFY_SOCKET"));
	must_hear_ready();
}

Test(notify, without_a_manager_nothing_happens)
{
	static const char *const values[] = { "", "/", "relative", "@" };
	char large[512];
	size_t i;

	unsetenv("NOTIFY_SOCKET");
	notify_open();
	notify_ready();
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		setenv("NOTIFY_SOCKET", values[i], 1);
		notify_open();
		notify_ready();
	}
	memset(large, '/', sizeof(large));
	large[sizeof(large) - 1] = '\0';
	setenv("NOTIFY_SOCKET", large, 1);
	notify_open();
	notify_stopping();
}

Test(notify, a_manager_that_went_away_or_is_too_busy_delays_nothing)
{
	int i;

	listen_as(scratch_path("notify"));
	notify_open();
	for (i = 0; i < 10000; i++)
		notify_status("%d", i);
	close(manager);
	notify_ready();
}

/* --- sockets --- */

/* Run in a child, where descriptors from 3 on are ours to fill. */
static void
put_listeners(int n, int type, int listening)
{
	char pid[16], count[16];
	struct sockaddr_in in = { .sin_family = AF_INET };
	int i, fd;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (i = 0; i < n; i++) {
		fd = socket(AF_INET, type, 0);
		if (bind(fd, (const struct sockaddr *)&in, sizeof(in)) == -1 ||
		    (listening && listen(fd, 1) == -1))
			_exit(90);
		if (fd != 3 + i) {
			dup2(fd, 3 + i);
			close(fd);
		}
	}
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	snprintf(count, sizeof(count), "%d", n);
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", count, 1);
	setenv("LISTEN_FDNAMES", "client", 1);
}

static void
must_be_unset(void)
{
	if (getenv("LISTEN_PID") != NULL || getenv("LISTEN_FDS") != NULL ||
	    getenv("LISTEN_FDNAMES") != NULL)
		_exit(91);
}

static void
adopt_two(void)
{
	int *fds;

	put_listeners(2, SOCK_STREAM, 1);
	if (notify_listeners(&fds) != 2 || fds[0] != 3 || fds[1] != 4)
		_exit(1);
	if (fcntl(3, F_GETFD) != FD_CLOEXEC || fcntl(4, F_GETFD) != FD_CLOEXEC)
		_exit(2);
	must_be_unset();
	free(fds);
	if (notify_listeners(&fds) != 0 || fds != NULL)
		_exit(3);
	_exit(0);
}

Test(notify, sockets_opened_for_us_are_adopted_once)
{
	cr_assert_eq(scratch_run(adopt_two, errors, sizeof(errors)), 0, "%s",
	    errors);
}

static void
adopt_for_somebody_else(void)
{
	int *fds;

	put_listeners(1, SOCK_STREAM, 1);
	setenv("LISTEN_PID", "1", 1);
	if (notify_listeners(&fds) != 0 || fds != NULL)
		_exit(1);
	must_be_unset();
	_exit(0);
}

Test(notify, sockets_meant_for_another_process_are_left_alone)
{
	cr_assert_eq(scratch_run(adopt_for_somebody_else, errors,
	    sizeof(errors)), 0);
}

static void
adopt_none(void)
{
	int *fds;

	put_listeners(0, SOCK_STREAM, 1);
	_exit(notify_listeners(&fds) == 0 && fds == NULL ? 0 : 1);
}

Test(notify, none_is_a_legal_number_of_sockets)
{
	cr_assert_eq(scratch_run(adopt_none, errors, sizeof(errors)), 0);
}

static void
adopt_datagram(void)
{
	int *fds;

	put_listeners(1, SOCK_DGRAM, 0);
	notify_listeners(&fds);
}

static void
adopt_unconnected(void)
{
	int *fds;

	put_listeners(1, SOCK_STREAM, 0);
	notify_listeners(&fds);
}

static void
adopt_closed(void)
{
	int *fds;

	put_listeners(1, SOCK_STREAM, 1);
	close(3);
	notify_listeners(&fds);
}

static void
adopt_nonsense(void)
{
	int *fds;

	put_listeners(1, SOCK_STREAM, 1);
	setenv("LISTEN_FDS", "1x", 1);
	notify_listeners(&fds);
}

static void
adopt_too_many(void)
{
	int *fds;

	put_listeners(1, SOCK_STREAM, 1);
	setenv("LISTEN_FDS", "1000000", 1);
	notify_listeners(&fds);
}

struct refusal {
	void		(*run)(void);
	const char	*message;
};

Test(notify, what_is_no_listening_stream_socket_is_refused_by_name)
{
	static const struct refusal refusals[] = {
		{ adopt_datagram, "kvd: descriptor 3, named by LISTEN_FDS, is "
		    "not a listening stream socket\n" },
		{ adopt_unconnected, "kvd: descriptor 3, named by LISTEN_FDS, "
		    "is not a listening stream socket\n" },
		{ adopt_closed, "kvd: descriptor 3, named by LISTEN_FDS: Bad "
		    "file descriptor\n" },
		{ adopt_nonsense, "kvd: LISTEN_FDS=1x in the environment is "
		    "not a number\n" },
		{ adopt_too_many, "kvd: LISTEN_FDS=1000000 in the environment "
		    "is more than 1024\n" },
	};
	size_t i;

	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		cr_assert_eq(scratch_run(refusals[i].run, errors,
		    sizeof(errors)), EX_CONFIG);
		cr_assert_str_eq(errors, refusals[i].message);
	}
}
