/*
 * Clients that keep what they have read: what they are told, when, and in
 * which words.  They are told what has changed whoever changed it, hence two
 * workers.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

static struct daemon d;
static int fd;			/* keeps what it reads, in RESP3 */
static int other;		/* changes it, in another worker */

static void
begin(void)
{
	daemon_start(&d);
	fd = redis_open_worker(&d, 0);
	other = redis_open_worker(&d, 1);
	redis_use_resp3(fd);
}

static void
end(void)
{
	close(fd);
	close(other);
	daemon_stop(&d);
}

TestSuite(redis_tracking, .init = begin, .fini = end, .timeout = 120);

#define PUSH	">2\r\n$10\r\ninvalidate\r\n"
#define GONE_K	PUSH "*1\r\n$1\r\nk\r\n"
#define GONE_H	PUSH "*1\r\n$1\r\nh\r\n"
#define ALL_GONE PUSH "_\r\n"

Test(redis_tracking, of_what_was_read_tells_once_that_it_has_changed)
{
	talk(fd, "CLIENT TRACKING ON\r\nGET k\r\n", "+OK\r\n_\r\n");
	talk(other, "SET k 1\r\nSET k 2\r\nSET l 1\r\n",
	    "+OK\r\n+OK\r\n+OK\r\n");
	talk_expect(fd, GONE_K);
	talk_expect_silence(fd);
	talk(fd, "GET k\r\n", "$1\r\n2\r\n");
	talk(other, "DEL k\r\n", ":1\r\n");
	talk_expect(fd, GONE_K);
}

Test(redis_tracking, of_a_hash_is_told_whatever_happens_to_it)
{
	static const char *const changes[] = {
		"HSET h a 1", "HSET h b 1", "HDEL h a", "EXPIRE h 100",
		"PERSIST h", "HEXPIRE h 100 FIELDS 1 b", "RENAME h {h}2",
		"RENAME {h}2 h", "DEL h", "COPY {h}3 h", "DROP h", "CREATE h",
		"PUT h a 1", "DELETE h a", "MPUT h a 1 b 2",
		"HGETDEL h FIELDS 1 a", "COPY {h}3 h REPLACE", "UNLINK h"
	};
	char line[128];
	size_t i;

	talk(fd, "CLIENT TRACKING ON\r\n", "+OK\r\n");
	talk(other, "HSET {h}3 f 1\r\n", ":1\r\n");
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		talk_send(fd, "HSTRLEN h nothing\r\n");
		talk_expect(fd, ":0\r\n");
		talk_send(other, changes[i]);
		talk_send(other, "\r\nPING\r\n");
		do
			cr_assert(talk_line(other, line, sizeof(line)));
		while (strcmp(line, "+PONG") != 0);
		talk_expect(fd, GONE_H);
	}
	talk_expect_silence(fd);
}

Test(redis_tracking, of_a_name_tells_when_it_becomes_something_else)
{
	talk(fd, "CLIENT TRACKING ON\r\nGET k\r\n", "+OK\r\n_\r\n");
	talk(other, "HSET k a 1\r\n", ":1\r\n");
	talk_expect(fd, GONE_K);
	talk(fd, "TYPE k\r\n", "+hash\r\n");
	talk(other, "SET k 1\r\n", "+OK\r\n");
	talk_expect(fd, GONE_K);
	talk_expect_silence(fd);
}

/* Numbers of buckets are used again. */
Test(redis_tracking, does_not_mix_up_names_that_come_and_go)
{
	int i;

	talk(fd, "CLIENT TRACKING ON\r\n", "+OK\r\n");
	for (i = 0; i < 50; i++) {
		talk(other, "HSET a{1} f 1\r\n", ":1\r\n");
		talk(fd, "HGET a{1} f\r\n", "$1\r\n1\r\n");
		talk(other, "DEL a{1}\r\nHSET b{1} f 1 g 1\r\nDEL b{1}\r\n",
		    ":1\r\n:2\r\n:1\r\n");
		talk_expect(fd, PUSH "*1\r\n$4\r\na{1}\r\n");
	}
	talk_expect_silence(fd);
}

