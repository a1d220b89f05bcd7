/*
 * What is told of a child that has ended: the crash report in the log, its
 * end on the board for `kv tree', and the blame on the request that it had in
 * hand, if its last words lay it there.
 */

#include <sys/wait.h>

#include "server/children_table.h"
#include "server/clock.h"
#include "server/crash_report.h"
#include "server/log.h"
#include "server/poison.h"

/* Before its slot is cleared. */
static void
describe(struct crash *crash, const struct arena *arena, unsigned slot)
{
	uint64_t now_ms = clock_wall_ms();
	struct board_row row;

	/* It may have died before it took its slot. */
	if (!board_read(arena, slot, &row) || row.pid != crash->pid)
		return;
	crash->fingerprint = row.fingerprint;
	crash->requests = row.counters[BOARD_REQUESTS];
	crash->restarts = row.restarts;
	crash->age_ms = now_ms > row.started_ms ? now_ms - row.started_ms : 0;
}

static void
report(const struct children *all, const struct crash *crash)
{
	char line[LOG_LINE_MAX];

	if (WIFEXITED(crash->status) &&
	    WEXITSTATUS(crash->status) == ROLE_DONE) {
		log_info("%s (pid %d) has ended", crash->who,
		    (int)crash->pid);
		return;
	}
	crash_format(line, sizeof(line), crash, crash_place);
	log_warn("%s", line);
	/* Of who stood still, the watchdog has blamed whom it wanted. */
	if (!crash->stood_still && poison_is_to_blame(&crash->words))
		poison_note(all->common, crash->fingerprint);
}

void
child_bury(const struct children *all, const struct child *child, int status)
{
	struct arena *arena = all->common->arena;
	struct crash crash = {
		.who = child->name, .pid = child->pid, .status = status,
		.stood_still = child->stood_still
	};
	struct board_end end;

	lastwords_take(all->common->lastwords, child->slot, child->pid,
	    &crash.words);
	describe(&crash, arena, child->slot);
	report(all, &crash);
	end = crash_end(&crash);
	end.at_ms = clock_wall_ms();
	board_set_end(arena, child->slot, &end);
	children_clear_slot(all, child->slot);
}
