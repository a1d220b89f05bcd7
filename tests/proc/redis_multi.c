/* MULTI and what belongs to it, reply by reply. */

#include <criterion/criterion.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

static struct daemon d;
static int fd;

static void
begin(void)
{
	daemon_start(&d);
	fd = redis_open(&d);
}

static void
end(void)
{
	close(fd);
	daemon_stop(&d);
}

TestSuite(redis_multi, .init = begin, .fini = end, .timeout = 120);

#define Q		"+QUEUED\r\n"
#define NOTHING		"$-1\r\n"
#define WRONGTYPE	"-WRONGTYPE Operation against a key holding the wrong "\
			"kind of value\r\n"
#define ABORTED		"-EXECABORT Transaction discarded because of previous "\
			"errors.\r\n"
#define CROSSSLOT	"-CROSSSLOT Keys in request don't hash to the same "   \
			"slot\r\n"

Test(redis_multi, executes_what_was_queued_and_sees_its_own_changes)
{
	talk(fd, "MULTI\r\n", "+OK\r\n");
	talk(fd, "HSET h a 1\r\nHGET h a\r\nHSET h a 2 b 3\r\nHGET h a\r\n"
	    "HGET h c\r\n", Q Q Q Q Q);
	talk_once(&d, "GET h a\r\n", "NOT FOUND\r\n");
	talk(fd, "EXEC\r\n", "*5\r\n:1\r\n$1\r\n1\r\n:1\r\n$1\r\n2\r\n"
	    NOTHING);
	talk(fd, "HGET h b\r\n", "$1\r\n3\r\n");
}

Test(redis_multi, answers_in_the_version_that_is_spoken)
{
	char line[64];

	talk_send(fd, "HELLO 3\r\n");
	do
		cr_assert(talk_line(fd, line, sizeof(line)));
	while (strcmp(line, "*0") != 0);
	talk(fd, "MULTI\r\nHGET h a\r\nEXEC\r\n", "+OK\r\n" Q "*1\r\n_\r\n");
	talk(fd, "WATCH h\r\nHSET h a 1\r\nMULTI\r\nEXEC\r\n",
	    "+OK\r\n:1\r\n+OK\r\n_\r\n");
}

Test(redis_multi, may_be_of_nothing_or_of_what_has_no_keys)
{
	talk(fd, "MULTI\r\nEXEC\r\n", "+OK\r\n*0\r\n");
	talk(fd, "MULTI\r\nPING\r\nECHO hi\r\nPING a b\r\nUNWATCH\r\n"
	    "EXEC\r\n", "+OK\r\n" Q Q Q Q "*4\r\n+PONG\r\n$2\r\nhi\r\n"
	    "-ERR wrong number of arguments for 'ping' command\r\n+OK\r\n");
}

Test(redis_multi, is_refused_where_it_makes_no_sense)
{
	talk(fd, "EXEC\r\nDISCARD\r\nUNWATCH\r\n",
	    "-ERR EXEC without MULTI\r\n-ERR DISCARD without MULTI\r\n"
	    "+OK\r\n");
	talk(fd, "MULTI 1\r\nWATCH\r\n",
	    "-ERR wrong number of arguments for 'multi' command\r\n"
	    "-ERR wrong number of arguments for 'watch' command\r\n");
	talk(fd, "MULTI\r\nMULTI\r\nWATCH a\r\nHSET a f 1\r\nEXEC\r\n",
	    "+OK\r\n-ERR MULTI calls can not be nested\r\n"
	    "-ERR WATCH inside MULTI is not allowed\r\n" Q "*1\r\n:1\r\n");
}

