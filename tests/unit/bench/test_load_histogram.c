/* Durations come out as they went in, within what the buckets promise. */

#include <criterion/criterion.h>

#include "tests/bench/load_histogram.h"
#include "tests/bench/load_zipf.h"

static struct load_histogram h;

static void
empty(void)
{
	h = (struct load_histogram){ 0 };
}

TestSuite(load_histogram, .init = empty);

Test(load_histogram, one_that_is_empty_has_no_durations)
{
	cr_assert_eq(load_histogram_ns(&h, 0.5), 0);
	cr_assert_eq(load_histogram_ns(&h, 1), 0);
}

Test(load_histogram, short_durations_are_exact)
{
	uint64_t ns;

	for (ns = 0; ns < 256; ns++)
		load_histogram_add(&h, ns);
	for (ns = 0; ns < 256; ns++)
		cr_assert_eq(load_histogram_ns(&h, (double)(ns + 1) / 256),
		    ns);
}

/* Two of each, so that the longest one does not show what was put in. */
Test(load_histogram, no_duration_comes_out_shorter_or_a_hundredth_longer)
{
	uint64_t ns, out, random = 7;
	unsigned i;

	for (i = 0; i < 2000; i++) {
		empty();
		ns = load_random(&random) >> i % 64;
		load_histogram_add(&h, ns);
		load_histogram_add(&h, UINT64_MAX);
		out = load_histogram_ns(&h, 0.5);
		cr_assert(out >= ns && out - ns <= ns / 100, "%ju is %ju",
		    (uintmax_t)ns, (uintmax_t)out);
	}
}

Test(load_histogram, the_longest_duration_is_exact)
{
	load_histogram_add(&h, 123456789);
	load_histogram_add(&h, 1);
	cr_assert_eq(load_histogram_ns(&h, 1), 123456789);
	load_histogram_add(&h, UINT64_MAX);
	cr_assert_eq(load_histogram_ns(&h, 1), UINT64_MAX);
}

Test(load_histogram, percentiles_are_those_of_the_sorted_durations)
{
	unsigned i;

	for (i = 1000; i > 0; i--)
		load_histogram_add(&h, i < 100 ? i : 100);
	cr_assert_eq(load_histogram_ns(&h, 0.001), 1);
	cr_assert_eq(load_histogram_ns(&h, 0.050), 50);
	cr_assert_eq(load_histogram_ns(&h, 0.099), 99);
	cr_assert_eq(load_histogram_ns(&h, 0.5), 100);
	load_histogram_add(&h, 200);
	cr_assert_eq(load_histogram_ns(&h, 0.999), 100);
	cr_assert_eq(load_histogram_ns(&h, 1), 200);
}
