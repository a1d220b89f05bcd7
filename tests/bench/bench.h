#ifndef KVD_TESTS_BENCH_H
#define KVD_TESTS_BENCH_H

/*
 * What the programs of this folder have in common: the keys and values that
 * the figures speak of (16 and 32 bytes), the clock, and the one way in which
 * a figure is printed, "name TAB number TAB unit", for tests/bench/run to put
 * together.
 */

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define KEY_BYTES	16
#define VALUE_BYTES	32

/* Seconds of a clock that only goes forward. */
static inline double
bench_now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* "key-000000000042" or the like; prefix has 4 bytes. */
static inline void
bench_text(char *out, size_t len, const char *prefix, uint64_t n)
{
	size_t i;

	for (i = 0; i < 4; i++)
		out[i] = prefix[i];
	for (i = len; i > 4; n /= 10)
		out[--i] = (char)('0' + n % 10);
}

/*
 * A number below n for each i, in no order that a cache or an index could
 * profit from (splitmix64).
 */
static inline uint64_t
bench_pick(uint64_t i, uint64_t n)
{
	uint64_t x = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (x ^ x >> 31) % n;
}

static inline void
bench_figure(const char *name, double number, const char *unit)
{
	printf("%s\t%.6g\t%s\n", name, number, unit);
	fflush(stdout);
}

#endif