Test(redis_multi, with_an_error_in_its_queue_changes_nothing)
{
	talk(fd, "MULTI\r\nHSET h a 1\r\nNONSENSE x\r\nHGET h\r\nEXEC\r\n"
	    "EXEC\r\n", "+OK\r\n" Q "-ERR unknown command 'NONSENSE', with "
	    "args beginning with: 'x' \r\n-ERR wrong number of arguments for "
	    "'hget' command\r\n" ABORTED "-ERR EXEC without MULTI\r\n");
	talk(fd, "MULTI\r\nWATCH\r\nPING\r\nEXEC\r\nPING\r\n",
	    "+OK\r\n-ERR wrong number of arguments for 'watch' command\r\n" Q
	    ABORTED "+PONG\r\n");
	talk(fd, "MULTI\r\nHSET h a 1\r\nEXEC 1\r\nEXEC\r\n",
	    "+OK\r\n" Q "-EXECABORT Transaction discarded because of: wrong "
	    "number of arguments for 'exec' command\r\n"
	    "-ERR EXEC without MULTI\r\n");
	talk(fd, "HGET h a\r\n", NOTHING);
}

Test(redis_multi, with_a_subcommand_that_there_is_not_changes_nothing)
{
	talk(fd, "MULTI\r\nSET h 1\r\nOBJECT NOSUCH h\r\nEXEC\r\n",
	    "+OK\r\n" Q "-ERR unknown subcommand 'NOSUCH'. Try OBJECT "
	    "HELP.\r\n" ABORTED);
	talk(fd, "MULTI\r\nSET h 1\r\nCLIENT ID 1\r\nEXEC\r\n",
	    "+OK\r\n" Q "-ERR wrong number of arguments for 'client|id' "
	    "command\r\n" ABORTED);
	talk(fd, "MULTI\r\nSET h 1\r\nCOMMAND NOSUCH\r\nEXEC\r\n",
	    "+OK\r\n" Q "-ERR unknown subcommand 'NOSUCH'. Try COMMAND "
	    "HELP.\r\n" ABORTED);
	talk(fd, "MULTI\r\nCONFIG HELP x\r\nEXEC\r\nGET h\r\n",
	    "+OK\r\n-ERR wrong number of arguments for 'config|help' "
	    "command\r\n" ABORTED NOTHING);
	talk(fd, "MULTI\r\nOBJECT REFCOUNT h\r\nCOMMAND COUNT x\r\n"
	    "DISCARD\r\nMULTI\r\nOBJECT REFCOUNT h\r\nEXEC\r\n",
	    "+OK\r\n" Q "-ERR wrong number of arguments for 'command|count' "
	    "command\r\n+OK\r\n+OK\r\n" Q "*1\r\n" NOTHING);
}

Test(redis_multi, goes_on_after_a_command_that_fails)
{
	talk(fd, "MULTI\r\nHSET h a 1\r\nHSET h b\r\nHSET h c d e\r\n"
	    "HGET h a\r\nEXEC\r\n", "+OK\r\n" Q
	    "-ERR wrong number of arguments for 'hset' command\r\n" Q Q
	    ABORTED);
	talk(fd, "MULTI\r\nHSET h a 1\r\nHSET h c d e\r\nHGET h a\r\nEXEC\r\n",
	    "+OK\r\n" Q Q Q "*3\r\n:1\r\n-ERR wrong number of arguments for "
	    "'hset' command\r\n$1\r\n1\r\n");
}

Test(redis_multi, is_discarded_with_all_that_is_watched)
{
	talk(fd, "WATCH h\r\nMULTI\r\nHSET h a 1\r\nDISCARD\r\n",
	    "+OK\r\n+OK\r\n" Q "+OK\r\n");
	talk(fd, "HSET h b 1\r\nMULTI\r\nHGET h a\r\nEXEC\r\n",
	    ":1\r\n+OK\r\n" Q "*1\r\n" NOTHING);
}

/* Watched, changed by another client in this way, and so not executed. */
static void
lose(const char *change, const char *answer)
{
	int other = redis_open(&d);

	talk(fd, "WATCH h other{h} h\r\nMULTI\r\nSET lost{h} 1\r\n",
	    "+OK\r\n+OK\r\n" Q);
	talk(other, change, answer);
	talk(fd, "EXEC\r\nGET lost{h}\r\n", "*-1\r\n" NOTHING);
	talk(fd, "MULTI\r\nEXEC\r\n", "+OK\r\n*0\r\n");
	close(other);
}

