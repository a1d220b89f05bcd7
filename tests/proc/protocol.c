/*
 * The text protocol as a client meets it, byte by byte: a test for each row
 * of the table in kvd-protocol(7), and for what bad input gets.
 */

#include <sys/socket.h>

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/talk.h"

#define VALUE_MAX	(1024 * 1024)
#define KEY_MAX		(128 * 1024)
#define NAME_MAX_BYTES	1024

static struct daemon d;
static int fd;

static void
begin(void)
{
	daemon_start(&d);
	fd = talk_open(&d);
}

static void
end(void)
{
	close(fd);
	daemon_stop(&d);
}

TestSuite(protocol, .init = begin, .fini = end, .timeout = 120);

/* A word of n equal letters; the caller frees it. */
static char *
letters(size_t n)
{
	char *word = malloc(n + 1);

	cr_assert_not_null(word);
	memset(word, 'x', n);
	word[n] = '\0';
	return word;
}

/* A request with a long word in it. */
static void
send_with(const char *before, const char *word, const char *after)
{
	talk_send(fd, before);
	talk_send(fd, word);
	talk_send(fd, after);
}

Test(protocol, create_answers_ok_also_if_the_bucket_is_there)
{
	talk(fd, "CREATE shopping\r\n", "OK\r\n");
	talk(fd, "PUT shopping milk 1\r\n", "OK\r\n");
	talk(fd, "CREATE shopping\r\n", "OK\r\n");
	talk(fd, "GET shopping milk\r\n", "1\r\nOK\r\n");
	talk_expect_silence(fd);
}

Test(protocol, put_answers_ok_and_get_the_value)
{
	talk(fd, "CREATE shopping\r\n", "OK\r\n");
	talk(fd, "PUT shopping milk 1\r\n", "OK\r\n");
	talk(fd, "GET shopping milk\r\n", "1\r\nOK\r\n");
	talk(fd, "PUT shopping milk 22\r\n", "OK\r\n");
	talk(fd, "GET shopping milk\r\n", "22\r\nOK\r\n");
}

Test(protocol, get_of_a_missing_key_answers_an_empty_line)
{
	talk(fd, "CREATE shopping\r\n", "OK\r\n");
	talk(fd, "GET shopping milk\r\n", "\r\nOK\r\n");
}

Test(protocol, delete_answers_ok_also_if_the_key_is_missing)
{
	talk(fd, "CREATE shopping\r\nPUT shopping eggs 3\r\n",
	    "OK\r\nOK\r\n");
	talk(fd, "DELETE shopping eggs\r\n", "OK\r\n");
	talk(fd, "GET shopping eggs\r\n", "\r\nOK\r\n");
	talk(fd, "DELETE shopping eggs\r\n", "OK\r\n");
}

Test(protocol, subscribe_answers_nothing_until_the_first_event)
{
	int other = talk_open(&d);

	talk(fd, "CREATE shopping\r\nPUT shopping old 1\r\n", "OK\r\nOK\r\n");
	/* The PING behind it shows that it was processed: it is discarded. */
	talk_send(fd, "SUBSCRIBE shopping\r\nPING\r\n");
	while (talk_info(other, "clients", "subscribers") != 1)
		;
	talk_expect_silence(fd);
	talk(other, "PUT shopping milk 1\r\nDELETE shopping milk\r\n"
	    "PUT shopping \"two words\" \"a\\nb\"\r\n", "OK\r\nOK\r\nOK\r\n");
	talk_expect(fd, "milk SET TO 1\r\nmilk DELETED\r\n"
	    "\"two words\" SET TO \"a\\nb\"\r\n");
	talk_send(fd, "PUT shopping mine 1\r\nnonsense\r\n");
	talk(other, "DELETE shopping old\r\nDELETE shopping old\r\n"
	    "PUT shopping last 1\r\nCOUNT shopping\r\n",
	    "OK\r\nOK\r\nOK\r\n2\r\nOK\r\n");
	talk_expect(fd, "old DELETED\r\nlast SET TO 1\r\n");
	close(other);
}

Test(protocol, subscriber_of_a_dropped_bucket_is_told_and_closed)
{
	int other = talk_open(&d);

	talk(fd, "CREATE shopping\r\n", "OK\r\n");
	talk_send(fd, "SUBSCRIBE shopping\r\n");
	while (talk_info(other, "clients", "subscribers") != 1)
		;
	talk(other, "DROP shopping\r\nCREATE shopping\r\n"
	    "PUT shopping a 1\r\n", "OK\r\nOK\r\nOK\r\n");
	talk_expect(fd, "NOT FOUND\r\n");
	talk_expect_end(fd);
	close(other);
}