Test(redis_tracking, tells_of_own_changes_behind_the_reply_unless_asked_not_to)
{
	talk(fd, "CLIENT TRACKING ON\r\nGET k\r\nSET k 1\r\n",
	    "+OK\r\n_\r\n+OK\r\n");
	talk_expect(fd, GONE_K);
	talk(fd, "CLIENT TRACKING ON NOLOOP\r\nGET k\r\nSET k 2\r\n",
	    "+OK\r\n$1\r\n1\r\n+OK\r\n");
	/* As of then it keeps nothing of that name, until it reads again. */
	talk(other, "SET k 3\r\n", "+OK\r\n");
	talk_expect_silence(fd);
	talk(fd, "GET k\r\n", "$1\r\n3\r\n");
	talk(other, "SET k 4\r\n", "+OK\r\n");
	talk_expect(fd, GONE_K);
}

Test(redis_tracking, knows_its_own_transaction)
{
	talk(fd, "CLIENT TRACKING ON NOLOOP\r\nMGET k {k}2\r\n",
	    "+OK\r\n*2\r\n_\r\n_\r\n");
	talk(fd, "MULTI\r\nSET k 1\r\nHSET {k}2 a 1 b 2\r\nEXEC\r\n",
	    "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n:2\r\n");
	talk_expect_silence(fd);
	talk(fd, "MULTI\r\nGET k\r\nEXEC\r\n",
	    "+OK\r\n+QUEUED\r\n*1\r\n$1\r\n1\r\n");
	talk(other, "SET k 2\r\n", "+OK\r\n");
	talk_expect(fd, GONE_K);
}

Test(redis_tracking, cannot_begin_in_a_transaction)
{
	talk(fd, "MULTI\r\nCLIENT TRACKING ON\r\nEXEC\r\n", "+OK\r\n+QUEUED\r\n"
	    "*1\r\n-ERR tracking cannot begin within a transaction\r\n");
}

Test(redis_tracking, of_strings_tells_when_they_expire)
{
	talk(other, "SET k 1 PX 1000\r\n", "+OK\r\n");
	talk(fd, "CLIENT TRACKING ON\r\nGET k\r\n", "+OK\r\n$1\r\n1\r\n");
	while (redis_number(other, "EXISTS k") != 0)
		usleep(1000);
	/* Whoever meets it first. */
	talk(other, "SET k 2 NX\r\n", "+OK\r\n");
	talk_expect(fd, GONE_K);
}

Test(redis_tracking, tells_that_all_is_gone_in_one_word)
{
	talk(other, "SET k 1\r\nSET l 1\r\nHSET h a 1\r\n",
	    "+OK\r\n+OK\r\n:1\r\n");
	talk(fd, "CLIENT TRACKING ON\r\nMGET k l\r\nHLEN h\r\n",
	    "+OK\r\n*2\r\n$1\r\n1\r\n$1\r\n1\r\n:1\r\n");
	talk(other, "FLUSHALL\r\n", "+OK\r\n");
	talk_expect(fd, ALL_GONE);
	talk_expect_silence(fd);
	talk(fd, "FLUSHDB\r\n", "+OK\r\n" ALL_GONE);
}

Test(redis_tracking, hears_that_all_is_gone_with_nothing_read)
{
	talk(fd, "CLIENT TRACKING ON\r\n", "+OK\r\n");
	talk(other, "FLUSHALL\r\n", "+OK\r\n");
	talk_expect(fd, ALL_GONE);
}

Test(redis_tracking, of_some_reads_alone_is_what_was_asked_for)
{
	talk(fd, "CLIENT TRACKING ON OPTIN\r\nGET k\r\n"
	    "CLIENT CACHING YES\r\nGET l\r\nGET m\r\n",
	    "+OK\r\n_\r\n+OK\r\n_\r\n_\r\n");
	talk(other, "MSET k 1 l 1 m 1\r\n", "+OK\r\n");
	talk_expect(fd, PUSH "*1\r\n$1\r\nl\r\n");
	talk_expect_silence(fd);
	talk(fd, "CLIENT CACHING YES\r\nMULTI\r\nGET k\r\nEXEC\r\n",
	    "+OK\r\n+OK\r\n+QUEUED\r\n*1\r\n$1\r\n1\r\n");
	talk(other, "SET k 2\r\n", "+OK\r\n");
	talk_expect(fd, GONE_K);
	talk(fd, "CLIENT TRACKING OFF\r\nCLIENT TRACKING ON OPTOUT\r\nGET k\r\n"
	    "CLIENT CACHING NO\r\nGET l\r\n",
	    "+OK\r\n+OK\r\n$1\r\n2\r\n+OK\r\n$1\r\n1\r\n");
	talk(other, "MSET k 1 l 1\r\n", "+OK\r\n");
	talk_expect(fd, GONE_K);
	talk_expect_silence(fd);
}

