/*
 * The master's start, whose order is its design.  First whatever may fail and
 * is not ours to break (a second instance must not take the first one's
 * port), then sockets and pid file while we may still be root, then the arena
 * as the user that we stay.  The terminal is let go when every child serves.
 *
 * A new program that goes on for an old one opens less: sockets, pid file and
 * arena are handed to it.
 */

#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "server/agreed.h"
#include "server/clock.h"
#include "server/config_value.h"
#include "server/daemon.h"
#include "server/instance.h"
#include "server/lastwords.h"
#include "server/log.h"
#include "server/master_state.h"
#include "server/pidfile.h"
#include "server/poison.h"
#include "server/privileges.h"
#include "server/reload.h"
#include "server/roster.h"
#include "server/route.h"
#include "server/route_publish.h"

#define OTHER_FILES	1024		/* descriptors besides clients' */

static void
open_ready(struct master *m)
{
	m->common.ready_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (m->common.ready_fd == -1)
		fatal(EX_OSERR, "eventfd: %s", strerror(errno));
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
	static const int signals[] = {
		SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD
	};
	sigset_t *set = &m->common.signals;
	size_t i;

	sigemptyset(set);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(set, signals[i]);
	signal(SIGPIPE, SIG_IGN);
	/* Inherited as ignored, our children's deaths would go unnoticed. */
	signal(SIGCHLD, SIG_DFL);
	if (sigprocmask(SIG_BLOCK, set, NULL) == -1)
		fatal(EX_OSERR, "sigprocmask: %s", strerror(errno));
	m->signal_fd = signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (m->signal_fd == -1)
		fatal(EX_OSERR, "signalfd: %s", strerror(errno));
}

size_t
master_choose_workers(const struct config *config)
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
	if (m->talk_fd != -1)
		close(m->talk_fd);
	if (m->upgrade.pid != 0 && m->upgrade.words_fd != -1)
		close(m->upgrade.words_fd);
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

void
master_raise_files(const struct config *config)
{
	/* Links of a worker's own, and of others all to the same one. */
	uint64_t links = config->nodes.count *
	    (1 + master_choose_workers(config));

	privileges_raise_files(config->clients_max + links + OTHER_FILES);
}

static void
open_doors(struct master *m)
{
	instance_require_free(m->config);
	privileges_require_user(m->config->user);
	privileges_require_group(m->config->readers);
	master_raise_files(m->config);
	listen_open(&m->listeners, m->config);
	pidfile_take(m->config->pidfile);
	privileges_drop(m->config->user);
	privileges_confine();
}

/* What an adopted arena says of processes is of those that are gone. */
static void
clear_board(struct arena *arena)
{
	static const struct board_end none;
	unsigned slot;

	for (slot = 0; slot < BOARD_SLOTS; slot++) {
		board_leave(arena, slot);
		board_set_end(arena, slot, &none);
	}
}

/* roster_fd: of the old program's, or -1. */
static void
open_inside(struct master *m, int roster_fd)
{
	m->common.config = m->config;
	m->common.listen_fds = m->listeners.fds;
	m->common.listens = m->listeners.n;
	m->common.peers = m->listeners.peers;
	m->common.master = getpid();
	m->common.lastwords = lastwords_open();
	m->common.poison = poison_open();
	m->common.args = m->args;
	m->common.agreed = agreed_open();
	m->common.roster = roster_open(roster_fd);
	if (m->common.lastwords == NULL || m->common.poison == NULL ||
	    m->common.agreed == NULL || m->common.roster == NULL)
		fatal(EX_OSERR, "shared memory: %s", strerror(errno));
	open_ready(m);
	open_alive_pipe(m);
	open_signals(m);
	m->children = children_open(&m->common, before_role, m);
	if (m->children == NULL)
		fatal(EX_OSERR, "out of memory");
}

/* Only now it is known how many shards there are to be dealt. */
static void
require_route(const struct master *m)
{
	struct route route;
	char why[CONFIG_WHY_MAX];

	if (!route_build(&route, m->config, arena_shards(m->common.arena),
	    why))
		fatal(EX_CONFIG, "%s", why);
}

static void
start_first(struct master *m)
{
	listen_inherit(&m->listeners);
	if (!m->options->foreground)
		daemon_detach();
	open_doors(m);
	m->common.arena = instance_open(m->config, m->options->cold);
	require_route(m);
	route_publish(m->common.arena, m->config);
	clear_board(m->common.arena);
	board_enter(m->common.arena, BOARD_MASTER_SLOT, BOARD_MASTER,
	    m->began_ms, 0);
	m->in_charge = true;
	open_inside(m, -1);
}

/* The old program goes on until we serve, and its children keep their
 * slots. */
static void
start_next(struct master *m, const struct upgrade_goods *goods)
{
	unsigned slot;

	m->is_next = true;
	if (!m->options->foreground)
		daemon_leave_folder();
	reload_inherit(m->config, goods->config_fd);
	privileges_require_user(m->config->user);
	privileges_require_group(m->config->readers);
	master_raise_files(m->config);
	listen_take(&m->listeners, goods->listen_fds, goods->listens,
	    goods->peers, goods->own_paths);
	pidfile_inherit(goods->pidfile_fd, m->config->pidfile);
	privileges_drop(m->config->user);
	privileges_confine();
	m->common.arena = instance_inherit(m->config, goods->arena_fd);
	require_route(m);
	open_inside(m, goods->roster_fd);
	for (slot = 0; slot < BOARD_SLOTS; slot++)
		if (goods->slots[slot])
			children_spare_slot(m->children, slot);
}

void
master_start(struct master *m)
{
	struct upgrade_goods goods;

	m->began_ms = clock_wall_ms();
	log_open(m->config, m->options->debug > 0, m->options->debug);
	log_role("master");
	privileges_give_log(m->config->user);
	if (upgrade_inherit(&goods, &m->talk_fd))
		start_next(m, &goods);
	else
		start_first(m);
	master_title(m, "starting");
	m->workers = master_choose_workers(m->config);
	if (!children_begin(m->children, m->workers))
		fatal(EX_OSERR, "cannot start %zu workers: not enough "
		    "descriptors or, beside those of an earlier start, not "
		    "enough slots; see workers in kvd.conf(5)", m->workers);
}
