/*
 * What is bounded: clients, patience, output, memory, descriptors.
 */

#include <sys/resource.h>
#include <sys/socket.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/talk.h"

static struct daemon d;

TestSuite(limits, .timeout = 180);

static void
start_with(const char *conf)
{
	daemon_prepare(&d, conf);
	daemon_launch(&d, NULL);
}

/* Make the socket's buffers small, so that a test need not fill megabytes. */
static int
open_with_small_buffer(void)
{
	int fd = talk_open(&d), size = 4096;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return fd;
}

Test(limits, client_over_the_limit_is_told_and_closed)
{
	int fd[3], other;

	start_with("memory 64M\nworkers 2\nlimits { clients 3 }\n");
	for (int i = 0; i < 3; i++) {
		fd[i] = talk_open(&d);
		talk(fd[i], "CREATE b\r\n", "OK\r\n");
	}
	other = talk_open(&d);
	talk_expect(other, "ERROR too many connections\r\n");
	talk_expect_end(other);
	close(other);
	cr_assert_eq(talk_info(fd[0], "stats", "refused"), 1);
	close(fd[2]);
	while (talk_info(fd[0], "clients", "clients") > 2)
		;
	talk_once(&d, "COUNT b\r\n", "0\r\nOK\r\n");
	daemon_stop(&d);
}

Test(limits, client_without_a_descriptor_left_is_told_and_closed)
{
	enum { CLIENTS = 64 };
	const struct rlimit few = { 40, 40 };
	int fd[CLIENTS], n, other;
	char line[64];
	pid_t worker;

	start_with("memory 64M\nworkers 1\n");
	fd[0] = talk_open(&d);
	worker = (pid_t)talk_info(fd[0], "server", "worker_pid");
	cr_assert_eq(prlimit(worker, RLIMIT_NOFILE, &few, NULL), 0);
	for (n = 1; n < CLIENTS; n++) {
		fd[n] = talk_open(&d);
		talk_send(fd[n], "BUCKETS\r\n");
		cr_assert(talk_line(fd[n], line, sizeof(line)));
		if (strcmp(line, "OK") != 0)
			break;
	}
	cr_assert_lt(n, CLIENTS, "every client got a descriptor");
	cr_assert_str_eq(line, "ERROR too many connections");
	talk_expect_end(fd[n]);
	daemon_await_log(&d, "out of file descriptors", 1);
	talk(fd[0], "BUCKETS\r\n", "OK\r\n");
	close(fd[1]);
	while (talk_info(fd[0], "clients", "clients") >= (uint64_t)n)
		;
	other = talk_open(&d);
	talk(other, "BUCKETS\r\n", "OK\r\n");
	daemon_stop(&d);
}

Test(limits, idle_client_is_closed_and_a_subscriber_is_not)
{
	int idle, subscriber, dripping;
	char byte;

	start_with("memory 64M\nworkers 1\nlimits { idle 300ms }\n");
	idle = talk_open(&d);
	subscriber = talk_open(&d);
	dripping = talk_open(&d);
	talk(subscriber, "CREATE b\r\n", "OK\r\n");
	talk_send(subscriber, "SUBSCRIBE b\r\n");
	/* One byte at a time is no activity: this loop ends. */
	while (send(dripping, "x", 1, MSG_NOSIGNAL) == 1 &&
	    recv(dripping, &byte, 1, MSG_DONTWAIT) == -1)
		usleep(50000);
	talk_expect_end(idle);
	talk_once(&d, "PUT b k v\r\n", "OK\r\n");
	talk_expect(subscriber, "k SET TO v\r\n");
	daemon_stop(&d);
}

/* How long ago the heart of the only worker has beaten. */
static long
heartbeat_ms(int fd)
{
	char line[1024];
	const char *beat;
	long ms = -1;

	talk_send(fd, "INFO workers\r\n");
	while (talk_line(fd, line, sizeof(line)) && strcmp(line, "OK") != 0)
		if (strstr(line, "role=worker") != NULL &&
		    (beat = strstr(line, "heartbeat_ms=")) != NULL)
			ms = strtol(beat + 13, NULL, 10);
	cr_assert_geq(ms, 0);
	return ms;
}

