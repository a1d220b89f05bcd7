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
#include <time.h>
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

static int
messages_within(int fd, const char *text, int ms)
{
	struct timespec begin, now;
	char message[1024];
	int n = 0;
	ssize_t len;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		len = recv(fd, message, sizeof(message) - 1, MSG_DONTWAIT);
		message[len > 0 ? len : 0] = '\0';
		n += strstr(message, text) != NULL;
		usleep(2000);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - begin.tv_sec) * 1000 +
	    (now.tv_nsec - begin.tv_nsec) / 1000000 < ms);
	return n;
}

Test(manager, watchdog_is_fed_while_a_worker_moves_and_not_otherwise)
{
	int fd, client;
	pid_t worker;

	daemon_prepare(&d, "memory 64M\nworkers 1\n"
	    "supervise { heartbeat 0 }\n");
	fd = open_notify_socket();
	setenv("WATCHDOG_USEC", "600000", 1);
	daemon_launch(&d, NULL);
	await_message(fd, "WATCHDOG=1");
	await_message(fd, "WATCHDOG=1");
	client = talk_open(&d);
	worker = talk_pause_worker(client);
	/* What was on its way; then silence. */
	messages_within(fd, "WATCHDOG=1", 1000);
	cr_assert_eq(messages_within(fd, "WATCHDOG=1", 1000), 0);
	kill(worker, SIGCONT);
	await_message(fd, "WATCHDOG=1");
	close(fd);
	daemon_stop(&d);
}

Test(manager, successor_is_told_of_as_the_main_process)
{
	char pid[64], out[1024];
	int fd, client;

	daemon_prepare(&d, NULL);
	fd = open_notify_socket();
	daemon_launch(&d, NULL);
	await_message(fd, "READY=1");
	unsetenv("NOTIFY_SOCKET");
	cr_assert_eq(daemon_run(&d, FLAGS("-s", "upgrade"), out, sizeof(out)),
	    0, "%s", out);
	client = talk_open(&d);
	snprintf(pid, sizeof(pid), "MAINPID=%d",
	    (int)talk_info(client, "server", "master_pid"));
	close(client);
	/* From the old one, which the manager listens to until then. */
	await_message(fd, pid);
	await_message(fd, "READY=1");
	cr_assert_eq(daemon_wait(&d), 0);
	close(fd);
	daemon_remove(&d);
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
