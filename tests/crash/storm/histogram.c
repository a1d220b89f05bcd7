/*
 * A histogram of durations: for each power of two sixteen buckets, named by
 * the bits that follow the highest one.
 */

#include "tests/crash/storm/histogram.h"

static unsigned
bucket_of(uint64_t ns)
{
	unsigned high;

	if (ns < 16)
		return (unsigned)ns;
	high = 63 - (unsigned)__builtin_clzll(ns);
	return (high - 3) * 16 + (unsigned)(ns >> (high - 4) & 15);
}

/* The least duration that is not in this bucket any more. */
static uint64_t
end_of(unsigned bucket)
{
	if (bucket < 16)
		return bucket + 1;
	return (UINT64_C(16) + bucket % 16 + 1) << (bucket / 16 - 1);
}

void
histogram_add(struct histogram *h, uint64_t ns)
{
	h->count[bucket_of(ns)]++;
	h->n++;
	if (ns > h->max_ns)
		h->max_ns = ns;
}

void
histogram_merge(struct histogram *to, const struct histogram *from)
{
	unsigned i;

	for (i = 0; i < HISTOGRAM_BUCKETS; i++)
		to->count[i] += from->count[i];
	to->n += from->n;
	if (from->max_ns > to->max_ns)
		to->max_ns = from->max_ns;
}

uint64_t
histogram_over(const struct histogram *h, uint64_t ns)
{
	uint64_t n = 0;
	unsigned i;

	for (i = bucket_of(ns) + 1; i < HISTOGRAM_BUCKETS; i++)
		n += h->count[i];
	return n;
}

double
histogram_ms(const struct histogram *h, double part)
{
	uint64_t seen = 0, want = (uint64_t)((double)h->n * part);
	unsigned i;

	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->count[i];
		if (seen > want && end_of(i) < h->max_ns)
			return (double)end_of(i) / 1e6;
		if (seen > want)
			break;
	}
	return histogram_max_ms(h);
}

double
histogram_max_ms(const struct histogram *h)
{
	return (double)h->max_ns / 1e6;
}
