/*
 * Starting and ending kvd for tests.  The listening socket is opened here
 * and handed over as a service manager would (LISTEN_FDS), so that no test
 * ever races another one for a port.
 */

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/proc/daemon.h"

#define FLAGS_MAX	32
#define PATIENCE_MS	20000

static const char default_conf[] =
    "memory 64M\n"
    "workers 2\n";

static const char *
kvd_bin(void)
{
	const char *path = getenv("KVD_BIN");

	cr_assert_not_null(path, "KVD_BIN does not name the kvd to test");
	return path;
}

static void
nap(void)
{
	const struct timespec ts = { .tv_nsec = 2000000 };

	nanosleep(&ts, NULL);
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static pid_t
spawn(const char *const *argv, int out_fd)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	dup2(out_fd, STDOUT_FILENO);
	dup2(out_fd, STDERR_FILENO);
	execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* A daemon that has detached is nobody's child: ask it to stop. */
static void
stop_detached(const struct daemon *d)
{
	const char *argv[] = {
		kvd_bin(), "-c", d->conf, "-N", d->name, "-s", "stop", NULL
	};
	char object[96];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid;

	snprintf(object, sizeof(object), "/kvd.%s", d->name);
	pid = spawn(argv, null);
	waitpid(pid, NULL, 0);
	shm_unlink(object);
	close(null);
}

static _Noreturn void
guard(const struct daemon *d, int fd)
{
	char byte;

	setpgid(0, 0);
	while (read(fd, &byte, 1) == -1 && errno == EINTR)
		;
	stop_detached(d);
	nftw(d->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	_exit(0);
}

static void
start_guard(struct daemon *d)
{
	int ends[2], null;

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	d->guard = fork();
	cr_assert_neq(d->guard, -1);
	if (d->guard == 0) {
		/* Our output is the runner's pipe: it must not wait for us. */
		null = open("/dev/null", O_RDWR);
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		/* Nor may it keep another guardian waiting. */
		dup2(ends[0], 3);
		closefrom(4);
		guard(d, 3);
	}
	close(ends[0]);
	d->guard_fd = ends[1];
}

void
daemon_configure(const struct daemon *d, const char *conf)
{
	FILE *f = fopen(d->conf, "w");

	cr_assert_not_null(f);
	fputs(conf, f);
	cr_assert_eq(fclose(f), 0);
}

void
daemon_prepare(struct daemon *d, const char *conf)
{
	static unsigned serial;

	memset(d, 0, sizeof(*d));
	snprintf(d->name, sizeof(d->name), "test.%d.%u", (int)getpid(),
	    serial++);
	snprintf(d->dir, sizeof(d->dir), "/tmp/kvd-test-XXXXXX");
	cr_assert_not_null(mkdtemp(d->dir));
	snprintf(d->conf, sizeof(d->conf), "%s/kvd.conf", d->dir);
	snprintf(d->log, sizeof(d->log), "%s/log", d->dir);
	snprintf(d->hold, sizeof(d->hold), "%s/hold", d->dir);
	setenv("KVD_DEBUG_HOLD", d->hold, 1);
	kvd_bin();
	start_guard(d);
	daemon_configure(d, conf == NULL ? default_conf : conf);
}

static int
listen_somewhere(uint16_t *port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_neq(fd, -1);
	cr_assert_eq(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	cr_assert_eq(listen(fd, 4096), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	*port = ntohs(sin.sin_port);
	return fd;
}

uint16_t
daemon_free_port(void)
{
	uint16_t port;

	close(listen_somewhere(&port));
	return port;
}

static void
hand_over_socket(int fd)
{
	char pid[16];

	if (fd == 3)
		fcntl(fd, F_SETFD, 0);
	else
		dup2(fd, 3);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
}

/* The child ends with the test, so that not even a crash leaves it. */
static _Noreturn void
become_daemon(const struct daemon *d, const char *const *flags, int fd,
    int log)
{
	const char *argv[FLAGS_MAX] = {
		kvd_bin(), "-d", "-c", d->conf, "-N", d->name
	};
	int n = 6;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (d->net_fd > 0 && setns(d->net_fd, CLONE_NEWNET) == -1)
		_exit(127);
	for (; flags != NULL && *flags != NULL && n < FLAGS_MAX - 1; flags++)
		argv[n++] = *flags;
	dup2(log, STDERR_FILENO);
	hand_over_socket(fd);
	execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static void
show_log(const struct daemon *d)
{
	char line[512];
	FILE *f = fopen(d->log, "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		fprintf(stderr, "  %s", line);
	if (f != NULL)
		fclose(f);
}

int
daemon_count_log(const struct daemon *d, const char *text)
{
	char line[2048];
	FILE *f = fopen(d->log, "r");
	int n = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, text) != NULL;
	if (f != NULL)
		fclose(f);
	return n;
}

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static bool
has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG |
	    WNOWAIT) == -1 || info.si_pid == pid;
}

/* alive: it is our daemon that has to say it. */
static void
await_log(const struct daemon *d, const char *text, int n, bool alive)
{
	uint64_t deadline_ms = now_ms() + PATIENCE_MS;

	while (daemon_count_log(d, text) < n) {
		if (now_ms() > deadline_ms || (alive && has_ended(d->pid))) {
			show_log(d);
			cr_assert_fail("the log never said \"%s\"", text);
		}
		nap();
	}
}

void
daemon_launch(struct daemon *d, const char *const *flags)
{
	int fd = listen_somewhere(&d->port), log;

	/* Empty, before anybody waits for what one before has said, too. */
	log = open(d->log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC,
	    0600);
	cr_assert_neq(log, -1);
	d->pid = fork();
	cr_assert_neq(d->pid, -1);
	if (d->pid == 0)
		become_daemon(d, flags, fd, log);
	close(fd);
	close(log);
	await_log(d, "serves instance", 1, true);
}

void
daemon_start(struct daemon *d)
{
	daemon_prepare(d, NULL);
	daemon_launch(d, NULL);
}

void
daemon_hold(const struct daemon *d)
{
	FILE *f = fopen(d->hold, "w");

	cr_assert_not_null(f);
	fclose(f);
}

void
daemon_release(const struct daemon *d)
{
	cr_assert_eq(unlink(d->hold), 0);
}

void
daemon_kill(const struct daemon *d, int signal)
{
	cr_assert_eq(kill(d->pid, signal), 0);
}

static void
show_command(pid_t pid)
{
	char path[64], text[1024];
	size_t n, i;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return;
	n = fread(text, 1, sizeof(text) - 1, f);
	for (i = 0; i < n; i++)
		text[i] = text[i] == '\0' ? ' ' : text[i];
	fprintf(stderr, "  %.*s\n", (int)n, text);
	fclose(f);
}

static int
reap(pid_t pid, const struct daemon *d)
{
	struct pollfd end = { .events = POLLIN };
	int status;

	end.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	cr_assert_neq(end.fd, -1);
	if (poll(&end, 1, 3 * PATIENCE_MS) != 1) {
		show_command(pid);
		kill(pid, SIGKILL);
		show_log(d);
		cr_assert_fail("kvd did not end");
	}
	close(end.fd);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    1000 + WTERMSIG(status);
}

int
daemon_wait(struct daemon *d)
{
	int status = reap(d->pid, d);

	d->pid = 0;
	return status;
}

void
daemon_remove(struct daemon *d)
{
	if (d->pid > 0) {
		kill(d->pid, SIGKILL);
		daemon_wait(d);
	}
	close(d->guard_fd);
	waitpid(d->guard, NULL, 0);
}

void
daemon_stop(struct daemon *d)
{
	int status;

	daemon_kill(d, SIGTERM);
	status = daemon_wait(d);
	if (status != 0)
		show_log(d);
	daemon_remove(d);
	cr_assert_eq(status, 0, "kvd ended with status %d", status);
}

/* One that has ended stays until somebody asks for its status. */
static bool
is_zombie(pid_t pid)
{
	char path[32], text[256] = "";
	const char *name_end;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((f = fopen(path, "re")) == NULL)
		return true;
	(void)!fgets(text, sizeof(text), f);
	fclose(f);
	name_end = strrchr(text, ')');
	return name_end != NULL && name_end[1] == ' ' && name_end[2] == 'Z';
}

void
daemon_await_end(pid_t pid)
{
	while (kill(pid, 0) == 0 && !is_zombie(pid))
		nap();
}

void
daemon_await_log(const struct daemon *d, const char *text, int n)
{
	await_log(d, text, n, false);
}

int
daemon_run(const struct daemon *d, const char *const *flags, char *out,
    size_t size)
{
	const char *argv[FLAGS_MAX] = {
		kvd_bin(), "-c", d->conf, "-N", d->name
	};
	int n = 5, status;
	FILE *f = tmpfile();
	pid_t pid;

	cr_assert_not_null(f);
	for (; flags != NULL && *flags != NULL && n < FLAGS_MAX - 1; flags++)
		argv[n++] = *flags;
	pid = spawn(argv, fileno(f));
	cr_assert_neq(pid, -1);
	status = reap(pid, d);
	rewind(f);
	out[fread(out, 1, size - 1, f)] = '\0';
	fclose(f);
	return status;
}
