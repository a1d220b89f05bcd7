/*
 * The cookie: where it is found, and which files may not hold it.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "server/config_cookie.h"
#include "tests/unit/server/complaints.h"
#include "tests/unit/server/scratch.h"

#define TWO								      \
	"name foo\n"							      \
	"node foo { address 127.0.0.1:4040 }\n"				      \
	"node bar { address 127.0.0.1:4041 }\n"

static struct config config;
static struct complaints complaints;

static void
begin(void)
{
	scratch_make();
	setenv("HOME", scratch_path(""), 1);
}

static void
end(void)
{
	config_free(&config);
	scratch_remove();
}

TestSuite(config_cookie, .init = begin, .fini = end);
TestSuite(config_password, .init = begin, .fini = end);

static const char *
cookie_file(const char *name, const char *content, mode_t mode)
{
	const char *path = scratch_file(name, content);

	cr_assert_eq(chmod(path, mode), 0);
	return path;
}

/* A configuration with a cookie-file of that name. */
static void
configure(const char *name)
{
	char content[512];

	snprintf(content, sizeof(content), TWO "cookie-file %s\n",
	    scratch_path(name));
	config_free(&config);
	load_good(&config, content);
}

static void
must_find(const char *secret)
{
	complaints_init(&complaints);
	cr_assert_eq(config_cookie_load(&config, &complaints.report), 0, "%s",
	    complaints.text);
	cr_assert_eq(complaints.count, 0);
	cr_assert_str_eq(config.secret, secret);
}

static void
must_refuse(const char *why)
{
	complaints_init(&complaints);
	cr_assert_eq(config_cookie_load(&config, &complaints.report),
	    EX_CONFIG);
	cr_assert_eq(complaints.count, 1);
	cr_assert_not_null(strstr(complaints.text, why), "no \"%s\" in %s",
	    why, complaints.text);
	cr_assert_null(config.secret);
}

Test(config_cookie, a_node_that_is_alone_needs_none)
{
	load_good(&config, "name foo\nnode foo { address 1 }\n"
	    "cookie-file /nonexistent/cookie\n");
	complaints_init(&complaints);
	cr_assert_eq(config_cookie_load(&config, &complaints.report), 0);
	cr_assert_null(config.secret);
}

Test(config_cookie, it_is_the_line_of_its_file)
{
	configure("cookie");
	cookie_file("cookie", "sesame open\n", 0600);
	must_find("sesame open");
	configure("cookie");
	cookie_file("cookie", "no end", 0400);
	must_find("no end");
	configure("cookie");
	cookie_file("cookie", "windows\r\n", 0600);
	must_find("windows");
}

Test(config_cookie, it_is_looked_for_at_home_if_nothing_is_said)
{
	load_good(&config, TWO);
	cookie_file(CONFIG_COOKIE_FILE, "home\n", 0600);
	must_find("home");
}

Test(config_cookie, who_has_none_is_told_how_to_make_one)
{
	load_good(&config, TWO);
	must_refuse("/.kvd.cookie: No such file or directory; nodes know each "
	    "other by a cookie: make one with (umask 077; head -c 32 "
	    "/dev/urandom | base64 >");
	must_refuse("/.kvd.cookie) and copy it to all of them\n");
}

Test(config_cookie, without_a_home_it_must_be_named)
{
	load_good(&config, TWO);
	unsetenv("HOME");
	must_refuse("there is no home folder to look for it; say where it is "
	    "with cookie-file");
	setenv("HOME", "", 1);
	must_refuse("there is no home folder");
}

Test(config_cookie, it_is_looked_for_in_the_home_of_the_user_to_become)
{
	load_good(&config, TWO "user no-such-user-here\n");
	cookie_file(CONFIG_COOKIE_FILE, "home\n", 0600);
	must_refuse("there is no home folder");
	config_free(&config);
	load_good(&config, TWO "user bin\n");
	must_refuse("/bin/.kvd.cookie: No such file");
}

Test(config_cookie, a_file_that_others_have_a_right_to_is_refused)
{
	static const mode_t bad[] = { 0640, 0604, 0620, 0602, 0610, 0777 };
	char why[128];
	size_t i;

	configure("cookie");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cookie_file("cookie", "sesame\n", bad[i]);
		snprintf(why, sizeof(why), "/cookie: has mode %04o, so others "
		    "can read or change the cookie; chmod 600 ", bad[i]);
		must_refuse(why);
	}
}

Test(config_cookie, a_file_of_somebody_else_is_refused)
{
	configure("cookie");
	if (chown(cookie_file("cookie", "sesame\n", 0600), 12345, 0) == -1)
		cr_skip_test("only root can give a file away");
	must_refuse("/cookie: belongs to user 12345; give it to root, or to "
	    "who runs kvd, with chown\n");
}

Test(config_cookie, a_file_of_the_user_to_become_is_good)
{
	char content[512];

	snprintf(content, sizeof(content), TWO "user bin\ncookie-file %s\n",
	    scratch_path("cookie"));
	load_good(&config, content);
	if (chown(cookie_file("cookie", "sesame\n", 0600), 2, 2) == -1)
		cr_skip_test("only root can give a file away");
	must_find("sesame");
}

