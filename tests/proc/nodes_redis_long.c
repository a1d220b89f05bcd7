/*
 * Replies that are long, or take long, where several nodes have what they are
 * about: nothing is cut off, and no worker stands still for it.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/cluster.h"
#include "tests/proc/redis_talk.h"

#define VALUE		((size_t)400 * 1000)
#define FIELDS		40
#define BATCH		2000
#define BATCHES		150
#define KILLED		"stands still, killing it"

static struct cluster c;

static void
begin(void)
{
	cluster_start(&c, 2);
}

static void
end(void)
{
	size_t i;

	for (i = 0; i < c.n; i++)
		cr_assert_eq(daemon_count_log(&c.node[i], KILLED), 0);
	cluster_remove(&c);
}

TestSuite(nodes_redis_long, .init = begin, .fini = end,
    .timeout = 240);

static char value[VALUE + 1];

static void
fill_value(size_t i)
{
	memset(value, "abcdefghij"[i % 10], VALUE);
}

static void
send_set(int fd, const char *words, size_t argc, size_t i)
{
	char head[128];

	snprintf(head, sizeof(head), "*%zu\r\n%s$%zu\r\n", argc, words,
	    VALUE);
	fill_value(i);
	talk_send(fd, head);
	talk_send(fd, value);
	talk_send(fd, "\r\n");
}

static void
expect_value(int fd, size_t i)
{
	char head[32];

	snprintf(head, sizeof(head), "$%zu\r\n", VALUE);
	fill_value(i);
	talk_expect(fd, head);
	talk_expect(fd, value);
	talk_expect(fd, "\r\n");
}

/* Sixteen megabytes of another node's, where a frame has five at most. */
Test(nodes_redis_long, of_a_hash_come_whole_through_another_node)
{
	char words[64], line[64];
	bool seen[FIELDS] = { false };
	size_t i, n;
	int fd;

	fd = redis_open(&c.node[0]);
	for (i = 0; i < FIELDS; i++) {
		snprintf(words, sizeof(words), "$4\r\nHSET\r\n$4\r\nmilk\r\n"
		    "$2\r\n%02zu\r\n", i);
		send_set(fd, words, 4, i);
		talk_expect(fd, ":1\r\n");
	}
	redis_ask(fd, "HGETALL milk", "*80");
	for (n = 0; n < FIELDS; n++) {
		talk_expect(fd, "$2\r\n");
		cr_assert(talk_line(fd, line, sizeof(line)));
		cr_assert_lt(i = strtoul(line, NULL, 10), FIELDS);
		cr_assert_not(seen[i]);
		seen[i] = true;
		expect_value(fd, i);
	}
	redis_ask(fd, "HLEN milk", ":40");
}

Test(nodes_redis_long, of_many_keys_are_put_together_from_all_nodes)
{
	char words[64];
	size_t i;
	int fd;

	fd = redis_open(&c.node[0]);
	for (i = 0; i < FIELDS; i++) {
		snprintf(words, sizeof(words), "$3\r\nSET\r\n$3\r\n%c%02zu"
		    "\r\n", "am"[i % 2], i);
		send_set(fd, words, 3, i);
		talk_expect(fd, "+OK\r\n");
	}
	talk_send(fd, "MGET");
	for (i = FIELDS; i-- > 0;) {
		snprintf(words, sizeof(words), " %c%02zu", "am"[i % 2], i);
		talk_send(fd, words);
	}
	redis_ask(fd, "", "*40");
	for (i = FIELDS; i-- > 0;)
		expect_value(fd, i);
}

/* a0, m1, a2, ..: so many that each step of a walk is a small part. */
static void
fill_names(int fd)
{
	static char request[BATCH * 32];
	size_t i, len, batch;

	for (batch = 0; batch < BATCHES; batch++) {
		len = (size_t)snprintf(request, sizeof(request),
		    "*%d\r\n$4\r\nMSET\r\n", 2 * BATCH + 1);
		for (i = batch * BATCH; i < (batch + 1) * BATCH; i++)
			len += (size_t)snprintf(request + len,
			    sizeof(request) - len, "$8\r\n%c%07zu\r\n"
			    "$1\r\nv\r\n", "am"[i % 2], i);
		talk(fd, request, "+OK\r\n");
	}
}

static void
expect_names(int fd)
{
	static bool seen[BATCHES * BATCH];
	char line[64];
	size_t n, i;

	memset(seen, 0, sizeof(seen));
	snprintf(line, sizeof(line), "*%d\r\n", BATCHES * BATCH);
	talk(fd, "KEYS *\r\n", line);
	for (n = 0; n < BATCHES * BATCH; n++) {
		talk_expect(fd, "$8\r\n");
		cr_assert(talk_line(fd, line, sizeof(line)));
		cr_assert_lt(i = strtoul(line + 1, NULL, 10), BATCHES * BATCH);
		cr_assert_not(seen[i]);
		seen[i] = true;
	}
}

/* Letters: so strings go one by one. */
Test(nodes_redis_long, of_all_names_let_no_heart_stand_still)
{
	char line[64];
	int fd, i;

	fd = redis_open(&c.node[0]);
	fill_names(fd);
	snprintf(line, sizeof(line), ":%d", BATCHES * BATCH);
	for (i = 0; i < 2; i++) {
		fd = redis_open(&c.node[i]);
		redis_ask(fd, "DBSIZE", line);
		redis_ask(fd, "KEYS x*", "*0");
	}
	expect_names(fd);
	redis_ask(fd, "FLUSHALL", "+OK");
	redis_ask(fd, "DBSIZE", ":0");
}
