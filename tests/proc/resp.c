/*
 * A client that speaks the protocol of Redis.
 */

#include <sys/socket.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/proc/resp.h"

int
resp_open(const struct daemon *d)
{
	int fd = talk_open(d);

	talk(fd, "PING\r\n", "+PONG\r\n");
	return fd;
}

int
resp_open_worker(const struct daemon *d, unsigned worker)
{
	const struct timespec nap = { .tv_nsec = 10000000 };
	int fd, tries;

	/* A worker that died may be a while in coming back. */
	for (tries = 0; tries < 3000; tries++) {
		fd = resp_open(d);
		if (resp_info(fd, "server", "kvd_worker") == worker)
			return fd;
		close(fd);
		nanosleep(&nap, NULL);
	}
	cr_assert_fail("worker %u never answered", worker);
	return -1;
}

int64_t
resp_number(int fd, const char *request)
{
	char line[128];

	talk_send(fd, request);
	cr_assert(talk_line(fd, line, sizeof(line)));
	cr_assert_eq(line[0], ':', "%s: %s", request, line);
	return strtoll(line + 1, NULL, 10);
}

void
resp_text(int fd, const char *request, char *text, size_t size)
{
	char line[128];
	size_t len, got = 0;
	ssize_t n;

	talk_send(fd, request);
	cr_assert(talk_line(fd, line, sizeof(line)));
	cr_assert(line[0] == '$' || line[0] == '=', "%s: %s", request, line);
	len = strtoul(line + 1, NULL, 10) + 2;
	cr_assert_lt(len, size);
	for (; got < len; got += (size_t)n)
		cr_assert_gt(n = recv(fd, text + got, len - got, 0), 0);
	text[len - 2] = '\0';
}

int64_t
resp_info(int fd, const char *section, const char *name)
{
	char request[64], text[8192], wanted[64];
	const char *found;

	snprintf(request, sizeof(request), "INFO %s\r\n", section);
	resp_text(fd, request, text, sizeof(text));
	snprintf(wanted, sizeof(wanted), "\n%s:", name);
	found = strstr(text, wanted);
	cr_assert_not_null(found, "no %s in %s", name, text);
	return strtoll(found + strlen(wanted), NULL, 10);
}
