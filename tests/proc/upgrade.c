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

#define CYCLES	100

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

/* What a file of our folder begins with; 0: it is not there. */
static int
number_in(const char *file)
{
	char path[128];
	int number = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", d.dir, file);
	if ((f = fopen(path, "r")) != NULL) {
		if (fscanf(f, "%d", &number) != 1)
			number = 0;
		fclose(f);
	}
	return number;
}

Test(upgrade, goes_on_with_data_sockets_and_name_in_another_process)
{
	pid_t old = d.pid, new;

	talk_once(&d, "CREATE b\r\nPUT b k v\r\n", "OK\r\nOK\r\n");
	cr_assert_eq(RUN("-s", "upgrade"), EX_OK, "%s", out);
	cr_assert_eq(daemon_wait(&d), 0);
	new = talk_master_pid(&d);
	cr_assert_neq(new, old);
	talk_once(&d, "GET b k\r\n", "v\r\nOK\r\n");
	cr_assert_eq(RUN("-s", "stop"), EX_OK, "%s", out);
	daemon_await_end(new);
	cr_assert_eq(RUN("-s", "stop"), EX_UNAVAILABLE);
}

Test(upgrade, of_an_upgraded_one_works_as_well)
{
	pid_t first = d.pid, second, third;

	cr_assert_eq(RUN("-s", "upgrade"), EX_OK, "%s", out);
	second = talk_new_master_pid(&d, first);
	cr_assert_eq(daemon_wait(&d), 0);
	cr_assert_eq(RUN("-s", "upgrade"), EX_OK, "%s", out);
	third = talk_new_master_pid(&d, second);
	cr_assert(first != second && second != third);
	daemon_await_end(second);
	cr_assert_eq(RUN("-s", "reload"), EX_OK, "%s", out);
	cr_assert_eq(RUN("-s", "stop"), EX_OK, "%s", out);
	daemon_await_end(third);
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
	cr_assert_eq(talk_master_pid(&d), d.pid);
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
	cr_assert_eq(talk_master_pid(&d), d.pid);
	talk_once(&d, "BUCKETS\r\n", "b\r\nOK\r\n");
}

/* It would keep a lock for ever, and its slot is another's one day. */
Test(upgrade, ends_a_stopped_worker_of_an_old_master_that_was_killed)
{
	int fd = talk_open(&d);
	pid_t orphan;

	talk(fd, "CREATE b\r\n", "OK\r\n");
	orphan = (pid_t)talk_info(fd, "server", "worker_pid");
	cr_assert_eq(RUN("-s", "upgrade"), EX_OK, "%s", out);
	cr_assert_eq(kill(orphan, SIGSTOP), 0);
	talk_await_stop(orphan);
	daemon_kill(&d, SIGKILL);
	daemon_wait(&d);
	daemon_await_log(&d, "which a master that died has left", 1);
	daemon_await_end(orphan);
	talk_once(&d, "PUT b k v\r\n", "OK\r\n");
	cr_assert_eq(RUN("-s", "reload"), EX_OK, "%s", out);
	talk_once(&d, "GET b k\r\n", "v\r\nOK\r\n");
	cr_assert_eq(RUN("-s", "stop"), EX_OK, "%s", out);
}

Test(upgrade, is_not_begun_twice_nor_during_a_reload)
{
	daemon_hold(&d);
	daemon_kill(&d, SIGUSR2);
	daemon_await_log(&d, "started the new program", 1);
	daemon_kill(&d, SIGHUP);
	daemon_await_log(&d, "not reloading", 1);
	daemon_kill(&d, SIGUSR2);
	daemon_await_log(&d, "not upgrading", 1);
	daemon_release(&d);
	cr_assert_eq(daemon_wait(&d), 0);
	cr_assert_eq(RUN("-s", "stop"), EX_OK, "%s", out);
}

/* Restart it in the background, with files of its own; its pid. */
static pid_t
begin_in_background(const char *start)
{
	char conf[512];
	pid_t pid;

	daemon_kill(&d, SIGTERM);
	cr_assert_eq(daemon_wait(&d), 0);
	snprintf(conf, sizeof(conf), "memory 64M\nworkers 1\n"
	    "listen \"%s/sock\"\npidfile \"%s/pid\"\n"
	    "log { to \"%s/kvd.log\" }\nsupervise { start %s }\n", d.dir,
	    d.dir, d.dir, start);
	daemon_configure(&d, conf);
	snprintf(d.log, sizeof(d.log), "%s/kvd.log", d.dir);
	cr_assert_eq(RUN("-w", "1"), EX_OK, "%s", out);
	cr_assert_gt(pid = number_in("pid"), 0);
	return pid;
}

