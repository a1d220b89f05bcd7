/*
 * Supervision, after OTP.
 *
 *	          fork            SIGCHLD, delay 0
 *	 WAITING ------> RUNNING ------------------> RUNNING
 *	    ^               |  SIGCHLD, delay > 0
 *	    +---------------+
 *	                    |  told to leave       SIGCHLD
 *	                    +------------> LEAVING -------> NONE
 *
 * The table is indexed by board slot.  A successor takes over its
 * predecessor's slot, its number as a watcher and its eventfd, so nobody has
 * to be told of the change; a new generation takes other slots, because the
 * old one needs its own for a while.
 *
 * Here: the table and leaving.  The slots of the board are children_slots.c,
 * starting is children_start.c, what a death means children_end.c, what is
 * told of it children_bury.c, and who is killed for standing still
 * children_watch.c.
 */

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/children_table.h"
#include "server/clock.h"
#include "server/log.h"

struct children *
children_open(const struct inherit *common, void (*before_role)(void *),
    void *arg)
{
	struct children *all = calloc(1, sizeof(*all));
	unsigned i;

	if (all == NULL)
		return NULL;
	all->common = common;
	all->before_role = before_role;
	all->arg = arg;
	for (i = 0; i < BOARD_SLOTS; i++)
		all->wake_fds[i] = INHERIT_NO_WAKE;
	return all;
}

void
children_close(struct children *all)
{
	unsigned i;

	for (i = 0; i < BOARD_SLOTS; i++)
		if (all->wake_fds[i] >= 0)
			close(all->wake_fds[i]);
	free(all);
}

/* The generation that is coming. */

static bool
is_serving(const struct children *all, const struct child *child)
{
	struct board_row row;

	return board_read(all->common->arena, child->slot, &row) &&
	    row.pid == child->pid && row.state == BOARD_SERVING;
}

enum children_coming
children_coming(const struct children *all)
{
	const struct child *child;

	if (all->coming == 0)
		return CHILDREN_NONE;
	if (all->coming_failed)
		return CHILDREN_FAILED;
	CHILDREN_FOREACH(child, all)
		if (child->generation == all->coming &&
		    !is_serving(all, child))
			return CHILDREN_COMING;
	return CHILDREN_SERVE;
}

void
children_succeed(struct children *all)
{
	struct child *child;

	all->serving = all->coming;
	all->coming = 0;
	CHILDREN_FOREACH(child, all)
		if (child->generation != all->serving)
			child_leave(all, child, CHILDREN_RETIRE);
}

void
children_abandon(struct children *all)
{
	struct child *child;

	CHILDREN_FOREACH(child, all)
		if (child->generation == all->coming)
			child_leave(all, child, CHILDREN_STOP);
	all->coming = 0;
	all->coming_failed = false;
}

/* Leaving. */

static int
signal_of(enum children_leave how)
{
	switch (how) {
	case CHILDREN_RETIRE:
		return SIGUSR2;
	case CHILDREN_DRAIN:
		return SIGQUIT;
	case CHILDREN_STOP:
		break;
	}
	return SIGTERM;
}

void
child_leave(const struct children *all, struct child *child,
    enum children_leave how)
{
	if (child->state == CHILD_WAITING) {
		board_set_state(all->common->arena, child->slot,
		    BOARD_STOPPED);
		child->state = CHILD_NONE;
	}
	if (!child_has_process(child) ||
	    (child->state == CHILD_LEAVING && child->told >= how))
		return;
	child->state = CHILD_LEAVING;
	child->told = how;
	kill(child->pid, signal_of(how));
	child->kill_ms = clock_ms() + (how == CHILDREN_STOP ?
	    child->role->shutdown_ms : all->common->config->drain_ms);
}

static bool
is_cleaner(const struct child *child)
{
	return child->role == &role_cleaner;
}

/* Cleaners, first to start, are the last to go. */
static bool
workers_are_gone(const struct children *all)
{
	const struct child *child;

	CHILDREN_FOREACH(child, all)
		if (!is_cleaner(child) && child_has_process(child))
			return false;
	return true;
}

void
children_leave(struct children *all, enum children_leave how)
{
	struct child *child;
	unsigned i;

	if (all->stopping && all->how >= how)
		return;
	all->stopping = true;
	all->how = how;
	for (i = BOARD_SLOTS; i-- > 0;) {
		child = &all->child[i];
		if (child->state != CHILD_NONE && !is_cleaner(child))
			child_leave(all, child, how);
	}
}

static void
lose_patience(const struct children *all, struct child *child)
{
	if (child->told != CHILDREN_STOP) {
		log_warn("%s (pid %d) does not get done, stopping it",
		    child->name, (int)child->pid);
		child_leave(all, child, CHILDREN_STOP);
	} else {
		log_warn("%s (pid %d) does not stop, killing it",
		    child->name, (int)child->pid);
		kill(child->pid, SIGKILL);
		child->kill_ms = CHILDREN_NEVER;
	}
}

static uint64_t
due_ms(const struct child *child)
{
	switch (child->state) {
	case CHILD_WAITING:
		return child->start_ms;
	case CHILD_LEAVING:
		return child->kill_ms;
	case CHILD_RUNNING:
	case CHILD_NONE:
		break;
	}
	return CHILDREN_NEVER;
}

static void
do_what_is_due(struct children *all, struct child *child, uint64_t now_ms)
{
	if (due_ms(child) > now_ms)
		return;
	if (child->state == CHILD_WAITING)
		child_start(all, child, now_ms);
	else
		lose_patience(all, child);
}

/* Nobody need have died: fork(2) may fail again and again, say. */
static void
await_coming(struct children *all, uint64_t now_ms)
{
	if (all->coming == 0 || all->coming_failed ||
	    now_ms < all->coming_end_ms)
		return;
	all->coming_failed = true;
	log_err("new processes do not all serve within %ju ms",
	    (uintmax_t)all->common->config->start_ms);
	if (all->serving == 0)
		all->failure = "a child does not come to serve";
}

int
children_tick(struct children *all)
{
	uint64_t now_ms = clock_ms(), next_ms = CHILDREN_NEVER, watch_ms;
	bool cleaners_go = all->stopping && workers_are_gone(all);
	struct child *child;

	watch_ms = children_watch(all, now_ms);
	await_coming(all, now_ms);
	CHILDREN_FOREACH(child, all) {
		if (cleaners_go)
			child_leave(all, child, CHILDREN_STOP);
		do_what_is_due(all, child, now_ms);
		if (due_ms(child) < next_ms)
			next_ms = due_ms(child);
	}
	if (next_ms != CHILDREN_NEVER)
		next_ms = next_ms > now_ms ? next_ms - now_ms : 0;
	if (watch_ms < next_ms)
		next_ms = watch_ms;
	return next_ms == CHILDREN_NEVER ? -1 : (int)next_ms;
}

/* Looking. */

void
children_signal(const struct children *all, int signal)
{
	const struct child *child;

	CHILDREN_FOREACH(child, all)
		if (child_has_process(child))
			kill(child->pid, signal);
}

size_t
children_running(const struct children *all)
{
	const struct child *child;
	size_t n = 0;

	CHILDREN_FOREACH(child, all)
		n += child_has_process(child);
	return n;
}

const char *
children_failure(const struct children *all)
{
	return all->failure;
}
