/*
 * Starting kvd, and knowing its processes.  We are the reaper of what its
 * masters leave behind, so at the end we know that none of it is left.
 */

#include "tests/crash/storm/server.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/board.h"
#include "tests/crash/storm/storm.h"

#define PATIENCE_NS	(UINT64_C(20) * 1000000000)
#define LOG_SHOWN	4096	/* bytes */

void
server_prepare(struct server *s, const char *memory)
{
	char conf[512];

	memset(s, 0, sizeof(*s));
	cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	daemon_prepare(&s->d, NULL);
	snprintf(s->socket, sizeof(s->socket), "%s/socket", s->d.dir);
	snprintf(conf, sizeof(conf),
	    "listen \"%s\"\nmemory %s\nworkers 4\nshards 8\n"
	    "limits { value 64K; }\n"
	    "supervise { max-restarts 1000; max-seconds 10s; "
	    "restart-delay 0; }\n", s->socket, memory);
	daemon_configure(&s->d, conf);
}

/* A sanitizer must leave SIGSEGV to kvd, and its death to the kernel. */
static void
set_environment(void)
{
	const char *was = getenv("ASAN_OPTIONS");
	char options[512];

	snprintf(options, sizeof(options), "%s:handle_segv=0",
	    was == NULL ? "" : was);
	setenv("ASAN_OPTIONS", options, 1);
}

static _Noreturn void
become_master(const struct server *s)
{
	const char *argv[] = {
		getenv("KVD_BIN"), "-d", "-c", s->d.conf, "-N", s->d.name,
		NULL
	};
	int log;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	log = open(s->d.log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(log, STDERR_FILENO);
	close(log);
	set_environment();
	execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

void
server_expect_alive(struct server *s)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)s->d.pid, &info, WEXITED | WNOHANG |
	    WNOWAIT) == 0 && info.si_pid == 0)
		return;
	server_show(s);
	cr_assert_fail("the master died: %s %d",
	    info.si_code == CLD_EXITED ? "status" : "signal",
	    info.si_status);
}

/* One request over a new connection; true if there was an answer. */
static bool
answers(const struct server *s)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct pollfd p = { .events = POLLIN };
	char byte;
	bool answered = false;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", s->socket);
	p.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p.fd == -1)
		return false;
	if (connect(p.fd, (struct sockaddr *)&sun, sizeof(sun)) == 0 &&
	    send(p.fd, "COUNT all0\r\n", 12, MSG_NOSIGNAL) == 12)
		answered = poll(&p, 1, 1000) == 1 &&
		    recv(p.fd, &byte, 1, 0) == 1;
	close(p.fd);
	return answered;
}

static void
await_serving(struct server *s, uint64_t deadline_ns)
{
	struct board_row row;

	while (!board_read(s->arena, BOARD_MASTER_SLOT, &row) ||
	    row.pid != s->d.pid || row.state != BOARD_SERVING) {
		server_expect_alive(s);
		if (storm_now_ns() > deadline_ns) {
			server_show(s);
			cr_assert_fail("kvd does not serve");
		}
		storm_sleep_ns(200000);
	}
}

uint64_t
server_start(struct server *s)
{
	uint64_t deadline_ns = storm_now_ns() + PATIENCE_NS, now_ns;

	s->d.pid = fork();
	cr_assert_neq(s->d.pid, -1);
	if (s->d.pid == 0)
		become_master(s);
	(void)setpgid(s->d.pid, s->d.pid);
	while (!answers(s)) {
		server_expect_alive(s);
		if (storm_now_ns() > deadline_ns) {
			server_show(s);
			cr_assert_fail("kvd does not answer");
		}
		storm_sleep_ns(200000);
	}
	now_ns = storm_now_ns();
	if (s->arena == NULL)
		cr_assert_eq(arena_attach(&s->arena, s->d.name, geteuid()),
		    ARENA_OK);
	await_serving(s, deadline_ns);
	return now_ns;
}

/* What the dead masters of this group left us to reap. */
static void
reap_orphans(pid_t group)
{
	while (waitpid(-group, NULL, WNOHANG) > 0)
		;
}

void
server_end(struct server *s, int signal)
{
	pid_t group = s->d.pid;
	int status;

	daemon_kill(&s->d, signal);
	status = daemon_wait(&s->d);
	reap_orphans(group);
	if (status != 0)
		server_show(s);
	cr_assert_eq(status, 0, "kvd ended with status %d", status);
}

