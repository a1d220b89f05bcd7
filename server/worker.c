/*
 * A worker: serves clients until it is told to stop.
 *
 *	peers of its loop	what it hears from them
 *	listening sockets	clients, one at a time
 *	clients			requests, see conn_request.c
 *	other nodes		answers, see link.c
 *	wake eventfd		a shard we watch has changed
 *	signals			TERM stop, QUIT drain, USR2 retire, USR1 reopen
 *	alive pipe		end of file: the master died
 *
 * One thread, one epoll instance, and nothing that waits anywhere else.  Each
 * turn of the loop notes events, hands round the news of watched shards,
 * gives connections their turns, and wakes the watchers of what they changed.
 * Ten times a second it also looks at everything that nobody may have told
 * it: deadlines, and shards whose writer died before it could wake us.
 */

#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/accept.h"
#include "server/agreed.h"
#include "server/clock.h"
#include "server/command.h"
#include "server/config_value.h"
#include "server/conn.h"
#include "server/debug.h"
#include "server/link.h"
#include "server/live.h"
#include "server/log.h"
#include "server/role.h"
#include "server/roster.h"
#include "server/subscribe.h"
#include "server/wake.h"
#include "shm/board.h"

#define TICK_MS		100
#define EVENTS		256
#define CAN_ACCEPT	16	/* clients per listener and turn */

enum worker_state { WORKER_SERVING, WORKER_DRAINING, WORKER_STOPPING };

struct worker {
	const struct inherit	*inherit;
	enum worker_state	 state;
	struct config		 config;	/* of the inherited one */
	struct command_env	 env;
	struct store		 store;
	struct subscriptions	*subs;
	struct conns		*conns;
	struct route		 route;
	struct links		*links;
	struct acceptor		 acceptor;
	int			 epoll_fd;
	int			 signal_fd;
	bool			 busy;		/* some client can go on */
	bool			 look;		/* at the watched shards */
	uint64_t		 now_ms;
	uint64_t		 tick_ms;	/* when the next one is due */
	uint64_t		 leave_ms;	/* DRAINING: not later */
	uint64_t		 titled;	/* clients our title tells */
};

/* Set-up. */

static int
watch(struct worker *w, int *fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	event.data.ptr = fd;
	return epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, *fd, &event);
}

