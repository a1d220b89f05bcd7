/*
 * Supervision, after OTP.
 *
 *	          fork            SIGCHLD, delay 0
 *	 WAITING ------> RUNNING ------------------> RUNNING
 *	    ^               |  SIGCHLD, delay > 0
 *	    +---------------+
 *	                    |  told to stop, or exit status 2
 *	                    +------------------> ENDED
 *
 * The first restart of a child is immediate, for most deaths have nothing to
 * do with their successor; after that it is put off by 50 ms, doubling to
 * 2 s, until one has lived for ten seconds.  More than RESTARTS_MAX restarts
 * of whatever children in RESTARTS_MS are no accidents any more: the master
 * stops everything, and its own supervisor may decide.
 *
 * A successor takes over its predecessor's slot on the board, its number as
 * a watcher and its eventfd, so nobody has to be told of the change.
 */

#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/children.h"
#include "server/clock.h"
#include "server/log.h"
#include "shm/board.h"

#define STARTS_MAX	5	/* of a child, before kvd serves at all */
#define RESTARTS_MAX	200
#define RESTARTS_MS	10000
#define DELAY_MIN_MS	50
#define DELAY_MAX_MS	2000
#define PROVEN_MS	10000	/* a life so long clears the record */
#define NEVER		UINT64_MAX

#define CLEANER_SLOT	(BOARD_SLOTS - 1)
#define WORKER_SLOT	1	/* of worker 0; the master has slot 0 */

enum child_state { CHILD_WAITING, CHILD_RUNNING, CHILD_ENDED };

struct child {
	const struct role	*role;
	char			 name[32];
	unsigned		 instance;
	unsigned		 slot;
	int			 wake_fd;
	enum child_state	 state;
	pid_t			 pid;
	uint64_t		 restarts;
	uint64_t		 started_ms;
	uint64_t		 delay_ms;	/* before the next restart */
	uint64_t		 start_ms;	/* WAITING: when it is due */
	uint64_t		 kill_ms;	/* when patience ends */
	bool			 told_term;
};

struct children {
	const struct inherit	*common;
	void			(*before_role)(void *);
	void			*arg;
	bool			 stopping;
	bool			 draining;
	bool			 served;	/* all of them, once */
	const char		*failure;
	uint64_t		 restarted_ms[RESTARTS_MAX];	/* a ring */
	size_t			 restarts;
	size_t			 n;
	struct child		 child[];	/* in the order of start */
};

static void
describe(struct child *child, const struct role *role, unsigned instance,
    unsigned slot, int wake_fd)
{
	child->role = role;
	child->instance = instance;
	child->slot = slot;
	child->wake_fd = wake_fd;
	child->kill_ms = NEVER;
}

struct children *
children_open(const struct inherit *common, const int *wake_fds,
    void (*before_role)(void *), void *arg)
{
	struct children *all;
	struct child *child;
	unsigned i;

	all = calloc(1, sizeof(*all) +
	    (common->workers + 1) * sizeof(all->child[0]));
	if (all == NULL)
		return NULL;
	all->common = common;
	all->before_role = before_role;
	all->arg = arg;
	all->n = common->workers + 1;
	describe(&all->child[0], &role_cleaner, 0, CLEANER_SLOT,
	    wake_fds[common->workers]);
	strlcpy(all->child[0].name, "cleaner", sizeof(all->child[0].name));
	for (i = 0; i < common->workers; i++) {
		child = &all->child[i + 1];
		describe(child, &role_worker, i, WORKER_SLOT + i,
		    wake_fds[i]);
		snprintf(child->name, sizeof(child->name), "worker %u", i);
	}
	return all;
}

void
children_close(struct children *all)
{
	free(all);
}

/* Birth. */

