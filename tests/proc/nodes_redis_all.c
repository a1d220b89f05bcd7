/*
 * Commands of Redis about all names there are, where nodes share them: through
 * any node a client sees one store, or an error that names who is missing.
 */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/cluster.h"
#include "tests/proc/redis_talk.h"

#define NAMES_MAX	6000

static struct cluster c;

static void
end(void)
{
	cluster_remove(&c);
}

TestSuite(nodes_redis_all, .fini = end, .timeout = 120);

static void
start(size_t n, bool by_letters)
{
	size_t i;

	cluster_prepare(&c, n);
	for (i = 0; i < n; i++)
		if (!by_letters)
			c.letters[i] = NULL;
	for (i = 0; i < n; i++) {
		cluster_configure(&c, i, "cluster-protocol map\n");
		daemon_launch(&c.node[i], NULL);
	}
}

/* Both nodes take this for the first one's; it is the n-th time. */
static void
take_table(const char *letters, int n)
{
	char table[64];
	size_t i;

	snprintf(table, sizeof(table), "cluster-protocol map\ntable %d\n",
	    n + 1);
	c.letters[0] = letters;
	for (i = 0; i < 2; i++) {
		cluster_configure(&c, i, table);
		daemon_kill(&c.node[i], SIGHUP);
		daemon_await_log(&c.node[i], "configuration reloaded", n);
	}
}

/* apples.., milk.., zebras.., by turns a string and a hash; n of them. */
static void
fill(int fd, int n)
{
	static const char *const names[] = { "apples", "milk", "zebras" };
	char line[64];
	int i;

	for (i = 0; i < n; i++) {
		snprintf(line, sizeof(line), i % 2 == 0 ? "SET %s%d v" :
		    "HSET %s%d k v", names[i % 3], i);
		redis_ask(fd, line, i % 2 == 0 ? "+OK" : ":1");
	}
}

struct found {
	unsigned	times[NAMES_MAX];
	unsigned	n;
};

/* The names of a list, made by fill() or not. */
static void
read_names(int fd, struct found *found)
{
	char line[64], *digits;
	unsigned long n, i;

	cr_assert(talk_line(fd, line, sizeof(line)));
	cr_assert_eq(line[0], '*', "%s", line);
	for (n = strtoul(line + 1, NULL, 10); n > 0; n--, found->n++) {
		redis_read_bulk(fd, line, sizeof(line));
		digits = strpbrk(line, "0123456789");
		cr_assert_not_null(digits);
		i = strtoul(digits, NULL, 10);
		cr_assert_lt(i, NAMES_MAX);
		found->times[i]++;
	}
}

/* Those of fill(), in steps of that many, each once. */
static void
expect_found(const struct found *found, unsigned n, unsigned first,
    unsigned each)
{
	unsigned i;

	cr_assert_eq(found->n, n);
	for (i = first; n > 0; n--, i += each)
		cr_assert_eq(found->times[i], 1, "%u: %u times", i,
		    found->times[i]);
}

static void
expect_list(int fd, const char *line, unsigned n, unsigned first,
    unsigned each)
{
	struct found found = { .n = 0 };

	talk_send(fd, line);
	talk_send(fd, "\r\n");
	read_names(fd, &found);
	expect_found(&found, n, first, each);
}

/* Of each node's names many are asked for: all are drawn, some from each. */
static void
expect_random(int fd, unsigned n)
{
	static bool drawn[NAMES_MAX];
	char name[64], *digits;
	unsigned nodes = 0, i;

	for (i = 0; i < 400; i++) {
		talk_send(fd, "RANDOMKEY\r\n");
		redis_read_bulk(fd, name, sizeof(name));
		digits = strpbrk(name, "0123456789");
		cr_assert_lt(strtoul(digits, NULL, 10), n);
		drawn[strtoul(digits, NULL, 10)] = true;
		nodes |= name[0] == 'a' ? 1 : name[0] == 'm' ? 2 : 4;
	}
	cr_assert_eq(nodes, 7);
	for (i = 0; i < n; i++)
		cr_assert(drawn[i], "%u", i);
}

