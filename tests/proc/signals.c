/*
 * Signals to the master, and what a restart finds.
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

TestSuite(signals, .init = begin, .fini = end, .timeout = 120);

#define RUN(...) \
	daemon_run(&d, FLAGS(__VA_ARGS__), out, sizeof(out))

static void
expect_stop_by(int signal)
{
	int fd = talk_open(&d);

	talk(fd, "CREATE b\r\n", "OK\r\n");
	daemon_kill(&d, signal);
	cr_assert_eq(daemon_wait(&d), 0);
	talk_expect_end(fd);
}

Test(signals, term_stops_in_order)
{
	expect_stop_by(SIGTERM);
}

Test(signals, int_stops_in_order)
{
	expect_stop_by(SIGINT);
}

Test(signals, worker_that_does_not_stop_is_killed)
{
	pid_t worker;
	int fd;

	daemon_kill(&d, SIGTERM);
	cr_assert_eq(daemon_wait(&d), 0);
	daemon_configure(&d, "workers 1\nsupervise { heartbeat 0 }\n");
	daemon_launch(&d, NULL);
	fd = talk_open(&d);
	worker = (pid_t)talk_info(fd, "server", "worker_pid");
	cr_assert_eq(kill(worker, SIGSTOP), 0);
	daemon_kill(&d, SIGTERM);
	cr_assert_eq(daemon_wait(&d), 0);
	daemon_await_log(&d, "does not stop, killing it", 1);
	close(fd);
}

Test(signals, restart_finds_the_data)
{
	talk_once(&d, "CREATE b\r\nPUT b k v\r\n", "OK\r\nOK\r\n");
	cr_assert_eq(RUN("-s", "stop"), EX_OK);
	cr_assert_eq(daemon_wait(&d), 0);
	daemon_launch(&d, NULL);
	daemon_await_log(&d, "adopted", 1);
	talk_once(&d, "GET b k\r\n", "v\r\nOK\r\n");
}

Test(signals, restart_after_the_master_was_killed_finds_the_data)
{
	int fd = talk_open(&d);

	talk(fd, "CREATE b\r\nPUT b k v\r\n", "OK\r\nOK\r\n");
	daemon_kill(&d, SIGKILL);
	cr_assert_eq(daemon_wait(&d), 1000 + SIGKILL);
	/* No child outlives it. */
	talk_expect_end(fd);
	daemon_launch(&d, NULL);
	talk_once(&d, "GET b k\r\n", "v\r\nOK\r\n");
}

Test(signals, restart_after_the_master_was_killed_outlives_a_stopped_child)
{
	int fd = talk_open(&d);
	pid_t stopped = (pid_t)talk_info(fd, "server", "worker_pid");

	talk(fd, "CREATE b\r\nPUT b k v\r\n", "OK\r\nOK\r\n");
	kill(stopped, SIGSTOP);
	daemon_kill(&d, SIGKILL);
	cr_assert_eq(daemon_wait(&d), 1000 + SIGKILL);
	daemon_launch(&d, NULL);
	daemon_await_log(&d, "has left behind", 1);
	talk_expect_end(fd);
	fd = talk_open(&d);
	talk(fd, "GET b k\r\n", "v\r\nOK\r\n");
	cr_assert_eq(talk_info(fd, "clients", "clients"), 1);
}

Test(signals, restart_with_fewer_workers_counts_only_its_own)
{
	const char *const flags[] = { "-w", "1", NULL };
	int fd[8], i;
	char line[256];

	for (i = 0; i < 8; i++) {
		fd[i] = talk_open(&d);
		talk(fd[i], "CREATE b\r\n", "OK\r\n");
		talk_send(fd[i], "SUBSCRIBE b\r\n");
	}
	daemon_kill(&d, SIGKILL);
	cr_assert_eq(daemon_wait(&d), 1000 + SIGKILL);
	daemon_launch(&d, flags);
	fd[0] = talk_open(&d);
	cr_assert_eq(talk_info(fd[0], "clients", "clients"), 1);
	cr_assert_eq(talk_info(fd[0], "clients", "subscribers"), 0);
	talk_send(fd[0], "INFO workers\r\n");
	for (i = 0; talk_line(fd[0], line, sizeof(line)) &&
	    strcmp(line, "OK") != 0;)
		i += strstr(line, "role=worker") != NULL;
	cr_assert_eq(i, 1);
	talk(fd[0], "PUT b k v\r\n", "OK\r\n");
}

