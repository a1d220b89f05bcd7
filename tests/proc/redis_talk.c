#include "tests/proc/redis_talk.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TRIES	3000	/* to reach a worker */
#define NEWS_MAX	512	/* bytes that come to who listens */

int
redis_open(const struct daemon *d)
{
	int fd = talk_open(d);

	talk(fd, "*1\r\n$4\r\nPING\r\n", "+PONG\r\n");
	return fd;
}

int
redis_open_worker(const struct daemon *d, unsigned worker)
{
	const struct timespec nap = { .tv_nsec = 10000000 };
	int fd, tries;

	/* A worker that died may be a while in coming back. */
	for (tries = 0; tries < TRIES; tries++) {
		fd = redis_open(d);
		if (redis_info(fd, "server", "kvd_worker") == worker)
			return fd;
		close(fd);
		nanosleep(&nap, NULL);
	}
	cr_assert_fail("worker %u never answered", worker);
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

static void
send_line(int fd, const char *line)
{
	talk_send(fd, line);
	talk_send(fd, "\r\n");
}

void
redis_ask(int fd, const char *line, const char *reply)
{
	send_line(fd, line);
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
	char reply[128];

	send_line(fd, line);
	cr_assert(talk_line(fd, reply, sizeof(reply)));
	cr_assert_eq(reply[0], ':', "%s: %s", line, reply);
	return strtoll(reply + 1, NULL, 10);
}

void
redis_text(int fd, const char *line, char *text, size_t size)
{
	char head[128];
	size_t len, got = 0;
	ssize_t n;

	send_line(fd, line);
	cr_assert(talk_line(fd, head, sizeof(head)));
	cr_assert(head[0] == '$' || head[0] == '=', "%s: %s", line, head);
	len = strtoul(head + 1, NULL, 10) + 2;
	cr_assert_lt(len, size);
	for (; got < len; got += (size_t)n)
		cr_assert_gt(n = recv(fd, text + got, len - got, 0), 0);
	text[len - 2] = '\0';
}

void
redis_expect_error(int fd, const char *line, const char *code,
    const char *node)
{
	char reply[512], wanted[128];

	send_line(fd, line);
	cr_assert(talk_line(fd, reply, sizeof(reply)));
	snprintf(wanted, sizeof(wanted), "-%s %s: ", code, node);
	cr_assert_eq(strncmp(reply, wanted, strlen(wanted)), 0,
	    "%s: \"%s\", not \"%s\"", line, reply, wanted);
}

int64_t
redis_info(int fd, const char *section, const char *name)
{
	char line[64], text[8192], wanted[64];
	const char *found;

	snprintf(line, sizeof(line), "INFO %s", section);
	redis_text(fd, line, text, sizeof(text));
	snprintf(wanted, sizeof(wanted), "\n%s:", name);
	found = strstr(text, wanted);
	cr_assert_not_null(found, "no %s in %s", name, text);
	return strtoll(found + strlen(wanted), NULL, 10);
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
redis_is_told(int fd, const char *command, const char *name, int count)
{
	char text[NEWS_MAX];

	snprintf(text, sizeof(text), "*3\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n"
	    ":%d\r\n", strlen(command), command, strlen(name), name, count);
	talk_expect(fd, text);
}

void
redis_listen_by(int fd, const char *command, const char *name, int count)
{
	char line[NEWS_MAX];

	snprintf(line, sizeof(line), "%s %s", command, name);
	send_line(fd, line);
	redis_is_told(fd, command, name, count);
}

void
redis_listen_to(int fd, const char *channel)
{
	redis_listen_by(fd, "subscribe", channel, 1);
}

void
redis_hears(int fd, const char *channel, const char *message)
{
	char text[NEWS_MAX];

	snprintf(text, sizeof(text), "*3\r\n$7\r\nmessage\r\n$%zu\r\n%s\r\n"
	    "$%zu\r\n%s\r\n", strlen(channel), channel, strlen(message),
	    message);
	talk_expect(fd, text);
}

void
redis_hears_of(int fd, const char *pattern, const char *channel,
    const char *message)
{
	char text[NEWS_MAX];

	snprintf(text, sizeof(text), "*4\r\n$8\r\npmessage\r\n$%zu\r\n%s\r\n"
	    "$%zu\r\n%s\r\n$%zu\r\n%s\r\n", strlen(pattern), pattern,
	    strlen(channel), channel, strlen(message), message);
	talk_expect(fd, text);
}
