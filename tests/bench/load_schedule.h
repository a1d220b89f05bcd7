#ifndef KVD_TESTS_BENCH_LOAD_SCHEDULE_H
#define KVD_TESTS_BENCH_LOAD_SCHEDULE_H

#include <stdint.h>

/*
 * When requests are to be sent in an open loop: evenly, whatever the server
 * does.  The latency of a request counts from then, not from when there was
 * room to send it: a server that stalls for a second would otherwise have
 * one slow request to show, and not all those that would have come meanwhile
 * ("coordinated omission").
 */
struct load_schedule {
	uint64_t	start_ns;	/* of CLOCK_MONOTONIC */
	double		rate;		/* requests a second, above 0 */
};

/* When the i-th request, counted from 0, is due. */
uint64_t load_schedule_due_ns(const struct load_schedule *, uint64_t i);

/* How many requests are due before this time. */
uint64_t load_schedule_count(const struct load_schedule *, uint64_t ns);

#endif
