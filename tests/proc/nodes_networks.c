/*
 * Three nodes, each in a network of its own, and what becomes of requests
 * when those fail: a cable that is pulled, packets that are lost one way.
 * Each request is answered, with what is known of it; buckets of other nodes
 * are served on; and when the network is back so is the node.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/networks.h"

static struct cluster c;
static const char *why_not;	/* this machine has no networks for us */

static void
begin(void)
{
	size_t i;

	if ((why_not = networks_begin(3)) != NULL)
		return;
	cluster_prepare(&c, 3);
	networks_use(&c);
	for (i = 0; i < c.n; i++)
		daemon_launch(&c.node[i], NULL);
}

static void
end(void)
{
	if (why_not == NULL)
		cluster_remove(&c);
}

TestSuite(nodes_networks, .init = begin, .fini = end, .timeout = 120);

#define NEED_NETWORKS()                                                        \
	do {                                                                   \
	if (why_not != NULL)						      \
		cr_skip_test("%s", why_not);				      \
} while (0)

/* One bucket of each node's, with a pair; over all links. */
static void
fill(void)
{
	size_t i;

	for (i = 0; i < c.n; i++)
		talk_once(&c.node[i], "CREATE apples\r\nPUT apples k v\r\n"
		    "CREATE milk\r\nPUT milk k v\r\n"
		    "CREATE zebras\r\nPUT zebras k v\r\n",
		    "OK\r\nOK\r\nOK\r\nOK\r\nOK\r\nOK\r\n");
}

/* What a node that can be reached by none says, and is told. */
static void
expect_failure(int fd, const char *request, const char *class, size_t node)
{
	char line[256], expected[128];

	snprintf(expected, sizeof(expected), "ERROR %s: %s: ", class,
	    c.node[node].name);
	talk_send(fd, request);
	cr_assert(talk_line(fd, line, sizeof(line)), "no answer: %s", request);
	cr_assert_eq(strncmp(line, expected, strlen(expected)), 0,
	    "%s: %s and not %s", request, line, expected);
}

/* Others are served, whoever is asked, as often as one likes. */
static void
expect_others_served(int fd)
{
	int other = talk_open(&c.node[2]), i;

	for (i = 0; i < 100; i++) {
		talk(fd, "PUT zebras k v\r\nGET apples k\r\n",
		    "OK\r\nv\r\nOK\r\n");
		talk(other, "PUT apples k v\r\nGET zebras k\r\n",
		    "OK\r\nv\r\nOK\r\n");
	}
	close(other);
}

/* Its own clients are served what it has itself. */
static void
expect_own_served(void)
{
	int fd = talk_open(&c.node[1]);

	talk(fd, "PUT milk own 1\r\nGET milk own\r\n", "OK\r\n1\r\nOK\r\n");
	close(fd);
}

static void
await_answer(int fd, const char *request, const char *reply)
{
	char line[256];

	do {
		talk_send(fd, request);
		cr_assert(talk_line(fd, line, sizeof(line)));
	} while (strncmp(line, "ERROR unavailable: ", 19) == 0);
	cr_assert_str_eq(line, reply);
	talk_expect(fd, "OK\r\n");
}

/* All of them are there for all again. */
static void
expect_recovery(int fd)
{
	int own = talk_open(&c.node[1]);

	await_answer(fd, "COUNT milk\r\n", "2");
	await_answer(own, "GET apples k\r\n", "v");
	await_answer(own, "GET zebras k\r\n", "v");
	close(own);
}

Test(nodes_networks, are_one_store_for_whoever_asks)
{
	static const char *const buckets[] = { "apples", "milk", "shopping" };
	char request[256];
	size_t i, j;

	NEED_NETWORKS();
	for (i = 0; i < c.n; i++)
		for (j = 0; j < c.n; j++) {
			snprintf(request, sizeof(request), "CREATE %s\r\n"
			    "PUT %s milk 1\r\nPUT %s eggs 3\r\n"
			    "GET %s milk\r\nDELETE %s eggs\r\nGET %s eggs\r\n",
			    buckets[j], buckets[j], buckets[j], buckets[j],
			    buckets[j], buckets[j]);
			talk_once(&c.node[i], request, "OK\r\nOK\r\nOK\r\n"
			    "1\r\nOK\r\nOK\r\n\r\nOK\r\n");
			snprintf(request, sizeof(request), "DROP %s\r\n"
			    "GET %s milk\r\nHELLO %s\r\n", buckets[j],
			    buckets[j], buckets[j]);
			talk_once(&c.node[i], request, "OK\r\nNOT FOUND\r\n"
			    "UNKNOWN COMMAND\r\n");
		}
}

/* What was under way is lost, and what comes then has not been sent. */
static void
expect_outage(int fd)
{
	int i;

	expect_failure(fd, "PUT milk k v\r\n", "unknown", 1);
	expect_others_served(fd);
	expect_own_served();
	expect_failure(fd, "GET milk k\r\n", "unavailable", 1);
	/* From now on that is known. */
	for (i = 0; i < 1000; i++)
		expect_failure(fd, "PUT milk k v\r\n", "unavailable", 1);
	expect_others_served(fd);
}

