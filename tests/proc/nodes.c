/*
 * Any node answers for any bucket, byte for byte as its owner does.
 */

#include <sys/socket.h>

#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shm/arena.h"
#include "shm/board.h"
#include "tests/proc/cluster.h"

static struct cluster c;
static pid_t stopped[4];	/* 0: none; they end by nothing else */

static void
begin(void)
{
	cluster_start(&c, 3);
}

static void
end(void)
{
	size_t i;

	for (i = 0; i < 4; i++)
		if (stopped[i] > 0)
			kill(stopped[i], SIGKILL);
	cluster_remove(&c);
}

TestSuite(nodes, .init = begin, .fini = end, .timeout = 120);

/* One bucket of each node's. */
static const char *const buckets[] = { "apples", "milk", "zebras" };

/* B stands for the bucket. */
static const struct {
	const char	*request;
	const char	*reply;
} session[] = {
	{ "GET B k", "NOT FOUND" },
	{ "PUT B k v", "NOT FOUND" },
	{ "KEYS B", "NOT FOUND" },
	{ "CREATE B", "OK" },
	{ "CREATE B", "OK" },
	{ "GET B k", "\r\nOK" },
	{ "PUT B k \"two words\\n\"", "OK" },
	{ "GET B k", "\"two words\\n\"\r\nOK" },
	{ "get B k", "\"two words\\n\"\r\nOK" },
	{ "MPUT B a 1 b 2 c OK", "OK" },
	{ "MGET B a x c b", "1\r\n\r\n\"OK\"\r\n2\r\nOK" },
	{ "COUNT B", "4\r\nOK" },
	{ "DELETE B b", "OK" },
	{ "DELETE B b", "OK" },
	{ "COUNT B", "3\r\nOK" },
	{ "PUT B", "UNKNOWN COMMAND" },
	{ "PUT B k \"", "ERROR unbalanced quote at 15" },
	{ "NONSENSE B", "UNKNOWN COMMAND" },
	{ "DROP B", "OK" },
	{ "GET B k", "NOT FOUND" },
};

static void
put_bucket(const char *text, const char *bucket, char *out)
{
	for (; *text != '\0'; text++) {
		if (*text == 'B')
			out = stpcpy(out, bucket);
		else
			*out++ = *text;
	}
	strcpy(out, "\r\n");
}

/* Where the error is depends on how long the bucket's name is. */
static const char *
reply_of(size_t i, const char *bucket)
{
	static char text[64];

	if (strncmp(session[i].reply, "ERROR unb", 9) != 0)
		return session[i].reply;
	snprintf(text, sizeof(text), "ERROR unbalanced quote at %zu",
	    strlen("PUT  k \"") + strlen(bucket));
	return text;
}

static void
hold_session(int fd, const char *bucket)
{
	char request[128], reply[128];
	size_t i;

	for (i = 0; i < sizeof(session) / sizeof(session[0]); i++) {
		put_bucket(session[i].request, bucket, request);
		snprintf(reply, sizeof(reply), "%s\r\n", reply_of(i, bucket));
		talk(fd, request, reply);
	}
}

Test(nodes, say_the_same_whoever_is_asked_for_whatever)
{
	size_t i, j;
	int fd;

	for (i = 0; i < c.n; i++)
		for (j = 0; j < c.n; j++) {
			fd = talk_open(&c.node[i]);
			hold_session(fd, buckets[j]);
			close(fd);
		}
}

Test(nodes, answer_a_pipeline_over_all_of_them_in_its_order)
{
	char request[64], line[64], expected[64];
	int fd = talk_open(&c.node[1]), i;

	for (i = 0; i < 3; i++) {
		snprintf(request, sizeof(request), "CREATE %s\r\n",
		    buckets[i]);
		talk(fd, request, "OK\r\n");
	}
	for (i = 0; i < 3000; i++) {
		snprintf(request, sizeof(request),
		    "PUT %s k %d\r\nGET %s k\r\n", buckets[i * 7 / 5 % 3], i,
		    buckets[i * 7 / 5 % 3]);
		talk_send(fd, request);
	}
	for (i = 0; i < 3000; i++) {
		talk_expect(fd, "OK\r\n");
		cr_assert(talk_line(fd, line, sizeof(line)));
		snprintf(expected, sizeof(expected), "%d", i);
		cr_assert_str_eq(line, expected);
		talk_expect(fd, "OK\r\n");
	}
}

