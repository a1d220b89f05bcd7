/*
 * Walks over all names: SCAN, which must find what is there throughout, KEYS
 * and RANDOMKEY.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

#define STRINGS		3000
#define HASHES		500
#define NAMES		(STRINGS + HASHES)

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

TestSuite(redis_scan, .init = begin, .fini = end, .timeout = 120);

/* s0, s1, .. and h0, h1, .. */
static void
fill(void)
{
	char line[64];
	int i;

	for (i = 0; i < STRINGS; i++) {
		sprintf(line, "SET s%d v", i);
		redis_ask(fd, line, "+OK");
	}
	for (i = 0; i < HASHES; i++) {
		sprintf(line, "HSET h%d f v", i);
		redis_ask(fd, line, ":1");
	}
}

struct found {
	unsigned	times[NAMES];
	unsigned	total;
	unsigned	steps;
};

/* Names that fill() has not made do not matter. */
static void
note(struct found *found, const char *name)
{
	unsigned n = (unsigned)strtoul(name + 1, NULL, 10);

	if (name[0] == 'h' && n < HASHES)
		found->times[STRINGS + n]++;
	else if (name[0] == 's' && n < STRINGS)
		found->times[n]++;
	found->total++;
}

/* Returns false after the last step. */
static bool
step(int from, char cursor[32], const char *options, struct found *found)
{
	char line[128], name[64];
	unsigned long n;

	sprintf(line, "SCAN %s %s", cursor, options);
	redis_ask(from, line, "*2");
	redis_read_bulk(from, cursor, 32);
	cr_assert(talk_line(from, line, sizeof(line)));
	cr_assert_eq(line[0], '*');
	for (n = strtoul(line + 1, NULL, 10); n > 0; n--) {
		redis_read_bulk(from, name, sizeof(name));
		note(found, name);
	}
	found->steps++;
	return strcmp(cursor, "0") != 0;
}

static void
walk(const char *options, struct found *found)
{
	char cursor[32] = "0";

	memset(found, 0, sizeof(*found));
	while (step(fd, cursor, options, found))
		/* A double holds it. */
		cr_assert_lt(strtoull(cursor, NULL, 10), 1ULL << 53);
}

static void
expect(const char *options, unsigned first, unsigned end)
{
	static struct found found;
	unsigned i;

	walk(options, &found);
	for (i = 0; i < NAMES; i++)
		cr_assert_eq(found.times[i], i >= first && i < end,
		    "SCAN %s: %u: %u times", options, i, found.times[i]);
	cr_assert_eq(found.total, end - first);
}

Test(redis_scan, finds_every_name_once_if_nothing_changes)
{
	fill();
	expect("", 0, NAMES);
	expect("COUNT 1", 0, NAMES);
	expect("COUNT 1000000", 0, NAMES);
	expect("TYPE string", 0, STRINGS);
	expect("type HASH", STRINGS, NAMES);
	expect("TYPE zset", 0, 0);
	expect("MATCH h* COUNT 77", STRINGS, NAMES);
	expect("MATCH s12? TYPE string", 120, 130);
	expect("MATCH nothing*", 0, 0);
	expect("MATCH *", 0, NAMES);
}

Test(redis_scan, takes_steps_of_the_size_that_it_is_told)
{
	struct found found;

	fill();
	walk("COUNT 10", &found);
	cr_assert_gt(found.steps, NAMES / 20);
	walk("COUNT 1000", &found);
	cr_assert_lt(found.steps, 10);
	walk("COUNT 9223372036854775807", &found);
	cr_assert_eq(found.steps, 1);
}

/* A hundred names more, or less, than those that came. */
static unsigned
change(bool more, unsigned news)
{
	char line[64];
	unsigned i;

	for (i = 0; i < 100; i++) {
		if (more)
			sprintf(line, "SET new%u v", news++);
		else if (news > 0)
			sprintf(line, "DEL new%u", --news);
		else
			break;
		redis_ask(fd, line, more ? "+OK" : ":1");
	}
	return news;
}

