/*
 * What a worker that crashes leaves in the log, and what becomes of the
 * request that did it.  The workers crash by DEBUG, which only a kvd built
 * for tests knows.
 */

#include <sys/socket.h>
#include <sys/types.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <criterion/criterion.h>
#include <ctype.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "tests/proc/talk.h"

static struct daemon d;

TestSuite(crash, .timeout = 180);

#ifndef KVD_DEBUG_COMMANDS

Test(crash, debug_is_no_command_of_this_build)
{
	int fd;

	daemon_start(&d);
	fd = talk_open(&d);
	talk(fd, "DEBUG CRASH segv\r\n", "UNKNOWN COMMAND\r\n");
	talk(fd, "HELP DEBUG\r\n",
	    "ERROR no such command; HELP alone lists them all\r\n");
	close(fd);
	daemon_stop(&d);
}

#else

#define PLACES	"; backtrace( [^ ]+\\+0x[0-9a-f]+)+$"
#define REFUSED	"ERROR refused: this request crashed a worker\r\n"

/* Nothing here shall end because a worker hangs or crashes often. */
#define CONF(refuse) \
	"memory 64M\nworkers 2\n" \
	"supervise { heartbeat 0; max-restarts 1000; refuse " refuse " }\n"

static void
start_with(const char *conf)
{
	daemon_prepare(&d, conf);
	daemon_launch(&d, NULL);
}

/* The n-th line of the log, from 1, that has this text; it must be there. */
static void
find_line(const char *text, int n, char *line, size_t size)
{
	FILE *f;

	daemon_await_log(&d, text, n);
	cr_assert_not_null(f = fopen(d.log, "r"));
	while (n > 0 && fgets(line, (int)size, f) != NULL)
		if (strstr(line, text) != NULL)
			n--;
	fclose(f);
	line[strcspn(line, "\n")] = '\0';
}

/* Send it and lose the connection. */
static void
crash_by(const char *request)
{
	int fd = talk_open(&d);

	talk_send(fd, request);
	talk_expect_end(fd);
	close(fd);
}

static void
crash_twice_by(const char *request)
{
	crash_by(request);
	crash_by(request);
	daemon_await_log(&d, "is refused for", 1);
}

static void
request_of(const char *line, char fingerprint[17])
{
	const char *p = strstr(line, "; request ");

	cr_assert_not_null(p, "%s", line);
	snprintf(fingerprint, 17, "%s", p + strlen("; request "));
	cr_assert_eq(strspn(fingerprint, "0123456789abcdef"), 16);
}

