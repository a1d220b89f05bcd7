/*
 * The slots of the board, and who has them.
 *
 * A child is at the index of its slot in our table.  Besides ours there may
 * be those of another master: while a program replaces another both have
 * children, and a master that died on the way leaves orphans.  Theirs are
 * told to end by the kernel (PR_SET_PDEATHSIG) and do so after the request in
 * hand, unless one was stopped or does not come back: those are killed when
 * patience ends, for who holds a lock keeps everybody waiting.  Until it is
 * gone nobody gets an orphan's slot, which it would clear when it leaves.
 */

#include <sys/eventfd.h>

#include "server/children_table.h"
#include "server/process.h"
#include "server/roster.h"

void
children_clear_slot(const struct children *all, unsigned slot)
{
	board_leave(all->common->arena, slot);
	if (slot >= BOARD_WORKER_SLOT &&
	    slot < BOARD_WORKER_SLOT + BOARD_WORKERS_MAX)
		roster_clear(all->common->roster, slot - BOARD_WORKER_SLOT);
}

void
children_spare_slot(struct children *all, unsigned slot)
{
	all->wake_fds[slot] = INHERIT_FOREIGN;
}

void
children_free_slots(struct children *all)
{
	unsigned i;

	for (i = 0; i < BOARD_SLOTS; i++)
		if (all->wake_fds[i] == INHERIT_FOREIGN)
			all->wake_fds[i] = INHERIT_NO_WAKE;
}

bool
children_have_slot(const struct children *all, unsigned slot)
{
	return all->child[slot].state != CHILD_NONE;
}

/* Does the board show a process in a slot which is not ours? */
static bool
stranger_in(const struct children *all, unsigned slot, struct board_row *row)
{
	return all->child[slot].state == CHILD_NONE &&
	    board_read(all->common->arena, slot, row) && row->pid > 0;
}

static bool
is_free(const struct children *all, unsigned slot)
{
	struct board_row row;

	if (all->child[slot].state != CHILD_NONE ||
	    all->wake_fds[slot] == INHERIT_FOREIGN)
		return false;
	return !stranger_in(all, slot, &row) ||
	    !process_is_there(row.pid, row.heartbeat_ms);
}

unsigned
children_find_slot(struct children *all, unsigned from, unsigned to)
{
	while (from < to && !is_free(all, from))
		from++;
	if (from == to)
		return 0;
	if (all->wake_fds[from] == INHERIT_NO_WAKE)
		all->wake_fds[from] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return all->wake_fds[from] == -1 ? 0 : from;
}

void
children_sweep(struct children *all, uint64_t now_ms)
{
	bool any = false, over = all->orphans_ms != 0 &&
	    now_ms >= all->orphans_ms;
	struct board_row row;
	unsigned slot;

	for (slot = BOARD_WORKER_SLOT; slot < BOARD_SLOTS; slot++) {
		if (all->wake_fds[slot] == INHERIT_FOREIGN ||
		    !stranger_in(all, slot, &row))
			continue;
		if (!process_is_there(row.pid, row.heartbeat_ms)) {
			children_clear_slot(all, slot);
			continue;
		}
		any = true;
		if (over)
			process_end_orphan(row.pid, row.heartbeat_ms);
	}
	if (!any)
		all->orphans_ms = 0;
	else if (over || all->orphans_ms == 0)
		all->orphans_ms = now_ms + PROCESS_ORPHANS_MS;
}
