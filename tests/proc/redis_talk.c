#include "tests/proc/redis_talk.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
redis_open(const struct daemon *d)
{
	int fd = talk_open(d);

	talk(fd, "*1\r\n$4\r\nPING\r\n", "+PONG\r\n");
	return fd;
}

int
redis_open_beside(const struct daemon *d, unsigned worker)
{
	int paused = talk_open_worker(d, worker), fd;
	pid_t pid = talk_pause_worker(paused);

	fd = redis_open(d);
	cr_assert_eq(kill(pid, SIGCONT), 0);
	close(paused);
	return fd;
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