static void
must_match(const char *line, const char *pattern)
{
	regex_t re;

	cr_assert_eq(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	cr_assert_eq(regexec(&re, line, 0, NULL, 0), 0, "%s", line);
	regfree(&re);
}

/* The report. */

Test(crash, is_logged_as_one_line)
{
	char line[2048], pid[32];
	int fd;

	start_with(CONF("1m"));
	fd = talk_open(&d);
	snprintf(pid, sizeof(pid), "(pid %ju) was",
	    (uintmax_t)talk_info(fd, "server", "worker_pid"));
	talk_send(fd, "DEBUG CRASH segv\r\n");
	talk_expect_end(fd);
	close(fd);
	find_line(pid, 1, line, sizeof(line));
	must_match(line, "master\\[[0-9]+\\]: warning: "
	    "worker [01] \\(pid [0-9]+\\) was killed by signal 11, "
	    "Segmentation fault: address not mapped, at 0x10; "
	    "request [0-9a-f]{16} in hand, requests [0-9]+, "
	    "lived [0-9]+\\.[0-9]{3} s, restarts 0" PLACES);
	daemon_stop(&d);
}

Test(crash, report_tells_requests_apart)
{
	char line[2048], a[17], b[17], c[17];

	start_with(CONF("0"));
	crash_by("DEBUG CRASH segv:a\r\n");
	find_line("was killed", 1, line, sizeof(line));
	request_of(line, a);
	crash_by("DEBUG CRASH segv:b\r\n");
	find_line("was killed", 2, line, sizeof(line));
	request_of(line, b);
	crash_by("DEBUG CRASH segv:a\r\n");
	find_line("was killed", 3, line, sizeof(line));
	request_of(line, c);
	cr_assert_str_neq(a, b);
	cr_assert_str_eq(a, c);
	daemon_stop(&d);
}

Test(crash, report_tells_division_by_zero_and_abort)
{
	start_with(CONF("1m"));
	crash_by("DEBUG CRASH fpe\r\n");
	daemon_await_log(&d, "Floating point exception: division by zero;",
	    1);
	crash_by("DEBUG CRASH abort\r\n");
	daemon_await_log(&d, "signal 6, Aborted: aborted by itself;", 1);
	daemon_stop(&d);
}

/* What addr2line(1) makes of the places in kvd that a line names. */
static void
resolve(const char *line, char *out, size_t size)
{
	char command[4096];
	size_t used;
	const char *p;
	FILE *f;

	used = (size_t)snprintf(command, sizeof(command),
	    "addr2line -i -e '%s'", getenv("KVD_BIN"));
	for (p = line; (p = strstr(p, " kvd+")) != NULL; p++)
		used += (size_t)snprintf(command + used,
		    sizeof(command) - used, " %.*s",
		    (int)strspn(p + 5, "0123456789abcdefx"), p + 5);
	cr_assert_not_null(f = popen(command, "r"));
	out[fread(out, 1, size - 1, f)] = '\0';
	cr_assert_eq(pclose(f), 0, "%s", command);
}

Test(crash, backtrace_names_the_lines)
{
	char line[2048], places[8192], *end;

	start_with(CONF("1m"));
	crash_by("DEBUG CRASH segv\r\n");
	find_line("; backtrace", 1, line, sizeof(line));
	resolve(strstr(line, "; backtrace"), places, sizeof(places));
	cr_assert_not_null(strstr(places, "server/worker.c:"), "%s", places);
	cr_assert_not_null(strstr(places, "server/conn_request.c:"));
	cr_assert_not_null(end = strchr(places, '\n'));
	*end = '\0';
	cr_assert_not_null(strstr(places, "server/debug.c:"), "%s", places);
	daemon_stop(&d);
}

/* Numbers become N; the list of places is not looked at. */
static void
shape_of(const char *line, char *shape)
{
	static const char hex[] = "0123456789abcdef";
	const char *end = strstr(line, "; backtrace ");

	cr_assert_not_null(end, "%s", line);
	while (line < end) {
		if (strncmp(line, "0x", 2) == 0 ||
		    strspn(line, hex) == 16)
			line += strspn(line, "x0123456789abcdef");
		else if (isdigit((unsigned char)*line))
			line += strspn(line, "0123456789");
		else {
			*shape++ = *line++;
			continue;
		}
		*shape++ = 'N';
	}
	*shape = '\0';
}

/* The sample of a page, its lines joined. */
static void
read_sample(const char *page, char *line, size_t size)
{
	char text[256] = "";
	FILE *f = fopen(page, "r");

	cr_assert_not_null(f, "%s, seen from the root of the sources", page);
	while (strcmp(text, ".\\\" sample: crash report\n") != 0)
		cr_assert_not_null(fgets(text, sizeof(text), f));
	cr_assert_not_null(fgets(text, sizeof(text), f));
	line[0] = '\0';
	while (fgets(text, sizeof(text), f) != NULL && text[0] != '.') {
		text[strcspn(text, "\n")] = '\0';
		if (line[0] != '\0')
			strlcat(line, " ", size);
		strlcat(line, text, size);
	}
	fclose(f);
}

Test(crash, sample_of_the_manual_has_the_shape_of_a_report)
{
	char line[2048], sample[2048], shape[2048], expected[2048];

	start_with(CONF("1m"));
	crash_by("DEBUG CRASH segv\r\n");
	find_line("; backtrace", 1, line, sizeof(line));
	read_sample("man/kvd.8", sample, sizeof(sample));
	must_match(sample, PLACES);
	shape_of(sample, expected);
	shape_of(strstr(line, "worker "), shape);
	cr_assert_str_eq(shape, expected);
	daemon_stop(&d);
}

/* Poison. */

Test(crash, request_that_has_crashed_two_workers_is_refused)
{
	int other, fd;

	start_with(CONF("1m"));
	crash_twice_by("DEBUG CRASH segv\r\n");
	other = talk_open_worker(&d, 0);
	fd = talk_open_worker(&d, 1);
	talk(fd, "DEBUG CRASH segv\r\n", REFUSED);
	talk(other, "DEBUG CRASH segv\r\n", REFUSED);
	talk(fd, "CREATE b\r\nPUT b k v\r\nGET b k\r\n",
	    "OK\r\nOK\r\nv\r\nOK\r\n");
	talk(other, "GET b k\r\n", "v\r\nOK\r\n");
	while (talk_info(fd, "stats", "refused_poison") != 2)
		;
	close(fd);
	close(other);
	daemon_stop(&d);
}

Test(crash, request_is_known_by_its_first_three_words)
{
	int fd;

	start_with(CONF("1m"));
	crash_by("DEBUG CRASH segv one\r\n");
	crash_by("DEBUG CRASH segv two\r\n");
	daemon_await_log(&d, "is refused for 60.000 s", 1);
	fd = talk_open(&d);
	talk(fd, "DEBUG CRASH segv three\r\n", REFUSED);
	talk_send(fd, "DEBUG CRASH segv:else\r\n");
	talk_expect_end(fd);
	close(fd);
	daemon_stop(&d);
}

Test(crash, abort_in_a_long_reply_is_laid_on_its_request)
{
	start_with(CONF("1m"));
	crash_twice_by("DEBUG CRASH abort later\r\n");
	talk_once(&d, "DEBUG CRASH abort later\r\n", REFUSED);
	daemon_stop(&d);
}

static uint64_t
now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec;
}

