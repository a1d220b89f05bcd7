/*
 * The watchdog.  Every child moves its heartbeat on the board ten times a
 * second; one whose heart stands still is killed, which costs nothing but
 * itself, for a kill is just another input.
 *
 * Patience is counted in looks of our own and not in time: on a machine where
 * nobody gets the processor for a second, we do not either.
 *
 * Who holds a lock and is stopped makes others stand still that wait for it.
 * They sleep; a stopped process, an endless loop and a page that never comes
 * do not.  So those who sleep are given one look more, and if somebody was
 * killed for them, they begin anew.
 */

#include <signal.h>

#include "server/children_table.h"
#include "server/clock.h"
#include "server/log.h"
#include "server/poison.h"
#include "server/process.h"

#define LOOKS		5	/* within the time configured */
#define PERIOD_MIN_MS	100	/* as often as hearts beat */

static void
feel(struct children *all, struct child *child)
{
	struct board_row row;

	if (!board_read(all->common->arena, child->slot, &row))
		row.heartbeat_ms = row.fingerprint = 0;
	if (row.heartbeat_ms != child->pulse.beat_ms)
		child->pulse.still = 0;
	else if (child->pulse.still++ == 0)
		child->pulse.fingerprint = row.fingerprint;
	child->pulse.beat_ms = row.heartbeat_ms;
}

/*
 * A request is to blame if it was in hand all the time, unless its worker was
 * stopped, or only waited.
 */
static void
put_down(struct children *all, struct child *child, char state)
{
	struct board_row row;

	log_warn("%s (pid %d) stands still, killing it", child->name,
	    (int)child->pid);
	if (state == 'R' && board_read(all->common->arena, child->slot,
	    &row) && row.fingerprint == child->pulse.fingerprint)
		poison_note(all->common, row.fingerprint);
	child->stood_still = true;
	child->pulse.still = 0;
	kill(child->pid, SIGKILL);
}

/* Before anybody is killed: who waited for him runs a moment later. */
static void
ask_states(struct children *all)
{
	struct child *child;

	CHILDREN_FOREACH(child, all)
		child->pulse.state = child_has_process(child) &&
		    !child->stood_still && child->pulse.still >= LOOKS ?
		    process_state(child->pid) : 0;
}

/* Kill who has stood still for that many looks; returns whether anybody. */
static bool
put_down_those(struct children *all, unsigned looks, bool sleepers_too)
{
	struct child *child;
	bool any = false;

	CHILDREN_FOREACH(child, all) {
		if (child->pulse.state == 0 || child->pulse.still < looks ||
		    (child->pulse.state == 'S' && !sleepers_too))
			continue;
		put_down(all, child, child->pulse.state);
		any = true;
	}
	return any;
}

uint64_t
children_watch(struct children *all, uint64_t now_ms)
{
	uint64_t period_ms = all->common->config->heartbeat_ms / LOOKS;
	struct child *child;

	if (all->common->config->heartbeat_ms == 0)
		return CHILDREN_NEVER;
	if (period_ms < PERIOD_MIN_MS)
		period_ms = PERIOD_MIN_MS;
	if (now_ms - all->look_ms < period_ms)
		return period_ms - (now_ms - all->look_ms);
	all->look_ms = now_ms;
	CHILDREN_FOREACH(child, all)
		if (child_has_process(child))
			feel(all, child);
	ask_states(all);
	if (put_down_those(all, LOOKS, false) ||
	    put_down_those(all, LOOKS + 1, true))
		CHILDREN_FOREACH(child, all)
			child->pulse.still = 0;
	return period_ms;
}

bool
children_workers_move(struct children *all)
{
	uint64_t latest_ms = all->moved_ms;
	struct board_row row;
	struct child *child;

	CHILDREN_FOREACH(child, all)
		if (child->role == &role_worker && child_has_process(child) &&
		    board_read(all->common->arena, child->slot, &row) &&
		    row.heartbeat_ms > latest_ms)
			latest_ms = row.heartbeat_ms;
	if (latest_ms == all->moved_ms)
		return false;
	all->moved_ms = latest_ms;
	return true;
}
