#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

#include "server/log.h"
#include "server/log_escape.h"
#include "tests/unit/server/scratch.h"

/* --- syslog(3), so that a test can look at what reaches it --- */

void __syslog_chk(int, int, const char *, ...)
    __attribute__((format(printf, 3, 4)));

static char syslog_lines[4096];
static int syslog_facility;

void
openlog(const char *ident, int option, int facility)
{
	(void)ident;
	(void)option;
	syslog_facility = facility;
}

void
closelog(void)
{
}

static void keep_line(int, const char *, va_list)
    __attribute__((format(printf, 2, 0)));

static void
keep_line(int priority, const char *fmt, va_list ap)
{
	size_t used = strlen(syslog_lines);

	used += (size_t)snprintf(syslog_lines + used,
	    sizeof(syslog_lines) - used, "<%d>", priority);
	vsnprintf(syslog_lines + used, sizeof(syslog_lines) - used, fmt, ap);
	strlcat(syslog_lines, "\n", sizeof(syslog_lines));
}

void
syslog(int priority, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	keep_line(priority, fmt, ap);
	va_end(ap);
}

/* What syslog is called when the C library checks formats. */
void
__syslog_chk(int priority, int level, const char *fmt, ...)
{
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	keep_line(priority, fmt, ap);
	va_end(ap);
}

/* --- helpers --- */

static struct config config;
static char errors[4096], file[PATH_MAX], level[16], facility[] = "local2";

static void
set_level(const char *name)
{
	strlcpy(level, name, sizeof(level));
	config.log_level = level;
}

static void
begin(void)
{
	scratch_make();
	config.log_to = CONFIG_LOG_SYSLOG;
	config.log_facility = facility;
	set_level("info");
}

TestSuite(log, .init = begin, .fini = scratch_remove);
TestSuite(log_escape);

static void
must_match(const char *text, const char *pattern)
{
	regex_t regex;
	int found;

	cr_assert_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	found = regexec(&regex, text, 0, NULL, 0);
	regfree(&regex);
	cr_assert_eq(found, 0, "\"%s\" does not match %s", text, pattern);
}

static void
log_to_file(const char *path)
{
	strlcpy(file, path, sizeof(file));
	config.log_to = CONFIG_LOG_FILE;
	config.log_file = file;
	log_open(&config, false, 0);
}

/* --- tests --- */

static void
four_levels(void)
{
	log_open(&config, true, 0);
	log_role("worker 3");
	log_err("one");
	log_warn("two");
	log_info("three");
	log_debug("four");
}

Test(log, a_line_has_time_role_pid_and_says_how_serious_it_is)
{
#define STAMP "20[0-9-]{8}T[0-9:]{8}\\.[0-9]{3}Z worker 3\\[[0-9]+\\]: "
	scratch_run(four_levels, errors, sizeof(errors));
	must_match(errors, "^" STAMP "error: one\n" STAMP "warning: two\n"
	    STAMP "three\n$");
}

static void
debug_lines(void)
{
	log_open(&config, true, 1);
	log_debug("four");
}

Test(log, verbose_lets_debug_through_whatever_the_level)
{
	set_level("err");
	scratch_run(debug_lines, errors, sizeof(errors));
	must_match(errors, "kvd\\[[0-9]+\\]: debug: four\n$");
}

Test(log, the_level_holds_back_what_matters_less)
{
	set_level("warning");
	scratch_run(four_levels, errors, sizeof(errors));
	must_match(errors, "error: one\n.*warning: two\n$");
	set_level("err");
	scratch_run(four_levels, errors, sizeof(errors));
	must_match(errors, "error: one\n$");
}

static void
before_open(void)
{
	log_info("nobody asked");
	log_warn("careful");
	fatal(EX_NOINPUT, "no such thing: %s", "x\ny");
}

Test(log, before_it_is_open_errors_go_to_standard_error_in_short)
{
	cr_assert_eq(scratch_run(before_open, errors, sizeof(errors)),
	    EX_NOINPUT);
	cr_assert_str_eq(errors, "kvd: careful\nkvd: no such thing: x\\x0ay\n");
}

static void
syslog_and_starter(void)
{
	log_open(&config, false, 0);
	log_info("hello");
	log_err("sad");
	log_detach();
	log_err("sadder");
	fputs(syslog_lines, stderr);
	exit(syslog_facility == LOG_LOCAL2 ? 0 : 1);
}

