/*
 * Buckets by their own name, asked for in the protocol of Redis.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

#define ARITY(name)	"-ERR wrong number of arguments for '" name "' command"
#define WRONG_TYPE	"-WRONGTYPE Operation against a key holding the " \
			"wrong kind of value"
#define NO_BUCKET	"-ERR no such bucket"
#define BAD_NAME	"-ERR name of a hash is empty or longer than 1024 " \
			"bytes"

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

TestSuite(redis_bucket, .init = begin, .fini = end, .timeout = 120);

Test(redis_bucket, commands_of_the_text_protocol_answer_in_types)
{
	static const struct redis_line lines[] = {
		{ "CREATE b", "+OK" },
		{ "create b", "+OK" },
		{ "BUCKETS", "*1\r\n$1\r\nb" },
		{ "PUT b k v", "+OK" },
		{ "HGET b k", "$1\r\nv" },
		{ "MPUT b k 1 l 2", "+OK" },
		{ "COUNT b", ":2" },
		{ "DELETE b k", "+OK" },
		{ "DELETE b k", "+OK" },
		{ "HDEL b l", ":1" },
		{ "COUNT b", ":0" },
		{ "DROP b", "+OK" },
		{ "BUCKETS", "*0" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_bucket, stays_once_it_was_created_by_its_own_name)
{
	redis_ask(fd, "HSET h f v", ":1");
	redis_ask(fd, "CREATE h", "+OK");
	redis_ask(fd, "HDEL h f", ":1");
	redis_ask(fd, "EXISTS h", ":1");
	redis_ask(fd, "DROP h", "+OK");
	redis_ask(fd, "EXISTS h", ":0");
}

Test(redis_bucket, that_does_not_exist_is_an_error)
{
	static const char *const requests[] = {
		"PUT b k v", "MPUT b k v l w", "DELETE b k", "COUNT b",
		"DROP b"
	};
	size_t i;

	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		redis_ask(fd, requests[i], NO_BUCKET);
	redis_ask(fd, "BUCKETS", "*0");
}

Test(redis_bucket, is_no_string)
{
	static const char *const requests[] = {
		"CREATE s", "PUT s k v", "MPUT s k v l w", "DELETE s k",
		"COUNT s", "DROP s"
	};
	size_t i;

	redis_ask(fd, "SET s value", "+OK");
	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		redis_ask(fd, requests[i], WRONG_TYPE);
	redis_ask(fd, "GET s", "$5\r\nvalue");
	redis_ask(fd, "BUCKETS", "*0");
}

Test(redis_bucket, words_are_checked_as_those_of_redis)
{
	static const struct redis_line lines[] = {
		{ "CREATE", ARITY("create") },
		{ "CREATE a b", ARITY("create") },
		{ "PUT b k", ARITY("put") },
		{ "MPUT b k 1 l", ARITY("mput") },
		{ "DELETE b", ARITY("delete") },
		{ "COUNT", ARITY("count") },
		{ "DROP a b", ARITY("drop") },
		{ "BUCKETS x", ARITY("buckets") },
		{ "CREATE \"\"", BAD_NAME },
		{ "PUT \"\" k v", BAD_NAME },
		{ "BUCKETS", "*0" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_bucket, list_has_the_buckets_of_all_shards_and_no_string)
{
	char line[64];
	unsigned i;

	for (i = 0; i < 500; i++) {
		snprintf(line, sizeof(line), "CREATE bucket%u", i);
		redis_ask(fd, line, "+OK");
		snprintf(line, sizeof(line), "SET string%u v", i);
		redis_ask(fd, line, "+OK");
	}
	talk_send(fd, "BUCKETS\r\n");
	cr_assert(talk_line(fd, line, sizeof(line)));
	cr_assert_str_eq(line, "*500");
	for (i = 0; i < 1000; i++) {
		cr_assert(talk_line(fd, line, sizeof(line)));
		cr_assert_eq(line[0], i % 2 == 0 ? '$' : 'b');
	}
	redis_ask(fd, "PING", "+PONG");
}