static _Noreturn void
become(struct children *all, const struct child *child)
{
	struct inherit in = *all->common;
	int status;

	in.slot = child->slot;
	in.instance = child->instance;
	in.restarts = child->restarts;
	in.wake_fd = child->wake_fd;
	/* Asked for after the fork, so the master may be gone already. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) == -1 || getppid() != in.master)
		_exit(ROLE_DONE);
	log_role(child->name);
	setproctitle("%s: starting", child->name);
	all->before_role(all->arg);
	board_enter(in.arena, in.slot, child->role == &role_worker ?
	    BOARD_WORKER : BOARD_CLEANER, clock_wall_ms(), in.restarts);
	status = child->role->run(&in);
	board_set_state(in.arena, in.slot, BOARD_STOPPED);
	exit(status);
}

static void
wait_before_start(struct child *child, uint64_t now_ms)
{
	child->state = CHILD_WAITING;
	child->start_ms = now_ms + child->delay_ms;
	child->delay_ms = child->delay_ms == 0 ? DELAY_MIN_MS :
	    child->delay_ms * 2;
	if (child->delay_ms > DELAY_MAX_MS)
		child->delay_ms = DELAY_MAX_MS;
}

static void
start(struct children *all, struct child *child, uint64_t now_ms)
{
	pid_t pid = fork();

	if (pid == 0)
		become(all, child);
	if (pid == -1) {
		log_err("cannot start %s: %s", child->name, strerror(errno));
		wait_before_start(child, now_ms);
		return;
	}
	child->state = CHILD_RUNNING;
	child->pid = pid;
	child->started_ms = now_ms;
	child->kill_ms = NEVER;
	child->told_term = false;
}

void
children_start(struct children *all)
{
	uint64_t now_ms = clock_ms();
	size_t i;

	for (i = 0; i < all->n; i++)
		start(all, &all->child[i], now_ms);
}

/* Death. */

static void
log_end(const struct child *child, int status)
{
	int pid = (int)child->pid;

	if (WIFSIGNALED(status))
		log_warn("%s (pid %d) was killed by signal %d, %s",
		    child->name, pid, WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == ROLE_DONE)
		log_info("%s (pid %d) has ended", child->name, pid);
	else
		log_warn("%s (pid %d) gave up with status %d", child->name,
		    pid, WEXITSTATUS(status));
}

static bool
is_wanted(const struct child *child, int status)
{
	bool done = WIFEXITED(status) && WEXITSTATUS(status) == ROLE_DONE;

	if (WIFEXITED(status) && WEXITSTATUS(status) == ROLE_NEVER)
		return false;
	switch (child->role->restart) {
	case ROLE_PERMANENT:
		return true;
	case ROLE_TRANSIENT:
		return !done;
	case ROLE_TEMPORARY:
		break;
	}
	return false;
}

/* Returns true if this restart is one too many. */
static bool
is_too_intense(struct children *all, uint64_t now_ms)
{
	uint64_t *oldest = &all->restarted_ms[all->restarts % RESTARTS_MAX];
	bool full = all->restarts >= RESTARTS_MAX;
	uint64_t then_ms = *oldest;

	*oldest = now_ms;
	all->restarts++;
	return full && now_ms - then_ms < RESTARTS_MS;
}

static void
replace(struct children *all, struct child *child, int status)
{
	uint64_t now_ms = clock_ms();

	child->state = CHILD_ENDED;
	if (all->stopping)
		return;
	if (!all->served && (child->restarts == STARTS_MAX ||
	    (WIFEXITED(status) && WEXITSTATUS(status) == ROLE_RESTART))) {
		all->failure = "a child cannot start";
		return;
	}
	if (!is_wanted(child, status)) {
		all->failure = "a child said that it must not be started "
		    "again";
		return;
	}
	if (is_too_intense(all, now_ms)) {
		all->failure = "too many children died in too short a time";
		return;
	}
	child->restarts++;
	if (now_ms - child->started_ms >= PROVEN_MS)
		child->delay_ms = 0;
	wait_before_start(child, now_ms);
	if (child->start_ms <= now_ms)
		start(all, child, now_ms);
	else
		log_info("%s starts again in %ju ms", child->name,
		    (uintmax_t)(child->start_ms - now_ms));
}

static struct child *
find(struct children *all, pid_t pid)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		if (all->child[i].state == CHILD_RUNNING &&
		    all->child[i].pid == pid)
			return &all->child[i];
	return NULL;
}