Test(log, syslog_gets_all_and_the_starter_only_errors_until_detached)
{
	cr_assert_eq(scratch_run(syslog_and_starter, errors, sizeof(errors)),
	    0);
	must_match(errors, "^kvd: sad\n"
	    "<6>kvd\\[[0-9]+\\]: hello\n"
	    "<3>kvd\\[[0-9]+\\]: error: sad\n"
	    "<3>kvd\\[[0-9]+\\]: error: sadder\n$");
}

static void
syslog_and_journal(void)
{
	char stream[64];
	struct stat st;

	fstat(STDERR_FILENO, &st);
	snprintf(stream, sizeof(stream), "%lu:%lu", (unsigned long)st.st_dev,
	    (unsigned long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_err("before");
	log_open(&config, false, 0);
	log_err("once");
	log_to_file("/dev/null");
	log_err("why we stop");
	setenv("JOURNAL_STREAM", "1:1", 1);
	config.log_to = CONFIG_LOG_SYSLOG;
	log_open(&config, false, 0);
	log_err("another stream");
}

Test(log, a_standard_error_that_is_the_journal_gets_no_copies_of_syslog)
{
	scratch_run(syslog_and_journal, errors, sizeof(errors));
	cr_assert_str_eq(errors,
	    "kvd: before\nkvd: why we stop\nkvd: another stream\n");
}

static void
stderr_then_detached(void)
{
	log_open(&config, true, 0);
	log_info("seen");
	log_detach();
	log_info("kept");
	fputs(syslog_lines, stderr);
}

Test(log, once_detached_what_was_for_standard_error_goes_to_syslog)
{
	scratch_run(stderr_then_detached, errors, sizeof(errors));
	must_match(errors, "^20.*: seen\n<6>kvd\\[[0-9]+\\]: kept\n$");
}

Test(log, a_file_is_appended_to_and_not_readable_by_all)
{
	const char *path = scratch_file("log", "before\n");
	struct stat st;
	char *text;

	unlink(scratch_path("new"));
	log_to_file(path);
	log_info("after");
	text = scratch_read(path);
	must_match(text, "^before\n20.*: after\n$");
	free(text);
	log_to_file(scratch_path("new"));
	cr_assert_eq(stat(scratch_path("new"), &st), 0);
	cr_assert_eq(st.st_mode & 07, 0);
}

Test(log, reopening_leaves_a_renamed_file_for_a_new_one)
{
	const char *path = scratch_path("log"), *old = scratch_path("log.1");
	char *text;

	log_to_file(path);
	log_info("one");
	rename(path, old);
	log_info("two");
	log_reopen();
	log_info("three");
	text = scratch_read(old);
	must_match(text, ": one\n.*: two\n$");
	free(text);
	text = scratch_read(path);
	must_match(text, "^20.*: three\n$");
	free(text);
}

Test(log, reopening_what_cannot_be_opened_keeps_the_old_file)
{
	const char *path = scratch_path("log");
	const char *old = scratch_path("log.1");
	char *text;

	log_detach();
	log_to_file(path);
	rename(path, old);
	mkdir(path, 0700);
	log_reopen();
	log_info("still here");
	text = scratch_read(old);
	must_match(text, "^20.*warning: cannot open the log .*; the old one "
	    "goes on\n.*: still here\n$");
	free(text);
	rmdir(path);
	log_reopen();
	log_info("back");
	text = scratch_read(path);
	must_match(text, "^20.*: back\n$");
	free(text);
}

static void
no_log_file(void)
{
	log_to_file("/nowhere/log");
}

Test(log, a_file_that_cannot_be_made_at_the_start_is_fatal)
{
	cr_assert_eq(scratch_run(no_log_file, errors, sizeof(errors)),
	    EX_CANTCREAT);
	cr_assert_str_eq(errors, "kvd: cannot open the log /nowhere/log: No "
	    "such file or directory\n");
}

static void
bad_reload(void)
{
	log_to_file(scratch_path("log"));
	log_to_file("/nowhere/log");
	log_info("still here");
}

Test(log, a_file_that_cannot_be_made_later_is_a_warning_in_the_old_log)
{
	char *text;

	cr_assert_eq(scratch_run(bad_reload, errors, sizeof(errors)), 0);
	text = scratch_read(scratch_path("log"));
	must_match(text, "warning: cannot open the log /nowhere/log: .*; the "
	    "old one goes on\n.*: still here\n$");
	free(text);
}

Test(log, a_full_disk_sends_the_line_to_syslog)
{
	syslog_lines[0] = '\0';
	log_to_file("/dev/full");
	log_info("precious");
	must_match(syslog_lines, "^<6>kvd\\[[0-9]+\\]: precious\n$");
}

Test(log, strangers_cannot_forge_a_line)
{
	const char *path = scratch_path("log");
	char *text;

	log_to_file(path);
	log_info("key \"%s\"",
	    "x\n2026-01-01T00:00:00.000Z master[1]: \x1b[2J");
	text = scratch_read(path);
	must_match(text, "^[^\n]*key \"x\\\\x0a2026[^\n]*\\\\x1b\\[2J\"\n$");
	free(text);
}

Test(log, a_long_line_is_cut_and_says_so)
{
	const char *path = scratch_path("log");
	char large[3 * LOG_LINE_MAX], *text;
	const char *message;

	memset(large, 'a', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	log_to_file(path);
	log_info("%s", large);
	large[LOG_LINE_MAX] = '\0';
	log_info("%s", large);
	text = scratch_read(path);
	message = strstr(text, ": ") + 2;
	cr_assert_eq(strcspn(message, "\n"), LOG_LINE_MAX);
	cr_assert_eq(strncmp(message + LOG_LINE_MAX - 4, "a...\n", 5), 0);
	message = strstr(message, ": ") + 2;
	cr_assert_eq(strcspn(message, "\n"), LOG_LINE_MAX);
	cr_assert_eq(strncmp(message + LOG_LINE_MAX - 4, "aaaa\n", 5), 0);
	free(text);
}

Test(log, errno_survives)
{
	log_to_file(scratch_path("log"));
	errno = EPIPE;
	log_info("hello");
	log_reopen();
	log_open(&config, false, 0);
	cr_assert_eq(errno, EPIPE);
}

/* --- escapes --- */

struct escape_case {
	const char	*text, *escaped;
};

Test(log_escape, only_valid_and_harmless_characters_pass)
{
	static const struct escape_case cases[] = {
		{ "", "" },
		{ "plain \\ text \"quoted\"", "plain \\ text \"quoted\"" },
		{ "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		    "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "a\r\n\t\x1f\x7f", "a\\x0d\\x0a\\x09\\x1f\\x7f" },
		{ "\xc2\x85", "\\xc2\\x85" },		/* NEL, of C1 */
		{ "\xe2\x80\xa8", "\\xe2\\x80\\xa8" },	/* line separator */
		{ "\xe2\x80\xae", "\\xe2\\x80\\xae" },	/* right to left */
		{ "\xe2\x81\xa7", "\\xe2\\x81\\xa7" },	/* bidi isolate */
		{ "\xef\xbb\xbf", "\\xef\\xbb\\xbf" },	/* byte order mark */
		{ "\x80", "\\x80" },
		{ "\xff", "\\xff" },
		{ "\xc3", "\\xc3" },
		{ "\xe2\x82", "\\xe2\\x82" },
		{ "\xc3(", "\\xc3(" },
		{ "\xc0\x8a", "\\xc0\\x8a" },		/* overlong \n */
		{ "\xe0\x80\x8a", "\\xe0\\x80\\x8a" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },	/* a surrogate */
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
		{ "\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80" },
	};
	char out[128];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		log_escape(out, sizeof(out), cases[i].text);
		cr_assert_str_eq(out, cases[i].escaped);
	}
}

Test(log_escape, what_does_not_fit_is_cut_between_characters)
{
	static const struct escape_case cases[] = {
		{ "1234567", "1234567" },
		{ "12345678", "1234..." },
		{ "123\xc3\xa9xyz", "123..." },
		{ "12\xc3\xa9xyz", "12\xc3\xa9xyz" },
		{ "12\xc3\xa9xyz1", "12\xc3\xa9..." },
		{ "\n\n", "\\x0a..." },
		{ "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9",
		    "\xc3\xa9\xc3\xa9..." },
		{ "\xe2\x80\xa8", "..." },
	};
	char out[8];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		log_escape(out, sizeof(out), cases[i].text);
		cr_assert_str_eq(out, cases[i].escaped);
	}
}
