/*
 * Crash reports: one line of the log for each child that did not end well.
 *
 *	worker 0 (pid 4711) was killed by signal 11, Segmentation fault:
 *	address not mapped, at 0x10; request 90c2f5c51b6f2d0b in hand,
 *	requests 12, lived 3.214 s, restarts 0; backtrace kvd+0x2c1f0 ...
 *
 * The child has noted bare addresses; the master finds the objects that they
 * lie in, for by fork(2) both have the same ones in the same places.  It
 * names offsets and not functions: those need symbols, which an installed
 * kvd may be stripped of, and addr2line(1) names the line as well.
 *
 * A return address is that of the instruction after the call, which may
 * belong to another line or even another function.  So one is taken off,
 * except where the process was interrupted.
 */

#include "server/crash_report.h"

#include <sys/wait.h>

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>


/* A signal's code in words; 0 stands for every signal. */
static const struct {
	int		 signal;
	int		 code;
	const char	*text;
} codes[] = {
	{ SIGSEGV, SEGV_MAPERR, "address not mapped" },
	{ SIGSEGV, SEGV_ACCERR, "address is protected" },
	{ SIGBUS, BUS_ADRALN, "address not aligned" },
	{ SIGBUS, BUS_ADRERR, "no memory behind the address" },
	{ SIGBUS, BUS_OBJERR, "the device failed" },
	{ SIGBUS, BUS_MCEERR_AR, "the memory failed" },
	{ SIGBUS, BUS_MCEERR_AO, "the memory failed" },
	{ SIGILL, ILL_ILLOPC, "no such instruction" },
	{ SIGILL, ILL_ILLOPN, "no such operand" },
	{ SIGILL, ILL_PRVOPC, "instruction is privileged" },
	{ SIGFPE, FPE_INTDIV, "division by zero" },
	{ SIGFPE, FPE_INTOVF, "integer overflow" },
	{ SIGFPE, FPE_FLTDIV, "floating point division by zero" },
	{ SIGTRAP, TRAP_BRKPT, "breakpoint" },
	{ SIGSYS, 1, "system call is forbidden" },
	{ 0, SI_KERNEL, "raised by the kernel" },
};

/* A line that is written piece by piece and cut off at its end. */
struct line {
	char	*out;
	size_t	 size;
	size_t	 used;
};

static void add(struct line *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

static void
add(struct line *line, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line->out + line->used, line->size - line->used, fmt,
	    ap);
	va_end(ap);
	if (n > 0)
		line->used += (size_t)n;
	if (line->used >= line->size)
		line->used = line->size - 1;
}

static void
add_signal(struct line *line, int signal)
{
	add(line, "signal %d, %s", signal, strsignal(signal));
}

/* For other signals the address is that of the instruction itself. */
static bool
has_address(const struct lastwords *words)
{
	return words->code > 0 && words->code != SI_KERNEL &&
	    (words->signal == SIGSEGV || words->signal == SIGBUS);
}

static void
add_code(struct line *line, const struct lastwords *words)
{
	size_t i;

	if (words->code <= 0) {
		if (words->sender != words->pid)
			add(line, "sent by pid %d", (int)words->sender);
		else
			add(line, words->signal == SIGABRT ?
			    "aborted by itself" : "raised by itself");
		return;
	}
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].code == words->code && (codes[i].signal == 0 ||
		    codes[i].signal == words->signal)) {
			add(line, "%s", codes[i].text);
			return;
		}
	add(line, "code %d", words->code);
}

static void
add_end(struct line *line, const struct crash *crash)
{
	add(line, "%s (pid %d) ", crash->who, (int)crash->pid);
	if (crash->stood_still) {
		add(line, "stood still and was killed");
	} else if (WIFSIGNALED(crash->status)) {
		add(line, "was killed by ");
		add_signal(line, WTERMSIG(crash->status));
	} else {
		add(line, "gave up with status %d",
		    WEXITSTATUS(crash->status));
	}
}

