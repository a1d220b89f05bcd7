/*
 * The master: opens what must outlive every child, starts the children, and
 * sleeps until a signal, a death or a timer wakes it.
 *
 * It cannot hang: of the shared memory it knows the arena as a whole and the
 * board, no other header of shm/ is included here, and neither takes a lock
 * once the arena is made.  It parses nothing that a client has sent, so
 * there is nothing a client can do to it.
 *
 * The order of the start is its design.  First whatever may fail and is not
 * ours to break (a second instance must not take the first one's port), then
 * sockets and pid file while we may still be root, then the arena as the
 * user that we stay.  The terminal is let go when every child serves.
 */

#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/sysinfo.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "server/children.h"
#include "server/clock.h"
#include "server/daemon.h"
#include "server/instance.h"
#include "server/listen.h"
#include "server/log.h"
#include "server/master.h"
#include "server/notify.h"
#include "server/pidfile.h"
#include "server/privileges.h"
#include "server/reload.h"
#include "shm/arena.h"
#include "shm/board.h"

#define SLOT		0		/* on the board */
#define OTHER_FILES	1024		/* descriptors besides clients' */
#define BEAT_MS		1000

enum master_state { MASTER_STARTING, MASTER_SERVING, MASTER_STOPPING };

struct master {
	enum master_state	 state;
	const struct master_options *options;
	struct config		*config;
	struct listeners	 listeners;
	struct children		*children;
	struct inherit		 common;	/* to all children */
	int			*wake_fds;	/* workers', the cleaner's */
	int			 alive_fd;	/* the write end */
	int			 signal_fd;
	int			 status;
};

/* Start. */

static int
make_eventfd(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	if (fd == -1)
		fatal(EX_OSERR, "eventfd: %s", strerror(errno));
	return fd;
}

static void
open_wakes(struct master *m)
{
	size_t i, n = m->common.workers + 1;

	m->wake_fds = calloc(n, sizeof(*m->wake_fds));
	if (m->wake_fds == NULL)
		fatal(EX_OSERR, "out of memory");
	for (i = 0; i < n; i++)
		m->wake_fds[i] = make_eventfd();
	m->common.wake_fds = m->wake_fds;
	m->common.ready_fd = make_eventfd();
}

static void
open_alive_pipe(struct master *m)
{
	int ends[2];

	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) == -1)
		fatal(EX_OSERR, "pipe: %s", strerror(errno));
	m->common.alive_fd = ends[0];
	m->alive_fd = ends[1];
}

/*
 * Blocked for good, in the children too, which read their own descriptor.
 * INT is for the master alone: from a terminal it comes to all of us, and
 * the children are told by the master what it means.
 */
static void
open_signals(struct master *m)
{
	sigset_t *set = &m->common.signals;

	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGQUIT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGCHLD);
	signal(SIGPIPE, SIG_IGN);
	/* Inherited as ignored, our children's deaths would go unnoticed. */
	signal(SIGCHLD, SIG_DFL);
	if (sigprocmask(SIG_BLOCK, set, NULL) == -1)
		fatal(EX_OSERR, "sigprocmask: %s", strerror(errno));
	m->signal_fd = signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (m->signal_fd == -1)
		fatal(EX_OSERR, "signalfd: %s", strerror(errno));
}

static size_t
choose_workers(const struct config *config)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (config->workers > 0)
		return config->workers;
	if (cpus < 1)
		return 1;
	return cpus > CONFIG_WORKERS_MAX ? CONFIG_WORKERS_MAX : (size_t)cpus;
}

/* In each child: what is the master's alone is let go. */
static void
before_role(void *arg)
{
	struct master *m = arg;
	int null;

	close(m->alive_fd);
	close(m->signal_fd);
	pidfile_forget();
	if (m->options->foreground)
		return;
	log_detach();
	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	close(null);
}

static void
open_doors(struct master *m)
{
	instance_require_free(m->config);
	privileges_require_user(m->config->user);
	privileges_raise_files(m->config->clients_max + OTHER_FILES);
	listen_open(&m->listeners, m->config);
	pidfile_take(m->config->pidfile);
	privileges_drop(m->config->user);
	privileges_confine();
}

/* What an adopted arena says of processes is of those that are gone. */
static void
clear_board(struct arena *arena)
{
	unsigned slot;

	for (slot = 0; slot < BOARD_SLOTS; slot++)
		board_leave(arena, slot);
}

