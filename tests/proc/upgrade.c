/*
 * USR2: another program, on the same sockets and the same data.
 */

#include <sys/mman.h>
#include <sys/stat.h>

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "shm/layout.h"
#include "tests/proc/load.h"
#include "tests/proc/talk.h"

#define CYCLES	50

static struct daemon d;
static char out[8192];

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

TestSuite(upgrade, .init = begin, .fini = end, .timeout = 300);

#define RUN(...) \
	daemon_run(&d, FLAGS(__VA_ARGS__), out, sizeof(out))

static pid_t
master_pid(void)
{
	int fd = talk_open(&d);
	pid_t pid = (pid_t)talk_info(fd, "server", "master_pid");

	close(fd);
	return pid;
}

/* Wait for a process that need not be ours. */
static void
await_end(pid_t pid)
{
	while (kill(pid, 0) == 0)
		usleep(2000);
}

Test(upgrade, goes_on_with_data_sockets_and_name_in_another_process)
{
	pid_t old = d.pid, new;

	talk_once(&d, "CREATE b\r\nPUT b k v\r\n", "OK\r\nOK\r\n");
	cr_assert_eq(RUN("-s", "upgrade"), EX_OK, "%s", out);
	cr_assert_eq(daemon_wait(&d), 0);
	new = master_pid();
	cr_assert_neq(new, old);
	talk_once(&d, "GET b k\r\n", "v\r\nOK\r\n");
	cr_assert_eq(RUN("-s", "stop"), EX_OK, "%s", out);
	await_end(new);
	cr_assert_eq(RUN("-s", "stop"), EX_UNAVAILABLE);
}

Test(upgrade, of_an_upgraded_one_works_as_well)
{
	pid_t first = d.pid, second, third;

	cr_assert_eq(RUN("-s", "upgrade"), EX_OK, "%s", out);
	second = master_pid();
	cr_assert_eq(daemon_wait(&d), 0);
	cr_assert_eq(RUN("-s", "upgrade"), EX_OK, "%s", out);
	third = master_pid();
	cr_assert(first != second && second != third);
	await_end(second);
	cr_assert_eq(RUN("-s", "reload"), EX_OK, "%s", out);
	cr_assert_eq(RUN("-s", "stop"), EX_OK, "%s", out);
	await_end(third);
}

Test(upgrade, serves_who_is_connected_to_the_old_program)
{
	int fd = talk_open(&d), i;

	talk(fd, "CREATE b\r\n", "OK\r\n");
	cr_assert_eq(RUN("-s", "upgrade"), EX_OK, "%s", out);
	for (i = 0; i < 20; i++)
		talk(fd, "PUT b k v\r\nGET b k\r\n", "OK\r\nv\r\nOK\r\n");
	close(fd);
	cr_assert_eq(daemon_wait(&d), 0);
}

Test(upgrade, that_cannot_start_leaves_the_old_program_as_it_was)
{
	int fd = talk_open(&d);

	talk(fd, "CREATE b\r\n", "OK\r\n");
	daemon_configure(&d, "nonsense\n");
	cr_assert_eq(RUN("-N", d.name, "-s", "upgrade"), EX_CONFIG);
	daemon_kill(&d, SIGUSR2);
	daemon_await_log(&d, "the old one goes on", 1);
	talk(fd, "COUNT b\r\n", "0\r\nOK\r\n");
	cr_assert_eq(master_pid(), d.pid);
	daemon_configure(&d, "memory 64M\nworkers 2\n");
	cr_assert_eq(RUN("-s", "upgrade"), EX_OK, "%s", out);
	talk(fd, "COUNT b\r\n", "0\r\nOK\r\n");
}

/* What the header of the arena says, changed under a running kvd. */
static void
set_layout_hash(uint64_t hash)
{
	char name[96];
	int fd;

	snprintf(name, sizeof(name), "/kvd.%s", d.name);
	cr_assert_neq(fd = shm_open(name, O_RDWR, 0600), -1);
	cr_assert_eq(pwrite(fd, &hash, sizeof(hash),
	    offsetof(struct superblock, layout_hash)), sizeof(hash));
	close(fd);
}

Test(upgrade, to_a_program_of_another_layout_is_refused_with_the_reason)
{
	talk_once(&d, "CREATE b\r\n", "OK\r\n");
	set_layout_hash(1);
	cr_assert_eq(RUN("-s", "upgrade"), EX_TEMPFAIL);
	cr_assert_not_null(strstr(out, "goes on with the old program"));
	daemon_await_log(&d, "made by a version with another layout", 1);
	daemon_await_log(&d, "the old one goes on", 1);
	cr_assert_eq(master_pid(), d.pid);
	talk_once(&d, "BUCKETS\r\n", "b\r\nOK\r\n");
}

Test(upgrade, survives_the_death_of_the_old_master_on_the_way)
{
	pid_t new;

	talk_once(&d, "CREATE b\r\n", "OK\r\n");
	daemon_kill(&d, SIGUSR2);
	daemon_await_log(&d, "started the new program", 1);
	daemon_kill(&d, SIGKILL);
	cr_assert_eq(daemon_wait(&d), 1000 + SIGKILL);
	new = master_pid();
	cr_assert_neq(new, 0);
	talk_once(&d, "BUCKETS\r\n", "b\r\nOK\r\n");
	cr_assert_eq(RUN("-s", "stop"), EX_OK, "%s", out);
	await_end(new);
}

static pid_t
child_in_log(void)
{
	char line[512];
	const char *at;
	FILE *f = fopen(d.log, "r");
	pid_t pid = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if ((at = strstr(line, "the new program with pid ")) != NULL)
			pid = atoi(at + 25);
	fclose(f);
	return pid;
}

