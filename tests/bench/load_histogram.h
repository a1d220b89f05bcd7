#ifndef KVD_TESTS_BENCH_LOAD_HISTOGRAM_H
#define KVD_TESTS_BENCH_LOAD_HISTOGRAM_H

#include <stdint.h>

/*
 * Durations in ns, from 0 to 2^64 - 1.  Below 256 each has a bucket of its
 * own; above, each power of two is cut into 128, so that what is read out is
 * at most 1/128, 0.8 %, above what was put in.
 */
#define LOAD_HISTOGRAM_BUCKETS	(256 + 56 * 128)

struct load_histogram {
	uint64_t	n;
	uint64_t	max_ns;
	uint64_t	count[LOAD_HISTOGRAM_BUCKETS];
};

void load_histogram_add(struct load_histogram *, uint64_t ns);

/*
 * The least duration that at least this part (above 0, up to 1) of all do not
 * exceed, and never more than the longest one; 0 if there is none.
 */
uint64_t load_histogram_ns(const struct load_histogram *, double part);

#endif
