/*
 * In a large store a worker parses requests ahead.  Nobody may notice: a
 * pipeline is answered as its requests are one by one, whatever comes in the
 * midst of it.  A worker finds out how large the store is when it starts, so
 * each of these is a fresh one.
 */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/proc/pipeline.h"

#define KEYS		60000U
#define AT_ONCE		3000U	/* in an MPUT */

static struct daemon d;

static void
fill(int fd)
{
	char *line = malloc(32 + AT_ONCE * 16);
	unsigned i, j;
	int len;

	for (i = 0; i < KEYS; i += AT_ONCE) {
		len = sprintf(line, "MPUT b");
		for (j = i; j < i + AT_ONCE; j++)
			len += sprintf(line + len, " k%u %u", j, j);
		sprintf(line + len, "\r\n");
		talk(fd, line, "OK\r\n");
	}
	free(line);
}

static void
begin_as(const char *conf, const char *requests, const char *replies)
{
	pid_t old;
	int fd;

	daemon_prepare(&d, conf);
	daemon_launch(&d, NULL);
	fd = talk_open(&d);
	talk(fd, requests, replies);
	fill(fd);
	old = (pid_t)talk_info(fd, "server", "worker_pid");
	cr_assert_eq(kill(old, SIGKILL), 0);
	talk_expect_end(fd);
	close(fd);
}

static void
begin(void)
{
	begin_as("memory 64M\nworkers 1\n", "CREATE b\r\n", "OK\r\n");
}

static void
begin_with_password(void)
{
	/* The file with the password is for nobody else. */
	(void)umask(077);
	begin_as("memory 64M\nworkers 1\npassword fifteen-letters\n",
	    "AUTH fifteen-letters\r\nCREATE b\r\n", "OK\r\nOK\r\n");
}

static void
end(void)
{
	daemon_stop(&d);
}

TestSuite(ahead, .init = begin, .fini = end, .timeout = 120);

/* The bytes are all there when the worker looks. */
static void
talk_at_once(int fd, const char *requests, const char *replies)
{
	int other = talk_open(&d);
	pid_t worker = talk_pause_worker(other);

	talk_send(fd, requests);
	cr_assert_eq(kill(worker, SIGCONT), 0);
	talk_expect(fd, replies);
	close(other);
}

Test(ahead, lines_of_every_kind_are_answered_in_their_order)
{
	int fd = talk_open(&d);

	talk_at_once(fd,
	    "GET b k1\r\nPUT b k2 two\r\nGET b k2\r\n\r\n  \r\nGET b k59999\r\n"
	    "PUT b \"k\\x332\" \"a b\\tc\"\r\nGET b k32\r\nGET b \"k32\"\r\n"
	    "get b k3 k4\r\nNOSUCH\r\nGET nosuch k\r\nGET b \"k\r\n"
	    "DELETE b k1\r\nGET b k1\nMGET b k1 k2 k3 k4 k5 k6\r\n"
	    "PUT b k4 1\r\nPUT b k4 2\r\nGET b k4\r\nCOUNT b\r\nPING\r\n",
	    "1\r\nOK\r\n" "OK\r\n" "two\r\nOK\r\n" "59999\r\nOK\r\n"
	    "OK\r\n" "\"a b\\tc\"\r\nOK\r\n" "\"a b\\tc\"\r\nOK\r\n"
	    "UNKNOWN COMMAND\r\n" "UNKNOWN COMMAND\r\n" "NOT FOUND\r\n"
	    "ERROR unbalanced quote at 7\r\n"
	    "OK\r\n" "\r\nOK\r\n" "\r\ntwo\r\n3\r\n4\r\n5\r\n6\r\nOK\r\n"
	    "OK\r\n" "OK\r\n" "2\r\nOK\r\n" "59999\r\nOK\r\n" "PONG\r\n");
	close(fd);
}

Test(ahead, nothing_is_answered_behind_a_farewell)
{
	int fd = talk_open(&d);

	talk_at_once(fd, "GET b k1\r\nQUIT\r\nPUT b k1 x\r\nGET b k1\r\n",
	    "1\r\nOK\r\nOK\r\n");
	talk_expect_end(fd);
	close(fd);
	talk_once(&d, "GET b k1\r\n", "1\r\nOK\r\n");
}

Test(ahead, what_follows_a_subscription_is_not_asked)
{
	int fd = talk_open(&d), other;

	talk_at_once(fd, "GET b k1\r\nSUBSCRIBE b\r\nPUT b k1 x\r\n",
	    "1\r\nOK\r\n");
	talk_await_subscribers(&d, 1);
	other = talk_open(&d);
	talk(other, "PUT b k2 y\r\n", "OK\r\n");
	talk_expect(fd, "k2 SET TO y\r\n");
	close(other);
	close(fd);
}

