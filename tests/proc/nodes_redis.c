/* Several nodes, and clients that speak the protocol of Redis. */

#include <criterion/criterion.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/proc/cluster.h"
#include "tests/proc/redis_talk.h"

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

TestSuite(nodes_redis, .init = begin, .fini = end, .timeout = 120);

Test(nodes_redis, say_the_same_whoever_has_the_hash)
{
	static const char *const names[] = { "apples", "milk", "zebras" };
	char request[128];
	size_t i, node;
	int fd;

	for (node = 0; node < 3; node++) {
		fd = redis_open(&c.node[node]);
		for (i = 0; i < 3; i++) {
			snprintf(request, sizeof(request),
			    "HSET %s%zu k v\r\nHGET %s%zu k\r\n"
			    "HGET %s%zu l\r\nHSET %s%zu k\r\n", names[i],
			    node, names[i], node, names[i], node, names[i],
			    node);
			talk(fd, request, ":1\r\n$1\r\nv\r\n$-1\r\n"
			    "-ERR wrong number of arguments for 'hset' "
			    "command\r\n");
		}
	}
}

Test(nodes_redis, answer_in_the_version_that_the_client_speaks)
{
	int fd = redis_open(&c.node[0]);
	char line[64];

	talk(fd, "HGET milk k\r\n", "$-1\r\n");
	talk_send(fd, "HELLO 3\r\nHGET milk k\r\n");
	do
		cr_assert(talk_line(fd, line, sizeof(line)));
	while (strcmp(line, "_") != 0);
}

Test(nodes_redis, answer_a_pipeline_over_all_of_them_in_its_order)
{
	int fd = redis_open(&c.node[1]);

	talk(fd, "HSET milk k 1\r\nHSET apples k 2\r\nECHO between\r\n"
	    "HSET zebras k 3\r\nHGET apples k\r\nHGET zebras k\r\n"
	    "HGET milk k\r\nNONSENSE\r\n",
	    ":1\r\n:1\r\n$7\r\nbetween\r\n:1\r\n$1\r\n2\r\n$1\r\n3\r\n"
	    "$1\r\n1\r\n-ERR unknown command 'NONSENSE', with args beginning "
	    "with: \r\n");
}

Test(nodes_redis, answer_what_makes_no_sense_in_its_place)
{
	int fd = redis_open(&c.node[0]);

	talk(fd, "HSET milk k 1\r\n*1\r\n!\r\n",
	    ":1\r\n-ERR Protocol error: expected '$', got '!'\r\n");
	talk_expect_end(fd);
}

Test(nodes_redis, that_is_dead_is_told_in_an_error_of_its_own)
{
	int fd = redis_open(&c.node[0]);
	char line[256];

	cr_assert_eq(kill(c.node[1].pid, SIGKILL), 0);
	daemon_wait(&c.node[1]);
	talk_send(fd, "HGET milk k\r\n");
	cr_assert(talk_line(fd, line, sizeof(line)));
	cr_assert_eq(strncmp(line, "-UNAVAILABLE ", 13), 0, "%s", line);
	talk(fd, "HSET apples k v\r\n", ":1\r\n");
}

Test(nodes_redis, keep_back_the_replies_that_a_client_does_not_want)
{
	int fd = redis_open(&c.node[0]);

	talk(fd, "CLIENT REPLY SKIP\r\nHSET milk k v\r\nHGET milk k\r\n",
	    "$1\r\nv\r\n");
	talk(fd, "CLIENT REPLY OFF\r\nHSET milk k w\r\nHGET apples k\r\n"
	    "HGET milk k\r\nCLIENT REPLY ON\r\nHGET milk k\r\n",
	    "+OK\r\n$1\r\nw\r\n");
	daemon_kill(&c.node[1], SIGKILL);
	talk(fd, "CLIENT REPLY SKIP\r\nHGET milk k\r\nHGET apples k\r\n",
	    "$-1\r\n");
}

Test(nodes_redis, find_the_key_of_a_command_of_two_words)
{
	int fd = redis_open(&c.node[0]);

	talk(fd, "HSET milk k v\r\nOBJECT ENCODING milk\r\n"
	    "OBJECT REFCOUNT zebras\r\nOBJECT x milk\r\nOBJECT FREQ\r\n",
	    ":1\r\n$9\r\nhashtable\r\n$-1\r\n"
	    "-ERR unknown subcommand 'x'. Try OBJECT HELP.\r\n"
	    "-ERR wrong number of arguments for 'object|freq' command\r\n");
	talk_send(fd, "MEMORY USAGE milk\r\n");
	talk_expect(fd, ":");
}

Test(nodes_redis, pause_what_is_to_be_passed_on)
{
	int fd = redis_open(&c.node[0]), other = redis_open(&c.node[0]);

	talk(fd, "HSET milk k v\r\nCLIENT PAUSE 60000 WRITE\r\n",
	    ":1\r\n+OK\r\n");
	talk_send(other, "HSET milk k w\r\nHGET milk k\r\n");
	talk(fd, "HGET milk k\r\nPING\r\n", "$1\r\nv\r\n+PONG\r\n");
	talk_expect_silence(other);
	talk(fd, "CLIENT UNPAUSE\r\n", "+OK\r\n");
	talk_expect(other, ":0\r\n$1\r\nw\r\n");
}

Test(nodes_redis, are_not_asked_for_who_listens_in_resp2)
{
	int fd = redis_open(&c.node[0]);

	talk(fd, "SUBSCRIBE a\r\nGET milk\r\n", "*3\r\n$9\r\nsubscribe\r\n"
	    "$1\r\na\r\n:1\r\n-ERR Can't execute 'get': only (P|S)SUBSCRIBE / "
	    "(P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this "
	    "context\r\n");
}

/* Whose link it came by is no client of the node's, so it is known by that. */
Test(nodes_redis, log_what_was_slow_where_it_was_done)
{
	int fd = redis_open(&c.node[0]), owner = redis_open(&c.node[1]);
	char line[64];

	talk(owner, "CONFIG SET slowlog-log-slower-than 0\r\n", "+OK\r\n");
	talk(fd, "HSET milk k v\r\n", ":1\r\n");
	talk(owner, "CONFIG SET slowlog-log-slower-than -1\r\n"
	    "SLOWLOG LEN\r\nSLOWLOG GET 1\r\n",
	    "+OK\r\n:2\r\n*1\r\n*6\r\n:1\r\n");
	cr_assert(talk_line(owner, line, sizeof(line)) && line[0] == ':');
	cr_assert(talk_line(owner, line, sizeof(line)) && line[0] == ':');
	talk_expect(owner, "*4\r\n$4\r\nHSET\r\n$4\r\nmilk\r\n"
	    "$1\r\nk\r\n$1\r\nv\r\n");
	cr_assert(talk_line(owner, line, sizeof(line)) && line[0] == '$');
	cr_assert(talk_line(owner, line, sizeof(line)));
	cr_assert_eq(strncmp(line, "127.", 4), 0, "%s", line);
	talk_expect(owner, "$0\r\n\r\n");
	talk(fd, "SLOWLOG LEN\r\n", ":0\r\n");
}

/* They do not hear of each other's changes. */
Test(nodes_redis, promise_nobody_to_tell_what_has_changed)
{
	int fd = redis_open(&c.node[0]);

	talk(fd, "CLIENT TRACKING ON\r\nCLIENT TRACKING OFF\r\n", "-ERR client "
	    "tracking is not supported where there are several nodes, for "
	    "changes of other nodes are not heard of; read without a cache\r\n"
	    "+OK\r\n");
}
