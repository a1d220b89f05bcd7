#include <sys/wait.h>

#include <criterion/criterion.h>
#include <signal.h>
#include <unistd.h>

#include "server/poison.h"

#define REFUSE_MS	1000
#define START_MS	5000	/* of a clock that has run for a while */

static struct poison_list *list;

static void
begin(void)
{
	cr_assert_not_null(list = poison_open());
}

static void
end(void)
{
	poison_close(list);
}

TestSuite(poison, .init = begin, .fini = end, .timeout = 60);

static bool
death(uint64_t fingerprint, uint64_t at_ms)
{
	return poison_add(list, fingerprint, START_MS + at_ms, REFUSE_MS);
}

static bool
is_refused(uint64_t fingerprint, uint64_t at_ms)
{
	return poison_is_refused(list, fingerprint, START_MS + at_ms);
}

Test(poison, nothing_is_refused_at_first)
{
	cr_assert_not(is_refused(1, 0));
}

Test(poison, one_death_is_forgiven)
{
	cr_assert_not(death(1, 0));
	cr_assert_not(is_refused(1, 0));
}

Test(poison, two_deaths_have_a_request_refused)
{
	death(1, 0);
	cr_assert(death(1, 10));
	cr_assert(is_refused(1, 10));
}

Test(poison, others_are_not_refused)
{
	death(1, 0);
	death(1, 1);
	cr_assert_not(is_refused(2, 1));
	cr_assert_not(is_refused(3, 1));
}

Test(poison, deaths_of_different_requests_are_not_added)
{
	cr_assert_not(death(1, 0));
	cr_assert_not(death(2, 1));
	cr_assert_not(is_refused(1, 1));
	cr_assert_not(is_refused(2, 1));
}

Test(poison, refusal_ends_after_its_time)
{
	death(1, 0);
	death(1, 10);
	cr_assert(is_refused(1, 10 + REFUSE_MS - 1));
	cr_assert_not(is_refused(1, 10 + REFUSE_MS));
}

Test(poison, after_a_refusal_it_takes_two_deaths_again)
{
	uint64_t again_ms = 10 + REFUSE_MS;

	death(1, 0);
	death(1, 10);
	cr_assert_not(death(1, again_ms));
	cr_assert_not(is_refused(1, again_ms));
	cr_assert(death(1, again_ms + 1));
	cr_assert(is_refused(1, again_ms + 1));
}

Test(poison, deaths_too_far_apart_are_not_added)
{
	death(1, 0);
	cr_assert_not(death(1, REFUSE_MS));
	cr_assert_not(is_refused(1, REFUSE_MS));
	cr_assert(death(1, 2 * REFUSE_MS - 1));
}

/* Requests that were under way in other workers when it was refused. */
Test(poison, death_during_a_refusal_prolongs_it)
{
	death(1, 0);
	death(1, 1);
	cr_assert(death(1, 500));
	cr_assert(is_refused(1, 500 + REFUSE_MS - 1));
	cr_assert_not(is_refused(1, 500 + REFUSE_MS));
}

Test(poison, several_are_refused_at_a_time_each_for_its_own)
{
	uint64_t i;

	for (i = 1; i <= POISON_MAX; i++) {
		death(i, i);
		death(i, i);
	}
	for (i = 1; i <= POISON_MAX; i++) {
		cr_assert(is_refused(i, i + REFUSE_MS - 1));
		cr_assert_not(is_refused(i, i + REFUSE_MS));
	}
}

Test(poison, full_list_replaces_the_oldest)
{
	uint64_t i;

	for (i = 1; i <= POISON_MAX; i++) {
		death(i, i);
		death(i, i);
	}
	cr_assert_not(death(100, 100));
	cr_assert_not(is_refused(1, 100));
	for (i = 2; i <= POISON_MAX; i++)
		cr_assert(is_refused(i, 100));
	cr_assert(death(100, 101));
	cr_assert(is_refused(100, 101));
}

Test(poison, forgotten_request_begins_anew)
{
	uint64_t i;

	death(1, 0);
	for (i = 2; i <= POISON_MAX + 1; i++)
		death(i, i);
	cr_assert_not(death(1, 100));
}

Test(poison, refuse_of_0_notes_nothing)
{
	cr_assert_not(poison_add(list, 1, START_MS, 0));
	cr_assert_not(poison_add(list, 1, START_MS, 0));
	cr_assert_not(death(1, 0));
}

Test(poison, what_the_master_notes_a_child_sees)
{
	pid_t pid;
	int go[2], status;
	char byte;

	cr_assert_eq(pipe(go), 0);
	if ((pid = fork()) == 0) {
		(void)!read(go[0], &byte, 1);
		_exit(is_refused(1, 1) ? 10 : 20);
	}
	death(1, 0);
	death(1, 1);
	cr_assert_eq(write(go[1], "", 1), 1);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(WEXITSTATUS(status), 10);
}

Test(poison, request_is_to_blame_for_what_it_can_have_done_itself)
{
	struct lastwords words = {
		.state = LASTWORDS_WHOLE, .pid = 7, .signal = SIGSEGV,
		.code = SEGV_MAPERR
	};

	cr_assert(poison_is_to_blame(&words));
	words.state = LASTWORDS_CAUSE;
	cr_assert(poison_is_to_blame(&words));
	words.signal = SIGABRT;
	words.code = SI_TKILL;
	words.sender = 7;
	cr_assert(poison_is_to_blame(&words));
}

Test(poison, request_is_not_to_blame_for_what_others_do)
{
	struct lastwords words = {
		.state = LASTWORDS_WHOLE, .pid = 7, .signal = SIGSEGV,
		.code = SI_USER, .sender = 8
	};

	cr_assert_not(poison_is_to_blame(&words));
	words.signal = SIGABRT;
	cr_assert_not(poison_is_to_blame(&words));
	words = (struct lastwords){ .state = LASTWORDS_NONE };
	cr_assert_not(poison_is_to_blame(&words));
	words = (struct lastwords){ .state = LASTWORDS_BEGUN, .pid = 7 };
	cr_assert_not(poison_is_to_blame(&words));
}
