/*
 * A pipelined batch costs a worker one read, one write and one wait, and
 * nothing else that the kernel does.  All its system calls are counted, by
 * tracing it, while a child of the test talks to it.
 */

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

#define WARM_UP		20U	/* batches */
#define BATCHES		50U
#define REQUESTS	16U	/* of each */
#define TICK_MS		100U	/* a worker's, each of which is a wait */

static struct daemon d;
static pid_t worker, client;

struct counts {
	unsigned	reads, writes, waits, others;
	uint64_t	last_other;
};

static void
begin(void)
{
	int fd;

	daemon_prepare(&d, "memory 64M\nworkers 1\n"
	    "supervise { heartbeat 0 }\n");
	daemon_launch(&d, NULL);
	fd = talk_open(&d);
	talk(fd, "CREATE b\r\nPUT b k 1\r\n", "OK\r\nOK\r\n");
	worker = (pid_t)talk_info(fd, "server", "worker_pid");
	close(fd);
}

static void
end(void)
{
	daemon_stop(&d);
}

TestSuite(batch_calls, .init = begin, .fini = end, .timeout = 120);

struct exchange {
	const char	*request;
	const char	*reply;
};

static const struct exchange gets = { "GET b k\r\n", "1\r\nOK\r\n" };
static const struct exchange puts_of_text = { "PUT b k 1\r\n", "OK\r\n" };
static const struct exchange hgets = {
	"*3\r\n$4\r\nHGET\r\n$1\r\nb\r\n$1\r\nk\r\n", "$1\r\n1\r\n"
};
static const struct exchange hsets = {
	"*4\r\n$4\r\nHSET\r\n$1\r\nb\r\n$1\r\nk\r\n$1\r\n1\r\n", ":0\r\n"
};

static void
talk_batches(int fd, const struct exchange *e, unsigned n)
{
	char requests[1024] = "", replies[1024] = "";
	unsigned i;

	for (i = 0; i < REQUESTS; i++) {
		strcat(requests, e->request);
		strcat(replies, e->reply);
	}
	while (n-- > 0)
		talk(fd, requests, replies);
}

/* It waits to be told to go on, and stops when it is done. */
static void
start_client(const struct exchange *e, int ready[2], int go[2])
{
	char byte = 0;
	int fd;

	cr_assert_eq(pipe(ready), 0);
	cr_assert_eq(pipe(go), 0);
	if ((client = fork()) != 0)
		return;
	fd = e->request[0] == '*' ? redis_open(&d) : talk_open(&d);
	talk_batches(fd, e, WARM_UP);
	(void)!write(ready[1], &byte, 1);
	(void)!read(go[0], &byte, 1);
	talk_batches(fd, e, BATCHES);
	raise(SIGSTOP);
	_exit(0);
}

static void
trace(void)
{
	int status;

	cr_assert_eq(ptrace(PTRACE_SEIZE, worker, NULL,
	    PTRACE_O_TRACESYSGOOD), 0);
	cr_assert_eq(ptrace(PTRACE_INTERRUPT, worker, NULL, NULL), 0);
	cr_assert_eq(waitpid(worker, &status, __WALL), worker);
	cr_assert(WIFSTOPPED(status));
}

static void
count_call(struct counts *counts)
{
	struct __ptrace_syscall_info info;

	cr_assert_gt(ptrace(PTRACE_GET_SYSCALL_INFO, worker, sizeof(info),
	    &info), 0);
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	switch (info.entry.nr) {
	case SYS_recvfrom:
		counts->reads++;
		break;
	case SYS_sendto:
		counts->writes++;
		break;
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
#endif
	case SYS_epoll_pwait:
		counts->waits++;
		break;
	default:
		counts->others++;
		counts->last_other = info.entry.nr;
		break;
	}
}

/* Until the client stops, before it hangs up. */
static void
count(struct counts *counts)
{
	pid_t pid;
	int status;

	do {
		cr_assert_eq(ptrace(PTRACE_SYSCALL, worker, NULL, NULL), 0);
		pid = waitpid(-1, &status, __WALL | WUNTRACED);
		if (pid == worker && WIFSTOPPED(status) &&
		    WSTOPSIG(status) == (SIGTRAP | 0x80))
			count_call(counts);
	} while (pid != client);
	cr_assert(WIFSTOPPED(status));
	cr_assert_eq(ptrace(PTRACE_INTERRUPT, worker, NULL, NULL), 0);
	cr_assert_eq(waitpid(worker, &status, __WALL), worker);
	cr_assert_eq(ptrace(PTRACE_DETACH, worker, NULL, NULL), 0);
	kill(client, SIGKILL);
}

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void
check(const struct exchange *e)
{
	struct counts counts = { 0 };
	int ready[2], go[2];
	uint64_t began_ms;
	char byte = 0;

	start_client(e, ready, go);
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	trace();
	began_ms = now_ms();
	cr_assert_eq(write(go[1], &byte, 1), 1);
	count(&counts);
	cr_assert_eq(counts.others, 0, "call %ju",
	    (uintmax_t)counts.last_other);
	cr_assert_eq(counts.reads, BATCHES);
	cr_assert_eq(counts.writes, BATCHES);
	cr_assert_leq(counts.waits, BATCHES + 3 +
	    (now_ms() - began_ms) / TICK_MS);
}

Test(batch_calls, are_a_read_a_write_and_a_wait_for_reads_of_text)
{
	check(&gets);
}

Test(batch_calls, are_a_read_a_write_and_a_wait_for_changes_of_text)
{
	check(&puts_of_text);
}

Test(batch_calls, are_a_read_a_write_and_a_wait_for_reads_in_resp)
{
	check(&hgets);
}

Test(batch_calls, are_a_read_a_write_and_a_wait_for_changes_in_resp)
{
	check(&hsets);
}
