/*
 * INFO nodes and WHERE: what any node says of all of them.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/cluster.h"

#define TEXT_MAX	4096

static struct cluster c;
static char text[TEXT_MAX], other[TEXT_MAX], end_line[512];

static void
begin(void)
{
	cluster_start(&c, 3);
}

static void
end(void)
{
	cluster_remove(&c);
}

TestSuite(facts, .init = begin, .fini = end, .timeout = 120);

/* The lines of a reply go to buf, the one that ends it to end_line. */
static void
ask(int fd, const char *request, char *buf)
{
	size_t used = 0;

	talk_send(fd, request);
	while (talk_line(fd, end_line, sizeof(end_line)) &&
	    strcmp(end_line, "OK") != 0 &&
	    strncmp(end_line, "ERROR ", 6) != 0) {
		cr_assert_lt(used + strlen(end_line) + 2, TEXT_MAX);
		used += (size_t)sprintf(buf + used, "%s\n", end_line);
	}
	buf[used] = '\0';
}

/* After a start the cleaners of the nodes count strays first. */
static void
await_strays(void)
{
	int fd = talk_open(&c.node[0]);

	do
		ask(fd, "INFO nodes\r\n", text);
	while (strstr(text, ",strays=-") != NULL);
	close(fd);
}

/* "node_foo:address=127.0.0.1:4041," */
static const char *
beginning(size_t node)
{
	static char line[128];

	snprintf(line, sizeof(line), "node_%s:address=127.0.0.1:%zu,",
	    c.node[node].name, 4040 + node);
	return line;
}

static char *
line_of(char *buf, size_t node)
{
	char *line = strstr(buf, beginning(node));

	cr_assert_not_null(line, "no line of node %zu in:\n%s", node, buf);
	cr_assert(line == buf || line[-1] == '\n');
	return line;
}

static void
must_have(size_t node, const char *facts)
{
	char *line = line_of(text, node);

	cr_assert_eq(strncmp(line + strlen(beginning(node)), facts,
	    strlen(facts)), 0, "%s is not in %s", facts, line);
}

static void
expect_partial(size_t node, const char *why)
{
	char expected[256];

	snprintf(expected, sizeof(expected), "ERROR partial: %s: %s",
	    c.node[node].name, why);
	cr_assert_eq(strncmp(end_line, expected, strlen(expected)), 0, "%s",
	    end_line);
}

Test(facts, of_all_nodes_are_the_same_whoever_is_asked)
{
	size_t i;
	int fd = talk_open(&c.node[0]);

	await_strays();
	talk(fd, "CREATE apples\r\nCREATE milk\r\nCREATE nuts\r\n",
	    "OK\r\nOK\r\nOK\r\n");
	talk(fd, "MPUT milk a 1 b 2\r\nPUT nuts c 3\r\nCREATE zebras\r\n",
	    "OK\r\nOK\r\nOK\r\n");
	ask(fd, "INFO nodes\r\n", text);
	cr_assert_str_eq(end_line, "OK");
	must_have(0, "state=up,table=1,shards=-,buckets=1,keys=0,strays=0,"
	    "used_bytes=");
	must_have(1, "state=up,table=1,shards=-,buckets=2,keys=3,strays=0,"
	    "used_bytes=");
	must_have(2, "state=up,table=1,shards=-,buckets=1,keys=0,strays=0,"
	    "used_bytes=");
	cr_assert_eq(line_of(text, 0), text);
	cr_assert_lt(line_of(text, 1), line_of(text, 2));
	close(fd);
	for (i = 1; i < c.n; i++) {
		fd = talk_open(&c.node[i]);
		ask(fd, "info NODES\r\n", other);
		cr_assert_str_eq(end_line, "OK");
		cr_assert_str_eq(other, text);
		ask(fd, "INFO node\r\n", other);
		cr_assert_eq(strncmp(other, line_of(text, i),
		    strlen(other)), 0, "%s", other);
		cr_assert_eq(strchr(other, '\n'), strrchr(other, '\n'));
		close(fd);
	}
}

Test(facts, of_all_nodes_end_those_of_all_sections)
{
	int fd = talk_open(&c.node[1]);
	char *nodes;

	await_strays();
	ask(fd, "INFO nodes\r\n", other);
	ask(fd, "INFO\r\n", text);
	cr_assert_str_eq(end_line, "OK");
	nodes = line_of(text, 0);
	cr_assert_str_eq(nodes, other);
	*nodes = '\0';
	cr_assert_not_null(strstr(text, "\nprocess_0:role=master,"));
	cr_assert_eq(strncmp(text, "version:", 8), 0);
	cr_assert_null(strstr(text, "\nnode_"));
}