/*
 * The dead one may have held a lock, or changed a shard and told nobody: the
 * cleaner repairs the one, subscribers' workers look after the other.
 */
static void
wake_everybody(const struct children *all)
{
	uint64_t one = 1;
	size_t i;

	for (i = 0; i < all->n; i++)
		(void)!write(all->child[i].wake_fd, &one, sizeof(one));
}

void
children_reap(struct children *all)
{
	bool any = false;
	struct child *child;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if ((child = find(all, pid)) == NULL)
			continue;
		log_end(child, status);
		/* Its gauges no longer count; nobody else writes there. */
		board_leave(all->common->arena, child->slot);
		replace(all, child, status);
		any = true;
	}
	if (any)
		wake_everybody(all);
}

/* Order. */

void
children_signal(const struct children *all, int signal)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		if (all->child[i].state == CHILD_RUNNING)
			kill(all->child[i].pid, signal);
}

static void
tell_to_stop(const struct children *all, struct child *child)
{
	bool drain = all->draining;
	uint64_t now_ms = clock_ms();

	if (child->state != CHILD_RUNNING) {
		child->state = CHILD_ENDED;
		return;
	}
	kill(child->pid, drain ? SIGQUIT : SIGTERM);
	child->told_term = !drain;
	child->kill_ms = now_ms + (drain ? child->role->drain_ms :
	    child->role->shutdown_ms);
}

/* The cleaner, first to start, is the last to go. */
static bool
workers_are_gone(const struct children *all)
{
	size_t i;

	for (i = 1; i < all->n; i++)
		if (all->child[i].state == CHILD_RUNNING)
			return false;
	return true;
}

void
children_stop(struct children *all, bool drain)
{
	size_t i;

	if (all->stopping && (drain || !all->draining))
		return;
	all->stopping = true;
	all->draining = drain;
	for (i = all->n; i-- > 1;)
		tell_to_stop(all, &all->child[i]);
}

static void
lose_patience(struct child *child, uint64_t now_ms)
{
	if (!child->told_term) {
		log_warn("%s (pid %d) does not get done, stopping it",
		    child->name, (int)child->pid);
		kill(child->pid, SIGTERM);
		child->told_term = true;
		child->kill_ms = now_ms + child->role->shutdown_ms;
	} else {
		log_warn("%s (pid %d) does not stop, killing it",
		    child->name, (int)child->pid);
		kill(child->pid, SIGKILL);
		child->kill_ms = NEVER;
	}
}

static uint64_t
due_ms(const struct child *child)
{
	switch (child->state) {
	case CHILD_WAITING:
		return child->start_ms;
	case CHILD_RUNNING:
		return child->kill_ms;
	case CHILD_ENDED:
		break;
	}
	return NEVER;
}

int
children_tick(struct children *all)
{
	uint64_t now_ms = clock_ms(), next_ms = NEVER;
	struct child *child;
	size_t i;

	if (all->stopping && all->child[0].state != CHILD_ENDED &&
	    all->child[0].kill_ms == NEVER && workers_are_gone(all))
		tell_to_stop(all, &all->child[0]);
	for (i = 0; i < all->n; i++) {
		child = &all->child[i];
		if (due_ms(child) <= now_ms) {
			if (child->state == CHILD_WAITING)
				start(all, child, now_ms);
			else
				lose_patience(child, now_ms);
		}
		if (due_ms(child) < next_ms)
			next_ms = due_ms(child);
	}
	if (next_ms == NEVER)
		return -1;
	return next_ms <= now_ms ? 0 : (int)(next_ms - now_ms);
}

size_t
children_running(const struct children *all)
{
	size_t i, n = 0;

	for (i = 0; i < all->n; i++)
		n += all->child[i].state == CHILD_RUNNING;
	return n;
}

bool
children_serve(struct children *all)
{
	struct board_row row;
	size_t i;

	for (i = 0; i < all->n; i++)
		if (!board_read(all->common->arena, all->child[i].slot,
		    &row) || row.pid != all->child[i].pid ||
		    row.state != BOARD_SERVING)
			return false;
	all->served = true;
	return true;
}

const char *
children_failure(const struct children *all)
{
	return all->failure;
}
