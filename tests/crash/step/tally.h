#ifndef KVD_STEP_TALLY_H
#define KVD_STEP_TALLY_H

#include <stdint.h>

/*
 * What has been tried, summed over all tests.  Criterion starts each test as
 * a process of its own, so the sums are in a file without a name that the
 * first process makes and the others find through their environment.
 */
enum tally_count {
	TALLY_POINTS,		/* instructions killed at, in operations */
	TALLY_STATES,		/* distinct states of the arena among them */
	TALLY_KILLS,		/* processes really killed */
	TALLY_REPAIR_POINTS,	/* instructions killed at, in repairs */
	TALLY_REPAIR_STATES,
	TALLY_REPAIR_KILLS,	/* really, in repairs */
	TALLY_THIRD_POINTS,	/* in the repair after a killed repair */
	TALLY_READS,		/* attempts of readers at frozen states */
	TALLY_RETRIES,		/* of these, told to try again */
	TALLY_BESIDE,		/* reads by a process that ran beside */
	TALLY_MS,
	TALLY_COUNTS
};

/* The clock of all time limits. */
uint64_t tally_now_ms(void);

/* In the first process, before any test. */
void tally_init(void);

/* In a test: take a row, and a processor to run on. */
void tally_begin(const char *name);
void tally_add(enum tally_count, uint64_t);
void tally_end(void);

/*
 * In the first process, after the tests: print the sums, after how many kill
 * points a test failed, and each row if KVD_STEP_REPORT is set.  Returns the
 * number of rows that were ended.
 */
unsigned tally_report(void);
uint64_t tally_sum(enum tally_count);

#endif
