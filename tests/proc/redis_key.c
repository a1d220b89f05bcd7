/*
 * Names as clients of Redis know them, be they of strings or of hashes.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

#define NOT_INTEGER	"-ERR value is not an integer or out of range"
#define SYNTAX		"-ERR syntax error"
#define ARITY(name)	"-ERR wrong number of arguments for '" name "' command"
#define BAD_TIME(name)	"-ERR invalid expire time in '" name "' command"

#define ROUNDS		30
#define FLIPS		200
#define LOOKS		300

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

TestSuite(redis_key, .init = begin, .fini = end, .timeout = 120);

Test(redis_key, is_there_or_not_whatever_it_is_of)
{
	static const struct redis_line lines[] = {
		{ "SET s 1", "+OK" },
		{ "HSET h f v", ":1" },
		{ "EXISTS s", ":1" },
		{ "EXISTS s h nosuch s", ":3" },
		{ "TOUCH s h nosuch", ":2" },
		{ "TYPE s", "+string" },
		{ "TYPE h", "+hash" },
		{ "TYPE nosuch", "+none" },
		{ "DBSIZE", ":2" },
		{ "DEL s h nosuch s", ":2" },
		{ "EXISTS s h", ":0" },
		{ "UNLINK s", ":0" },
		{ "DBSIZE", ":0" },
		{ "DEL", ARITY("del") },
		{ "EXISTS", ARITY("exists") },
		{ "TYPE", ARITY("type") },
		{ "DBSIZE x", ARITY("dbsize") },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_key, of_a_bucket_that_stays_is_deleted_too)
{
	int text = talk_open(&d);

	talk(text, "CREATE b\r\n", "OK\r\n");
	redis_ask(fd, "EXISTS b", ":1");
	redis_ask(fd, "TYPE b", "+hash");
	redis_ask(fd, "DBSIZE", ":1");
	redis_ask(fd, "DEL b", ":1");
	talk(text, "PUT b k v\r\n", "NOT FOUND\r\n");
	close(text);
}

/* --- time --- */

static void
expire_and_persist(const char *set, const char *done)
{
	redis_ask(fd, set, done);
	redis_ask(fd, "TTL k", ":-1");
	redis_ask(fd, "PTTL k", ":-1");
	redis_ask(fd, "EXPIRETIME k", ":-1");
	redis_ask(fd, "PERSIST k", ":0");
	redis_ask(fd, "EXPIRE k 100", ":1");
	redis_expect_between(fd, "TTL k", 99, 100);
	redis_expect_between(fd, "PTTL k", 90000, 100000);
	redis_ask(fd, "PEXPIRE k 200000", ":1");
	redis_expect_between(fd, "TTL k", 199, 200);
	redis_ask(fd, "EXPIREAT k 99999999999", ":1");
	redis_ask(fd, "EXPIRETIME k", ":99999999999");
	redis_ask(fd, "PEXPIREAT k 99999999999600", ":1");
	redis_ask(fd, "PEXPIRETIME k", ":99999999999600");
	redis_ask(fd, "EXPIRETIME k", ":100000000000");
	redis_ask(fd, "PERSIST k", ":1");
	redis_ask(fd, "TTL k", ":-1");
	redis_ask(fd, "PEXPIRE k 30", ":1");
	while (redis_number(fd, "EXISTS k") != 0)
		;
	redis_ask(fd, "TTL k", ":-2");
	redis_ask(fd, "EXPIRE k 10", ":0");
	redis_ask(fd, "PERSIST k", ":0");
	redis_ask(fd, "KEYS *", "*0");
	redis_ask(fd, set, done);
	redis_ask(fd, "TTL k", ":-1");
	redis_ask(fd, "EXPIRE k -1", ":1");
	redis_ask(fd, "EXISTS k", ":0");
	redis_ask(fd, set, done);
	redis_ask(fd, "PEXPIREAT k -9223372036854775808", ":1");
	redis_ask(fd, "EXISTS k", ":0");
}

