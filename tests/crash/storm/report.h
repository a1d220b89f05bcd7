#ifndef KVD_TESTS_STORM_REPORT_H
#define KVD_TESTS_STORM_REPORT_H

#include "tests/crash/storm/killer.h"
#include "tests/crash/storm/storm.h"

/* What was measured beside the shared figures. */
#define ROUNDS_MAX	1024

struct rounds {
	unsigned	n;	/* a calm and a storm each; > 0 */
	double		seconds[PHASES];
	double		per_second[PHASES][ROUNDS_MAX];	/* replies */
};

/* Print the figures of a storm. */
void report(const struct storm *, const struct killer *,
    const struct rounds *);

#endif