Test(nodes_networks, whose_cable_is_pulled_cost_their_own_buckets_only)
{
	int fd;

	NEED_NETWORKS();
	fill();
	talk(fd = talk_open(&c.node[0]), "GET milk k\r\n", "v\r\nOK\r\n");
	networks_unplug(1);
	expect_outage(fd);
	networks_plug(1);
	expect_recovery(fd);
	close(fd);
}

Test(nodes_networks, that_take_their_own_network_down_are_missed_likewise)
{
	int fd;

	NEED_NETWORKS();
	fill();
	talk(fd = talk_open(&c.node[0]), "GET milk k\r\n", "v\r\nOK\r\n");
	networks_take_down(1);
	expect_outage(fd);
	networks_bring_up(1);
	expect_recovery(fd);
	close(fd);
}

Test(nodes_networks, that_are_cut_off_are_without_all_others)
{
	int fd;

	NEED_NETWORKS();
	fill();
	talk(fd = talk_open(&c.node[1]), "GET apples k\r\nGET zebras k\r\n",
	    "v\r\nOK\r\nv\r\nOK\r\n");
	networks_unplug(1);
	expect_failure(fd, "PUT apples k v\r\n", "unknown", 0);
	expect_failure(fd, "PUT zebras k v\r\n", "unknown", 2);
	talk(fd, "PUT milk k v\r\n", "OK\r\n");
	expect_failure(fd, "GET apples k\r\n", "unavailable", 0);
	expect_failure(fd, "GET zebras k\r\n", "unavailable", 2);
	networks_plug(1);
	await_answer(fd, "GET apples k\r\n", "v");
	await_answer(fd, "GET zebras k\r\n", "v");
	close(fd);
}

/* There was no link yet. */
Test(nodes_networks, that_were_never_reached_have_executed_nothing)
{
	int fd;

	NEED_NETWORKS();
	talk_once(&c.node[1], "CREATE milk\r\n", "OK\r\n");
	fd = talk_open(&c.node[0]);
	networks_lose(1, NETWORKS_TO);
	expect_failure(fd, "PUT milk k v\r\n", "unavailable", 1);
	networks_lose_no_more(1, NETWORKS_TO);
	await_answer(fd, "COUNT milk\r\n", "0");
	close(fd);
}

/* The request arrives, and nobody hears so. */
Test(nodes_networks, that_hear_and_are_not_heard_leave_writes_unknown)
{
	int fd;

	NEED_NETWORKS();
	fill();
	talk(fd = talk_open(&c.node[0]), "GET milk k\r\n", "v\r\nOK\r\n");
	networks_lose(1, NETWORKS_FROM);
	expect_failure(fd, "PUT milk k new\r\n", "unknown", 1);
	talk_once(&c.node[1], "GET milk k\r\n", "new\r\nOK\r\n");
	talk_once(&c.node[1], "PUT milk k v\r\n", "OK\r\n");
	/* A read is asked again before it is given up. */
	expect_failure(fd, "GET milk k\r\n", "unavailable", 1);
	expect_others_served(fd);
	expect_own_served();
	networks_lose_no_more(1, NETWORKS_FROM);
	expect_recovery(fd);
	close(fd);
}

Test(nodes_networks, that_are_heard_and_do_not_hear_leave_writes_unknown)
{
	int fd;

	NEED_NETWORKS();
	fill();
	talk(fd = talk_open(&c.node[0]), "GET milk k\r\n", "v\r\nOK\r\n");
	networks_lose(1, NETWORKS_TO);
	expect_outage(fd);
	networks_lose_no_more(1, NETWORKS_TO);
	expect_recovery(fd);
	close(fd);
}

/* A read that is lost with its link is asked again over another one. */
Test(nodes_networks, that_lose_a_read_are_asked_again)
{
	int fd;

	NEED_NETWORKS();
	fill();
	talk(fd = talk_open(&c.node[0]), "GET milk k\r\n", "v\r\nOK\r\n");
	networks_lose(1, NETWORKS_FROM);
	expect_failure(fd, "GET milk k\r\n", "unavailable", 1);
	/* Asked over the old link, and then where nobody answered. */
	cr_assert_eq(daemon_count_log(&c.node[0], ": does not answer"), 2);
	networks_lose_no_more(1, NETWORKS_FROM);
	await_answer(fd, "GET milk k\r\n", "v");
	close(fd);
}

Test(nodes_networks, tell_subscribers_of_a_gap_and_of_its_end)
{
	char line[128], expected[128];
	int sub;

	NEED_NETWORKS();
	fill();
	sub = talk_open(&c.node[0]);
	talk_send(sub, "SUBSCRIBE milk\r\n");
	talk_await_subscribers(&c.node[0], 1);
	networks_lose(1, NETWORKS_FROM);
	cr_assert(talk_line(sub, line, sizeof(line)));
	snprintf(expected, sizeof(expected), "LOST %s", c.node[1].name);
	cr_assert_str_eq(line, expected);
	networks_lose_no_more(1, NETWORKS_FROM);
	cr_assert(talk_line(sub, line, sizeof(line)));
	snprintf(expected, sizeof(expected), "RESUMED %s", c.node[1].name);
	cr_assert_str_eq(line, expected);
	talk_once(&c.node[1], "PUT milk k w\r\n", "OK\r\n");
	talk_expect(sub, "k SET TO w\r\n");
	close(sub);
}
