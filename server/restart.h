#ifndef KVD_SERVER_RESTART_H
#define KVD_SERVER_RESTART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * When to stop restarting, and how long to wait before: arithmetic, which
 * knows neither processes nor clocks.
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

#endif