Test(redis_multi, is_not_executed_if_what_is_watched_has_changed)
{
	lose("HSET h a 1\r\n", ":1\r\n");
	lose("HSET h a 1\r\n", ":0\r\n");
	lose("DEL h\r\n", ":1\r\n");
	lose("SET h v\r\n", "+OK\r\n");
	lose("SET h v\r\n", "+OK\r\n");
	lose("DEL h\r\n", ":1\r\n");
	lose("HSET other{h} a 1\r\n", ":1\r\n");
	lose("SET h v\r\n", "+OK\r\n");
	lose("APPEND h \"\"\r\n", ":1\r\n");
}

Test(redis_multi, is_executed_if_nothing_that_is_watched_has_changed)
{
	talk(fd, "HSET h a 1\r\nWATCH h missing{h}\r\nHSET more{h} a 1\r\n"
	    "MULTI\r\nHSET h a 2\r\nEXEC\r\n",
	    ":1\r\n+OK\r\n:1\r\n+OK\r\n" Q "*1\r\n:0\r\n");
	/* EXEC has forgotten it. */
	talk(fd, "HSET h a 3\r\nMULTI\r\nHGET h a\r\nEXEC\r\n",
	    ":0\r\n+OK\r\n" Q "*1\r\n$1\r\n3\r\n");
	talk(fd, "WATCH h\r\nUNWATCH\r\nHSET h a 4\r\nMULTI\r\nHGET h a\r\n"
	    "EXEC\r\n", "+OK\r\n+OK\r\n:0\r\n+OK\r\n" Q "*1\r\n$1\r\n4\r\n");
	/* It never expired. */
	talk(fd, "SET s v\r\nWATCH s\r\nGETEX s PERSIST\r\nMULTI\r\nGET s\r\n"
	    "EXEC\r\n", "+OK\r\n+OK\r\n$1\r\nv\r\n+OK\r\n" Q
	    "*1\r\n$1\r\nv\r\n");
}

Test(redis_multi, of_names_that_are_not_of_one_shard_changes_nothing)
{
	char request[64];
	int i;

	talk(fd, "MULTI\r\n", "+OK\r\n");
	for (i = 0; i < 40; i++) {
		snprintf(request, sizeof(request), "HSET h%d a 1\r\n", i);
		talk(fd, request, Q);
	}
	talk(fd, "EXEC\r\n", CROSSSLOT);
	for (i = 0; i < 40; i++) {
		snprintf(request, sizeof(request), "HGET h%d a\r\n", i);
		talk(fd, request, NOTHING);
	}
	talk(fd, "MULTI\r\nHSET {h}1 a 1\r\nHSET {h}2 a 1\r\nEXEC\r\n",
	    "+OK\r\n" Q Q "*2\r\n:1\r\n:1\r\n");
}

#define LARGE	(512 * 1024)

/* Queue HSET of a value that is large. */
static void
queue_large(const char *field, const char *answer)
{
	static char request[LARGE + 128];
	int len;

	len = snprintf(request, sizeof(request), "*4\r\n$4\r\nHSET\r\n"
	    "$1\r\nh\r\n$%zu\r\n%s\r\n$%d\r\n", strlen(field), field,
	    LARGE);
	memset(request + len, 'v', LARGE);
	memcpy(request + len + LARGE, "\r\n", 3);
	talk(fd, request, answer);
}

Test(redis_multi, of_too_much_is_refused)
{
	size_t i;

	talk(fd, "MULTI\r\n", "+OK\r\n");
	for (i = 0; i < 40; i++)
		queue_large("a", i < 31 ? Q :
		    "-ERR transaction is too large\r\n");
	talk(fd, "EXEC\r\nHGET h a\r\n", ABORTED NOTHING);
}

