/* An even schedule; computed from its start, so that no error adds up. */

#include <math.h>

#include "tests/bench/load_schedule.h"

uint64_t
load_schedule_due_ns(const struct load_schedule *s, uint64_t i)
{
	return s->start_ns + (uint64_t)((double)i * 1e9 / s->rate);
}

uint64_t
load_schedule_count(const struct load_schedule *s, uint64_t ns)
{
	uint64_t n;

	if (ns <= s->start_ns)
		return 0;
	n = (uint64_t)ceil((double)(ns - s->start_ns) * s->rate / 1e9);
	/* Rounded the other way than the due time, perhaps. */
	while (n > 0 && load_schedule_due_ns(s, n - 1) >= ns)
		n--;
	while (load_schedule_due_ns(s, n) < ns)
		n++;
	return n;
}
