/*
 * All fields of hashes, at once, in steps and by chance.
 */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

#define NOT_INTEGER	"-ERR value is not an integer or out of range"
#define SYNTAX		"-ERR syntax error"
#define FIELDS		3000	/* of a large hash */

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

TestSuite(redis_hash_walk, .init = begin, .fini = end, .timeout = 120);

/* Fields f0, f1, .. of a hash, each set to its number. */
static void
fill(const char *hash, unsigned fields)
{
	char line[64];
	unsigned i;

	for (i = 0; i < fields; i++) {
		snprintf(line, sizeof(line), "HSET %s f%u %u\r\n", hash, i, i);
		talk_send(fd, line);
	}
	for (i = 0; i < fields; i++)
		talk_expect(fd, ":1\r\n");
}

/* The head of a list: its length. */
static unsigned
read_head(int from, char type)
{
	char line[64];

	cr_assert(talk_line(from, line, sizeof(line)));
	cr_assert_eq(line[0], type, "%s", line);
	return (unsigned)strtoul(line + 1, NULL, 10);
}

static void
read_bulk(int from, char *text, size_t size)
{
	cr_assert_lt(read_head(from, '$'), size);
	cr_assert(talk_line(from, text, size));
}

/* The number behind the letter of a field. */
static unsigned
read_field(int from)
{
	char text[32];

	read_bulk(from, text, sizeof(text));
	cr_assert_eq(text[0], 'f', "%s", text);
	return (unsigned)strtoul(text + 1, NULL, 10);
}

static void
expect_value(int from, unsigned field)
{
	char text[32];

	read_bulk(from, text, sizeof(text));
	cr_assert_eq(strtoul(text, NULL, 10), field);
}

Test(redis_hash_walk, gives_all_fields_of_a_hash)
{
	static const struct redis_line lines[] = {
		{ "HSET h a 1", ":1" },
		{ "HGETALL h", "*2\r\n$1\r\na\r\n$1\r\n1" },
		{ "HKEYS h", "*1\r\n$1\r\na" },
		{ "HVALS h", "*1\r\n$1\r\n1" },
		{ "HGETALL nosuch", "*0" },
		{ "HKEYS nosuch", "*0" },
		{ "HVALS nosuch", "*0" },
	};

	REDIS_ASK_ALL(fd, lines);
}

Test(redis_hash_walk, gives_each_field_of_a_large_hash_once)
{
	static bool seen[FIELDS];
	unsigned i, field;

	fill("h", FIELDS);
	talk_send(fd, "HGETALL h\r\n");
	cr_assert_eq(read_head(fd, '*'), 2 * FIELDS);
	for (i = 0; i < FIELDS; i++) {
		field = read_field(fd);
		cr_assert(!seen[field]);
		seen[field] = true;
		expect_value(fd, field);
	}
	talk_send(fd, "HKEYS h\r\nHVALS h\r\n");
	cr_assert_eq(read_head(fd, '*'), FIELDS);
	for (i = 0; i < FIELDS; i++)
		cr_assert(seen[read_field(fd)]);
	cr_assert_eq(read_head(fd, '*'), FIELDS);
	for (i = 0; i < 2 * FIELDS; i++)
		cr_assert(talk_line(fd, (char[32]){ 0 }, 32));
	talk_expect_silence(fd);
}

/* Sets two fields to the same number, again and again, until it is killed. */
static pid_t
fork_writer(void)
{
	char request[256], reply[32];
	pid_t pid = fork();
	unsigned i;
	int own;

	cr_assert_geq(pid, 0);
	if (pid > 0)
		return pid;
	own = redis_open(&d);
	for (i = 10000;; i = i == 99999 ? 10000 : i + 1) {
		snprintf(request, sizeof(request),
		    "HSET h f0 %u f299 %u\r\n", i, i);
		talk_send(own, request);
		if (!talk_line(own, reply, sizeof(reply)))
			_exit(1);
	}
}