Test(nodes, answer_a_bad_line_in_its_place)
{
	int fd = talk_open(&c.node[0]), i;

	talk(fd, "CREATE milk\r\nPUT milk k v\r\n", "OK\r\nOK\r\n");
	for (i = 0; i < 100; i++) {
		talk_send(fd, "GET milk k\r\nPUT milk k \"\r\n\r\n"
		    "GET milk k\r\n");
		talk_expect(fd, "v\r\nOK\r\n"
		    "ERROR unbalanced quote at 12\r\nv\r\nOK\r\n");
	}
}

/* With more in flight than a client may have. */
Test(nodes, pass_many_large_replies_and_small_ones_between)
{
	enum { LONG = 100000, ROUNDS = 300 };
	static char value[LONG + 1], request[ROUNDS * 32];
	int fd = talk_open(&c.node[0]), i;

	memset(value, 'v', LONG);
	talk(fd, "CREATE milk\r\nPUT milk k w\r\n", "OK\r\nOK\r\n");
	talk_send(fd, "PUT milk long ");
	talk_send(fd, value);
	talk(fd, "\r\n", "OK\r\n");
	for (i = 0; i < ROUNDS; i++)
		memcpy(request + (size_t)i * 27,
		    "GET milk long\r\nGET milk k\r\n", 27);
	request[ROUNDS * 27] = '\0';
	talk_send(fd, request);
	for (i = 0; i < ROUNDS; i++) {
		talk_expect(fd, value);
		talk_expect(fd, "\r\nOK\r\nw\r\nOK\r\n");
	}
}

/* More than one frame may have, and more than one reply may. */
Test(nodes, pass_long_values_and_long_lists)
{
	enum { KEYS = 20000, LONG = 1000000 };
	static char value[LONG + 32], reply[LONG + 64];
	int fd = talk_open(&c.node[0]), i, n = 0;
	char line[64];

	talk(fd, "CREATE milk\r\n", "OK\r\n");
	memset(value, 'v', LONG);
	snprintf(reply, sizeof(reply), "%s\r\nOK\r\n", value);
	talk_send(fd, "PUT milk long ");
	talk_send(fd, value);
	talk(fd, "\r\n", "OK\r\n");
	talk(fd, "GET milk long\r\n", reply);
	talk(fd, "DELETE milk long\r\n", "OK\r\n");
	for (i = 0; i < KEYS; i++) {
		snprintf(value, sizeof(value), "PUT milk k%d %d\r\n", i, i);
		talk_send(fd, value);
		if (i % 100 == 99)
			for (n = 0; n < 100; n++)
				talk_expect(fd, "OK\r\n");
	}
	talk_send(fd, "KEYS milk\r\n");
	for (n = 0; talk_line(fd, line, sizeof(line)) &&
	    strcmp(line, "OK") != 0; n++)
		cr_assert_eq(line[0], 'k');
	cr_assert_eq(n, KEYS);
	talk(fd, "COUNT milk\r\n", "20000\r\nOK\r\n");
}

static void
reload(size_t node, int times)
{
	daemon_kill(&c.node[node], SIGHUP);
	daemon_await_log(&c.node[node], "configuration reloaded", times);
}

/* The links of others take no places of its clients. */
Test(nodes, that_have_no_room_for_clients_are_not_down)
{
	int fd[2], i;

	for (i = 0; i < 3; i++)
		cluster_configure(&c, (size_t)i, "limits { clients 2 }\n");
	reload(1, 1);
	for (i = 0; i < 2; i++) {
		fd[i] = talk_open(&c.node[1]);
		talk(fd[i], "COUNT none\r\n", "NOT FOUND\r\n");
	}
	talk_once(&c.node[1], "", "ERROR too many connections\r\n");
	talk_once(&c.node[0], "CREATE milk\r\n", "OK\r\n");
	talk_once(&c.node[2], "GET milk k\r\n", "\r\nOK\r\n");
	cr_assert_geq(talk_info(fd[0], "clients", "links"), 2);
	cr_assert_eq(talk_info(fd[0], "clients", "clients"), 2);
}

