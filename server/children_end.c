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
#include "server/log.h"
#include "server/wake.h"

#define STARTS_MAX	5	/* of a child, before its generation serves */
#define PROVEN_MS	10000	/* a life so long clears the record */

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
    enum restart_verdict verdict, uint64_t now_ms)
{
	const struct config *config = all->common->config;

	if (cannot_start(all, child, status)) {
		all->coming_failed = true;
		return "a child cannot start";
	}
	if (verdict == RESTART_GIVE_UP)
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
	enum restart_verdict verdict = restart_judge(child->role->restart,
	    status);
	uint64_t now_ms = clock_ms();
	const char *reason;

	if (child->state == CHILD_LEAVING || verdict == RESTART_NOT) {
		child->state = CHILD_NONE;
		return;
	}
	reason = reason_against(all, child, status, verdict, now_ms);
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
	unsigned i;

	for (i = 0; i < BOARD_SLOTS; i++)
		wake(all->wake_fds[i]);
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
		child_bury(all, child, status);
		replace(all, child, status);
		any = true;
	}
	if (any)
		wake_everybody(all);
}
