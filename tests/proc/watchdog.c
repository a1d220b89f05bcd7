/*
 * Processes that stand still: they are killed and replaced, and nobody else.
 */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/talk.h"

static struct daemon d;

static void
end(void)
{
	daemon_remove(&d);
}

TestSuite(watchdog, .fini = end, .timeout = 120);

static void
launch(const char *conf)
{
	daemon_prepare(&d, conf);
	daemon_launch(&d, NULL);
}

Test(watchdog, kills_and_replaces_a_worker_that_was_stopped)
{
	int fd, stopped;
	pid_t pid;

	launch("memory 64M\nworkers 2\nsupervise { heartbeat 500ms }\n");
	stopped = talk_open_worker(&d, 0);
	fd = talk_open_worker(&d, 1);
	pid = talk_pause_worker(stopped);
	daemon_await_log(&d, "worker 0 (pid", 1);
	daemon_await_log(&d, "stands still, killing it", 1);
	talk_expect_end(stopped);
	talk(fd, "CREATE b\r\n", "OK\r\n");
	close(fd);
	fd = talk_open_worker(&d, 0);
	cr_assert_neq((pid_t)talk_info(fd, "server", "worker_pid"), pid);
	cr_assert_eq(talk_info(fd, "server", "worker"), 0);
}

Test(watchdog, kills_and_replaces_a_cleaner_that_was_stopped)
{
	pid_t before, now;
	int fd;

	launch("memory 64M\nworkers 1\nsupervise { heartbeat 500ms }\n");
	fd = talk_open(&d);
	cr_assert_gt(before = talk_process_pid(fd, "role=cleaner", ""), 0);
	kill(before, SIGSTOP);
	do {
		now = talk_process_pid(fd, "role=cleaner", "");
		usleep(10000);
	} while (now == before || now == 0);
	daemon_await_log(&d, "cleaner (pid", 1);
}

Test(watchdog, is_off_when_so_configured)
{
	int fd, stopped;
	pid_t pid;

	launch("memory 64M\nworkers 2\nsupervise { heartbeat 0 }\n");
	stopped = talk_open_worker(&d, 0);
	fd = talk_open_worker(&d, 1);
	pid = talk_pause_worker(stopped);
	/* Longer than any that is configured elsewhere in these tests. */
	sleep(3);
	talk_send(stopped, "PING\r\n");
	talk_expect_silence(stopped);
	kill(pid, SIGCONT);
	talk_expect(stopped, "PONG\r\n");
	close(fd);
}

Test(watchdog, spares_those_who_wait_for_a_lock_that_a_stopped_one_has)
{
	char line[128];
	int fd, holder;
	pid_t waiter, pid;

	launch("memory 64M\nworkers 2\nsupervise { heartbeat 500ms }\n");
	holder = talk_open_worker(&d, 0);
	fd = talk_open_worker(&d, 1);
	waiter = (pid_t)talk_info(fd, "server", "worker_pid");
	pid = (pid_t)talk_info(holder, "server", "worker_pid");
	talk(fd, "CREATE b\r\n", "OK\r\n");
	talk_send(holder, "DEBUG STOP locked b\r\n");
	talk_await_stop(pid);
	talk(fd, "PUT b k v\r\n", "OK\r\n");
	cr_assert(!talk_line(holder, line, sizeof(line)));
	cr_assert_eq((pid_t)talk_info(fd, "server", "worker_pid"), waiter);
	daemon_await_log(&d, "stands still, killing it", 1);
}

Test(watchdog, kills_a_worker_that_loops_with_a_lock)
{
	char line[128];
	int fd, holder;
	pid_t waiter;

	launch("memory 64M\nworkers 2\nsupervise { heartbeat 500ms }\n");
	holder = talk_open_worker(&d, 0);
	fd = talk_open_worker(&d, 1);
	waiter = (pid_t)talk_info(fd, "server", "worker_pid");
	talk(fd, "CREATE b\r\n", "OK\r\n");
	talk_send(holder, "DEBUG HANG locked b\r\n");
	talk(fd, "PUT b k v\r\n", "OK\r\n");
	cr_assert(!talk_line(holder, line, sizeof(line)));
	cr_assert_eq((pid_t)talk_info(fd, "server", "worker_pid"), waiter);
}

Test(watchdog, blames_the_request_of_a_worker_that_hung_twice)
{
	char line[128];
	int fd, i;

	launch("memory 64M\nworkers 2\nsupervise { heartbeat 500ms }\n");
	for (i = 0; i < 2; i++) {
		fd = talk_open(&d);
		talk_send(fd, "DEBUG HANG\r\n");
		cr_assert(!talk_line(fd, line, sizeof(line)));
		close(fd);
	}
	talk_once(&d, "DEBUG HANG\r\n",
	    "ERROR refused: this request crashed a worker\r\n");
}

Test(watchdog, blames_no_request_of_a_worker_that_was_stopped)
{
	char line[128];
	int fd, i;

	launch("memory 64M\nworkers 2\nsupervise { heartbeat 500ms }\n");
	for (i = 0; i < 2; i++) {
		fd = talk_open(&d);
		talk_send(fd, "DEBUG STOP\r\n");
		cr_assert(!talk_line(fd, line, sizeof(line)));
		close(fd);
	}
	fd = talk_open(&d);
	talk_send(fd, "DEBUG STOP\r\n");
	cr_assert(!talk_line(fd, line, sizeof(line)), "it is not refused");
}

/*
 * Each of them may do a thousand requests before it is another's turn, and
 * all of these together take seconds.
 */
Test(watchdog, worker_with_hundreds_of_pipelines_is_not_taken_for_hung)
{
	enum { CLIENTS = 300, REQUESTS = 2048 };
	static char requests[REQUESTS * 9 + 1], replies[REQUESTS * 6 + 1];
	int fd[CLIENTS], i;
	uint64_t pid;

	for (i = 0; i < REQUESTS; i++) {
		memcpy(requests + (ptrdiff_t)i * 9, "GET b k\r\n", 9);
		memcpy(replies + (ptrdiff_t)i * 6, "\r\nOK\r\n", 6);
	}
	launch("memory 64M\nworkers 1\nsupervise { heartbeat 500ms }\n");
	talk_once(&d, "CREATE b\r\n", "OK\r\n");
	for (i = 0; i < CLIENTS; i++)
		fd[i] = talk_open(&d);
	pid = talk_info(fd[0], "server", "worker_pid");
	for (i = 0; i < CLIENTS; i++)
		talk_send(fd[i], requests);
	for (i = 0; i < CLIENTS; i++)
		talk_expect(fd[i], replies);
	cr_assert_eq(talk_info(fd[0], "server", "worker_pid"), pid);
}