/* A node follows no more for others than it might have clients itself. */
Test(nodes, follow_a_bounded_number_of_buckets_for_each_other)
{
	static const char *const names[] = { "i", "j", "k" };
	char request[64];
	int fd, i;

	cluster_configure(&c, 1, "limits { clients 2 }\n");
	reload(1, 1);
	for (i = 0; i < 3; i++) {
		fd = talk_open_worker(&c.node[0], 0);
		snprintf(request, sizeof(request), "CREATE %s\r\n", names[i]);
		talk(fd, request, "OK\r\n");
		snprintf(request, sizeof(request), "SUBSCRIBE %s\r\n",
		    names[i]);
		talk_send(fd, request);
		if (i < 2)
			talk_await_subscribers(&c.node[0], (uint64_t)i + 1);
	}
	talk_expect(fd, "ERROR too many subscriptions\r\n");
	talk(fd, "COUNT k\r\n", "0\r\nOK\r\n");
}

/* What is said of a node, up to the reason. */
static void
expect_error(int fd, const char *request, const char *class, size_t node)
{
	char line[256], expected[128];

	snprintf(expected, sizeof(expected), "ERROR %s: %s: ", class,
	    c.node[node].name);
	talk_send(fd, request);
	cr_assert(talk_line(fd, line, sizeof(line)));
	cr_assert_eq(strncmp(line, expected, strlen(expected)), 0, "%s", line);
}

/* Until the node of milk is found again. */
static void
await_count(int fd)
{
	char line[256];

	do {
		talk_send(fd, "COUNT milk\r\n");
		cr_assert(talk_line(fd, line, sizeof(line)));
	} while (strncmp(line, "ERROR unavailable: ", 19) == 0);
	cr_assert_str_eq(line, "0");
	talk_expect(fd, "OK\r\n");
	close(fd);
}

Test(nodes, that_is_dead_costs_its_own_buckets_only)
{
	int fd = talk_open(&c.node[0]), i;

	talk(fd, "CREATE milk\r\nCREATE zebras\r\n", "OK\r\nOK\r\n");
	cluster_kill(&c, 1);
	/* The links of its workers break first. */
	for (i = 0; i < 100; i++) {
		expect_error(fd, "GET milk k\r\n", "unavailable", 1);
		talk(fd, "PUT zebras k v\r\n", "OK\r\n");
	}
	close(fd);
	daemon_launch(&c.node[1], NULL);
	for (i = 0; i < 2; i++)
		await_count(talk_open_worker(&c.node[0], (unsigned)i));
}

/* A worker's part of INFO workers, as a connection of another sees it. */
struct worker_line {
	pid_t		 pid;
	unsigned	 links;
	bool		 serves;
};

static struct worker_line
look_at_worker(int fd, unsigned worker)
{
	struct worker_line found = { 0 };
	char line[512], text[64];

	snprintf(text, sizeof(text), "role=worker,instance=%u,", worker);
	talk_send(fd, "INFO workers\r\n");
	while (talk_line(fd, line, sizeof(line)) && strcmp(line, "OK") != 0) {
		if (strstr(line, text) == NULL)
			continue;
		found.pid = atoi(strstr(line, "pid=") + 4);
		found.links = (unsigned)atoi(strstr(line, "links=") + 6);
		found.serves = strstr(line, "state=serving") != NULL;
	}
	return found;
}

/* Stop the worker of a node that has the one link to it. */
static void
pause_worker_of_link(size_t node)
{
	int fd = talk_open(&c.node[node]);
	unsigned mine = (unsigned)talk_info(fd, "server", "worker");
	struct worker_line line, other;

	/* One that was killed is back, and who hung up has been seen to. */
	do {
		line = look_at_worker(fd, mine);
		other = look_at_worker(fd, 1 - mine);
	} while (!line.serves || !other.serves ||
	    line.links + other.links != 1);
	if (other.links == 1)
		line = other;
	close(fd);
	stopped[0] = line.pid;
	cr_assert_eq(kill(line.pid, SIGSTOP), 0);
	talk_await_stop(line.pid);
}

static void
kill_paused_worker(void)
{
	cr_assert_eq(kill(stopped[0], SIGKILL), 0);
	daemon_await_end(stopped[0]);
	stopped[0] = 0;
}

