/*
 * HUP: another configuration, in new workers.
 */

#include <sys/socket.h>

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "tests/proc/load.h"
#include "tests/proc/talk.h"

#define CYCLES	50

static struct daemon d;
static char out[4096];

static void
begin(void)
{
	daemon_start(&d);
}

static void
end(void)
{
	daemon_remove(&d);
}

TestSuite(reload, .init = begin, .fini = end, .timeout = 300);

/* How many times, all in all, the log says that a reload is done. */
static int reloads;

static void
reload(const char *conf)
{
	if (conf != NULL)
		daemon_configure(&d, conf);
	cr_assert_eq(daemon_run(&d, FLAGS("-s", "reload"), out, sizeof(out)),
	    EX_OK, "%s", out);
	daemon_await_log(&d, "configuration reloaded", ++reloads);
}

/* Workers in this state, as one of them shows. */
static int
workers(int fd, const char *state)
{
	char line[256];
	int n = 0;

	talk_send(fd, "INFO workers\r\n");
	while (talk_line(fd, line, sizeof(line)) && strcmp(line, "OK") != 0)
		n += strstr(line, "role=worker") != NULL &&
		    strstr(line, state) != NULL;
	return n;
}

static void
await_workers(int serving, int draining)
{
	int fd;
	bool there;

	do {
		fd = talk_open(&d);
		there = workers(fd, "state=serving") == serving &&
		    workers(fd, "state=draining") == draining;
		close(fd);
	} while (!there);
}

Test(reload, takes_new_limits_and_keeps_the_clients)
{
	int fd = talk_open(&d), other;
	char line[64];

	talk(fd, "CREATE b\r\n", "OK\r\n");
	reload("memory 64M\nworkers 2\nlimits { clients 1 }\n");
	/* Its worker has the old limits, and this client still. */
	talk(fd, "COUNT b\r\n", "0\r\nOK\r\n");
	other = talk_open(&d);
	talk_send(other, "BUCKETS\r\n");
	cr_assert(talk_line(other, line, sizeof(line)));
	cr_assert_str_eq(line, "ERROR too many connections");
}

Test(reload, takes_another_number_of_workers)
{
	reload("memory 64M\nworkers 5\n");
	await_workers(5, 0);
	reload("memory 64M\nworkers 1\n");
	await_workers(1, 0);
}

Test(reload, serves_who_is_connected_until_they_have_been_idle)
{
	int fd = talk_open(&d), i, n = 0;

	talk(fd, "CREATE b\r\n", "OK\r\n");
	reload(NULL);
	/* Longer than a client may be idle, but this one is not. */
	for (i = 0; i < 150; i++) {
		usleep(10000);
		talk(fd, "PUT b k v\r\n", "OK\r\n");
		n = workers(fd, "state=draining");
	}
	cr_assert_eq(n, 1, "its worker waits for it");
	talk_expect_end(fd);
	await_workers(2, 0);
}

Test(reload, sends_subscribers_away_at_once)
{
	int sub = talk_open(&d);

	talk(sub, "CREATE b\r\n", "OK\r\n");
	talk_send(sub, "SUBSCRIBE b\r\n");
	reload(NULL);
	talk_expect_end(sub);
}

Test(reload, ends_at_the_limit_for_draining_whatever_clients_do)
{
	int fd;

	reload("memory 64M\nworkers 1\nsupervise { drain 300ms }\n");
	await_workers(1, 0);
	fd = talk_open(&d);
	talk(fd, "CREATE b\r\n", "OK\r\n");
	reload(NULL);
	while (send(fd, "COUNT b\r\n", 9, MSG_NOSIGNAL) == 9)
		usleep(1000);
	daemon_await_log(&d, "does not get done, stopping it", 1);
	await_workers(1, 0);
}

Test(reload, subscriber_of_a_new_worker_hears_what_an_old_one_does)
{
	int old = talk_open(&d), sub;

	talk(old, "CREATE b\r\n", "OK\r\n");
	reload(NULL);
	sub = talk_open(&d);
	talk_send(sub, "SUBSCRIBE b\r\n");
	while (talk_info(old, "clients", "subscribers") != 1)
		;
	talk(old, "PUT b k v\r\n", "OK\r\n");
	talk_expect(sub, "k SET TO v\r\n");
}

