#include "tests/proc/redis_talk.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TRIES	2000	/* to reach another worker */

int
redis_open(const struct daemon *d)
{
	int fd = talk_open(d);

	talk(fd, "*1\r\n$4\r\nPING\r\n", "+PONG\r\n");
	return fd;
}

/* Which worker serves this connection. */
static unsigned
worker_of(int fd)
{
	unsigned worker = UINT_MAX;
	char line[256];

	talk_send(fd, "INFO server\r\n");
	do {
		cr_assert(talk_line(fd, line, sizeof(line)));
		(void)sscanf(line, "kvd_worker:%u", &worker);
	} while (line[0] != '\0');
	return worker;
}

/*
 * Not by stopping that worker meanwhile: on a busy machine this takes long
 * enough for the watchdog to kill it, and the connections that it has.
 */
int
redis_open_beside(const struct daemon *d, unsigned worker)
{
	const struct timespec nap = { .tv_nsec = 10000000 };
	int fd, tries;

	for (tries = 0; tries < TRIES; tries++) {
		fd = redis_open(d);
		if (worker_of(fd) != worker)
			return fd;
		close(fd);
		nanosleep(&nap, NULL);
	}
	cr_assert_fail("no other worker than %u has answered", worker);
	return -1;
}

void
redis_skip_hello(int fd)
{
	char line[64];

	do
		cr_assert(talk_line(fd, line, sizeof(line)));
	while (strcmp(line, "*0") != 0);
}

void
redis_use_resp3(int fd)
{
	talk_send(fd, "HELLO 3\r\n");
	redis_skip_hello(fd);
}

void
redis_ask(int fd, const char *line, const char *reply)
{
	talk_send(fd, line);
	talk_send(fd, "\r\n");
	talk_expect(fd, reply);
	talk_expect(fd, "\r\n");
}

void
redis_ask_all(int fd, const struct redis_line *lines, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		redis_ask(fd, lines[i].line, lines[i].reply);
}

int64_t
redis_number(int fd, const char *line)
{
	char reply[64];

	talk_send(fd, line);
	talk_send(fd, "\r\n");
	cr_assert(talk_line(fd, reply, sizeof(reply)));
	cr_assert_eq(reply[0], ':', "%s: %s", line, reply);
	return strtoll(reply + 1, NULL, 10);
}

void
redis_expect_between(int fd, const char *line, int64_t least, int64_t most)
{
	int64_t n = redis_number(fd, line);

	cr_assert(n >= least && n <= most, "%s: %jd", line, (intmax_t)n);
}

void
redis_read_bulk(int fd, char *text, size_t size)
{
	char head[16];

	cr_assert(talk_line(fd, head, sizeof(head)));
	cr_assert_eq(head[0], '$', "%s", head);
	cr_assert(talk_line(fd, text, size));
	cr_assert_eq(strtoul(head + 1, NULL, 10), strlen(text));
}

void
redis_hears(int fd, const char *channel, const char *message)
{
	char text[512];

	snprintf(text, sizeof(text), "*3\r\n$7\r\nmessage\r\n$%zu\r\n%s\r\n"
	    "$%zu\r\n%s\r\n", strlen(channel), channel, strlen(message),
	    message);
	talk_expect(fd, text);
}
