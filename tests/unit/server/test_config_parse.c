#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "server/config_parse.h"
#include "tests/unit/server/complaints.h"
#include "tests/unit/server/scratch.h"

static struct config config;
static struct complaints complaints;

static void
clean_up(void)
{
	config_free(&config);
	scratch_remove();
}

TestSuite(config_parse, .init = scratch_make, .fini = clean_up);

/* All complaints, with the folder cut off, are exactly these lines. */
static void
must_complain(const char *content, const char *lines)
{
	char text[sizeof(complaints.text)] = "", *line, *rest;
	int status = complaints_load(&complaints, &config, content);
	size_t cut = strlen(scratch_path(""));

	cr_assert_eq(status, EX_CONFIG, "%d: %s", status, content);
	rest = complaints.text;
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		strlcat(text, strlen(line) > cut ? line + cut : line,
		    sizeof(text));
		strlcat(text, "\n", sizeof(text));
	}
	cr_assert_str_eq(text, lines);
	cr_assert_eq(config.listens, 0, "nothing may be left");
}

Test(config_parse, an_empty_file_means_the_defaults)
{
	load_good(&config, "");
	cr_assert_str_eq(config.name, "default");
	cr_assert_eq(config.listens, 1);
	cr_assert_str_eq(config.listen[0].text, "127.0.0.1:4040");
	cr_assert_eq(config.memory_bytes, 1ULL << 30);
	cr_assert_eq(config.workers, 0);
	cr_assert_eq(config.shards, 0);
	cr_assert_null(config.user);
	cr_assert_null(config.pidfile);
	cr_assert_eq(config.clients_max, 10000);
	cr_assert_eq(config.idle_ms, 600000);
	cr_assert_eq(config.send_ms, 30000);
	cr_assert_eq(config.output_max_bytes, 8ULL << 20);
	cr_assert_eq(config.value_max_bytes, 0);
	cr_assert_eq(config.log_to, CONFIG_LOG_SYSLOG);
	cr_assert_str_eq(config.log_facility, "daemon");
	cr_assert_str_eq(config.log_level, "info");
}

Test(config_parse, every_setting_arrives_in_its_field)
{
	load_good(&config,
	    "name shop\n"
	    "listen 10.0.0.1:1\n"
	    "listen /run/shop.sock\n"
	    "memory 2G\n"
	    "workers 4\n"
	    "shards 128\n"
	    "user kvd\n"
	    "pidfile /run/shop.pid\n"
	    "log { to /var/log/shop; facility local3; level debug }\n"
	    "limits {\n"
	    "	clients 7\n"
	    "	idle 5m\n"
	    "	send 3s\n"
	    "	output 64K\n"
	    "	value 2M\n"
	    "}\n");
	cr_assert_str_eq(config.name, "shop");
	cr_assert_eq(config.listens, 2);
	cr_assert_str_eq(config.listen[0].host, "10.0.0.1");
	cr_assert_str_eq(config.listen[1].path, "/run/shop.sock");
	cr_assert_eq(config.memory_bytes, 2ULL << 30);
	cr_assert_eq(config.workers, 4);
	cr_assert_eq(config.shards, 128);
	cr_assert_str_eq(config.user, "kvd");
	cr_assert_str_eq(config.pidfile, "/run/shop.pid");
	cr_assert_eq(config.log_to, CONFIG_LOG_FILE);
	cr_assert_str_eq(config.log_file, "/var/log/shop");
	cr_assert_str_eq(config.log_facility, "local3");
	cr_assert_str_eq(config.log_level, "debug");
	cr_assert_eq(config.clients_max, 7);
	cr_assert_eq(config.idle_ms, 300000);
	cr_assert_eq(config.send_ms, 3000);
	cr_assert_eq(config.output_max_bytes, 65536);
	cr_assert_eq(config.value_max_bytes, 2 << 20);
}

Test(config_parse, layout_is_free)
{
	load_good(&config,
	    "\r\n\t# a comment\n"
	    "name\t\"shop\"# another\r\n"
	    ";;memory \\\n  2G;workers 2\n"
	    "log{level debug}limits\\\r\n{clients 5;}\n"
	    "user kvd");
	cr_assert_str_eq(config.name, "shop");
	cr_assert_eq(config.memory_bytes, 2ULL << 30);
	cr_assert_eq(config.workers, 2);
	cr_assert_str_eq(config.log_level, "debug");
	cr_assert_eq(config.clients_max, 5);
	cr_assert_str_eq(config.user, "kvd");
}