static void
add_account(struct line *line, const struct crash *crash)
{
	const struct lastwords *words = &crash->words;

	switch (words->state) {
	case LASTWORDS_NONE:
		if (WIFSIGNALED(crash->status))
			add(line, ": no last words");
		return;
	case LASTWORDS_BEGUN:
		add(line, ": its last words were broken off");
		return;
	case LASTWORDS_CAUSE:
	case LASTWORDS_WHOLE:
		break;
	}
	add(line, ": ");
	if (!WIFSIGNALED(crash->status) ||
	    WTERMSIG(crash->status) != words->signal) {
		add(line, "while it died of ");
		add_signal(line, words->signal);
		add(line, ", ");
	}
	add_code(line, words);
	if (has_address(words))
		add(line, ", at 0x%jx", (uintmax_t)words->address);
}

static void
add_facts(struct line *line, const struct crash *crash)
{
	if (crash->fingerprint != 0)
		add(line, "; request %016jx in hand",
		    (uintmax_t)crash->fingerprint);
	else
		add(line, "; no request in hand");
	add(line, ", requests %ju, lived %ju.%03ju s, restarts %ju",
	    (uintmax_t)crash->requests, (uintmax_t)(crash->age_ms / 1000),
	    (uintmax_t)(crash->age_ms % 1000), (uintmax_t)crash->restarts);
}

/* False if there is no room for it and for the mark that some are missing. */
static bool
add_place(struct line *line, uint64_t address,
    void (*place)(uint64_t, char *, size_t))
{
	char name[CRASH_PLACE_MAX];

	place(address, name, sizeof(name));
	if (line->used + 1 + strlen(name) + sizeof(" ...") > line->size) {
		if (line->used + sizeof(" ...") <= line->size)
			add(line, " ...");
		return false;
	}
	add(line, " %s", name);
	return true;
}

static void
add_backtrace(struct line *line, const struct lastwords *words,
    void (*place)(uint64_t, char *, size_t))
{
	unsigned i;

	if (words->state < LASTWORDS_CAUSE)
		return;
	add(line, words->state == LASTWORDS_WHOLE ? "; backtrace" :
	    "; backtrace broken off at");
	if (!add_place(line, words->pc, place))
		return;
	for (i = 0; i < words->frames; i++)
		if (!add_place(line, words->frame[i] - 1, place))
			return;
}

void
crash_format(char *out, size_t size, const struct crash *crash,
    void (*place)(uint64_t address, char *, size_t))
{
	struct line line = { .size = size };

	line.out = out;
	add_end(&line, crash);
	add_account(&line, crash);
	add_facts(&line, crash);
	add_backtrace(&line, &crash->words, place);
}

struct board_end
crash_end(const struct crash *crash)
{
	const struct lastwords *words = &crash->words;
	struct board_end end = {
		.how = BOARD_END_KNOWN | (uint32_t)crash->status
	};

	if (crash->stood_still)
		end.how |= BOARD_END_STOOD_STILL;
	if (WIFSIGNALED(crash->status) && has_address(words) &&
	    words->signal == WTERMSIG(crash->status)) {
		end.how |= BOARD_END_ADDRESS;
		end.address = words->address;
	}
	return end;
}

bool
crash_cause(char *out, size_t size, const struct board_end *end)
{
	struct line line = { .size = size };
	int status = (int)(uint32_t)end->how;

	line.out = out;
	if ((end->how & BOARD_END_KNOWN) == 0)
		return false;
	if ((end->how & BOARD_END_STOOD_STILL) != 0)
		add(&line, "stood still, killed");
	else if (WIFSIGNALED(status))
		add_signal(&line, WTERMSIG(status));
	else
		add(&line, "exit status %d", WEXITSTATUS(status));
	if ((end->how & BOARD_END_ADDRESS) != 0)
		add(&line, ", at 0x%jx", (uintmax_t)end->address);
	return true;
}

/* The linker names the program by what it was started as, or not at all. */
static const char *
object_name(const Dl_info *info)
{
	const char *slash;
	Dl_info ours;

	if (dladdr((const void *)codes, &ours) != 0 &&
	    ours.dli_fbase == info->dli_fbase)
		return program_invocation_short_name;
	slash = strrchr(info->dli_fname, '/');
	return slash == NULL ? info->dli_fname : slash + 1;
}

void
crash_place(uint64_t address, char *place, size_t size)
{
	Dl_info info;

	if (dladdr((const void *)(uintptr_t)address, &info) == 0)
		snprintf(place, size, "0x%jx", (uintmax_t)address);
	else
		snprintf(place, size, "%.24s+0x%jx", object_name(&info),
		    (uintmax_t)(address -
		    (uint64_t)(uintptr_t)info.dli_fbase));
}
