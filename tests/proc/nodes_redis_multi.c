/* Transactions of what another node has: the client knows of no node. */

#include <criterion/criterion.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/cluster.h"
#include "tests/proc/redis_talk.h"

static struct cluster c;
static int fd;			/* node 0, which has not got milk */
static int owner;		/* node 1, which has */
static pid_t stopped[2];	/* 0: none; they end by nothing else */

static void
begin(void)
{
	size_t i;

	cluster_prepare(&c, 2);
	for (i = 0; i < 2; i++) {
		cluster_configure(&c, i, "supervise { heartbeat 0; "
		    "max-restarts 1000 }\n");
		daemon_launch(&c.node[i], NULL);
	}
	fd = redis_open(&c.node[0]);
	owner = redis_open(&c.node[1]);
}

static void
end(void)
{
	size_t i;

	for (i = 0; i < 2; i++)
		if (stopped[i] > 0)
			kill(stopped[i], SIGKILL);
	close(fd);
	close(owner);
	cluster_remove(&c);
}

TestSuite(nodes_redis_multi, .init = begin, .fini = end, .timeout = 120);

#define OK		"+OK\r\n"
#define Q		"+QUEUED\r\n"
#define NOTHING		"$-1\r\n"
#define CROSSSLOT	"-CROSSSLOT Keys in request don't hash to the same "   \
			"slot\r\n"
#define ABORTED		"-EXECABORT Transaction discarded because of previous "\
			"errors.\r\n"

/* The error begins with this code, the node, and has this text in it. */
static void
expect_error(int from, const char *code, const char *text)
{
	char line[512], front[128];

	cr_assert(talk_line(from, line, sizeof(line)));
	snprintf(front, sizeof(front), "-%s %s: ", code, c.node[1].name);
	cr_assert_eq(strncmp(line, front, strlen(front)), 0, "%s", line);
	cr_assert_not_null(strstr(line, text), "%s", line);
}

Test(nodes_redis_multi, are_executed_where_their_keys_are)
{
	talk(fd, "MULTI\r\nSET milk{m} 1\r\nHSET nuts{m} a 1 b 2\r\n"
	    "INCR milk{m}\r\nHGETALL nuts{m}\r\nMGET milk{m} none{m}\r\n",
	    OK Q Q Q Q Q);
	talk(owner, "EXISTS milk{m} nuts{m}\r\n", ":0\r\n");
	talk(fd, "EXEC\r\n", "*5\r\n" OK ":2\r\n:2\r\n*4\r\n$1\r\na\r\n"
	    "$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n*2\r\n$1\r\n2\r\n" NOTHING);
	talk(owner, "GET milk{m}\r\nHGET nuts{m} b\r\n",
	    "$1\r\n2\r\n$1\r\n2\r\n");
	talk(fd, "EXEC\r\n", "-ERR EXEC without MULTI\r\n");
}

Test(nodes_redis_multi, may_come_in_one_piece_with_what_is_around)
{
	talk(fd, "SET milk 1\r\nWATCH milk\r\nSET apples 1\r\nMULTI\r\n"
	    "INCR milk\r\nEXEC\r\nGET milk\r\nMULTI\r\nSET apples 2\r\n"
	    "EXEC\r\nMULTI\r\nEXEC\r\nGET apples\r\n",
	    OK OK OK OK Q "*1\r\n:2\r\n$1\r\n2\r\n" OK Q "*1\r\n" OK OK
	    "*0\r\n$1\r\n2\r\n");
}

Test(nodes_redis_multi, go_on_after_a_command_that_fails)
{
	talk(fd, "MULTI\r\nSET milk 1\r\nHSET milk a 1\r\nINCR milk\r\n"
	    "EXEC\r\n", OK Q Q Q "*3\r\n" OK "-WRONGTYPE Operation against a "
	    "key holding the wrong kind of value\r\n:2\r\n");
	talk(owner, "GET milk\r\n", "$1\r\n2\r\n");
}

/* Watched through one node, changed at the other. */
static void
lose(const char *change, const char *answer)
{
	talk(fd, "WATCH milk{m} nuts{m}\r\nMULTI\r\nSET lost{m} 1\r\n",
	    OK OK Q);
	talk(owner, change, answer);
	talk(fd, "EXEC\r\nGET lost{m}\r\n", "*-1\r\n" NOTHING);
	talk(fd, "MULTI\r\nEXEC\r\n", OK "*0\r\n");
}

