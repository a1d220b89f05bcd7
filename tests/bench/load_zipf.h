#ifndef KVD_TESTS_BENCH_LOAD_ZIPF_H
#define KVD_TESTS_BENCH_LOAD_ZIPF_H

#include <stdint.h>

/* Random numbers; any state is a seed.  Uniform over 64 bits. */
uint64_t load_random(uint64_t *state);

/*
 * Draws one of n keys: key i, counted from 0, with a probability in
 * proportion to (i + 1) to the power of -theta.  0 is uniform, 0.99 is what
 * benchmarks of stores commonly take.
 */
struct load_zipf {
	uint64_t	n;
	double		theta;
	double		low;		/* of the area that is drawn from */
	double		high;
	double		sure;		/* so near, a draw needs no test */
};

/* n at least 1, theta at least 0. */
void load_zipf_open(struct load_zipf *, uint64_t n, double theta);
uint64_t load_zipf_draw(const struct load_zipf *, uint64_t *random);

#endif
