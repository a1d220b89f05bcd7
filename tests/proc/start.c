/*
 * Starting: what the command line answers, with which exit status, and what
 * is found of an earlier run.
 */

#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "shm/layout.h"
#include "tests/proc/talk.h"

static struct daemon d;
static char out[8192];

static void
begin(void)
{
	daemon_prepare(&d, NULL);
}

static void
end(void)
{
	daemon_remove(&d);
}

TestSuite(start, .init = begin, .fini = end, .timeout = 120);

static void
expect_out(const char *text)
{
	cr_assert_not_null(strstr(out, text), "no \"%s\" in: %s", text, out);
}

/* A complaint is one line, and says who complains. */
static void
expect_one_line(const char *text)
{
	expect_out(text);
	cr_assert_eq(strncmp(out, "kvd: ", 5), 0, "%s", out);
	cr_assert_eq(strchr(out, '\n'), out + strlen(out) - 1, "%s", out);
}

Test(start, version_build_and_help_are_told)
{
	cr_assert_eq(RUN("-v"), EX_OK);
	cr_assert_eq(strncmp(out, "kvd ", 4), 0, "%s", out);
	cr_assert_eq(RUN("-V"), EX_OK);
	expect_out("compiler: ");
	cr_assert_eq(RUN("-h"), EX_OK);
	expect_out("usage: kvd ");
	expect_out("  -s signal ");
}

Test(start, bad_option_or_argument_is_a_usage_error)
{
	cr_assert_eq(RUN("-Z"), EX_USAGE);
	expect_out("usage: kvd ");
	cr_assert_eq(RUN("-m"), EX_USAGE);
	cr_assert_eq(RUN("start"), EX_USAGE);
	expect_out("unexpected argument: start");
	cr_assert_eq(RUN("-m", "banana"), EX_USAGE);
	expect_one_line("banana");
	cr_assert_eq(RUN("-w", "-1"), EX_USAGE);
	cr_assert_eq(RUN("-s", "dance"), EX_USAGE);
	expect_one_line("dance");
}

Test(start, configuration_is_checked_and_printed_without_starting)
{
	cr_assert_eq(RUN("-n"), EX_OK);
	cr_assert_str_eq(out, "configuration OK\n");
	cr_assert_eq(RUN("-T", "-m", "32M"), EX_OK);
	expect_out("memory 32M");
	daemon_configure(&d, "size = 16M\nmemory $size\n");
	cr_assert_eq(RUN("-T", "-D", "size=48M"), EX_OK);
	expect_out("memory 48M");
	daemon_configure(&d, "workers many\n");
	cr_assert_eq(RUN("-n"), EX_CONFIG);
	expect_out("kvd.conf:1: ");
	cr_assert_eq(RUN("-f"), EX_CONFIG);
}

Test(start, unreadable_configuration_is_named)
{
	cr_assert_eq(RUN("-c", "/nonexistent/kvd.conf", "-n"), EX_NOINPUT);
	expect_one_line("/nonexistent/kvd.conf");
}

Test(start, unknown_user_is_named)
{
	cr_assert_eq(RUN("-f", "-u", "no-such-user-here"), EX_NOUSER);
	expect_one_line("no-such-user-here");
	cr_assert_eq(RUN("-n", "-u", "no-such-user-here"), EX_NOUSER);
}

static const char *
address(char *buf, size_t size, unsigned port)
{
	snprintf(buf, size, "127.0.0.1:%u", port);
	return buf;
}

Test(start, port_taken_is_named)
{
	char where[32];

	daemon_launch(&d, NULL);
	address(where, sizeof(where), d.port);
	cr_assert_eq(RUN("-f", "-l", where, "-N", "test.other"),
	    EX_UNAVAILABLE);
	expect_one_line(where);
}

Test(start, second_instance_is_refused_with_the_pid_of_the_first)
{
	char where[32], pid[32];

	daemon_launch(&d, NULL);
	talk_once(&d, "CREATE b\r\n", "OK\r\n");
	snprintf(pid, sizeof(pid), "pid %d;", (int)d.pid);
	/* Also on the first one's port: the name is looked at before. */
	address(where, sizeof(where), d.port);
	cr_assert_eq(RUN("-f", "-l", where), EX_TEMPFAIL);
	expect_one_line(pid);
	address(where, sizeof(where), daemon_free_port());
	cr_assert_eq(RUN("-f", "-l", where), EX_TEMPFAIL);
	cr_assert_eq(RUN("-f", "-C", "-l", where), EX_TEMPFAIL);
	expect_one_line(pid);
	talk_once(&d, "BUCKETS\r\n", "b\r\nOK\r\n");
}

Test(start, memory_too_small_for_its_values_is_said)
{
	char where[32];

	address(where, sizeof(where), daemon_free_port());
	daemon_configure(&d, "limits { value 64M }\n");
	cr_assert_eq(RUN("-f", "-m", "1M", "-l", where), EX_CONFIG);
	expect_one_line("cannot make the shared memory");
}