Test(config_parse, strings_keep_every_byte_and_know_two_escapes)
{
	load_good(&config, "pidfile \"/a b{c};#$x=\\\"\\\\d\xc3\xa9\t.pid\"\n");
	cr_assert_str_eq(config.pidfile, "/a b{c};#$x=\"\\d\xc3\xa9\t.pid");
}

Test(config_parse, macros_stand_for_words_and_parts_of_words)
{
	load_good(&config,
	    "host = \"10.0.0.1\"\n"
	    "dir = /run/shop\n"
	    "other = $host\n"
	    "listen $other:1\n"
	    "listen $dir/kvd.sock\n"
	    "name \"shop\"\n");
	cr_assert_str_eq(config.listen[0].text, "10.0.0.1:1");
	cr_assert_str_eq(config.listen[1].text, "/run/shop/kvd.sock");
}

Test(config_parse, the_last_definition_of_a_macro_before_its_use_counts)
{
	load_good(&config, "m = 1G\nm = 2G\nmemory $m\nm = 3G\n");
	cr_assert_eq(config.memory_bytes, 2ULL << 30);
}

Test(config_parse, a_macro_is_one_value_whatever_is_in_it)
{
	must_complain("m = \"2G; workers 4\"\nmemory $m\n",
	    "t.conf:2: memory: \"2G; workers 4\" is not a size; write bytes, "
	    "or a number with K, M, G or T\n");
	must_complain("k = memory\n$k 1G\n",
	    "t.conf:2: expected a keyword, not \"memory\"\n");
}

Test(config_parse, an_undefined_macro_is_named)
{
	must_complain("memory $size\nname $\n",
	    "t.conf:1: macro \"size\" is not defined\n"
	    "t.conf:2: no macro name behind $; a literal $ needs a "
	    "\"string\"\n");
}

Test(config_parse, every_mistake_of_a_file_is_reported_with_its_line)
{
	must_complain(
	    "memory banana\n"
	    "workers 4\n"
	    "\n"
	    "colour red\n"
	    "shards 3 # no\n"
	    "limits {\n"
	    "	clients 0\n"
	    "	idle 5 m\n"
	    "}\n"
	    "name\n",
	    "t.conf:1: memory: \"banana\" is not a size; write bytes, or a "
	    "number with K, M, G or T\n"
	    "t.conf:4: unknown keyword \"colour\"\n"
	    "t.conf:5: shards: 3 is not a power of two\n"
	    "t.conf:7: clients: 0 is less than 1\n"
	    "t.conf:8: expected the end of the line, not \"m\"\n"
	    "t.conf:10: expected a value, not the end of the line\n");
}

Test(config_parse, lines_joined_by_a_backslash_are_counted)
{
	must_complain("memory \\\n  \\\n1G\ncolour red\n",
	    "t.conf:4: unknown keyword \"colour\"\n");
}

Test(config_parse, a_misspelled_keyword_gets_a_suggestion)
{
	must_complain("memry 1G\nwrokers 2\nlistn 1\nincude \"x\"\nlimit {\n}\n"
	    "log { levle info }\n",
	    "t.conf:1: unknown keyword \"memry\"; did you mean \"memory\"?\n"
	    "t.conf:2: unknown keyword \"wrokers\"; did you mean "
	    "\"workers\"?\n"
	    "t.conf:3: unknown keyword \"listn\"; did you mean \"listen\"?\n"
	    "t.conf:4: unknown keyword \"incude\"; did you mean \"include\"?\n"
	    "t.conf:5: unknown keyword \"limit\"; did you mean \"limits\"?\n"
	    "t.conf:7: unknown keyword \"levle\"; did you mean \"level\"?\n");
}

Test(config_parse, a_keyword_in_the_wrong_block_is_sent_home)
{
	must_complain("clients 5\nlog { memory 1G; idle 5s }\n",
	    "t.conf:1: \"clients\" belongs in the limits block\n"
	    "t.conf:2: \"memory\" does not belong in the log block\n"
	    "t.conf:2: \"idle\" belongs in the limits block\n");
}

Test(config_parse, a_setting_given_twice_is_refused_but_listen_adds)
{
	must_complain("memory 1G\nlisten 1\nlisten 2\nmemory 2G\n",
	    "t.conf:4: memory: given twice, first in line 1\n");
}

Test(config_parse, braces_that_do_not_match_are_reported)
{
	must_complain("log {\n level info\n", "t.conf:1: block log is not "
	    "closed\n");
	must_complain("}\nname a\n", "t.conf:1: } without a {\n");
	must_complain("log {\n limits {\n clients 1\n}\n}\nfoo\n",
	    "t.conf:2: unknown keyword \"limits\"\n"
	    "t.conf:6: unknown keyword \"foo\"\n");
	must_complain("{\n}\n", "t.conf:1: expected a keyword, not {\n");
	must_complain("memory { 1G }\n", "t.conf:1: \"memory\" is a setting, "
	    "not a block; write memory value\n");
	must_complain("log to syslog\n", "t.conf:1: \"log\" is a block; write "
	    "log { ... }\n");
}

