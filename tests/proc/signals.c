/*
 * Signals to the master, and what a restart finds.
 */

#include <sys/socket.h>
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

/* Another configuration; a client of its only worker. */
static int
restart_with(const char *conf)
{
	daemon_kill(&d, SIGTERM);
	cr_assert_eq(daemon_wait(&d), 0);
	daemon_configure(&d, conf);
	daemon_launch(&d, NULL);
	return talk_open(&d);
}

/* The number of the first line in the log with this text. */
static int
line_of(const char *text)
{
	char line[512];
	FILE *f = fopen(d.log, "r");
	int n = 0;

	cr_assert_not_null(f);
	do {
		n++;
		cr_assert_not_null(fgets(line, sizeof(line), f), "%s", text);
	} while (strstr(line, text) == NULL);
	fclose(f);
	return n;
}

Test(signals, worker_that_does_not_stop_is_killed_and_then_the_cleaner_ends)
{
	int fd = restart_with("workers 1\nsupervise { heartbeat 0 }\n");

	talk_pause_worker(fd);
	daemon_kill(&d, SIGTERM);
	cr_assert_eq(daemon_wait(&d), 0);
	cr_assert_lt(line_of("worker 0 (pid "), line_of("cleaner (pid "));
	cr_assert_eq(daemon_count_log(&d, "does not stop, killing it"), 1);
}

Test(signals, cleaner_that_does_not_stop_is_killed)
{
	int fd = restart_with("workers 1\nsupervise { heartbeat 0 }\n");
	pid_t cleaner = talk_process_pid(fd, "role=cleaner", "");

	cr_assert_eq(kill(cleaner, SIGSTOP), 0);
	talk_await_stop(cleaner);
	daemon_kill(&d, SIGTERM);
	cr_assert_eq(daemon_wait(&d), 0);
	cr_assert_eq(daemon_count_log(&d, "does not stop, killing it"), 1);
}

/* A request that stops its worker in the middle; its pid. */
static pid_t
stop_in_a_request(int fd)
{
	pid_t pid = (pid_t)talk_info(fd, "server", "worker_pid");

	talk_send(fd, "DEBUG STOP\r\n");
	talk_await_stop(pid);
	return pid;
}

Test(signals, term_ends_a_worker_after_the_request_in_hand)
{
	int fd = restart_with("workers 1\nsupervise { heartbeat 0 }\n");
	pid_t pid = stop_in_a_request(fd);

	daemon_kill(&d, SIGTERM);
	daemon_await_log(&d, "stopping", 1);
	cr_assert_eq(kill(pid, SIGCONT), 0);
	talk_expect(fd, "OK\r\n");
	talk_expect_end(fd);
	cr_assert_eq(daemon_wait(&d), 0);
}

Test(signals, death_of_the_master_ends_a_worker_after_the_request_in_hand)
{
	int fd = restart_with("workers 1\nsupervise { heartbeat 0 }\n");
	pid_t pid = stop_in_a_request(fd);

	daemon_kill(&d, SIGKILL);
	cr_assert_eq(daemon_wait(&d), 1000 + SIGKILL);
	cr_assert_eq(kill(pid, SIGCONT), 0);
	talk_expect(fd, "OK\r\n");
	talk_expect_end(fd);
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

/*
 * A client that keeps asking keeps its worker, but not for ever: the master
 * does not know that this one is on its way.
 */
static void
must_be_replaced_after(int signal)
{
	int fd = restart_with("memory 64M\nworkers 1\n"
	    "supervise { drain 300ms }\n");
	pid_t pid;

	pid = (pid_t)talk_info(fd, "server", "worker_pid");
	cr_assert_eq(kill(pid, signal), 0);
	while (send(fd, "COUNT b\r\n", 9, MSG_NOSIGNAL) == 9)
		usleep(1000);
	daemon_await_end(pid);
	talk_once(&d, "BUCKETS\r\n", "OK\r\n");
	daemon_stop(&d);
}

Test(signals, to_retire_from_anybody_end_a_worker_in_its_time)
{
	must_be_replaced_after(SIGUSR2);
}

Test(signals, to_drain_from_anybody_end_a_worker_in_its_time)
{
	must_be_replaced_after(SIGQUIT);
}

/* A signal that is pending swallows the next of its kind. */
Test(signals, to_drain_from_two_at_once_is_heard)
{
	int fd = restart_with("workers 1\nsupervise { heartbeat 0 }\n");
	pid_t pid = talk_pause_worker(fd);

	cr_assert_eq(kill(pid, SIGQUIT), 0);
	daemon_kill(&d, SIGQUIT);
	daemon_await_log(&d, "draining", 1);
	cr_assert_eq(kill(pid, SIGCONT), 0);
	cr_assert_eq(daemon_wait(&d), 0);
	cr_assert_eq(daemon_count_log(&d, "does not get done"), 0);
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
