/*
 * The cleaner: gives back the space that overwriting, deleting and dropping
 * leave, removes what has expired, backs memory ahead of use, and repairs every
 * shard at once after a death, so that no client has to wait for that.
 *
 * It works in small pieces and listens between them.  It is never needed for
 * correctness: killed, it begins anew; gone, space runs out some day and
 * clients are told so.
 */

#include <sys/signalfd.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/clock.h"
#include "server/config_value.h"
#include "server/log.h"
#include "server/role.h"
#include "server/strays.h"
#include "server/wake.h"
#include "shm/board.h"
#include "shm/clean.h"
#include "shm/feed.h"

#define IDLE_MS		100	/* between looks when there is no work */
#define GROWING_MS	5	/* between looks while memory is taken */
#define GROWN_MS	1000	/* it counts as taken for so long after */
#define SHOW_MS		100	/* between two of our work on the board */
#define PIECES		64	/* of work between two looks at the signals */

/*
 * Something that expires every moment would have its segment looked through
 * all the time, for very little.  So that is done twice a second at the most;
 * and what finds less than one in WORTH of what it looks at goes on for a tenth
 * of the time, in however many segments that is.  Where much has expired the
 * work is its own limit.
 */
#define SWEEP_WAIT_MS	500	/* between two looks through a segment */
#define SWEEP_TURN_MS	100	/* in each of these.. */
#define SWEEP_TURN_NS	UINT64_C(10000000)	/* ..for little in return */
#define WORTH		16

/*
 * Between two pieces.  Who unlocks a mutex and locks it again at once gets it
 * before those who were woken for it: without a pause a PUT was seen to wait
 * for 342 ms while a bucket was taken apart, with one for 0.2 ms.
 */
#define PAUSE_NS	1000

enum { POLL_SIGNALS, POLL_WAKE, POLL_ALIVE, POLLS };

struct cleaner {
	const struct inherit	*inherit;
	struct route		 route;
	struct strays		 strays;
	struct clean_state	 state;
	struct clean_work	 work;		/* since the start */
	struct clean_work	 shown;		/* of it, on the board */
	uint64_t		 shown_ms;
	uint64_t		 grown_ms;	/* memory was last backed */
	uint64_t		 turn_ms;	/* of sweeping */
	uint64_t		 spent_ns;	/* in it, for little */
	bool			 stop;
	bool			 repair;
	struct pollfd		 polls[POLLS];
};

static void
on_signals(struct cleaner *c)
{
	struct signalfd_siginfo info;

	while (read(c->polls[POLL_SIGNALS].fd, &info, sizeof(info)) ==
	    (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGTERM:
		case SIGQUIT:
		case SIGUSR2:
			c->stop = true;
			break;
		case SIGUSR1:
			log_reopen();
			break;
		}
	}
}

static void
listen_for(struct cleaner *c, int timeout_ms)
{
	uint64_t n;

	if (poll(c->polls, POLLS, timeout_ms) <= 0)
		return;
	if (c->polls[POLL_SIGNALS].revents)
		on_signals(c);
	if (c->polls[POLL_WAKE].revents &&
	    read(c->polls[POLL_WAKE].fd, &n, sizeof(n)) > 0)
		c->repair = true;
	if (c->polls[POLL_ALIVE].revents)
		c->stop = true;
}

static void
repair(struct cleaner *c)
{
	unsigned n = clean_repair_all(c->inherit->arena);

	c->repair = false;
	if (n == 0)
		return;
	log_info("repaired %u shard%s that a dead process had locked", n,
	    n == 1 ? "" : "s");
	board_add(c->inherit->arena, c->inherit->slot, BOARD_REPAIRS, n);
}

static void
show_work(struct cleaner *c)
{
	struct arena *arena = c->inherit->arena;
	unsigned slot = c->inherit->slot;

	board_add(arena, slot, BOARD_MOVED_BYTES,
	    c->work.bytes_moved - c->shown.bytes_moved);
	board_add(arena, slot, BOARD_FREED_SEGMENTS,
	    c->work.segments_freed - c->shown.segments_freed);
	board_add(arena, slot, BOARD_REPAIRS,
	    c->work.shards_repaired - c->shown.shards_repaired);
	c->shown = c->work;
	board_add_expired(arena, slot);
}

static void
let_others(void)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };

	nanosleep(&pause, NULL);
}

