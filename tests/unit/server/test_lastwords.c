#include <sys/ptrace.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/lastwords.h"

#define SLOT		3
#define NOWHERE		0xbad0		/* no address of ours */

static struct lastwords_sheet *sheet;
static struct lastwords words;
static int status;

static void
begin(void)
{
	cr_assert_not_null(sheet = lastwords_open());
}

static void
end(void)
{
	lastwords_close(sheet);
}

TestSuite(lastwords, .init = begin, .fini = end, .timeout = 120);

/* What the sanitizers would stop is what is wanted here. */
__attribute__((no_sanitize("address"), no_sanitize("undefined"),
    noinline)) static void
touch(uintptr_t address)
{
	*(volatile char *)address = 1;
}

static void
die_of_segv(void)
{
	touch(NOWHERE);
}

/* In a child that is armed; it may do anything but return. */
static pid_t
start_child(void (*die)(void))
{
	pid_t pid = fork();

	cr_assert_neq(pid, -1);
	if (pid != 0)
		return pid;
	if (lastwords_arm(sheet, SLOT) == 0)
		die();
	_exit(99);
}

static pid_t
child_that_dies(void (*die)(void))
{
	pid_t pid = start_child(die);

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return pid;
}

static void
must_be_killed_by(int signal)
{
	cr_assert(WIFSIGNALED(status), "status %x", (unsigned)status);
	cr_assert_eq(WTERMSIG(status), signal);
}

static bool
is_in(uint64_t address, uintptr_t function)
{
	return address - function < 1024;
}

static bool
was_called_from(uintptr_t function)
{
	unsigned i;

	for (i = 0; i < words.frames; i++)
		if (is_in(words.frame[i], function))
			return true;
	return false;
}

Test(lastwords, fault_is_told_with_address_place_and_callers)
{
	pid_t pid = child_that_dies(die_of_segv);

	must_be_killed_by(SIGSEGV);
	lastwords_take(sheet, SLOT, pid, &words);
	cr_assert_eq(words.state, LASTWORDS_WHOLE);
	cr_assert_eq(words.pid, pid);
	cr_assert_eq(words.signal, SIGSEGV);
	cr_assert_eq(words.code, SEGV_MAPERR);
	cr_assert_eq(words.address, NOWHERE);
	cr_assert(is_in(words.pc, (uintptr_t)touch));
	cr_assert(was_called_from((uintptr_t)start_child));
	cr_assert_not(was_called_from((uintptr_t)lastwords_arm));
}

static int
overflow(int depth)
{
	volatile char room[4096] = { 0 };

	room[depth % 4096] = 1;
	return depth < 0 ? 0 : overflow(depth + 1) + room[depth % 4096];
}

static void
die_of_recursion(void)
{
	_exit(overflow(1));
}

Test(lastwords, stack_overflow_is_told_from_another_stack)
{
	pid_t pid = child_that_dies(die_of_recursion);

	must_be_killed_by(SIGSEGV);
	lastwords_take(sheet, SLOT, pid, &words);
	cr_assert_eq(words.state, LASTWORDS_WHOLE);
	cr_assert_eq(words.frames, LASTWORDS_FRAMES);
	cr_assert(was_called_from((uintptr_t)overflow));
}

Test(lastwords, abort_is_told_with_its_own_pid)
{
	pid_t pid = child_that_dies(abort);

	must_be_killed_by(SIGABRT);
	lastwords_take(sheet, SLOT, pid, &words);
	cr_assert_eq(words.state, LASTWORDS_WHOLE);
	cr_assert_eq(words.signal, SIGABRT);
	cr_assert_leq(words.code, 0);
	cr_assert_eq(words.sender, pid);
}

static void
wait_to_be_killed(void)
{
	raise(SIGSTOP);
	for (;;)
		pause();
}

/* A child that is armed, does nothing, and is then sent this. */
static pid_t
child_that_is_sent(int signal)
{
	pid_t pid = start_child(wait_to_be_killed);

	cr_assert_eq(waitpid(pid, &status, WUNTRACED), pid);
	cr_assert(WIFSTOPPED(status));
	cr_assert_eq(kill(pid, signal), 0);
	cr_assert_eq(kill(pid, SIGCONT), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return pid;
}

Test(lastwords, signal_from_outside_is_told_with_its_sender)
{
	static const int signals[] = {
		SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP
	};
	size_t i;
	pid_t pid;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		pid = child_that_is_sent(signals[i]);
		must_be_killed_by(signals[i]);
		lastwords_take(sheet, SLOT, pid, &words);
		cr_assert_eq(words.state, LASTWORDS_WHOLE);
		cr_assert_eq(words.signal, signals[i]);
		cr_assert_eq(words.code, SI_USER);
		cr_assert_eq(words.sender, getpid());
		cr_assert_eq(words.address, 0);
	}
}

