#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/crash_report.h"
#include "server/log.h"

#define KILLED(signal)	(signal)		/* as waitpid(2) has it */
#define EXITED(status)	((status) << 8)

static struct crash crash;
static char line[LOG_LINE_MAX];

static void
begin(void)
{
	crash = (struct crash){
		.who = "worker 0", .pid = 4711, .status = KILLED(SIGSEGV),
		.fingerprint = UINT64_C(0x90c2f5c51b6f2d0b),
		.requests = 12, .age_ms = 3014, .restarts = 1,
		.words = { .state = LASTWORDS_WHOLE, .pid = 4711,
		    .signal = SIGSEGV, .code = SEGV_MAPERR, .address = 16,
		    .pc = 0x1000, .frames = 2, .frame = { 0x2001, 0x3001 } }
	};
}

TestSuite(crash_report, .init = begin, .timeout = 60);

static void
place_of_test(uint64_t address, char *place, size_t size)
{
	snprintf(place, size, "kvd+0x%" PRIx64, address);
}

static void
must_read(const char *expected)
{
	crash_format(line, sizeof(line), &crash, place_of_test);
	cr_assert_str_eq(line, expected);
}

static void
must_have(const char *part)
{
	crash_format(line, sizeof(line), &crash, place_of_test);
	cr_assert_not_null(strstr(line, part), "%s", line);
}

Test(crash_report, fault_is_told_in_one_line)
{
	must_read("worker 0 (pid 4711) was killed by signal 11, "
	    "Segmentation fault: address not mapped, at 0x10; "
	    "request 90c2f5c51b6f2d0b in hand, requests 12, lived 3.014 s, "
	    "restarts 1; backtrace kvd+0x1000 kvd+0x2000 kvd+0x3000");
}

Test(crash_report, kill_has_no_last_words)
{
	crash.status = KILLED(SIGKILL);
	crash.fingerprint = 0;
	memset(&crash.words, 0, sizeof(crash.words));
	must_read("worker 0 (pid 4711) was killed by signal 9, Killed: "
	    "no last words; no request in hand, requests 12, "
	    "lived 3.014 s, restarts 1");
}

Test(crash_report, failure_is_told_with_its_status)
{
	crash.status = EXITED(2);
	memset(&crash.words, 0, sizeof(crash.words));
	must_read("worker 0 (pid 4711) gave up with status 2; "
	    "request 90c2f5c51b6f2d0b in hand, requests 12, lived 3.014 s, "
	    "restarts 1");
}

Test(crash_report, code_is_told_in_words)
{
	crash.words.code = SEGV_ACCERR;
	must_have(": address is protected, at 0x10;");
	crash.words.code = SI_KERNEL;
	must_have(": raised by the kernel;");
	crash.words.code = 77;
	must_have(": code 77, at 0x10;");
	crash.status = KILLED(SIGFPE);
	crash.words.signal = SIGFPE;
	crash.words.code = FPE_INTDIV;
	must_have("signal 8, Floating point exception: division by zero;");
	crash.status = KILLED(SIGBUS);
	crash.words.signal = SIGBUS;
	crash.words.code = BUS_ADRERR;
	must_have(": no memory behind the address, at 0x10;");
}

Test(crash_report, sender_of_a_signal_is_told)
{
	crash.words.code = SI_USER;
	crash.words.sender = 815;
	must_have("Segmentation fault: sent by pid 815;");
	crash.words.sender = 4711;
	must_have("Segmentation fault: raised by itself;");
	crash.status = KILLED(SIGABRT);
	crash.words.signal = SIGABRT;
	crash.words.code = SI_TKILL;
	must_have("signal 6, Aborted: aborted by itself;");
}

Test(crash_report, words_broken_off_are_told_to_be)
{
	crash.status = KILLED(SIGKILL);
	crash.words = (struct lastwords){ .state = LASTWORDS_BEGUN };
	must_have("signal 9, Killed: its last words were broken off;");
	begin();
	crash.status = KILLED(SIGKILL);
	crash.words.state = LASTWORDS_CAUSE;
	crash.words.frames = 0;
	must_read("worker 0 (pid 4711) was killed by signal 9, Killed: "
	    "while it died of signal 11, Segmentation fault, "
	    "address not mapped, at 0x10; "
	    "request 90c2f5c51b6f2d0b in hand, requests 12, lived 3.014 s, "
	    "restarts 1; backtrace broken off at kvd+0x1000");
}

Test(crash_report, who_stood_still_is_told_to_have)
{
	crash.status = KILLED(SIGKILL);
	crash.stood_still = true;
	memset(&crash.words, 0, sizeof(crash.words));
	must_have("worker 0 (pid 4711) stood still and was killed: "
	    "no last words; request 90c2f5c51b6f2d0b in hand,");
}

