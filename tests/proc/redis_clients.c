/*
 * Clients of several workers: each worker tells of all of them, and ends
 * whichever it is asked to.
 */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

static struct daemon d;
static int fds[3];			/* of worker 0, 1, 2 */
static int64_t ids[3];
static char text[16384], request[128], out[8192];

static void
begin(void)
{
	unsigned i;

	daemon_prepare(&d, "memory 64M\nworkers 3\n");
	daemon_launch(&d, NULL);
	for (i = 0; i < 3; i++) {
		fds[i] = redis_open_worker(&d, i);
		ids[i] = redis_number(fds[i], "CLIENT ID");
	}
}

static void
end(void)
{
	unsigned i;

	for (i = 0; i < 3; i++)
		close(fds[i]);
	daemon_remove(&d);
}

TestSuite(redis_clients, .init = begin, .fini = end, .timeout = 120);

static const char *
with_id(const char *words, int64_t number)
{
	snprintf(request, sizeof(request), "%s %jd", words,
	    (intmax_t)number);
	return request;
}

static void
list(int fd)
{
	redis_text(fd, "CLIENT LIST", text, sizeof(text));
}

static const char *
line_of(int64_t number)
{
	char wanted[64];

	snprintf(wanted, sizeof(wanted), "id=%jd ", (intmax_t)number);
	return strstr(text, wanted);
}

Test(redis_clients, have_numbers_that_grow_over_all_workers)
{
	int64_t before = ids[2], number;
	int i, fd;

	for (i = 0; i < 12; i++, before = number) {
		fd = redis_open(&d);
		number = redis_number(fd, "CLIENT ID");
		cr_assert_gt(number, before);
		close(fd);
	}
}

Test(redis_clients, are_listed_by_each_worker_in_their_order)
{
	unsigned i;

	for (i = 0; i < 3; i++) {
		list(fds[i]);
		cr_assert(line_of(ids[0]) != NULL &&
		    line_of(ids[0]) < line_of(ids[1]) &&
		    line_of(ids[1]) < line_of(ids[2]), "%s", text);
	}
	snprintf(request, sizeof(request), "CLIENT LIST ID %jd 999999 %jd",
	    (intmax_t)ids[2], (intmax_t)ids[0]);
	redis_text(fds[1], request, text, sizeof(text));
	cr_assert(line_of(ids[2]) == text && line_of(ids[0]) != NULL &&
	    line_of(ids[1]) == NULL, "%s", text);
}

Test(redis_clients, are_known_by_what_they_are_called_and_said_last)
{
	talk(fds[1], "CLIENT SETNAME me\r\nCLIENT SETINFO LIB-NAME lib\r\n"
	    "CLIENT SETINFO LIB-VER 1.2\r\nHSET b k v\r\n",
	    "+OK\r\n+OK\r\n+OK\r\n:1\r\n");
	redis_text(fds[0], with_id("CLIENT LIST ID", ids[1]), text,
	    sizeof(text));
	cr_assert(strstr(text, " name=me ") && strstr(text, " cmd=hset ") &&
	    strstr(text, " lib-name=lib lib-ver=1.2\n"), "%s", text);
	talk(fds[1], "RESET\r\n", "+RESET\r\n");
	redis_text(fds[0], with_id("CLIENT LIST ID", ids[1]), text,
	    sizeof(text));
	cr_assert(strstr(text, " name= ") && strstr(text, " cmd=reset "),
	    "%s", text);
}

Test(redis_clients, are_ended_from_any_worker)
{
	redis_ask(fds[0], with_id("CLIENT KILL ID", ids[2]), ":1");
	list(fds[0]);
	cr_assert_null(line_of(ids[2]));
	talk_expect_end(fds[2]);
	redis_ask(fds[1], with_id("CLIENT KILL ID", ids[2]), ":0");
	talk(fds[1], "PING\r\n", "+PONG\r\n");
	close(fds[2]);
	fds[2] = redis_open_worker(&d, 2);
	talk(fds[0], "CLIENT KILL TYPE normal\r\n", ":2\r\n");
	talk_expect_end(fds[1]);
	talk_expect_end(fds[2]);
	talk(fds[0], "PING\r\n", "+PONG\r\n");
}

Test(redis_clients, are_found_by_either_address)
{
	char *addr;

	list(fds[0]);
	addr = strstr(line_of(ids[1]), "addr=") + strlen("addr=");
	*strchr(addr, ' ') = '\0';
	snprintf(request, sizeof(request), "CLIENT KILL %s\r\n", addr);
	talk(fds[0], request, "+OK\r\n");
	talk_expect_end(fds[1]);
	talk(fds[2], request, "-ERR No such client\r\n");
	snprintf(request, sizeof(request), "CLIENT KILL LADDR 127.0.0.1:%u "
	    "USER default SKIPME no\r\n", d.port);
	talk(fds[0], request, ":2\r\n");
	talk_expect_end(fds[2]);
	talk_expect_end(fds[0]);
}