static uint64_t
read_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* A piece; false if there is nothing to sweep. */
static bool
sweep_some(struct cleaner *c)
{
	struct clean_work *work = &c->work;
	uint64_t began_ns = read_ns(), found, looked;
	bool more;

	found = work->records_expired + work->buckets_expired;
	looked = work->records_swept;
	more = clean_sweep(c->inherit->arena, &c->state, work,
	    clock_wall_ms(), SWEEP_WAIT_MS);
	found = work->records_expired + work->buckets_expired - found;
	looked = work->records_swept - looked;
	if (found < looked / WORTH)
		c->spent_ns += read_ns() - began_ns;
	return more;
}

/* Returns true if there is more to do at once. */
static bool
sweep(struct cleaner *c)
{
	uint64_t now_ms = clock_ms();
	int i;

	if (now_ms - c->turn_ms >= SWEEP_TURN_MS) {
		c->turn_ms = now_ms;
		c->spent_ns = 0;
	}
	for (i = 0; i < PIECES; i++) {
		if (c->spent_ns >= SWEEP_TURN_NS || !sweep_some(c))
			return false;
		board_beat(c->inherit->arena, c->inherit->slot, now_ms);
		let_others();
	}
	return true;
}

/* Returns true if there is more to do at once. */
static bool
clean(struct cleaner *c)
{
	bool more = true;
	uint64_t backed = c->work.segments_backed;
	int i;

	for (i = 0; i < PIECES && more; i++) {
		board_beat(c->inherit->arena, c->inherit->slot, clock_ms());
		more = clean_step(c->inherit->arena, &c->state, &c->work,
		    clock_wall_ms());
		let_others();
	}
	if (c->work.segments_backed != backed)
		c->grown_ms = clock_ms();
	return more;
}

/*
 * A writer that finds no memory has to back it in small pages, so who fills the
 * store at full speed is not to be faster than we look.
 */
static int
idle_ms(const struct cleaner *c)
{
	return c->grown_ms != 0 && clock_ms() - c->grown_ms < GROWN_MS ?
	    GROWING_MS : IDLE_MS;
}

static void
run(struct cleaner *c)
{
	bool busy = false, shown = true;
	uint64_t now_ms;

	while (!c->stop) {
		listen_for(c, busy || c->repair ? 0 : idle_ms(c));
		if (c->repair)
			repair(c);
		busy = clean(c);
		busy |= sweep(c);
		busy |= strays_step(&c->strays);
		if (busy != shown)
			setproctitle("cleaner: %s", busy ? "busy" : "idle");
		shown = busy;
		if ((now_ms = clock_ms()) - c->shown_ms >= SHOW_MS) {
			c->shown_ms = now_ms;
			show_work(c);
		}
	}
}

/*
 * Those of an earlier run, which may have had more workers than this one; but
 * not another master's, during an upgrade.
 */
static void
forget_watchers(const struct inherit *in)
{
	struct board_row row;
	unsigned watcher, slot;

	for (watcher = 0; watcher < FEED_WATCHERS_MAX; watcher++) {
		slot = BOARD_WORKER_SLOT + watcher;
		if (in->wake_fds[slot] == INHERIT_NO_WAKE &&
		    (!board_read(in->arena, slot, &row) || row.pid == 0))
			feed_unwatch_all(in->arena, watcher);
	}
}

/* The master has built the same table, so this one is sound. */
static bool
open_strays(struct cleaner *c)
{
	struct arena *arena = c->inherit->arena;
	char why[CONFIG_WHY_MAX];

	if (!route_build(&c->route, c->inherit->config, arena_shards(arena),
	    why)) {
		log_err("cannot start: %s", why);
		return false;
	}
	strays_open(&c->strays, arena, &c->route);
	return true;
}

static int
cleaner_run(const struct inherit *in)
{
	struct cleaner c = { .inherit = in };
	int fd;

	if (!open_strays(&c))
		return ROLE_RESTART;
	fd = signalfd(-1, &in->signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd == -1) {
		log_err("cannot start: signalfd: %s", strerror(errno));
		return ROLE_RESTART;
	}
	c.polls[POLL_SIGNALS] = (struct pollfd){ .fd = fd, .events = POLLIN };
	c.polls[POLL_WAKE] = (struct pollfd){
		.fd = in->wake_fd, .events = POLLIN
	};
	c.polls[POLL_ALIVE] = (struct pollfd){
		.fd = in->alive_fd, .events = POLLIN
	};
	forget_watchers(in);
	c.repair = true;	/* whoever was here before may have died */
	board_set_state(in->arena, in->slot, BOARD_SERVING);
	wake(in->ready_fd);
	run(&c);
	show_work(&c);
	close(fd);
	return ROLE_DONE;
}

const struct role role_cleaner = {
	.name = "cleaner",
	.shown = BOARD_CLEANER,
	.run = cleaner_run,
	.restart = ROLE_PERMANENT,
	.shutdown_ms = 2000,
};
