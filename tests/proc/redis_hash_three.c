/*
 * Hashes in the third version of the protocol: where it has a type for what
 * the second only has a list for.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

static struct daemon d;
static int fd;

/* Of the answer to HELLO only its end is of interest here. */
static void
begin(void)
{
	char line[128];

	daemon_start(&d);
	fd = redis_open(&d);
	talk_send(fd, "HELLO 3\r\n");
	do
		cr_assert(talk_line(fd, line, sizeof(line)));
	while (strcmp(line, "modules") != 0);
	talk_expect(fd, "*0\r\n");
}

static void
end(void)
{
	close(fd);
	daemon_stop(&d);
}

TestSuite(redis_hash_three, .init = begin, .fini = end, .timeout = 120);

Test(redis_hash_three, has_a_null_for_what_is_not_there)
{
	static const struct redis_line lines[] = {
		{ "HSET h a 1", ":1" },
		{ "HGET h nosuch", "_" },
		{ "HGET nosuch a", "_" },
		{ "HMGET h nosuch a", "*2\r\n_\r\n$1\r\n1" },
		{ "HMGET nosuch a b", "*2\r\n_\r\n_" },
		{ "HRANDFIELD nosuch", "_" },
		{ "HGETEX h FIELDS 2 a nosuch", "*2\r\n$1\r\n1\r\n_" },
		{ "HGETDEL h FIELDS 2 a a", "*2\r\n$1\r\n1\r\n_" },
		{ "HGETDEL nosuch FIELDS 1 a", "*1\r\n_" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_hash_three, has_maps_and_lists_of_pairs)
{
	static const struct redis_line lines[] = {
		{ "HSET h a 1", ":1" },
		{ "HGETALL h", "%1\r\n$1\r\na\r\n$1\r\n1" },
		{ "HGETALL nosuch", "%0" },
		{ "HKEYS h", "*1\r\n$1\r\na" },
		{ "HVALS h", "*1\r\n$1\r\n1" },
		{ "HKEYS nosuch", "*0" },
		{ "HRANDFIELD h", "$1\r\na" },
		{ "HRANDFIELD h 2", "*1\r\n$1\r\na" },
		{ "HRANDFIELD h 2 WITHVALUES",
		    "*1\r\n*2\r\n$1\r\na\r\n$1\r\n1" },
		{ "HRANDFIELD h -2 WITHVALUES", "*2\r\n*2\r\n$1\r\na\r\n$1\r\n"
		    "1\r\n*2\r\n$1\r\na\r\n$1\r\n1" },
		{ "HRANDFIELD nosuch 2 WITHVALUES", "*0" },
		{ "HSCAN h 0", "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\n1" },
		{ "HINCRBYFLOAT h a 0.5", "$3\r\n1.5" },
		{ "HTTL h FIELDS 2 a b", "*2\r\n:-1\r\n:-2" },
		{ "BUCKETS", "*1\r\n$1\r\nh" },
	};

	REDIS_ASK_ALL(fd, lines);
}
