/*
 * A node that has gone, or takes what it is sent and says nothing: requests
 * to it wait for as long as they must, and all others, on the same worker and
 * from the same node, do not.  Requests are counted here, not timed.
 */

#include <sys/socket.h>

#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/understudy.h"

static struct understudy u;

static void
begin(void)
{
	understudy_begin(&u);
}

static void
end(void)
{
	understudy_end(&u);
}

TestSuite(link_stalls, .init = begin, .fini = end, .timeout = 120);

static bool
has_something(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) == 1;
}

/* How many requests for its own bucket are answered before that one is. */
static int
serve_while_silent(int waiting)
{
	int n = 0;

	while (!has_something(waiting)) {
		talk(u.client, "PUT apples k v\r\nGET apples k\r\n",
		    "OK\r\nv\r\nOK\r\n");
		n += 2;
	}
	return n;
}

Test(link_stalls, of_a_node_that_does_not_answer_are_its_own)
{
	struct frame frame;
	int waiting = understudy_open(&u);

	understudy_take_idle(&u);
	talk_send(waiting, "PUT milk k v\r\n");
	peer_expect_request(&u.p, &frame, "PUT milk k v");
	cr_assert_geq(serve_while_silent(waiting), 100);
	understudy_expect_error(&u, waiting, "unknown", UNDERSTUDY_UNKNOWN);
	close(waiting);
	peer_close(&u.p);
}

/* It is connected to, which the system does, and does not greet. */
Test(link_stalls, of_a_node_that_does_not_greet_are_its_own)
{
	int waiting = understudy_open(&u);

	talk_send(waiting, "PUT milk k v\r\n");
	cr_assert_geq(serve_while_silent(waiting), 100);
	understudy_expect_error(&u, waiting, "unavailable",
	    "does not answer");
	close(waiting);
}

/* That it is down is known, so nobody waits at all. */
Test(link_stalls, are_none_where_a_node_is_known_to_be_down)
{
	char line[256];
	int i;

	close(u.listen_fd);
	for (i = 0; i < 2000; i++)
		talk_send(u.client, "GET milk k\r\nGET apples k\r\n");
	for (i = 0; i < 2000; i++) {
		understudy_expect_error(&u, u.client, "unavailable",
		    "Connection refused");
		cr_assert(talk_line(u.client, line, sizeof(line)));
		cr_assert_str_eq(line, "v");
		talk_expect(u.client, "OK\r\n");
	}
	cr_assert_eq(daemon_count_log(&u.c.node[0], "is down: "), 1);
	u.listen_fd = -1;
}

enum { CLIENTS = 16, VALUE = 100000 };	/* more than a link keeps */

/* All of them are there before the first one asks: then it is quick. */
static void
ask_all(int fd[CLIENTS])
{
	static char line[VALUE + 32];
	int i;

	memset(line, 'v', sizeof(line));
	memcpy(line, "PUT milk k ", 11);
	memcpy(line + VALUE, "\r\n", 3);
	for (i = 0; i < CLIENTS; i++)
		fd[i] = understudy_open(&u);
	understudy_take_idle(&u);
	for (i = 0; i < CLIENTS; i++)
		talk_send(fd[i], line);
}

/* Returns whether it is said that nobody knows. */
static bool
take_failure(int fd)
{
	char line[256], unknown[128], unavailable[128];

	snprintf(unknown, sizeof(unknown), "ERROR unknown: %s: ",
	    u.c.node[1].name);
	snprintf(unavailable, sizeof(unavailable), "ERROR unavailable: %s: ",
	    u.c.node[1].name);
	cr_assert(talk_line(fd, line, sizeof(line)), "no answer");
	if (strncmp(line, unknown, strlen(unknown)) == 0)
		return true;
	cr_assert_eq(strncmp(line, unavailable, strlen(unavailable)), 0,
	    "%s", line);
	return false;
}

/*
 * Some requests are at the other node, some on their way, some wait for room:
 * all are answered when the link is given up, and none twice.
 */
Test(link_stalls, of_a_full_link_end_with_it)
{
	int fd[CLIENTS], i, unknown = 0;
	struct frame frame;

	ask_all(fd);
	/* It has one of them, reads no further, and says nothing. */
	cr_assert(peer_next(&u.p, &frame));
	cr_assert_geq(serve_while_silent(fd[0]), 100);
	for (i = 0; i < CLIENTS; i++)
		unknown += take_failure(fd[i]);
	cr_assert_geq(unknown, 1);
	/* Those that waited for room were never sent. */
	cr_assert_lt(unknown, CLIENTS);
	for (i = 0; i < CLIENTS; i++) {
		talk(fd[i], "GET apples k\r\n", "v\r\nOK\r\n");
		close(fd[i]);
	}
	peer_close(&u.p);
}

/* With an answer room is made, and who waited for it goes on. */
Test(link_stalls, of_a_full_link_end_with_answers)
{
	int fd[CLIENTS], i;
	struct frame frame;

	ask_all(fd);
	for (i = 0; i < CLIENTS; i++) {
		cr_assert(peer_next(&u.p, &frame), "request %d", i);
		cr_assert_eq(frame.op, FRAME_REQUEST);
		peer_reply(&u.p, &frame, "OK\r\n");
	}
	for (i = 0; i < CLIENTS; i++) {
		talk_expect(fd[i], "OK\r\n");
		talk_expect_silence(fd[i]);
		close(fd[i]);
	}
	peer_close(&u.p);
}
