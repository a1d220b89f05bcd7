/*
 * Plain requests go a short way, many at a time.  Nobody may notice but by the
 * time it takes: the answers are the same, and so is what is counted, shown and
 * noted.
 */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shm/board.h"
#include "tests/proc/pipeline.h"

static struct daemon d;

static void
begin(void)
{
	int fd;

	daemon_prepare(&d, "memory 64M\nworkers 2\n");
	daemon_launch(&d, NULL);
	fd = talk_open(&d);
	talk(fd, "CREATE b\r\nPUT b k 1\r\n", "OK\r\nOK\r\n");
	close(fd);
}

static void
end(void)
{
	daemon_stop(&d);
}

TestSuite(batch, .init = begin, .fini = end, .timeout = 120);

Test(batch, of_lines_of_every_kind_is_answered_as_one_by_one)
{
	pipeline_compare(&d, PIPELINE_TEXT, 300);
}

Test(batch, in_resp2_of_every_kind_is_answered_as_one_by_one)
{
	pipeline_compare(&d, PIPELINE_RESP2, 400);
}

Test(batch, in_resp3_of_every_kind_is_answered_as_one_by_one)
{
	pipeline_compare(&d, PIPELINE_RESP3, 400);
}

struct exchange {
	const char	*request;
	const char	*reply;
};

static const struct exchange lines[] = {
	{ "GET b k\r\n", "1\r\nOK\r\n" },
	{ "PUT b l 22\n", "OK\r\n" },
	{ "GET b l\r\n", "22\r\nOK\r\n" },
	{ "GET b \"l\"\r\n", "22\r\nOK\r\n" },
	{ "PUT b l 333\r\n", "OK\r\n" },
	{ "COUNT b\r\n", "2\r\nOK\r\n" },
	{ "GET b l\r\n", "333\r\nOK\r\n" },
	{ "DELETE b l\r\n", "OK\r\n" }
};

static const struct exchange arrays[] = {
	{ "*4\r\n$4\r\nHSET\r\n$1\r\nh\r\n$1\r\nf\r\n$1\r\n1\r\n",
	    ":1\r\n" },
	{ "*3\r\n$4\r\nHGET\r\n$1\r\nh\r\n$1\r\nf\r\n", "$1\r\n1\r\n" },
	{ "*3\r\n$4\r\nHGET\r\n$1\r\nh\r\n$1\r\ng\r\n", "$-1\r\n" },
	{ "*2\r\n$4\r\nHLEN\r\n$1\r\nh\r\n", ":1\r\n" },
	{ "*3\r\n$3\r\nSET\r\n$1\r\ns\r\n$12\r\nabcdefghijkl\r\n",
	    "+OK\r\n" },
	{ "*2\r\n$3\r\nGET\r\n$1\r\ns\r\n", "$12\r\nabcdefghijkl\r\n" },
	{ "*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n", ":1\r\n" },
	{ "*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n", ":2\r\n" },
	{ "*4\r\n$3\r\nDEL\r\n$1\r\nh\r\n$1\r\ns\r\n$1\r\nn\r\n",
	    ":3\r\n" }
};

#define COUNT(v)	(sizeof(v) / sizeof((v)[0]))

/* What is there as a whole is answered before the rest comes. */
static void
talk_cut(int fd, const struct exchange *e, size_t n, size_t cut)
{
	char requests[512] = "";
	size_t i, len = 0;

	for (i = 0; i < n; i++)
		strcat(requests, e[i].request);
	talk_send_bytes(fd, requests, cut);
	for (i = 0; i < n && len + strlen(e[i].request) <= cut; i++) {
		len += strlen(e[i].request);
		talk_expect(fd, e[i].reply);
	}
	talk_send(fd, requests + cut);
	for (; i < n; i++)
		talk_expect(fd, e[i].reply);
}

static void
cut_everywhere(int fd, const struct exchange *e, size_t n)
{
	size_t i, len = 0;

	for (i = 0; i < n; i++)
		len += strlen(e[i].request);
	for (i = 0; i <= len; i++)
		talk_cut(fd, e, n, i);
	close(fd);
}

Test(batch, may_be_cut_at_every_byte)
{
	cut_everywhere(talk_open(&d), lines, COUNT(lines));
	cut_everywhere(redis_open(&d), arrays, COUNT(arrays));
}