Test(protocol, missing_bucket_answers_not_found)
{
	static const char *const requests[] = {
		"PUT nope k v", "GET nope k", "DELETE nope k",
		"SUBSCRIBE nope", "KEYS nope", "COUNT nope", "DROP nope",
		"MPUT nope a 1 b 2", "MGET nope a b"
	};
	size_t i;

	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		talk_send(fd, requests[i]);
		talk(fd, "\r\n", "NOT FOUND\r\n");
	}
	talk(fd, "PING\r\n", "PONG\r\nOK\r\n");
}

Test(protocol, wrong_verb_or_number_of_words_is_an_unknown_command)
{
	static const char *const requests[] = {
		"NONSENSE", "PU shopping a b", "PUTT shopping a b", "CREATE",
		"CREATE a b", "PUT", "PUT shopping", "PUT shopping milk",
		"PUT shopping milk 1 2", "GET shopping", "GET shopping a b",
		"DELETE shopping", "DELETE a b c", "SUBSCRIBE",
		"SUBSCRIBE a b", "BUCKETS all", "KEYS", "KEYS a b", "COUNT",
		"DROP", "MPUT shopping a", "MPUT shopping a 1 b",
		"MGET shopping", "WHERE", "INFO a b", "AUDIT x", "HELP a b",
		"PING x", "QUIT x", "\"\"", "\"PUT shopping\" a b"
	};
	size_t i;

	talk(fd, "CREATE shopping\r\n", "OK\r\n");
	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		talk_send(fd, requests[i]);
		talk(fd, "\r\n", "UNKNOWN COMMAND\r\n");
	}
	talk(fd, "BUCKETS\r\n", "shopping\r\nOK\r\n");
}

Test(protocol, verbs_are_accepted_in_any_case)
{
	talk(fd, "create b\r\nPuT b k v\r\ngEt b k\r\n",
	    "OK\r\nOK\r\nv\r\nOK\r\n");
	talk(fd, "GET B k\r\n", "NOT FOUND\r\n");
}

Test(protocol, lines_may_end_in_lf_and_blanks_are_ignored)
{
	talk(fd, "CREATE b\n  PUT \t b  k   v  \r\n\r\n\n   \nGET b k\n",
	    "OK\r\nOK\r\nv\r\nOK\r\n");
}

Test(protocol, quoted_words_carry_any_bytes)
{
	talk(fd, "CREATE \"a b\"\r\n", "OK\r\n");
	talk(fd, "PUT \"a b\" \"\" \"\"\r\n", "OK\r\n");
	talk(fd, "GET \"a b\" \"\"\r\n", "\"\"\r\nOK\r\n");
	talk(fd, "PUT \"a b\" k \"\\x00\\xff\\\"\\\\\\n\"\r\n", "OK\r\n");
	talk(fd, "GET \"a b\" k\r\n", "\"\\0\xff\\\"\\\\\\n\"\r\nOK\r\n");
	talk(fd, "BUCKETS\r\n", "\"a b\"\r\nOK\r\n");
}

Test(protocol, lists_answer_an_item_per_line)
{
	talk(fd, "BUCKETS\r\n", "OK\r\n");
	talk(fd, "CREATE b\r\nKEYS b\r\nCOUNT b\r\n",
	    "OK\r\nOK\r\n0\r\nOK\r\n");
	talk(fd, "PUT b k v\r\nKEYS b\r\nCOUNT b\r\nBUCKETS\r\n",
	    "OK\r\nk\r\nOK\r\n1\r\nOK\r\nb\r\nOK\r\n");
}

Test(protocol, mput_and_mget_take_several_keys)
{
	talk(fd, "CREATE b\r\nMPUT b a 1 c \"2 3\" a 4\r\n", "OK\r\nOK\r\n");
	talk(fd, "MGET b a missing c\r\n", "4\r\n\r\n\"2 3\"\r\nOK\r\n");
	talk(fd, "PUT b word OK\r\nMGET b word\r\nGET b word\r\n",
	    "OK\r\n\"OK\"\r\nOK\r\nOK\r\nOK\r\n");
}

