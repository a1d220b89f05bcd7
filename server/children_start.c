/*
 * Starting children: finding slots for a generation, and fork(2), which alone
 * gives a child a robust list of its own (a raw clone does not).
 *
 * All descriptors of a generation are made before its first fork, so that
 * each child knows how to wake every other.  Those of an older generation do
 * not know the newer one's, and leave soon: until then the newer ones hear of
 * their changes by looking at what they watch, ten times a second.
 */

#include <sys/prctl.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/children_table.h"
#include "server/clock.h"
#include "server/lastwords.h"
#include "server/log.h"

static _Noreturn void
become(struct children *all, const struct child *child)
{
	struct inherit in = *all->common;
	int status;

	in.slot = child->slot;
	in.instance = child->instance;
	in.wake_fds = all->wake_fds;
	in.wake_fd = all->wake_fds[child->slot];
	/* Asked for after the fork, so the master may be gone already. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) == -1 || getppid() != in.master)
		_exit(ROLE_DONE);
	log_role(child->name);
	setproctitle("%s: starting", child->name);
	all->before_role(all->arg);
	if (lastwords_arm(in.lastwords, in.slot) == -1)
		log_warn("will have no last words: %s", strerror(errno));
	board_beat(in.arena, in.slot, clock_ms());
	board_enter(in.arena, in.slot, child->role->shown, clock_wall_ms(),
	    child->restarts);
	status = child->role->run(&in);
	board_leave(in.arena, in.slot);
	exit(status);
}

void
child_start_later(const struct children *all, struct child *child,
    uint64_t now_ms)
{
	board_set_state(all->common->arena, child->slot, BOARD_WAITING);
	child->state = CHILD_WAITING;
	child->start_ms = now_ms + child->delay_ms;
	child->delay_ms = restart_next_delay(child->delay_ms,
	    all->common->config->restart_delay_max_ms);
}

void
child_start(struct children *all, struct child *child, uint64_t now_ms)
{
	pid_t pid = fork();

	if (pid == 0)
		become(all, child);
	if (pid == -1) {
		log_err("cannot start %s: %s", child->name, strerror(errno));
		child_start_later(all, child, now_ms);
		return;
	}
	child->state = CHILD_RUNNING;
	child->pid = pid;
	child->started_ms = now_ms;
	child->pulse = (struct pulse){ 0 };
	child->stood_still = false;
}

/* Enter a child that is to be started into the table. */
static bool
enter(struct children *all, const struct role *role, unsigned from,
    unsigned to)
{
	unsigned slot = children_find_slot(all, from, to);
	struct child *child = &all->child[slot];

	if (slot == 0)
		return false;
	memset(child, 0, sizeof(*child));
	child->role = role;
	child->slot = slot;
	child->instance = slot - from;
	child->generation = all->generations;
	child->state = CHILD_WAITING;
	if (role == &role_worker)
		snprintf(child->name, sizeof(child->name), "%s %u",
		    role->name, child->instance);
	else
		strlcpy(child->name, role->name, sizeof(child->name));
	return true;
}

static bool
enter_all(struct children *all, size_t workers)
{
	const unsigned end = BOARD_WORKER_SLOT + BOARD_WORKERS_MAX;
	size_t i;

	if (!enter(all, &role_cleaner, BOARD_CLEANER_SLOT, BOARD_SLOTS))
		return false;
	for (i = 0; i < workers; i++)
		if (!enter(all, &role_worker, BOARD_WORKER_SLOT, end))
			return false;
	return true;
}

bool
children_begin(struct children *all, size_t workers)
{
	uint64_t now_ms = clock_ms();
	struct child *child;
	unsigned i;
	bool room;

	if (all->coming != 0)
		return false;
	all->generations++;
	room = enter_all(all, workers);
	/* Backwards: the cleaner first. */
	for (i = BOARD_SLOTS; i-- > 0;) {
		child = &all->child[i];
		if (child->state == CHILD_NONE ||
		    child->generation != all->generations)
			continue;
		if (room)
			child_start(all, child, now_ms);
		else
			child->state = CHILD_NONE;
	}
	if (room)
		all->coming = all->generations;
	all->coming_end_ms = now_ms + all->common->config->start_ms;
	return room;
}