static void
see_one_store(size_t nodes)
{
	char reply[64];
	size_t node;
	int fd;

	fd = redis_open(&c.node[0]);
	redis_ask(fd, "RANDOMKEY", "$-1");
	redis_ask(fd, "KEYS *", "*0");
	redis_ask(fd, "DBSIZE", ":0");
	fill(fd, 30);
	for (node = 0; node < nodes; node++) {
		fd = redis_open(&c.node[node]);
		redis_ask(fd, "DBSIZE", ":30");
		expect_list(fd, "KEYS *", 30, 0, 1);
		expect_list(fd, "KEYS m*", 10, 1, 3);
		expect_list(fd, "BUCKETS", 15, 1, 2);
		redis_ask(fd, "KEYS zebras29", "*1\r\n$8\r\nzebras29");
		expect_random(fd, 30);
		redis_ask(fd, "FLUSHALL NOW", "-ERR syntax error");
		redis_use_resp3(fd);
		expect_list(fd, "KEYS *", 30, 0, 1);
	}
	redis_ask(fd, "FLUSHALL", "+OK");
	for (node = 0; node < nodes; node++) {
		fd = redis_open(&c.node[node]);
		redis_ask(fd, "DBSIZE", ":0");
		redis_ask(fd, "KEYS *", "*0");
		snprintf(reply, sizeof(reply), "SET apples%zu v", node);
		redis_ask(fd, reply, "+OK");
		redis_ask(fd, "FLUSHDB ASYNC", "+OK");
	}
	redis_use_resp3(fd);
	redis_ask(fd, "RANDOMKEY", "_");
}

Test(nodes_redis_all, are_one_store_by_letters)
{
	start(3, true);
	see_one_store(3);
}

Test(nodes_redis_all, are_one_store_by_slots)
{
	start(2, false);
	see_one_store(2);
}

Test(nodes_redis_all, stay_in_the_order_of_a_pipeline)
{
	int fd;

	start(3, true);
	fd = redis_open(&c.node[1]);
	talk(fd, "SET apples v\r\nSET zebras w\r\nDBSIZE\r\nGET apples\r\n"
	    "KEYS z*\r\nFLUSHALL\r\nDBSIZE\r\nGET zebras\r\nPING\r\n",
	    "+OK\r\n+OK\r\n:2\r\n$1\r\nv\r\n*1\r\n$6\r\nzebras\r\n+OK\r\n"
	    ":0\r\n$-1\r\n+PONG\r\n");
	talk(fd, "CLIENT REPLY SKIP\r\nDBSIZE\r\nGET apples\r\n", "$-1\r\n");
	talk(fd, "CLIENT REPLY OFF\r\nFLUSHALL\r\nKEYS *\r\nCLIENT REPLY ON"
	    "\r\n", "+OK\r\n");
}

/* Until a node that was down is known to be up. */
static void
await_number(int fd, const char *line)
{
	char reply[512] = "";

	while (reply[0] != ':') {
		talk_send(fd, line);
		talk_send(fd, "\r\n");
		cr_assert(talk_line(fd, reply, sizeof(reply)));
		usleep(2000);
	}
}

/* Those before it in the order of the table have done what was asked. */
Test(nodes_redis_all, that_are_down_are_named_in_place_of_half_an_answer)
{
	static const char *const lines[] = {
		"DBSIZE", "KEYS *", "BUCKETS", "RANDOMKEY"
	};
	size_t i;
	int fd;

	start(3, true);
	fd = redis_open(&c.node[0]);
	fill(fd, 30);
	cluster_kill(&c, 2);
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		redis_expect_error(fd, lines[i], "UNAVAILABLE",
		    c.node[2].name);
	redis_ask(fd, "GET apples0", "$1\r\nv");
	redis_expect_error(fd, "FLUSHALL", "PARTIAL", c.node[2].name);
	redis_ask(fd, "GET apples0", "$-1");
	talk(fd, "CLIENT REPLY SKIP\r\nDBSIZE\r\nGET apples1\r\n",
	    "$-1\r\n");
	daemon_launch(&c.node[2], NULL);
	await_number(fd, "DBSIZE");
	redis_ask(fd, "FLUSHALL", "+OK");
	redis_ask(fd, "DBSIZE", ":0");
	cluster_kill(&c, 0);
	fd = redis_open(&c.node[1]);
	redis_ask(fd, "SET zebras v", "+OK");
	redis_expect_error(fd, "FLUSHALL", "UNAVAILABLE", c.node[0].name);
	redis_ask(fd, "GET zebras", "$1\r\nv");
}

