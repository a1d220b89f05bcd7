/* Several nodes, and clients that speak the protocol of Redis. */

#include <criterion/criterion.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/proc/cluster.h"

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

#define RESP	"*1\r\n$4\r\nPING\r\n"

/* A connection that speaks RESP; what follows may be lines. */
static int
open_resp(size_t node)
{
	int fd = talk_open(&c.node[node]);

	talk(fd, RESP, "+PONG\r\n");
	return fd;
}

Test(nodes_redis, say_the_same_whoever_has_the_hash)
{
	static const char *const names[] = { "apples", "milk", "zebras" };
	char request[128];
	size_t i, node;
	int fd;

	for (node = 0; node < 3; node++) {
		fd = open_resp(node);
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
	int fd = open_resp(0);
	char line[64];

	talk(fd, "HGET milk k\r\n", "$-1\r\n");
	talk_send(fd, "HELLO 3\r\nHGET milk k\r\n");
	do
		cr_assert(talk_line(fd, line, sizeof(line)));
	while (strcmp(line, "_") != 0);
}

Test(nodes_redis, answer_a_pipeline_over_all_of_them_in_its_order)
{
	int fd = open_resp(1);

	talk(fd, "HSET milk k 1\r\nHSET apples k 2\r\nECHO between\r\n"
	    "HSET zebras k 3\r\nHGET apples k\r\nHGET zebras k\r\n"
	    "HGET milk k\r\nNONSENSE\r\n",
	    ":1\r\n:1\r\n$7\r\nbetween\r\n:1\r\n$1\r\n2\r\n$1\r\n3\r\n"
	    "$1\r\n1\r\n-ERR unknown command 'NONSENSE', with args beginning "
	    "with: \r\n");
}

Test(nodes_redis, answer_what_makes_no_sense_in_its_place)
{
	int fd = open_resp(0);

	talk(fd, "HSET milk k 1\r\n*1\r\n!\r\n",
	    ":1\r\n-ERR Protocol error: expected '$', got '!'\r\n");
	talk_expect_end(fd);
}

Test(nodes_redis, that_is_dead_is_told_in_an_error_of_its_own)
{
	int fd = open_resp(0);
	char line[256];

	cr_assert_eq(kill(c.node[1].pid, SIGKILL), 0);
	daemon_wait(&c.node[1]);
	talk_send(fd, "HGET milk k\r\n");
	cr_assert(talk_line(fd, line, sizeof(line)));
	cr_assert_eq(strncmp(line, "-UNAVAILABLE ", 13), 0, "%s", line);
	talk(fd, "HSET apples k v\r\n", ":1\r\n");
}
