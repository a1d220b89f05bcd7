/* What becomes of data when the routing table is edited. */

#include <criterion/criterion.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/cluster.h"
#include "tests/proc/redis_talk.h"

static struct cluster c;

/* A worker that is stopped here is meant to go on. */
#define PATIENT	"supervise { heartbeat 0 }\n"

static void
begin(void)
{
	size_t i;

	cluster_prepare(&c, 2);
	for (i = 0; i < 2; i++) {
		cluster_configure(&c, i, PATIENT);
		daemon_launch(&c.node[i], NULL);
	}
}

static void
end(void)
{
	cluster_remove(&c);
}

TestSuite(strays, .init = begin, .fini = end, .timeout = 120);

/* Both nodes, one after the other, take this table. */
static void
take_table(const char *letters, const char *table)
{
	static int times;
	size_t i;

	times++;
	c.letters[0] = letters;
	for (i = 0; i < 2; i++) {
		cluster_configure(&c, i, table);
		daemon_kill(&c.node[i], SIGHUP);
		daemon_await_log(&c.node[i], "configuration reloaded", times);
	}
}

static void
fill(void)
{
	talk_once(&c.node[0], "CREATE bread\r\n", "OK\r\n");
	talk_once(&c.node[0], "CREATE beer\r\n", "OK\r\n");
	talk_once(&c.node[0], "MPUT bread a 1 b 2\r\n", "OK\r\n");
	talk_once(&c.node[0], "CREATE apples\r\n", "OK\r\n");
}

Test(strays, are_neither_served_nor_lost)
{
	fill();
	take_table("a", "table 2\n");
	daemon_await_log(&c.node[0], "2 buckets with 2 keys here belong to "
	    "other nodes by routing table version 2: strays, kept but not "
	    "served before a table gives them back to this node", 1);
	daemon_await_log(&c.node[0], "routing table version 2 is in force: "
	    "moved away from this node: first bytes b-h; came to it: none",
	    1);
	daemon_await_log(&c.node[1], "moved away from this node: none; came "
	    "to it: first bytes b-h", 1);
	talk_once(&c.node[0], "GET bread a\r\n", "NOT FOUND\r\n");
	talk_once(&c.node[0], "BUCKETS\r\n", "apples\r\nOK\r\n");
	talk_once(&c.node[1], "BUCKETS\r\n", "apples\r\nOK\r\n");
	take_table("a-h", "table 3\n");
	talk_once(&c.node[1], "MGET bread a b\r\n", "1\r\n2\r\nOK\r\n");
	cr_assert_eq(daemon_count_log(&c.node[0], "strays"), 1);
}

Test(strays, are_told_again_at_the_next_start)
{
	fill();
	c.letters[0] = "c-h";
	cluster_configure(&c, 0, "");
	daemon_kill(&c.node[0], SIGTERM);
	cr_assert_eq(daemon_wait(&c.node[0]), 0);
	daemon_launch(&c.node[0], NULL);
	daemon_await_log(&c.node[0], "3 buckets with 2 keys here", 1);
	daemon_kill(&c.node[0], SIGKILL);
	daemon_wait(&c.node[0]);
	daemon_launch(&c.node[0], NULL);
	daemon_await_log(&c.node[0], "3 buckets with 2 keys here", 1);
}

/* Their number was told for the record that the reload has replaced. */
Test(strays, are_counted_again_when_the_same_table_is_taken_again)
{
	char line[1024];
	int fd;

	fill();
	take_table("a", "table 2\n");
	take_table("a", "table 2\n");
	fd = talk_open(&c.node[0]);
	do {
		talk_send(fd, "INFO node\r\n");
		cr_assert(talk_line(fd, line, sizeof(line)));
		talk_expect(fd, "OK\r\n");
	} while (strstr(line, ",strays=-,") != NULL);
	cr_assert_not_null(strstr(line, ",strays=2,"));
	close(fd);
}