Test(nodes_redis_all, cannot_be_asked_in_a_transaction)
{
	int fd;

	start(2, true);
	fd = redis_open(&c.node[0]);
	talk(fd, "MULTI\r\nDBSIZE\r\nEXEC\r\n", "+OK\r\n+QUEUED\r\n"
	    "-CROSSSLOT Keys in request don't hash to the same slot\r\n");
	talk(fd, "MULTI\r\nFLUSHALL\r\nEXEC\r\nDBSIZE\r\n", "+OK\r\n"
	    "+QUEUED\r\n-CROSSSLOT Keys in request don't hash to the same "
	    "slot\r\n:0\r\n");
}

/* Of apple is slot 7092, of milk 13860: the first node's, and the other's. */
Test(nodes_redis_all, tell_of_a_slot_through_any_node)
{
	size_t node;
	int fd;

	start(2, false);
	fd = redis_open(&c.node[0]);
	redis_ask(fd, "SET apple v", "+OK");
	redis_ask(fd, "HSET milk k v", ":1");
	for (node = 0; node < 2; node++) {
		fd = redis_open(&c.node[node]);
		redis_ask(fd, "CLUSTER KEYSLOT apple", ":7092");
		redis_ask(fd, "CLUSTER KEYSLOT milk", ":13860");
		redis_ask(fd, "CLUSTER COUNTKEYSINSLOT 7092", ":1");
		redis_ask(fd, "CLUSTER COUNTKEYSINSLOT 13860", ":1");
		redis_ask(fd, "CLUSTER GETKEYSINSLOT 7092 9",
		    "*1\r\n$5\r\napple");
		redis_ask(fd, "CLUSTER GETKEYSINSLOT 13860 9",
		    "*1\r\n$4\r\nmilk");
		redis_ask(fd, "CLUSTER COUNTKEYSINSLOT 16384",
		    "-ERR Invalid slot");
	}
	cluster_kill(&c, 0);
	redis_expect_error(fd, "CLUSTER COUNTKEYSINSLOT 7092", "UNAVAILABLE",
	    c.node[0].name);
	redis_ask(fd, "CLUSTER COUNTKEYSINSLOT 13860", ":1");
}

/* What an edit of the table has left behind, strings and hashes. */
Test(nodes_redis_all, do_not_tell_of_strays_nor_remove_them)
{
	size_t node;
	int fd;

	start(2, true);
	fd = redis_open(&c.node[0]);
	redis_ask(fd, "SET bread1 v", "+OK");
	redis_ask(fd, "HSET beer2 k v", ":1");
	redis_ask(fd, "SET apple3 v", "+OK");
	take_table("a", 1);
	for (node = 0; node < 2; node++) {
		fd = redis_open(&c.node[node]);
		redis_ask(fd, "DBSIZE", ":1");
		redis_ask(fd, "KEYS *", "*1\r\n$6\r\napple3");
		redis_ask(fd, "BUCKETS", "*0");
		redis_ask(fd, "RANDOMKEY", "$6\r\napple3");
		redis_ask(fd, "CLUSTER GETKEYSINSLOT 9485 9", "*0");
		redis_ask(fd, "SCAN 0 TYPE hash COUNT 9",
		    "*2\r\n$4\r\n2048\r\n*0");
	}
	redis_ask(fd, "FLUSHALL", "+OK");
	redis_ask(fd, "DBSIZE", ":0");
	take_table("a-h", 2);
	fd = redis_open(&c.node[0]);
	redis_ask(fd, "DBSIZE", ":2");
	redis_ask(fd, "GET bread1", "$1\r\nv");
	redis_ask(fd, "HGET beer2 k", "$1\r\nv");
	redis_ask(fd, "FLUSHALL", "+OK");
	redis_ask(fd, "DBSIZE", ":0");
}