#define HGET_1	"*3\r\n$4\r\nHGET\r\n$1\r\nb\r\n$2\r\nk1\r\n"

Test(ahead, requests_in_resp_are_answered_in_their_order_and_version)
{
	int fd = redis_open(&d);

	talk_at_once(fd,
	    HGET_1 "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n"
	    "*3\r\n$4\r\nHGET\r\n$1\r\nb\r\n$2\r\nno\r\n" "HGET b k2\r\n"
	    "*3\r\n$3\r\nSET\r\n$1\r\ns\r\n$1\r\n1\r\n"
	    "*2\r\n$4\r\nINCR\r\n$1\r\ns\r\n" "*1\r\n$5\r\nMULTI\r\n" HGET_1
	    "*2\r\n$4\r\nINCR\r\n$1\r\ns\r\n" "*1\r\n$7\r\nDISCARD\r\n"
	    "*0\r\n" "\r\n" "*1\r\n$6\r\nNOSUCH\r\n" HGET_1 "*1\r\n$1x\r\n",
	    "$1\r\n1\r\n");
	redis_skip_hello(fd);
	talk_expect(fd,
	    "_\r\n" "$1\r\n2\r\n" "+OK\r\n" ":2\r\n" "+OK\r\n" "+QUEUED\r\n"
	    "+QUEUED\r\n" "+OK\r\n" "-ERR unknown command 'NOSUCH', with args "
	    "beginning with: \r\n" "$1\r\n1\r\n"
	    "-ERR Protocol error: invalid bulk length\r\n");
	talk_expect_end(fd);
	close(fd);
}

Test(ahead, pipelines_of_lines_are_answered_as_one_by_one)
{
	pipeline_compare(&d, PIPELINE_TEXT, 60);
}

Test(ahead, pipelines_in_resp_are_answered_as_one_by_one)
{
	pipeline_compare(&d, PIPELINE_RESP2, 100);
}

#define AUTH	"*2\r\n$4\r\nAUTH\r\n$15\r\nfifteen-letters\r\n"
#define ECHO_X	"*2\r\n$4\r\nECHO\r\n$1\r\nx\r\n"
#define RESET	"*1\r\n$5\r\nRESET\r\n"
#define GET_K	"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"
#define ECHO_AB	"*2\r\n$4\r\nECHO\r\n$2\r\nab\r\n"
#define NOAUTH	"-NOAUTH Authentication required.\r\n"
#define BUFFER	((size_t)16 * 1024)	/* what is read at once */
#define GETS	30U

_Static_assert(sizeof(AUTH) - 1 == sizeof(ECHO_X RESET) - 1,
    "what was parsed before begins where the password ends");

/*
 * What is read at once ends with a request, so the next ones begin where it
 * began: with the password, behind which are others than those behind RESET.
 */
static char *
fill_a_buffer(void)
{
	char *all = malloc(2 * BUFFER), *p = stpcpy(all, ECHO_X RESET);
	unsigned i;
	size_t rest;

	for (i = 0; i < GETS; i++)
		p = stpcpy(p, GET_K);
	rest = BUFFER - (size_t)(p - all) -
	    strlen("*2\r\n$4\r\nECHO\r\n$12345\r\n\r\n");
	p += sprintf(p, "*2\r\n$4\r\nECHO\r\n$%zu\r\n", rest);
	memset(p, 'x', rest);
	p = stpcpy(p + rest, "\r\n");
	cr_assert_eq((size_t)(p - all), BUFFER);
	p = stpcpy(p, AUTH);
	for (i = 0; i < GETS; i++)
		p = stpcpy(p, ECHO_AB);
	return all;
}

Test(ahead, what_a_stranger_sends_is_not_what_was_parsed_before_it_was_one,
    .init = begin_with_password)
{
	int fd = talk_open(&d), other = talk_open(&d);
	char *all = fill_a_buffer();
	pid_t worker;
	unsigned i;

	talk(fd, AUTH, "+OK\r\n");
	talk(other, "AUTH fifteen-letters\r\n", "OK\r\n");
	worker = talk_pause_worker(other);
	talk_send(fd, all);
	cr_assert_eq(kill(worker, SIGCONT), 0);
	talk_expect(fd, "$1\r\nx\r\n+RESET\r\n");
	for (i = 0; i < GETS + 1; i++)
		talk_expect(fd, NOAUTH);
	talk_expect(fd, "+OK\r\n");
	for (i = 0; i < GETS; i++)
		talk_expect(fd, "$2\r\nab\r\n");
	free(all);
	close(fd);
	close(other);
}