Test(redis_tracking, of_all_names_needs_no_reading)
{
	talk(fd, "CLIENT TRACKING ON BCAST PREFIX user: PREFIX h\r\n",
	    "+OK\r\n");
	talk(other, "SET user:1 1\r\n", "+OK\r\n");
	talk_expect(fd, PUSH "*1\r\n$6\r\nuser:1\r\n");
	talk(other, "SET k 1\r\nHSET h a 1 b 2 c 3\r\n", "+OK\r\n:3\r\n");
	talk_expect(fd, GONE_H);
	talk(other, "HDEL h a\r\n", ":1\r\n");
	talk_expect(fd, GONE_H);
	talk(fd, "SET user:2 1\r\n", "+OK\r\n");
	talk_expect(fd, PUSH "*1\r\n$6\r\nuser:2\r\n");
	talk(fd, "CLIENT TRACKING ON BCAST NOLOOP\r\nSET x 1\r\nHSET h a 2\r\n",
	    "+OK\r\n+OK\r\n:1\r\n");
	talk(other, "SET k 1\r\n", "+OK\r\n");
	talk_expect(fd, GONE_K);
	talk_expect_silence(fd);
	talk(fd, "CLIENT TRACKING OFF\r\n", "+OK\r\n");
	talk(other, "SET k 2\r\n", "+OK\r\n");
	talk_expect_silence(fd);
}

Test(redis_tracking, of_one_client_is_told_to_another_one)
{
	int listener = redis_open_worker(&d, 0);
	char line[64];

	snprintf(line, sizeof(line), "CLIENT TRACKING ON REDIRECT %jd\r\n",
	    (intmax_t)redis_number(listener, "CLIENT ID"));
	talk(listener, "SUBSCRIBE __redis__:invalidate\r\n", "*3\r\n"
	    "$9\r\nsubscribe\r\n$20\r\n__redis__:invalidate\r\n:1\r\n");
	talk(fd, line, "+OK\r\n");
	talk_send(fd, "HELLO 2\r\n");
	redis_skip_hello(fd);
	talk(fd, "GET k\r\n", "$-1\r\n");
	talk(other, "SET k 1\r\n", "+OK\r\n");
	talk_expect(listener, "*3\r\n$7\r\nmessage\r\n$20\r\n"
	    "__redis__:invalidate\r\n*1\r\n$1\r\nk\r\n");
	talk(other, "FLUSHALL\r\n", "+OK\r\n");
	talk_expect(listener, "*3\r\n$7\r\nmessage\r\n$20\r\n"
	    "__redis__:invalidate\r\n$-1\r\n");
	talk_expect_silence(fd);
	close(listener);
}

Test(redis_tracking, says_that_the_other_one_has_gone)
{
	int listener = redis_open_worker(&d, 0);
	int64_t id = redis_number(listener, "CLIENT ID");
	char line[64];

	snprintf(line, sizeof(line), "CLIENT TRACKING ON REDIRECT %jd\r\n",
	    (intmax_t)id);
	talk(fd, line, "+OK\r\n");
	talk(fd, "GET k\r\n", "_\r\n");
	talk(listener, "QUIT\r\n", "+OK\r\n");
	talk_expect_end(listener);
	talk(other, "SET k 1\r\n", "+OK\r\n");
	snprintf(line, sizeof(line), ">2\r\n$21\r\ntracking-redir-broken\r\n"
	    ":%jd\r\n", (intmax_t)id);
	talk_expect(fd, line);
	talk(fd, "CLIENT TRACKINGINFO\r\n", "%3\r\n$5\r\nflags\r\n~2\r\n"
	    "$2\r\non\r\n$15\r\nbroken_redirect\r\n$8\r\nredirect\r\n");
	snprintf(line, sizeof(line), ":%jd\r\n", (intmax_t)id);
	talk_expect(fd, line);
	talk_expect(fd, "$8\r\nprefixes\r\n*0\r\n");
	close(listener);
}

Test(redis_tracking, tells_nothing_in_resp2_without_another_client)
{
	talk(other, "CLIENT TRACKING ON\r\nGET k\r\n", "+OK\r\n$-1\r\n");
	talk(fd, "SET k 1\r\n", "+OK\r\n");
	talk_expect_silence(other);
}

