/*
 * Fields that expire, and commands that read or set fields and do something
 * to them in the same moment.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

#define NOT_INTEGER	"-ERR value is not an integer or out of range"
#define ARITY(name)	"-ERR wrong number of arguments for '" name "' command"
#define NO_FIELDS	"-ERR Mandatory argument FIELDS is missing or not at " \
			"the right position"
#define BAD_NUMBER	"-ERR Number of fields must be a positive integer"
#define BAD_COUNT	"-ERR Parameter `numFields` should be greater than 0"
#define MISMATCH	"-ERR The `numfields` parameter must match the " \
			"number of arguments"
#define BAD_TIME(name)	"-ERR invalid expire time in '" name "' command"
#define NEGATIVE	"-ERR invalid expire time, must be >= 0"
#define ONE_TIME	"-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL " \
			"arguments can be specified"
#define ONE_CONDITION	"-ERR Only one of FXX or FNX arguments can be specified"

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

TestSuite(redis_hash_expire, .init = begin, .fini = end, .timeout = 120);

/* A list of one number, which is in that range. */
static void
expect_between(const char *line, int64_t least, int64_t most)
{
	char reply[64];
	int64_t n;

	talk_send(fd, line);
	talk_send(fd, "\r\n");
	cr_assert(talk_line(fd, reply, sizeof(reply)));
	cr_assert_str_eq(reply, "*1", "%s: %s", line, reply);
	cr_assert(talk_line(fd, reply, sizeof(reply)));
	n = strtoll(reply + 1, NULL, 10);
	cr_assert(reply[0] == ':' && n >= least && n <= most, "%s: %s", line,
	    reply);
}

/* Time passes by itself. */
static void
await(const char *line, const char *reply)
{
	const struct timespec nap = { .tv_nsec = 5000000 };
	char got[64];

	do {
		nanosleep(&nap, NULL);
		talk_send(fd, line);
		talk_send(fd, "\r\n");
		cr_assert(talk_line(fd, got, sizeof(got)));
		if (got[0] == '$' && strcmp(got, "$-1") != 0)
			cr_assert(talk_line(fd, (char[64]){ 0 }, 64));
	} while (strcmp(got, reply) != 0);
}

Test(redis_hash_expire, tells_how_long_a_field_stays)
{
	redis_ask(fd, "HSET h a 1 b 2", ":2");
	redis_ask(fd, "HTTL h FIELDS 2 a nosuch", "*2\r\n:-1\r\n:-2");
	redis_ask(fd, "HPTTL nosuch FIELDS 1 a", "*1\r\n:-2");
	redis_ask(fd, "HEXPIRE h 100 FIELDS 2 a nosuch", "*2\r\n:1\r\n:-2");
	expect_between("HTTL h FIELDS 1 a", 99, 100);
	expect_between("HPTTL h FIELDS 1 a", 99000, 100000);
	redis_ask(fd, "HPEXPIRE h 200000 FIELDS 1 a", "*1\r\n:1");
	expect_between("HTTL h FIELDS 1 a", 199, 200);
	redis_ask(fd, "HEXPIREAT h 33177117420 FIELDS 1 a", "*1\r\n:1");
	redis_ask(fd, "HEXPIRETIME h FIELDS 2 a b",
	    "*2\r\n:33177117420\r\n:-1");
	redis_ask(fd, "HPEXPIRETIME h FIELDS 1 a", "*1\r\n:33177117420000");
	redis_ask(fd, "HPEXPIREAT h 33177117420001 FIELDS 1 a", "*1\r\n:1");
	redis_ask(fd, "HPEXPIRETIME h FIELDS 1 a", "*1\r\n:33177117420001");
	redis_ask(fd, "HEXPIRETIME h FIELDS 1 a", "*1\r\n:33177117421");
	redis_ask(fd, "HPERSIST h FIELDS 3 a b nosuch",
	    "*3\r\n:1\r\n:-1\r\n:-2");
	redis_ask(fd, "HTTL h FIELDS 1 a", "*1\r\n:-1");
	redis_ask(fd, "HMGET h a b", "*2\r\n$1\r\n1\r\n$1\r\n2");
}

