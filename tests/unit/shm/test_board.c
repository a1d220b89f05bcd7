#include <criterion/criterion.h>

#include <unistd.h>

#include "shm/board.h"
#include "support.h"

TestSuite(board, .fini = support_fini);

Test(board, shows_what_a_process_is_and_does)
{
	struct arena *a = support_arena(UINT64_C(8) << 20, 1, 64 * 1024);
	struct board_row row;

	cr_assert(!board_read(a, 3, &row));
	board_enter(a, 3, BOARD_WORKER, 12345, 7);
	board_set_state(a, 3, BOARD_SERVING);
	board_beat(a, 3, 4711);
	board_set_fingerprint(a, 3, 99);
	board_add(a, 3, BOARD_REQUESTS, 10);
	cr_assert(board_read(a, 3, &row));
	cr_assert_eq(row.role, BOARD_WORKER);
	cr_assert_eq(row.state, BOARD_SERVING);
	cr_assert_eq(row.pid, getpid());
	cr_assert_eq(row.started_ms, 12345);
	cr_assert_eq(row.restarts, 7);
	cr_assert_eq(row.heartbeat_ms, 4711);
	cr_assert_eq(row.fingerprint, 99);
	cr_assert_eq(row.counters[BOARD_REQUESTS], 10);
}

Test(board, remembers_how_the_last_owner_of_a_slot_ended)
{
	struct arena *a = support_arena(UINT64_C(8) << 20, 1, 64 * 1024);
	const struct board_end end = {
		.how = BOARD_END_KNOWN | BOARD_END_ADDRESS | 11,
		.at_ms = 5, .address = 0x1000
	};
	struct board_row row;

	board_enter(a, 2, BOARD_WORKER, 1, 0);
	cr_assert(board_read(a, 2, &row));
	cr_assert_eq(row.end.how, 0);
	board_set_end(a, 2, &end);
	board_leave(a, 2);
	board_enter(a, 2, BOARD_WORKER, 6, 1);
	cr_assert(board_read(a, 2, &row));
	cr_assert_eq(row.end.how, end.how);
	cr_assert_eq(row.end.at_ms, 5);
	cr_assert_eq(row.end.address, 0x1000);
}

Test(board, sums_totals_over_successors_and_forgets_gauges)
{
	struct arena *a = support_arena(UINT64_C(8) << 20, 1, 64 * 1024);
	struct board_row row;

	board_enter(a, 1, BOARD_WORKER, 1, 0);
	board_add(a, 1, BOARD_REQUESTS, 10);
	board_add(a, 1, BOARD_CLIENTS, 3);
	board_sub(a, 1, BOARD_CLIENTS, 1);
	cr_assert_eq(board_sum(a, BOARD_CLIENTS), 2);
	board_enter(a, 1, BOARD_WORKER, 2, 1);
	board_enter(a, 2, BOARD_WORKER, 2, 0);
	board_add(a, 2, BOARD_REQUESTS, 5);
	cr_assert_eq(board_sum(a, BOARD_REQUESTS), 15);
	cr_assert_eq(board_sum(a, BOARD_CLIENTS), 0);
	board_add(a, 2, BOARD_CLIENTS, 1);
	board_leave(a, 2);
	cr_assert_eq(board_sum(a, BOARD_CLIENTS), 0);
	cr_assert(board_read(a, 2, &row));
	cr_assert_eq(row.state, BOARD_STOPPED);
	cr_assert_eq(row.pid, 0);
}

Test(board, names_everything)
{
	unsigned i;

	for (i = 0; i < BOARD_COUNTERS; i++) {
		cr_assert_neq(board_counter_name(i)[0], '\0');
		cr_assert_neq(board_counter_help(i)[0], '\0');
	}
	for (i = BOARD_FREE; i <= BOARD_OTHER; i++)
		cr_assert_str_neq(board_role_name(i), "unknown");
	for (i = BOARD_STARTING; i <= BOARD_STOPPED; i++)
		cr_assert_str_neq(board_state_name(i), "unknown");
}