/* By slots, shards are counted and no names. */
Test(strays, of_slots_are_counted_too)
{
	char more[128];
	size_t i;

	for (i = 0; i < 2; i++) {
		snprintf(more, sizeof(more), "table %zu\nslots 0-16383 "
		    "%s\n", i + 1, c.node[i].name);
		c.letters[0] = c.letters[1] = NULL;
		cluster_configure(&c, 0, more);
		daemon_kill(&c.node[0], SIGHUP);
		daemon_await_log(&c.node[0], "configuration reloaded",
		    (int)i + 1);
		if (i == 0)
			fill();
	}
	daemon_await_log(&c.node[0], "goes by slots now, by letters before", 1);
	daemon_await_log(&c.node[0], "moved away from this node: slots 0-16383",
	    1);
	daemon_await_log(&c.node[0], "3 buckets with 2 keys here", 1);
}

/*
 * A worker of before the edit that comes to a request after it: stopped
 * meanwhile, it finds the request and the news of its end together.
 */
Test(strays, are_not_served_by_who_has_not_heard_yet)
{
	int fd = talk_open(&c.node[0]), other = talk_open(&c.node[0]);
	pid_t pid;

	fill();
	talk(other, "PUT apples k v\r\n", "OK\r\n");
	pid = talk_pause_worker(fd);
	talk_send(fd, "PUT bread a 7\r\nPUT apples k w\r\n");
	c.letters[0] = "a";
	cluster_configure(&c, 0, PATIENT);
	daemon_kill(&c.node[0], SIGHUP);
	daemon_await_log(&c.node[0], "configuration reloaded", 1);
	cr_assert_eq(kill(pid, SIGCONT), 0);
	talk_expect(fd, "ERROR unavailable: ");
	talk_expect(fd, c.node[0].name);
	talk_expect(fd, ": its routing table is changing\r\nOK\r\n");
	talk_expect_end(fd);
	talk_once(&c.node[0], "GET apples k\r\n", "w\r\nOK\r\n");
	c.letters[0] = "a-h";
	cluster_configure(&c, 0, PATIENT);
	daemon_kill(&c.node[0], SIGHUP);
	daemon_await_log(&c.node[0], "configuration reloaded", 2);
	talk_once(&c.node[0], "GET bread a\r\n", "1\r\nOK\r\n");
}

#define CHANGING	": its routing table is changing\r\n"

static void
expect_changing(int fd)
{
	talk_expect(fd, "-UNAVAILABLE ");
	talk_expect(fd, c.node[0].name);
	talk_expect(fd, CHANGING);
}

Test(strays, are_not_served_to_transactions_by_who_has_not_heard_yet)
{
	int fd = talk_open(&c.node[0]);
	int client = redis_open_worker(&c.node[0],
	    (unsigned)talk_info(fd, "server", "worker"));
	pid_t pid;

	talk(client, "SET bread 1\r\nWATCH bread\r\nMULTI\r\nINCR bread\r\n",
	    "+OK\r\n+OK\r\n+OK\r\n+QUEUED\r\n");
	pid = talk_pause_worker(fd);
	talk_send(client, "EXEC\r\nEXEC\r\nWATCH bread\r\n");
	c.letters[0] = "a";
	cluster_configure(&c, 0, PATIENT);
	daemon_kill(&c.node[0], SIGHUP);
	daemon_await_log(&c.node[0], "configuration reloaded", 1);
	cr_assert_eq(kill(pid, SIGCONT), 0);
	expect_changing(client);
	talk_expect(client, "-ERR EXEC without MULTI\r\n");
	expect_changing(client);
	talk_expect_end(client);
	close(client);
	c.letters[0] = "a-h";
	cluster_configure(&c, 0, PATIENT);
	daemon_kill(&c.node[0], SIGHUP);
	daemon_await_log(&c.node[0], "configuration reloaded", 2);
	client = redis_open(&c.node[0]);
	talk(client, "GET bread\r\n", "$1\r\n1\r\n");
	close(client);
}