Test(redis_hash_expire, field_is_gone_when_its_time_has_come)
{
	redis_ask(fd, "HSET h a 1 b 2", ":2");
	redis_ask(fd, "HPEXPIRE h 30 FIELDS 1 a", "*1\r\n:1");
	await("HGET h a", "$-1");
	redis_ask(fd, "HEXISTS h a", ":0");
	redis_ask(fd, "HSTRLEN h a", ":0");
	redis_ask(fd, "HMGET h a b", "*2\r\n$-1\r\n$1\r\n2");
	redis_ask(fd, "HGETALL h", "*2\r\n$1\r\nb\r\n$1\r\n2");
	redis_ask(fd, "HKEYS h", "*1\r\n$1\r\nb");
	redis_ask(fd, "HSCAN h 0 NOVALUES", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nb");
	redis_ask(fd, "HRANDFIELD h 9", "*1\r\n$1\r\nb");
	redis_ask(fd, "HTTL h FIELDS 1 a", "*1\r\n:-2");
	redis_ask(fd, "HEXPIRE h 9 FIELDS 1 a", "*1\r\n:-2");
	redis_ask(fd, "HPERSIST h FIELDS 1 a", "*1\r\n:-2");
	redis_ask(fd, "HDEL h a", ":0");
	redis_ask(fd, "HINCRBY h a 1", ":1");
	redis_ask(fd, "HTTL h FIELDS 1 a", "*1\r\n:-1");
}

Test(redis_hash_expire, hash_goes_with_the_last_field_that_does)
{
	redis_ask(fd, "HSET h a 1", ":1");
	redis_ask(fd, "HPEXPIRE h 30 FIELDS 1 a", "*1\r\n:1");
	await("HGET h a", "$-1");
	redis_ask(fd, "EXISTS h", ":0");
	redis_ask(fd, "HSET h a 1 b 2", ":2");
	redis_ask(fd, "HPEXPIRE h 30 FIELDS 2 a b", "*2\r\n:1\r\n:1");
	await("HGET h a", "$-1");
	redis_ask(fd, "HMGET h a b", "*2\r\n$-1\r\n$-1");
	redis_ask(fd, "EXISTS h", ":0");
}

Test(redis_hash_expire, hash_goes_when_a_walk_finds_that_nothing_is_left)
{
	static const struct redis_line lines[] = {
		{ "HGETALL h", "*0" },
		{ "HKEYS h", "*0" },
		{ "HSCAN h 0", "*2\r\n$1\r\n0\r\n*0" },
		{ "HRANDFIELD h", "$-1" },
		{ "HRANDFIELD h -3", "*0" },
	};
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		redis_ask(fd, "HSET h a 1 b 2 c 3", ":3");
		redis_ask(fd, "HPEXPIRE h 20 FIELDS 2 a b",
		    "*2\r\n:1\r\n:1");
		redis_ask(fd, "HPEXPIRE h 21 FIELDS 1 c", "*1\r\n:1");
		await("HGET h c", "$-1");
		redis_ask(fd, lines[i].line, lines[i].reply);
		redis_ask(fd, "EXISTS h", ":0");
	}
}

Test(redis_hash_expire, deletes_a_field_whose_time_is_past)
{
	redis_ask(fd, "HSET h a 1 b 2 c 3 d 4", ":4");
	redis_ask(fd, "HEXPIRE h 0 FIELDS 2 a nosuch", "*2\r\n:2\r\n:-2");
	redis_ask(fd, "HEXPIREAT h 0 FIELDS 1 b", "*1\r\n:2");
	redis_ask(fd, "HPEXPIREAT h 1000 NX FIELDS 2 c c",
	    "*2\r\n:2\r\n:-2");
	redis_ask(fd, "HLEN h", ":1");
	redis_ask(fd, "HPEXPIRE h 0 FIELDS 1 d", "*1\r\n:2");
	redis_ask(fd, "EXISTS h", ":0");
}