static int
open_sources(struct worker *w)
{
	const struct inherit *in = w->inherit;
	size_t i;

	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	w->signal_fd = signalfd(-1, &in->signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (w->epoll_fd == -1 || w->signal_fd == -1 ||
	    watch(w, &w->signal_fd) == -1 ||
	    watch(w, (int *)(uintptr_t)&in->wake_fd) == -1 ||
	    watch(w, (int *)(uintptr_t)&in->alive_fd) == -1 ||
	    accept_open(&w->acceptor, &w->env, w->epoll_fd) == -1)
		return -1;
	for (i = 0; i < in->listens; i++)
		if (accept_watch(&w->acceptor, &in->listen_fds[i]) == -1)
			return -1;
	return 0;
}

/* What was set may have been forgotten since. */
static void
follow_config(struct worker *w)
{
	w->config = *w->inherit->config;
	live_apply(&w->config, w->inherit->agreed);
}

/* The master has built the same table, so this one is sound. */
static int
open_links(struct worker *w)
{
	struct link_listener listener = {
		.answered = conn_answered, .failed = conn_failed,
		.has_room = conns_have_room, .arg = w->conns
	};

	w->links = links_open(w->inherit, &w->route, &listener, w->epoll_fd);
	if (w->links == NULL)
		return -1;
	conns_set_links(w->conns, w->links);
	return 0;
}

static int
worker_open(struct worker *w, const struct inherit *in)
{
	char why[CONFIG_WHY_MAX];

	memset(w, 0, sizeof(*w));
	w->inherit = in;
	w->env.inherit = in;
	follow_config(w);
	w->env.config = &w->config;
	w->env.store = &w->store;
	w->env.route = &w->route;
	w->titled = UINT64_MAX;
	command_init();
	if (!route_build(&w->route, in->config, arena_shards(in->arena), why)) {
		log_err("%s", why);
		return -1;
	}
	if (store_open(&w->store, in->arena) == -1)
		return -1;
	roster_enter(in->roster, in->instance);
	w->subs = subscribe_open(in->arena, in->instance);
	if (w->subs == NULL || open_sources(w) == -1)
		return -1;
	w->conns = conns_open(&w->env, w->subs, w->epoll_fd);
	return w->conns == NULL ? -1 : open_links(w);
}

static void
set_state(struct worker *w, enum worker_state state, enum board_state shown)
{
	w->state = state;
	w->titled = UINT64_MAX;
	board_set_state(w->inherit->arena, w->inherit->slot, shown);
}

/* Events. */

/* Does another routing table hold by now, so that ours has had its time? */
static bool
is_outdated(const struct worker *w)
{
	return !ownership_is_of(w->inherit->arena, route_hash(&w->route));
}

/*
 * No more clients.  Those that we have are served on if they may linger, but
 * not longer than the master would let us: it may not know, if it was
 * somebody else who told us.
 */
static void
leave(struct worker *w, bool linger)
{
	size_t i;

	if (w->state == WORKER_STOPPING)
		return;
	if (w->state == WORKER_SERVING) {
		for (i = 0; i < w->inherit->listens; i++)
			accept_unwatch(&w->acceptor,
			    &w->inherit->listen_fds[i]);
		w->leave_ms = w->now_ms + w->env.config->drain_ms;
	}
	set_state(w, WORKER_DRAINING, BOARD_DRAINING);
	if (is_outdated(w)) {
		conns_fence(w->conns);
		linger = false;
	}
	if (linger)
		conns_retire(w->conns);
	else
		conns_drain(w->conns);
	w->busy = true;
}

static void
on_signal(struct worker *w)
{
	struct signalfd_siginfo info;

	while (read(w->signal_fd, &info, sizeof(info)) ==
	    (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGTERM:
			set_state(w, WORKER_STOPPING, BOARD_DRAINING);
			break;
		case SIGQUIT:
			leave(w, false);
			break;
		case SIGUSR2:
			leave(w, true);
			break;
		case SIGUSR1:
			log_reopen();
			break;
		}
	}
}

static void
on_clients(struct worker *w, const int *listen_fd)
{
	const struct inherit *in = w->inherit;
	enum conn_kind kind = listen_fd >= in->listen_fds + in->listens -
	    in->peers ? CONN_NODE : CONN_CLIENT;
	int fd, i;

	/* Noted together with the signal to drain: they are not ours. */
	if (w->state != WORKER_SERVING)
		return;
	for (i = 0; i < CAN_ACCEPT; i++) {
		if ((fd = accept_next(&w->acceptor, listen_fd,
		    kind == CONN_NODE ? BOARD_LINKS : BOARD_CLIENTS)) == -1)
			return;
		conns_add(w->conns, fd, kind);
	}
}

static void
on_wake(struct worker *w)
{
	uint64_t n;

	(void)!read(w->inherit->wake_fd, &n, sizeof(n));
	w->look = true;
}

static void
on_event(struct worker *w, const struct epoll_event *event)
{
	const struct inherit *in = w->inherit;
	const int *fd = event->data.ptr;

	if (fd == &w->signal_fd)
		on_signal(w);
	else if (fd == &in->wake_fd)
		on_wake(w);
	else if (fd == &in->alive_fd)
		set_state(w, WORKER_STOPPING, BOARD_DRAINING);
	else if (fd >= in->listen_fds && fd < in->listen_fds + in->listens)
		on_clients(w, fd);
	else if (!links_event(w->links, event->data.ptr, event->events))
		conns_event(w->conns, event->data.ptr, event->events);
}

static void
wait_for_events(struct worker *w)
{
	struct epoll_event events[EVENTS];
	uint64_t now_us;
	int i, n, timeout_ms = 0;

	if (!w->busy && !w->look && w->tick_ms > w->now_ms)
		timeout_ms = (int)(w->tick_ms - w->now_ms);
	n = epoll_wait(w->epoll_fd, events, EVENTS, timeout_ms);
	now_us = clock_us();
	w->now_ms = now_us / 1000;
	conns_set_time(w->conns, now_us);
	links_set_time(w->links, w->now_ms);
	/* Before the turns: who asked in vain is told in this one. */
	if (w->now_ms >= w->tick_ms)
		links_tick(w->links);
	for (i = 0; i < n; i++)
		on_event(w, &events[i]);
}

/* The turn. */

static void
wake_watchers(struct worker *w)
{
	const struct inherit *in = w->inherit;
	struct feed_watchers watchers;
	unsigned i, watcher;
	uint64_t bits;

	if (!store_take_watchers(&w->store, &watchers))
		return;
	for (i = 0; i < FEED_WATCHERS_MAX / 64; i++)
		for (bits = watchers.bits[i]; bits != 0; bits &= bits - 1) {
			watcher = i * 64 + (unsigned)__builtin_ctzll(bits);
			if (watcher == in->instance)
				w->look = true;
			else
				wake(in->wake_fds[BOARD_WORKER_SLOT +
				    watcher]);
		}
}

static void
hand_round(struct worker *w)
{
	uint64_t events = 0;

	w->look = subscribe_read(w->subs, &events);
	conns_deliver(w->conns);
	if (events > 0)
		board_add(w->inherit->arena, w->inherit->slot, BOARD_EVENTS,
		    events);
}

static void
show_title(struct worker *w)
{
	static const char *const states[] = { "", ", draining", ", stopping" };
	uint64_t n = conns_count(w->conns);

	if (n == w->titled)
		return;
	w->titled = n;
	setproctitle("worker %u: %ju client%s%s", w->inherit->instance,
	    (uintmax_t)n, n == 1 ? "" : "s", states[w->state]);
}

static void
tick(struct worker *w)
{
	w->tick_ms = w->now_ms + TICK_MS;
	w->look = true;
	if (w->state == WORKER_DRAINING && w->now_ms >= w->leave_ms)
		set_state(w, WORKER_STOPPING, BOARD_DRAINING);
	follow_config(w);
	conns_check_deadlines(w->conns);
	agreed_sample(w->inherit->agreed, w->inherit->arena, w->now_ms);
	board_beat(w->inherit->arena, w->inherit->slot, w->now_ms);
	show_title(w);
}

static bool
is_done(const struct worker *w)
{
	return w->state == WORKER_STOPPING ||
	    (w->state == WORKER_DRAINING && conns_count(w->conns) == 0);
}

static void
serve(struct worker *w)
{
	while (!is_done(w)) {
		wait_for_events(w);
		if (w->look)
			hand_round(w);
		w->busy = conns_turn(w->conns);
		w->busy |= links_turn(w->links);
		wake_watchers(w);
		if (w->now_ms >= w->tick_ms)
			tick(w);
		conns_publish_counters(w->conns);
	}
}

static int
worker_run(const struct inherit *in)
{
	struct worker *w = malloc(sizeof(*w));

	if (w == NULL || worker_open(w, in) == -1) {
		log_err("cannot start: %s", strerror(errno));
		return ROLE_RESTART;
	}
	debug_hold(in);
	set_state(w, WORKER_SERVING, BOARD_SERVING);
	wake(in->ready_fd);
	serve(w);
	conns_publish_counters(w->conns);
	conns_close(w->conns);
	links_close(w->links);
	subscribe_close(w->subs);
	accept_close(&w->acceptor);
	store_close(&w->store);
	free(w);
	return ROLE_DONE;
}

const struct role role_worker = {
	.name = "worker",
	.shown = BOARD_WORKER,
	.run = worker_run,
	.restart = ROLE_PERMANENT,
	.shutdown_ms = 5000,
};
