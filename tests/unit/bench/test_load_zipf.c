/* Keys are drawn as often as the law says. */

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "tests/bench/load_zipf.h"

#define DRAWS	1000000

/* The sum of all weights, the hard way. */
static double
total(uint64_t n, double theta)
{
	double sum = 0;
	uint64_t k;

	for (k = 1; k <= n; k++)
		sum += pow((double)k, -theta);
	return sum;
}

/* Five standard deviations: wrong once in a million, were it not seeded. */
static void
expect(double drawn, double part, const char *what, double theta)
{
	double mean = DRAWS * part;

	cr_assert(fabs(drawn - mean) <= 5 * sqrt(mean * (1 - part)) + 1,
	    "theta %g, %s: %g instead of %g", theta, what, drawn, mean);
}

static void
draw(uint64_t n, double theta)
{
	unsigned *count = calloc(n, sizeof(*count));
	double sum = total(n, theta), tail = 0;
	uint64_t i, k, random = 1;
	struct load_zipf z;

	load_zipf_open(&z, n, theta);
	for (i = 0; i < DRAWS; i++) {
		k = load_zipf_draw(&z, &random);
		cr_assert_lt(k, n);
		count[k]++;
	}
	for (k = 0; k < n && k < 20; k++)
		expect(count[k], pow((double)k + 1, -theta) / sum, "a key",
		    theta);
	for (k = n / 2; k < n; k++)
		tail += count[k];
	expect(tail, (sum - total(n / 2, theta)) / sum, "the latter half",
	    theta);
	free(count);
}

Test(load_zipf, keys_are_drawn_as_often_as_the_law_says)
{
	static const double thetas[] = { 0.1, 0.5, 0.99, 1, 1.01, 1.5, 3 };
	size_t i;

	for (i = 0; i < sizeof(thetas) / sizeof(thetas[0]); i++) {
		draw(2, thetas[i]);
		draw(10, thetas[i]);
		draw(10000, thetas[i]);
	}
}

Test(load_zipf, without_an_exponent_all_keys_are_as_likely)
{
	draw(10, 0);
	draw(1000, 0);
}

Test(load_zipf, of_one_key_that_one_is_drawn)
{
	uint64_t random = 1;
	struct load_zipf z;
	unsigned i;

	load_zipf_open(&z, 1, 0.99);
	for (i = 0; i < 1000; i++)
		cr_assert_eq(load_zipf_draw(&z, &random), 0);
}