static void
end_writer(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* HGETALL of a hash whose field 0 and last one are set together. */
static void
expect_moment(unsigned fields)
{
	unsigned i, field;
	char values[2][32], text[32];

	cr_assert_eq(read_head(fd, '*'), 2 * fields);
	for (i = 0; i < fields; i++) {
		field = read_field(fd);
		read_bulk(fd, field == 0 ? values[0] :
		    field == fields - 1 ? values[1] : text, sizeof(text));
	}
	cr_assert_str_eq(values[0], values[1]);
}

Test(redis_hash_walk, gives_a_hash_as_it_was_at_one_moment)
{
	char one[32], other[32];
	unsigned turn;
	pid_t pid;

	fill("h", 300);
	redis_ask(fd, "HSET h f0 10000 f299 10000", ":0");
	pid = fork_writer();
	for (turn = 0; turn < 300; turn++) {
		talk_send(fd, "HMGET h f0 f299\r\nHGETALL h\r\n");
		cr_assert_eq(read_head(fd, '*'), 2);
		read_bulk(fd, one, sizeof(one));
		read_bulk(fd, other, sizeof(other));
		cr_assert_str_eq(one, other);
		expect_moment(300);
	}
	end_writer(pid);
}

Test(redis_hash_walk, takes_the_words_of_a_step_as_redis_does)
{
	static const struct redis_line lines[] = {
		{ "HSET h a 1", ":1" },
		{ "HSCAN h 0", "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\n1" },
		{ "HSCAN h 0 NOVALUES", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\na" },
		{ "HSCAN h 0 MATCH b* COUNT 5", "*2\r\n$1\r\n0\r\n*0" },
		{ "HSCAN h 0 match b* MATCH ? novalues count 1",
		    "*2\r\n$1\r\n0\r\n*1\r\n$1\r\na" },
		{ "HSCAN h 0 COUNT 9223372036854775807",
		    "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\n1" },
		{ "HSCAN h \"\" COUNT 5",
		    "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\n1" },
		{ "HSCAN h abc", "-ERR invalid cursor" },
		{ "HSCAN h 1x", "-ERR invalid cursor" },
		{ "HSCAN h \" 1\"", "-ERR invalid cursor" },
		{ "HSCAN h 99999999999999999999", "-ERR invalid cursor" },
		{ "HSCAN h 0 COUNT", SYNTAX },
		{ "HSCAN h 0 MATCH", SYNTAX },
		{ "HSCAN h 0 nonsense", SYNTAX },
		{ "HSCAN h 0 COUNT 0", SYNTAX },
		{ "HSCAN h 0 COUNT -1", SYNTAX },
		{ "HSCAN h 0 COUNT x", NOT_INTEGER },
		{ "HSCAN nosuch 0 nonsense", "*2\r\n$1\r\n0\r\n*0" },
		{ "HSCAN nosuch x", "-ERR invalid cursor" },
	};
	char line[4200];

	REDIS_ASK_ALL(fd, lines);
	snprintf(line, sizeof(line), "HSCAN h 0 MATCH %04097d", 0);
	redis_ask(fd, line, "-ERR pattern is longer than 4096 bytes");
}

/* One step: marks the fields that it finds, and returns the next cursor. */
static uint64_t
step(int from, uint64_t cursor, const char *options, unsigned *seen)
{
	char text[64];
	unsigned n, field;

	snprintf(text, sizeof(text), "HSCAN h %ju %s\r\n", (uintmax_t)cursor,
	    options);
	talk_send(from, text);
	cr_assert_eq(read_head(from, '*'), 2);
	read_bulk(from, text, sizeof(text));
	for (n = read_head(from, '*'); n > 0; n -= 2) {
		field = read_field(from);
		seen[field]++;
		expect_value(from, field);
	}
	return strtoull(text, NULL, 10);
}

/* Which may be served by another worker. */
Test(redis_hash_walk, goes_on_with_its_cursor_on_another_connection)
{
	static unsigned seen[FIELDS];
	uint64_t cursor = 0;
	unsigned steps, i;
	int own;

	fill("h", FIELDS);
	for (steps = 0; steps == 0 || cursor != 0; steps++) {
		own = redis_open(&d);
		cursor = step(own, cursor, "COUNT 20", seen);
		cr_assert_lt(cursor, 1 << 20);
		close(own);
	}
	for (i = 0; i < FIELDS; i++)
		cr_assert_eq(seen[i], 1);
	cr_assert(steps > FIELDS / 40 && steps <= FIELDS / 20 + 1,
	    "%u steps", steps);
}

Test(redis_hash_walk, of_a_small_hash_is_one_step_whatever_is_asked_for)
{
	unsigned seen[128] = { 0 }, i;

	fill("h", 128);
	cr_assert_eq(step(fd, 0, "COUNT 1", seen), 0);
	for (i = 0; i < 128; i++)
		cr_assert_eq(seen[i], 1);
}

/* Others come and go meanwhile, so that the index grows and shrinks. */
Test(redis_hash_walk, finds_what_is_there_throughout_while_others_come_and_go)
{
	static unsigned seen[FIELDS];
	uint64_t cursor = 0;
	unsigned i, k;
	char line[64];

	fill("h", FIELDS);
	for (i = 0; i == 0 || cursor != 0; i++) {
		cursor = step(fd, cursor, "COUNT 5 MATCH f?*", seen);
		for (k = 0; k < 100; k++) {
			snprintf(line, sizeof(line), "%s h x%u%s\r\n",
			    i / 50 % 2 == 0 ? "HSET" : "HDEL",
			    i % 50 * 100 + k, i / 50 % 2 == 0 ? " 1" : "");
			talk_send(fd, line);
		}
		for (k = 0; k < 100; k++)
			talk_expect(fd, ":1\r\n");
	}
	cr_assert_gt(i, 100);
	for (i = 0; i < FIELDS; i++)
		cr_assert_eq(seen[i], 1, "field %u: %u times", i, seen[i]);
}

Test(redis_hash_walk, takes_the_words_of_a_choice_as_redis_does)
{
	static const struct redis_line lines[] = {
		{ "HSET h a 1", ":1" },
		{ "HRANDFIELD h", "$1\r\na" },
		{ "HRANDFIELD h 0", "*0" },
		{ "HRANDFIELD h 1", "*1\r\n$1\r\na" },
		{ "HRANDFIELD h 9223372036854775807", "*1\r\n$1\r\na" },
		{ "HRANDFIELD h -2", "*2\r\n$1\r\na\r\n$1\r\na" },
		{ "HRANDFIELD h 5 withvalues", "*2\r\n$1\r\na\r\n$1\r\n1" },
		{ "HRANDFIELD h -2 WITHVALUES", "*4\r\n$1\r\na\r\n$1\r\n1\r\n"
		    "$1\r\na\r\n$1\r\n1" },
		{ "HRANDFIELD h 1 nonsense", SYNTAX },
		{ "HRANDFIELD h 1 WITHVALUES x", SYNTAX },
		{ "HRANDFIELD h x", NOT_INTEGER },
		{ "HRANDFIELD h x WITHVALUES x", NOT_INTEGER },
		{ "HRANDFIELD h 9223372036854775808", NOT_INTEGER },
		{ "HRANDFIELD h -9223372036854775808",
		    "-ERR value is out of range, value must between "
		    "-9223372036854775807 and 9223372036854775807" },
		{ "HRANDFIELD h 9223372036854775807 WITHVALUES",
		    "-ERR value is out of range" },
		{ "HRANDFIELD h -1000001", "-ERR value is out of range" },
		{ "HRANDFIELD nosuch", "$-1" },
		{ "HRANDFIELD nosuch 1", "*0" },
		{ "HRANDFIELD nosuch -1 WITHVALUES", "*0" },
	};

	REDIS_ASK_ALL(fd, lines);
}

/* Ask for so many, which are to be different; returns how many came. */
static unsigned
choose(unsigned count, unsigned fields, unsigned *times)
{
	bool *seen = calloc(fields, sizeof(*seen));
	unsigned n, i, field;
	char line[64];

	snprintf(line, sizeof(line), "HRANDFIELD h %u WITHVALUES\r\n", count);
	talk_send(fd, line);
	n = read_head(fd, '*') / 2;
	for (i = 0; i < n; i++) {
		field = read_field(fd);
		cr_assert(!seen[field]);
		seen[field] = true;
		times[field]++;
		expect_value(fd, field);
	}
	free(seen);
	return n;
}

Test(redis_hash_walk, chooses_different_fields_of_small_and_large_hashes)
{
	static const unsigned sizes[] = { 10, 128, 129, FIELDS };
	static unsigned times[FIELDS];
	unsigned i, count;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		fill("h", sizes[i]);
		for (count = 1; count <= 2 * sizes[i]; count = count * 3 + 1)
			cr_assert_eq(choose(count, sizes[i], times),
			    count < sizes[i] ? count : sizes[i]);
		redis_ask(fd, "DEL h", ":1");
	}
}

/*
 * Each has about the same chance: of `turns' that choose `count' of `fields',
 * none has less than a quarter of its share or more than the double; by chance
 * alone that would not be in the lifetime of this program.
 */
static void
expect_fair(unsigned fields, unsigned count, unsigned turns)
{
	static unsigned times[FIELDS];
	unsigned i, share = turns * count / fields;

	memset(times, 0, sizeof(times));
	fill("h", fields);
	for (i = 0; i < turns; i++)
		choose(count, fields, times);
	for (i = 0; i < fields; i++)
		cr_assert(times[i] > share / 4 && times[i] < 2 * share,
		    "%u of %u: %u times, not %u", i, fields, times[i], share);
	redis_ask(fd, "DEL h", ":1");
}

Test(redis_hash_walk, chooses_each_field_as_often_as_another)
{
	expect_fair(20, 1, 2000);
	expect_fair(20, 10, 200);
	expect_fair(200, 30, 800);
	expect_fair(200, 100, 200);
}

Test(redis_hash_walk, chooses_again_what_it_chose_if_that_is_asked_for)
{
	static unsigned times[500];
	unsigned i, twice = 0;

	fill("h", 500);
	talk_send(fd, "HRANDFIELD h -20000\r\n");
	cr_assert_eq(read_head(fd, '*'), 20000);
	for (i = 0; i < 20000; i++)
		times[read_field(fd)]++;
	for (i = 0; i < 500; i++)
		twice += times[i] > 1;
	cr_assert_eq(twice, 500);
}

/* Set a field to a megabyte. */
static void
put_megabyte(unsigned field)
{
	enum { LEN = 1000000 };
	char *value = malloc(LEN + 1), head[64];

	cr_assert_not_null(value);
	memset(value, 'x', LEN);
	value[LEN] = '\0';
	snprintf(head, sizeof(head), "*4\r\n$4\r\nHSET\r\n$1\r\nh\r\n"
	    "$2\r\n%02u\r\n$%d\r\n", field, LEN);
	talk_send(fd, head);
	talk_send(fd, value);
	talk(fd, "\r\n", ":1\r\n");
	free(value);
}

Test(redis_hash_walk, is_refused_if_its_reply_were_too_long)
{
	static const char *const requests[] = {
		"HRANDFIELD h -1000000 WITHVALUES", "HGETALL h", "HVALS h",
		"HRANDFIELD h 69 WITHVALUES"
	};
	unsigned i;

	daemon_stop(&d);
	daemon_prepare(&d, "memory 256M\nworkers 2\n");
	daemon_launch(&d, NULL);
	close(fd);
	fd = redis_open(&d);
	for (i = 0; i < 70; i++)
		put_megabyte(i);
	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		redis_ask(fd, requests[i], "-ERR reply is too long");
	redis_ask(fd, "HLEN h", ":70");
	redis_ask(fd, "HSTRLEN h 69", ":1000000");
}