Test(upgrade, survives_the_death_of_the_new_master_on_the_way)
{
	int fd = talk_open(&d);
	pid_t new;

	talk(fd, "CREATE b\r\n", "OK\r\n");
	daemon_kill(&d, SIGUSR2);
	daemon_await_log(&d, "started the new program", 1);
	cr_assert_gt(new = child_in_log(), 0);
	cr_assert_eq(kill(new, SIGKILL), 0);
	/* It may have been too late for that. */
	while (talk_info(fd, "server", "uptime_seconds") > 1000)
		;
	talk(fd, "COUNT b\r\n", "0\r\nOK\r\n");
}

/* A process that need not be ours is stopped: its state is T. */
static void
stop(pid_t pid)
{
	char path[64], state = 0;
	FILE *f;

	cr_assert_eq(kill(pid, SIGSTOP), 0);
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	while (state != 'T') {
		cr_assert_not_null(f = fopen(path, "r"));
		cr_assert_eq(fscanf(f, "%*d (%*[^)]) %c", &state), 1);
		fclose(f);
	}
}

/* It would keep a lock for ever, and its slot is another's one day. */
Test(upgrade, ends_a_stopped_worker_of_an_old_master_that_was_killed)
{
	int fd = talk_open(&d);
	pid_t orphan;

	talk(fd, "CREATE b\r\n", "OK\r\n");
	orphan = (pid_t)talk_info(fd, "server", "worker_pid");
	cr_assert_eq(RUN("-s", "upgrade"), EX_OK, "%s", out);
	stop(orphan);
	daemon_kill(&d, SIGKILL);
	daemon_wait(&d);
	daemon_await_log(&d, "which a master that died has left", 1);
	await_end(orphan);
	talk_once(&d, "PUT b k v\r\n", "OK\r\n");
	cr_assert_eq(RUN("-s", "reload"), EX_OK, "%s", out);
	talk_once(&d, "GET b k\r\n", "v\r\nOK\r\n");
	cr_assert_eq(RUN("-s", "stop"), EX_OK, "%s", out);
}

Test(upgrade, is_not_begun_twice_nor_during_a_reload)
{
	daemon_kill(&d, SIGUSR2);
	daemon_await_log(&d, "started the new program", 1);
	daemon_kill(&d, SIGHUP);
	daemon_await_log(&d, "not reloading", 1);
	cr_assert_eq(daemon_wait(&d), 0);
	cr_assert_eq(RUN("-s", "stop"), EX_OK, "%s", out);
}

Test(upgrade, of_a_daemon_takes_its_pid_file_and_socket_file_along)
{
	char conf[512], sock[128], pidfile[128];
	struct stat st;
	pid_t old, new;
	FILE *f;

	daemon_kill(&d, SIGTERM);
	cr_assert_eq(daemon_wait(&d), 0);
	snprintf(sock, sizeof(sock), "%s/sock", d.dir);
	snprintf(pidfile, sizeof(pidfile), "%s/pid", d.dir);
	snprintf(conf, sizeof(conf), "memory 64M\nworkers 1\nlisten \"%s\"\n"
	    "pidfile \"%s\"\nlog { to \"%s/kvd.log\" }\n", sock, pidfile,
	    d.dir);
	daemon_configure(&d, conf);
	cr_assert_eq(RUN("-w", "1"), EX_OK, "%s", out);
	cr_assert_not_null(f = fopen(pidfile, "r"));
	cr_assert_eq(fscanf(f, "%d", &old), 1);
	fclose(f);
	cr_assert_eq(RUN("-s", "upgrade"), EX_OK, "%s", out);
	await_end(old);
	cr_assert_not_null(f = fopen(pidfile, "r"));
	cr_assert_eq(fscanf(f, "%d", &new), 1);
	fclose(f);
	cr_assert_neq(new, old);
	cr_assert_eq(kill(new, 0), 0);
	close(talk_open_path(sock));
	/* A bad configuration is told by the new one, to the old one's log. */
	daemon_configure(&d, "nonsense\n");
	cr_assert_eq(kill(new, SIGUSR2), 0);
	daemon_configure(&d, conf);
	cr_assert_eq(RUN("-s", "stop"), EX_OK, "%s", out);
	cr_assert_eq(stat(sock, &st), -1);
	cr_assert_eq(stat(pidfile, &st), -1);
}

Test(upgrade, variable_that_makes_no_sense_is_refused)
{
	setenv("KVD_UPGRADE", "talk=1 arena=banana", 1);
	cr_assert_eq(RUN("-f"), EX_CONFIG);
	cr_assert_not_null(strstr(out, "KVD_UPGRADE"));
	setenv("KVD_UPGRADE", "talk=77 arena=78 listen=79", 1);
	cr_assert_eq(RUN("-f"), EX_CONFIG);
	cr_assert_not_null(strstr(out, "descriptor 77"));
	unsetenv("KVD_UPGRADE");
}

Test(upgrade, one_after_another_under_load_loses_nothing)
{
	struct load_report report;
	pid_t old = d.pid;
	int i;

	load_start(&d, 4);
	for (i = 0; i < CYCLES; i++) {
		load_await(50);
		cr_assert_eq(RUN("-s", "upgrade"), EX_OK, "%s", out);
		if (i == 0)
			cr_assert_eq(daemon_wait(&d), 0);
		else
			await_end(old);
		old = master_pid();
	}
	report = load_stop();
	cr_assert_eq(report.refused, 0);
	cr_assert_eq(report.lost, 0);
	cr_log_info("%d upgrades, %ju connections, %ju requests", CYCLES,
	    (uintmax_t)report.connections, (uintmax_t)report.requests);
	cr_assert_eq(RUN("-s", "stop"), EX_OK, "%s", out);
}