#define HGET	"*3\r\n$4\r\nHGET\r\n$1\r\nb\r\n$1\r\nk\r\n"
#define HSET	"*4\r\n$4\r\nHSET\r\n$1\r\nb\r\n$1\r\nk\r\n$1\r\n1\r\n"

Test(batch, is_counted_and_shown_by_its_requests)
{
	int fd = redis_open_worker(&d, 0), other = redis_open_worker(&d, 0);
	int64_t before;
	char list[1024];

	redis_ask(fd, "CLIENT SETNAME me", "+OK");
	before = redis_info(other, "stats", "total_commands_processed");
	talk(fd, HGET HGET HSET HGET,
	    "$1\r\n1\r\n$1\r\n1\r\n:0\r\n$1\r\n1\r\n");
	/* The request that asks is one, too. */
	cr_assert_eq(redis_info(other, "stats", "total_commands_processed"),
	    before + 4 + 1);
	talk_send(other, "CLIENT LIST\r\n");
	do
		cr_assert(talk_line(other, list, sizeof(list)));
	while (strstr(list, "name=me ") == NULL);
	cr_assert_neq(strstr(list, " cmd=hget "), NULL, "%s", list);
	close(fd);
	close(other);
}

/* The other worker stops with the lock that the bucket's changes need. */
static pid_t
hold_bucket(int fd)
{
	pid_t pid = (pid_t)talk_info(fd, "server", "worker_pid");

	talk_send(fd, "DEBUG STOP locked b\r\n");
	talk_await_stop(pid);
	return pid;
}

static uint64_t
fingerprint_in_hand(int fd, int holder, const struct arena *arena,
    const char *requests, const char *replies)
{
	pid_t pid = hold_bucket(holder);
	struct board_row row;

	talk_send(fd, requests);
	do
		cr_assert(board_read(arena, BOARD_WORKER_SLOT, &row));
	while (row.fingerprint == 0);
	kill(pid, SIGCONT);
	talk_expect(holder, "OK\r\n");
	talk_expect(fd, replies);
	return row.fingerprint;
}

/* The line with an escape is no plain one. */
Test(batch, is_accused_of_a_crash_as_its_request_would_be)
{
	int fd = talk_open_worker(&d, 0), holder = talk_open_worker(&d, 1);
	struct arena *arena;
	uint64_t one, some, alone;

	cr_assert_eq(arena_attach(&arena, d.name, geteuid()), ARENA_OK);
	some = fingerprint_in_hand(fd, holder, arena, "PUT b key 1\r\n"
	    "PUT b k 2\r\nPUT b k 3\r\n", "OK\r\nOK\r\nOK\r\n");
	one = fingerprint_in_hand(fd, holder, arena, "PUT b key 1\r\n",
	    "OK\r\n");
	alone = fingerprint_in_hand(fd, holder, arena,
	    "PUT b \"\\x6bey\" 1\r\n", "OK\r\n");
	cr_assert_eq(some, alone);
	cr_assert_eq(one, alone);
	arena_close(arena);
	close(fd);
	close(holder);
}

Test(batch, that_waits_for_a_lock_is_noted_by_the_request_that_did)
{
	const struct timespec long_enough = { .tv_nsec = 300000000 };
	int fd = talk_open_worker(&d, 0), holder = talk_open_worker(&d, 1);
	int other = redis_open_worker(&d, 0);
	char line[64];
	pid_t pid;

	redis_ask(other, "CONFIG SET slowlog-log-slower-than 250000", "+OK");
	pid = hold_bucket(holder);
	talk_send(fd, "GET b k\r\nPUT b k 2\r\nPUT b k 3\r\nGET b k\r\n");
	nanosleep(&long_enough, NULL);
	kill(pid, SIGCONT);
	talk_expect(fd, "1\r\nOK\r\nOK\r\nOK\r\n3\r\nOK\r\n");
	talk_expect(holder, "OK\r\n");
	/* The request that held it is the other one. */
	redis_ask(other, "SLOWLOG LEN", ":2");
	talk_send(other, "SLOWLOG GET\r\n");
	do
		cr_assert(talk_line(other, line, sizeof(line)));
	while (strcmp(line, "PUT") != 0);
	talk_expect(other, "$1\r\nb\r\n$1\r\nk\r\n$1\r\n2\r\n");
	close(fd);
	close(holder);
	close(other);
}