/* What it counts it has sent. */
static void
send_and_await(int fd, const char *request)
{
	int other = talk_open(&c.node[0]);
	uint64_t before = talk_info(other, "stats", "forwarded");

	talk_send(fd, request);
	while (talk_info(other, "stats", "forwarded") == before)
		;
	close(other);
}

/* Reads are asked again, of changes it is said that nobody knows. */
Test(nodes, tell_what_became_of_requests_to_a_worker_that_was_killed)
{
	int fd = talk_open(&c.node[0]), i;

	talk(fd, "CREATE milk\r\n", "OK\r\n");
	for (i = 0; i < 2; i++) {
		talk(fd, "PUT milk k v\r\n", "OK\r\n");
		pause_worker_of_link(1);
		send_and_await(fd, "GET milk k\r\n");
		kill_paused_worker();
		talk_expect(fd, "v\r\nOK\r\n");
		pause_worker_of_link(1);
		send_and_await(fd, "PUT milk k w\r\n");
		kill_paused_worker();
		expect_error(fd, "PUT zebras k v\r\n", "unknown", 1);
		talk_expect(fd, "NOT FOUND\r\n");
		talk(fd, "GET milk k\r\n", "v\r\nOK\r\n");
	}
}

/* All processes of a node. */
static void
stop_node(size_t node)
{
	int fd = talk_open(&c.node[node]), i;
	pid_t pid[4];

	pid[0] = talk_process_pid(fd, "role=master", "");
	pid[1] = talk_process_pid(fd, "role=cleaner", "");
	pid[2] = talk_process_pid(fd, "role=worker,instance=0", "");
	pid[3] = talk_process_pid(fd, "role=worker,instance=1", "");
	close(fd);
	for (i = 0; i < 4; i++) {
		cr_assert_gt(stopped[i] = pid[i], 0);
		cr_assert_eq(kill(pid[i], SIGSTOP), 0);
	}
	for (i = 0; i < 4; i++)
		talk_await_stop(pid[i]);
}

/* To go on, or to end. */
static void
signal_stopped(int signal)
{
	int i;

	for (i = 0; i < 4; i++)
		cr_assert_eq(kill(stopped[i], signal), 0);
	memset(stopped, 0, sizeof(stopped));
}

Test(nodes, that_does_not_answer_is_given_up_and_found_again)
{
	int fd = talk_open(&c.node[0]), i;
	char line[256];

	talk(fd, "CREATE milk\r\nPUT milk k v\r\n", "OK\r\nOK\r\n");
	stop_node(1);
	expect_error(fd, "PUT milk k w\r\n", "unknown", 1);
	talk(fd, "CREATE zebras\r\n", "OK\r\n");
	/* It is connected to, and does not greet. */
	expect_error(fd, "GET milk k\r\n", "unavailable", 1);
	signal_stopped(SIGKILL);
	cr_assert_eq(daemon_wait(&c.node[1]), 1000 + SIGKILL);
	for (i = 0; i < 10; i++)
		expect_error(fd, "GET milk k\r\n", "unavailable", 1);
	daemon_launch(&c.node[1], NULL);
	do {
		talk_send(fd, "GET milk k\r\n");
		cr_assert(talk_line(fd, line, sizeof(line)));
	} while (strncmp(line, "ERROR unavailable: ", 19) == 0);
	talk_expect(fd, "OK\r\n");
}