/* Each step by another worker, while names come and go. */
Test(redis_scan, finds_what_stays_on_any_worker_while_all_else_changes)
{
	int fds[2] = {
		redis_open_worker(&d, 0), redis_open_worker(&d, 1)
	};
	static struct found found;
	char cursor[32] = "0";
	unsigned i, n = 0, news = 0;
	bool more;

	fill();
	do {
		more = step(fds[n++ % 2], cursor, "COUNT 20", &found);
		news = change(n % 40 < 20, news);
	} while (more);
	for (i = 0; i < NAMES; i++)
		cr_assert_geq(found.times[i], 1, "%u was not found", i);
	close(fds[0]);
	close(fds[1]);
}

Test(redis_scan, refuses_what_makes_no_sense)
{
	static const struct redis_line lines[] = {
		{ "SCAN x", "-ERR invalid cursor" },
		{ "SCAN 1x", "-ERR invalid cursor" },
		{ "SCAN \" 1\"", "-ERR invalid cursor" },
		{ "SCAN 99999999999999999999", "-ERR invalid cursor" },
		{ "SCAN 0 COUNT 0", "-ERR syntax error" },
		{ "SCAN 0 COUNT -1", "-ERR syntax error" },
		{ "SCAN 0 COUNT x",
		    "-ERR value is not an integer or out of range" },
		{ "SCAN 0 COUNT", "-ERR syntax error" },
		{ "SCAN 0 FOO x", "-ERR syntax error" },
		{ "SCAN", "-ERR wrong number of arguments for 'scan' "
		    "command" },
		{ "KEYS", "-ERR wrong number of arguments for 'keys' "
		    "command" },
		{ "SCAN 0", "*2\r\n$1\r\n0\r\n*0" },
		{ "SCAN 18446744073709551615", "*2\r\n$1\r\n0\r\n*0" },
		{ "KEYS *", "*0" },
		{ "RANDOMKEY", "$-1" },
	};

	REDIS_ASK_ALL(fd, lines);
}

/* Any number is a cursor: it only tells where to go on. */
Test(redis_scan, goes_on_from_any_cursor)
{
	static struct found found;
	char cursor[32];
	unsigned i;

	fill();
	for (i = 0; i < 64; i++) {
		sprintf(cursor, "%llu", ~0ULL >> i);
		while (step(fd, cursor, "COUNT 1000", &found))
			;
	}
}

Test(redis_scan, does_not_find_what_has_expired)
{
	redis_ask(fd, "SET s 1 PX 20", "+OK");
	redis_ask(fd, "HSET h f v", ":1");
	redis_ask(fd, "PEXPIRE h 20", ":1");
	while (redis_number(fd, "EXISTS s h") > 0)
		;
	redis_ask(fd, "SCAN 0 COUNT 1000", "*2\r\n$1\r\n0\r\n*0");
	redis_ask(fd, "KEYS *", "*0");
	redis_ask(fd, "RANDOMKEY", "$-1");
}

static unsigned
count_keys(const char *pattern)
{
	struct found found = { .total = 0 };
	char line[64], name[64];
	unsigned long n;

	sprintf(line, "KEYS %s\r\n", pattern);
	talk_send(fd, line);
	cr_assert(talk_line(fd, line, sizeof(line)));
	cr_assert_eq(line[0], '*');
	for (n = strtoul(line + 1, NULL, 10); n > 0; n--) {
		redis_read_bulk(fd, name, sizeof(name));
		note(&found, name);
	}
	return found.total;
}

Test(redis_scan, has_a_sister_that_tells_all_at_once)
{
	fill();
	cr_assert_eq(count_keys("*"), NAMES);
	cr_assert_eq(count_keys("h*"), HASHES);
	cr_assert_eq(count_keys("[sh]1?"), 20);
	cr_assert_eq(count_keys("s1"), 1);
	cr_assert_eq(count_keys("S1"), 0);
	/* It comes in pieces, and what is behind it waits. */
	talk(fd, "KEYS nothing*\r\nDBSIZE\r\nKEYS s77\r\n",
	    "*0\r\n:3500\r\n*1\r\n$3\r\ns77\r\n");
}

Test(redis_scan, has_a_sister_that_tells_any)
{
	static struct found found;
	char name[64];
	unsigned i, different = 0;

	fill();
	for (i = 0; i < 1000; i++) {
		talk_send(fd, "RANDOMKEY\r\n");
		redis_read_bulk(fd, name, sizeof(name));
		note(&found, name);
	}
	for (i = 0; i < NAMES; i++)
		different += found.times[i] > 0;
	/* Of a fair choice it would be about 870. */
	cr_assert_gt(different, 700);
}
