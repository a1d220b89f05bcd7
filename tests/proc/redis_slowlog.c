/*
 * SLOWLOG: what took long, of all workers, byte by byte where it can be.
 */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

static struct daemon d;
static int fd;			/* worker 0 */
static int far;			/* worker 1 */
static char out[8192];

static void
begin(void)
{
	daemon_start(&d);
	fd = redis_open_worker(&d, 0);
	far = redis_open_worker(&d, 1);
}

static void
end(void)
{
	close(fd);
	close(far);
	daemon_remove(&d);
}

TestSuite(redis_slowlog, .init = begin, .fini = end, .timeout = 120);

static int64_t
next_number(int from)
{
	char line[256];

	cr_assert(talk_line(from, line, sizeof(line)) && line[0] == ':',
	    "%s", line);
	return strtoll(line + 1, NULL, 10);
}

static void
next_word(int from, char *word, size_t size)
{
	char line[64];

	cr_assert(talk_line(from, line, sizeof(line)) && line[0] == '$');
	cr_assert(talk_line(from, word, size));
}

/* Number, time and duration of an entry; its words are next. */
static int64_t
next_entry(int64_t *id)
{
	int64_t at;

	talk_expect(fd, "*6\r\n");
	*id = next_number(fd);
	at = next_number(fd);
	/* That clock may be a few milliseconds behind. */
	cr_assert(at <= time(NULL) + 1 && at > time(NULL) - 60);
	return next_number(fd);
}

/* It is the first that is logged, for it has set the limit when it ends. */
#define LOG_ALL	"*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n"		      \
		"$23\r\nslowlog-log-slower-than\r\n$1\r\n0\r\n"

static void
log_all(void)
{
	talk(fd, "CONFIG SET slowlog-log-slower-than 0\r\n", "+OK\r\n");
}

static void
log_nothing(void)
{
	talk(fd, "CONFIG SET slowlog-log-slower-than -1\r\n", "+OK\r\n");
}

Test(redis_slowlog, has_what_took_longer_than_others)
{
	char addr[128], name[64];
	int64_t id, took;

	talk(fd, "SLOWLOG GET\r\nSLOWLOG LEN\r\n", "*0\r\n:0\r\n");
	talk(fd, "CONFIG SET slowlog-log-slower-than 250000\r\n", "+OK\r\n");
	talk(far, "CLIENT SETNAME far\r\nPING\r\nDEBUG SLEEP 0.3\r\nPING\r\n",
	    "+OK\r\n+PONG\r\n+OK\r\n+PONG\r\n");
	talk(fd, "SLOWLOG LEN\r\nSLOWLOG GET\r\n", ":1\r\n*1\r\n");
	took = next_entry(&id);
	cr_assert_eq(id, 0);
	cr_assert_geq(took, 300000);
	talk_expect(fd, "*3\r\n$5\r\nDEBUG\r\n$5\r\nSLEEP\r\n$3\r\n0.3\r\n");
	next_word(fd, addr, sizeof(addr));
	cr_assert_eq(strncmp(addr, "127.0.0.1:", 10), 0, "%s", addr);
	next_word(fd, name, sizeof(name));
	cr_assert_str_eq(name, "far");
	talk(far, "SLOWLOG RESET\r\n", "+OK\r\n");
	talk(fd, "SLOWLOG GET\r\nSLOWLOG LEN\r\n", "*0\r\n:0\r\n");
}

/* The request before it, which took long, is another one. */
Test(redis_slowlog, lays_the_time_on_the_request_that_took_it)
{
	int64_t id, took;

	talk(fd, "CONFIG SET slowlog-log-slower-than 250000\r\n", "+OK\r\n");
	talk(far, "PING\r\nDEBUG SLEEP 0.1\r\nDEBUG SLEEP 0.2\r\n"
	    "DEBUG SLEEP 0.3\r\nPING\r\nDEBUG SLEEP 0.1\r\n",
	    "+PONG\r\n+OK\r\n+OK\r\n+OK\r\n+PONG\r\n+OK\r\n");
	talk(fd, "SLOWLOG GET -1\r\n", "*1\r\n");
	took = next_entry(&id);
	cr_assert(took >= 300000 && took < 2000000);
	talk_expect(fd, "*3\r\n$5\r\nDEBUG\r\n$5\r\nSLEEP\r\n$3\r\n0.3\r\n");
}