Test(crash, refusals_are_logged_with_the_peer_but_not_each)
{
	enum { TIMES = 200 };
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	char line[2048], peer[64];
	uint64_t start_s;
	int fd, i, lines;

	start_with(CONF("1m"));
	crash_twice_by("DEBUG CRASH segv\r\n");
	start_s = now_s();
	fd = talk_open(&d);
	for (i = 0; i < TIMES; i++)
		talk(fd, "DEBUG CRASH segv\r\n", REFUSED);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	snprintf(peer, sizeof(peer), "of client 127.0.0.1:%d:",
	    ntohs(sin.sin_port));
	find_line("refused request", 1, line, sizeof(line));
	cr_assert_not_null(strstr(line, peer), "%s", line);
	lines = daemon_count_log(&d, "refused request");
	cr_assert_leq((uint64_t)lines, now_s() - start_s + 2);
	close(fd);
	daemon_stop(&d);
}

/* Deaths count together if they are not too far apart, so try for a while. */
Test(crash, after_its_time_a_refused_request_is_executed_again)
{
	char reply[sizeof(REFUSED)];
	bool refused = false, again = false;
	ssize_t n;
	int fd;

	start_with(CONF("2s"));
	while (!again) {
		fd = talk_open(&d);
		talk_send(fd, "DEBUG CRASH segv\r\n");
		n = recv(fd, reply, sizeof(REFUSED) - 1, MSG_WAITALL);
		if (n == (ssize_t)sizeof(REFUSED) - 1)
			refused = memcmp(reply, REFUSED, (size_t)n) == 0;
		else
			again = refused;
		close(fd);
	}
	daemon_stop(&d);
}

Test(crash, refusals_are_forgotten_in_an_upgrade)
{
	char out[1024];
	int fd;

	start_with(CONF("1m"));
	crash_twice_by("DEBUG CRASH segv\r\n");
	talk_once(&d, "DEBUG CRASH segv\r\n", REFUSED);
	cr_assert_eq(RUN("-s", "upgrade"), 0, "%s", out);
	cr_assert_eq(daemon_wait(&d), 0);
	/* It is executed again, and so nothing comes back. */
	fd = talk_open(&d);
	talk_send(fd, "DEBUG CRASH segv\r\n");
	talk_expect_end(fd);
	close(fd);
	cr_assert_eq(RUN("-s", "stop"), 0, "%s", out);
	daemon_remove(&d);
}

Test(crash, with_refuse_0_none_is_refused)
{
	int i;

	start_with(CONF("0"));
	for (i = 1; i <= 4; i++) {
		crash_by("DEBUG CRASH segv\r\n");
		daemon_await_log(&d, "was killed by signal 11", i);
	}
	cr_assert_eq(daemon_count_log(&d, "is refused for"), 0);
	daemon_stop(&d);
}

/*
 * Three times kill a worker with the same request in hand.  It is stopped
 * before, which is how we know that it has it.
 */