Test(redis_tracking, is_what_it_is_told_to_be)
{
	talk(fd, "CLIENT TRACKING ON PREFIX a\r\n"
	    "CLIENT TRACKING ON BCAST OPTIN\r\n"
	    "CLIENT TRACKING ON OPTIN OPTOUT\r\n"
	    "CLIENT TRACKING ON REDIRECT 99999\r\n"
	    "CLIENT TRACKING ON REDIRECT x\r\n"
	    "CLIENT TRACKING ON REDIRECT\r\n"
	    "CLIENT CACHING YES\r\n",
	    "-ERR PREFIX option requires BCAST mode to be enabled\r\n"
	    "-ERR OPTIN and OPTOUT are not compatible with BCAST\r\n"
	    "-ERR You can't specify both OPTIN mode and OPTOUT mode\r\n"
	    "-ERR The client ID you want redirect to does not exist\r\n"
	    "-ERR value is not an integer or out of range\r\n"
	    "-ERR syntax error\r\n"
	    "-ERR CLIENT CACHING can be called only when the client is in "
	    "tracking mode with OPTIN or OPTOUT mode enabled\r\n");
	talk(fd, "CLIENT TRACKING ON BCAST PREFIX ab PREFIX abc\r\n"
	    "CLIENT TRACKING ON BCAST PREFIX b PREFIX a\r\n"
	    "CLIENT TRACKING ON BCAST PREFIX ax\r\n"
	    "CLIENT TRACKING ON\r\nCLIENT CACHING YES\r\nCLIENT GETREDIR\r\n",
	    "-ERR Prefix 'ab' overlaps with another provided prefix 'abc'. "
	    "Prefixes for a single client must not overlap.\r\n+OK\r\n"
	    "-ERR Prefix 'ax' overlaps with an existing prefix 'a'. Prefixes "
	    "for a single client must not overlap.\r\n"
	    "-ERR You can't switch BCAST mode on/off before disabling "
	    "tracking for this client, and then re-enabling it with a "
	    "different mode.\r\n"
	    "-ERR CLIENT CACHING YES is only valid when tracking is enabled "
	    "in OPTIN mode.\r\n:0\r\n");
	talk(fd, "CLIENT TRACKINGINFO\r\n", "%3\r\n$5\r\nflags\r\n~2\r\n"
	    "$2\r\non\r\n$5\r\nbcast\r\n$8\r\nredirect\r\n:0\r\n"
	    "$8\r\nprefixes\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n");
	talk(fd, "RESET\r\nCLIENT GETREDIR\r\n", "+RESET\r\n:-1\r\n");
}

/* Each is compared with all others: of many a worker would hang. */
Test(redis_tracking, of_too_many_prefixes_is_refused)
{
	static char request[16384];
	size_t len = strlcpy(request, "CLIENT TRACKING ON BCAST",
	    sizeof(request));
	int i;

	for (i = 0; i < 1024; i++)
		len += (size_t)snprintf(request + len, sizeof(request) - len,
		    " PREFIX p%04d", i);
	strlcat(request, "\r\n", sizeof(request));
	talk(fd, request, "+OK\r\n");
	talk(fd, "CLIENT TRACKING ON BCAST PREFIX q\r\n", "-ERR too many "
	    "prefixes, a client has at most 1024\r\n");
	talk(fd, "CLIENT TRACKING OFF\r\nCLIENT TRACKING ON BCAST PREFIX q"
	    "\r\n", "+OK\r\n+OK\r\n");
}

TestSuite(redis_tracking_few, .timeout = 60);

Test(redis_tracking_few, are_remembered_and_the_rest_is_told_early)
{
	daemon_prepare(&d, "memory 64M\nworkers 1\nlimits { tracked 2 }\n");
	daemon_launch(&d, NULL);
	fd = redis_open(&d);
	redis_use_resp3(fd);
	talk(fd, "CLIENT TRACKING ON\r\nGET k\r\nGET l\r\nGET k\r\n",
	    "+OK\r\n_\r\n_\r\n_\r\n");
	talk_expect_silence(fd);
	talk(fd, "GET m\r\n", "_\r\n" GONE_K);
	talk(fd, "MSET k 1 l 1\r\n", "+OK\r\n" PUSH "*1\r\n$1\r\nl\r\n");
	talk(fd, "CONFIG GET tracking-table-max-keys\r\n", "%1\r\n"
	    "$23\r\ntracking-table-max-keys\r\n$1\r\n2\r\n");
	close(fd);
	daemon_stop(&d);
}
