/*
 * ptrace(2).  The child stops itself right before the work; what it does
 * between that and the first instruction of the work is told apart by a word
 * on a page that both share.
 *
 * Going to instruction n for a real kill: a step takes two switches of
 * process, so the way there is not walked.  From the trace it is known how
 * often each address is come to; a breakpoint register of the processor is
 * set to a rare one before n, passed as often as need be, then perhaps to
 * another, and the rest is walked; all of it where there is no such register.
 */

#include "stepper.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "must.h"

#define LEGS	4	/* of a way, each to a breakpoint */
#define NEAR	8	/* so few stops are not worth a leg */

enum phase { BEFORE, INSIDE, AFTER };

struct page {			/* shared with the child */
	_Atomic enum phase	phase;
	_Atomic int		status;
};

static struct page *
shared_page(void)
{
	static struct page *page;

	if (page == NULL)
		page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(page != MAP_FAILED, "no memory");
	return page;
}

static _Noreturn void
be_stepped(struct page *page, int (*work)(const void *), const void *arg)
{
	int status;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
		_exit(errno);
	kill(getpid(), SIGTRAP);
	page->phase = INSIDE;
	status = work(arg);
	page->phase = AFTER;
	page->status = status;
	kill(getpid(), SIGTRAP);
	_exit(0);
}

/* True if it has stopped after a step or at a breakpoint. */
static bool
has_stopped(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, __WALL) == -1)
		must(errno == EINTR, "waitpid");
	return WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP;
}

static bool
step(pid_t pid)
{
	return ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0 &&
	    has_stopped(pid);
}

/* The proof is worth nothing where it cannot be made: so it fails there. */
static void
wait_for_start(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, __WALL) == -1)
		must(errno == EINTR, "waitpid");
	must(!WIFEXITED(status), "ptrace(2) is not permitted here (%s): "
	    "allow it, e.g. in a container with --cap-add=SYS_PTRACE",
	    strerror(WEXITSTATUS(status)));
	must(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP,
	    "the child does not start");
}

static pid_t
start(int (*work)(const void *), const void *arg)
{
	struct page *page = shared_page();
	pid_t pid;

	page->phase = BEFORE;
	page->status = -1;
	pid = fork();
	must(pid != -1, "fork");
	if (pid == 0)
		be_stepped(page, work, arg);
	wait_for_start(pid);
	ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL);
	return pid;
}

/* To the first instruction after the word says so. */
static void
walk_inside(pid_t pid)
{
	while (shared_page()->phase == BEFORE)
		must(step(pid), "the child does not come to its work");
}

static void
end(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	do
		while (waitpid(pid, &status, __WALL) == -1)
			if (errno != EINTR)
				return;
	while (!WIFSIGNALED(status) && !WIFEXITED(status));
}

static uint64_t
program_counter(pid_t pid)
{
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof(regs) };

	if (ptrace(PTRACE_GETREGSET, pid, (void *)(uintptr_t)NT_PRSTATUS,
	    &iov) == -1)
		return 0;
#if defined(__x86_64__)
	return regs.rip;
#else
	return regs.pc;
#endif
}

void
stepper_record(struct trace *t, int (*work)(const void *), const void *arg)
{
	struct page *page = shared_page();
	pid_t pid;

	trace_begin(t);
	pid = start(work, arg);
	walk_inside(pid);
	t->pcs[0] = program_counter(pid);
	while (page->phase == INSIDE && step(pid))
		trace_step(t, program_counter(pid));
	t->complete = page->phase == AFTER;
	while (t->complete && page->status == -1 && step(pid))
		;
	t->status = page->status;
	end(pid);
	t->pid = pid;
}

#if defined(__x86_64__)
#define HAS_BREAKPOINTS	true
#define DEBUG_ADDRESS	offsetof(struct user, u_debugreg)
#define DEBUG_CONTROL	(DEBUG_ADDRESS + 7 * sizeof(long))
#else
#define HAS_BREAKPOINTS	false
#define DEBUG_ADDRESS	0
#define DEBUG_CONTROL	0
#endif

/* Stop when the child comes to that address; 0: never. */
static bool
set_breakpoint(pid_t pid, uint64_t pc)
{
	return ptrace(PTRACE_POKEUSER, pid, DEBUG_ADDRESS, pc) == 0 &&
	    ptrace(PTRACE_POKEUSER, pid, DEBUG_CONTROL,
	    pc != 0 ? 1L : 0L) == 0;
}

/*
 * The next instruction to break at on the way from p to n: the one from which
 * the rest is shortest; or, not on the last leg, the latest that is met but
 * once, because from within a loop few turns are left.  Not one with the
 * address where the child is: it depends on how it came there whether the
 * processor stops at once.  Returns p if walking is best.
 */
static uint32_t
choose_stop(const struct trace *t, uint32_t p, uint32_t n, bool last)
{
	uint32_t i, best = p, once = p, cost = n - p;

	trace_count_turns(t, p, n);
	for (i = n; i > p; i--) {
		if (t->pcs[i] == t->pcs[i - 1] || t->pcs[i] == t->pcs[p])
			continue;
		if (t->turns[i] == 1 && once == p)
			once = i;
		if (t->turns[i] + (n - i) < cost) {
			best = i;
			cost = t->turns[i] + (n - i);
		}
	}
	return last || once == p || cost <= NEAR ? best : once;
}

/* From p to instruction i by a breakpoint; false if it does not come there. */
static bool
run_to(pid_t pid, const struct trace *t, uint32_t i)
{
	uint32_t turn;

	if (!set_breakpoint(pid, t->pcs[i]))
		return false;
	for (turn = 0; turn < t->turns[i]; turn++)
		if (ptrace(PTRACE_CONT, pid, NULL, NULL) == -1 ||
		    !has_stopped(pid))
			return false;
	set_breakpoint(pid, 0);
	return program_counter(pid) == t->pcs[i];
}

/* To instruction n; false if the child has gone another way. */
static bool
hurry_to(pid_t pid, const struct trace *t, uint32_t n)
{
	uint32_t i, leg, p = 0;

	for (leg = 1; leg <= LEGS && HAS_BREAKPOINTS; leg++) {
		i = choose_stop(t, p, n, leg == LEGS);
		if (i == p)
			break;
		if (!run_to(pid, t, i))
			return false;
		p = i;
	}
	for (; p < n; p++)
		if (!step(pid))
			return false;
	return program_counter(pid) == t->pcs[n];
}

void
stepper_kill(const struct trace *t, uint32_t n, int (*work)(const void *),
    const void *arg)
{
	pid_t pid = start(work, arg);

	walk_inside(pid);
	(void)hurry_to(pid, t, n);
	end(pid);
}

void
stepper_walk_and_kill(uint32_t n, int (*work)(const void *), const void *arg)
{
	pid_t pid = start(work, arg);
	uint32_t p;

	walk_inside(pid);
	for (p = 0; p < n; p++)
		must(step(pid), "the child does not come to %u", n);
	end(pid);
}
