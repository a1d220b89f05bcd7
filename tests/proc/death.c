/*
 * Processes that are killed: what the others, the clients and the data
 * notice of it.
 */

#include <sys/wait.h>

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "tests/proc/talk.h"

static struct daemon d;

TestSuite(death, .timeout = 180);

static pid_t
worker_pid(int fd)
{
	return (pid_t)talk_info(fd, "server", "worker_pid");
}

Test(death, killed_worker_loses_no_data_and_another_serves)
{
	int fd, i, n;
	char request[64], reply[64];
	pid_t pid;

	daemon_prepare(&d, "memory 64M\nworkers 1\n");
	daemon_launch(&d, NULL);
	talk_once(&d, "CREATE b\r\n", "OK\r\n");
	for (n = 0; n < 10; n++) {
		fd = talk_open(&d);
		pid = worker_pid(fd);
		for (i = 0; i < 20; i++) {
			snprintf(request, sizeof(request),
			    "PUT b k%d-%d v%d\r\n", n, i, i);
			talk(fd, request, "OK\r\n");
		}
		cr_assert_eq(kill(pid, SIGKILL), 0);
		talk_expect_end(fd);
		close(fd);
	}
	fd = talk_open(&d);
	for (i = 0; i < 200; i++) {
		snprintf(request, sizeof(request), "GET b k%d-%d\r\n",
		    i / 20, i % 20);
		snprintf(reply, sizeof(reply), "v%d\r\nOK\r\n", i % 20);
		talk(fd, request, reply);
	}
	daemon_await_log(&d, "was killed by signal 9", 10);
	close(fd);
	daemon_stop(&d);
}

/*
 * Kills happen while requests are on their way, wherever they are: what was
 * acknowledged is there, and what is there was sent.
 */
Test(death, worker_killed_in_traffic_leaves_old_or_new_values)
{
	enum { ROUNDS = 8, SENT = 50 };
	int fd, other, round, i, last = 0, value;
	char line[64], request[64];

	daemon_start(&d);
	other = talk_open_worker(&d, 1);
	talk(other, "CREATE b\r\nPUT b k 0\r\n", "OK\r\nOK\r\n");
	for (round = 0; round < ROUNDS; round++) {
		fd = talk_open_worker(&d, 0);
		for (i = 1; i <= SENT; i++) {
			snprintf(request, sizeof(request), "PUT b k %d\r\n",
			    last + i);
			talk_send(fd, request);
		}
		talk_expect(fd, "OK\r\n");
		kill(talk_process_pid(other, "process_1:", ""), SIGKILL);
		for (i = 1; talk_line(fd, line, sizeof(line)); i++)
			cr_assert_str_eq(line, "OK");
		close(fd);
		talk_send(other, "GET b k\r\n");
		cr_assert(talk_line(other, line, sizeof(line)));
		talk_expect(other, "OK\r\n");
		value = atoi(line);
		cr_assert_geq(value, last + i);
		cr_assert_leq(value, last + SENT);
		last = value;
	}
	close(other);
	daemon_stop(&d);
}

Test(death, queued_connections_are_answered_by_the_next_worker)
{
	enum { QUEUED = 50 };
	int first, fd[QUEUED], i;
	pid_t pid;

	daemon_prepare(&d, "memory 64M\nworkers 1\n");
	daemon_launch(&d, NULL);
	first = talk_open(&d);
	pid = worker_pid(first);
	talk(first, "CREATE b\r\n", "OK\r\n");
	cr_assert_eq(kill(pid, SIGSTOP), 0);
	for (i = 0; i < QUEUED; i++) {
		fd[i] = talk_open(&d);
		talk_send(fd[i], "COUNT b\r\n");
	}
	cr_assert_eq(kill(pid, SIGKILL), 0);
	for (i = 0; i < QUEUED; i++)
		talk_expect(fd[i], "0\r\nOK\r\n");
	talk_expect_end(first);
	daemon_stop(&d);
}