static void
open_inside(struct master *m)
{
	m->common.arena = instance_open(m->config, m->options->cold);
	m->common.listen_fds = m->listeners.fds;
	m->common.listens = m->listeners.n;
	m->common.workers = choose_workers(m->config);
	m->common.master = getpid();
	open_wakes(m);
	open_alive_pipe(m);
	open_signals(m);
	clear_board(m->common.arena);
	board_enter(m->common.arena, SLOT, BOARD_MASTER, clock_wall_ms(), 0);
	m->children = children_open(&m->common, m->wake_fds, before_role, m);
	if (m->children == NULL)
		fatal(EX_OSERR, "out of memory");
}

static void
title(const struct master *m, const char *state)
{
	setproctitle("master (%s) %s", m->config->name, state);
}

static void
serve_from_now_on(struct master *m)
{
	m->state = MASTER_SERVING;
	board_set_state(m->common.arena, SLOT, BOARD_SERVING);
	title(m, "serving");
	log_info("kvd %s serves instance %s with %zu worker%s", KVD_VERSION,
	    m->config->name, m->common.workers,
	    m->common.workers == 1 ? "" : "s");
	daemon_ready();
	notify_ready();
	notify_status("serving with %zu workers", m->common.workers);
}

/* Life. */

static void
stop(struct master *m, bool drain)
{
	if (m->state != MASTER_STOPPING) {
		log_info(drain ? "draining" : "stopping");
		notify_stopping();
		title(m, drain ? "draining" : "stopping");
		board_set_state(m->common.arena, SLOT, BOARD_DRAINING);
	}
	m->state = MASTER_STOPPING;
	children_stop(m->children, drain);
}

static void
reload(struct master *m)
{
	struct config next;

	if (m->state != MASTER_SERVING)
		return;
	notify_reloading();
	if (reload_read(m->common.args, m->config, &next)) {
		config_free(m->config);
		*m->config = next;
		log_open(m->config, m->common.to_stderr, m->common.verbose);
		log_info("configuration reloaded");
		children_signal(m->children, SIGHUP);
	} else {
		log_err("reload failed, the old configuration stays");
	}
	notify_ready();
}

static void
reopen(struct master *m)
{
	log_reopen();
	log_info("log reopened");
	children_signal(m->children, SIGUSR1);
}

static void
on_signals(struct master *m)
{
	struct signalfd_siginfo info;

	while (read(m->signal_fd, &info, sizeof(info)) ==
	    (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGTERM:
		case SIGINT:
			stop(m, false);
			break;
		case SIGQUIT:
			stop(m, true);
			break;
		case SIGHUP:
			reload(m);
			break;
		case SIGUSR1:
			reopen(m);
			break;
		}
	}
	/* Not under SIGCHLD: signals of a kind are merged, deaths are not. */
	children_reap(m->children);
}

static void
look_at_children(struct master *m)
{
	const char *failure = children_failure(m->children);

	if (failure != NULL && m->state != MASTER_STOPPING) {
		log_err("giving up: %s", failure);
		m->status = m->state == MASTER_STARTING ? EX_OSERR :
		    EX_SOFTWARE;
		stop(m, false);
	}
	if (m->state == MASTER_STARTING && children_serve(m->children))
		serve_from_now_on(m);
}

static void
run(struct master *m)
{
	struct pollfd polls[] = {
		{ .fd = m->signal_fd, .events = POLLIN },
		{ .fd = m->common.ready_fd, .events = POLLIN },
	};
	int timeout_ms;
	uint64_t n;

	while (m->state != MASTER_STOPPING ||
	    children_running(m->children) > 0) {
		timeout_ms = children_tick(m->children);
		if (timeout_ms == -1 || timeout_ms > BEAT_MS)
			timeout_ms = BEAT_MS;
		poll(polls, 2, timeout_ms);
		(void)!read(m->common.ready_fd, &n, sizeof(n));
		on_signals(m);
		look_at_children(m);
		board_beat(m->common.arena, SLOT);
	}
}

static void
close_all(struct master *m)
{
	size_t i;

	/* The arena stays: whoever starts next goes on with its data. */
	board_leave(m->common.arena, SLOT);
	arena_close(m->common.arena);
	listen_close(&m->listeners);
	pidfile_drop();
	for (i = 0; i < m->common.workers + 1; i++)
		close(m->wake_fds[i]);
	free(m->wake_fds);
	children_close(m->children);
	log_info("stopped");
}

int
master_run(struct config *config, const struct config_args *args,
    const struct master_options *options)
{
	struct master m = { .options = options, .config = config };

	m.common.config = config;
	m.common.args = args;
	m.common.to_stderr = options->debug > 0;
	m.common.verbose = options->debug;
	log_open(config, m.common.to_stderr, m.common.verbose);
	log_role("master");
	listen_inherit(&m.listeners);
	if (!options->foreground)
		daemon_detach();
	open_doors(&m);
	open_inside(&m);
	title(&m, "starting");
	children_start(m.children);
	run(&m);
	close_all(&m);
	return m.status;
}