Test(redis_hash_expire, sets_a_time_on_a_condition)
{
	static const struct redis_line lines[] = {
		{ "HSET h a 1 b 2", ":2" },
		{ "HEXPIREAT h 40000000000 XX FIELDS 1 a", "*1\r\n:0" },
		{ "HEXPIREAT h 40000000000 GT FIELDS 1 a", "*1\r\n:0" },
		{ "HTTL h FIELDS 1 a", "*1\r\n:-1" },
		{ "HEXPIREAT h 40000000000 nx FIELDS 1 a", "*1\r\n:1" },
		{ "HEXPIREAT h 40000000001 NX FIELDS 2 a b",
		    "*2\r\n:0\r\n:1" },
		{ "HEXPIREAT h 40000000000 GT FIELDS 1 a", "*1\r\n:0" },
		{ "HEXPIREAT h 40000000000 LT FIELDS 2 a b",
		    "*2\r\n:0\r\n:1" },
		{ "HEXPIREAT h 40000000002 GT FIELDS 1 a", "*1\r\n:1" },
		{ "HEXPIREAT h 40000000003 XX FIELDS 1 b", "*1\r\n:1" },
		{ "HEXPIRETIME h FIELDS 2 a b",
		    "*2\r\n:40000000002\r\n:40000000003" },
		{ "HPERSIST h FIELDS 1 a", "*1\r\n:1" },
		{ "HEXPIREAT h 40000000009 LT FIELDS 1 a", "*1\r\n:1" },
		{ "HEXPIREAT h 1 GT FIELDS 1 a", "*1\r\n:0" },
		{ "HEXPIRETIME h FIELDS 1 a", "*1\r\n:40000000009" },
		{ "HEXPIREAT h 1 LT FIELDS 1 a", "*1\r\n:2" },
		{ "HLEN h", ":1" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_hash_expire, stays_when_a_field_is_counted_and_not_when_it_is_set)
{
	static const struct redis_line lines[] = {
		{ "HSET h a 1 b 2", ":2" },
		{ "HEXPIREAT h 40000000000 FIELDS 2 a b", "*2\r\n:1\r\n:1" },
		{ "HINCRBY h a 1", ":2" },
		{ "HINCRBYFLOAT h a 0.5", "$3\r\n2.5" },
		{ "HSETNX h a 1", ":0" },
		{ "HSET h b 3", ":0" },
		{ "HEXPIRETIME h FIELDS 2 a b", "*2\r\n:40000000000\r\n:-1" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_hash_expire, words_of_a_time_are_checked_before_anything_changes)
{
	static const struct redis_line lines[] = {
		{ "HSET h a 1", ":1" },
		{ "HEXPIRE h x FIELDS 1 a", NOT_INTEGER },
		{ "HEXPIRE h -1 FIELDS 1 a", NEGATIVE },
		{ "HEXPIRE h 70368744178 FIELDS 1 a", BAD_TIME("hexpire") },
		{ "HPEXPIRE h 9223372036854775807 FIELDS 1 a",
		    BAD_TIME("hpexpire") },
		{ "HEXPIREAT h 9223372036854775807 FIELDS 1 a",
		    BAD_TIME("hexpireat") },
		{ "HPEXPIREAT h 70368744177664 FIELDS 1 a",
		    BAD_TIME("hpexpireat") },
		{ "HEXPIRE h 1 FIELD 1 a", NO_FIELDS },
		{ "HEXPIRE h 1 ZZ FIELDS 1 a", NO_FIELDS },
		{ "HEXPIRE h 1 NX XX FIELDS 1 a", NO_FIELDS },
		{ "HEXPIRE h 1 FIELDS x a", BAD_COUNT },
		{ "HEXPIRE h 1 FIELDS 0 a", BAD_COUNT },
		{ "HEXPIRE h 1 FIELDS -1 a", BAD_COUNT },
		{ "HEXPIRE h 1 FIELDS 2 a", MISMATCH },
		{ "HEXPIRE h 1 FIELDS 1 a b", MISMATCH },
		{ "HEXPIRE h 1 NX FIELDS 1", MISMATCH },
		{ "HEXPIRE h 1 FIELDS 1", ARITY("hexpire") },
		{ "HPEXPIRE h 1", ARITY("hpexpire") },
		{ "HEXPIREAT h 1", ARITY("hexpireat") },
		{ "HPEXPIREAT h 1", ARITY("hpexpireat") },
		{ "HTTL h FIELD 1 a", NO_FIELDS },
		{ "HTTL h FIELDS 0 a", BAD_NUMBER },
		{ "HPTTL h FIELDS 2 a", MISMATCH },
		{ "HEXPIRETIME h FIELDS x a", BAD_NUMBER },
		{ "HPEXPIRETIME h FIELDS", ARITY("hpexpiretime") },
		{ "HTTL h FIELDS 1", ARITY("httl") },
		{ "HPTTL h", ARITY("hpttl") },
		{ "HEXPIRETIME h", ARITY("hexpiretime") },
		{ "HPERSIST h FIELDS 1", ARITY("hpersist") },
		{ "HPERSIST h a FIELDS 1", NO_FIELDS },
		{ "HPERSIST h FIELDS 3 a b", MISMATCH },
		{ "HTTL h FIELDS 1 a", "*1\r\n:-1" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_hash_expire, getdel_gives_what_it_deletes)
{
	static const struct redis_line lines[] = {
		{ "HSET h a 1 b 2 c 3", ":3" },
		{ "HGETDEL h FIELDS 3 a nosuch a",
		    "*3\r\n$1\r\n1\r\n$-1\r\n$-1" },
		{ "HLEN h", ":2" },
		{ "HGETDEL nosuch FIELDS 1 a", "*1\r\n$-1" },
		{ "HGETDEL h FIELD 1 b", NO_FIELDS },
		{ "HGETDEL h FIELDS x b", BAD_NUMBER },
		{ "HGETDEL h FIELDS 0 b", BAD_NUMBER },
		{ "HGETDEL h FIELDS 2 b", MISMATCH },
		{ "HGETDEL h FIELDS 1", ARITY("hgetdel") },
		{ "HLEN h", ":2" },
		{ "HGETDEL h FIELDS 2 b c", "*2\r\n$1\r\n2\r\n$1\r\n3" },
		{ "EXISTS h", ":0" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_hash_expire, getex_gives_what_it_lets_expire)
{
	static const struct redis_line lines[] = {
		{ "HSET h a 1 b 2", ":2" },
		{ "HGETEX h FIELDS 2 a nosuch", "*2\r\n$1\r\n1\r\n$-1" },
		{ "HTTL h FIELDS 1 a", "*1\r\n:-1" },
		{ "HGETEX h EXAT 40000000000 FIELDS 2 a nosuch",
		    "*2\r\n$1\r\n1\r\n$-1" },
		{ "HPEXPIRETIME h FIELDS 2 a b",
		    "*2\r\n:40000000000000\r\n:-1" },
		{ "HGETEX h PXAT 40000000000001 FIELDS 1 a", "*1\r\n$1\r\n1" },
		{ "HPEXPIRETIME h FIELDS 1 a", "*1\r\n:40000000000001" },
		{ "HGETEX h FIELDS 1 a", "*1\r\n$1\r\n1" },
		{ "HPEXPIRETIME h FIELDS 1 a", "*1\r\n:40000000000001" },
		{ "HGETEX h persist FIELDS 2 a b",
		    "*2\r\n$1\r\n1\r\n$1\r\n2" },
		{ "HTTL h FIELDS 1 a", "*1\r\n:-1" },
		{ "HGETEX nosuch EX 10 FIELDS 1 a", "*1\r\n$-1" },
		{ "EXISTS nosuch", ":0" },
		{ "HGETEX h EX 0 FIELDS 1 a", "*1\r\n$1\r\n1" },
		{ "HEXISTS h a", ":0" },
		{ "HGETEX h PXAT 0 FIELDS 1 b", "*1\r\n$1\r\n2" },
		{ "EXISTS h", ":0" },
	};

	REDIS_ASK_ALL(fd, lines);
	redis_ask(fd, "HSET h a 1", ":1");
	redis_ask(fd, "HGETEX h EX 100 FIELDS 1 a", "*1\r\n$1\r\n1");
	expect_between("HPTTL h FIELDS 1 a", 99000, 100000);
	redis_ask(fd, "HGETEX h PX 50000 FIELDS 1 a", "*1\r\n$1\r\n1");
	expect_between("HPTTL h FIELDS 1 a", 49000, 50000);
}

Test(redis_hash_expire, getex_checks_its_words_first)
{
	static const struct redis_line lines[] = {
		{ "HSET h a 1", ":1" },
		{ "HGETEX h EX x FIELDS 1 a", NOT_INTEGER },
		{ "HGETEX h EX -1 FIELDS 1 a", NEGATIVE },
		{ "HGETEX h PX 9223372036854775807 FIELDS 1 a",
		    BAD_TIME("hgetex") },
		{ "HGETEX h EX 1 PX 1 FIELDS 1 a", NO_FIELDS },
		{ "HGETEX h KEEPTTL FIELDS 1 a", NO_FIELDS },
		{ "HGETEX h EX 10 FIELDS", ARITY("hgetex") },
		{ "HGETEX h PERSIST a b", NO_FIELDS },
		{ "HGETEX h FIELDS 2 a", MISMATCH },
		{ "HGETEX h FIELDS 0 a", BAD_NUMBER },
		{ "HGETEX h FIELDS 1", ARITY("hgetex") },
		{ "HTTL h FIELDS 1 a", "*1\r\n:-1" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_hash_expire, setex_sets_fields_and_their_time)
{
	static const struct redis_line lines[] = {
		{ "HSETEX h EXAT 40000000000 FIELDS 2 a 1 b 2", ":1" },
		{ "HEXPIRETIME h FIELDS 2 a b",
		    "*2\r\n:40000000000\r\n:40000000000" },
		{ "HSETEX h KEEPTTL FIELDS 2 a 3 c 4", ":1" },
		{ "HEXPIRETIME h FIELDS 2 a c",
		    "*2\r\n:40000000000\r\n:-1" },
		{ "HSETEX h FIELDS 1 a 5", ":1" },
		{ "HTTL h FIELDS 1 a", "*1\r\n:-1" },
		{ "HMGET h a b c",
		    "*3\r\n$1\r\n5\r\n$1\r\n2\r\n$1\r\n4" },
		{ "HSETEX h FNX FIELDS 2 d 1 a 9", ":0" },
		{ "HSETEX h fxx FIELDS 2 d 1 a 9", ":0" },
		{ "HSETEX nosuch FXX FIELDS 1 a 9", ":0" },
		{ "EXISTS nosuch", ":0" },
		{ "HMGET h a d", "*2\r\n$1\r\n5\r\n$-1" },
		{ "HSETEX h FXX PXAT 40000000000001 FIELDS 2 a 6 b 7", ":1" },
		{ "HSETEX h EXAT 40000000000 FNX FIELDS 1 d 8", ":1" },
		{ "HPEXPIRETIME h FIELDS 2 a d",
		    "*2\r\n:40000000000001\r\n:40000000000000" },
		{ "HSETEX h EXAT 1 FIELDS 2 a 1 new 2", ":1" },
		{ "HMGET h a new", "*2\r\n$-1\r\n$-1" },
		{ "HSETEX nosuch PX 0 FIELDS 1 a 1", ":1" },
		{ "EXISTS nosuch", ":0" },
	};

	REDIS_ASK_ALL(fd, lines);
	redis_ask(fd, "HSETEX h EX 100 FIELDS 1 a 1", ":1");
	expect_between("HPTTL h FIELDS 1 a", 99000, 100000);
	redis_ask(fd, "HSETEX h PX 50000 FIELDS 1 a 1", ":1");
	expect_between("HPTTL h FIELDS 1 a", 49000, 50000);
}

Test(redis_hash_expire, setex_checks_its_words_first)
{
	static const struct redis_line lines[] = {
		{ "HSETEX h EX 10 PX 10 FIELDS 1 a 1", ONE_TIME },
		{ "HSETEX h KEEPTTL EX 10 FIELDS 1 a 1", ONE_TIME },
		{ "HSETEX h EX 10 KEEPTTL FIELDS 1 a 1", ONE_TIME },
		{ "HSETEX h FNX FXX FIELDS 1 a 1", ONE_CONDITION },
		{ "HSETEX h FNX FNX FIELDS 1 a 1", ONE_CONDITION },
		{ "HSETEX h KEEPTTL FNX a b", "-ERR unknown argument: a" },
		{ "HSETEX h FNX KEEPTTL FIELDS 1", ARITY("hsetex") },
		{ "HSETEX h FNX 10 EX 1 EX", "-ERR unknown argument: 10" },
		{ "HSETEX h FNX EX 10 PXAT", ONE_TIME },
		{ "HSETEX h FNX KEEPTTL FNX x", ONE_CONDITION },
		{ "HSETEX h EX x FIELDS 1 a 1", NOT_INTEGER },
		{ "HSETEX h EX -5 FIELDS 1 a 1", NEGATIVE },
		{ "HSETEX h EXAT 9223372036854775807 FIELDS 1 a 1",
		    BAD_TIME("hsetex") },
		{ "HSETEX h FIELDS 0 a 1", "-ERR invalid number of fields" },
		{ "HSETEX h FIELDS x a 1", "-ERR invalid number of fields" },
		{ "HSETEX h FIELDS 4294967296 a 1",
		    "-ERR invalid number of fields" },
		{ "HSETEX h FIELDS 2 a 1", ARITY("hsetex") },
		{ "HSETEX h FIELDS 1 a 1 b", ARITY("hsetex") },
		{ "HSETEX h FIELDS 1 a", ARITY("hsetex") },
		{ "EXISTS h", ":0" },
	};

	REDIS_ASK_ALL(fd, lines);
}
