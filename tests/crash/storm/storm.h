#ifndef KVD_TESTS_STORM_H
#define KVD_TESTS_STORM_H

#include <stdatomic.h>
#include <sys/types.h>
#include <time.h>

#include "tests/crash/storm/histogram.h"
#include "tests/crash/storm/ledger.h"

/*
 * What the processes of a storm share: one mapping, made before they are
 * forked.  Each client writes its own part; the test reads it while they
 * run, for their progress, and all of it when they have ended.
 */
#define CLIENTS_MAX	8
#define KEYS		4096	/* of each client's own bucket */
#define GROUPS		16	/* of keys that are set by one MPUT */
#define GROUP		8
#define SHARED		64	/* keys that all clients write */

enum phase { PHASE_WARM, PHASE_CALM, PHASE_STORM, PHASES };

/* The bucket that is made and dropped again and again, as one request each. */
struct visit {
	bool	 on;		/* not known to be gone */
	bool	 in_doubt;
	bool	 created;
	bool	 drop_sent;
	unsigned put_sent, put;
	uint64_t first_seq;	/* of its PUTs */
};

struct client {
	/* Set by the test. */
	unsigned	 number;
	unsigned	 depth;		/* requests on the way at once */
	uint64_t	 pause_ns;	/* between two batches of them */
	uint64_t	 random;
	pid_t		 pid;

	/* Progress and figures. */
	_Atomic uint64_t replies[PHASES];
	_Atomic uint64_t seq;		/* of the last change sent */
	_Atomic uint64_t acknowledged;	/* changes */
	_Atomic bool	 failed;
	char		 failure[512];
	uint64_t	 checked;	/* values, or that there is none */
	uint64_t	 doubts;	/* changes that were ever in doubt */
	uint64_t	 settled;	/* of these: seen to have happened */
	uint64_t	 broken;	/* connections */
	double		 cpu_s;
	struct histogram latency[PHASES];
	struct histogram outage;	/* connection broke to next reply */
	uint64_t	 worst_ns;	/* in a storm, and when it ended */
	uint64_t	 worst_at_ns;
	char		 worst_of[16];

	/* The ledger. */
	struct cell	 keys[KEYS];
	struct cell	 groups[GROUPS];
	struct cell	 shared[SHARED];
	uint64_t	 seen[CLIENTS_MAX][SHARED];	/* of others, latest */
	struct visit	 visit;
};

struct storm {
	char		 socket[108];	/* where kvd listens */
	_Atomic int	 phase;		/* enum phase */
	_Atomic bool	 stop;		/* clients: finish and end */
	struct histogram sleeper[PHASES];	/* delays of a mere sleep */
	unsigned	 clients;
	struct client	 client[CLIENTS_MAX];
};

/* CLOCK_MONOTONIC. */
static inline uint64_t
storm_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) +
	    (uint64_t)ts.tv_nsec;
}

static inline void
storm_sleep_ns(uint64_t ns)
{
	const struct timespec ts = {
		.tv_sec = (time_t)(ns / UINT64_C(1000000000)),
		.tv_nsec = (long)(ns % UINT64_C(1000000000))
	};

	nanosleep(&ts, NULL);
}

#endif