Test(reload, leaves_a_client_that_waits_to_the_new_worker)
{
	pid_t old, new;
	int fd;

	reload("memory 64M\nworkers 1\nsupervise { heartbeat 0 }\n");
	await_workers(1, 0);
	fd = talk_open(&d);
	old = talk_pause_worker(fd);
	close(fd);
	reload(NULL);
	fd = talk_open(&d);
	new = talk_pause_worker(fd);
	close(fd);
	/* The old one learns that it is to leave, and of this client. */
	fd = talk_open(&d);
	cr_assert_eq(kill(old, SIGCONT), 0);
	daemon_await_end(old);
	cr_assert_eq(kill(new, SIGCONT), 0);
	talk(fd, "BUCKETS\r\n", "OK\r\n");
}

Test(reload, whose_workers_do_not_come_to_serve_is_given_up)
{
	int fd = talk_open(&d);
	uint64_t pid;

	reload("memory 64M\nworkers 2\nsupervise { start 300ms }\n");
	close(fd);
	await_workers(2, 0);
	fd = talk_open(&d);
	pid = talk_info(fd, "server", "worker_pid");
	daemon_hold(&d);
	daemon_kill(&d, SIGHUP);
	daemon_await_log(&d, "do not all serve within 300 ms", 1);
	daemon_await_log(&d, "its workers stay", 1);
	cr_assert_eq(talk_info(fd, "server", "worker_pid"), pid);
	daemon_release(&d);
	reload("memory 64M\nworkers 2\n");
}

/* Of those that max-restarts allows these are none: the old ones are well. */
Test(reload, whose_worker_dies_at_each_of_six_starts_is_given_up)
{
	pid_t pid, last = 0;
	int fd, kills;

	reload("memory 64M\nworkers 1\nsupervise { max-restarts 3 }\n");
	await_workers(1, 0);
	fd = talk_open(&d);
	daemon_hold(&d);
	daemon_kill(&d, SIGHUP);
	for (kills = 0; kills < 6; kills++) {
		do
			pid = talk_process_pid(fd, "role=worker",
			    "state=starting");
		while (pid == 0 || pid == last);
		cr_assert_eq(kill(pid, SIGKILL), 0);
		last = pid;
	}
	daemon_await_log(&d, "its workers stay", 1);
	daemon_release(&d);
	talk(fd, "BUCKETS\r\n", "OK\r\n");
	reload(NULL);
}

Test(reload, asked_for_during_a_reload_is_done_afterwards)
{
	int i;

	for (i = 0; i < 20; i++)
		daemon_kill(&d, SIGHUP);
	daemon_configure(&d, "memory 64M\nworkers 3\n");
	daemon_kill(&d, SIGHUP);
	await_workers(3, 0);
}

Test(reload, of_a_bad_configuration_keeps_the_old_one)
{
	int fd = talk_open(&d);
	uint64_t before = talk_info(fd, "clients", "clients_max");
	uint64_t pid = talk_info(fd, "server", "worker_pid");

	daemon_configure(&d, "limits { clients 1; }\nnonsense\n");
	daemon_kill(&d, SIGHUP);
	daemon_await_log(&d, "reload failed", 1);
	daemon_await_log(&d, "kvd.conf:2", 1);
	cr_assert_eq(talk_info(fd, "clients", "clients_max"), before);
	cr_assert_eq(talk_info(fd, "server", "worker_pid"), pid);
	reload("memory 32M\nworkers 2\n");
	daemon_await_log(&d, "memory cannot change while kvd runs", 1);
	cr_assert_eq(talk_info(fd, "memory", "memory_bytes"), 64 << 20);
}

Test(reload, one_after_another_under_load_loses_nothing)
{
	struct load_report report;
	int i;

	load_start(&d, 4);
	for (i = 0; i < CYCLES; i++) {
		load_await(50);
		reload(NULL);
	}
	report = load_stop();
	cr_assert_eq(report.refused, 0);
	cr_assert_eq(report.lost, 0, "%s", report.instead);
	cr_log_info("%d reloads, %ju connections, %ju requests", CYCLES,
	    (uintmax_t)report.connections, (uintmax_t)report.requests);
}