/* As much as there is of any object of less than 256 MB. */
static void
place_in_a_library(uint64_t address, char *place, size_t size)
{
	(void)address;
	snprintf(place, size, "libclang_rt.asan-x86_64.+0xfffffff");
}

static void
place_with_a_long_name(uint64_t address, char *place, size_t size)
{
	(void)address;
	memset(place, 'x', size - 1);
	place[size - 1] = '\0';
}

Test(crash_report, longest_line_is_let_through_by_the_log)
{
	crash.who = "worker 255";
	crash.pid = 4194304;
	crash.requests = crash.age_ms = crash.restarts = UINT64_MAX;
	crash.words.address = UINT64_MAX;
	crash.words.frames = LASTWORDS_FRAMES;
	crash_format(line, sizeof(line), &crash, place_in_a_library);
	cr_assert_null(strstr(line, "..."), "%s", line);
	crash_format(line, sizeof(line), &crash, place_with_a_long_name);
	cr_assert_lt(strlen(line), LOG_LINE_MAX);
	cr_assert_not_null(strstr(line, "xxx ..."));
}

Test(crash_report, line_is_cut_off_wherever_its_room_ends)
{
	char full[LOG_LINE_MAX], *p;
	size_t size;

	crash_format(full, sizeof(full), &crash, place_of_test);
	for (size = 1; size <= strlen(full) + 1; size++) {
		memset(line, 'y', sizeof(line));
		crash_format(line, size, &crash, place_of_test);
		cr_assert_leq(strlen(line), size - 1);
		cr_assert_eq(line[size], 'y');
		if ((p = strstr(line, " ...")) != NULL)
			*p = '\0';
		cr_assert_eq(strncmp(line, full, strlen(line)), 0, "%s", line);
	}
}

/* Places: known by what addr2line(1) would make of them. */

/* Where the first byte of the program's file is mapped. */
static unsigned long
program_start(void)
{
	unsigned long from = 0, offset = 1;
	char exe[PATH_MAX] = "", maps[PATH_MAX + 128];
	FILE *f = fopen("/proc/self/maps", "r");

	cr_assert_not_null(f);
	cr_assert_gt(readlink("/proc/self/exe", exe, sizeof(exe) - 1), 0);
	while (offset != 0 && fgets(maps, sizeof(maps), f) != NULL)
		if (strstr(maps, exe) != NULL)
			sscanf(maps, "%lx-%*x %*s %lx", &from, &offset);
	fclose(f);
	cr_assert_eq(offset, 0);
	return from;
}

Test(crash_report, place_in_the_program_is_its_offset)
{
	char place[CRASH_PLACE_MAX], here[CRASH_PLACE_MAX];
	uintptr_t address = (uintptr_t)crash_format;

	crash_place(address, place, sizeof(place));
	snprintf(here, sizeof(here), "%s+0x%lx",
	    program_invocation_short_name, address - program_start());
	cr_assert_str_eq(place, here);
}

Test(crash_report, place_in_a_library_has_its_name)
{
	char place[CRASH_PLACE_MAX];

	crash_place((uintptr_t)getppid, place, sizeof(place));
	cr_assert_eq(strncmp(place, "lib", 3), 0, "%s", place);
	cr_assert_not_null(strstr(place, ".so"));
	cr_assert_not_null(strstr(place, "+0x"));
}

Test(crash_report, place_in_nothing_is_its_address)
{
	char place[CRASH_PLACE_MAX];

	crash_place(0x10, place, sizeof(place));
	cr_assert_str_eq(place, "0x10");
}

/* Causes: what fits into a table. */

static void
cause_must_be(const char *expected)
{
	struct board_end end = crash_end(&crash);

	cr_assert(crash_cause(line, CRASH_CAUSE_MAX, &end));
	cr_assert_str_eq(line, expected);
}

Test(crash_report, cause_is_told_in_few_words)
{
	cause_must_be("signal 11, Segmentation fault, at 0x10");
	crash.words.address = 0;
	cause_must_be("signal 11, Segmentation fault, at 0x0");
	crash.words.code = SI_USER;
	cause_must_be("signal 11, Segmentation fault");
	crash.status = KILLED(SIGKILL);
	cause_must_be("signal 9, Killed");
	crash.stood_still = true;
	cause_must_be("stood still, killed");
	crash.stood_still = false;
	crash.status = EXITED(1);
	cause_must_be("exit status 1");
}

Test(crash_report, cause_is_that_of_somebody)
{
	const struct board_end none = { .how = 0 };

	line[0] = '?';
	cr_assert(!crash_cause(line, CRASH_CAUSE_MAX, &none));
	cr_assert_eq(line[0], '?');
}