static void
expect_words(int64_t number, const char *words)
{
	char word[512];
	int64_t id;

	next_entry(&id);
	cr_assert_eq(id, number);
	talk_expect(fd, words);
	next_word(fd, word, sizeof(word));
	next_word(fd, word, sizeof(word));
}

Test(redis_slowlog, cuts_what_is_long)
{
	char request[1024] = "DEL", text[256];
	int i;

	for (i = 1; i < 40; i++)
		snprintf(request + strlen(request), sizeof(request) -
		    strlen(request), " k%d", i);
	strlcat(request, "\r\n", sizeof(request));
	memset(text, 'x', 200);
	text[200] = '\0';
	log_all();
	talk(fd, request, ":0\r\n");
	snprintf(request, sizeof(request), "GET %s\r\n", text);
	talk(fd, request, "$-1\r\n");
	log_nothing();
	talk(fd, "SLOWLOG GET 3\r\n", "*3\r\n");
	text[128] = '\0';
	snprintf(request, sizeof(request), "*2\r\n$3\r\nGET\r\n$147\r\n"
	    "%s... (72 more bytes)\r\n", text);
	expect_words(2, request);
	strlcpy(request, "*32\r\n$3\r\nDEL\r\n", sizeof(request));
	for (i = 1; i < 31; i++)
		snprintf(request + strlen(request), sizeof(request) -
		    strlen(request), "$%d\r\nk%d\r\n", i < 10 ? 2 : 3, i);
	strlcat(request, "$22\r\n... (9 more arguments)\r\n",
	    sizeof(request));
	expect_words(1, request);
	expect_words(0, LOG_ALL);
}

Test(redis_slowlog, keeps_no_secrets)
{
	char line[64];

	log_all();
	talk_send(fd, "AUTH default secret\r\nHELLO 2 AUTH default secret "
	    "SETNAME me\r\n");
	do
		cr_assert(talk_line(fd, line, sizeof(line)));
	while (strcmp(line, "*0") != 0);
	log_nothing();
	talk(fd, "SLOWLOG GET 3\r\n", "*3\r\n");
	expect_words(2, "*7\r\n$5\r\nHELLO\r\n$1\r\n2\r\n$4\r\nAUTH\r\n"
	    "$10\r\n(redacted)\r\n$10\r\n(redacted)\r\n"
	    "$7\r\nSETNAME\r\n$2\r\nme\r\n");
	expect_words(1, "*3\r\n$4\r\nAUTH\r\n$10\r\n(redacted)\r\n"
	    "$10\r\n(redacted)\r\n");
	expect_words(0, LOG_ALL);
}

/* A password is one in either protocol, and where it is of no use. */
Test(redis_slowlog, keeps_no_secret_wherever_it_is_said)
{
	char line[64];

	log_all();
	talk_once(&d, "AUTH secret\n", "ERROR no password is set, see "
	    "password in kvd.conf(5)\r\n");
	talk(fd, "CONFIG SET requirepass secret\r\n", "-ERR CONFIG SET failed "
	    "(possibly related to argument 'requirepass') - can't set "
	    "immutable config\r\n");
	talk_send(fd, "HELLO 2 SETNAME AUTH AUTH default secret\r\n");
	do
		cr_assert(talk_line(fd, line, sizeof(line)));
	while (strcmp(line, "*0") != 0);
	log_nothing();
	talk(fd, "SLOWLOG GET 4\r\n", "*4\r\n");
	expect_words(3, "*7\r\n$5\r\nHELLO\r\n$1\r\n2\r\n"
	    "$7\r\nSETNAME\r\n$4\r\nAUTH\r\n$10\r\n(redacted)\r\n"
	    "$10\r\n(redacted)\r\n$10\r\n(redacted)\r\n");
	expect_words(2, "*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n"
	    "$11\r\nrequirepass\r\n$10\r\n(redacted)\r\n");
	expect_words(1, "*2\r\n$4\r\nAUTH\r\n$10\r\n(redacted)\r\n");
	expect_words(0, LOG_ALL);
}

