/*
 * Under a service manager: sockets handed over, readiness told.
 */

#include <sys/socket.h>
#include <sys/un.h>

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/talk.h"

static struct daemon d;

TestSuite(manager, .timeout = 120);

static int
open_notify_socket(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const struct timeval tv = { .tv_sec = 20 };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/notify", d.dir);
	cr_assert_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setenv("NOTIFY_SOCKET", sun.sun_path, 1);
	return fd;
}

static void
await_message(int fd, const char *text)
{
	char message[1024];
	ssize_t n;

	do {
		n = recv(fd, message, sizeof(message) - 1, 0);
		cr_assert_gt(n, 0, "never told: %s", text);
		message[n] = '\0';
	} while (strstr(message, text) == NULL);
}

/* Every other test here starts kvd with LISTEN_FDS; this one looks closer. */
Test(manager, inherited_sockets_replace_the_configured_addresses)
{
	char conf[128], error[64];
	uint16_t port = daemon_free_port();

	snprintf(conf, sizeof(conf), "memory 64M\nworkers 1\n"
	    "listen 127.0.0.1:%u\n", port);
	daemon_prepare(&d, conf);
	daemon_launch(&d, NULL);
	talk_once(&d, "BUCKETS\r\n", "OK\r\n");
	snprintf(error, sizeof(error), "listening on 127.0.0.1:%u", d.port);
	daemon_await_log(&d, error, 1);
	daemon_await_log(&d, "listening on", 1);
	daemon_stop(&d);
}

Test(manager, readiness_reload_and_stop_are_told)
{
	char ready[64];
	int fd;

	daemon_prepare(&d, NULL);
	fd = open_notify_socket();
	daemon_launch(&d, NULL);
	snprintf(ready, sizeof(ready), "READY=1\nMAINPID=%d", (int)d.pid);
	await_message(fd, ready);
	talk_once(&d, "BUCKETS\r\n", "OK\r\n");
	daemon_kill(&d, SIGHUP);
	await_message(fd, "RELOADING=1");
	await_message(fd, "READY=1");
	daemon_kill(&d, SIGTERM);
	await_message(fd, "STOPPING=1");
	cr_assert_eq(daemon_wait(&d), 0);
	close(fd);
	daemon_remove(&d);
}