/* In a mount namespace of its own, with a /dev/shm of 4 MB. */
static int
run_with_small_shm(void)
{
	char where[32];

	if (unshare(CLONE_NEWNS) == -1 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=4m") == -1)
		return -1;
	address(where, sizeof(where), daemon_free_port());
	return RUN("-f", "-m", "64M", "-l", where);
}

Test(start, shared_memory_without_room_is_said)
{
	int status = run_with_small_shm();

	if (status == -1)
		cr_skip_test("only root can make a small /dev/shm");
	cr_assert_eq(status, EX_OSERR);
	expect_one_line("/dev/shm");
	expect_out("-m");
}

/* An object of the instance's name, of these bytes. */
static void
make_object(const void *bytes, size_t len)
{
	char name[96];
	int fd;

	snprintf(name, sizeof(name), "/kvd.%s", d.name);
	fd = shm_open(name, O_RDWR | O_CREAT, 0600);
	cr_assert_neq(fd, -1);
	cr_assert_eq(ftruncate(fd, 1 << 20), 0);
	cr_assert_eq(pwrite(fd, bytes, len, 0), (ssize_t)len);
	close(fd);
}

Test(start, what_is_no_arena_is_refused_with_the_remedy_and_left_alone)
{
	static const char bytes[] = "not an arena at all";
	const char *const cold[] = { "-C", NULL };
	char where[32], name[96], found[sizeof(bytes)];
	int fd;

	make_object(bytes, sizeof(bytes));
	address(where, sizeof(where), daemon_free_port());
	cr_assert_eq(RUN("-f", "-l", where), EX_CONFIG);
	expect_one_line("start with -C");
	snprintf(name, sizeof(name), "/kvd.%s", d.name);
	cr_assert_neq(fd = shm_open(name, O_RDONLY, 0), -1);
	cr_assert_eq(read(fd, found, sizeof(found)), (ssize_t)sizeof(found));
	close(fd);
	cr_assert_str_eq(found, bytes);
	daemon_launch(&d, cold);
	talk_once(&d, "BUCKETS\r\n", "OK\r\n");
}

/* Shared memory with this at its beginning: kvd makes a new one, and says
 * why. */
static void
expect_new_arena(const void *header, size_t size, const char *why)
{
	make_object(header, size);
	daemon_launch(&d, NULL);
	daemon_await_log(&d, why, 1);
	daemon_await_log(&d, "made shared memory", 1);
	talk_once(&d, "BUCKETS\r\n", "OK\r\n");
}

Test(start, arena_of_another_layout_is_replaced_and_the_log_says_why)
{
	struct superblock header = {
		.magic = LAYOUT_MAGIC, .version = LAYOUT_VERSION,
		.layout_hash = 1
	};

	expect_new_arena(&header, sizeof(header),
	    "discarded the shared memory");
	daemon_await_log(&d, "made by a version with another layout", 1);
}

Test(start, arena_that_was_never_completed_is_replaced)
{
	const struct superblock header = { .version = LAYOUT_VERSION };

	expect_new_arena(&header, sizeof(header),
	    "never completed by who began to make it");
}

Test(start, arena_whose_maker_died_at_once_is_replaced)
{
	expect_new_arena("", 0, "never completed by who began to make it");
}

static void
change_header(size_t offset, const void *bytes, size_t size)
{
	char name[96];
	int fd;

	snprintf(name, sizeof(name), "/kvd.%s", d.name);
	cr_assert_neq(fd = shm_open(name, O_RDWR, 0), -1);
	cr_assert_eq(pwrite(fd, bytes, size, (off_t)offset), (ssize_t)size);
	close(fd);
}

Test(start, arena_of_before_the_last_boot_is_replaced)
{
	daemon_launch(&d, NULL);
	talk_once(&d, "CREATE b\r\n", "OK\r\n");
	daemon_kill(&d, SIGTERM);
	cr_assert_eq(daemon_wait(&d), 0);
	change_header(offsetof(struct superblock, boot_id), "x", 1);
	daemon_launch(&d, NULL);
	daemon_await_log(&d, "made before the last boot", 1);
	talk_once(&d, "BUCKETS\r\n", "OK\r\n");
}

Test(start, arena_of_another_pid_namespace_is_refused_with_the_remedy)
{
	const uint64_t other = 0;
	char where[32];

	daemon_launch(&d, NULL);
	daemon_kill(&d, SIGTERM);
	cr_assert_eq(daemon_wait(&d), 0);
	change_header(offsetof(struct superblock, pidns) + 8, &other, 8);
	address(where, sizeof(where), daemon_free_port());
	cr_assert_eq(RUN("-f", "-l", where), EX_CONFIG);
	expect_one_line("another pid namespace; start with -C");
}

Test(start, arena_of_another_user_is_refused)
{
	char where[32], name[96];

	if (geteuid() != 0)
		cr_skip_test("only root can give files away");
	make_object("x", 1);
	snprintf(name, sizeof(name), "/dev/shm/kvd.%s", d.name);
	cr_assert_eq(chown(name, 1, 1), 0);
	address(where, sizeof(where), daemon_free_port());
	cr_assert_eq(RUN("-f", "-l", where), EX_NOPERM);
	expect_one_line(name);
}

Test(start, of_workers_that_do_not_come_to_serve_is_given_up)
{
	char where[32];

	daemon_configure(&d, "memory 64M\nworkers 1\n"
	    "supervise { start 300ms }\n");
	address(where, sizeof(where), daemon_free_port());
	daemon_hold(&d);
	cr_assert_eq(RUN("-f", "-l", where), EX_SOFTWARE);
	expect_out("new processes do not all serve within 300 ms");
	expect_out("giving up: a child does not come to serve");
}

Test(start, addresses_and_socket_paths_are_listened_to)
{
	char where[32], path[96];
	const char *argv[] = {
		getenv("KVD_BIN"), "-d", "-c", d.conf, "-N", d.name, "-l",
		where, "-l", path, NULL
	};
	unsigned port = daemon_free_port();
	struct stat st;
	int fd;

	address(where, sizeof(where), port);
	snprintf(path, sizeof(path), "%s/sock", d.dir);
	/* A socket that a crash has left is no obstacle. */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	{
		struct sockaddr_un sun = { .sun_family = AF_UNIX };

		snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
		cr_assert_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)),
		    0);
	}
	close(fd);
	if ((d.pid = fork()) == 0) {
		freopen(d.log, "w", stderr);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	daemon_await_log(&d, "serves instance", 1);
	fd = talk_open_path(path);
	talk(fd, "CREATE b\r\n", "OK\r\n");
	close(fd);
	fd = talk_open_port((uint16_t)port);
	talk(fd, "BUCKETS\r\n", "b\r\nOK\r\n");
	close(fd);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0660);
	cr_assert_eq(RUN("-f", "-N", "test.other", "-l", path),
	    EX_UNAVAILABLE);
	expect_one_line(path);
	daemon_kill(&d, SIGTERM);
	cr_assert_eq(daemon_wait(&d), 0);
	cr_assert_eq(access(path, F_OK), -1);
}

