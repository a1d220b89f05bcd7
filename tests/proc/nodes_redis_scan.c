/*
 * SCAN and HSCAN where there are several nodes: each step through another one,
 * while names come and go.
 */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/cluster.h"
#include "tests/proc/redis_talk.h"

#define NAMES	900
#define NODES	3

static struct cluster c;
static int fds[NODES];

static void
begin(void)
{
	size_t i;

	cluster_start(&c, NODES);
	for (i = 0; i < NODES; i++)
		fds[i] = redis_open(&c.node[i]);
}

static void
end(void)
{
	size_t i;

	for (i = 0; i < NODES; i++)
		close(fds[i]);
	cluster_remove(&c);
}

TestSuite(nodes_redis_scan, .init = begin, .fini = end, .timeout = 120);

/* a0, m1, z2, a3, ..: by turns a string and a hash. */
static void
fill(void)
{
	char line[64];
	int i;

	for (i = 0; i < NAMES; i++) {
		snprintf(line, sizeof(line), i % 2 == 0 ? "SET %c%d v" :
		    "HSET %c%d k v", "amz"[i % 3], i);
		redis_ask(fds[0], line, i % 2 == 0 ? "+OK" : ":1");
	}
}

struct found {
	unsigned	times[NAMES];
	unsigned	total;
	unsigned	steps;
};

/* Send a step of that walk; returns false after the last. */
static bool
step(int fd, const char *verb, const char *options, char cursor[32],
    struct found *found)
{
	char line[128], name[64];
	unsigned long n, i;

	snprintf(line, sizeof(line), "%s %s %s", verb, cursor, options);
	redis_ask(fd, line, "*2");
	redis_read_bulk(fd, cursor, 32);
	cr_assert_lt(strtoull(cursor, NULL, 10), 1ULL << 53);
	cr_assert(talk_line(fd, line, sizeof(line)));
	cr_assert_eq(line[0], '*');
	for (n = strtoul(line + 1, NULL, 10); n > 0; n--) {
		redis_read_bulk(fd, name, sizeof(name));
		i = strtoul(name + 1, NULL, 10);
		if (strchr("amz", name[0]) != NULL && i < NAMES)
			found->times[i]++;
		found->total++;
	}
	found->steps++;
	return strcmp(cursor, "0") != 0;
}

/* It finds each of these once, and nothing else. */
static void
expect(const char *options, unsigned first, unsigned each)
{
	struct found found = { .total = 0 };
	char cursor[32] = "0";
	unsigned i;

	while (step(fds[found.steps % NODES], "SCAN", options, cursor,
	    &found))
		;
	for (i = 0; i < NAMES; i++)
		cr_assert_eq(found.times[i], i % each == first,
		    "SCAN %s: %u: %u times", options, i, found.times[i]);
	cr_assert_eq(found.total, NAMES / each);
}

Test(nodes_redis_scan, finds_every_name_once_if_nothing_changes)
{
	fill();
	expect("", 0, 1);
	expect("COUNT 1", 0, 1);
	expect("COUNT 1000000", 0, 1);
	expect("TYPE string", 0, 2);
	expect("TYPE hash COUNT 33", 1, 2);
	expect("MATCH m*", 1, 3);
	expect("MATCH z* TYPE hash COUNT 500", 5, 6);
	redis_use_resp3(fds[1]);
	expect("COUNT 50", 0, 1);
}

Test(nodes_redis_scan, takes_steps_of_the_size_that_it_is_told)
{
	struct found found = { .total = 0 };
	char cursor[32] = "0";

	fill();
	while (step(fds[1], "SCAN", "COUNT 1000", cursor, &found))
		;
	cr_assert_eq(found.steps, NODES);
	while (step(fds[1], "SCAN", "COUNT 10", cursor, &found))
		;
	cr_assert_gt(found.steps, NAMES / 20);
}

static void
change(unsigned n)
{
	char line[64];
	unsigned i;

	for (i = 0; i < 30; i++) {
		snprintf(line, sizeof(line), n % 20 < 10 ? "SET %cnew%u v" :
		    "DEL %cnew%u", "amz"[i % 3], n % 10 * 30 + i);
		redis_ask(fds[0], line, n % 20 < 10 ? "+OK" : ":1");
	}
}

