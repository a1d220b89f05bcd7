/*
 * The master: opens what must outlive every child, starts the children, and
 * sleeps until a signal, a death or a timer wakes it.
 *
 * It cannot hang: of the shared memory it knows the arena as a whole and the
 * board, no other header of shm/ is included here, and neither takes a lock
 * once the arena is made.  It parses nothing that a client has sent, so
 * there is nothing a client can do to it.
 *
 *	STARTING --> SERVING --> STOPPING
 *	    |        ^ |  ^
 *	    |        | |  +--> a reload, or an upgrade, is under way
 *	    |        | +--> HANDING: the new program may take the claim; if it
 *	    |        |         does not, back to SERVING
 *	    |        |         +--> RETIRED: it has, our workers drain
 *	    +--> READY: we are the new program, and wait for the old one's word
 *
 * How it starts is master_start.c, how it goes on with another configuration
 * or another program master_change.c.
 */

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "server/agreed.h"
#include "server/clock.h"
#include "server/daemon.h"
#include "server/lastwords.h"
#include "server/log.h"
#include "server/master_state.h"
#include "server/notify.h"
#include "server/pidfile.h"
#include "server/poison.h"
#include "server/roster.h"
#include "shm/board.h"

#define BEAT_MS		1000	/* at least so often */

void
master_title(const struct master *m, const char *state)
{
	setproctitle("master (%s) %s", m->config->name, state);
}

void
master_serve(struct master *m)
{
	m->state = MASTER_SERVING;
	board_set_state(m->common.arena, BOARD_MASTER_SLOT, BOARD_SERVING);
	master_title(m, "serving");
	log_info("kvd %s serves instance %s with %zu worker%s", KVD_VERSION,
	    m->config->name, m->workers, m->workers == 1 ? "" : "s");
}

void
master_tell_manager(const struct master *m)
{
	notify_ready();
	notify_status("serving with %zu workers", m->workers);
}

static void
stop(struct master *m, enum children_leave how)
{
	if (m->state != MASTER_STOPPING && m->state != MASTER_RETIRED) {
		log_info(how == CHILDREN_DRAIN ? "draining" : "stopping");
		master_forget_change(m);
		if (m->in_charge)
			notify_stopping();
		master_title(m, how == CHILDREN_DRAIN ? "draining" :
		    "stopping");
		if (m->in_charge)
			board_set_state(m->common.arena, BOARD_MASTER_SLOT,
			    BOARD_DRAINING);
		m->state = MASTER_STOPPING;
	}
	children_leave(m->children, how);
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
			stop(m, CHILDREN_STOP);
			break;
		case SIGQUIT:
			stop(m, CHILDREN_DRAIN);
			break;
		case SIGHUP:
			master_reload(m);
			break;
		case SIGUSR1:
			reopen(m);
			break;
		case SIGUSR2:
			master_upgrade(m);
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

	if (failure != NULL && m->state != MASTER_STOPPING &&
	    m->state != MASTER_RETIRED) {
		log_err("giving up: %s", failure);
		m->status = EX_SOFTWARE;
		stop(m, CHILDREN_STOP);
	}
	if (m->state != MASTER_STARTING ||
	    children_coming(m->children) != CHILDREN_SERVE)
		return;
	children_succeed(m->children);
	if (m->talk_fd != -1) {
		master_is_ready(m);
		return;
	}
	master_serve(m);
	master_tell_manager(m);
	if (m->is_next && !m->options->foreground)
		daemon_silence();
	daemon_ready();
}

/* A service manager's watchdog is fed while at least one worker moves. */
static void
feed_watchdog(struct master *m)
{
	uint64_t now_ms = clock_ms(), period_ms = notify_watchdog_ms() / 3;

	if (period_ms == 0 || now_ms - m->fed_ms < period_ms)
		return;
	m->fed_ms = now_ms;
	if (children_workers_move(m->children))
		notify_watchdog();
}

static int
sleep_ms(const struct master *m)
{
	int timeout_ms = children_tick(m->children);
	int feed_ms = (int)(notify_watchdog_ms() / 3);

	if (timeout_ms == -1 || timeout_ms > BEAT_MS)
		timeout_ms = BEAT_MS;
	return feed_ms > 0 && feed_ms < timeout_ms ? feed_ms : timeout_ms;
}

static bool
is_done(const struct master *m)
{
	return (m->state == MASTER_STOPPING || m->state == MASTER_RETIRED) &&
	    children_running(m->children) == 0;
}

static void
run(struct master *m)
{
	struct pollfd polls[] = {
		{ .fd = m->signal_fd, .events = POLLIN },
		{ .fd = m->common.ready_fd, .events = POLLIN },
		{ .events = POLLIN },
	};
	uint64_t n;

	while (!is_done(m)) {
		polls[2].fd = m->talk_fd;
		poll(polls, 3, sleep_ms(m));
		(void)!read(m->common.ready_fd, &n, sizeof(n));
		on_signals(m);
		look_at_children(m);
		master_go_on_changing(m);
		feed_watchdog(m);
		if (m->in_charge)
			board_beat(m->common.arena, BOARD_MASTER_SLOT,
			    clock_ms());
		if (m->state == MASTER_SERVING && m->talk_fd == -1)
			children_sweep(m->children, clock_ms());
	}
}

static void
close_all(struct master *m)
{
	/* The arena stays: whoever starts next goes on with its data. */
	if (m->in_charge) {
		board_leave(m->common.arena, BOARD_MASTER_SLOT);
		pidfile_drop();
	}
	arena_close(m->common.arena);
	lastwords_close(m->common.lastwords);
	poison_close(m->common.poison);
	agreed_close(m->common.agreed);
	roster_close(m->common.roster);
	if (!m->in_charge)
		listen_leave_paths(&m->listeners);
	listen_close(&m->listeners);
	children_close(m->children);
	if (m->talk_fd != -1)
		close(m->talk_fd);
	log_info(m->in_charge || m->status != 0 ? "stopped" :
	    "ended, another is in charge");
}

int
master_run(struct config *config, const struct config_args *args,
    const struct master_options *options)
{
	struct master m = {
		.options = options, .config = config, .args = args,
		.talk_fd = -1
	};

	master_start(&m);
	run(&m);
	close_all(&m);
	return m.status;
}
