#ifndef KVD_STEP_MUST_H
#define KVD_STEP_MUST_H

#include <criterion/criterion.h>

/*
 * cr_assert() for places that are passed a million times: Criterion reports
 * each assertion that holds to its parent, and allocates memory for that,
 * which would move the memory of the processes that are stepped through.
 */
#define must(holds, ...)						\
	do {								\
		if (!(holds))						\
			cr_assert_fail(__VA_ARGS__);			\
	} while (0)

#endif