Test(nodes_redis_scan, finds_what_stays_while_all_else_changes)
{
	struct found found = { .total = 0 };
	char cursor[32] = "0";
	unsigned i;

	fill();
	while (step(fds[found.steps % NODES], "SCAN", "COUNT 20", cursor,
	    &found))
		change(found.steps - 1);
	for (i = 0; i < NAMES; i++)
		cr_assert_geq(found.times[i], 1, "%u was not found", i);
}

/* It tells what it lacks, and goes on where it was. */
Test(nodes_redis_scan, waits_for_a_node_that_is_down)
{
	struct found found = { .total = 0 };
	char cursor[32] = "0", line[512], wanted[256];
	unsigned i;

	fill();
	cluster_kill(&c, 1);
	while (strcmp(cursor, "2048") != 0)
		cr_assert(step(fds[0], "SCAN", "COUNT 100", cursor, &found));
	snprintf(wanted, sizeof(wanted), "-UNAVAILABLE %s: ",
	    c.node[1].name);
	talk_send(fds[0], "SCAN 2048\r\n");
	cr_assert(talk_line(fds[0], line, sizeof(line)));
	cr_assert_eq(strncmp(line, wanted, strlen(wanted)), 0, "%s", line);
	daemon_launch(&c.node[1], NULL);
	close(fds[1]);
	fds[1] = redis_open(&c.node[1]);
	while (step(fds[1], "SCAN", "COUNT 100", cursor, &found))
		;
	for (i = 0; i < NAMES; i++)
		cr_assert_eq(found.times[i], 1, "%u", i);
}

/* Node 200 is not in the table: nothing of it is left to be seen. */
Test(nodes_redis_scan, goes_on_from_any_cursor)
{
	struct found found = { .total = 0 };
	char cursor[32] = "409600";
	unsigned i;

	fill();
	cr_assert_not(step(fds[1], "SCAN", "", cursor, &found));
	cr_assert_eq(found.total, 0);
	redis_ask(fds[1], "SCAN x", "-ERR invalid cursor");
	redis_ask(fds[1], "SCAN 0 FOO x", "-ERR syntax error");
	redis_ask(fds[0], "SCAN 2048 FOO x", "-ERR syntax error");
	for (i = 0; i < 64; i++) {
		snprintf(cursor, sizeof(cursor), "%llu", ~0ULL >> i);
		while (step(fds[i % NODES], "SCAN", "COUNT 1000", cursor,
		    &found))
			;
	}
}

/* Names go from the first node to the second half way. */
Test(nodes_redis_scan, comes_to_its_end_while_the_table_is_edited)
{
	struct found found = { .total = 0 };
	char cursor[32] = "0";
	size_t i;

	fill();
	cr_assert(step(fds[2], "SCAN", "COUNT 10", cursor, &found));
	c.letters[0] = "b-h";
	for (i = 0; i < NODES; i++) {
		cluster_configure(&c, i, "table 2\n");
		daemon_kill(&c.node[i], SIGHUP);
		daemon_await_log(&c.node[i], "configuration reloaded", 1);
		close(fds[i]);
		fds[i] = redis_open(&c.node[i]);
	}
	while (step(fds[found.steps % NODES], "SCAN", "COUNT 10", cursor,
	    &found))
		;
	for (i = 0; i < NAMES; i++)
		cr_assert_leq(found.times[i], 1, "%zu", i);
	cr_assert_geq(found.total, NAMES / 3 * 2);
}

static void
fill_hash(void)
{
	char line[64];
	int i;

	for (i = 0; i < NAMES; i++) {
		snprintf(line, sizeof(line), "HSET milk a%d v", i);
		redis_ask(fds[0], line, ":1");
	}
}

Test(nodes_redis_scan, of_a_hash_goes_on_through_any_node)
{
	struct found found = { .total = 0 };
	char cursor[32] = "0", line[64];
	unsigned i;

	fill_hash();
	while (step(fds[found.steps % NODES], "HSCAN milk",
	    "COUNT 20 NOVALUES", cursor, &found)) {
		snprintf(line, sizeof(line), "HSET milk x%u v",
		    found.steps);
		redis_ask(fds[found.steps % NODES], line, ":1");
	}
	cr_assert_gt(found.steps, NAMES / 40);
	for (i = 0; i < NAMES; i++)
		cr_assert_eq(found.times[i], 1, "%u: %u times", i,
		    found.times[i]);
}
