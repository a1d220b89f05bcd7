/*
 * An upgrade that goes wrong half way: whoever dies, stops or is asked for
 * something else meanwhile, one of the two programs serves.
 *
 * daemon_hold() keeps the new program from serving, and SIGSTOP keeps either
 * from hearing the other's next word; so each place on the way is reached for
 * sure.
 */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "shm/feed.h"
#include "tests/proc/talk.h"

static struct daemon d;
static pid_t new;		/* the new program's master */
static char out[4096];

static void
begin_with(const char *conf)
{
	daemon_prepare(&d, conf);
	daemon_launch(&d, NULL);
	talk_once(&d, "CREATE b\r\n", "OK\r\n");
}

static void
begin(void)
{
	begin_with("memory 64M\nworkers 2\nsupervise { heartbeat 0 }\n");
}

static void
end(void)
{
	/* What was stopped, and was to go on, would be left over. */
	if (d.pid > 0)
		kill(d.pid, SIGCONT);
	if (new > 0)
		kill(new, SIGCONT);
	daemon_remove(&d);
}

TestSuite(handover, .init = begin, .fini = end, .timeout = 120);

/* Stop a process, and be sure that it has. */
static void
stop(pid_t pid)
{
	cr_assert_eq(kill(pid, SIGSTOP), 0);
	talk_await_stop(pid);
}

static void
go_on(pid_t pid)
{
	cr_assert_eq(kill(pid, SIGCONT), 0);
}

/* The last pid that the log names in these words. */
static pid_t
pid_in_log(const char *words)
{
	char line[512];
	const char *at;
	FILE *f = fopen(d.log, "r");
	pid_t pid = 0;

	cr_assert_not_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if ((at = strstr(line, words)) != NULL)
			pid = atoi(at + strlen(words));
	fclose(f);
	return pid;
}

/* The new program is there, and does not serve. */
static void
upgrade_as_far_as_start(void)
{
	daemon_hold(&d);
	daemon_kill(&d, SIGUSR2);
	daemon_await_log(&d, "started the new program", 1);
	new = pid_in_log("the new program with pid ");
	cr_assert_gt(new, 0);
}

/* It serves and has said so, to an old program that is stopped. */
static void
upgrade_as_far_as_ready(void)
{
	upgrade_as_far_as_start();
	stop(d.pid);
	daemon_release(&d);
	daemon_await_log(&d, "ready to take over", 1);
}

/* The old program has let go of the claim, the new one has not got it. */
static void
upgrade_as_far_as_nobody(void)
{
	upgrade_as_far_as_ready();
	stop(new);
	go_on(d.pid);
	daemon_await_log(&d, "leaving to it", 1);
}

/* It does, with its data, and can be upgraded as if nothing had been. */
static void
old_one_goes_on(void)
{
	daemon_await_log(&d, "the old one goes on", 1);
	daemon_configure(&d, "memory 64M\nworkers 2\n");
	cr_assert_eq(talk_master_pid(&d), d.pid);
	talk_once(&d, "BUCKETS\r\n", "b\r\nOK\r\n");
	cr_assert_eq(RUN("-s", "reload"), EX_OK, "%s", out);
	daemon_await_log(&d, "configuration reloaded", 1);
	cr_assert_eq(RUN("-s", "upgrade"), EX_OK, "%s", out);
	cr_assert_eq(daemon_wait(&d), 0);
	talk_once(&d, "BUCKETS\r\n", "b\r\nOK\r\n");
	cr_assert_eq(RUN("-s", "stop"), EX_OK, "%s", out);
}

static void
new_one_goes_on(void)
{
	cr_assert_eq(talk_master_pid(&d), new);
	talk_once(&d, "BUCKETS\r\n", "b\r\nOK\r\n");
	cr_assert_eq(RUN("-s", "stop"), EX_OK, "%s", out);
	daemon_await_end(new);
}

static void
no_second_one_starts(void)
{
	char where[32];

	snprintf(where, sizeof(where), "127.0.0.1:%u", daemon_free_port());
	cr_assert_eq(RUN("-f", "-l", where), EX_TEMPFAIL, "%s", out);
	cr_assert_eq(RUN("-f", "-C", "-l", where), EX_TEMPFAIL, "%s", out);
	cr_assert_not_null(strstr(out, "already running"));
}

Test(handover, new_program_may_be_killed_before_it_serves)
{
	upgrade_as_far_as_start();
	cr_assert_eq(kill(new, SIGKILL), 0);
	daemon_await_log(&d, "ended before it served", 1);
	daemon_release(&d);
	old_one_goes_on();
}

Test(handover, new_program_may_be_killed_when_it_has_said_that_it_serves)
{
	upgrade_as_far_as_ready();
	cr_assert_eq(kill(new, SIGKILL), 0);
	go_on(d.pid);
	old_one_goes_on();
}

Test(handover, new_program_may_be_killed_when_the_claim_is_nobodys)
{
	upgrade_as_far_as_nobody();
	cr_assert_eq(kill(new, SIGKILL), 0);
	daemon_await_log(&d, "ended before it took over", 1);
	old_one_goes_on();
}

Test(handover, old_program_may_be_killed_before_the_new_one_serves)
{
	upgrade_as_far_as_start();
	daemon_kill(&d, SIGKILL);
	cr_assert_eq(daemon_wait(&d), 1000 + SIGKILL);
	/* It is the one to be found, although it does not serve yet. */
	while (RUN("-s", "reload") != EX_OK)
		;
	no_second_one_starts();
	daemon_release(&d);
	daemon_await_log(&d, "serves instance", 2);
	new_one_goes_on();
}

