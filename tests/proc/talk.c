/*
 * The tests' own client: plain sockets, so that every byte is seen.
 */

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/proc/talk.h"

#define PATIENCE_S	20

void
talk_set_patience(int fd)
{
	const struct timeval tv = { .tv_sec = PATIENCE_S };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

int
talk_open_port(uint16_t port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	cr_assert_neq(fd, -1);
	talk_set_patience(fd);
	/* Or each request in two pieces waits for an acknowledgement. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	cr_assert_eq(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0,
	    "connect: %s", strerror(errno));
	return fd;
}

int
talk_open(const struct daemon *d)
{
	return talk_open_port(d->port);
}

int
talk_open_path(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_neq(fd, -1);
	talk_set_patience(fd);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	cr_assert_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0,
	    "connect %s: %s", path, strerror(errno));
	return fd;
}

void
talk_send_bytes(int fd, const void *bytes, size_t len)
{
	const char *p = bytes;
	ssize_t n;

	while (len > 0) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		cr_assert_gt(n, 0, "send: %s", strerror(errno));
		p += n;
		len -= (size_t)n;
	}
}

void
talk_send(int fd, const char *text)
{
	talk_send_bytes(fd, text, strlen(text));
}

void
talk_expect(int fd, const char *text)
{
	size_t len = strlen(text), got = 0;
	char *buf = calloc(1, len + 1);
	ssize_t n;

	while (got < len) {
		n = recv(fd, buf + got, len - got, 0);
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	cr_assert_str_eq(buf, text);
	free(buf);
}

void
talk_expect_end(int fd)
{
	char byte = '\0';
	ssize_t n = recv(fd, &byte, 1, 0);

	cr_assert(n == 0 || (n == -1 && errno == ECONNRESET),
	    "expected the end, got %zd, byte '%c', %s", n, byte,
	    strerror(errno));
}

void
talk_expect_silence(int fd)
{
	char byte = '\0';
	ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);

	cr_assert(n == -1 && errno == EAGAIN,
	    "expected nothing, got %zd, byte '%c'", n, byte);
}

void
talk(int fd, const char *request, const char *reply)
{
	talk_send(fd, request);
	talk_expect(fd, reply);
}

void
talk_once(const struct daemon *d, const char *request, const char *reply)
{
	int fd = talk_open(d);

	talk(fd, request, reply);
	close(fd);
}

bool
talk_line(int fd, char *line, size_t size)
{
	size_t len = 0;
	char byte;

	while (len + 1 < size && recv(fd, &byte, 1, 0) == 1) {
		if (byte == '\n') {
			if (len > 0 && line[len - 1] == '\r')
				len--;
			line[len] = '\0';
			return true;
		}
		line[len++] = byte;
	}
	return false;
}

uint64_t
talk_info(int fd, const char *section, const char *name)
{
	char line[512], request[64];
	size_t len = strlen(name);
	uint64_t value = 0;
	bool found = false;

	snprintf(request, sizeof(request), "INFO %s\r\n", section);
	talk_send(fd, request);
	while (talk_line(fd, line, sizeof(line)) && strcmp(line, "OK") != 0)
		if (strncmp(line, name, len) == 0 && line[len] == ':') {
			value = strtoull(line + len + 1, NULL, 10);
			found = true;
		}
	cr_assert(found, "INFO %s has no line %s", section, name);
	return value;
}

void
talk_await_subscribers(const struct daemon *d, uint64_t n)
{
	int fd = talk_open(d);

	while (talk_info(fd, "clients", "subscribers") != n)
		;
	close(fd);
}

pid_t
talk_process_pid(int fd, const char *text, const char *other)
{
	char line[512];
	pid_t pid = 0;

	talk_send(fd, "INFO workers\r\n");
	while (talk_line(fd, line, sizeof(line)) && strcmp(line, "OK") != 0)
		if (strstr(line, text) != NULL &&
		    strstr(line, other) != NULL)
			pid = atoi(strstr(line, "pid=") + 4);
	return pid;
}

pid_t
talk_master_pid(const struct daemon *d)
{
	int fd = talk_open(d);
	pid_t pid = (pid_t)talk_info(fd, "server", "master_pid");

	close(fd);
	return pid;
}

pid_t
talk_new_master_pid(const struct daemon *d, pid_t old)
{
	pid_t pid;

	while ((pid = talk_master_pid(d)) == old)
		;
	return pid;
}

int
talk_open_worker(const struct daemon *d, unsigned worker)
{
	const struct timespec nap = { .tv_nsec = 10000000 };
	int fd, tries;

	/* A worker that died may be a while in coming back. */
	for (tries = 0; tries < PATIENCE_S * 100; tries++) {
		fd = talk_open(d);
		if (talk_info(fd, "server", "worker") == worker)
			return fd;
		close(fd);
		nanosleep(&nap, NULL);
	}
	cr_assert_fail("worker %u never answered", worker);
	return -1;
}

static char
process_state(pid_t pid)
{
	char path[64], text[512] = "", *end;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	cr_assert_not_null(f = fopen(path, "r"));
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	/* After the title, which may hold anything, in parentheses. */
	cr_assert_not_null(end = strrchr(text, ')'));
	return end[2];
}

void
talk_await_stop(pid_t pid)
{
	while (process_state(pid) != 'T')
		usleep(1000);
}

pid_t
talk_pause_worker(int fd)
{
	pid_t pid = (pid_t)talk_info(fd, "server", "worker_pid");

	cr_assert_eq(kill(pid, SIGSTOP), 0);
	talk_await_stop(pid);
	return pid;
}