Test(config_parse, an_unknown_block_is_passed_over_as_a_whole)
{
	must_complain("colours {\n a { b }\n c 5\n}\nmemory x\n",
	    "t.conf:1: unknown keyword \"colours\"\n"
	    "t.conf:5: memory: \"x\" is not a size; write bytes, or a number "
	    "with K, M, G or T\n");
}

Test(config_parse, what_is_no_token_is_reported)
{
	must_complain("name \"open\nmemory 1G\n",
	    "t.conf:1: string is not closed on its line\n");
	must_complain("name \"a\\nb\"\n",
	    "t.conf:1: unknown escape in a string; write \\\" or \\\\\n");
	must_complain("name a\\b\n", "t.conf:1: a backslash stands at the end "
	    "of a line or in a \"string\"\n");
	must_complain("name a\x01\n", "t.conf:1: control byte \\x01\n");
	must_complain("name \"a\x1b[1m\"\n",
	    "t.conf:1: control byte in a string\n");
	must_complain("= 5\n", "t.conf:1: expected a keyword, not =\n");
	must_complain("\"name\" a\n",
	    "t.conf:1: expected a keyword, not \"name\"\n");
	must_complain("m = a b\n",
	    "t.conf:1: expected the end of the line, not \"b\"\n");
	must_complain("m =\n", "t.conf:1: expected a value for the macro, not "
	    "the end of the line\n");
	must_complain("9m = a\n", "t.conf:1: \"9m\" is not a macro name; "
	    "write letters, digits and _\n");
	must_complain("log { m = 5 }\n", "t.conf:1: unknown keyword \"m\"\n");
	must_complain("name", "t.conf:1: expected a value, not the end of the "
	    "file\n");
}

Test(config_parse, a_zero_byte_is_no_end_of_the_file)
{
	static const char bytes[] = "name a\n\0memory x\n";
	struct config_draft draft;

	complaints_init(&complaints);
	config_draft_init(&draft, &complaints.report);
	config_parse_bytes(&draft, "mem", bytes, sizeof(bytes) - 1);
	cr_assert_eq(draft.status, EX_CONFIG);
	cr_assert_str_eq(complaints.text, "mem:2: control byte \\x00\n");
	config_draft_free(&draft);
}

Test(config_parse, a_word_of_more_than_1024_bytes_is_refused)
{
	char content[2200] = "pidfile /";

	memset(content + 9, 'a', 1024);
	strlcpy(content + 9 + 1024, "\nmemory 1G\n", 32);
	must_complain(content, "t.conf:1: word too long\n");
	memset(content, 0, sizeof(content));
	strlcpy(content, "pidfile \"/", sizeof(content));
	memset(content + 10, 'a', 1024);
	strlcpy(content + 10 + 1024, "\"\nmemory 1G\n", 32);
	must_complain(content, "t.conf:1: string too long\n");
	memset(content, 0, sizeof(content));
	strlcpy(content, "a = ", sizeof(content));
	memset(content + 4, 'a', 1000);
	strlcpy(content + 1004, "\npidfile /$a$a\n", 32);
	must_complain(content, "t.conf:2: word too long\n");
}

Test(config_parse, after_twenty_mistakes_it_gives_up)
{
	char content[1024] = "";
	int i;

	for (i = 0; i < 30; i++)
		strlcat(content, "colour red\n", sizeof(content));
	cr_assert_eq(complaints_load(&complaints, &config, content), EX_CONFIG);
	cr_assert_eq(complaints.count, CONFIG_COMPLAINTS_MAX + 1);
	cr_assert_not_null(strstr(complaints.text, "too many errors"));
	for (i = 0; i < 19; i++)
		memcpy(content + 11 * i, "colour red\n", 11);
	strlcpy(content + 11 * 19, "red }\nlog {\n", 32);
	cr_assert_eq(complaints_load(&complaints, &config, content), EX_CONFIG);
	cr_assert_eq(complaints.count, CONFIG_COMPLAINTS_MAX + 1);
}

/* --- include --- */

Test(config_parse, an_included_file_is_found_beside_the_file_that_names_it)
{
	mkdir(scratch_path("d"), 0700);
	scratch_file("d/a.conf", "memory 2G\ninclude \"b.conf\"\n");
	scratch_file("d/b.conf", "workers $n\n");
	load_good(&config, "n = 3\ninclude \"d/a.conf\"\nname shop\n");
	cr_assert_eq(config.memory_bytes, 2ULL << 30);
	cr_assert_eq(config.workers, 3);
	cr_assert_str_eq(config.name, "shop");
}

