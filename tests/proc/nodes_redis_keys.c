/*
 * One command of Redis with keys of several nodes: each does its part, and the
 * answer is one, in the order of the request.
 */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/proc/cluster.h"
#include "tests/proc/redis_talk.h"

#define CROSSSLOT "-CROSSSLOT Keys in request don't hash to the same slot"

static struct cluster c;

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

TestSuite(nodes_redis_keys, .init = begin, .fini = end, .timeout = 120);

Test(nodes_redis_keys, are_seen_to_by_each_and_answered_in_order)
{
	static const struct redis_line lines[] = {
		{ "MSET apples 1 zebras 3 milk 2 bread 4", "+OK" },
		{ "MGET milk zebras apples milk none bread", "*6\r\n$1\r\n2"
		    "\r\n$1\r\n3\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n$1\r\n4" },
		{ "EXISTS zebras milk milk none apples", ":4" },
		{ "TOUCH apples zebras", ":2" },
		{ "DEL apples milk none apples", ":2" },
		{ "MGET apples milk zebras",
		    "*3\r\n$-1\r\n$-1\r\n$1\r\n3" },
		{ "HSET milk k v", ":1" },
		{ "MGET zebras milk", "*2\r\n$1\r\n3\r\n$-1" },
		{ "UNLINK bread milk zebras", ":3" },
		{ "EXISTS apples milk zebras bread", ":0" },
		{ "MSET apples 1 milk", "-ERR wrong number of arguments for "
		    "'mset' command" },
		{ "MSET apples \"\" milk \"a b\"", "+OK" },
		{ "MGET apples milk", "*2\r\n$0\r\n\r\n$3\r\na b" },
		{ "DEL apples milk", ":2" },
	};
	size_t node;
	int fd;

	for (node = 0; node < 3; node++) {
		fd = redis_open(&c.node[node]);
		REDIS_ASK_ALL(fd, lines);
		redis_use_resp3(fd);
		redis_ask(fd, "SET zebras v", "+OK");
		redis_ask(fd, "MGET apples zebras milk",
		    "*3\r\n_\r\n$1\r\nv\r\n_");
		redis_ask(fd, "DEL apples zebras milk", ":1");
	}
}

Test(nodes_redis_keys, that_must_be_together_are_refused)
{
	static const struct redis_line lines[] = {
		{ "SET apples 1", "+OK" },
		{ "MSETNX milk 1 zebras 2", CROSSSLOT },
		{ "RENAME apples milk", CROSSSLOT },
		{ "RENAMENX apples milk", CROSSSLOT },
		{ "COPY apples milk", CROSSSLOT },
		{ "EXISTS milk zebras", ":0" },
		{ "GET apples", "$1\r\n1" },
	};
	int fd = redis_open(&c.node[0]);

	REDIS_ASK_ALL(fd, lines);
}

Test(nodes_redis_keys, stay_in_the_order_of_a_pipeline)
{
	int fd = redis_open(&c.node[0]);

	talk(fd, "SET milk 1\r\nMSET milk 2 apples 3\r\nGET milk\r\n"
	    "MGET milk apples\r\nRENAME milk apples\r\nSET milk 4\r\n"
	    "DEL milk apples zebras\r\nGET milk\r\n",
	    "+OK\r\n+OK\r\n$1\r\n2\r\n*2\r\n$1\r\n2\r\n$1\r\n3\r\n"
	    CROSSSLOT "\r\n+OK\r\n:2\r\n$-1\r\n");
	talk(fd, "GET milk\r\nRENAME milk apples\r\n",
	    "$-1\r\n" CROSSSLOT "\r\n");
	talk(fd, "CLIENT REPLY SKIP\r\nMSET milk 2 apples 3\r\n"
	    "MGET milk apples\r\n", "*2\r\n$1\r\n2\r\n$1\r\n3\r\n");
	talk(fd, "CLIENT REPLY SKIP\r\nRENAME milk apples\r\nGET milk\r\n"
	    "CLIENT REPLY OFF\r\nRENAME milk apples\r\n"
	    "CLIENT REPLY ON\r\n", "$1\r\n2\r\n+OK\r\n");
}

/* What a client must not do is so however many nodes it would concern. */
Test(nodes_redis_keys, are_no_matter_to_who_may_not_ask)
{
	int fd = redis_open(&c.node[0]);

	talk(fd, "SUBSCRIBE a\r\nMGET apples milk\r\n",
	    "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
	    "-ERR Can't execute 'mget': only (P|S)SUBSCRIBE / "
	    "(P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this "
	    "context\r\n");
}

/* Nodes are asked in the order of the table, and none behind a failure. */
Test(nodes_redis_keys, of_a_node_that_is_down_are_an_error_that_names_it)
{
	int fd = redis_open(&c.node[0]);

	redis_ask(fd, "MSET apples 1 milk 2 zebras 3", "+OK");
	cluster_kill(&c, 1);
	redis_expect_error(fd, "MGET zebras milk apples", "UNAVAILABLE",
	    c.node[1].name);
	redis_expect_error(fd, "EXISTS zebras milk apples", "UNAVAILABLE",
	    c.node[1].name);
	redis_ask(fd, "MGET zebras apples", "*2\r\n$1\r\n3\r\n$1\r\n1");
	redis_expect_error(fd, "DEL zebras milk apples", "PARTIAL",
	    c.node[1].name);
	redis_ask(fd, "MGET zebras apples", "*2\r\n$1\r\n3\r\n$-1");
	redis_expect_error(fd, "MSET zebras 4 milk 5", "UNAVAILABLE",
	    c.node[1].name);
	redis_ask(fd, "GET zebras", "$1\r\n3");
}

/* All of 16383 keys, by turns of three nodes. */
Test(nodes_redis_keys, may_be_as_many_as_words)
{
	static char request[400 * 1024];
	size_t i, len = 0, n = 16383;
	int fd = redis_open(&c.node[1]);

	len = (size_t)snprintf(request, sizeof(request), "*%zu\r\n"
	    "$6\r\nEXISTS\r\n", n + 1);
	for (i = 0; i < n; i++)
		len += (size_t)snprintf(request + len, sizeof(request) - len,
		    "$4\r\n%s\r\n", i % 3 == 0 ? "aone" : i % 3 == 1 ?
		    "mtwo" : "zone");
	redis_ask(fd, "MSET aone 1 mtwo 2", "+OK");
	talk(fd, request, ":10922\r\n");
}

/* One more is refused, also while it waits for another one's answer. */
Test(nodes_redis_keys, that_are_too_many_are_refused_in_their_place)
{
	static char request[600 * 1024];
	size_t i, len = 0, n = 40000;
	int fd = redis_open(&c.node[0]);

	len = (size_t)snprintf(request, sizeof(request),
	    "*2\r\n$3\r\nGET\r\n$4\r\nmilk\r\n*%zu\r\n$4\r\nMGET\r\n", n + 1);
	for (i = 0; i < n; i++)
		len += (size_t)snprintf(request + len, sizeof(request) - len,
		    "$4\r\n%s\r\n", i % 2 == 0 ? "aone" : "mtwo");
	talk(fd, request, "$-1\r\n-ERR too many arguments\r\n");
	redis_ask(fd, "PING", "+PONG");
}