Test(redis_slowlog, tells_of_the_last_ones_and_of_no_more_than_are_wanted)
{
	int i;

	log_all();
	for (i = 0; i < 20; i++)
		talk(far, "PING\r\n", "+PONG\r\n");
	log_nothing();
	cr_assert_geq(redis_number(far, "SLOWLOG LEN"), 20);
	talk(fd, "SLOWLOG GET 0\r\nCONFIG SET slowlog-max-len 5\r\n"
	    "SLOWLOG LEN\r\nSLOWLOG GET 2\r\n",
	    "*0\r\n+OK\r\n:5\r\n*2\r\n");
	expect_words(20, "*1\r\n$4\r\nPING\r\n");
	expect_words(19, "*1\r\n$4\r\nPING\r\n");
	talk(fd, "SLOWLOG GET 100\r\n", "*5\r\n");
}

Test(redis_slowlog, has_requests_of_the_text_protocol_too)
{
	int plain = talk_open(&d);

	log_all();
	talk(plain, "CREATE b\r\n", "OK\r\n");
	log_nothing();
	talk(fd, "SLOWLOG GET 2\r\n", "*2\r\n");
	expect_words(1, "*2\r\n$6\r\nCREATE\r\n$1\r\nb\r\n");
	expect_words(0, LOG_ALL);
	close(plain);
}

Test(redis_slowlog, outlives_a_worker_and_a_program)
{
	int64_t pid = redis_info(far, "server", "kvd_worker_pid");
	pid_t old = d.pid;

	talk(fd, "CONFIG SET slowlog-log-slower-than 150000\r\n", "+OK\r\n");
	talk(far, "DEBUG SLEEP 0.2\r\n", "+OK\r\n");
	cr_assert_eq(kill((pid_t)pid, SIGKILL), 0);
	talk_expect_end(far);
	talk(fd, "SLOWLOG LEN\r\n", ":1\r\n");
	cr_assert_eq(daemon_run(&d, FLAGS("-s", "upgrade"), out,
	    sizeof(out)), EX_OK, "%s", out);
	cr_assert_neq(talk_new_master_pid(&d, old), old);
	close(fd);
	fd = redis_open(&d);
	talk(fd, "SLOWLOG LEN\r\n", ":1\r\n");
}

Test(redis_slowlog, that_is_malformed_is_refused_as_redis_does)
{
	talk(fd, "SLOWLOG GET -2\r\nSLOWLOG GET x\r\nSLOWLOG GET 1 2\r\n",
	    "-ERR count should be greater than or equal to -1\r\n"
	    "-ERR count should be greater than or equal to -1\r\n"
	    "-ERR unknown subcommand or wrong number of arguments for 'GET'. "
	    "Try SLOWLOG HELP.\r\n");
	talk(fd, "CONFIG SET slowlog-max-len -1\r\n"
	    "CONFIG SET slowlog-log-slower-than -2\r\n"
	    "CONFIG SET slowlog-max-len x\r\n"
	    "CONFIG GET slowlog-*\r\n",
	    "-ERR CONFIG SET failed (possibly related to argument "
	    "'slowlog-max-len') - argument must be between 0 and "
	    "9223372036854775807 inclusive\r\n"
	    "-ERR CONFIG SET failed (possibly related to argument "
	    "'slowlog-log-slower-than') - argument must be between -1 and "
	    "9223372036854775807 inclusive\r\n"
	    "-ERR CONFIG SET failed (possibly related to argument "
	    "'slowlog-max-len') - argument couldn't be parsed into an "
	    "integer\r\n"
	    "*4\r\n$23\r\nslowlog-log-slower-than\r\n$5\r\n10000\r\n"
	    "$15\r\nslowlog-max-len\r\n$3\r\n128\r\n");
}