Test(redis_multi, that_does_not_fit_in_a_segment_changes_nothing)
{
	char field[8];
	size_t i;

	talk(fd, "MULTI\r\n", "+OK\r\n");
	for (i = 0; i < 20; i++) {
		snprintf(field, sizeof(field), "k%zu", i);
		queue_large(field, Q);
	}
	talk(fd, "EXEC\r\n", "-EXECABORT Transaction discarded because of: "
	    "batch too large\r\n");
	talk(fd, "HGET h k0\r\n", NOTHING);
}

Test(redis_multi, lists_what_it_has_changed)
{
	talk(fd, "HSET h a 1 b 2\r\nMULTI\r\nHSET h c 3 a 4\r\nHDEL h b\r\n"
	    "HLEN h\r\nHGETALL h\r\nHSCAN h 0\r\nHMGET h a b c\r\n",
	    ":2\r\n+OK\r\n" Q Q Q Q Q Q);
	talk(fd, "EXEC\r\n", "*6\r\n:1\r\n:1\r\n:2\r\n"
	    "*4\r\n$1\r\nc\r\n$1\r\n3\r\n$1\r\na\r\n$1\r\n4\r\n"
	    "*2\r\n$1\r\n0\r\n*4\r\n$1\r\nc\r\n$1\r\n3\r\n$1\r\na\r\n"
	    "$1\r\n4\r\n*3\r\n$1\r\n4\r\n" NOTHING "$1\r\n3\r\n");
}

Test(redis_multi, makes_and_removes_names_of_both_kinds)
{
	talk(fd, "MULTI\r\nSET h v\r\nHSET h a 1\r\nDEL h\r\nHSET h a 1\r\n"
	    "HDEL h a\r\nEXISTS h\r\nINCR h\r\nAPPEND h 0\r\nTYPE h\r\n",
	    "+OK\r\n" Q Q Q Q Q Q Q Q Q);
	talk(fd, "EXEC\r\nGET h\r\n", "*9\r\n+OK\r\n" WRONGTYPE
	    ":1\r\n:1\r\n:1\r\n:0\r\n:1\r\n:2\r\n+string\r\n"
	    "$2\r\n10\r\n");
}

Test(redis_multi, renames_what_it_has_made)
{
	talk(fd, "HSET h{x} old 1\r\nMULTI\r\nHSET h{x} new 2\r\n"
	    "RENAME h{x} g{x}\r\nEXISTS h{x}\r\nHGET g{x} new\r\n"
	    "COPY g{x} h{x}\r\nHLEN h{x}\r\nEXPIRE h{x} 100\r\nTTL h{x}\r\n"
	    "TTL g{x}\r\n", ":1\r\n+OK\r\n" Q Q Q Q Q Q Q Q Q);
	talk(fd, "EXEC\r\n", "*9\r\n:1\r\n+OK\r\n:0\r\n$1\r\n2\r\n:1\r\n"
	    ":2\r\n:1\r\n:100\r\n:-1\r\n");
	talk(fd, "HGET g{x} old\r\nHGET h{x} new\r\n",
	    "$1\r\n1\r\n$1\r\n2\r\n");
}

Test(redis_multi, is_of_all_keys_or_of_some)
{
	talk(fd, "SET s 1\r\nMULTI\r\nDBSIZE\r\nKEYS *\r\nFLUSHALL\r\n"
	    "DBSIZE\r\nEXEC\r\n", "+OK\r\n+OK\r\n" Q Q Q Q
	    "*4\r\n:1\r\n*1\r\n$1\r\ns\r\n+OK\r\n:0\r\n");
	talk(fd, "MULTI\r\nSET s 1\r\nDBSIZE\r\nEXEC\r\nGET s\r\n",
	    "+OK\r\n" Q Q CROSSSLOT NOTHING);
}

Test(redis_multi, is_forgotten_by_reset)
{
	talk(fd, "WATCH h\r\nMULTI\r\nSET h 1\r\nRESET\r\nEXEC\r\nGET h\r\n",
	    "+OK\r\n+OK\r\n" Q "+RESET\r\n-ERR EXEC without MULTI\r\n"
	    NOTHING);
}