Test(lastwords, kill_leaves_none)
{
	pid_t pid = child_that_is_sent(SIGKILL);

	lastwords_take(sheet, SLOT, pid, &words);
	cr_assert_eq(words.state, LASTWORDS_NONE);
}

Test(lastwords, words_are_those_of_one_process_in_one_slot)
{
	pid_t pid = child_that_dies(die_of_segv);

	lastwords_read(sheet, SLOT, pid + 1, &words);
	cr_assert_eq(words.state, LASTWORDS_NONE);
	lastwords_read(sheet, SLOT + 1, pid, &words);
	cr_assert_eq(words.state, LASTWORDS_NONE);
	lastwords_read(sheet, SLOT, pid, &words);
	cr_assert_eq(words.state, LASTWORDS_WHOLE);
}

Test(lastwords, words_are_taken_once)
{
	pid_t pid = child_that_dies(die_of_segv);

	lastwords_take(sheet, SLOT, pid, &words);
	cr_assert_eq(words.state, LASTWORDS_WHOLE);
	lastwords_take(sheet, SLOT, pid, &words);
	cr_assert_eq(words.state, LASTWORDS_NONE);
}

Test(lastwords, successor_in_the_slot_takes_old_words_away)
{
	pid_t pid = child_that_dies(die_of_segv);

	child_that_is_sent(SIGKILL);
	lastwords_read(sheet, SLOT, pid, &words);
	cr_assert_eq(words.state, LASTWORDS_NONE);
}

static void
fork_and_let_that_one_die(void)
{
	pid_t pid = fork();

	if (pid == 0)
		die_of_segv();
	waitpid(pid, &status, 0);
	_exit(WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

Test(lastwords, processes_forked_later_note_nothing)
{
	pid_t pid = child_that_dies(fork_and_let_that_one_die);

	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), SIGSEGV);
	lastwords_take(sheet, SLOT, pid, &words);
	cr_assert_eq(words.state, LASTWORDS_NONE);
}

/* Killed while it speaks. */

static void
die_traced(void)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	die_of_segv();
}

/* A child that has met its fault and not yet been told of it. */
static pid_t
child_at_its_fault(void)
{
	pid_t pid = start_child(die_traced);

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSTOPPED(status));
	cr_assert_eq(WSTOPSIG(status), SIGSEGV);
	return pid;
}

/* One instruction more; false at the second SEGV, which will end it. */
static bool
step(pid_t pid, int signal)
{
	cr_assert_eq(ptrace(PTRACE_SINGLESTEP, pid, NULL, signal), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSTOPPED(status));
	return WSTOPSIG(status) == SIGTRAP;
}

static void
must_be_true_as_far_as_it_goes(enum lastwords_state before)
{
	cr_assert_geq(words.state, before);
	if (words.state < LASTWORDS_CAUSE) {
		cr_assert_eq(words.signal, 0);
		return;
	}
	cr_assert_eq(words.signal, SIGSEGV);
	cr_assert_eq(words.code, SEGV_MAPERR);
	cr_assert_eq(words.address, NOWHERE);
	cr_assert(is_in(words.pc, (uintptr_t)touch));
	if (words.state < LASTWORDS_WHOLE)
		cr_assert_eq(words.frames, 0);
	else
		cr_assert(was_called_from((uintptr_t)start_child));
}

Test(lastwords, after_each_instruction_no_more_is_told_than_is_true)
{
	pid_t pid = child_at_its_fault();
	enum lastwords_state before = LASTWORDS_NONE;
	unsigned long steps = 0;
	int signal = SIGSEGV;

	while (step(pid, signal)) {
		signal = 0;
		steps++;
		lastwords_read(sheet, SLOT, pid, &words);
		must_be_true_as_far_as_it_goes(before);
		before = words.state;
	}
	cr_assert_eq(before, LASTWORDS_WHOLE);
	cr_assert_eq(ptrace(PTRACE_CONT, pid, NULL, SIGSEGV), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	must_be_killed_by(SIGSEGV);
	cr_log_info("%lu instructions", steps);
}

Test(lastwords, child_killed_half_way_is_known_to_have_been)
{
	enum lastwords_state state;
	int signal;
	pid_t pid;

	for (state = LASTWORDS_BEGUN; state < LASTWORDS_WHOLE; state++) {
		pid = child_at_its_fault();
		signal = SIGSEGV;
		do {
			cr_assert(step(pid, signal));
			signal = 0;
			lastwords_read(sheet, SLOT, pid, &words);
		} while (words.state < state);
		cr_assert_eq(kill(pid, SIGKILL), 0);
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		must_be_killed_by(SIGKILL);
		lastwords_take(sheet, SLOT, pid, &words);
		cr_assert_eq(words.state, state);
		must_be_true_as_far_as_it_goes(state);
	}
}