Test(death, subscriber_hears_what_a_worker_did_before_it_was_killed)
{
	int writer, subscriber, i;
	char request[64], reply[64];

	daemon_start(&d);
	subscriber = talk_open_worker(&d, 1);
	talk(subscriber, "CREATE b\r\n", "OK\r\n");
	talk_send(subscriber, "SUBSCRIBE b\r\n");
	for (i = 0; i < 6; i++) {
		writer = talk_open_worker(&d, 0);
		while (talk_info(writer, "clients", "subscribers") != 1)
			;
		snprintf(request, sizeof(request), "PUT b k %d\r\n", i);
		talk(writer, request, "OK\r\n");
		kill(worker_pid(writer), SIGKILL);
		talk_expect_end(writer);
		close(writer);
		snprintf(reply, sizeof(reply), "k SET TO %d\r\n", i);
		talk_expect(subscriber, reply);
	}
	daemon_stop(&d);
}

Test(death, killed_cleaner_is_replaced)
{
	int fd;
	pid_t pid, now;

	daemon_start(&d);
	fd = talk_open(&d);
	cr_assert_gt(pid = talk_process_pid(fd, "role=cleaner", ""), 0);
	cr_assert_eq(kill(pid, SIGKILL), 0);
	do
		now = talk_process_pid(fd, "role=cleaner", "");
	while (now == 0 || now == pid);
	talk(fd, "CREATE b\r\nPUT b k v\r\n", "OK\r\nOK\r\n");
	close(fd);
	daemon_stop(&d);
}

Test(death, gauges_of_the_dead_do_not_count)
{
	int a, b;

	daemon_start(&d);
	a = talk_open_worker(&d, 0);
	b = talk_open_worker(&d, 1);
	while (talk_info(b, "clients", "clients") != 2)
		;
	kill(worker_pid(a), SIGKILL);
	talk_expect_end(a);
	while (talk_info(b, "clients", "clients") != 1)
		;
	daemon_stop(&d);
}

/* They hold on to the sockets, too, and one of them never lets go. */
Test(death, next_master_listens_where_children_of_the_dead_one_still_do)
{
	char conf[256], path[96], out[1024];
	pid_t master, orphan;
	int fd;

	daemon_prepare(&d, NULL);
	snprintf(path, sizeof(path), "%s/socket", d.dir);
	snprintf(conf, sizeof(conf), "memory 64M\nworkers 2\n"
	    "listen \"%s\"\nlog { to \"%s\"; }\n", path, d.log);
	daemon_configure(&d, conf);
	cr_assert_eq(daemon_run(&d, NULL, out, sizeof(out)), 0, "%s", out);
	fd = talk_open_path(path);
	talk(fd, "CREATE b\r\nPUT b k v\r\n", "OK\r\nOK\r\n");
	master = (pid_t)talk_info(fd, "server", "master_pid");
	orphan = talk_pause_worker(fd);
	cr_assert_eq(kill(master, SIGKILL), 0);
	daemon_await_end(master);
	cr_assert_eq(daemon_run(&d, NULL, out, sizeof(out)), 0, "%s", out);
	talk_expect_end(fd);
	close(fd);
	daemon_await_end(orphan);
	fd = talk_open_path(path);
	talk(fd, "GET b k\r\n", "v\r\nOK\r\n");
	close(fd);
	cr_assert_eq(daemon_run(&d, FLAGS("-s", "stop"), out, sizeof(out)),
	    0, "%s", out);
	daemon_remove(&d);
}

static bool
is_worker(int pid)
{
	char path[64], title[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	if ((f = fopen(path, "r")) == NULL)
		return false;
	title[fread(title, 1, sizeof(title) - 1, f)] = '\0';
	fclose(f);
	return strstr(title, "worker") != NULL;
}

/* Kill every worker there is just now; a sanitizer's helper is none. */
static void
kill_workers(void)
{
	char path[64];
	FILE *f;
	int pid;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)d.pid,
	    (int)d.pid);
	if ((f = fopen(path, "r")) == NULL)
		return;
	while (fscanf(f, "%d", &pid) == 1)
		if (is_worker(pid))
			kill(pid, SIGKILL);
	fclose(f);
}

Test(death, too_many_deaths_end_the_daemon_with_70)
{
	siginfo_t info = { 0 };

	/* Every slot waits longer after each death, so it takes many. */
	daemon_prepare(&d, "memory 64M\nworkers 64\n");
	daemon_launch(&d, NULL);
	while (waitid(P_PID, (id_t)d.pid, &info, WEXITED | WNOHANG |
	    WNOWAIT) == 0 && info.si_pid == 0)
		kill_workers();
	cr_assert_eq(daemon_wait(&d), EX_SOFTWARE);
	daemon_await_log(&d, "too many children died", 1);
	daemon_remove(&d);
}
