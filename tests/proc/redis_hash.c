/*
 * Hashes as clients of Redis know them: fields that are set, read, counted up
 * and deleted.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

#define NOT_INTEGER	"-ERR value is not an integer or out of range"
#define ARITY(name)	"-ERR wrong number of arguments for '" name "' command"
#define WRONG_TYPE	"-WRONGTYPE Operation against a key holding the " \
			"wrong kind of value"
#define BAD_NAME	"-ERR name of a hash is empty or longer than 1024 " \
			"bytes"
#define NONE		"$-1"
#define WORDS_MAX	16384

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

TestSuite(redis_hash, .init = begin, .fini = end, .timeout = 120);

Test(redis_hash, counts_the_fields_that_were_not_there)
{
	static const struct redis_line lines[] = {
		{ "HSET h a 1 b 2", ":2" },
		{ "HSET h a 3 c 4 c 5", ":1" },
		{ "HGET h a", "$1\r\n3" },
		{ "HGET h c", "$1\r\n5" },
		{ "hlen h", ":3" },
		{ "HMSET h d 1 a 2", "+OK" },
		{ "HLEN h", ":4" },
		{ "HSETNX h a 9", ":0" },
		{ "HGET h a", "$1\r\n2" },
		{ "HSETNX h e 9", ":1" },
		{ "HSETNX other e 9", ":1" },
		{ "HGET h e", "$1\r\n9" },
		{ "HSET h \"\" \"\"", ":1" },
		{ "HGET h \"\"", "$0\r\n" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_hash, has_fields_and_values_of_any_bytes)
{
	char reply[8];

	redis_ask(fd, "HSET h \"a\\r\\nb\" \"\\x00\\xff\"", ":1");
	redis_ask(fd, "HSTRLEN h \"a\\r\\nb\"", ":2");
	redis_ask(fd, "HEXISTS h a", ":0");
	talk_send(fd, "HGET h \"a\\r\\nb\"\r\n");
	cr_assert_eq(recv(fd, reply, sizeof(reply), MSG_WAITALL), 8);
	cr_assert_arr_eq(reply, "$2\r\n\0\xff\r\n", 8);
}

Test(redis_hash, reads_fields_that_are_there_and_others)
{
	static const struct redis_line lines[] = {
		{ "HSET h a 1 b 22", ":2" },
		{ "HGET h nosuch", NONE },
		{ "HGET nosuch a", NONE },
		{ "HMGET h a nosuch b a", "*4\r\n$1\r\n1\r\n$-1\r\n$2\r\n22"
		    "\r\n$1\r\n1" },
		{ "HMGET nosuch a b", "*2\r\n$-1\r\n$-1" },
		{ "HEXISTS h a", ":1" },
		{ "HEXISTS h nosuch", ":0" },
		{ "HEXISTS nosuch a", ":0" },
		{ "HSTRLEN h b", ":2" },
		{ "HSTRLEN h nosuch", ":0" },
		{ "HSTRLEN nosuch a", ":0" },
		{ "HLEN nosuch", ":0" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_hash, goes_with_its_last_field)
{
	static const struct redis_line lines[] = {
		{ "HSET h a 1 b 2 c 3", ":3" },
		{ "HDEL h a a nosuch", ":1" },
		{ "HLEN h", ":2" },
		{ "HDEL h nosuch", ":0" },
		{ "HDEL nosuch a", ":0" },
		{ "EXISTS h", ":1" },
		{ "HDEL h b c", ":2" },
		{ "EXISTS h", ":0" },
		{ "TYPE h", "+none" },
		{ "HDEL h b", ":0" },
		{ "SET h string", "+OK" },
	};

	REDIS_ASK_ALL(fd, lines);
	talk_once(&d, "PUT h k v\r\n", "NOT FOUND\r\n");
}

Test(redis_hash, stays_without_fields_if_it_was_made_to)
{
	talk_once(&d, "CREATE b\r\n", "OK\r\n");
	redis_ask(fd, "HSET b k v", ":1");
	redis_ask(fd, "HDEL b k", ":1");
	redis_ask(fd, "EXISTS b", ":1");
	redis_ask(fd, "HLEN b", ":0");
	redis_ask(fd, "HGETALL b", "*0");
	redis_ask(fd, "HRANDFIELD b", NONE);
	redis_ask(fd, "HRANDFIELD b 3", "*0");
	redis_ask(fd, "HSCAN b 0", "*2\r\n$1\r\n0\r\n*0");
	talk_once(&d, "COUNT b\r\n", "0\r\nOK\r\n");
}

Test(redis_hash, adds_up_whole_numbers)
{
	static const struct redis_line lines[] = {
		{ "HINCRBY h n 5", ":5" },
		{ "HINCRBY h n -7", ":-2" },
		{ "HGET h n", "$2\r\n-2" },
		{ "HSET h n 9223372036854775806", ":0" },
		{ "HINCRBY h n 1", ":9223372036854775807" },
		{ "HINCRBY h n 1",
		    "-ERR increment or decrement would overflow" },
		{ "HGET h n", "$19\r\n9223372036854775807" },
		{ "HSET h n -9223372036854775808", ":0" },
		{ "HINCRBY h n -1",
		    "-ERR increment or decrement would overflow" },
		{ "HINCRBY h n 1.5", NOT_INTEGER },
		{ "HINCRBY h n \"\"", NOT_INTEGER },
		{ "HINCRBY h n 9223372036854775808", NOT_INTEGER },
		{ "HSET h n 1.5 s \" 1\" e \"\"", ":2" },
		{ "HINCRBY h n 1", "-ERR hash value is not an integer" },
		{ "HINCRBY h s 1", "-ERR hash value is not an integer" },
		{ "HINCRBY h e 1", "-ERR hash value is not an integer" },
		{ "HINCRBY nosuch n x", NOT_INTEGER },
		{ "EXISTS nosuch", ":0" },
		{ "HLEN h", ":3" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_hash, adds_up_real_numbers)
{
	static const struct redis_line lines[] = {
		{ "HINCRBYFLOAT h r 0.1", "$3\r\n0.1" },
		{ "HINCRBYFLOAT h r 0.2", "$3\r\n0.3" },
		{ "HINCRBYFLOAT h r -0.3", "$1\r\n0" },
		{ "HINCRBYFLOAT h r 5.0e3", "$4\r\n5000" },
		{ "HINCRBY h r 1", ":5001" },
		{ "HINCRBYFLOAT h r abc", "-ERR value is not a valid float" },
		{ "HINCRBYFLOAT h r nan", "-ERR value is not a valid float" },
		{ "HINCRBYFLOAT h r \" 1\"",
		    "-ERR value is not a valid float" },
		{ "HINCRBYFLOAT h r inf", "-ERR value is NaN or Infinity" },
		{ "HSET h word abc inf -inf", ":2" },
		{ "HINCRBYFLOAT h word 1",
		    "-ERR hash value is not a float" },
		{ "HINCRBYFLOAT h inf 1",
		    "-ERR increment would produce NaN or Infinity" },
		{ "HGET h r", "$4\r\n5001" },
		{ "HGET h inf", "$4\r\n-inf" },
		{ "HINCRBYFLOAT nosuch r x",
		    "-ERR value is not a valid float" },
		{ "EXISTS nosuch", ":0" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_hash, is_no_string_and_the_other_way_round)
{
	static const char *const requests[] = {
		"HSET s f v", "HMSET s f v", "HSETNX s f v", "HGET s f",
		"HMGET s f", "HGETALL s", "HKEYS s", "HVALS s", "HLEN s",
		"HSTRLEN s f", "HEXISTS s f", "HDEL s f", "HINCRBY s f 1",
		"HINCRBYFLOAT s f 1", "HRANDFIELD s", "HRANDFIELD s 1",
		"HSCAN s 0", "HSCAN s 0 nonsense", "HEXPIRE s x x x x",
		"HPEXPIRE s 1 FIELDS 1 f", "HEXPIREAT s 1 FIELDS 1 f",
		"HPEXPIREAT s 1 FIELDS 1 f", "HTTL s FIELDS 1 f",
		"HPTTL s FIELDS 1 f", "HEXPIRETIME s FIELDS 1 f",
		"HPEXPIRETIME s x x x", "HPERSIST s FIELDS 1 f",
		"HGETEX s FIELDS 1 f", "HGETDEL s FIELDS 1 f",
		"HSETEX s FIELDS 1 f v"
	};
	size_t i;

	redis_ask(fd, "SET s value", "+OK");
	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		redis_ask(fd, requests[i], WRONG_TYPE);
	redis_ask(fd, "GET s", "$5\r\nvalue");
	redis_ask(fd, "HSET h f v", ":1");
	redis_ask(fd, "GET h", WRONG_TYPE);
	redis_ask(fd, "DBSIZE", ":2");
}

Test(redis_hash, command_of_too_few_or_too_many_words_is_refused_by_name)
{
	static const struct redis_line lines[] = {
		{ "HSET h a", ARITY("hset") },
		{ "HSET h a 1 b", ARITY("hset") },
		{ "HMSET h a 1 b", ARITY("hmset") },
		{ "HSETNX h a", ARITY("hsetnx") },
		{ "HGET h", ARITY("hget") },
		{ "HGET h a b", ARITY("hget") },
		{ "HMGET h", ARITY("hmget") },
		{ "HGETALL", ARITY("hgetall") },
		{ "HKEYS h a", ARITY("hkeys") },
		{ "HVALS", ARITY("hvals") },
		{ "HLEN h a", ARITY("hlen") },
		{ "HSTRLEN h", ARITY("hstrlen") },
		{ "HEXISTS h", ARITY("hexists") },
		{ "HDEL h", ARITY("hdel") },
		{ "HINCRBY h a", ARITY("hincrby") },
		{ "HINCRBYFLOAT h a", ARITY("hincrbyfloat") },
		{ "HRANDFIELD", ARITY("hrandfield") },
		{ "HSCAN h", ARITY("hscan") },
		{ "EXISTS h", ":0" },
	};

	REDIS_ASK_ALL(fd, lines);
}

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

Test(redis_hash, has_a_name_that_a_bucket_can_have)
{
	char *name = letters(1025), line[1100];

	redis_ask(fd, "HSET \"\" f v", BAD_NAME);
	redis_ask(fd, "HGET \"\" f", BAD_NAME);
	snprintf(line, sizeof(line), "HSET %s f v", name);
	redis_ask(fd, line, BAD_NAME);
	snprintf(line, sizeof(line), "HGETALL %s", name);
	redis_ask(fd, line, BAD_NAME);
	snprintf(line, sizeof(line), "HSET %s f v", name + 1);
	redis_ask(fd, line, ":1");
	snprintf(line, sizeof(line), "HGET %s f", name + 1);
	redis_ask(fd, line, "$1\r\nv");
	redis_ask(fd, "DBSIZE", ":1");
	free(name);
}

/* In words, for a line is not so long. */
static void
send_hset(size_t field_len, size_t value_len)
{
	char *field = letters(field_len), *value = letters(value_len);
	char head[64];

	snprintf(head, sizeof(head), "*6\r\n$4\r\nHSET\r\n$1\r\nh\r\n"
	    "$1\r\na\r\n$1\r\n1\r\n$%zu\r\n", field_len);
	talk_send(fd, head);
	talk_send(fd, field);
	snprintf(head, sizeof(head), "\r\n$%zu\r\n", value_len);
	talk_send(fd, head);
	talk_send(fd, value);
	talk_send(fd, "\r\n");
	free(field);
	free(value);
}

