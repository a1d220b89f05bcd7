/*
 * Nodes and their table: what the command line answers to a bad one, with
 * which exit status, and what a reload takes.
 */

#include <sys/socket.h>
#include <sys/stat.h>

#include <netinet/in.h>

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "tests/proc/talk.h"

static struct daemon d;
static char out[8192];
static unsigned port;		/* of this instance's address in the table */

static void
begin(void)
{
	daemon_prepare(&d, NULL);
	port = daemon_free_port();
	setenv("HOME", d.dir, 1);
}

static void
end(void)
{
	daemon_remove(&d);
}

TestSuite(table, .init = begin, .fini = end, .timeout = 120);

static void
make_cookie(mode_t mode)
{
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), "%s/.kvd.cookie", d.dir);
	f = fopen(path, "w");
	cr_assert_not_null(f);
	fputs("sesame\n", f);
	fclose(f);
	cr_assert_eq(chmod(path, mode), 0);
}

/* This instance is called "me" in what is said of it. */
static void
configure(const char *rest)
{
	char conf[1024];

	snprintf(conf, sizeof(conf), "memory 64M\nworkers 2\n"
	    "me = %s\nnode $me { address 127.0.0.1:%u }\n"
	    "node other { address 127.0.0.2:%u }\n%s", d.name, port, port,
	    rest);
	daemon_configure(&d, conf);
}

/* By -n and by a start alike, in one line. */
static void
must_be_refused(int status, const char *why)
{
	static const char *const flags[] = { "-n", "-f", NULL };
	int i;

	for (i = 0; flags[i] != NULL; i++) {
		cr_assert_eq(RUN(flags[i]), status, "%s", out);
		cr_assert_not_null(strstr(out, why), "no \"%s\" in: %s", why,
		    out);
		cr_assert_eq(strncmp(out, "kvd: ", 5), 0, "%s", out);
		cr_assert_eq(strchr(out, '\n'), out + strlen(out) - 1, "%s",
		    out);
	}
}

Test(table, bad_lines_about_nodes_are_status_78)
{
	make_cookie(0600);
	configure("slots 0-8191 $me\n");
	must_be_refused(EX_CONFIG,
	    "kvd.conf:6: no node owns slots 8192-16383");
	configure("slots 0-8191 nobody\n");
	must_be_refused(EX_CONFIG, "kvd.conf:6: no node \"nobody\"");
	configure("shards 64\nslots 0-1039 $me\nslots 1040-16383 other\n");
	must_be_refused(EX_CONFIG, "kvd.conf:8: the border before slot 1040");
	configure("node other { address 127.0.0.1:9 }\n");
	must_be_refused(EX_CONFIG, "kvd.conf:6: node \"other\": there is");
	daemon_configure(&d, "node other { address 127.0.0.1:9 }\n");
	must_be_refused(EX_CONFIG, "kvd.conf:1: no node has the name");
}

Test(table, malformed_NODES_are_status_64)
{
	setenv("NODES", "foo@127.0.0.1:1,bar", 1);
	must_be_refused(EX_USAGE, "NODES: entry 2, \"bar\": ");
	setenv("NODES", "foo@127.0.0.1:1,bar@127.0.0.1:2", 1);
	must_be_refused(EX_CONFIG, "NODES: no node has the name of this "
	    "instance");
	unsetenv("NODES");
}

Test(table, a_cookie_is_asked_for_where_there_are_two_nodes)
{
	configure("");
	must_be_refused(EX_CONFIG, "/.kvd.cookie: No such file or directory; "
	    "nodes know each other by a cookie: make one with ");
	make_cookie(0644);
	must_be_refused(EX_CONFIG, "/.kvd.cookie: has mode 0644");
	make_cookie(0600);
	cr_assert_eq(RUN("-n"), EX_OK, "%s", out);
}

Test(table, whoever_prints_or_signals_needs_no_cookie)
{
	configure("");
	cr_assert_eq(RUN("-T"), EX_OK, "%s", out);
	cr_assert_not_null(strstr(out, "\nroute even\n"), "%s", out);
	cr_assert_eq(RUN("-s", "reload"), EX_UNAVAILABLE, "%s", out);
}

Test(table, a_node_serves_and_reloads_its_table)
{
	make_cookie(0600);
	configure("");
	daemon_launch(&d, NULL);
	talk_once(&d, "CREATE b\r\n", "OK\r\n");
	configure("table 2\nbuckets a-m $me\nbuckets other other\n");
	cr_assert_eq(RUN("-s", "reload"), EX_OK, "%s", out);
	daemon_await_log(&d, "configuration reloaded", 1);
	talk_once(&d, "COUNT b\r\n", "0\r\nOK\r\n");
	daemon_stop(&d);
}