Test(config_parse, an_absolute_include_and_one_from_a_macro_are_found)
{
	char content[4200];

	snprintf(content, sizeof(content), "include \"%s\"\nf = b.conf\n"
	    "include $f\n", scratch_file("a.conf", "memory 2G\n"));
	scratch_file("b.conf", "workers 3\n");
	load_good(&config, content);
	cr_assert_eq(config.memory_bytes, 2ULL << 30);
	cr_assert_eq(config.workers, 3);
}

Test(config_parse, mistakes_in_an_included_file_carry_its_name)
{
	scratch_file("a.conf", "\nmemory x\n");
	must_complain("name b\ninclude \"a.conf\"\ncolour red\n",
	    "a.conf:2: memory: \"x\" is not a size; write bytes, or a number "
	    "with K, M, G or T\n"
	    "t.conf:3: unknown keyword \"colour\"\n");
	scratch_file("a.conf", "memory 1G\n");
	must_complain("memory 2G\ninclude \"a.conf\"\n",
	    "a.conf:1: memory: given twice, first in line 1 of another "
	    "file\n");
}

Test(config_parse, a_file_that_includes_itself_is_stopped)
{
	scratch_file("a.conf", "include \"t.conf\"\n");
	cr_assert_eq(complaints_load(&complaints, &config,
	    "include \"a.conf\"\n"), EX_NOINPUT);
	cr_assert_not_null(strstr(complaints.text,
	    "a.conf:1: include \"t.conf\": it includes itself\n"));
	cr_assert_eq(complaints.count, 1);
}

Test(config_parse, the_same_file_may_be_included_twice_one_after_the_other)
{
	scratch_file("a.conf", "m = 2G\n");
	load_good(&config,
	    "include \"a.conf\"\ninclude \"a.conf\"\nmemory $m\n");
	cr_assert_eq(config.memory_bytes, 2ULL << 30);
}

Test(config_parse, files_are_included_eight_deep_and_not_nine)
{
	char name[16], content[64];
	int i;

	for (i = 1; i <= 9; i++) {
		snprintf(name, sizeof(name), "%d.conf", i);
		snprintf(content, sizeof(content), i == 8 ? "workers 3\n" :
		    "include \"%d.conf\"\n", i + 1);
		scratch_file(name, content);
	}
	load_good(&config, "include \"1.conf\"\n");
	cr_assert_eq(config.workers, 3);
	config_free(&config);
	scratch_file("8.conf", "include \"9.conf\"\n");
	cr_assert_eq(complaints_load(&complaints, &config,
	    "include \"1.conf\"\n"), EX_CONFIG);
	cr_assert_not_null(strstr(complaints.text, "8.conf:1: include "
	    "\"9.conf\": more than 8 files deep\n"), "%s", complaints.text);
}

Test(config_parse, a_missing_include_is_a_file_that_cannot_be_read)
{
	cr_assert_eq(complaints_load(&complaints, &config,
	    "include \"nowhere.conf\"\n"), EX_NOINPUT);
	cr_assert_not_null(strstr(complaints.text, "t.conf:1: include "
	    "\"nowhere.conf\": No such file or directory\n"));
}

Test(config_parse, an_include_that_is_a_folder_or_too_large_is_refused)
{
	char *large = malloc(CONFIG_FILE_MAX + 2);

	cr_assert_eq(complaints_load(&complaints, &config,
	    "include \".\"\n"), EX_NOINPUT);
	cr_assert_not_null(strstr(complaints.text, "Is a directory"));
	memset(large, '\n', CONFIG_FILE_MAX + 1);
	large[CONFIG_FILE_MAX + 1] = '\0';
	scratch_file("large.conf", large);
	cr_assert_eq(complaints_load(&complaints, &config,
	    "include \"large.conf\"\n"), EX_NOINPUT);
	cr_assert_not_null(strstr(complaints.text, "File too large"));
	large[CONFIG_FILE_MAX] = '\0';
	scratch_file("large.conf", large);
	load_good(&config, "include \"large.conf\"\n");
	free(large);
}

Test(config_parse, bytes_in_memory_cannot_include)
{
	static const char bytes[] = "include \"/etc/passwd\"\n";
	struct config_draft draft;

	complaints_init(&complaints);
	config_draft_init(&draft, &complaints.report);
	config_parse_bytes(&draft, "mem", bytes, sizeof(bytes) - 1);
	cr_assert_str_eq(complaints.text,
	    "mem:1: include is not possible here\n");
	config_draft_free(&draft);
}
