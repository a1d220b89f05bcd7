/*
 * The ends of children, and what each means: another one now, another one
 * later, or none any more.
 *
 * The first restart of a child is immediate, for most deaths have nothing to
 * do with their successor; after that it is put off longer each time, until
 * one has lived for ten seconds.  More restarts than the configured intensity
 * are no accidents any more: the master stops everything, and its own
 * supervisor may decide.
 */

#include <sys/wait.h>

#include <unistd.h>

#include "server/children_table.h"
#include "server/clock.h"
#include "server/crash_report.h"
#include "server/log.h"

#define STARTS_MAX	5	/* of a child, before its generation serves */
#define PROVEN_MS	10000	/* a life so long clears the record */

/*
 * Log how it ended, show it on its slot, and clear that: its gauges no longer
 * count, and nobody else writes there now.
 */
static void
bury(const struct children *all, const struct child *child, int status)
{
	struct arena *arena = all->common->arena;
	struct board_end end = { .at_ms = clock_wall_ms() };
	struct lastwords words;

	crash_bury(all->common, child->name, child->slot, child->pid, status,
	    child->stood_still, &words);
	end.how = BOARD_END_KNOWN | (uint32_t)status;
	if (child->stood_still)
		end.how |= BOARD_END_STOOD_STILL;
	if (WIFSIGNALED(status) && words.signal == WTERMSIG(status) &&
	    crash_has_address(&words)) {
		end.how |= BOARD_END_ADDRESS;
		end.address = words.address;
	}
	board_set_end(arena, child->slot, &end);
	board_leave(arena, child->slot);
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

/* One of a generation that does not serve yet: is it the child's fault? */
static bool
cannot_start(const struct children *all, const struct child *child,
    int status)
{
	return child->generation == all->coming &&
	    (child->restarts >= STARTS_MAX || (WIFEXITED(status) &&
	    WEXITSTATUS(status) != ROLE_DONE));
}

/* Why nobody is to take its place, or NULL. */
static const char *
reason_against(struct children *all, const struct child *child, int status,
    uint64_t now_ms)
{
	const struct config *config = all->common->config;

	if (cannot_start(all, child, status)) {
		all->coming_failed = true;
		return "a child cannot start";
	}
	if (!is_wanted(child, status))
		return "a child said that it must not be started again";
	/* What does not serve yet has a bound of its own. */
	if ((child->generation != all->coming || all->serving == 0) &&
	    restart_is_too_many(&all->history, now_ms, config->max_restarts,
	    config->max_seconds_ms))
		return "too many children died in too short a time";
	return NULL;
}

static void
replace(struct children *all, struct child *child, int status)
{
	uint64_t now_ms = clock_ms();
	const char *reason;

	if (child->state == CHILD_LEAVING) {
		child->state = CHILD_NONE;
		return;
	}
	reason = reason_against(all, child, status, now_ms);
	if (reason != NULL) {
		child->state = CHILD_NONE;
		/* Without the new generation the old one goes on. */
		if (child->generation != all->coming || all->serving == 0)
			all->failure = reason;
		return;
	}
	child->restarts++;
	if (now_ms - child->started_ms >= PROVEN_MS)
		child->delay_ms = 0;
	child_start_later(all, child, now_ms);
	if (child->start_ms <= now_ms)
		child_start(all, child, now_ms);
	else
		log_info("%s starts again in %ju ms", child->name,
		    (uintmax_t)(child->start_ms - now_ms));
}

static struct child *
find(struct children *all, pid_t pid)
{
	struct child *child;

	CHILDREN_FOREACH(child, all)
		if (child_has_process(child) && child->pid == pid)
			return child;
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
	unsigned i;

	for (i = 0; i < BOARD_SLOTS; i++)
		if (all->wake_fds[i] >= 0)
			(void)!write(all->wake_fds[i], &one, sizeof(one));
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
		bury(all, child, status);
		replace(all, child, status);
		any = true;
	}
	if (any)
		wake_everybody(all);
}