Test(table, a_reload_that_does_not_fit_leaves_the_old_table)
{
	make_cookie(0600);
	configure("");
	daemon_launch(&d, NULL);
	/* The name stays, so it is not in that list. */
	daemon_configure(&d, "name a\nnode a { address 127.0.0.1:1 }\n");
	daemon_kill(&d, SIGHUP);
	daemon_await_log(&d, "no node has the name of this instance", 1);
	daemon_await_log(&d, "the old configuration stays", 1);
	configure("slots 0-1039 $me\nslots 1040-16383 other\n");
	daemon_kill(&d, SIGHUP);
	daemon_await_log(&d, "they take \"shards 1024\" and a cold start", 1);
	daemon_await_log(&d, "the old configuration stays", 2);
	make_cookie(0640);
	configure("table 2\n");
	daemon_kill(&d, SIGHUP);
	daemon_await_log(&d, "has mode 0640", 1);
	daemon_await_log(&d, "the old configuration stays", 3);
	make_cookie(0600);
	daemon_kill(&d, SIGHUP);
	daemon_await_log(&d, "configuration reloaded", 1);
	daemon_stop(&d);
}

/* The socket where the other nodes find it is opened once. */
Test(table, a_reload_that_moves_the_address_for_peers_is_refused)
{
	char conf[512], why[256];

	make_cookie(0600);
	configure("");
	daemon_launch(&d, NULL);
	snprintf(conf, sizeof(conf), "memory 64M\nme = %s\n"
	    "node $me { address 127.0.0.1:%u; peer 127.0.0.1:1 }\n"
	    "node other { address 127.0.0.2:%u }\n", d.name, port, port);
	daemon_configure(&d, conf);
	daemon_kill(&d, SIGHUP);
	snprintf(why, sizeof(why), "node %s: its address for peers cannot "
	    "change while kvd runs, from 127.0.0.1:", d.name);
	daemon_await_log(&d, why, 1);
	daemon_await_log(&d, " to 127.0.0.1:1; restart to change it", 1);
	daemon_await_log(&d, "the old configuration stays", 1);
	cr_assert_eq(RUN("-s", "upgrade"), EX_TEMPFAIL, "%s", out);
	daemon_configure(&d, "memory 64M\n");
	daemon_kill(&d, SIGHUP);
	daemon_await_log(&d, "it would be alone; restart", 1);
	daemon_await_log(&d, "the old configuration stays", 2);
	daemon_stop(&d);
}

Test(table, a_reload_that_gives_it_other_nodes_is_refused)
{
	make_cookie(0600);
	daemon_launch(&d, NULL);
	configure("");
	daemon_kill(&d, SIGHUP);
	daemon_await_log(&d, "from none, for it is alone, to 127.0.0.1:", 1);
	daemon_await_log(&d, "the old configuration stays", 1);
	daemon_kill(&d, SIGTERM);
	cr_assert_eq(daemon_wait(&d), 0);
	daemon_launch(&d, NULL);
	talk_once(&d, "CREATE b\r\n", "OK\r\n");
	daemon_stop(&d);
}

static unsigned
listen_somewhere(int *fd)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	socklen_t len = sizeof(sin);

	cr_assert_neq(*fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
	    -1);
	cr_assert_eq(bind(*fd, (struct sockaddr *)&sin, len), 0);
	cr_assert_eq(listen(*fd, 1), 0);
	cr_assert_eq(getsockname(*fd, (struct sockaddr *)&sin, &len), 0);
	return ntohs(sin.sin_port);
}

Test(table, an_address_for_peers_that_is_taken_is_not_blamed_on_the_other_one)
{
	char conf[512], where[32], peer[32];
	int fd;

	snprintf(where, sizeof(where), "127.0.0.1:%u", port);
	snprintf(peer, sizeof(peer), "127.0.0.1:%u", listen_somewhere(&fd));
	make_cookie(0600);
	snprintf(conf, sizeof(conf), "memory 64M\nme = %s\n"
	    "node $me { address %s; peer %s }\n"
	    "node other { address 127.0.0.2:%u }\n", d.name, where, peer,
	    port);
	daemon_configure(&d, conf);
	cr_assert_eq(RUN("-f", "-l", where), EX_UNAVAILABLE, "%s", out);
	cr_assert_not_null(strstr(out, peer), "%s", out);
	cr_assert_not_null(strstr(out, "for peers"), "%s", out);
	close(fd);
}

Test(table, slots_that_do_not_fit_the_data_are_found_at_the_start)
{
	const char *const cold[] = { "-C", NULL };
	char where[32];

	snprintf(where, sizeof(where), "127.0.0.1:%u", daemon_free_port());
	make_cookie(0600);
	configure("slots 0-1039 $me\nslots 1040-16383 other\n");
	cr_assert_eq(RUN("-n"), EX_OK, "%s", out);
	cr_assert_eq(RUN("-f", "-l", where), EX_CONFIG, "%s", out);
	cr_assert_not_null(strstr(out, "they take \"shards 1024\" and a cold "
	    "start"), "%s", out);
	configure("slots 0-1039 $me\nslots 1040-16383 other\nshards 1024\n");
	daemon_launch(&d, cold);
	daemon_stop(&d);
}

Test(table, an_upgrade_goes_on_with_the_nodes)
{
	make_cookie(0600);
	configure("buckets a-m $me\nbuckets other other\n");
	daemon_launch(&d, NULL);
	cr_assert_eq(RUN("-s", "upgrade"), EX_OK, "%s", out);
	talk_once(&d, "CREATE b\r\n", "OK\r\n");
	cr_assert_eq(RUN("-s", "stop"), EX_OK, "%s", out);
}