Test(redis_key, of_a_string_expires)
{
	expire_and_persist("SET k 1", "+OK");
}

Test(redis_key, of_a_hash_expires)
{
	expire_and_persist("HSET k f v", ":1");
}

Test(redis_key, keeps_its_value_when_it_is_told_to_expire)
{
	static const struct redis_line lines[] = {
		{ "SET s value", "+OK" },
		{ "HSET h f v", ":1" },
		{ "EXPIRE s 100", ":1" },
		{ "EXPIRE h 100", ":1" },
		{ "GET s", "$5\r\nvalue" },
		{ "HGET h f", "$1\r\nv" },
		{ "PERSIST s", ":1" },
		{ "GET s", "$5\r\nvalue" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_key, expires_under_conditions)
{
	static const struct redis_line lines[] = {
		{ "SET s 1", "+OK" },
		{ "EXPIREAT s 99999999999 XX", ":0" },
		{ "EXPIREAT s 99999999999 GT", ":0" },
		{ "TTL s", ":-1" },
		{ "EXPIREAT s 99999999999 LT", ":1" },
		{ "EXPIREAT s 88888888888 NX", ":0" },
		{ "EXPIREAT s 88888888888 GT", ":0" },
		{ "EXPIREAT s 99999999999 LT", ":0" },
		{ "EXPIRETIME s", ":99999999999" },
		{ "EXPIREAT s 88888888888 lt", ":1" },
		{ "EXPIREAT s 99999999999 XX GT", ":1" },
		{ "EXPIRETIME s", ":99999999999" },
		{ "PERSIST s", ":1" },
		{ "EXPIREAT s 99999999999 NX", ":1" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_key, does_not_expire_at_what_is_no_time)
{
	static const struct redis_line lines[] = {
		{ "SET s 1", "+OK" },
		{ "EXPIRE s x", NOT_INTEGER },
		{ "EXPIRE s 1.5", NOT_INTEGER },
		{ "EXPIRE s 9223372036854775807", BAD_TIME("expire") },
		{ "EXPIRE s -9223372036854775808", BAD_TIME("expire") },
		{ "PEXPIRE s 9223372036854775807", BAD_TIME("pexpire") },
		{ "EXPIREAT s 9223372036854775807", BAD_TIME("expireat") },
		{ "EXPIRE s 10 FOO", "-ERR Unsupported option FOO" },
		{ "EXPIRE s x FOO", "-ERR Unsupported option FOO" },
		{ "EXPIRE s 10 NX GT", "-ERR NX and XX, GT or LT options at "
		    "the same time are not compatible" },
		{ "EXPIRE s 10 GT LT", "-ERR GT and LT options at the same "
		    "time are not compatible" },
		{ "EXPIRE s", ARITY("expire") },
		{ "TTL", ARITY("ttl") },
		{ "TTL s", ":-1" },
		{ "GET s", "$1\r\n1" },
	};

	REDIS_ASK_ALL(fd, lines);
}

/* --- other names --- */

Test(redis_key, is_renamed_with_all_that_is_behind_it)
{
	static const struct redis_line lines[] = {
		{ "SET {t}s 1 PXAT 99999999999999", "+OK" },
		{ "RENAME {t}s {t}t", "+OK" },
		{ "EXISTS {t}s", ":0" },
		{ "GET {t}t", "$1\r\n1" },
		{ "PEXPIRETIME {t}t", ":99999999999999" },
		{ "HSET {t}h f v g w", ":2" },
		{ "PEXPIREAT {t}h 99999999999999", ":1" },
		{ "RENAME {t}h {t}t", "+OK" },
		{ "EXISTS {t}h", ":0" },
		{ "HGET {t}t g", "$1\r\nw" },
		{ "PEXPIRETIME {t}t", ":99999999999999" },
		{ "SET {t}s 2", "+OK" },
		{ "RENAMENX {t}s {t}t", ":0" },
		{ "RENAMENX {t}s {t}u", ":1" },
		{ "RENAME {t}u {t}t", "+OK" },
		{ "GET {t}t", "$1\r\n2" },
		{ "TTL {t}t", ":-1" },
		{ "DBSIZE", ":1" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_key, is_renamed_to_itself)
{
	static const struct redis_line lines[] = {
		{ "RENAME s s", "-ERR no such key" },
		{ "SET s 1", "+OK" },
		{ "HSET h f v", ":1" },
		{ "RENAME s s", "+OK" },
		{ "RENAME h h", "+OK" },
		{ "RENAMENX s s", ":0" },
		{ "GET s", "$1\r\n1" },
		{ "HGET h f", "$1\r\nv" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_key, is_not_renamed_if_it_is_not_there_or_far_away)
{
	static const struct redis_line lines[] = {
		{ "SET {t}t 1", "+OK" },
		{ "RENAME {t}s {t}t", "-ERR no such key" },
		{ "RENAMENX {t}s {t}t", "-ERR no such key" },
		{ "GET {t}t", "$1\r\n1" },
		{ "SET a 1", "+OK" },
		{ "RENAME a \"\"", "-CROSSSLOT Keys in request don't hash to "
		    "the same slot" },
		{ "COPY a \"\"", "-CROSSSLOT Keys in request don't hash to "
		    "the same slot" },
		{ "GET a", "$1\r\n1" },
		{ "RENAME a", ARITY("rename") },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_key, is_copied)
{
	static const struct redis_line lines[] = {
		{ "COPY {t}h {t}c", ":0" },
		{ "HSET {t}h f v g w", ":2" },
		{ "PEXPIREAT {t}h 99999999999999", ":1" },
		{ "COPY {t}h {t}c", ":1" },
		{ "HSET {t}h f changed", ":0" },
		{ "HGET {t}c f", "$1\r\nv" },
		{ "HGET {t}c g", "$1\r\nw" },
		{ "PEXPIRETIME {t}c", ":99999999999999" },
		{ "SET {t}s 1", "+OK" },
		{ "COPY {t}s {t}c", ":0" },
		{ "COPY {t}s {t}c REPLACE", ":1" },
		{ "GET {t}c", "$1\r\n1" },
		{ "COPY {t}h {t}c DB 0 replace", ":1" },
		{ "HGET {t}c f", "$7\r\nchanged" },
		{ "COPY {t}h {t}h", "-ERR source and destination objects are "
		    "the same" },
		{ "COPY {t}h {t}d DB 16", "-ERR DB index is out of range" },
		{ "COPY {t}h {t}d DB x", NOT_INTEGER },
		{ "COPY {t}h {t}d DB", SYNTAX },
		{ "COPY {t}h {t}d FOO", SYNTAX },
		{ "EXISTS {t}d", ":0" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_key, of_a_bucket_that_stays_is_of_one_that_stays_when_renamed)
{
	int text = talk_open(&d);

	talk(text, "CREATE {t}b\r\n", "OK\r\n");
	redis_ask(fd, "COPY {t}b {t}c", ":1");
	redis_ask(fd, "RENAME {t}b {t}d", "+OK");
	talk(text, "PUT {t}c k v\r\nDELETE {t}c k\r\nCOUNT {t}c\r\n",
	    "OK\r\nOK\r\n0\r\nOK\r\n");
	talk(text, "COUNT {t}d\r\nCOUNT {t}b\r\n",
	    "0\r\nOK\r\nNOT FOUND\r\n");
	close(text);
}

/* Names of fields that exceed what a walk takes at first, and values. */
Test(redis_key, of_a_large_hash_is_renamed_or_stays)
{
	static char field[100 * 1024 + 64], value[200 * 1024 + 64];
	int i;

	memset(field, 'f', 100 * 1024);
	memset(value, 'v', 200 * 1024);
	for (i = 0; i < 2; i++) {
		field[0] = (char)('0' + i);
		talk_send(fd, "*4\r\n$4\r\nHSET\r\n$4\r\n{t}h\r\n$102400\r\n");
		talk_send(fd, field);
		talk_send(fd, "\r\n$204800\r\n");
		talk_send(fd, value);
		talk(fd, "\r\n", ":1\r\n");
	}
	redis_ask(fd, "RENAME {t}h {t}i", "+OK");
	redis_ask(fd, "EXISTS {t}h", ":0");
	for (; i < 60; i++) {
		field[0] = (char)('0' + i);
		talk_send(fd, "*4\r\n$4\r\nHSET\r\n$4\r\n{t}i\r\n$102400\r\n");
		talk_send(fd, field);
		talk_send(fd, "\r\n$204800\r\n");
		talk_send(fd, value);
		talk(fd, "\r\n", ":1\r\n");
	}
	redis_ask(fd, "RENAME {t}i {t}h", "-ERR batch too large");
	redis_ask(fd, "EXISTS {t}h {t}i", ":1");
}

static void
flip(int writer)
{
	int i;

	for (i = 0; i < FLIPS; i++)
		talk_send(writer, "COPY {t}h {t}x REPLACE\r\n"
		    "COPY {t}s {t}x REPLACE\r\n");
}

static void
look(int reader)
{
	int i;

	for (i = 0; i < LOOKS; i++)
		talk_send(reader, "EXISTS {t}x\r\nGET {t}x\r\n");
}

static void
expect_seen(int reader)
{
	char line[128];

	talk_expect(reader, ":1\r\n");
	cr_assert(talk_line(reader, line, sizeof(line)));
	cr_assert_str_neq(line, "$-1");
	if (line[0] == '$')
		talk_expect(reader, "1\r\n");
}

/* Seen by one worker, while another makes it now this and now that. */
Test(redis_key, is_there_all_the_time_while_what_it_is_of_changes)
{
	int writer = redis_open_worker(&d, 1);
	int reader = redis_open_worker(&d, 0);
	int i, j;

	redis_ask(fd, "HSET {t}h f v", ":1");
	redis_ask(fd, "MSET {t}s 1 {t}x 1", "+OK");
	for (i = 0; i < ROUNDS; i++) {
		flip(writer);
		look(reader);
		for (j = 0; j < FLIPS; j++)
			talk_expect(writer, ":1\r\n:1\r\n");
		for (j = 0; j < LOOKS; j++)
			expect_seen(reader);
	}
	close(writer);
	close(reader);
}

/* --- all of them --- */

Test(redis_key, goes_with_all_others)
{
	static const struct redis_line lines[] = {
		{ "MSET a 1 b 2 c 3 d 4", "+OK" },
		{ "HSET h f v", ":1" },
		{ "HSET i f v", ":1" },
		{ "FLUSHALL FOO", SYNTAX },
		{ "FLUSHDB SYNC ASYNC", SYNTAX },
		{ "DBSIZE", ":6" },
		{ "FLUSHALL", "+OK" },
		{ "DBSIZE", ":0" },
		{ "EXISTS a b c d h i", ":0" },
		{ "SET a 1", "+OK" },
		{ "HSET h f v", ":1" },
		{ "FLUSHDB ASYNC", "+OK" },
		{ "KEYS *", "*0" },
		{ "FLUSHALL sync", "+OK" },
		{ "SET a 2", "+OK" },
		{ "GET a", "$1\r\n2" },
	};

	REDIS_ASK_ALL(fd, lines);
}

/* It is a stream of many pieces, and what is behind it waits. */
Test(redis_key, goes_before_the_next_request_of_a_pipeline)
{
	char line[64];
	int i;

	for (i = 0; i < 2000; i++) {
		sprintf(line, "HSET hash%d f v", i);
		redis_ask(fd, line, ":1");
	}
	redis_ask(fd, "DBSIZE", ":2000");
	talk(fd, "FLUSHALL\r\nDBSIZE\r\nSET a 1\r\nDBSIZE\r\n",
	    "+OK\r\n:0\r\n+OK\r\n:1\r\n");
}
