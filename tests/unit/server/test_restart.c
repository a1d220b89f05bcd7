#include <criterion/criterion.h>

#include <signal.h>
#include <string.h>

#include "server/restart.h"

static struct restart_history history;

static void
begin(void)
{
	memset(&history, 0, sizeof(history));
}

TestSuite(restart, .init = begin);

Test(restart, as_many_as_allowed_within_the_time_are_borne)
{
	uint64_t i;

	for (i = 0; i < 10; i++)
		cr_assert(!restart_is_too_many(&history, 1000 + i, 10, 100));
	cr_assert(restart_is_too_many(&history, 1099, 10, 100));
}

Test(restart, older_ones_than_the_time_do_not_count)
{
	uint64_t i;

	for (i = 0; i < 10; i++)
		cr_assert(!restart_is_too_many(&history, 1000, 10, 100));
	cr_assert(!restart_is_too_many(&history, 1100, 10, 100));
	for (i = 0; i < 9; i++)
		cr_assert(!restart_is_too_many(&history, 1101, 10, 100));
	cr_assert(restart_is_too_many(&history, 1150, 10, 100));
}

Test(restart, none_is_allowed_if_so_configured)
{
	cr_assert(restart_is_too_many(&history, 1000, 0, 100));
}

Test(restart, largest_intensity_is_counted_exactly)
{
	uint64_t round, i;

	for (round = 0; round < 3; round++) {
		begin();
		history.count = 0;
		for (i = 0; i < RESTARTS_MAX; i++)
			cr_assert(!restart_is_too_many(&history, 5,
			    RESTARTS_MAX, 1000));
		cr_assert(restart_is_too_many(&history, 5, RESTARTS_MAX,
		    1000));
	}
}

Test(restart, a_new_limit_after_a_reload_looks_at_the_same_past)
{
	uint64_t i;

	for (i = 0; i < 5; i++)
		cr_assert(!restart_is_too_many(&history, 10, 10, 1000));
	cr_assert(restart_is_too_many(&history, 10, 2, 1000));
}

Test(restart, delays_double_from_50_ms_up_to_the_longest)
{
	static const uint64_t expected[] = {
		50, 100, 200, 400, 800, 1600, 2000, 2000
	};
	uint64_t delay_ms = 0;
	size_t i;

	for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		delay_ms = restart_next_delay(delay_ms, 2000);
		cr_assert_eq(delay_ms, expected[i]);
	}
	cr_assert_eq(restart_next_delay(0, 0), 0);
	cr_assert_eq(restart_next_delay(0, 20), 20);
}

/* Statuses as wait(2) gives them, whose macros only take them apart. */
#define EXITED(code)	((code) << 8)
#define KILLED(signal)	(signal)

Test(restart, of_a_permanent_child_follows_whatever_ended_it)
{
	cr_expect_eq(restart_judge(ROLE_PERMANENT, EXITED(0)), RESTART_AGAIN);
	cr_expect_eq(restart_judge(ROLE_PERMANENT, EXITED(1)), RESTART_AGAIN);
	cr_expect_eq(restart_judge(ROLE_PERMANENT, KILLED(SIGSEGV)),
	    RESTART_AGAIN);
	cr_expect_eq(restart_judge(ROLE_PERMANENT, EXITED(2)),
	    RESTART_GIVE_UP);
}

Test(restart, of_a_transient_child_follows_unless_it_was_done)
{
	cr_expect_eq(restart_judge(ROLE_TRANSIENT, EXITED(0)), RESTART_NOT);
	cr_expect_eq(restart_judge(ROLE_TRANSIENT, EXITED(1)), RESTART_AGAIN);
	cr_expect_eq(restart_judge(ROLE_TRANSIENT, KILLED(SIGKILL)),
	    RESTART_AGAIN);
	cr_expect_eq(restart_judge(ROLE_TRANSIENT, EXITED(2)),
	    RESTART_GIVE_UP);
}

Test(restart, of_a_temporary_child_never_follows)
{
	cr_expect_eq(restart_judge(ROLE_TEMPORARY, EXITED(0)), RESTART_NOT);
	cr_expect_eq(restart_judge(ROLE_TEMPORARY, EXITED(2)), RESTART_NOT);
	cr_expect_eq(restart_judge(ROLE_TEMPORARY, KILLED(SIGSEGV)),
	    RESTART_NOT);
}