void
server_kill_master(struct server *s)
{
	daemon_kill(&s->d, SIGKILL);
	cr_assert_eq(daemon_wait(&s->d), 1000 + SIGKILL);
}

void
server_kill_all(struct server *s)
{
	cr_assert_eq(kill(-s->d.pid, SIGKILL), 0);
	cr_assert_eq(daemon_wait(&s->d), 1000 + SIGKILL);
}

unsigned
server_children(const struct server *s, pid_t *pids)
{
	char path[64];
	unsigned n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
	    (int)s->d.pid, (int)s->d.pid);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	while (n < SERVER_CHILDREN_MAX && fscanf(f, "%d", &pids[n]) == 1)
		n++;
	fclose(f);
	return n;
}

static unsigned
count_files(pid_t pid)
{
	char path[64];
	unsigned n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if ((dir = opendir(path)) == NULL)
		return 0;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 2;	/* . and .. */
}

void
server_count_files(const struct server *s, unsigned *master,
    unsigned *children)
{
	pid_t pids[SERVER_CHILDREN_MAX];
	unsigned i, n = server_children(s, pids);

	*master = count_files(s->d.pid);
	for (*children = 0, i = 0; i < n; i++)
		*children += count_files(pids[i]);
}

/* Showing. */

static void
show_process(pid_t pid)
{
	static const char *const files[] = { "cmdline", "wchan", "stat" };
	char path[64], text[256];
	unsigned i;
	FILE *f;

	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid,
		    files[i]);
		if ((f = fopen(path, "r")) == NULL)
			continue;
		text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
		fclose(f);
		fprintf(stderr, "  %s: %.120s\n", path, text);
	}
}

static void
show_board(const struct server *s)
{
	struct board_row row;
	unsigned i;

	for (i = 0; s->arena != NULL && i < BOARD_SLOTS; i++)
		if (board_read(s->arena, i, &row) && row.pid != 0)
			fprintf(stderr, "  board %u: %s, pid %d, %s, "
			    "%ju restarts, moved at %ju ms\n", i,
			    board_role_name(row.role), (int)row.pid,
			    board_state_name(row.state),
			    (uintmax_t)row.restarts,
			    (uintmax_t)row.heartbeat_ms);
}

static void
show_memory(const struct server *s)
{
	struct arena_usage u;

	if (s->arena == NULL)
		return;
	arena_usage(s->arena, &u);
	fprintf(stderr, "  segments: %ju raw, %ju free, %ju log, %ju index, "
	    "%ju in all; log: %ju bytes, %ju dead\n",
	    (uintmax_t)u.segments_raw, (uintmax_t)u.segments_free,
	    (uintmax_t)u.segments_log, (uintmax_t)u.segments_index,
	    (uintmax_t)u.segments, (uintmax_t)u.log_bytes,
	    (uintmax_t)u.dead_bytes);
}

static void
show_log(const struct server *s)
{
	char text[LOG_SHOWN + 1];
	FILE *f = fopen(s->d.log, "r");

	if (f == NULL)
		return;
	if (fseek(f, -LOG_SHOWN, SEEK_END) == -1)
		rewind(f);
	text[fread(text, 1, LOG_SHOWN, f)] = '\0';
	fclose(f);
	fprintf(stderr, "%s\n", text);
}

void
server_show(const struct server *s)
{
	pid_t pids[SERVER_CHILDREN_MAX];
	unsigned i, n = server_children(s, pids);

	show_process(s->d.pid);
	for (i = 0; i < n; i++)
		show_process(pids[i]);
	show_board(s);
	show_memory(s);
	show_log(s);
}

/* Leaving. */

static void
expect_no_process(void)
{
	uint64_t deadline_ns = storm_now_ns() + PATIENCE_NS;
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) != -1) {
		cr_assert_lt(storm_now_ns(), deadline_ns,
		    "a process is left");
		if (pid == 0)
			storm_sleep_ns(1000000);
	}
	cr_assert_eq(errno, ECHILD);
}

void
server_remove(struct server *s)
{
	char object[96];
	int fd;

	arena_close(s->arena);
	daemon_remove(&s->d);
	expect_no_process();
	cr_assert_neq(access(s->d.dir, F_OK), 0);
	snprintf(object, sizeof(object), "/kvd.%s", s->d.name);
	fd = shm_open(object, O_RDONLY | O_CLOEXEC, 0);
	cr_assert_eq(fd, -1, "%s is left", object);
}
