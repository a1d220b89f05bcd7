/* What clients of one node say to those of others. */

#include <criterion/criterion.h>

#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/proc/cluster.h"
#include "tests/proc/redis_talk.h"

static struct cluster c;
static int fd[CLUSTER_MAX];	/* listens on that node */
static int other;		/* speaks on node 0 */

static void
begin(void)
{
	size_t i;

	cluster_start(&c, CLUSTER_MAX);
	for (i = 0; i < CLUSTER_MAX; i++)
		fd[i] = redis_open(&c.node[i]);
	other = redis_open(&c.node[0]);
}

static void
end(void)
{
	cluster_remove(&c);
}

TestSuite(nodes_pubsub, .init = begin, .fini = end, .timeout = 120);

/* It is heard by so many, on all nodes. */
static void
is_said(int speaker, const char *line, int64_t by)
{
	cr_assert_eq(redis_number(speaker, line), by, "%s", line);
}

/* A node that was down is tried again after a while. */
static void
say_until_heard(int listener, const char *line)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	char first;

	do {
		(void)redis_number(other, line);
		nanosleep(&pause, NULL);
	} while (recv(listener, &first, 1, MSG_PEEK | MSG_DONTWAIT) != 1);
}

Test(nodes_pubsub, reaches_who_listens_on_any_node)
{
	size_t i;

	for (i = 0; i < CLUSTER_MAX; i++)
		redis_listen_by(fd[i], "subscribe", "news", 1);
	is_said(other, "PUBLISH news 1", 3);
	for (i = 0; i < CLUSTER_MAX; i++) {
		int speaker = redis_open(&c.node[i]);

		is_said(speaker, "PUBLISH news 2", 3);
		is_said(speaker, "PUBLISH nothing 3", 0);
		close(speaker);
	}
	for (i = 0; i < CLUSTER_MAX; i++) {
		redis_hears(fd[i], "news", "1");
		redis_hears(fd[i], "news", "2");
		redis_hears(fd[i], "news", "2");
		redis_hears(fd[i], "news", "2");
		talk(fd[i], "PING\r\n", "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
	}
}

Test(nodes_pubsub, reaches_patterns_and_who_speaks_resp3)
{
	redis_listen_by(fd[1], "psubscribe", "n*", 1);
	redis_use_resp3(fd[2]);
	talk(fd[2], "SUBSCRIBE news\r\n",
	    ">3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
	redis_use_resp3(other);
	is_said(other, "PUBLISH news 1", 2);
	talk_expect(fd[1], "*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n"
	    "$4\r\nnews\r\n$1\r\n1\r\n");
	talk_expect(fd[2], ">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\n1\r\n");
}

#define MANY	500

/* Between requests that one node answers, or another. */
Test(nodes_pubsub, keeps_the_order_in_which_a_client_says_it)
{
	char line[128];
	int i;

	redis_listen_by(fd[0], "subscribe", "news", 1);
	redis_listen_by(fd[2], "subscribe", "news", 1);
	for (i = 0; i < MANY; i++) {
		snprintf(line, sizeof(line), "SET apple%d 1\r\nSET milk%d 2"
		    "\r\nPUBLISH news %d\r\nGET milk%d\r\n", i, i, i, i);
		talk_send(other, line);
	}
	for (i = 0; i < MANY; i++) {
		talk_expect(other, "+OK\r\n+OK\r\n");
		talk_expect(other, ":2\r\n$1\r\n2\r\n");
		snprintf(line, sizeof(line), "%d", i);
		redis_hears(fd[0], "news", line);
		redis_hears(fd[2], "news", line);
	}
}

Test(nodes_pubsub, of_a_transaction_reaches_other_nodes_when_it_is_executed)
{
	redis_listen_by(fd[0], "subscribe", "news", 1);
	redis_listen_by(fd[2], "subscribe", "news", 1);
	talk(other, "MULTI\r\nPUBLISH news 1\r\nSET apples 1\r\n"
	    "PUBLISH news 2\r\n", "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n");
	talk_expect_silence(fd[0]);
	/* Those of other nodes are not counted. */
	talk(other, "EXEC\r\n", "*3\r\n:1\r\n+OK\r\n:1\r\n");
	redis_hears(fd[0], "news", "1");
	redis_hears(fd[0], "news", "2");
	redis_hears(fd[2], "news", "1");
	redis_hears(fd[2], "news", "2");
}

Test(nodes_pubsub, answers_as_the_client_wants_answers)
{
	redis_listen_by(fd[1], "subscribe", "news", 1);
	talk(other, "CLIENT REPLY SKIP\r\nPUBLISH news 1\r\nPING\r\n"
	    "CLIENT REPLY OFF\r\nPUBLISH news 2\r\nCLIENT REPLY ON\r\n",
	    "+PONG\r\n+OK\r\n");
	redis_hears(fd[1], "news", "1");
	redis_hears(fd[1], "news", "2");
	talk(other, "PUBLISH news\r\n", "-ERR wrong number of arguments for "
	    "'publish' command\r\n");
}

Test(nodes_pubsub, goes_on_without_a_node_that_is_down)
{
	redis_listen_by(fd[0], "subscribe", "news", 1);
	redis_listen_by(fd[1], "subscribe", "news", 1);
	redis_listen_by(fd[2], "subscribe", "news", 1);
	is_said(other, "PUBLISH news 1", 3);
	cluster_kill(&c, 1);
	is_said(other, "PUBLISH news 2", 2);
	talk(other, "MULTI\r\nPUBLISH news 3\r\nEXEC\r\n",
	    "+OK\r\n+QUEUED\r\n*1\r\n:1\r\n");
	redis_hears(fd[0], "news", "1");
	redis_hears(fd[0], "news", "2");
	redis_hears(fd[0], "news", "3");
	redis_hears(fd[2], "news", "1");
	redis_hears(fd[2], "news", "2");
	redis_hears(fd[2], "news", "3");
	daemon_launch(&c.node[1], NULL);
	close(fd[1]);
	fd[1] = redis_open(&c.node[1]);
	redis_listen_by(fd[1], "subscribe", "news", 1);
	close(other);
	other = redis_open(&c.node[0]);
	say_until_heard(fd[1], "PUBLISH news 4");
	redis_hears(fd[1], "news", "4");
}

Test(nodes_pubsub, goes_on_when_a_worker_is_killed)
{
	int text = talk_open(&c.node[1]);
	pid_t pid = (pid_t)talk_info(text, "server", "worker_pid");

	redis_listen_by(fd[2], "subscribe", "news", 1);
	is_said(other, "PUBLISH news 1", 1);
	redis_hears(fd[2], "news", "1");
	cr_assert_eq(kill(pid, SIGKILL), 0);
	talk_expect_end(text);
	is_said(other, "PUBLISH news 2", 1);
	redis_hears(fd[2], "news", "2");
	close(fd[1]);
	fd[1] = redis_open(&c.node[1]);
	redis_listen_by(fd[1], "subscribe", "news", 1);
	say_until_heard(fd[1], "PUBLISH news 3");
	redis_hears(fd[1], "news", "3");
}
