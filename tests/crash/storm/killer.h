#ifndef KVD_TESTS_STORM_KILLER_H
#define KVD_TESTS_STORM_KILLER_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/board.h"
#include "tests/crash/storm/histogram.h"
#include "tests/crash/storm/server.h"

/* How it strikes. */
enum blow {
	BLOW_KILL, BLOW_SEGV, BLOW_STOP, BLOW_MASTER, BLOW_ALL
};
#define BLOWS	(BLOW_ALL + 1)

struct blow_note {
	uint64_t	at_ns;
	enum blow	blow;
	enum board_role	role;	/* of whom; BOARD_FREE: not yet any */
};

#define KILLER_NOTES	4096

struct killer {
	struct server	*server;
	uint64_t	 random;
	double		 rate;		/* blows a second */
	bool		 masters;	/* some are for the master, or all */
	uint64_t	 next_ns;	/* the next one is due */
	uint64_t	 count[BLOWS];
	uint64_t	 cleaners;	/* of these */
	struct histogram restart;	/* blow to successor serving */
	struct histogram adoption;	/* blow to the first answer */
	uint64_t	 struck_ns[BOARD_SLOTS]; /* 0: serving, as we know */
	pid_t		 struck[BOARD_SLOTS];
	uint64_t	 notes;
	struct blow_note note[KILLER_NOTES];	/* a ring */
};

/*
 * Strike if that is due (and strike is true), see which successors serve by
 * now, and return how long to sleep, in ns.
 */
uint64_t killer_tick(struct killer *, bool strike);

/* The last blow before that moment, or NULL. */
const struct blow_note *killer_blow_before(const struct killer *,
    uint64_t at_ns);

const char *killer_blow_name(enum blow);

#endif
