#ifndef KVD_SERVER_RESTART_H
#define KVD_SERVER_RESTART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/role.h"

/*
 * Whether to restart, when to stop, and how long to wait before: arithmetic,
 * which knows neither processes nor clocks.
 */

#define RESTARTS_MAX	1000	/* as many as may be configured */

/* The latest restarts of whatever children; all zeros to begin with. */
struct restart_history {
	uint64_t	at_ms[RESTARTS_MAX + 1];	/* a ring */
	uint64_t	count;
};

/*
 * Note a restart at now_ms.  Returns true if there have been more than max
 * (at most RESTARTS_MAX) within the last window_ms, this one included.
 */
bool restart_is_too_many(struct restart_history *, uint64_t now_ms,
    uint64_t max, uint64_t window_ms);

/* The delay after one of delay_ms: 0, 50, 100, ... up to max_ms. */
uint64_t restart_next_delay(uint64_t delay_ms, uint64_t max_ms);

enum restart_verdict {
	RESTART_AGAIN,
	RESTART_NOT,		/* it has done what it was there for */
	RESTART_GIVE_UP		/* it is needed, and says that it cannot */
};

/* What follows for a child of this kind from its status of wait(2). */
enum restart_verdict restart_judge(enum role_restart, int status);

#endif