/* Seconds of processor time that a process has used. */
static double
processor_s(pid_t pid)
{
	struct timespec ts;
	clockid_t clock;

	cr_assert_eq(clock_getcpuclockid(pid, &clock), 0);
	cr_assert_eq(clock_gettime(clock, &ts), 0);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Half a second is not waited for anything, but watched. */
Test(nodes, do_not_work_while_they_wait_for_another)
{
	int fd = talk_open(&c.node[0]);
	pid_t asked;
	double used_s;

	talk(fd, "CREATE milk\r\nPUT milk k v\r\n", "OK\r\nOK\r\n");
	asked = (pid_t)talk_info(fd, "server", "worker_pid");
	stop_node(1);
	talk_send(fd, "GET milk k\r\n");
	used_s = processor_s(asked);
	poll(NULL, 0, 500);
	used_s = processor_s(asked) - used_s;
	signal_stopped(SIGCONT);
	talk_expect(fd, "v\r\nOK\r\n");
	cr_assert_lt(used_s, 0.1, "%g s", used_s);
}

/* Until so many requests in all have been meant for other nodes. */
static void
await_forwarded(int fd, uint64_t n)
{
	while (talk_info(fd, "stats", "forwarded") < n)
		;
}

/* A link takes 53 of these, and is full. */
static void
fill_link(int fd, int n)
{
	static char value[20001];

	memset(value, 'v', sizeof(value) - 1);
	for (; n > 0; n--) {
		talk_send(fd, "PUT milk long ");
		talk_send(fd, value);
		talk_send(fd, "\r\n");
	}
}

/* Not in the order of their connections; and each request counts once. */
Test(nodes, that_are_slow_are_asked_in_the_order_of_the_requests)
{
	enum { MANY = 60, LATE = 3 };
	int look = talk_open(&c.node[0]), fd[LATE + 1], i;
	char request[64];
	uint64_t before;

	for (i = LATE; i >= 0; i--)
		fd[i] = talk_open_worker(&c.node[0], 0);
	talk(fd[LATE], "CREATE milk\r\n", "OK\r\n");
	before = talk_info(look, "stats", "forwarded");
	stop_node(1);
	fill_link(fd[LATE], MANY);
	await_forwarded(look, before + 54);
	for (i = 0; i < LATE; i++) {
		snprintf(request, sizeof(request), "PUT milk k %d\r\n", i);
		before = talk_info(look, "stats", "forwarded");
		talk_send(fd[i], request);
		await_forwarded(look, before + 1);
	}
	signal_stopped(SIGCONT);
	for (i = 0; i < MANY; i++)
		talk_expect(fd[LATE], "OK\r\n");
	for (i = 0; i < LATE; i++)
		talk_expect(fd[i], "OK\r\n");
	talk(fd[0], "GET milk k\r\n", "2\r\nOK\r\n");
	cr_assert_eq(talk_info(look, "stats", "forwarded"), MANY + LATE + 2);
}

/* As many lines before OK; the last line otherwise goes to end. */
static int
count_buckets(int fd, char *end, size_t size)
{
	int n = 0;

	talk_send(fd, "BUCKETS\r\n");
	while (talk_line(fd, end, size) && strcmp(end, "OK") != 0 &&
	    strncmp(end, "ERROR ", 6) != 0)
		n++;
	return n;
}

Test(nodes, list_the_buckets_of_all_and_say_who_did_not_answer)
{
	int fd = talk_open(&c.node[1]), i;
	char request[128], line[256];

	cr_assert_eq(count_buckets(fd, line, sizeof(line)), 0);
	for (i = 0; i < 300; i++) {
		snprintf(request, sizeof(request), "CREATE %c%d\r\n",
		    "amz"[i % 3], i);
		talk(fd, request, "OK\r\n");
	}
	/* What is asked before is done before. */
	talk_send(fd, "CREATE apples\r\nCREATE zebras\r\n");
	talk_send(fd, "DROP apples\r\n");
	talk_expect(fd, "OK\r\nOK\r\nOK\r\n");
	cr_assert_eq(count_buckets(fd, line, sizeof(line)), 301);
	cr_assert_str_eq(line, "OK");
	cluster_kill(&c, 2);
	cr_assert_eq(count_buckets(fd, line, sizeof(line)), 200);
	snprintf(request, sizeof(request), "ERROR partial: %s: ",
	    c.node[2].name);
	cr_assert_eq(strncmp(line, request, strlen(request)), 0, "%s", line);
}

Test(nodes, tell_their_clients_what_happens_on_others)
{
	int sub[4], i;

	talk_once(&c.node[1], "CREATE milk\r\n", "OK\r\n");
	for (i = 0; i < 4; i++) {
		sub[i] = talk_open(&c.node[0]);
		talk_send(sub[i], "SUBSCRIBE milk\r\n");
	}
	talk_await_subscribers(&c.node[0], 4);
	talk_once(&c.node[1], "PUT milk k v\r\n", "OK\r\n");
	talk_once(&c.node[2], "MPUT milk a 1 b \"x y\"\r\n", "OK\r\n");
	talk_once(&c.node[0], "DELETE milk k\r\n", "OK\r\n");
	for (i = 0; i < 4; i++)
		talk_expect(sub[i], "k SET TO v\r\na SET TO 1\r\n"
		    "b SET TO \"x y\"\r\nk DELETED\r\n");
	close(sub[0]);
	talk_await_subscribers(&c.node[0], 3);
	talk_once(&c.node[0], "PUT milk c 3\r\nDROP milk\r\n",
	    "OK\r\nOK\r\n");
	for (i = 1; i < 4; i++) {
		talk_expect(sub[i], "c SET TO 3\r\nNOT FOUND\r\n");
		talk_expect_end(sub[i]);
	}
	talk_await_subscribers(&c.node[0], 0);
}

/* The worker that serves the only link of another node, and its request. */
static unsigned
worker_with_link(const struct arena *arena, struct board_row *row)
{
	unsigned i;

	for (i = 0; i < 2; i++)
		if (board_read(arena, BOARD_WORKER_SLOT + i, row) &&
		    row->counters[BOARD_LINKS] > 0)
			break;
	cr_assert_lt(i, 2);
	return i;
}

/* If it crashes the worker, it is known which request it was. */
Test(nodes, have_in_hand_what_others_subscribe_to)
{
	int fd = talk_open_worker(&c.node[0], 0), holder;
	struct board_row row;
	struct arena *arena;
	pid_t pid;

	talk(fd, "CREATE milk\r\n", "OK\r\n");
	cr_assert_eq(arena_attach(&arena, c.node[1].name, geteuid()),
	    ARENA_OK);
	/* The other one keeps the lock that is needed for it. */
	holder = talk_open_worker(&c.node[1],
	    1 - worker_with_link(arena, &row));
	pid = (pid_t)talk_info(holder, "server", "worker_pid");
	talk_send(holder, "DEBUG STOP locked milk\r\n");
	talk_await_stop(pid);
	talk_send(fd, "SUBSCRIBE milk\r\n");
	do
		worker_with_link(arena, &row);
	while (row.fingerprint == 0);
	kill(pid, SIGCONT);
	talk_await_subscribers(&c.node[0], 1);
	arena_close(arena);
}

Test(nodes, refuse_to_follow_what_is_not_there)
{
	int fd = talk_open(&c.node[0]);

	talk(fd, "SUBSCRIBE milk\r\nCREATE milk\r\n",
	    "NOT FOUND\r\nOK\r\n");
	cluster_kill(&c, 1);
	expect_error(fd, "SUBSCRIBE milk\r\n", "unavailable", 1);
	talk(fd, "CREATE apples\r\n", "OK\r\n");
}

Test(nodes, tell_subscribers_of_a_gap_and_of_its_end)
{
	int sub = talk_open(&c.node[0]);
	char line[128], expected[128];

	talk_once(&c.node[1], "CREATE milk\r\n", "OK\r\n");
	talk_send(sub, "SUBSCRIBE milk\r\n");
	talk_await_subscribers(&c.node[0], 1);
	cluster_kill(&c, 1);
	cr_assert(talk_line(sub, line, sizeof(line)));
	snprintf(expected, sizeof(expected), "LOST %s", c.node[1].name);
	cr_assert_str_eq(line, expected);
	daemon_launch(&c.node[1], NULL);
	cr_assert(talk_line(sub, line, sizeof(line)));
	snprintf(expected, sizeof(expected), "RESUMED %s", c.node[1].name);
	cr_assert_str_eq(line, expected);
	talk_once(&c.node[1], "PUT milk k v\r\n", "OK\r\n");
	talk_expect(sub, "k SET TO v\r\n");
}

/* Workers that leave say so on their links, and nothing is lost. */
Test(nodes, lose_nothing_when_another_one_reloads)
{
	int fd = talk_open(&c.node[0]), i, j;

	talk(fd, "CREATE milk\r\n", "OK\r\n");
	for (i = 1; i <= 10; i++) {
		daemon_kill(&c.node[1], SIGHUP);
		for (j = 0; j < 200; j++)
			talk(fd, "PUT milk k v\r\n", "OK\r\n");
		daemon_await_log(&c.node[1], "configuration reloaded", i);
	}
	reload(0, 1);
	talk_once(&c.node[0], "GET milk k\r\n", "v\r\nOK\r\n");
}