Test(redis_hash, does_not_take_some_fields_if_it_cannot_take_all)
{
	send_hset(128 * 1024 + 1, 1);
	talk_expect(fd, "-ERR key too long\r\n");
	redis_ask(fd, "EXISTS h", ":0");
	send_hset(128 * 1024, 100);
	talk_expect(fd, ":2\r\n");
	redis_ask(fd, "HLEN h", ":2");
}

static void
send_many(const char *verb, unsigned fields)
{
	char words[64];
	unsigned i;

	snprintf(words, sizeof(words), "*%u\r\n$%zu\r\n%s\r\n$1\r\nh\r\n",
	    fields + 2, strlen(verb), verb);
	talk_send(fd, words);
	for (i = 0; i < fields; i++) {
		snprintf(words, sizeof(words), "$6\r\n%06u\r\n", i);
		talk_send(fd, words);
	}
}

Test(redis_hash, takes_as_many_words_as_there_can_be_and_no_more)
{
	char head[32];
	unsigned i;

	send_many("HSET", WORDS_MAX - 2);
	talk_expect(fd, ":8191\r\n");
	send_many("HMGET", WORDS_MAX - 2);
	snprintf(head, sizeof(head), "*%d\r\n", WORDS_MAX - 2);
	talk_expect(fd, head);
	for (i = 0; i < WORDS_MAX - 2; i += 2) {
		snprintf(head, sizeof(head), "$6\r\n%06u\r\n$-1\r\n", i + 1);
		talk_expect(fd, head);
	}
	send_many("HMGET", WORDS_MAX);
	talk_expect(fd, "-ERR too many arguments\r\n");
	send_many("HDEL", WORDS_MAX - 2);
	talk_expect(fd, ":8191\r\n");
	redis_ask(fd, "EXISTS h", ":0");
}