static bool
is_in_folder(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", d.dir, name);
	return access(path, F_OK) == 0;
}

static void
connect_by_path(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/sock", d.dir);
	close(talk_open_path(path));
}

static bool
is_at_home(int pid)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/cwd", pid);
	n = readlink(path, out, sizeof(out) - 1);
	return n == 1 && out[0] == '/';
}

static int
child_of(int pid)
{
	char path[64];
	int child = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	cr_assert_not_null(f = fopen(path, "r"));
	cr_assert_eq(fscanf(f, "%d", &child), 1);
	fclose(f);
	return child;
}

Test(upgrade, of_a_daemon_takes_its_pid_file_and_socket_file_along)
{
	pid_t old = begin_in_background("1m"), new;

	cr_assert_eq(RUN("-s", "upgrade"), EX_OK, "%s", out);
	daemon_await_end(old);
	cr_assert_neq(new = number_in("pid"), old);
	connect_by_path();
	cr_assert(is_at_home(new) && is_at_home(child_of(new)),
	    "it stays in a folder of others");
	cr_assert_eq(RUN("-s", "stop"), EX_OK, "%s", out);
	cr_assert(!is_in_folder("sock"));
	cr_assert(!is_in_folder("pid"));
}

Test(upgrade, of_a_daemon_that_fails_is_explained_in_its_log)
{
	pid_t pid = begin_in_background("1m");

	/* The configuration is its own: it needs no flag to be wrong. */
	daemon_configure(&d, "memory 64M\nnonsense\n");
	cr_assert_eq(kill(pid, SIGUSR2), 0);
	daemon_await_log(&d, "the new program says: kvd: ", 1);
	daemon_await_log(&d, "kvd.conf:2: ", 1);
	daemon_await_log(&d, "the old one goes on", 1);
	cr_assert_eq(number_in("pid"), pid);
	connect_by_path();
	cr_assert_eq(RUN("-N", d.name, "-s", "stop"), EX_CONFIG);
	cr_assert_eq(kill(pid, SIGTERM), 0);
	daemon_await_end(pid);
	cr_assert(!is_in_folder("sock"));
}

Test(upgrade, of_a_daemon_that_is_given_up_leaves_the_socket_file)
{
	pid_t pid = begin_in_background("1s");

	daemon_hold(&d);
	cr_assert_eq(kill(pid, SIGUSR2), 0);
	daemon_await_log(&d, "started the new program", 1);
	/* The new program is told in time, and ends in order. */
	daemon_await_log(&d, "do not all serve within 1000 ms", 1);
	daemon_await_log(&d, "the old one goes on", 1);
	daemon_release(&d);
	connect_by_path();
	cr_assert_eq(RUN("-s", "stop"), EX_OK, "%s", out);
	cr_assert(!is_in_folder("sock"));
}

Test(upgrade, keeps_what_cannot_change_while_kvd_runs)
{
	char conf[256];
	int fd;

	snprintf(conf, sizeof(conf), "memory 32M\nworkers 2\n"
	    "pidfile \"%s/pid\"\nlimits { clients 77 }\n", d.dir);
	daemon_configure(&d, conf);
	cr_assert_eq(RUN("-s", "upgrade"), EX_OK, "%s", out);
	daemon_await_log(&d, "memory cannot change while kvd runs", 1);
	daemon_await_log(&d, "pidfile cannot change while kvd runs", 1);
	cr_assert(!is_in_folder("pid"));
	fd = talk_open(&d);
	cr_assert_eq(talk_info(fd, "clients", "clients_max"), 77);
	/* It knows so itself, too. */
	cr_assert_eq(RUN("-s", "reload"), EX_OK, "%s", out);
	daemon_await_log(&d, "memory cannot change while kvd runs", 2);
	cr_assert_eq(RUN("-s", "stop"), EX_OK, "%s", out);
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
			daemon_await_end(old);
		old = talk_new_master_pid(&d, old);
	}
	report = load_stop();
	cr_assert_eq(report.refused, 0);
	cr_assert_eq(report.lost, 0, "%s", report.instead);
	cr_log_info("%d upgrades, %ju connections, %ju requests", CYCLES,
	    (uintmax_t)report.connections, (uintmax_t)report.requests);
	cr_assert_eq(RUN("-s", "stop"), EX_OK, "%s", out);
}
