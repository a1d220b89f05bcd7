/* Events of names that another node has, on channels of the one asked. */

#include <criterion/criterion.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/proc/cluster.h"
#include "tests/proc/redis_talk.h"

/* Node 0 has apples and bananas, 1 milk, 2 zebras. */
static struct cluster c;
static int fd;			/* listens on node 0 */
static int other;		/* changes things, by node 1 */

static void
begin(void)
{
	size_t i;

	cluster_prepare(&c, CLUSTER_MAX);
	/* Workers of one are made to stand still. */
	cluster_configure(&c, 1, "supervise { heartbeat 0 }\n");
	for (i = 0; i < CLUSTER_MAX; i++)
		daemon_launch(&c.node[i], NULL);
	fd = redis_open(&c.node[0]);
	other = redis_open(&c.node[1]);
}

static void
end(void)
{
	cluster_remove(&c);
}

TestSuite(nodes_events, .init = begin, .fini = end, .timeout = 120);

Test(nodes_events, of_a_name_come_from_the_node_that_has_it)
{
	redis_listen_to(fd, "__keyspace@0__:milk");
	talk(other, "HSET milk a 1\r\nHSET apples a 1\r\nHDEL milk a\r\n",
	    ":1\r\n:1\r\n:1\r\n");
	redis_hears(fd, "__keyspace@0__:milk", "hset");
	redis_hears(fd, "__keyspace@0__:milk", "hdel");
	redis_hears(fd, "__keyspace@0__:milk", "del");
	redis_listen_by(fd, "subscribe", "__kvd__:milk", 2);
	redis_listen_by(fd, "subscribe", "__subkeyspace@0__:zebras", 3);
	talk(other, "SET milk \"two words\"\r\nHSET zebras b 1\r\n",
	    "+OK\r\n:1\r\n");
	redis_hears(fd, "__keyspace@0__:milk", "set");
	redis_hears(fd, "__kvd__:milk", "6 set 9:two words");
	redis_hears(fd, "__subkeyspace@0__:zebras", "hset|1:b");
	talk(fd, "UNSUBSCRIBE __keyspace@0__:milk\r\n",
	    "*3\r\n$11\r\nunsubscribe\r\n$19\r\n__keyspace@0__:milk\r\n"
	    ":2\r\n");
	talk(other, "DEL milk\r\n", ":1\r\n");
	redis_hears(fd, "__kvd__:milk", "7 delete");
	talk_expect_silence(fd);
}

Test(nodes_events, of_a_kind_come_from_all_nodes)
{
	redis_listen_to(fd, "__keyevent@0__:hset");
	talk(other, "HSET milk a 1\r\n", ":1\r\n");
	redis_hears(fd, "__keyevent@0__:hset", "milk");
	talk(other, "HSET apples a 1\r\n", ":1\r\n");
	redis_hears(fd, "__keyevent@0__:hset", "apples");
	talk(other, "HSET zebras a 1\r\n", ":1\r\n");
	redis_hears(fd, "__keyevent@0__:hset", "zebras");
	talk_expect_silence(fd);
}

Test(nodes_events, come_once_for_each_pattern_that_matches)
{
	int third = redis_open(&c.node[2]);

	redis_listen_by(fd, "psubscribe", "__keyspace*", 1);
	redis_listen_by(fd, "psubscribe", "*:milk", 2);
	redis_listen_by(fd, "subscribe", "__keyspace@0__:milk", 3);
	redis_listen_by(third, "psubscribe", "__keyspace*", 1);
	talk(other, "HSET milk a 1\r\n", ":1\r\n");
	redis_hears_of(fd, "*:milk", "__kvd__:milk", "1 create");
	redis_hears(fd, "__keyspace@0__:milk", "hset");
	redis_hears_of(fd, "__keyspace*", "__keyspace@0__:milk", "hset");
	redis_hears_of(fd, "*:milk", "__keyspace@0__:milk", "hset");
	redis_hears_of(fd, "*:milk", "__subkeyspace@0__:milk", "hset|1:a");
	redis_hears_of(fd, "*:milk", "__kvd__:milk", "2 set 1:a 1:1");
	redis_hears_of(third, "__keyspace*", "__keyspace@0__:milk", "hset");
	talk(other, "SET zebras 1\r\n", "+OK\r\n");
	redis_hears_of(fd, "__keyspace*", "__keyspace@0__:zebras", "set");
	redis_hears_of(third, "__keyspace*", "__keyspace@0__:zebras", "set");
	talk_expect_silence(fd);
	talk_expect_silence(third);
	close(third);
}

/* What is said goes to each node by itself, and not along with the events. */
Test(nodes_events, are_not_what_is_said_on_a_channel_of_events)
{
	redis_listen_by(fd, "psubscribe", "__key*", 1);
	(void)redis_number(other, "PUBLISH __keyspace@0__:milk said");
	redis_hears_of(fd, "__key*", "__keyspace@0__:milk", "said");
	talk(other, "SET milk 1\r\n", "+OK\r\n");
	redis_hears_of(fd, "__key*", "__keyspace@0__:milk", "set");
	redis_hears_of(fd, "__key*", "__keyevent@0__:set", "milk");
	talk_expect_silence(fd);
}

Test(nodes_events, are_pushes_in_resp3)
{
	redis_use_resp3(fd);
	talk(fd, "SUBSCRIBE __keyspace@0__:milk\r\nSET milk 1\r\nGET milk\r\n",
	    ">3\r\n$9\r\nsubscribe\r\n$19\r\n__keyspace@0__:milk\r\n:1\r\n"
	    "+OK\r\n");
	talk_expect(fd, "$1\r\n1\r\n");
	talk_expect(fd, ">3\r\n$7\r\nmessage\r\n$19\r\n__keyspace@0__:milk\r\n"
	    "$3\r\nset\r\n");
}

