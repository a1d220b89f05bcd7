#ifndef KVD_SHM_CLOCK_H
#define KVD_SHM_CLOCK_H

#include <stdint.h>
#include <time.h>

/* The wall clock, ms since 1970, as expiry times are written. */
static inline uint64_t
clock_wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

#endif
