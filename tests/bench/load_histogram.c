/*
 * A bucket is named by the highest bit and the seven that follow it, as in
 * Gil Tene's HdrHistogram: counting is a shift and an addition, and the
 * error is in proportion to the duration, however long that is.
 */

#include <math.h>

#include "tests/bench/load_histogram.h"

#define DETAIL	7		/* bits behind the highest one */

static unsigned
bucket_of(uint64_t ns)
{
	unsigned shift;

	if (ns < 256)
		return (unsigned)ns;
	shift = 63 - DETAIL - (unsigned)__builtin_clzll(ns);
	return (shift << DETAIL) + (unsigned)(ns >> shift);
}

/* The longest duration of a bucket. */
static uint64_t
last_of(unsigned bucket)
{
	unsigned shift;

	if (bucket < 256)
		return bucket;
	shift = (bucket >> DETAIL) - 1;
	/* One less than the next begins with, which may not exist. */
	return ((uint64_t)(bucket - (shift << DETAIL)) << shift) +
	    ((UINT64_C(1) << shift) - 1);
}

void
load_histogram_add(struct load_histogram *h, uint64_t ns)
{
	h->count[bucket_of(ns)]++;
	h->n++;
	if (ns > h->max_ns)
		h->max_ns = ns;
}

uint64_t
load_histogram_ns(const struct load_histogram *h, double part)
{
	uint64_t seen = 0, want = (uint64_t)ceil((double)h->n * part);
	unsigned i;

	for (i = 0; i < LOAD_HISTOGRAM_BUCKETS && h->n > 0; i++) {
		seen += h->count[i];
		if (seen >= want && last_of(i) < h->max_ns)
			return last_of(i);
		if (seen >= want)
			break;
	}
	return h->max_ns;
}
