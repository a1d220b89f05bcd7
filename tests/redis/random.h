#ifndef KVD_TESTS_REDIS_RANDOM_H
#define KVD_TESTS_REDIS_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The stream of numbers that a seed stands for: splitmix64. */
struct random {
	uint64_t state;
};

static inline uint64_t
random_next(struct random *r)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* 0 .. n - 1 */
static inline size_t
random_below(struct random *r, size_t n)
{
	return random_next(r) % n;
}

static inline bool
random_percent(struct random *r, unsigned percent)
{
	return random_below(r, 100) < percent;
}

#endif
