#ifndef KVD_TESTS_STORM_HISTOGRAM_H
#define KVD_TESTS_STORM_HISTOGRAM_H

#include <stdint.h>

/* Durations in ns, each counted with an error of less than 7 %. */
#define HISTOGRAM_BUCKETS	(64 * 16)

struct histogram {
	uint64_t	n;
	uint64_t	max_ns;
	uint64_t	count[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *, uint64_t ns);
void histogram_merge(struct histogram *to, const struct histogram *from);

/* How many were longer, with the same error. */
uint64_t histogram_over(const struct histogram *, uint64_t ns);

/* The duration that this part (0 .. 1) does not exceed, in ms. */
double histogram_ms(const struct histogram *, double part);
double histogram_max_ms(const struct histogram *);

#endif