Test(protocol, drop_removes_a_bucket_with_its_keys)
{
	talk(fd, "CREATE b\r\nPUT b k v\r\nDROP b\r\nGET b k\r\nCREATE b\r\n"
	    "GET b k\r\n", "OK\r\nOK\r\nOK\r\nNOT FOUND\r\nOK\r\n\r\nOK\r\n");
}

Test(protocol, ping_as_the_first_line_is_answered_for_benchmark_tools)
{
	talk(fd, "PING\r\n", "+PONG\r\n");
	talk(fd, "PING\r\nECHO hello\r\n", "+PONG\r\n$5\r\nhello\r\n");
	talk_once(&d, "\r\nping\r\nping\r\n", "+PONG\r\n+PONG\r\n");
}

Test(protocol, of_redis_is_spoken_to_whose_first_byte_is_a_star)
{
	talk(fd, "*1\r\n$4\r\nPING\r\n", "+PONG\r\n");
	talk(fd, "*6\r\n$4\r\nHSET\r\n$1\r\nb\r\n$1\r\nk\r\n$1\r\nv\r\n"
	    "$1\r\nl\r\n$1\r\nw\r\n", ":2\r\n");
	talk(fd, "*3\r\n$4\r\nHGET\r\n$1\r\nb\r\n$1\r\nl\r\n",
	    "$1\r\nw\r\n");
	talk_once(&d, "GET b k\r\n", "v\r\nOK\r\n");
}

Test(protocol, browsers_are_cut_off_without_a_word)
{
	int other = talk_open(&d);

	talk_send(fd, "POST / HTTP/1.1\r\nCREATE evil\r\n");
	talk_expect_end(fd);
	talk_send(other, "GET / HTTP/1.1\r\nHost: x\r\nCREATE evil\r\n");
	talk_expect_end(other);
	close(other);
	talk_once(&d, "BUCKETS\r\n", "OK\r\n");
}

Test(protocol, help_names_every_command)
{
	static const char *const verbs[] = {
		"CREATE ", "PUT ", "GET ", "DELETE ", "SUBSCRIBE ",
		"BUCKETS:", "KEYS ", "COUNT ", "DROP ", "MPUT ", "MGET ",
		"WHERE ", "INFO ", "AUDIT:", "HELP ", "PING:", "AUTH ",
		"QUIT:",
#ifdef KVD_DEBUG_COMMANDS
		"DEBUG ",
#endif
	};
	char line[256];
	size_t i;

	talk_send(fd, "HELP\r\n");
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		cr_assert(talk_line(fd, line, sizeof(line)));
		cr_assert_eq(strncmp(line, verbs[i], strlen(verbs[i])), 0,
		    "%s", line);
	}
	talk_expect(fd, "OK\r\n");
	talk(fd, "help quit\r\n", "QUIT: close the connection\r\nOK\r\n");
	talk(fd, "HELP me\r\n",
	    "ERROR no such command; HELP alone lists them all\r\n");
}

Test(protocol, info_answers_sections)
{
	talk(fd, "CREATE b\r\n", "OK\r\n");
	cr_assert_eq(talk_info(fd, "server", "master_pid"), (uint64_t)d.pid);
	cr_assert_eq(talk_info(fd, "clients", "clients"), 1);
	cr_assert_eq(talk_info(fd, "clients", "subscribers"), 0);
	cr_assert_eq(talk_info(fd, "memory", "memory_bytes"), 64 << 20);
	cr_assert_geq(talk_info(fd, "stats", "requests"), 4);
	cr_assert_eq(talk_info(fd, "buckets", "value_max"), VALUE_MAX);
	talk(fd, "INFO nonsense\r\n", "ERROR no such section: server, "
	    "clients, memory, stats, buckets, workers, node or nodes\r\n");
}

Test(protocol, info_of_the_nodes_is_a_line_where_there_is_one)
{
	char line[512], other[512], expected[256];

	snprintf(expected, sizeof(expected), "node_%s:address=", d.name);
	talk_send(fd, "INFO nodes\r\n");
	cr_assert(talk_line(fd, line, sizeof(line)));
	cr_assert_eq(strncmp(line, expected, strlen(expected)), 0, "%s", line);
	cr_assert_not_null(strstr(line, ",state=up,table=1,shards="));
	cr_assert_null(strstr(line, "shards=-"));
	talk_expect(fd, "OK\r\n");
	do {
		talk_send(fd, "INFO node\r\n");
		cr_assert(talk_line(fd, other, sizeof(other)));
		talk_expect(fd, "OK\r\n");
	} while (strstr(other, ",strays=-") != NULL);
	cr_assert_not_null(strstr(other, ",buckets=0,keys=0,strays=0,"));
}

