/*
 * Nodes that get another program or another configuration while requests go
 * through them: whoever asks notices nothing, and whoever follows a bucket is
 * told of each gap.
 */

#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "tests/proc/cluster.h"
#include "tests/proc/load.h"

#define CYCLES	8

static struct cluster c;
static pid_t masters[CLUSTER_MAX];
static char out[4096];

static void
begin(void)
{
	size_t i;

	cluster_start(&c, 3);
	for (i = 0; i < c.n; i++)
		masters[i] = c.node[i].pid;
}

static void
end(void)
{
	cluster_remove(&c);
}

TestSuite(nodes_upgrade, .init = begin, .fini = end, .timeout = 120);

/* Only the first master of a node is a child of ours. */
static void
upgrade(size_t node)
{
	struct daemon *d = &c.node[node];
	pid_t old = masters[node];

	cr_assert_eq(daemon_run(d, FLAGS("-s", "upgrade"), out, sizeof(out)),
	    EX_OK, "%s", out);
	if (d->pid != 0)
		cr_assert_eq(daemon_wait(d), 0);
	else
		daemon_await_end(old);
	masters[node] = talk_new_master_pid(d, old);
}

static void
reload(size_t node)
{
	cr_assert_eq(daemon_run(&c.node[node], FLAGS("-s", "reload"), out,
	    sizeof(out)), EX_OK, "%s", out);
}

/* A bucket of node 1's, by node 0. */
static void
change_under_load(void (*change)(size_t), size_t node)
{
	struct load_report report;
	int i;

	load_start(&c.node[0], 4);
	for (i = 0; i < CYCLES; i++) {
		load_await(100);
		change(node);
	}
	load_await(100);
	report = load_stop();
	cr_assert_eq(report.refused, 0);
	cr_assert_eq(report.lost, 0, "%s", report.instead);
}

Test(nodes_upgrade, of_the_node_that_has_the_bucket_loses_nothing)
{
	change_under_load(upgrade, 1);
}

Test(nodes_upgrade, of_the_node_that_is_asked_loses_nothing)
{
	change_under_load(upgrade, 0);
}

Test(nodes_upgrade, or_reload_of_the_node_that_is_asked_loses_nothing)
{
	change_under_load(reload, 0);
}

/* One client of each node, which is never idle for long. */
static void
talk_to_all(const int fd[CLUSTER_MAX], int round)
{
	char request[128], reply[64];
	size_t i;

	for (i = 0; i < c.n; i++) {
		snprintf(request, sizeof(request), "PUT milk k %d\r\n"
		    "GET milk k\r\nGET zebras k\r\nGET apples k\r\n",
		    round);
		snprintf(reply, sizeof(reply),
		    "OK\r\n%d\r\nOK\r\n\r\nOK\r\n\r\nOK\r\n", round);
		talk(fd[i], request, reply);
	}
}

/* Who stays is served by the old program, and by its links. */
Test(nodes_upgrade, of_all_is_not_seen_by_clients_that_stay)
{
	int fd[CLUSTER_MAX], round = 0, later;
	size_t i, j;

	talk_once(&c.node[0], "CREATE apples\r\nCREATE milk\r\n"
	    "CREATE zebras\r\n", "OK\r\nOK\r\nOK\r\n");
	for (i = 0; i < c.n; i++) {
		for (j = 0; j < c.n; j++)
			fd[j] = talk_open(&c.node[j]);
		daemon_kill(&c.node[i], SIGUSR2);
		while (talk_master_pid(&c.node[i]) == masters[i])
			talk_to_all(fd, round++);
		for (later = 0; later < 50; later++)
			talk_to_all(fd, round++);
		for (j = 0; j < c.n; j++)
			close(fd[j]);
		cr_assert_eq(daemon_wait(&c.node[i]), 0);
	}
}

/* What a subscriber to "load" hears of one client's counting. */
struct hearing {
	uint64_t	last;
	int		lost, resumed;
};

/* Returns false after the last line. */
static bool
hear(int sub, struct hearing *h)
{
	char line[128], lost[128], resumed[128];
	uint64_t n;

	cr_assert(talk_line(sub, line, sizeof(line)), "no line came");
	snprintf(lost, sizeof(lost), "LOST %s", c.node[1].name);
	snprintf(resumed, sizeof(resumed), "RESUMED %s", c.node[1].name);
	if (strcmp(line, "end SET TO 1") == 0)
		return false;
	if (strcmp(line, lost) == 0) {
		cr_assert_eq(h->lost++, h->resumed);
		return true;
	}
	if (strcmp(line, resumed) == 0) {
		cr_assert_eq(++h->resumed, h->lost);
		return true;
	}
	cr_assert_eq(sscanf(line, "k0 SET TO %" SCNu64, &n), 1, "%s", line);
	cr_assert_eq(h->lost, h->resumed, "in a gap: %s", line);
	/* After a gap it goes on somewhere. */
	cr_assert(h->last == 0 || n == h->last + 1 ||
	    (n > h->last && h->lost > 0), "after %ju: %s", h->last, line);
	h->last = n;
	return true;
}

static void
change_while_heard(void (*change)(size_t))
{
	struct hearing h = { 0 };
	int sub = talk_open(&c.node[0]), i;

	load_start(&c.node[2], 1);
	talk_send(sub, "SUBSCRIBE load\r\n");
	while (h.last == 0)
		hear(sub, &h);
	for (i = 1; i <= CYCLES; i++) {
		load_await(20);
		change(1);
		/* One gap, or two: at first it may meet one that leaves. */
		while (h.resumed < i)
			hear(sub, &h);
	}
	load_await(20);
	cr_assert_eq(load_stop().lost, 0);
	talk_once(&c.node[2], "PUT load end 1\r\n", "OK\r\n");
	while (hear(sub, &h))
		;
	cr_assert_eq(h.resumed, h.lost);
	close(sub);
}

Test(nodes_upgrade, is_a_gap_for_who_follows_a_bucket_from_another_node)
{
	change_while_heard(upgrade);
}

Test(nodes_upgrade, or_reload_is_a_gap_for_who_follows_a_bucket)
{
	change_while_heard(reload);
}

Test(nodes_upgrade, of_another_node_is_nothing_to_who_follows_a_bucket)
{
	int sub = talk_open(&c.node[0]);

	talk_once(&c.node[1], "CREATE milk\r\n", "OK\r\n");
	talk_send(sub, "SUBSCRIBE milk\r\n");
	talk_await_subscribers(&c.node[0], 1);
	upgrade(2);
	reload(2);
	talk_once(&c.node[2], "PUT milk k v\r\n", "OK\r\n");
	talk_expect(sub, "k SET TO v\r\n");
	/* Its own node's is the end of it. */
	upgrade(0);
	talk_expect_end(sub);
	close(sub);
}
