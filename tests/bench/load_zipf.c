/*
 * Zipf's law by rejection-inversion: W. Hörmann and G. Derflinger,
 * "Rejection-inversion to generate variates from monotone discrete
 * distributions", ACM TOMACS 6 (3), 1996.  It needs neither a table nor the
 * sum of all weights, so ten million keys cost what ten do.
 *
 * The law is h(x) = x^-theta at x = 1, 2, ... n; H is its integral.  A point
 * is drawn uniformly from the area under h, from 1/2 to n + 1/2 except that
 * the part before 1 is cut to the size h(1) of the first bar, and H inverted
 * says at which x it is.  The bar of the nearest k is not as large as the
 * area between k - 1/2 and k + 1/2, h being convex: what lies in the excess
 * is rejected, which is seldom.  `sure' is how far below k a point may be
 * without any need to look.
 */

#include <math.h>

#include "tests/bench/load_zipf.h"

uint64_t
load_random(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static double
weight(const struct load_zipf *z, double x)
{
	return exp(-z->theta * log(x));
}

/* H(x), 0 at 1; expm1() so that it is good near theta = 1, too. */
static double
area(const struct load_zipf *z, double x)
{
	double rest = 1 - z->theta;

	if (fabs(rest) < 1e-9)
		return log(x);
	return expm1(rest * log(x)) / rest;
}

static double
area_inverse(const struct load_zipf *z, double a)
{
	double rest = 1 - z->theta;

	if (fabs(rest) < 1e-9)
		return exp(a);
	return exp(log1p(a * rest) / rest);
}

void
load_zipf_open(struct load_zipf *z, uint64_t n, double theta)
{
	z->n = n;
	z->theta = theta;
	z->low = area(z, 1.5) - weight(z, 1);
	z->high = area(z, (double)n + 0.5);
	z->sure = 2 - area_inverse(z, area(z, 2.5) - weight(z, 2));
}

uint64_t
load_zipf_draw(const struct load_zipf *z, uint64_t *random)
{
	double part, a, x, k;

	if (z->theta == 0)
		return load_random(random) % z->n;
	for (;;) {
		part = (double)(load_random(random) >> 11) * 0x1p-53;
		a = z->high + part * (z->low - z->high);
		x = area_inverse(z, a);
		k = floor(x + 0.5);
		k = k < 1 ? 1 : k > (double)z->n ? (double)z->n : k;
		if (k - x <= z->sure || a >= area(z, k + 0.5) - weight(z, k))
			return (uint64_t)k - 1;
	}
}