Test(facts, of_a_dead_node_are_that_and_why_and_the_list_is_partial)
{
	static const char *const local[] = {
		"INFO server\r\n", "INFO clients\r\n", "INFO memory\r\n",
		"INFO stats\r\n", "INFO buckets\r\n", "INFO workers\r\n",
		"INFO node\r\n", "WHERE milk\r\n"
	};
	int fd = talk_open(&c.node[0]);
	size_t i;

	ask(fd, "INFO nodes\r\n", text);
	cr_assert_str_eq(end_line, "OK");
	cluster_kill(&c, 1);
	for (i = 0; i < 3; i++) {
		ask(fd, i == 0 ? "INFO\r\n" : "INFO nodes\r\n", text);
		expect_partial(1, "");
		must_have(0, "state=up,");
		must_have(1, "state=down,why=");
		must_have(2, "state=up,");
	}
	for (i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
		ask(fd, local[i], text);
		cr_assert_str_eq(end_line, "OK");
	}
	cluster_kill(&c, 2);
	do
		ask(fd, "INFO nodes\r\n", text);
	while (strstr(end_line, "Connection refused") == NULL);
	must_have(1, "state=down,why=Connection refused\n");
	must_have(2, "state=down,why=");
	expect_partial(1, "Connection refused");
	daemon_launch(&c.node[1], NULL);
	daemon_launch(&c.node[2], NULL);
	do
		ask(fd, "INFO nodes\r\n", text);
	while (strcmp(end_line, "OK") != 0);
	must_have(1, "state=up,");
}

Test(facts, of_a_node_that_does_not_answer_are_not_waited_for_for_ever)
{
	int listener, fd = talk_open(&c.node[0]);

	cluster_kill(&c, 1);
	listener = cluster_listen(&c, 1);
	do
		ask(fd, "INFO nodes\r\n", text);
	while (strstr(text, "why=does not answer") == NULL);
	expect_partial(1, "does not answer");
	must_have(2, "state=up,");
	close(listener);
}

Test(facts, of_a_node_with_another_table_are_refused)
{
	int fd = talk_open(&c.node[0]);

	cluster_kill(&c, 2);
	cluster_configure(&c, 2, "table 7\n");
	daemon_launch(&c.node[2], NULL);
	do
		ask(fd, "INFO nodes\r\n", text);
	while (strstr(end_line, "table") == NULL);
	must_have(2, "state=down,why=");
	cr_assert_not_null(strstr(line_of(text, 2), "table"), "%s", text);
	expect_partial(2, "");
	must_have(1, "state=up,");
}

Test(facts, come_in_their_place_in_a_pipeline)
{
	int fd = talk_open(&c.node[0]), i;
	char line[512];

	talk(fd, "CREATE milk\r\nPUT milk k v\r\n", "OK\r\nOK\r\n");
	for (i = 0; i < 50; i++)
		talk_send(fd, "GET milk k\r\nINFO nodes\r\nWHERE milk\r\n"
		    "GET milk k\r\n");
	for (i = 0; i < 50; i++) {
		talk_expect(fd, "v\r\nOK\r\n");
		for (size_t n = 0; n < c.n; n++) {
			cr_assert(talk_line(fd, line, sizeof(line)));
			cr_assert_eq(line_of(line, n), line);
		}
		talk_expect(fd, "OK\r\n");
		cr_assert(talk_line(fd, line, sizeof(line)));
		cr_assert_eq(strncmp(line, "slot=", 5), 0, "%s", line);
		talk_expect(fd, "OK\r\nv\r\nOK\r\n");
	}
}

Test(facts, are_forgotten_for_a_client_that_goes_away)
{
	int fd, i;

	for (i = 0; i < 50; i++) {
		fd = talk_open(&c.node[0]);
		talk_send(fd, "INFO nodes\r\nINFO\r\nINFO nodes\r\n");
		close(fd);
	}
	fd = talk_open(&c.node[0]);
	ask(fd, "INFO nodes\r\n", text);
	cr_assert_str_eq(end_line, "OK");
}

Test(facts, of_where_a_bucket_is_are_the_same_on_every_node)
{
	char expected[512];
	int fd;
	size_t i;

	/* The slots are those of the table, which goes by letters. */
	snprintf(expected, sizeof(expected),
	    ",node=%s,address=127.0.0.1:4040,why=buckets a-h\n",
	    c.node[0].name);
	fd = talk_open(&c.node[0]);
	ask(fd, "WHERE apples \"milk\" zebras \"a\\r\\nb\"\r\n", text);
	cr_assert_str_eq(end_line, "OK");
	cr_assert_not_null(strstr(text, expected), "%s", text);
	cr_assert_eq(strncmp(text, "slot=", 5), 0);
	snprintf(expected, sizeof(expected),
	    ",node=%s,address=127.0.0.1:4041,why=buckets i-p\n",
	    c.node[1].name);
	cr_assert_not_null(strstr(text, expected), "%s", text);
	snprintf(expected, sizeof(expected),
	    ",node=%s,address=127.0.0.1:4042,why=buckets other\n",
	    c.node[2].name);
	cr_assert_not_null(strstr(text, expected), "%s", text);
	close(fd);
	for (i = 1; i < c.n; i++) {
		fd = talk_open(&c.node[i]);
		ask(fd, "WHERE apples milk zebras \"a\\r\\nb\"\r\n", other);
		cr_assert_str_eq(other, text);
		close(fd);
	}
}
