/*
 * AUDIT on a server that goes on serving: what it counts, what it costs the
 * others, and what is left when it comes to no end.
 */

#include <sys/resource.h>
#include <sys/socket.h>

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shm/handle.h"
#include "tests/proc/load.h"
#include "tests/proc/talk.h"

#define MANY	100000		/* keys: their shard is checked in slices */
#define PATIENCE_MS	20000
#define BUSY	"ERROR another audit is running\r\n"

static struct daemon d;
static int fd;

static void
start_with(const char *conf)
{
	daemon_prepare(&d, conf);
	daemon_launch(&d, NULL);
	fd = talk_open(&d);
}

static void
begin(void)
{
	start_with(NULL);
}

static void
end(void)
{
	close(fd);
	daemon_stop(&d);
}

TestSuite(audit, .init = begin, .fini = end, .timeout = 180);

/* What came before the OK of an AUDIT, its lines behind newlines. */
static char report[4096];

static void
read_report(int from)
{
	char line[512];
	size_t at = 0;

	report[0] = '\0';
	while (talk_line(from, line, sizeof(line)) && strcmp(line, "OK") != 0)
		at += (size_t)snprintf(report + at, sizeof(report) - at,
		    "\n%s", line);
	cr_assert_str_eq(line, "OK", "%s", report);
}

static uint64_t
told(const char *name)
{
	char text[64];
	const char *at;

	snprintf(text, sizeof(text), "\n%s:", name);
	at = strstr(report, text);
	cr_assert_not_null(at, "no %s in: %s", name, report);
	return strtoull(at + strlen(text), NULL, 10);
}

static void
audit(int on)
{
	talk_send(on, "AUDIT\r\n");
	read_report(on);
}

static void
expect_sound(void)
{
	cr_assert_eq(told("errors"), 0, "%s", report);
	cr_assert_null(strstr(report, "first_error"));
	cr_assert_eq(told("shards_lost"), 0);
	cr_assert_eq(told("shards_whole") + told("shards_sliced"),
	    told("shards"));
}

/* Keys k0 .. of a bucket, a thousand at a time. */
static void
put_keys(const char *bucket, int n)
{
	static char batch[1000 * 16 + 64];
	int i, j;
	char *p;

	for (i = 0; i < n; i += 1000) {
		p = batch + sprintf(batch, "MPUT %s", bucket);
		for (j = i; j < i + 1000 && j < n; j++)
			p += sprintf(p, " k%d v", j);
		strcpy(p, "\r\n");
		talk(fd, batch, "OK\r\n");
	}
}

Test(audit, of_an_empty_server_finds_it_empty)
{
	audit(fd);
	expect_sound();
	cr_assert_eq(told("shards"), talk_info(fd, "buckets", "shards"));
	cr_assert_eq(told("shards_whole"), told("shards"));
	cr_assert_eq(told("buckets") + told("records"), 0);
	cr_assert_eq(told("live_bytes") + told("dead_bytes"), 0);
}

Test(audit, counts_what_was_put_in)
{
	talk(fd, "CREATE few\r\nCREATE more\r\nCREATE none\r\n",
	    "OK\r\nOK\r\nOK\r\n");
	put_keys("few", 3);
	put_keys("more", 1000);
	talk(fd, "DELETE more k1\r\nPUT few k1 longer\r\nDROP none\r\n",
	    "OK\r\nOK\r\nOK\r\n");
	audit(fd);
	expect_sound();
	cr_assert_eq(told("buckets"), 2);
	/* One for each bucket, and one for each key. */
	cr_assert_eq(told("records"), 2 + 3 + 999);
	cr_assert_geq(told("log_records"), told("records"));
	cr_assert_gt(told("lines"), 2);
	cr_assert_gt(told("live_bytes"), told("records") * 8);
	cr_assert_gt(told("segments"), 0);
	cr_assert_eq(told("segments") + told("segments_free") +
	    told("segments_raw"), talk_info(fd, "memory", "segments"));
	talk(fd, "COUNT more\r\nAUDIT more\r\n",
	    "999\r\nOK\r\nUNKNOWN COMMAND\r\n");
}

/* Beside others. */

static void
put_many(void)
{
	talk(fd, "CREATE many\r\n", "OK\r\n");
	put_keys("many", MANY);
}

/*
 * Have the worker of both begin with the audits that one asks for; it has no
 * time for the other's.  That both arrive at once is proof that it has begun.
 */