Test(config_cookie, what_is_not_one_line_is_refused)
{
	static const char *const bad[] = { "", "\n", "a\nb\n", "a\n\n",
	    "a\tb\n", "\x7f\n" };
	char longest[CONFIG_COOKIE_MAX + 3];
	size_t i;

	configure("cookie");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cookie_file("cookie", bad[i], 0600);
		must_refuse("/cookie: a cookie is one line of 1 to 255 bytes, "
		    "none of them a control byte\n");
	}
	memset(longest, 'x', sizeof(longest));
	longest[CONFIG_COOKIE_MAX + 1] = '\0';
	cookie_file("cookie", longest, 0600);
	must_refuse("/cookie: a cookie is one line");
	strlcpy(longest + CONFIG_COOKIE_MAX, "\r\n", 3);
	cookie_file("cookie", longest, 0600);
	longest[CONFIG_COOKIE_MAX] = '\0';
	must_find(longest);
}

Test(config_cookie, what_is_no_file_is_refused)
{
	configure("cookie");
	cr_assert_eq(mkfifo(scratch_path("cookie"), 0600), 0);
	must_refuse("/cookie: not a file\n");
	configure("missing");
	must_refuse("/missing: No such file or directory; nodes know");
	configure("cookie/below");
	must_refuse("/cookie/below: Not a directory\n");
}

/* --- in the configuration itself --- */

Test(config_cookie, it_may_stand_in_a_file_that_is_not_for_all)
{
	struct config_args args;

	config_args_init(&args);
	args.port = args.nodes = NULL;
	complaints_init(&complaints);
	strlcpy(args.file, cookie_file("t.conf", TWO "cookie \"a b\"\n", 0640),
	    sizeof(args.file));
	cr_assert_eq(config_load(&config, &args, &complaints.report), 0, "%s",
	    complaints.text);
	must_find("a b");
}

Test(config_cookie, a_configuration_that_others_can_read_must_not_have_it)
{
	umask(022);
	cr_assert_eq(complaints_load(&complaints, &config,
	    TWO "cookie sesame\n"), EX_CONFIG);
	cr_assert_not_null(strstr(complaints.text, "t.conf:4: cookie: others "
	    "can read this file; chmod o-rw it, or name a file with "
	    "cookie-file\n"), "%s", complaints.text);
	cr_assert_null(strstr(complaints.text, "sesame"));
}

static int
load_private(const char *content)
{
	umask(077);
	return complaints_load(&complaints, &config, content);
}

Test(config_cookie, one_that_is_empty_or_too_long_is_refused)
{
	char content[512], word[CONFIG_COOKIE_MAX + 2];

	cr_assert_eq(load_private("cookie \"\"\n"), EX_CONFIG);
	cr_assert_not_null(strstr(complaints.text,
	    "t.conf:1: cookie: a cookie has 1 to 255 bytes, not 0\n"));
	memset(word, 'x', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	snprintf(content, sizeof(content), "cookie %s\n", word);
	cr_assert_eq(load_private(content), EX_CONFIG);
	cr_assert_not_null(strstr(complaints.text,
	    "t.conf:1: cookie: a cookie has 1 to 255 bytes, not 256\n"));
}

Test(config_cookie, there_are_not_two)
{
	cr_assert_eq(load_private("cookie sesame\ncookie-file /c\n"),
	    EX_CONFIG);
	cr_assert_not_null(strstr(complaints.text, "t.conf:2: cookie-file: "
	    "there is a cookie already, in line 1; give one of them\n"), "%s",
	    complaints.text);
}

Test(config_cookie, it_is_never_printed)
{
	char *text;

	cr_assert_eq(load_private(TWO "cookie sesame\n"), 0);
	must_find("sesame");
	text = printed(&config);
	cr_assert_null(strstr(text, "sesame"), "%s", text);
	cr_assert_not_null(strstr(text, "\n# cookie is set and not shown\n"));
	free(text);
}

Test(config_cookie, another_one_is_a_difference)
{
	struct config next;

	cr_assert_eq(load_private(TWO "cookie sesame\n"), 0);
	next = config;
	memset(&config, 0, sizeof(config));
	cr_assert_eq(load_private(TWO "cookie simsim\n"), 0);
	cr_assert_eq(config_differences(&config, &next), 1);
	config_free(&next);
}

/* --- the password --- */

static int
load_password(const char *content)
{
	mode_t mask = umask(0077);

	config_free(&config);
	load_good(&config, content);
	umask(mask);
	complaints_init(&complaints);
	return config_password_load(&config, &complaints.report);
}

Test(config_password, is_none_unless_it_is_configured)
{
	cr_assert_eq(load_password("memory 1G\n"), 0);
	cr_assert_null(config.client_secret);
	cr_assert_eq(load_password("password \"two words\"\n"), 0);
	cr_assert_str_eq(config.client_secret, "two words");
}

Test(config_password, may_be_in_a_file_that_is_its_owners_alone)
{
	char content[512];

	snprintf(content, sizeof(content), "password-file %s\n",
	    cookie_file("password", "two words\n", 0600));
	cr_assert_eq(load_password(content), 0);
	cr_assert_str_eq(config.client_secret, "two words");
	cookie_file("password", "two words\n", 0640);
	cr_assert_eq(load_password(content), EX_CONFIG);
	cr_assert_not_null(strstr(complaints.text, "others can read or change "
	    "the password; chmod 600 "));
	cookie_file("password", "\n", 0600);
	cr_assert_eq(load_password(content), EX_CONFIG);
	cr_assert_not_null(strstr(complaints.text, "a password is one line of "
	    "1 to 255 bytes"));
	cr_assert_eq(load_password("password-file /nowhere\n"), EX_CONFIG);
	cr_assert_not_null(strstr(complaints.text,
	    "/nowhere: No such file or directory"));
	cr_assert_null(config.client_secret);
}
