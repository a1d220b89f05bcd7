#ifndef KVD_SHM_BOARD_H
#define KVD_SHM_BOARD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm/arena.h"

/*
 * The board: a slot per process of the instance, where it shows what it is
 * and what it has done.  A slot has one writer, its owner; anybody reads.
 * Nothing on the board is needed for correctness.
 */

/*
 * Worker n has slot n + 1, and is watcher n.  There are twice as many slots
 * as workers may be configured, for those that are being replaced go on for a
 * while beside their successors.
 */
#define BOARD_SLOTS		544
#define BOARD_MASTER_SLOT	0
#define BOARD_WORKER_SLOT	1	/* of worker 0 */
#define BOARD_WORKERS_MAX	512
#define BOARD_CLEANER_SLOT	513	/* the first that cleaners may have */

enum board_role {
	BOARD_FREE, BOARD_MASTER, BOARD_WORKER, BOARD_CLEANER, BOARD_OTHER
};
enum board_state {
	BOARD_STARTING, BOARD_SERVING, BOARD_DRAINING, BOARD_STOPPED,
	BOARD_WAITING		/* dead, until it is restarted */
};

/* The counters of a slot; the list, with its help texts, is counters.def. */
enum board_counter {
#define COUNTER(name, help) BOARD_##name,
#include "shm/counters.def"
#undef COUNTER
	BOARD_COUNTERS
};

/*
 * How the last process that had a slot ended.  how is a status of wait(2),
 * and what else is known: BOARD_END_*.
 */
#define BOARD_END_KNOWN		(UINT64_C(1) << 32)	/* there was one */
#define BOARD_END_STOOD_STILL	(UINT64_C(1) << 33)	/* so it was killed */
#define BOARD_END_ADDRESS	(UINT64_C(1) << 34)	/* of a fault */

struct board_end {
	uint64_t	how;
	uint64_t	at_ms;		/* wall clock */
	uint64_t	address;
};

struct board_row {			/* a copy, for those who look */
	enum board_role		role;
	enum board_state	state;
	pid_t			pid;
	uint64_t		started_ms;	/* wall clock */
	uint64_t		restarts;
	uint64_t		heartbeat_ms;	/* monotonic; only grows */
	uint64_t		fingerprint;	/* of the request in hand */
	struct board_end	end;		/* of the one before */
	uint64_t		counters[BOARD_COUNTERS];
};

/*
 * Take a slot for this process.  Counters go on where the predecessor in the
 * slot left them, so that sums only grow.
 */
void board_enter(struct arena *, unsigned slot, enum board_role,
    uint64_t now_ms, uint64_t restarts);
void board_set_state(struct arena *, unsigned slot, enum board_state);
/* Alive at now_ms, on the monotonic clock: not on the wall's. */
void board_beat(struct arena *, unsigned slot, uint64_t now_ms);
void board_set_fingerprint(struct arena *, unsigned slot, uint64_t);
void board_add(struct arena *, unsigned slot, enum board_counter, uint64_t);
void board_sub(struct arena *, unsigned slot, enum board_counter, uint64_t);
/* Count what this process has removed from the arena as expired. */
void board_add_expired(struct arena *, unsigned slot);
/* The process is no more: its gauges no longer count, its pid is 0. */
void board_leave(struct arena *, unsigned slot);
/* By the master, which learns it: stays until the next end in this slot. */
void board_set_end(struct arena *, unsigned slot, const struct board_end *);

/* Copy a row out; false if the slot was never used. */
bool board_read(const struct arena *, unsigned slot, struct board_row *);
/* A counter summed over all slots. */
uint64_t board_sum(const struct arena *, enum board_counter);
/* As in counters.def, e.g. "BYTES_IN", and its help; static storage. */
const char *board_counter_name(enum board_counter);
const char *board_counter_help(enum board_counter);
/* "worker", "serving", ...: static storage. */
const char *board_role_name(enum board_role);
const char *board_state_name(enum board_state);

#endif
