#ifndef KVD_SERVER_CLOCK_H
#define KVD_SERVER_CLOCK_H

#include <stdint.h>
#include <time.h>

/*
 * Milliseconds.  Deadlines count on the first clock, which no one can set;
 * the second is for what people read and for expiry.
 */
static inline uint64_t
clock_read_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* The first one in microseconds, for what is measured. */
static inline uint64_t
clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static inline uint64_t
clock_ms(void)
{
	return clock_read_ms(CLOCK_MONOTONIC);
}

static inline uint64_t
clock_wall_ms(void)
{
	return clock_read_ms(CLOCK_REALTIME);
}

#endif