/* Let the worker look at its deadlines, which it does at each heartbeat. */
static void
await_deadlines(int fd)
{
	long before, now = heartbeat_ms(fd);
	int beats = 0;

	while (beats < 2) {
		before = now;
		now = heartbeat_ms(fd);
		beats += now < before;
		usleep(1000);
	}
}

static char *
make_value(size_t n)
{
	char *request = malloc(n + 64);
	int head;

	cr_assert_not_null(request);
	head = sprintf(request, "PUT b k ");
	memset(request + head, 'v', n);
	strcpy(request + head + n, "\r\n");
	return request;
}

Test(limits, client_that_never_reads_is_bounded_then_closed)
{
	char *request = make_value(200000);
	int fd, other, i;

	start_with("memory 64M\nworkers 1\nlimits { send 300ms }\n");
	other = talk_open(&d);
	talk(other, "CREATE b\r\n", "OK\r\n");
	talk(other, request, "OK\r\n");
	fd = open_with_small_buffer();
	/* 400 MB of replies, if anybody took them. */
	for (i = 0; i < 2000; i++)
		if (send(fd, "GET b k\r\n", 9, MSG_NOSIGNAL | MSG_DONTWAIT)
		    != 9)
			break;
	daemon_await_log(&d, "it does not read", 1);
	talk(other, "COUNT b\r\n", "1\r\nOK\r\n");
	cr_assert_lt(talk_info(other, "stats", "bytes_out"), 40000000);
	cr_assert_eq(talk_info(other, "stats", "dropped"), 1);
	free(request);
	daemon_stop(&d);
}

Test(limits, slow_reader_is_not_idle_when_it_has_read_its_reply)
{
	enum { VALUE = 1000000, VALUES = 12 };
	char *request = make_value(VALUE), buf[65536];
	size_t left = VALUES * (VALUE + 2) + 4;
	int fd, other, idle;
	ssize_t n;

	start_with("memory 64M\nworkers 1\nlimits { idle 2s }\n");
	other = talk_open(&d);
	talk(other, "CREATE b\r\n", "OK\r\n");
	talk(other, request, "OK\r\n");
	fd = talk_open(&d);
	talk_send(fd, "MGET b k k k k k k k k k k k k\r\n");
	idle = talk_open(&d);
	talk(idle, "COUNT b\r\n", "1\r\nOK\r\n");
	talk_expect_end(idle);
	for (; left > 0; left -= (size_t)n)
		cr_assert_gt(n = recv(fd, buf, left < sizeof(buf) ? left :
		    sizeof(buf), 0), 0);
	other = talk_open(&d);
	await_deadlines(other);
	talk(fd, "COUNT b\r\n", "1\r\nOK\r\n");
	free(request);
	daemon_stop(&d);
}

Test(limits, subscriber_that_falls_behind_is_closed_and_others_go_on)
{
	char *request = make_value(100000);
	int slow, other, i;

	start_with("memory 64M\nworkers 1\nlimits { output 1M; }\n");
	other = talk_open(&d);
	talk(other, "CREATE b\r\n", "OK\r\n");
	slow = open_with_small_buffer();
	talk_send(slow, "SUBSCRIBE b\r\n");
	while (talk_info(other, "clients", "subscribers") != 1)
		;
	for (i = 0; i < 200; i++)
		talk(other, request, "OK\r\n");
	daemon_await_log(&d, "too slow for the events", 1);
	while (talk_info(other, "clients", "subscribers") != 0)
		;
	talk(other, "COUNT b\r\n", "1\r\nOK\r\n");
	free(request);
	daemon_stop(&d);
}