Test(redis_multi, ends_with_the_connection)
{
	talk(fd, "MULTI\r\nHSET h a 1\r\nQUIT\r\n", "+OK\r\n" Q "+OK\r\n");
	talk_expect_end(fd);
	talk_once(&d, "GET h a\r\n", "NOT FOUND\r\n");
}

Test(redis_multi, can_end_its_own_client_behind_all_replies)
{
	char line[64], request[128];

	talk_send(fd, "CLIENT ID\r\n");
	cr_assert(talk_line(fd, line, sizeof(line)) && line[0] == ':');
	snprintf(request, sizeof(request), "MULTI\r\nCLIENT KILL ID %s SKIPME "
	    "no\r\nPING\r\nEXEC\r\n", line + 1);
	talk(fd, request, "+OK\r\n" Q Q "*2\r\n:1\r\n+PONG\r\n");
	talk_expect_end(fd);
}

Test(redis_multi, that_changes_something_waits_for_the_end_of_a_pause)
{
	int other = redis_open(&d);

	talk(fd, "MULTI\r\nSET h 1\r\n", "+OK\r\n" Q);
	talk(other, "MULTI\r\nGET h\r\nCLIENT PAUSE 60000 WRITE\r\nEXEC\r\n",
	    "+OK\r\n" Q Q "*2\r\n" NOTHING "+OK\r\n");
	talk_send(fd, "EXEC\r\n");
	talk(other, "MULTI\r\nGET h\r\nEXEC\r\n",
	    "+OK\r\n" Q "*1\r\n" NOTHING);
	talk_expect_silence(fd);
	talk(other, "CLIENT UNPAUSE\r\n", "+OK\r\n");
	talk_expect(fd, "*1\r\n+OK\r\n");
	close(other);
}

/* --- many at once --- */

#define ROUNDS	500

static void
next_line(int client, char line[64])
{
	cr_assert(talk_line(client, line, 64));
}

/* A bulk that is a number. */
static long
next_number(int client)
{
	char line[64];

	next_line(client, line);
	next_line(client, line);
	return strtol(line, NULL, 10);
}

/* Adds one, if nobody has done so since it was read. */
static bool
try_to_add_one(int client)
{
	char line[64], request[128];
	long value;

	talk(client, "WATCH n\r\n", "+OK\r\n");
	talk_send(client, "HGET n count\r\n");
	value = next_number(client) + 1;
	snprintf(request, sizeof(request), "MULTI\r\nHSET n count %ld\r\n"
	    "HSET n twice %ld\r\n", value, 2 * value);
	talk(client, request, "+OK\r\n" Q Q);
	talk_send(client, "EXEC\r\n");
	next_line(client, line);
	if (strcmp(line, "*-1") == 0)
		return false;
	cr_assert_str_eq(line, "*2");
	talk_expect(client, ":0\r\n:0\r\n");
	return true;
}

static void *
add_many(void *arg)
{
	int client = redis_open(&d), i;

	(void)arg;
	for (i = 0; i < ROUNDS;)
		i += try_to_add_one(client);
	close(client);
	return NULL;
}

/* Both or none: what two reads in one transaction say. */
static void
look_at_both(void)
{
	long count;

	talk(fd, "MULTI\r\nHGET n count\r\nHGET n twice\r\nEXEC\r\n",
	    "+OK\r\n" Q Q "*2\r\n");
	count = next_number(fd);
	cr_assert_eq(next_number(fd), 2 * count);
}

Test(redis_multi, loses_no_update_among_many)
{
	pthread_t threads[4];
	char want[64];
	int i;

	talk(fd, "HSET n count 0 twice 0\r\n", ":2\r\n");
	for (i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, add_many,
		    NULL), 0);
	for (i = 0; i < ROUNDS; i++)
		look_at_both();
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	snprintf(want, sizeof(want), "$4\r\n%d\r\n$4\r\n%d\r\n", 4 * ROUNDS,
	    8 * ROUNDS);
	talk(fd, "HGET n count\r\nHGET n twice\r\n", want);
}