Test(protocol, where_tells_of_each_bucket_there_or_not)
{
	char line[512], expected[256];
	int i;

	snprintf(expected, sizeof(expected), ",node=%s,address=", d.name);
	talk_send(fd, "WHERE a \"x y\"\r\nwhere a\r\n");
	for (i = 0; i < 3; i++) {
		cr_assert(talk_line(fd, line, sizeof(line)));
		cr_assert_eq(strncmp(line, i == 1 ? "slot=6385,shard=" :
		    "slot=15495,shard=", 16), 0, "%s", line);
		cr_assert_not_null(strstr(line, expected), "%s", line);
		cr_assert_not_null(strstr(line, ",why=the only node"));
		if (i > 0)
			talk_expect(fd, "OK\r\n");
	}
	talk(fd, "WHERE a \"\" b\r\n",
	    "ERROR bucket name is empty or longer than 1024 bytes\r\n");
}

Test(protocol, pipelined_requests_are_answered_in_order)
{
	static char requests[64 * 1024], replies[64 * 1024];
	char *q = requests, *a = replies;
	int i;

	talk(fd, "CREATE b\r\n", "OK\r\n");
	for (i = 0; i < 1000; i++) {
		q += sprintf(q, "PUT b k%d %d\r\nGET b k%d\r\n", i % 7, i,
		    i % 7);
		a += sprintf(a, "OK\r\n%d\r\nOK\r\n", i);
	}
	talk(fd, requests, replies);
}

Test(protocol, request_in_single_bytes_is_one_request)
{
	const char *request = "CREATE b\r\nPUT b \"k k\" v\r\n";

	for (; *request != '\0'; request++)
		talk_send_bytes(fd, request, 1);
	talk(fd, "GET b \"k k\"\r\n", "OK\r\nOK\r\nv\r\nOK\r\n");
}

/* What bad input gets. */

Test(protocol, line_longer_than_any_request_is_refused_and_closed)
{
	size_t max = 4 * (VALUE_MAX + KEY_MAX + NAME_MAX_BYTES) + 64;
	char *line = letters(max);

	talk_send_bytes(fd, line, max);
	talk_expect(fd, "ERROR line too long\r\n");
	talk_send(fd, "\r\nCREATE evil\r\n");
	talk_expect_end(fd);
	talk_once(&d, "BUCKETS\r\n", "OK\r\n");
	free(line);
}

Test(protocol, longest_legal_request_with_every_byte_escaped_is_served)
{
	size_t n = VALUE_MAX, i;
	char *value = malloc(4 * n + 1);

	cr_assert_not_null(value);
	for (i = 0; i < n; i++)
		memcpy(value + 4 * i, "\\x41", 4);
	value[4 * n] = '\0';
	talk(fd, "CREATE b\r\n", "OK\r\n");
	send_with("PUT b k \"", value, "\"\r\n");
	talk_expect(fd, "OK\r\n");
	memset(value, 'A', n);
	value[n] = '\0';
	talk(fd, "GET b k\r\n", value);
	talk_expect(fd, "\r\nOK\r\n");
	free(value);
}

Test(protocol, bucket_name_over_its_limit_or_empty_is_an_error)
{
	static const char error[] = "ERROR bucket name is empty or longer "
	    "than 1024 bytes\r\n";
	char *legal = letters(NAME_MAX_BYTES);
	char *long_name = letters(NAME_MAX_BYTES + 1);

	send_with("CREATE ", legal, "\r\n");
	talk_expect(fd, "OK\r\n");
	send_with("CREATE ", long_name, "\r\n");
	talk_expect(fd, error);
	talk(fd, "CREATE \"\"\r\n", error);
	talk(fd, "GET \"\" k\r\n", error);
	send_with("SUBSCRIBE ", long_name, "\r\n");
	talk_expect(fd, error);
	free(legal);
	free(long_name);
}