Test(limits, listener_to_channels_that_falls_behind_is_closed)
{
	char *request = make_value(100000);
	int slow, other, i;

	start_with("memory 64M\nworkers 1\nlimits { output 1M; }\n");
	other = talk_open(&d);
	talk(other, "CREATE b\r\n", "OK\r\n");
	slow = open_with_small_buffer();
	talk_send(slow, "*2\r\n$9\r\nSUBSCRIBE\r\n$9\r\n__kvd__:b\r\n");
	talk_await_subscribers(&d, 1);
	for (i = 0; i < 200; i++)
		talk(other, request, "OK\r\n");
	daemon_await_log(&d, "too slow for the events", 1);
	talk_await_subscribers(&d, 0);
	talk(other, "COUNT b\r\n", "1\r\nOK\r\n");
	close(slow);
	free(request);
	daemon_stop(&d);
}

Test(limits, listener_to_channels_is_not_idle)
{
	int listener, idle;

	start_with("memory 64M\nworkers 1\nlimits { idle 1s }\n");
	listener = talk_open(&d);
	talk(listener, "*2\r\n$9\r\nSUBSCRIBE\r\n$16\r\n__keyspace@0__:b\r\n",
	    "*3\r\n$9\r\nsubscribe\r\n$16\r\n__keyspace@0__:b\r\n:1\r\n");
	idle = talk_open(&d);
	talk_expect_end(idle);
	talk_once(&d, "CREATE b\r\nPUT b k v\r\n", "OK\r\nOK\r\n");
	talk_expect(listener, "*3\r\n$7\r\nmessage\r\n$16\r\n"
	    "__keyspace@0__:b\r\n$4\r\nhset\r\n");
	close(listener);
	daemon_stop(&d);
}

static bool
put_numbered(int fd, int i, const char *value)
{
	char line[64], head[64];

	snprintf(head, sizeof(head), "PUT b k%d ", i);
	talk_send(fd, head);
	talk_send(fd, value);
	cr_assert(talk_line(fd, line, sizeof(line)));
	if (strcmp(line, "OK") == 0)
		return true;
	cr_assert_str_eq(line, "ERROR out of memory");
	return false;
}

Test(limits, full_arena_still_reads_and_deletes_and_takes_puts_again)
{
	char value[10003], request[64];
	int fd, n = 0, i;

	start_with("memory 16M\nworkers 1\n");
	fd = talk_open(&d);
	memset(value, 'v', 10000);
	strcpy(value + 10000, "\r\n");
	talk(fd, "CREATE b\r\nCREATE c\r\n", "OK\r\nOK\r\n");
	while (put_numbered(fd, n, value)) {
		n++;
		cr_assert_lt(n, 5000, "16 MB took 50");
	}
	cr_assert_gt(n, 500);
	talk(fd, "GET b k0\r\n", "");
	talk_expect(fd, value);
	talk_expect(fd, "OK\r\n");
	for (i = 0; i < n; i++) {
		snprintf(request, sizeof(request), "DELETE b k%d\r\n", i);
		talk(fd, request, "OK\r\n");
	}
	/* The cleaner needs its moment. */
	while (!put_numbered(fd, 0, value))
		;
	talk(fd, "DROP b\r\n", "OK\r\n");
	talk(fd, "GET b k0\r\n", "NOT FOUND\r\n");
	daemon_stop(&d);
}

Test(limits, thousand_clients_are_served_at_once)
{
	enum { CLIENTS = 1000 };
	static int fd[CLIENTS];
	char request[64], reply[64];
	int i;

	start_with("memory 64M\nworkers 2\n");
	for (i = 0; i < CLIENTS; i++)
		fd[i] = talk_open(&d);
	talk(fd[0], "CREATE b\r\n", "OK\r\n");
	for (i = 0; i < CLIENTS; i++) {
		snprintf(request, sizeof(request),
		    "PUT b k%d %d\r\nGET b k%d\r\n", i, i, i);
		talk_send(fd[i], request);
	}
	for (i = 0; i < CLIENTS; i++) {
		snprintf(reply, sizeof(reply), "OK\r\n%d\r\nOK\r\n", i);
		talk_expect(fd[i], reply);
	}
	cr_assert_eq(talk_info(fd[1], "clients", "clients"), CLIENTS);
	talk(fd[0], "COUNT b\r\n", "1000\r\nOK\r\n");
	daemon_stop(&d);
}