Test(nodes_redis_multi, are_not_executed_if_what_is_watched_has_changed)
{
	lose("SET milk{m} 1\r\n", OK);
	lose("SET milk{m} 1\r\n", OK);
	lose("HSET nuts{m} a 1\r\n", ":1\r\n");
	lose("DEL milk{m}\r\n", ":1\r\n");
	talk(fd, "WATCH milk{m}\r\nSET milk{m} mine\r\nMULTI\r\nEXEC\r\n",
	    OK OK OK "*-1\r\n");
}

Test(nodes_redis_multi, are_executed_if_nothing_that_is_watched_has_changed)
{
	talk(fd, "SET milk{m} 1\r\nWATCH milk{m} none{m}\r\nWATCH milk{m}\r\n"
	    "SET other{m} 1\r\nGET milk{m}\r\nMULTI\r\nINCR milk{m}\r\n"
	    "EXEC\r\n", OK OK OK OK "$1\r\n1\r\n" OK Q "*1\r\n:2\r\n");
	talk(fd, "WATCH milk{m}\r\nUNWATCH\r\nSET milk{m} 5\r\nMULTI\r\n"
	    "EXEC\r\n", OK OK OK OK "*0\r\n");
	talk(fd, "WATCH milk{m}\r\nMULTI\r\nDISCARD\r\nSET milk{m} 6\r\n"
	    "MULTI\r\nGET milk{m}\r\nEXEC\r\n", OK OK OK OK OK Q
	    "*1\r\n$1\r\n6\r\n");
}

Test(nodes_redis_multi, may_watch_and_do_nothing)
{
	talk(fd, "WATCH milk\r\nMULTI\r\nPING\r\nEXEC\r\n",
	    OK OK Q "*1\r\n+PONG\r\n");
	talk(fd, "WATCH milk\r\nMULTI\r\nPING\r\n", OK OK Q);
	talk(owner, "SET milk 1\r\n", OK);
	talk(fd, "EXEC\r\n", "*-1\r\n");
}

Test(nodes_redis_multi, do_what_has_no_keys_for_the_client)
{
	talk(fd, "MULTI\r\nCLIENT SETNAME me\r\nSET milk 1\r\nPING hi\r\n"
	    "GET milk\r\nECHO ho\r\nSELECT 1\r\nEXEC\r\nCLIENT GETNAME\r\n",
	    OK Q Q Q Q Q Q "*6\r\n" OK OK "$2\r\nhi\r\n$1\r\n1\r\n"
	    "$2\r\nho\r\n-ERR DB index is out of range\r\n$2\r\nme\r\n");
	/* Nor is that done if nothing is. */
	talk(fd, "WATCH milk\r\nMULTI\r\nCLIENT SETNAME you\r\nGET milk\r\n",
	    OK OK Q Q);
	talk(owner, "SET milk 2\r\n", OK);
	talk(fd, "EXEC\r\nCLIENT GETNAME\r\n", "*-1\r\n$2\r\nme\r\n");
}