Test(signals, cold_start_discards_the_data)
{
	const char *const flags[] = { "-C", NULL };

	talk_once(&d, "CREATE b\r\n", "OK\r\n");
	daemon_kill(&d, SIGTERM);
	cr_assert_eq(daemon_wait(&d), 0);
	daemon_launch(&d, flags);
	talk_once(&d, "BUCKETS\r\n", "OK\r\n");
}

Test(signals, quit_answers_what_was_sent_and_then_ends)
{
	static char value[200001], request[300000];
	int fd = talk_open(&d), idle = talk_open(&d), sub = talk_open(&d), i;
	char *p = request;

	memset(value, 'v', 200000);
	talk(fd, "CREATE b\r\n", "OK\r\n");
	talk(idle, "PING\r\n", "+PONG\r\n");
	talk_send(sub, "SUBSCRIBE b\r\n");
	while (talk_info(fd, "clients", "subscribers") != 1)
		;
	talk_send(fd, "PUT b k ");
	talk_send(fd, value);
	talk(fd, "\r\n", "OK\r\n");
	for (i = 0; i < 100; i++)
		p += sprintf(p, "GET b k\r\n");
	/* 20 MB of replies: the drain has to wait for us. */
	talk_send(fd, request);
	talk_expect(fd, "v");
	cr_assert_eq(kill(d.pid, SIGQUIT), 0);
	daemon_await_log(&d, "draining", 1);
	talk_expect_end(idle);
	for (i = 0; i < 100; i++) {
		talk_expect(fd, i == 0 ? value + 1 : value);
		talk_expect(fd, "\r\nOK\r\n");
	}
	talk_expect_end(fd);
	cr_assert_eq(daemon_wait(&d), 0);
}

/* The master would not know that it is on its way. */
Test(signals, to_leave_are_not_for_workers_unless_from_the_master)
{
	int fd;
	pid_t pid;

	daemon_kill(&d, SIGTERM);
	cr_assert_eq(daemon_wait(&d), 0);
	daemon_configure(&d, "memory 64M\nworkers 1\n");
	daemon_launch(&d, NULL);
	fd = talk_open(&d);
	pid = (pid_t)talk_info(fd, "server", "worker_pid");
	cr_assert_eq(kill(pid, SIGUSR2), 0);
	cr_assert_eq(kill(pid, SIGQUIT), 0);
	/* Whatever is done meanwhile, two turns later it would be seen. */
	talk_once(&d, "PING\r\n", "+PONG\r\n");
	talk_once(&d, "BUCKETS\r\n", "OK\r\n");
	talk(fd, "BUCKETS\r\n", "OK\r\n");
	cr_assert_eq(talk_info(fd, "server", "worker_pid"), pid);
	daemon_stop(&d);
}

Test(signals, quit_by_s_waits_for_the_end)
{
	siginfo_t info = { 0 };

	cr_assert_eq(RUN("-s", "quit"), EX_OK);
	/* It has ended already, there is nothing to wait for. */
	cr_assert_eq(waitid(P_PID, (id_t)d.pid, &info, WEXITED | WNOHANG |
	    WNOWAIT), 0);
	cr_assert_eq(info.si_pid, d.pid);
	cr_assert_eq(daemon_wait(&d), 0);
}

Test(signals, usr1_reopens_the_log)
{
	char path[128], moved[160], conf[256], line[256];
	FILE *f = NULL;
	bool found = false;

	daemon_kill(&d, SIGTERM);
	cr_assert_eq(daemon_wait(&d), 0);
	snprintf(path, sizeof(path), "%s/kvd.log", d.dir);
	snprintf(moved, sizeof(moved), "%s.1", path);
	snprintf(conf, sizeof(conf), "memory 64M\nworkers 1\n"
	    "listen 127.0.0.1:%u\nlog { to \"%s\" }\n", daemon_free_port(),
	    path);
	daemon_configure(&d, conf);
	cr_assert_eq(RUN("-w", "1"), EX_OK, "%s", out);
	cr_assert_eq(rename(path, moved), 0);
	cr_assert_eq(RUN("-s", "reopen"), EX_OK);
	while ((f = fopen(path, "r")) == NULL)
		usleep(2000);
	while (!found) {
		while (fgets(line, sizeof(line), f) != NULL)
			found |= strstr(line, "log reopened") != NULL;
		clearerr(f);
	}
	fclose(f);
	cr_assert_eq(RUN("-s", "stop"), EX_OK);
	cr_assert_not_null(f = fopen(path, "r"));
	for (found = false; fgets(line, sizeof(line), f) != NULL;)
		found |= strstr(line, "stopped") != NULL;
	fclose(f);
	cr_assert(found, "the end is not in the new log");
}