Test(handover, old_program_may_be_killed_when_the_new_one_has_said_that)
{
	upgrade_as_far_as_ready();
	daemon_kill(&d, SIGKILL);
	cr_assert_eq(daemon_wait(&d), 1000 + SIGKILL);
	daemon_await_log(&d, "serves instance", 2);
	new_one_goes_on();
}

Test(handover, old_program_may_be_killed_when_the_claim_is_nobodys)
{
	upgrade_as_far_as_nobody();
	daemon_kill(&d, SIGKILL);
	cr_assert_eq(daemon_wait(&d), 1000 + SIGKILL);
	go_on(new);
	daemon_await_log(&d, "serves instance", 2);
	new_one_goes_on();
}

Test(handover, is_no_moment_in_which_a_second_one_could_start)
{
	upgrade_as_far_as_nobody();
	no_second_one_starts();
	cr_assert_eq(RUN("-s", "reload"), EX_OK, "%s", out);
	daemon_await_log(&d, "not reloading: an upgrade is under way", 1);
	go_on(new);
	cr_assert_eq(daemon_wait(&d), 0);
	new_one_goes_on();
}

Test(handover, stopped_half_way_ends_both_programs_and_keeps_the_data)
{
	upgrade_as_far_as_nobody();
	cr_assert_eq(RUN("-s", "stop"), EX_OK, "%s", out);
	cr_assert_eq(daemon_wait(&d), 0);
	daemon_await_end(new);
	daemon_launch(&d, NULL);
	talk_once(&d, "BUCKETS\r\n", "b\r\nOK\r\n");
	daemon_stop(&d);
}

static void
begin_impatient(void)
{
	begin_with("memory 64M\nworkers 2\n"
	    "supervise { heartbeat 0; start 500ms }\n");
}

Test(handover, new_program_that_stops_before_it_serves_is_given_up,
    .init = begin_impatient)
{
	upgrade_as_far_as_start();
	stop(new);
	daemon_await_log(&d, "does not come to serve", 1);
	daemon_release(&d);
	old_one_goes_on();
}

Test(handover, new_program_that_stops_before_it_claims_is_given_up,
    .init = begin_impatient)
{
	upgrade_as_far_as_nobody();
	daemon_await_log(&d, "does not take over", 1);
	old_one_goes_on();
}

/* A client keeps the old program, which has handed over. */
Test(handover, new_program_that_dies_takes_the_retired_one_along_with_a_word)
{
	int fd = talk_open(&d);

	upgrade_as_far_as_start();
	daemon_release(&d);
	daemon_await_log(&d, "serves instance", 2);
	while (talk_process_pid(fd, "state=draining", "") == 0)
		;
	cr_assert_eq(kill(new, SIGKILL), 0);
	cr_assert_eq(daemon_wait(&d), EX_SOFTWARE);
	daemon_await_log(&d, "has died; stopping", 1);
	daemon_launch(&d, NULL);
	talk_once(&d, "BUCKETS\r\n", "b\r\nOK\r\n");
}

/* Is anybody to be woken when the shard of bucket b changes? */
static bool
shard_is_watched(void)
{
	const struct bytes name = { .data = "b", .len = 1 };
	struct feed_watchers watchers;
	struct arena *arena;
	bool watched;

	cr_assert_eq(arena_attach(&arena, d.name, geteuid()), ARENA_OK);
	watched = feed_watchers(arena, arena_shard_of(arena, name),
	    &watchers);
	arena_close(arena);
	return watched;
}

/* Its cleaner dies, and the next one tidies up after workers of the past. */
Test(handover, leaves_the_new_programs_subscribers_to_it)
{
	int fd = talk_open(&d), sub;
	pid_t cleaner = talk_process_pid(fd, "role=cleaner", ""), pid;

	upgrade_as_far_as_start();
	daemon_release(&d);
	daemon_await_log(&d, "serves instance", 2);
	while (talk_process_pid(fd, "state=draining", "") == 0)
		;
	sub = talk_open(&d);
	talk_send(sub, "SUBSCRIBE b\r\n");
	while (talk_info(fd, "clients", "subscribers") != 1)
		;
	cr_assert(shard_is_watched());
	cr_assert_eq(kill(cleaner, SIGKILL), 0);
	do
		pid = talk_process_pid(fd, "role=cleaner", "");
	while (pid == 0 || pid == cleaner);
	daemon_await_log(&d, "killed by signal 9", 1);
	talk(fd, "PUT b k v\r\n", "OK\r\n");
	talk_expect(sub, "k SET TO v\r\n");
	cr_assert(shard_is_watched());
}

Test(handover, is_done_before_the_next_one_begins)
{
	int fd = talk_open(&d);

	daemon_kill(&d, SIGUSR2);
	daemon_await_log(&d, "serves instance", 2);
	new = pid_in_log("the new program with pid ");
	/* This client keeps its worker, and the worker its master. */
	talk(fd, "COUNT b\r\n", "0\r\nOK\r\n");
	cr_assert_eq(kill(new, SIGUSR2), 0);
	close(fd);
	daemon_await_log(&d, "the old program has ended", 1);
	daemon_await_log(&d, "started the new program", 2);
	cr_assert_eq(daemon_wait(&d), 0);
	daemon_await_end(new);
	new = pid_in_log("the new program with pid ");
	new_one_goes_on();
}