Test(redis_clients, that_all_workers_end_at_once_are_counted_once)
{
	int64_t n = 0;
	int more[16], i;
	char line[32];

	for (i = 0; i < 16; i++) {
		more[i] = redis_open(&d);
		talk(more[i], "SUBSCRIBE a\r\n",
		    "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
	}
	for (i = 0; i < 3; i++)
		talk_send(fds[i], "CLIENT KILL TYPE pubsub\r\n");
	for (i = 0; i < 3; i++) {
		cr_assert(talk_line(fds[i], line, sizeof(line)));
		n += strtoll(line + 1, NULL, 10);
	}
	cr_assert_eq(n, 16);
	for (i = 0; i < 16; i++) {
		talk_expect_end(more[i]);
		close(more[i]);
	}
}

Test(redis_clients, of_a_worker_that_was_killed_are_not_there)
{
	int64_t pid = redis_info(fds[1], "server", "kvd_worker_pid");

	cr_assert_eq(kill((pid_t)pid, SIGKILL), 0);
	talk_expect_end(fds[1]);
	do
		list(fds[0]);
	while (line_of(ids[1]) != NULL);
	close(fds[1]);
	fds[1] = redis_open_worker(&d, 1);
	ids[1] = redis_number(fds[1], "CLIENT ID");
	cr_assert_gt(ids[1], ids[2]);
	list(fds[0]);
	cr_assert(line_of(ids[1]));
}

Test(redis_clients, of_all_workers_are_paused)
{
	talk(fds[2], "HSET b k v\r\nCLIENT PAUSE 60000 WRITE\r\n",
	    ":1\r\n+OK\r\n");
	talk_send(fds[0], "HSET b k new\r\n");
	talk_send(fds[1], "HSET b k new\r\n");
	while (redis_info(fds[2], "clients", "blocked_clients") < 2)
		;
	list(fds[2]);
	cr_assert(strstr(line_of(ids[0]), " flags=b "));
	talk(fds[2], "HGET b k\r\n", "$1\r\nv\r\n");
	talk_expect_silence(fds[0]);
	talk_expect_silence(fds[1]);
	talk(fds[2], "CLIENT UNPAUSE\r\n", "+OK\r\n");
	talk_expect(fds[0], ":0\r\n");
	talk_expect(fds[1], ":0\r\n");
	while (redis_info(fds[2], "clients", "blocked_clients") > 0)
		;
}

/* A connection to one of the workers that came later. */
static int
open_new(unsigned oldest)
{
	int fd;

	for (;;) {
		fd = redis_open(&d);
		if (redis_info(fd, "server", "kvd_worker") >= oldest)
			return fd;
		close(fd);
	}
}

/* It has not gone yet: it was served less than a second ago. */
static void
is_seen_and_ended(int old, int64_t old_id, int new)
{
	talk(old, "PING\r\n", "+PONG\r\n");
	list(new);
	cr_assert(line_of(old_id), "%s", text);
	cr_assert_gt(redis_number(new, "CLIENT ID"), ids[2]);
	redis_ask(new, with_id("CLIENT KILL ID", old_id), ":1");
	talk_expect_end(old);
}

Test(redis_clients, of_workers_that_are_replaced_are_there_as_long_as_these)
{
	int new;

	cr_assert_eq(RUN("-s", "reload"), EX_OK, "%s", out);
	daemon_await_log(&d, "configuration reloaded", 1);
	talk(fds[0], "PING\r\n", "+PONG\r\n");
	new = open_new(3);
	is_seen_and_ended(fds[0], ids[0], new);
	close(new);
}

Test(redis_clients, of_both_programs_are_paused)
{
	pid_t old = d.pid;
	int new;

	talk(fds[0], "HSET b k v\r\nCLIENT PAUSE 60000 WRITE\r\n",
	    ":1\r\n+OK\r\n");
	talk_send(fds[1], "HSET b k new\r\n");
	cr_assert_eq(RUN("-s", "upgrade"), EX_OK, "%s", out);
	cr_assert_neq(talk_new_master_pid(&d, old), old);
	new = open_new(3);
	talk_send(fds[2], "HSET b k new\r\n");
	talk(new, "HGET b k\r\nCLIENT UNPAUSE\r\n", "$1\r\nv\r\n+OK\r\n");
	talk_expect(fds[1], ":0\r\n");
	talk_expect(fds[2], ":0\r\n");
	close(new);
}

Test(redis_clients, of_the_program_before_are_there_as_long_as_that)
{
	pid_t old = d.pid;
	int new;

	cr_assert_eq(RUN("-s", "upgrade"), EX_OK, "%s", out);
	talk(fds[0], "PING\r\n", "+PONG\r\n");
	cr_assert_neq(talk_new_master_pid(&d, old), old);
	new = open_new(3);
	is_seen_and_ended(fds[0], ids[0], new);
	close(new);
}