static void
send_with_request_in_hand(int signal, const char *text)
{
	char line[2048], first[17], now[17];
	pid_t pid;
	int fd, i;

	start_with(CONF("1m"));
	for (i = 1; i <= 3; i++) {
		fd = talk_open(&d);
		pid = (pid_t)talk_info(fd, "server", "worker_pid");
		talk_send(fd, "DEBUG STOP\r\n");
		talk_await_stop(pid);
		cr_assert_eq(kill(pid, signal), 0);
		kill(pid, SIGCONT);
		talk_expect_end(fd);
		close(fd);
		find_line("was killed", i, line, sizeof(line));
		cr_assert_not_null(strstr(line, text), "%s", line);
		request_of(line, i == 1 ? first : now);
		cr_assert(i == 1 || strcmp(first, now) == 0);
	}
	cr_assert_eq(daemon_count_log(&d, "is refused for"), 0);
	daemon_stop(&d);
}

Test(crash, segv_that_somebody_has_sent_is_not_laid_on_the_request)
{
	char text[64];

	snprintf(text, sizeof(text), "Segmentation fault: sent by pid %d;",
	    (int)getpid());
	send_with_request_in_hand(SIGSEGV, text);
}

Test(crash, kill_is_not_laid_on_the_request)
{
	send_with_request_in_hand(SIGKILL, "Killed: no last words;");
}

/* Exit statuses. */

Test(crash, exit_status_1_has_another_started_however_often)
{
	int i;

	start_with(CONF("1m"));
	for (i = 1; i <= 3; i++) {
		crash_by("DEBUG EXIT 1\r\n");
		daemon_await_log(&d, "gave up with status 1; request", i);
	}
	talk_once(&d, "PING\r\nPING\r\n", "+PONG\r\n+PONG\r\n");
	daemon_stop(&d);
}

Test(crash, exit_status_2_ends_the_daemon_with_70)
{
	start_with(CONF("1m"));
	crash_by("DEBUG EXIT 2\r\n");
	cr_assert_eq(daemon_wait(&d), EX_SOFTWARE);
	daemon_await_log(&d, "gave up with status 2", 1);
	daemon_await_log(&d,
	    "giving up: a child said that it must not be started again", 1);
	daemon_remove(&d);
}

/* Standing still. */

Test(crash, stopped_worker_answers_when_it_goes_on)
{
	int fd;
	pid_t pid;

	start_with(CONF("1m"));
	fd = talk_open(&d);
	pid = (pid_t)talk_info(fd, "server", "worker_pid");
	talk_send(fd, "DEBUG STOP\r\n");
	talk_await_stop(pid);
	cr_assert_eq(kill(pid, SIGCONT), 0);
	talk_expect(fd, "OK\r\n");
	close(fd);
	daemon_stop(&d);
}

/* Ticks of processor time that it has used. */
static unsigned long
ticks(pid_t pid)
{
	char path[64], text[512] = "";
	unsigned long n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	cr_assert_not_null(f = fopen(path, "r"));
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	cr_assert_eq(sscanf(strrchr(text, ')'), ") %*c %*d %*d %*d %*d %*d "
	    "%*u %*u %*u %*u %*u %lu", &n), 1);
	return n;
}

static void
await_hang(pid_t pid)
{
	unsigned long before = ticks(pid);

	while (ticks(pid) < before + 20)
		usleep(1000);
}

/* A worker that never gives its lock back, until it is killed. */
static void
kill_lock_owner(const char *request, void (*await)(pid_t))
{
	int fd, other;
	pid_t pid;

	start_with(CONF("1m"));
	fd = talk_open_worker(&d, 0);
	other = talk_open_worker(&d, 1);
	talk(other, "CREATE b\r\n", "OK\r\n");
	pid = (pid_t)talk_info(fd, "server", "worker_pid");
	talk_send(fd, request);
	await(pid);
	talk(other, "GET b k\r\n", "\r\nOK\r\n");
	talk_send(other, "PUT b k v\r\n");
	talk_expect_silence(other);
	cr_assert_eq(kill(pid, SIGKILL), 0);
	talk_expect(other, "OK\r\n");
	talk(other, "GET b k\r\n", "v\r\nOK\r\n");
	close(fd);
	close(other);
	daemon_stop(&d);
}

Test(crash, lock_of_a_stopped_worker_is_handed_on_when_it_is_killed)
{
	kill_lock_owner("DEBUG STOP locked b\r\n", talk_await_stop);
}

Test(crash, lock_of_a_hanging_worker_is_handed_on_when_it_is_killed)
{
	kill_lock_owner("DEBUG HANG locked b\r\n", await_hang);
}

#endif
