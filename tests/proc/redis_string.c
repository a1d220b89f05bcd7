/*
 * Strings, as clients of Redis know them, reply by reply; and what bad input
 * gets, which changes nothing.
 */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

#define KEY_MAX		((size_t)128 * 1024)
#define NOT_INTEGER	"-ERR value is not an integer or out of range"
#define SYNTAX		"-ERR syntax error"
#define ARITY(name)	"-ERR wrong number of arguments for '" name "' command"
#define BAD_TIME(name)	"-ERR invalid expire time in '" name "' command"

static const char wrong_type[] = "-WRONGTYPE Operation against a key holding "
    "the wrong kind of value";

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

TestSuite(redis_string, .init = begin, .fini = end, .timeout = 120);

Test(redis_string, is_what_it_was_set_to)
{
	static const struct redis_line lines[] = {
		{ "GET s", "$-1" },
		{ "SET s one", "+OK" },
		{ "GET s", "$3\r\none" },
		{ "SET s \"\"", "+OK" },
		{ "GET s", "$0\r\n" },
		{ "SET \"\" \"a\\x00\\r\\nb\"", "+OK" },
		{ "STRLEN \"\"", ":5" },
		{ "EXISTS \"\"", ":1" },
		{ "DEL \"\"", ":1" },
		{ "STRLEN nosuch", ":0" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_string, is_set_under_conditions)
{
	static const struct redis_line lines[] = {
		{ "SET s 1 XX", "$-1" },
		{ "SET s 1 nx", "+OK" },
		{ "SET s 2 NX", "$-1" },
		{ "GET s", "$1\r\n1" },
		{ "SET s 2 XX", "+OK" },
		{ "SET s 3 GET", "$1\r\n2" },
		{ "SET s 4 NX GET", "$1\r\n3" },
		{ "GET s", "$1\r\n3" },
		{ "SET t 1 XX GET", "$-1" },
		{ "SET t 1 NX GET", "$-1" },
		{ "GET t", "$1\r\n1" },
		{ "SETNX t 2", ":0" },
		{ "SETNX u 2", ":1" },
		{ "GETSET u 3", "$1\r\n2" },
		{ "GETSET v 3", "$-1" },
		{ "GETDEL v", "$1\r\n3" },
		{ "GETDEL v", "$-1" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_string, is_set_for_some_time)
{
	redis_ask(fd, "SET s 1 EX 100", "+OK");
	redis_expect_between(fd, "TTL s", 99, 100);
	redis_ask(fd, "SET s 2 KEEPTTL", "+OK");
	redis_expect_between(fd, "PTTL s", 90000, 100000);
	redis_ask(fd, "SET s 2", "+OK");
	redis_ask(fd, "TTL s", ":-1");
	redis_ask(fd, "SET s 2 PX 100000", "+OK");
	redis_expect_between(fd, "TTL s", 99, 100);
	redis_ask(fd, "SET s 2 EXAT 99999999999", "+OK");
	redis_ask(fd, "EXPIRETIME s", ":99999999999");
	redis_ask(fd, "SET s 2 PXAT 99999999999999", "+OK");
	redis_ask(fd, "PEXPIRETIME s", ":99999999999999");
	redis_ask(fd, "SETEX s 200 3", "+OK");
	redis_expect_between(fd, "TTL s", 199, 200);
	redis_ask(fd, "PSETEX s 300000 3", "+OK");
	redis_expect_between(fd, "TTL s", 299, 300);
	redis_ask(fd, "GETSET s 4", "$1\r\n3");
	redis_ask(fd, "TTL s", ":-1");
	redis_ask(fd, "SET s 5 EX 10 EX 20", "+OK");
	redis_expect_between(fd, "TTL s", 19, 20);
}

Test(redis_string, of_a_time_that_is_over_is_gone)
{
	static const struct redis_line lines[] = {
		{ "SET s 1", "+OK" },
		{ "SET s 2 EXAT 1", "+OK" },
		{ "EXISTS s", ":0" },
		{ "DBSIZE", ":0" },
		{ "SET s 2 PXAT 1", "+OK" },
		{ "GET s", "$-1" },
		{ "SET s 1", "+OK" },
		{ "GETEX s PXAT 1", "$1\r\n1" },
		{ "GET s", "$-1" },
	};

	REDIS_ASK_ALL(fd, lines);
	redis_ask(fd, "SET s 1 PX 30", "+OK");
	while (redis_number(fd, "EXISTS s") != 0)
		;
	redis_ask(fd, "GET s", "$-1");
	redis_ask(fd, "APPEND s x", ":1");
	redis_ask(fd, "TTL s", ":-1");
}

Test(redis_string, is_got_and_its_time_changed)
{
	redis_ask(fd, "SET s 1", "+OK");
	redis_ask(fd, "GETEX s", "$1\r\n1");
	redis_ask(fd, "TTL s", ":-1");
	redis_ask(fd, "GETEX s EX 100", "$1\r\n1");
	redis_expect_between(fd, "TTL s", 99, 100);
	redis_ask(fd, "GETEX s", "$1\r\n1");
	redis_expect_between(fd, "TTL s", 99, 100);
	redis_ask(fd, "GETEX s PERSIST", "$1\r\n1");
	redis_ask(fd, "TTL s", ":-1");
	redis_ask(fd, "GETEX s EX 0", BAD_TIME("getex"));
	redis_ask(fd, "GETEX s EX x", NOT_INTEGER);
	redis_ask(fd, "GETEX s PERSIST EX 1", SYNTAX);
	redis_ask(fd, "GETEX s NX", SYNTAX);
	redis_ask(fd, "GETEX nosuch EX 0", "$-1");
	redis_ask(fd, "TTL s", ":-1");
}

Test(redis_string, is_not_set_by_options_that_make_no_sense)
{
	static const struct redis_line lines[] = {
		{ "SET s 1", "+OK" },
		{ "SET s 2 NX XX", SYNTAX },
		{ "SET s 2 EX", SYNTAX },
		{ "SET s 2 EX 10 PX 10", SYNTAX },
		{ "SET s 2 KEEPTTL EX 10", SYNTAX },
		{ "SET s 2 EXAT 99999999999 KEEPTTL", SYNTAX },
		{ "SET s 2 PERSIST", SYNTAX },
		{ "SET s 2 FOO", SYNTAX },
		{ "SET s 2 EX x", NOT_INTEGER },
		{ "SET s 2 EX 1.5", NOT_INTEGER },
		{ "SET s 2 EX 0", BAD_TIME("set") },
		{ "SET s 2 PX -1", BAD_TIME("set") },
		{ "SET s 2 EX 9223372036854775807", BAD_TIME("set") },
		{ "SET s 2 PX 9223372036854775807", BAD_TIME("set") },
		{ "SETEX s 0 2", BAD_TIME("setex") },
		{ "SETEX s x 2", NOT_INTEGER },
		{ "PSETEX s -5 2", BAD_TIME("psetex") },
		{ "SET s", ARITY("set") },
		{ "SETNX s", ARITY("setnx") },
		{ "GET", ARITY("get") },
		{ "GET s s", ARITY("get") },
		{ "GET s", "$1\r\n1" },
		{ "TTL s", ":-1" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_string, is_a_number_to_be_added_to)
{
	static const struct redis_line lines[] = {
		{ "INCR n", ":1" },
		{ "INCRBY n 9", ":10" },
		{ "DECR n", ":9" },
		{ "DECRBY n 20", ":-11" },
		{ "GET n", "$3\r\n-11" },
		{ "SET n 9223372036854775806", "+OK" },
		{ "INCR n", ":9223372036854775807" },
		{ "INCR n", "-ERR increment or decrement would overflow" },
		{ "INCRBY n 1", "-ERR increment or decrement would overflow" },
		{ "DECRBY n -1", "-ERR increment or decrement would overflow" },
		{ "DECRBY n -9223372036854775808",
		    "-ERR decrement would overflow" },
		{ "INCRBY n x", NOT_INTEGER },
		{ "INCRBY n 9223372036854775808", NOT_INTEGER },
		{ "GET n", "$19\r\n9223372036854775807" },
		{ "SET n 007", "+OK" },
		{ "INCR n", NOT_INTEGER },
		{ "SET n \" 7\"", "+OK" },
		{ "INCR n", NOT_INTEGER },
		{ "SET n \"\"", "+OK" },
		{ "DECR n", NOT_INTEGER },
		{ "GET n", "$0\r\n" },
		{ "INCRBY n", ARITY("incrby") },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_string, is_a_real_number_to_be_added_to)
{
	static const struct redis_line lines[] = {
		{ "INCRBYFLOAT n 3.0e3", "$4\r\n3000" },
		{ "INCRBYFLOAT n -0.5", "$6\r\n2999.5" },
		{ "GET n", "$6\r\n2999.5" },
		{ "INCR n", NOT_INTEGER },
		{ "INCRBYFLOAT n x", "-ERR value is not a valid float" },
		{ "INCRBYFLOAT n nan", "-ERR value is not a valid float" },
		{ "INCRBYFLOAT n inf",
		    "-ERR increment would produce NaN or Infinity" },
		{ "GET n", "$6\r\n2999.5" },
		{ "SET n abc", "+OK" },
		{ "INCRBYFLOAT n 1", "-ERR value is not a valid float" },
		{ "GET n", "$3\r\nabc" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_string, expires_when_it_did_after_a_change_in_part)
{
	static const struct redis_line lines[] = {
		{ "SET s 1 PXAT 99999999999999", "+OK" },
		{ "INCR s", ":2" },
		{ "APPEND s 0", ":2" },
		{ "SETRANGE s 0 3", ":2" },
		{ "INCRBYFLOAT s 0.5", "$4\r\n30.5" },
		{ "PEXPIRETIME s", ":99999999999999" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_string, grows_at_its_end)
{
	static const struct redis_line lines[] = {
		{ "APPEND s hello", ":5" },
		{ "APPEND s \" world\"", ":11" },
		{ "APPEND s \"\"", ":11" },
		{ "GET s", "$11\r\nhello world" },
		{ "APPEND empty \"\"", ":0" },
		{ "EXISTS empty", ":1" },
		{ "APPEND s", ARITY("append") },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_string, is_read_in_part)
{
	static const struct redis_line lines[] = {
		{ "SET s abcdef", "+OK" },
		{ "GETRANGE s 0 -1", "$6\r\nabcdef" },
		{ "GETRANGE s 1 2", "$2\r\nbc" },
		{ "SUBSTR s -3 -2", "$2\r\nde" },
		{ "GETRANGE s -1 -3", "$0\r\n" },
		{ "GETRANGE s 4 2", "$0\r\n" },
		{ "GETRANGE s 6 9", "$0\r\n" },
		{ "GETRANGE s 5 9", "$1\r\nf" },
		{ "GETRANGE s -100 0", "$1\r\na" },
		{ "GETRANGE s 0 -100", "$1\r\na" },
		{ "GETRANGE s -9223372036854775808 9223372036854775807",
		    "$6\r\nabcdef" },
		{ "GETRANGE nosuch 0 -1", "$0\r\n" },
		{ "GETRANGE s x 1", NOT_INTEGER },
		{ "GETRANGE s 0 y", NOT_INTEGER },
		{ "GETRANGE s 0", ARITY("getrange") },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_string, is_overwritten_in_part)
{
	static const struct redis_line lines[] = {
		{ "SETRANGE s 3 \"\"", ":0" },
		{ "EXISTS s", ":0" },
		{ "SETRANGE s 2 ab", ":4" },
		{ "SETRANGE s 0 xy", ":4" },
		{ "GET s", "$4\r\nxyab" },
		{ "SETRANGE s 6 z", ":7" },
		{ "SETRANGE s 4 cd", ":7" },
		{ "GET s", "$7\r\nxyabcdz" },
		{ "SETRANGE s 1 \"\"", ":7" },
		{ "SETRANGE s -1 x", "-ERR offset is out of range" },
		{ "SETRANGE s x x", NOT_INTEGER },
		{ "SETRANGE s 9223372036854775807 x", "-ERR string exceeds "
		    "maximum allowed size (proto-max-bulk-len)" },
		{ "SETRANGE s 1048576 x", "-ERR string exceeds maximum "
		    "allowed size (proto-max-bulk-len)" },
		{ "STRLEN s", ":7" },
		{ "SETRANGE s 1048575 x", ":1048576" },
		{ "APPEND s x", "-ERR string exceeds maximum allowed size "
		    "(proto-max-bulk-len)" },
		{ "STRLEN s", ":1048576" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_string, starts_with_zeros_if_it_was_not_there)
{
	static const char zeros[] = "$3\r\n\0\0x\r\n";
	char got[sizeof(zeros)] = "";
	size_t n = 0;

	redis_ask(fd, "SETRANGE s 2 x", ":3");
	talk_send(fd, "GET s\r\n");
	while (n < sizeof(zeros) - 1) {
		ssize_t some = read(fd, got + n, sizeof(zeros) - 1 - n);

		cr_assert_gt(some, 0);
		n += (size_t)some;
	}
	cr_assert_eq(memcmp(got, zeros, sizeof(zeros) - 1), 0);
}

Test(redis_string, commands_take_several)
{
	static const struct redis_line lines[] = {
		{ "MSET a 1 b 2 a 3", "+OK" },
		{ "HSET h f v", ":1" },
		{ "MGET a nosuch b h a", "*5\r\n$1\r\n3\r\n$-1\r\n$1\r\n2\r\n"
		    "$-1\r\n$1\r\n3" },
		{ "MSET a 1 b", ARITY("mset") },
		{ "MSET a", ARITY("mset") },
		{ "MGET", ARITY("mget") },
		{ "GET a", "$1\r\n3" },
		{ "MSET h 1", "+OK" },
		{ "TYPE h", "+string" },
		{ "MSETNX {t}a 1 {t}b 2 {t}a 3", ":1" },
		{ "MSETNX {t}c 1 {t}b 3", ":0" },
		{ "MGET {t}a {t}b {t}c",
		    "*3\r\n$1\r\n3\r\n$1\r\n2\r\n$-1" },
		{ "MSETNX a 1 b", ARITY("msetnx") },
		{ "MSETNX a 1 b 2 c 3 d 4 e 5 f 6 g 7", "-CROSSSLOT Keys in "
		    "request don't hash to the same slot" },
		{ "EXISTS c d e f g", ":0" },
	};

	REDIS_ASK_ALL(fd, lines);
}

/* As many as to be in all shards, several times. */
Test(redis_string, commands_take_many)
{
	char word[32], *p, *line = malloc(64 * 1024);
	int i;

	cr_assert_not_null(line);
	p = line + sprintf(line, "MSET");
	for (i = 0; i < 1000; i++)
		p += sprintf(p, " key%d v%d", i, i);
	redis_ask(fd, line, "+OK");
	redis_ask(fd, "DBSIZE", ":1000");
	p = line + sprintf(line, "MGET");
	for (i = 999; i >= 0; i--)
		p += sprintf(p, " key%d", i);
	strcpy(p, "\r\n");
	talk(fd, line, "*1000\r\n");
	for (i = 999; i >= 0; i--) {
		sprintf(line, "$%d\r\nv%d\r\n", sprintf(word, "v%d", i), i);
		talk_expect(fd, line);
	}
	p = line + sprintf(line, "UNLINK");
	for (i = 0; i < 1001; i++)
		p += sprintf(p, " key%d", i);
	redis_ask(fd, line, ":1000");
	redis_ask(fd, "DBSIZE", ":0");
	free(line);
}

Test(redis_string, that_is_missing_is_a_null_of_its_own_in_RESP3)
{
	static const struct redis_line lines[] = {
		{ "GET s", "_" },
		{ "SET s 1 XX", "_" },
		{ "SET s 1 GET", "_" },
		{ "SET s 2 NX", "_" },
		{ "GETSET t 1", "_" },
		{ "GETDEL t", "$1\r\n1" },
		{ "GETDEL t", "_" },
		{ "GETEX t", "_" },
		{ "MGET s t", "*2\r\n$1\r\n1\r\n_" },
		{ "INCRBYFLOAT s 0.5", "$3\r\n1.5" },
		{ "GETRANGE t 0 1", "$0\r\n" },
		{ "STRLEN t", ":0" },
		{ "DEL s", ":1" },
		{ "RANDOMKEY", "_" },
		{ "KEYS *", "*0" },
		{ "SCAN 0 COUNT 1000", "*2\r\n$1\r\n0\r\n*0" },
	};

	redis_use_resp3(fd);
	REDIS_ASK_ALL(fd, lines);
}

/* A name is one or the other. */
Test(redis_string, is_no_bucket)
{
	static const struct redis_line lines[] = {
		{ "HSET h f v", ":1" },
		{ "GET h", wrong_type },
		{ "STRLEN h", wrong_type },
		{ "GETRANGE h 0 1", wrong_type },
		{ "GETSET h 1", wrong_type },
		{ "GETDEL h", wrong_type },
		{ "GETEX h EX 0", wrong_type },
		{ "SET h 1 GET", wrong_type },
		{ "SET h 1 NX", "$-1" },
		{ "SETNX h 1", ":0" },
		{ "APPEND h x", wrong_type },
		{ "SETRANGE h 0 x", wrong_type },
		{ "INCR h", wrong_type },
		{ "INCRBY h x", NOT_INTEGER },
		{ "INCRBYFLOAT h x", wrong_type },
		{ "HGET h f", "$1\r\nv" },
		{ "SET s 1", "+OK" },
		{ "HSET s f v", wrong_type },
		{ "HGET s f", wrong_type },
		{ "GET s", "$1\r\n1" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_string, takes_the_place_of_a_bucket_when_it_is_set)
{
	static const struct redis_line lines[] = {
		{ "HSET h f v", ":1" },
		{ "SET h 1", "+OK" },
		{ "GET h", "$1\r\n1" },
		{ "DBSIZE", ":1" },
		{ "DEL h", ":1" },
		{ "HGET h f", "$-1" },
		{ "HSET h f v", ":1" },
		{ "SET h 1 XX EX 100", "+OK" },
		{ "TYPE h", "+string" },
		{ "DEL h", ":1" },
		{ "HSET h f v", ":1" },
		{ "SET h 1 EXAT 1", "+OK" },
		{ "TYPE h", "+none" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_string, is_in_the_way_of_CREATE)
{
	int text = talk_open(&d);

	redis_ask(fd, "SET s 1", "+OK");
	talk(text, "CREATE s\r\n", "ERROR name is that of a string\r\n");
	talk(text, "PUT s k v\r\n", "NOT FOUND\r\n");
	talk(text, "BUCKETS\r\n", "OK\r\n");
	redis_ask(fd, "GET s", "$1\r\n1");
	redis_ask(fd, "DEL s", ":1");
	talk(text, "CREATE s\r\nPUT s k v\r\n", "OK\r\nOK\r\n");
	redis_ask(fd, "GET s", wrong_type);
	redis_ask(fd, "HGET s k", "$1\r\nv");
	redis_ask(fd, "SET s 1", "+OK");
	talk(text, "GET s k\r\n", "NOT FOUND\r\n");
	close(text);
}

Test(redis_string, is_sound_to_an_audit)
{
	int text = talk_open(&d);
	bool sound = false;
	char line[256];

	redis_ask(fd, "MSET a 1 b 2 c 3 d 4 e 5 f 6 g 7 h 8", "+OK");
	redis_ask(fd, "HSET hash f v", ":1");
	redis_ask(fd, "DEL a b c", ":3");
	talk_send(text, "AUDIT\r\n");
	do {
		cr_assert(talk_line(text, line, sizeof(line)));
		sound |= strcmp(line, "errors:0") == 0;
	} while (strcmp(line, "OK") != 0);
	cr_assert(sound);
	close(text);
}

Test(redis_string, has_a_name_that_is_not_too_long)
{
	char *name = malloc(KEY_MAX + 1), head[64];
	size_t len;

	cr_assert_not_null(name);
	memset(name, 'x', KEY_MAX + 1);
	for (len = KEY_MAX; len <= KEY_MAX + 1; len++) {
		sprintf(head, "*3\r\n$3\r\nSET\r\n$%zu\r\n", len);
		talk_send(fd, head);
		talk_send_bytes(fd, name, len);
		talk(fd, "\r\n$1\r\n1\r\n", len == KEY_MAX ? "+OK\r\n" :
		    "-ERR key too long\r\n");
	}
	redis_ask(fd, "DBSIZE", ":1");
	free(name);
}

static void
send_increments(int to, unsigned n)
{
	while (n-- > 0)
		talk_send(to, "INCRBY n 2\r\nINCRBY {n}other 2\r\n");
}

/* Of both workers, if the kernel deals connections out. */
Test(redis_string, is_added_to_by_several_at_once)
{
	enum { CLIENTS = 8, EACH = 250 };
	int fds[CLIENTS], i, round;
	char line[32];

	for (i = 0; i < CLIENTS; i++)
		fds[i] = redis_open(&d);
	for (round = 0; round < EACH; round += 10)
		for (i = 0; i < CLIENTS; i++)
			send_increments(fds[i], 10);
	for (i = 0; i < CLIENTS; i++)
		for (round = 0; round < 2 * EACH; round++)
			cr_assert(talk_line(fds[i], line, sizeof(line)));
	redis_ask(fd, "MGET n {n}other", "*2\r\n$4\r\n4000\r\n$4\r\n4000");
	for (i = 0; i < CLIENTS; i++)
		close(fds[i]);
}

Test(redis_string, outlives_the_server_that_set_it)
{
	redis_ask(fd, "MSET a 1 b 2", "+OK");
	daemon_kill(&d, SIGTERM);
	cr_assert_eq(daemon_wait(&d), 0);
	close(fd);
	daemon_launch(&d, NULL);
	fd = redis_open(&d);
	redis_ask(fd, "MGET a b", "*2\r\n$1\r\n1\r\n$1\r\n2");
}