/* On all nodes, and not if something that is watched has changed. */
Test(nodes_redis_multi, say_on_channels_what_they_say_once_and_at_the_end)
{
	int other = redis_open(&c.node[1]);

	talk(other, "SUBSCRIBE news\r\n",
	    "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
	talk(fd, "WATCH milk\r\nMULTI\r\nGET milk\r\nPUBLISH news lost\r\n",
	    OK OK Q Q);
	talk(owner, "SET milk 1\r\n", OK);
	talk(fd, "EXEC\r\nMULTI\r\nPUBLISH news told\r\nINCR milk\r\n"
	    "EXEC\r\nPUBLISH news end\r\n",
	    "*-1\r\n" OK Q Q "*2\r\n:0\r\n:2\r\n:");
	talk_expect(other, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n"
	    "$4\r\ntold\r\n*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n"
	    "$3\r\nend\r\n");
	close(other);
}

Test(nodes_redis_multi, answer_in_the_version_that_is_spoken)
{
	redis_use_resp3(fd);
	talk(fd, "MULTI\r\nGET milk\r\nHGETALL milk\r\nEXEC\r\n",
	    OK Q Q "*2\r\n_\r\n%0\r\n");
	talk(fd, "WATCH milk\r\nSET milk 1\r\nMULTI\r\nEXEC\r\n",
	    OK OK OK "_\r\n");
}

Test(nodes_redis_multi, of_several_nodes_or_shards_change_nothing)
{
	talk(fd, "MULTI\r\nSET apples 1\r\nSET milk 1\r\nEXEC\r\n",
	    OK Q Q CROSSSLOT);
	talk(fd, "MULTI\r\nSET milk{m} 1\r\nSET milk{n} 1\r\nEXEC\r\n",
	    OK Q Q CROSSSLOT);
	talk(fd, "WATCH apples\r\nMULTI\r\nSET milk 1\r\nEXEC\r\n",
	    OK OK Q CROSSSLOT);
	talk(fd, "WATCH milk\r\nMULTI\r\nSET apples 1\r\nEXEC\r\n",
	    OK OK Q CROSSSLOT);
	/* One tag, two nodes. */
	talk(fd, "MULTI\r\nSET apples{m} 1\r\nSET milk{m} 1\r\nEXEC\r\n",
	    OK Q Q CROSSSLOT);
	talk(fd, "WATCH apples milk\r\n", CROSSSLOT);
	talk(fd, "MULTI\r\nSET milk 1\r\nDBSIZE\r\nEXEC\r\n",
	    OK Q Q CROSSSLOT);
	talk(fd, "MULTI\r\nEXISTS milk{m}\r\nEXISTS milk{n}\r\nEXEC\r\n",
	    OK Q Q CROSSSLOT);
	talk(owner, "EXISTS milk{m} milk{n}\r\n", ":0\r\n");
	talk(fd, "EXISTS apples apples{m}\r\n", ":0\r\n");
}

Test(nodes_redis_multi, with_an_error_in_the_queue_are_not_even_sent)
{
	talk(fd, "MULTI\r\nSET milk 1\r\nOBJECT NOSUCH milk\r\nEXEC\r\n",
	    OK Q "-ERR unknown subcommand 'NOSUCH'. Try OBJECT HELP.\r\n"
	    ABORTED);
	talk(fd, "MULTI\r\nSET milk 1\r\nGET\r\nWATCH milk\r\nEXEC\r\n",
	    OK Q "-ERR wrong number of arguments for 'get' command\r\n"
	    "-ERR WATCH inside MULTI is not allowed\r\n" ABORTED);
	talk(fd, "GET milk\r\n", NOTHING);
}

Test(nodes_redis_multi, keep_back_the_replies_that_a_client_does_not_want)
{
	talk(fd, "CLIENT REPLY OFF\r\nWATCH milk\r\nMULTI\r\nSET milk 1\r\n"
	    "EXEC\r\nMULTI\r\nSET milk 1\r\nSET apples 1\r\nEXEC\r\n"
	    "CLIENT REPLY ON\r\nGET milk\r\n", OK "$1\r\n1\r\n");
	talk(fd, "CLIENT REPLY SKIP\r\nWATCH milk\r\nMULTI\r\nEXEC\r\n",
	    OK "*0\r\n");
}

/* --- too much --- */

#define LARGE	((size_t)200 * 1024)

static void
send_large(int to, const char *command, const char *key)
{
	static char request[LARGE + 128];
	int len;

	len = snprintf(request, sizeof(request), "*3\r\n$%zu\r\n%s\r\n"
	    "$%zu\r\n%s\r\n$%zu\r\n", strlen(command), command, strlen(key),
	    key, LARGE);
	memset(request + len, 'v', LARGE);
	memcpy(request + len + LARGE, "\r\n", 3);
	talk_send_bytes(to, request, (size_t)len + LARGE + 2);
}

Test(nodes_redis_multi, that_no_frame_holds_are_refused_and_change_nothing)
{
	size_t i;

	talk(fd, "SET milk{m} 1\r\nMULTI\r\nINCR milk{m}\r\n", OK OK Q);
	for (i = 0; i < 40; i++) {
		send_large(fd, "SET", "many{m}");
		talk_expect(fd, Q);
	}
	talk_send(fd, "EXEC\r\n");
	expect_error(fd, "UNAVAILABLE", "takes no request as long as this");
	talk(fd, "GET milk{m}\r\nMULTI\r\nINCR milk{m}\r\nEXEC\r\n",
	    "$1\r\n1\r\n" OK Q "*1\r\n:2\r\n");
}

Test(nodes_redis_multi, whose_replies_no_frame_holds_change_nothing)
{
	size_t i;

	send_large(fd, "SET", "milk{m}");
	talk_expect(fd, OK);
	talk(fd, "MULTI\r\nINCR nuts{m}\r\n", OK Q);
	for (i = 0; i < 40; i++)
		talk(fd, "GET milk{m}\r\n", Q);
	talk(fd, "EXEC\r\nGET nuts{m}\r\n", "-EXECABORT Transaction "
	    "discarded because of: its replies are too large\r\n" NOTHING);
}

static void
stop_owner(void)
{
	int i, client[2];

	for (i = 0; i < 2; i++) {
		client[i] = talk_open_worker(&c.node[1], (unsigned)i);
		stopped[i] = (pid_t)talk_info(client[i], "server",
		    "worker_pid");
	}
	for (i = 0; i < 2; i++) {
		cr_assert_eq(kill(stopped[i], SIGSTOP), 0);
		talk_await_stop(stopped[i]);
		close(client[i]);
	}
}

Test(nodes_redis_multi, of_many_clients_wait_for_room_on_the_link)
{
	int clients[12];
	size_t i, j;

	for (i = 0; i < 12; i++) {
		clients[i] = redis_open(&c.node[0]);
		talk(clients[i], "WATCH milk{m}\r\nMULTI\r\n", OK OK);
		for (j = 0; j < 2; j++) {
			send_large(clients[i], "SET", "many{m}");
			talk_expect(clients[i], Q);
		}
		talk(clients[i], "INCR number{m}\r\n", Q);
	}
	stop_owner();
	for (i = 0; i < 12; i++)
		talk_send(clients[i], "EXEC\r\n");
	for (i = 0; i < 12; i++)
		talk_expect_silence(clients[i]);
	for (i = 0; i < 2; i++)
		cr_assert_eq(kill(stopped[i], SIGCONT), 0);
	memset(stopped, 0, sizeof(stopped));
	for (i = 0; i < 12; i++) {
		talk_expect(clients[i], "*3\r\n" OK OK ":");
		close(clients[i]);
	}
	talk_send(owner, "GET number{m}\r\n");
	talk_expect(owner, "$2\r\n12\r\n");
}

/* --- what breaks --- */

Test(nodes_redis_multi, of_a_node_that_is_down_are_over_and_not_executed)
{
	talk(fd, "WATCH milk\r\nMULTI\r\nSET milk 1\r\nPING\r\n", OK OK Q Q);
	cluster_kill(&c, 1);
	talk_send(fd, "EXEC\r\n");
	expect_error(fd, "UNAVAILABLE", "");
	talk(fd, "EXEC\r\nMULTI\r\nSET apples 1\r\nEXEC\r\n",
	    "-ERR EXEC without MULTI\r\n" OK Q "*1\r\n" OK);
	talk_send(fd, "WATCH milk\r\n");
	expect_error(fd, "UNAVAILABLE", "");
	daemon_launch(&c.node[1], NULL);
	do {
		talk_send(fd, "GET milk\r\n");
		usleep(10000);
	} while (read(fd, (char[256]){ 0 }, 256) != 5);
	talk(fd, "MULTI\r\nSET milk 1\r\nEXEC\r\n", OK Q "*1\r\n" OK);
}

/* It counts its revisions anew, and comes to the same ones. */
Test(nodes_redis_multi, know_a_node_that_has_begun_anew)
{
	talk(fd, "SET milk old\r\nWATCH milk\r\n", OK OK);
	close(owner);
	cluster_kill(&c, 1);
	daemon_launch(&c.node[1], FLAGS("-C"));
	owner = redis_open(&c.node[1]);
	talk(owner, "GET milk\r\nSET milk new\r\n", NOTHING OK);
	do {
		talk_send(fd, "GET milk\r\n");
		usleep(10000);
	} while (read(fd, (char[256]){ 0 }, 256) != 9);
	talk(fd, "MULTI\r\nSET milk lost\r\nEXEC\r\nGET milk\r\n",
	    OK Q "*-1\r\n$3\r\nnew\r\n");
}

/* The worker of which INFO says both; 0 if it has ended, or there is none. */
static pid_t
find_worker(int client, const char *text, const char *other)
{
	pid_t pid = talk_process_pid(client, text, other);

	return pid > 0 && kill(pid, 0) == 0 ? pid : 0;
}

/* Who has the one link to node 1, where any that were killed are back. */
static pid_t
worker_of_link(void)
{
	int client = talk_open(&c.node[1]);
	pid_t pid;

	while (find_worker(client, "instance=0", "state=serving") == 0 ||
	    find_worker(client, "instance=1", "state=serving") == 0 ||
	    (pid = find_worker(client, "role=worker", "links=1")) == 0)
		usleep(1000);
	close(client);
	return pid;
}

#ifdef KVD_DEBUG_COMMANDS
/* What a node counts it has sent. */
static void
send_exec(void)
{
	int other = talk_open(&c.node[0]);
	uint64_t before = talk_info(other, "stats", "forwarded");

	talk_send(fd, "EXEC\r\n");
	while (talk_info(other, "stats", "forwarded") == before)
		;
	close(other);
}

/* A client of node 1, of another worker than that one. */
static int
open_beside(pid_t worker)
{
	int client = talk_open_worker(&c.node[1], 0);

	if ((pid_t)talk_info(client, "server", "worker_pid") != worker)
		return client;
	close(client);
	return talk_open_worker(&c.node[1], 1);
}

/* The owner's worker dies where it waits for the lock, with all in hand. */
Test(nodes_redis_multi, in_hand_of_a_worker_that_dies_are_unknown_and_whole)
{
	pid_t holder, worker;
	int client;

	talk(fd, "SET milk{m} 1\r\n", OK);
	worker = worker_of_link();
	client = open_beside(worker);
	holder = (pid_t)talk_info(client, "server", "worker_pid");
	talk_send(client, "DEBUG STOP locked milk{m}\r\n");
	talk_await_stop(stopped[0] = holder);
	talk(fd, "MULTI\r\nINCR milk{m}\r\nHSET nuts{m} a 1\r\nPING\r\n",
	    OK Q Q Q);
	send_exec();
	talk_expect_silence(fd);
	cr_assert_eq(kill(worker, SIGKILL), 0);
	expect_error(fd, "UNKNOWN", "link lost after the request was sent");
	cr_assert_eq(kill(holder, SIGKILL), 0);
	stopped[0] = 0;
	close(client);
	talk(fd, "EXEC\r\n", "-ERR EXEC without MULTI\r\n");
	talk(fd, "MULTI\r\nGET milk{m}\r\nHEXISTS nuts{m} a\r\nEXEC\r\n",
	    OK Q Q "*2\r\n$1\r\n1\r\n:0\r\n");
}

static void
crash_by_exec(void)
{
	int client = redis_open(&c.node[0]);

	talk(client, "MULTI\r\nINCR milk\r\nDEBUG CRASH segv\r\n", OK Q Q);
	talk_send(client, "EXEC\r\n");
	talk_expect_end(client);
	close(client);
}

/* The other node is not even asked, so refused means not executed. */
Test(nodes_redis_multi, that_have_crashed_workers_are_refused)
{
	crash_by_exec();
	crash_by_exec();
	daemon_await_log(&c.node[0], "is refused for", 1);
	talk(owner, "GET milk\r\n", "$1\r\n2\r\n");
	close(fd);
	fd = redis_open(&c.node[0]);
	talk(fd, "MULTI\r\nINCR milk\r\nDEBUG CRASH segv\r\nEXEC\r\nEXEC\r\n",
	    OK Q Q "-REFUSED this request crashed a worker\r\n"
	    "-ERR EXEC without MULTI\r\n");
	talk(owner, "GET milk\r\n", "$1\r\n2\r\n");
}
#endif

#define KILLS	8
#define STEPS	100

static void
read_line(char line[64])
{
	cr_assert(talk_line(fd, line, 64));
}

/* Both keys are counted up together, many times. */
static void
queue_counting(void)
{
	int i;

	talk(fd, "MULTI\r\n", OK);
	for (i = 0; i < STEPS; i++)
		talk(fd, "INCR milk{m}\r\nHINCRBY nuts{m} a 1\r\n", Q Q);
}

/* False: it is not known whether they were. */
static bool
have_counted(void)
{
	char line[64];
	int i;

	read_line(line);
	if (line[0] != '*') {
		cr_assert_eq(strncmp(line, "-UNKNOWN ", 9), 0, "%s", line);
		return false;
	}
	for (i = 0; i < 2 * STEPS; i++)
		read_line(line);
	return true;
}

/* How often, as both say. */
static long
counted(void)
{
	char one[64], two[64];

	talk(fd, "MULTI\r\nGET milk{m}\r\nHGET nuts{m} a\r\n", OK Q Q);
	talk(fd, "EXEC\r\n", "*2\r\n");
	read_line(one);
	read_line(one);
	read_line(two);
	read_line(two);
	cr_assert_str_eq(one, two);
	cr_assert_eq(atol(one) % STEPS, 0, "%s", one);
	return atol(one) / STEPS;
}

/* What was answered is there; what is not known is so as a whole. */
Test(nodes_redis_multi, lose_nothing_and_are_never_halved_by_killed_workers)
{
	long known = 0, n;
	pid_t worker;
	unsigned i;

	talk(fd, "SET milk{m} 0\r\nHSET nuts{m} a 0\r\n", OK ":1\r\n");
	for (i = 0; i < KILLS; i++) {
		worker = worker_of_link();
		queue_counting();
		talk_send(fd, "EXEC\r\n");
		usleep(i * 200);
		cr_assert_eq(kill(worker, SIGKILL), 0);
		daemon_await_end(worker);
		known += have_counted();
		n = counted();
		cr_assert(n == known || n == known + 1, "%ld, %ld", n, known);
		known = n;
	}
}