#define LISTENERS	40

/* Of those of a worker there is one stream, from the first to the last. */
Test(nodes_events, reach_all_who_listen)
{
	int listeners[LISTENERS], i, round;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < LISTENERS; i++) {
			listeners[i] = redis_open(&c.node[0]);
			redis_listen_to(listeners[i], "__keyspace@0__:milk");
		}
		talk(other, "SET milk 1\r\n", "+OK\r\n");
		for (i = 0; i < LISTENERS; i++) {
			redis_hears(listeners[i], "__keyspace@0__:milk", "set");
			close(listeners[i]);
		}
		talk_await_subscribers(&c.node[0], 0);
	}
}

Test(nodes_events, of_large_values_are_whole)
{
	const size_t len = 1024 * 1024;
	char *value = malloc(len), *got = malloc(len + 2);
	size_t i, n;
	ssize_t some;

	for (i = 0; i < len; i++)
		value[i] = (char)(i * 31 + i / 1000);
	redis_listen_to(fd, "__kvd__:milk");
	talk_send(other, "*3\r\n$3\r\nSET\r\n$4\r\nmilk\r\n$1048576\r\n");
	talk_send_bytes(other, value, len);
	talk(other, "\r\n", "+OK\r\n");
	talk_expect(fd, "*3\r\n$7\r\nmessage\r\n$12\r\n__kvd__:milk\r\n"
	    "$1048590\r\n2 set 1048576:");
	for (n = 0; n < len + 2; n += (size_t)some) {
		some = recv(fd, got + n, len + 2 - n, 0);
		cr_assert_gt(some, 0);
	}
	cr_assert_arr_eq(got, value, len);
	free(value);
	free(got);
}

/* Change a name until that is heard: from then on it is again. */
static void
set_until_heard(int listener, const char *line)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	char first;

	do {
		talk(other, line, "+OK\r\n");
		nanosleep(&pause, NULL);
	} while (recv(listener, &first, 1, MSG_PEEK | MSG_DONTWAIT) != 1);
}

/* Subscribing ends all the same, and what that node has is told when it is
 * back. */
Test(nodes_events, of_a_node_that_is_down_are_told_when_it_is_back)
{
	cluster_kill(&c, 1);
	close(other);
	redis_listen_to(fd, "__keyspace@0__:milk");
	redis_listen_by(fd, "psubscribe", "__keyevent@0__:*", 2);
	other = redis_open(&c.node[2]);
	talk(other, "SET zebras 1\r\n", "+OK\r\n");
	redis_hears_of(fd, "__keyevent@0__:*", "__keyevent@0__:set", "zebras");
	daemon_launch(&c.node[1], NULL);
	close(other);
	other = redis_open(&c.node[1]);
	set_until_heard(fd, "SET milk 1\r\n");
}

Test(nodes_events, are_told_again_when_a_node_has_come_back)
{
	redis_listen_to(fd, "__keyspace@0__:milk");
	talk(other, "SET milk 1\r\n", "+OK\r\n");
	redis_hears(fd, "__keyspace@0__:milk", "set");
	cluster_kill(&c, 1);
	close(other);
	daemon_launch(&c.node[1], NULL);
	other = redis_open(&c.node[1]);
	set_until_heard(fd, "SET milk 1\r\n");
	redis_hears(fd, "__keyspace@0__:milk", "set");
}

Test(nodes_events, are_told_again_when_a_worker_was_killed)
{
	int i, text;

	redis_listen_to(fd, "__keyspace@0__:milk");
	talk(other, "SET milk 1\r\n", "+OK\r\n");
	redis_hears(fd, "__keyspace@0__:milk", "set");
	for (i = 0; i < 2; i++) {
		text = talk_open_worker(&c.node[1], (unsigned)i);
		cr_assert_eq(kill((pid_t)talk_info(text, "server",
		    "worker_pid"), SIGKILL), 0);
		talk_expect_end(text);
		close(text);
	}
	close(other);
	other = redis_open(&c.node[1]);
	set_until_heard(fd, "SET milk 1\r\n");
}

/* Nobody waits for long for a node that stands still. */
Test(nodes_events, of_a_node_that_stands_still_are_not_waited_for)
{
	int beside[2] = {
		talk_open_worker(&c.node[1], 0),
		talk_open_worker(&c.node[1], 1)
	};
	pid_t pids[2];
	int i;

	for (i = 0; i < 2; i++)
		pids[i] = talk_pause_worker(beside[i]);
	talk(fd, "PING\r\n", "+PONG\r\n");
	redis_listen_to(fd, "__keyspace@0__:milk");
	talk(fd, "PING\r\n", "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
	for (i = 0; i < 2; i++)
		kill(pids[i], SIGCONT);
	set_until_heard(fd, "SET milk 1\r\n");
}

/* A client that does not read is closed; others go on. */
Test(nodes_events, are_lost_by_who_does_not_read_them)
{
	char *request = malloc(100100);
	int slow = redis_open(&c.node[0]), size = 4096, i, n;

	setsockopt(slow, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	redis_listen_to(slow, "__kvd__:milk");
	redis_listen_to(fd, "__keyspace@0__:milk");
	n = snprintf(request, 64, "*3\r\n$3\r\nSET\r\n$4\r\nmilk\r\n"
	    "$100000\r\n");
	memset(request + n, 'x', 100000);
	strcpy(request + n + 100000, "\r\n");
	for (i = 0; i < 200; i++) {
		talk(other, request, "+OK\r\n");
		redis_hears(fd, "__keyspace@0__:milk", "set");
	}
	daemon_await_log(&c.node[0], "too slow for the events", 1);
	talk_await_subscribers(&c.node[0], 1);
	close(slow);
	free(request);
}
