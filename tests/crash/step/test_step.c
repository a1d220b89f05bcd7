/*
 * A kill at any instruction leaves the old state or the new one.  There is a
 * test for each line of scenarios.def; how they do it is examine.c.
 */

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "examine.h"
#include "tally.h"

#define POINTS_MIN		50000
#define KILLS_MIN		2000
#define REPAIR_POINTS_MIN	10000

TestSuite(a_kill_anywhere_in_a, .timeout = 3600);

#define SCENARIO(name, segments, bytes, prepare, kind, candidate, happens, \
    never)								\
	Test(a_kill_anywhere_in_a, name##_leaves_the_old_or_the_new)	\
	{								\
		examine(&scenarios[SCENARIO_##name]);			\
	}
#include "scenarios.def"
#undef SCENARIO

/* A proof that tries less than it says is none. */
static bool
is_enough(void)
{
	return tally_sum(TALLY_POINTS) >= POINTS_MIN &&
	    tally_sum(TALLY_KILLS) >= KILLS_MIN &&
	    tally_sum(TALLY_REPAIR_POINTS) >= REPAIR_POINTS_MIN;
}

int
main(int argc, char *argv[])
{
	struct criterion_test_set *tests;
	bool good = true;

	tally_init();
	tests = criterion_initialize();
	if (criterion_handle_args(argc, argv, true)) {
		good = criterion_run_all_tests(tests);
		if (tally_report() == SCENARIOS && !is_enough()) {
			puts("step: too few kill points");
			good = false;
		}
	}
	criterion_finalize(tests);
	return good ? 0 : 1;
}
