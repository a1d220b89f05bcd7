/*
 * Links between nodes that are not as they should be: strangers, other
 * cookies, other tables, and nodes that say nothing or nonsense.
 */

#include <sys/socket.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/cluster.h"

static struct cluster c;

/* Node 1 is left to the test. */
static void
begin(void)
{
	cluster_prepare(&c, 2);
	daemon_launch(&c.node[0], NULL);
}

static void
end(void)
{
	cluster_remove(&c);
}

TestSuite(link, .init = begin, .fini = end, .timeout = 60);

static void
expect_unavailable(const char *why)
{
	char line[512], expected[512];
	int fd = talk_open(&c.node[0]);

	snprintf(expected, sizeof(expected), "ERROR unavailable: %s: ",
	    c.node[1].name);
	talk_send(fd, "GET milk k\r\n");
	cr_assert(talk_line(fd, line, sizeof(line)));
	cr_assert_eq(strncmp(line, expected, strlen(expected)), 0, "%s", line);
	cr_assert_not_null(strstr(line, why), "%s", line);
	close(fd);
}

Test(link, to_a_node_that_is_not_there_is_refused_by_the_system)
{
	expect_unavailable("Connection refused");
}

Test(link, to_a_node_that_says_nothing_is_given_up)
{
	int fd = cluster_listen(&c, 1);

	expect_unavailable("does not answer");
	close(fd);
}

Test(link, to_somebody_who_speaks_another_protocol_is_given_up)
{
	int fd = cluster_listen(&c, 1), client = talk_open(&c.node[0]), link;
	char line[512];

	talk_send(client, "GET milk k\r\n");
	cr_assert_neq(link = accept(fd, NULL, NULL), -1);
	cr_assert_eq(send(link, "+HELLO\r\n", 8, 0), 8);
	cr_assert(talk_line(client, line, sizeof(line)));
	cr_assert_eq(strncmp(line, "ERROR unavailable: ", 19), 0);
	close(link);
	close(fd);
}

Test(link, with_another_cookie_is_refused_and_told_with_the_address)
{
	cluster_set_cookie(&c, 1, "of somebody else");
	daemon_launch(&c.node[1], NULL);
	expect_unavailable("cookie");
	daemon_await_log(&c.node[1], "closing the link of 127.", 1);
	daemon_await_log(&c.node[1], "cookie", 1);
}

Test(link, with_another_table_is_refused_with_both)
{
	cluster_configure(&c, 1, "table 7\n");
	daemon_launch(&c.node[1], NULL);
	expect_unavailable("table");
	daemon_await_log(&c.node[1], "closing the link of 127.", 1);
	daemon_await_log(&c.node[1], "table", 1);
}

/* What the node says first is its challenge. */
static void
expect_closed(int fd)
{
	char bytes[256];

	while (recv(fd, bytes, sizeof(bytes), 0) > 0)
		;
	close(fd);
}

Test(link, is_not_for_clients)
{
	int fd = cluster_dial(&c, 0);

	talk_send(fd, "GET milk k\r\n");
	expect_closed(fd);
	daemon_await_log(&c.node[0], "closing the link of 127.", 1);
}

Test(link, is_closed_to_who_does_not_greet)
{
	expect_closed(cluster_dial(&c, 0));
	daemon_await_log(&c.node[0], "does not greet as a node", 1);
}

Test(link, is_not_taken_at_the_door_for_clients)
{
	int fd = talk_open(&c.node[0]);

	talk_send_bytes(fd, "KVDLINK\0\1\0", 10);
	expect_closed(fd);
	daemon_await_log(&c.node[0], "it speaks as a node does", 1);
}

/* Strangers do not keep nodes out, and do not stay. */
Test(link, is_free_for_nodes_however_many_others_are_there)
{
	enum { STRANGERS = 400 };
	int fd[STRANGERS], i;

	for (i = 0; i < STRANGERS; i++)
		fd[i] = cluster_dial(&c, 0);
	daemon_await_log(&c.node[0], "it has not greeted, and others", 1);
	daemon_launch(&c.node[1], NULL);
	talk_once(&c.node[1], "CREATE apples\r\n", "OK\r\n");
	for (i = 0; i < STRANGERS; i++)
		expect_closed(fd[i]);
}

/* Not again and again, without a pause. */
Test(link, to_who_accepts_and_hangs_up_is_given_up)
{
	int fd = cluster_listen(&c, 1), client = talk_open(&c.node[0]), link;
	char line[512];

	talk_send(client, "GET milk k\r\n");
	cr_assert_neq(link = accept(fd, NULL, NULL), -1);
	close(link);
	cr_assert(talk_line(client, line, sizeof(line)));
	cr_assert_eq(strncmp(line, "ERROR unavailable: ", 19), 0, "%s", line);
	close(fd);
}