Test(protocol, key_over_its_limit_is_an_error_before_the_bucket_is_looked_for)
{
	static const char error[] = "ERROR key is longer than 131072 bytes\r\n";
	char *legal = letters(KEY_MAX), *key = letters(KEY_MAX + 1);

	talk(fd, "CREATE b\r\n", "OK\r\n");
	send_with("PUT b ", legal, " 1\r\n");
	talk_expect(fd, "OK\r\n");
	send_with("GET b ", legal, "\r\n");
	talk_expect(fd, "1\r\nOK\r\n");
	send_with("PUT nope ", key, " 1\r\n");
	talk_expect(fd, error);
	send_with("MPUT b a 1 ", key, " 2\r\n");
	talk_expect(fd, error);
	send_with("MGET b a ", key, "\r\n");
	talk_expect(fd, error);
	talk(fd, "COUNT b\r\n", "1\r\nOK\r\n");
	free(legal);
	free(key);
}

Test(protocol, value_over_its_limit_is_an_error_and_changes_nothing)
{
	static const char error[] =
	    "ERROR value is longer than 1048576 bytes\r\n";
	char *legal = letters(VALUE_MAX), *value = letters(VALUE_MAX + 1);

	talk(fd, "CREATE b\r\n", "OK\r\n");
	send_with("PUT b k ", legal, "\r\n");
	talk_expect(fd, "OK\r\n");
	send_with("PUT b k ", value, "\r\n");
	talk_expect(fd, error);
	send_with("MPUT b a 1 k ", value, "\r\n");
	talk_expect(fd, error);
	talk(fd, "COUNT b\r\n", "1\r\nOK\r\n");
	talk(fd, "GET b k\r\n", legal);
	talk_expect(fd, "\r\nOK\r\n");
	free(legal);
	free(value);
}

Test(protocol, batch_over_a_segment_is_refused_and_sets_nothing)
{
	char *value = letters(VALUE_MAX);
	int i;

	talk(fd, "CREATE b\r\n", "OK\r\n");
	talk_send(fd, "MPUT b");
	for (i = 0; i < 4; i++) {
		talk_send(fd, i == 0 ? " k " : " l ");
		talk_send(fd, value);
	}
	talk(fd, "\r\n", "ERROR batch too large\r\n");
	talk(fd, "COUNT b\r\n", "0\r\nOK\r\n");
	free(value);
}

Test(protocol, malformed_line_is_an_error_with_its_position)
{
	talk(fd, "PUT b \"k v\r\n", "ERROR unbalanced quote at 7\r\n");
	talk(fd, "PUT b \"k\\q\" v\r\n", "ERROR bad escape at 9\r\n");
	talk(fd, "PING\r\n", "PONG\r\nOK\r\n");
}

Test(protocol, too_many_words_are_refused)
{
	size_t n = 16384 + 2, i;
	char *line = malloc(2 * n + 3);

	cr_assert_not_null(line);
	for (i = 0; i < n; i++)
		memcpy(line + 2 * i, "k ", 2);
	memcpy(line + 2 * n, "\r\n", 3);
	talk(fd, "CREATE k\r\n", "OK\r\n");
	talk_send(fd, "MGET ");
	talk(fd, line, "ERROR too many words\r\n");
	talk_send(fd, "MPUT ");
	talk(fd, line + 2, "ERROR too many words\r\n");
	talk(fd, "COUNT k\r\n", "0\r\nOK\r\n");
	free(line);
}

Test(protocol, bytes_after_quit_are_dropped)
{
	talk(fd, "QUIT\r\nCREATE evil\r\n", "OK\r\n");
	talk_send(fd, "CREATE evil\r\n");
	talk_expect_end(fd);
	talk_once(&d, "BUCKETS\r\n", "OK\r\n");
}

Test(protocol, half_a_line_then_close_is_never_executed)
{
	talk_send(fd, "CREATE whole\r\nCREATE half");
	shutdown(fd, SHUT_WR);
	talk_expect(fd, "OK\r\n");
	talk_expect_end(fd);
	talk_once(&d, "BUCKETS\r\n", "whole\r\nOK\r\n");
}

Test(protocol, request_behind_urgent_data_is_answered)
{
	pid_t worker = talk_pause_worker(fd);

	talk_send(fd, "BUCKETS\r\n");
	cr_assert_eq(send(fd, "!", 1, MSG_OOB), 1);
	talk_send(fd, "BUCKETS\r\n");
	cr_assert_eq(kill(worker, SIGCONT), 0);
	talk_expect(fd, "OK\r\nOK\r\n");
}