static void
begin_audit(int on, const char *requests, int other)
{
	pid_t worker = talk_pause_worker(other);

	talk_send(on, requests);
	talk_send(other, "AUDIT\r\n");
	cr_assert_eq(kill(worker, SIGCONT), 0);
	talk_expect(other, BUSY);
}

static bool
is_answered(int on)
{
	char byte;

	return recv(on, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

Test(audit, of_a_worker_is_one_at_a_time)
{
	int one = talk_open_worker(&d, 0);
	int two = talk_open_worker(&d, 0);
	int elsewhere = talk_open_worker(&d, 1);

	put_many();
	begin_audit(one, "AUDIT\r\nAUDIT\r\n", two);
	audit(elsewhere);
	expect_sound();
	read_report(one);
	expect_sound();
	cr_assert_eq(told("shards_sliced"), 1);
	cr_assert_eq(told("records"), MANY + 1);
	read_report(one);
	expect_sound();
	audit(two);
	expect_sound();
	close(one);
	close(two);
	close(elsewhere);
}

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* When the heart of worker 0 last beat, or a moment later. */
static uint64_t
beat_ms(int on)
{
	uint64_t age_ms = 0;
	char line[512], *at;

	talk_send(on, "INFO workers\r\n");
	while (talk_line(on, line, sizeof(line)) && strcmp(line, "OK") != 0)
		if (strstr(line, "role=worker,instance=0,") != NULL &&
		    (at = strstr(line, "heartbeat_ms=")) != NULL)
			age_ms = strtoull(at + 13, NULL, 10);
	return now_ms() - age_ms;
}

Test(audit, lets_other_clients_of_its_worker_and_its_heart_go_on)
{
	int one = talk_open_worker(&d, 0);
	int other = talk_open_worker(&d, 0);
	enum { AUDITS = 10 };
	uint64_t start_ms;
	int i, served = 0;

	put_many();
	begin_audit(one, "AUDIT\r\n", other);
	while (!is_answered(one)) {
		talk(other, "GET many k1\r\n", "v\r\nOK\r\n");
		served++;
	}
	cr_assert_gt(served, 5);
	read_report(one);
	start_ms = now_ms();
	for (i = 0; i < AUDITS; i++)
		talk_send(one, "AUDIT\r\n");
	while (beat_ms(other) <= start_ms + 10)
		if (is_answered(one)) {
			cr_assert_gt(i--, 0, "its heart stands still");
			read_report(one);
		}
	close(one);
	close(other);
}

Test(audit, goes_on_while_others_write)
{
	struct load_report load;
	int i;

	put_many();
	load_start(&d, 4);
	for (i = 0; i < 10; i++) {
		load_await(20);
		audit(fd);
		expect_sound();
		cr_assert_eq(told("buckets"), 2);
		cr_assert_geq(told("records"), MANY + 2);
	}
	load = load_stop();
	cr_assert_eq(load.refused, 0);
	cr_assert_eq(load.lost, 0);
}

/* Ends that come too soon. */

/* Stop the worker in the middle of a piece of its audit. */
static void
stop_with_lock(pid_t worker, const struct arena *arena)
{
	const struct bytes name = { "many", 4 };
	const pthread_mutex_t *lock =
	    &arena->shards[arena_shard_of(arena, name)].lock;

	for (;;) {
		cr_assert_eq(kill(worker, SIGSTOP), 0);
		talk_await_stop(worker);
		if (*(const volatile int *)&lock->__data.__owner == worker)
			return;
		cr_assert_eq(kill(worker, SIGCONT), 0);
		usleep(1000);
	}
}

/* More than there is time for. */
static void
ask_for_audits(int on)
{
	int i;

	for (i = 0; i < 1000; i++)
		talk_send(on, "AUDIT\r\n");
}

Test(audit, costs_nobody_but_its_client_when_its_worker_is_killed)
{
	struct load_report load;
	struct arena *arena;
	int one, other, i;
	pid_t worker;

	put_many();
	cr_assert_eq(arena_attach(&arena, d.name, geteuid()), ARENA_OK);
	load_start(&d, 4);
	for (i = 0; i < 3; i++) {
		one = talk_open_worker(&d, 0);
		other = talk_open_worker(&d, 1);
		worker = (pid_t)talk_info(one, "server", "worker_pid");
		ask_for_audits(one);
		stop_with_lock(worker, arena);
		cr_assert_eq(kill(worker, SIGKILL), 0);
		talk(other, "PUT many k1 w\r\n", "OK\r\n");
		load_await(100);
		audit(other);
		expect_sound();
		close(one);
		close(other);
	}
	load = load_stop();
	/* Each of them may have been in the hands of the dead. */
	cr_assert_leq(load.lost, 3 * 4);
	other = talk_open_worker(&d, 0);
	audit(other);
	expect_sound();
	cr_assert_eq(told("records"), 2 + MANY + 4);
	close(other);
	arena_close(arena);
}

static void
reset(int one)
{
	const struct linger now = { .l_onoff = 1 };

	cr_assert_eq(setsockopt(one, SOL_SOCKET, SO_LINGER, &now,
	    sizeof(now)), 0);
	close(one);
}

Test(audit, ends_at_once_when_its_connection_breaks)
{
	int one = talk_open_worker(&d, 0);
	int other = talk_open_worker(&d, 0);

	put_many();
	begin_audit(one, "AUDIT\r\n", other);
	reset(one);
	audit(other);
	expect_sound();
	close(other);
}

/* Who has said all may still listen, so it goes on to its end. */
Test(audit, ends_in_its_time_when_its_client_closes)
{
	int one = talk_open_worker(&d, 0);
	int other = talk_open_worker(&d, 0);
	uint64_t end_ms;
	char line[512];

	put_many();
	begin_audit(one, "AUDIT\r\n", other);
	close(one);
	end_ms = now_ms() + PATIENCE_MS;
	do {
		cr_assert_lt(now_ms(), end_ms, "it does not end");
		talk_send(other, "AUDIT\r\n");
		cr_assert(talk_line(other, line, sizeof(line)));
	} while (strncmp(line, "ERROR ", 6) == 0);
	read_report(other);
	cr_assert_eq(told("errors"), 0);
	one = talk_open_worker(&d, 0);
	talk_send(one, "AUDIT\r\n");
	cr_assert_eq(shutdown(one, SHUT_WR), 0);
	read_report(one);
	expect_sound();
	talk_expect_end(one);
	close(one);
	close(other);
}

/* Servers of their own. */

TestSuite(audit_server, .timeout = 180);

Test(audit_server, that_is_stopped_in_the_middle_keeps_nothing)
{
	int one, other;

	start_with("memory 64M\nworkers 1\n");
	one = talk_open(&d);
	other = talk_open(&d);
	put_many();
	begin_audit(one, "AUDIT\r\n", other);
	daemon_kill(&d, SIGTERM);
	cr_assert_eq(daemon_wait(&d), 0);
	cr_assert_not(daemon_count_log(&d, "Sanitizer") > 0);
	daemon_remove(&d);
}

Test(audit_server, that_drains_answers_first)
{
	int one, other;

	start_with("memory 64M\nworkers 1\n");
	one = talk_open(&d);
	other = talk_open(&d);
	put_many();
	begin_audit(one, "AUDIT\r\n", other);
	daemon_kill(&d, SIGQUIT);
	read_report(one);
	expect_sound();
	talk_expect_end(one);
	cr_assert_eq(daemon_wait(&d), 0);
	daemon_remove(&d);
}

/* The worker gets no more memory than it has, but for small things. */
static void
limit_memory(pid_t worker)
{
	struct rlimit limit;
	char path[64];
	long pages;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)worker);
	cr_assert_not_null(f = fopen(path, "r"));
	cr_assert_eq(fscanf(f, "%ld", &pages), 1);
	fclose(f);
	limit.rlim_cur = limit.rlim_max = (rlim_t)pages * 4096 + 256 * 1024;
	cr_assert_eq(prlimit(worker, RLIMIT_AS, &limit, NULL), 0);
}

/* Before there was any: what one gives back, the next one might get. */
Test(audit_server, without_memory_for_it_says_so_and_goes_on)
{
	setenv("ASAN_OPTIONS", "allocator_may_return_null=1", 1);
	start_with("memory 512M\nworkers 1\n");
	limit_memory((pid_t)talk_info(fd, "server", "worker_pid"));
	talk(fd, "AUDIT\r\n", "ERROR out of memory\r\n");
	talk(fd, "CREATE b\r\nAUDIT\r\n", "OK\r\nERROR out of memory\r\n");
	cr_assert_eq(talk_info(fd, "stats", "errors"), 2);
	daemon_stop(&d);
}