Test(start, port_in_the_environment_is_used)
{
	char port[16];
	uint16_t n = daemon_free_port();
	int fd;

	snprintf(port, sizeof(port), "%u", n);
	setenv("PORT", port, 1);
	cr_assert_eq(RUN("-w", "1"), EX_OK);
	unsetenv("PORT");
	fd = talk_open_port(n);
	talk(fd, "CREATE b\r\n", "OK\r\n");
	close(fd);
	cr_assert_eq(RUN("-s", "stop"), EX_OK);
}

static int
read_pid(const char *path)
{
	FILE *f = fopen(path, "r");
	int pid = 0;

	if (f != NULL) {
		if (fscanf(f, "%d", &pid) != 1)
			pid = 0;
		fclose(f);
	}
	return pid;
}

Test(start, daemon_detaches_when_it_serves_and_writes_its_pid)
{
	char where[32], path[96];
	uint16_t port = daemon_free_port();
	int fd, pid;

	address(where, sizeof(where), port);
	snprintf(path, sizeof(path), "%s/pid", d.dir);
	cr_assert_eq(RUN("-l", where, "-p", path), EX_OK);
	cr_assert_str_eq(out, "");
	/* No waiting: it serves when the command has returned. */
	fd = talk_open_port(port);
	talk(fd, "CREATE b\r\n", "OK\r\n");
	pid = read_pid(path);
	cr_assert_gt(pid, 0);
	cr_assert_eq(talk_info(fd, "server", "master_pid"), (uint64_t)pid);
	cr_assert_eq(getsid(pid) == getsid(0), false);
	close(fd);
	cr_assert_eq(RUN("-s", "stop"), EX_OK);
	cr_assert_eq(access(path, F_OK), -1);
	cr_assert_eq(RUN("-s", "stop"), EX_UNAVAILABLE);
	expect_one_line("is running");
}

Test(start, detaching_daemon_hands_its_failure_to_the_shell)
{
	char where[32];

	daemon_launch(&d, NULL);
	address(where, sizeof(where), d.port);
	cr_assert_eq(RUN("-l", where), EX_TEMPFAIL);
	expect_one_line("already running");
	cr_assert_eq(RUN("-l", where, "-N", "test.other"), EX_UNAVAILABLE);
	expect_one_line(where);
	address(where, sizeof(where), daemon_free_port());
	cr_assert_eq(RUN("-l", where, "-N", "test.other", "-p",
	    "/nonexistent/pid"), EX_CANTCREAT);
	expect_one_line("/nonexistent/pid");
}

Test(start, privileges_are_dropped_to_the_user)
{
	const char *const flags[] = { "-u", "nobody", NULL };
	char path[96], line[64];
	unsigned uid = 0;
	FILE *f;

	if (geteuid() != 0)
		cr_skip_test("only root can become somebody else");
	/* Its log is standard error, its folder is not needed. */
	daemon_launch(&d, flags);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)d.pid);
	cr_assert_not_null(f = fopen(path, "r"));
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "Uid: %*u %u", &uid) == 1)
			break;
	fclose(f);
	cr_assert_neq(uid, 0);
	talk_once(&d, "CREATE b\r\n", "OK\r\n");
	daemon_kill(&d, SIGTERM);
	cr_assert_eq(daemon_wait(&d), 0);
}
