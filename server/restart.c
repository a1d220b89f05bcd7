/*
 * Intensity and back-off, after OTP's supervisors.  An intensity is a number
 * of restarts within a time: a few are accidents, more have a cause that no
 * restart removes.  The back-off keeps one child that dies at once from using
 * up the patience meant for all.
 */

#include "server/restart.h"

#include <sys/wait.h>

#define DELAY_MIN_MS	50

bool
restart_is_too_many(struct restart_history *h, uint64_t now_ms, uint64_t max,
    uint64_t window_ms)
{
	const uint64_t ring = RESTARTS_MAX + 1;

	h->at_ms[h->count % ring] = now_ms;
	h->count++;
	/* The one that was max restarts ago: is it too fresh? */
	return h->count > max &&
	    now_ms - h->at_ms[(h->count - 1 - max) % ring] < window_ms;
}

uint64_t
restart_next_delay(uint64_t delay_ms, uint64_t max_ms)
{
	uint64_t next_ms = delay_ms == 0 ? DELAY_MIN_MS : delay_ms * 2;

	return next_ms < max_ms ? next_ms : max_ms;
}

enum restart_verdict
restart_judge(enum role_restart kind, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : ROLE_RESTART;

	if (kind == ROLE_TEMPORARY ||
	    (kind == ROLE_TRANSIENT && code == ROLE_DONE))
		return RESTART_NOT;
	return code == ROLE_NEVER ? RESTART_GIVE_UP : RESTART_AGAIN;
}
