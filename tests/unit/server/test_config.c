#include <criterion/criterion.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "server/config.h"
#include "server/config_table.h"
#include "tests/unit/server/complaints.h"
#include "tests/unit/server/scratch.h"

static struct config config;
static struct config_args args;
static struct complaints complaints;

static void
begin(void)
{
	scratch_make();
	unsetenv("PORT");
	unsetenv("NODES");
	config_args_init(&args);
	strlcpy(args.file, scratch_path("t.conf"), sizeof(args.file));
	complaints_init(&complaints);
}

static void
end(void)
{
	config_free(&config);
	scratch_remove();
}

TestSuite(config, .init = begin, .fini = end);

static void
flag(int letter, const char *value)
{
	cr_assert_eq(config_args_flag(&args, letter, value,
	    &complaints.report), 0, "%s", complaints.text);
}

static int
load(void)
{
	return config_load(&config, &args, &complaints.report);
}

static void
must_load(void)
{
	cr_assert_eq(load(), 0, "%s", complaints.text);
	cr_assert_eq(complaints.count, 0);
}

Test(config, the_default_file_may_be_absent)
{
	strlcpy(args.file, scratch_path("nowhere.conf"), sizeof(args.file));
	must_load();
	cr_assert_str_eq(config.name, "default");
}

Test(config, a_file_named_by_a_flag_must_exist)
{
	flag('c', scratch_path("nowhere.conf"));
	cr_assert_eq(load(), EX_NOINPUT);
	cr_assert_eq(complaints.count, 1);
	cr_assert_not_null(strstr(complaints.text,
	    "/nowhere.conf: No such file or directory\n"));
	cr_assert_null(config.name);
}

Test(config, a_default_file_that_is_there_is_read_and_must_be_good)
{
	scratch_file("t.conf", "memory x\n");
	cr_assert_eq(load(), EX_CONFIG);
	scratch_file("t.conf", "memory 2G\n");
	complaints_init(&complaints);
	must_load();
	cr_assert_eq(config.memory_bytes, 2ULL << 30);
}

Test(config, a_relative_file_is_still_found_from_another_folder)
{
	char folder[PATH_MAX];

	strlcpy(folder, scratch_file("x.conf", "memory 2G\n"), sizeof(folder));
	*strrchr(folder, '/') = '\0';
	cr_assert_eq(chdir(folder), 0);
	flag('c', "x.conf");
	cr_assert_eq(args.file[0], '/');
	cr_assert_eq(chdir("/"), 0);
	must_load();
	cr_assert_eq(config.memory_bytes, 2ULL << 30);
}

Test(config, a_file_whose_path_is_too_long_is_a_usage_error)
{
	char path[PATH_MAX + 1];

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	cr_assert_eq(config_args_flag(&args, 'c', path, &complaints.report),
	    EX_USAGE);
	path[0] = '/';
	cr_assert_eq(config_args_flag(&args, 'c', path, &complaints.report),
	    EX_USAGE);
	path[sizeof(path) - 2] = '\0';
	cr_assert_eq(config_args_flag(&args, 'c', path, &complaints.report),
	    0);
	cr_assert_str_eq(args.file, path);
}

Test(config, a_flag_wins_over_port_over_the_file_over_the_default)
{
	must_load();
	cr_assert_str_eq(config.listen[0].text, "127.0.0.1:4040");
	config_free(&config);
	scratch_file("t.conf", "listen :1\nlisten :2\nname file\n");
	must_load();
	cr_assert_eq(config.listens, 2);
	config_free(&config);
	args.port = "5050";
	must_load();
	cr_assert_eq(config.listens, 1);
	cr_assert_str_eq(config.listen[0].text, "127.0.0.1:5050");
	config_free(&config);
	flag('l', "[::1]:6060");
	flag('l', "/run/k.sock");
	flag('N', "flag");
	must_load();
	cr_assert_eq(config.listens, 2);
	cr_assert_str_eq(config.listen[0].text, "[::1]:6060");
	cr_assert_str_eq(config.listen[1].text, "/run/k.sock");
	cr_assert_str_eq(config.name, "flag");
}

Test(config, port_is_taken_from_the_environment)
{
	setenv("PORT", "5051", 1);
	config_args_init(&args);
	strlcpy(args.file, scratch_path("t.conf"), sizeof(args.file));
	must_load();
	cr_assert_str_eq(config.listen[0].text, "127.0.0.1:5051");
}

Test(config, an_empty_port_is_none)
{
	args.port = "";
	must_load();
	cr_assert_str_eq(config.listen[0].text, "127.0.0.1:4040");
}

Test(config, a_port_that_is_none_is_refused)
{
	static const char *const bad[] = { "0", "65536", "x", "10.0.0.1:1",
	    "/run/k.sock", " 4040" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		complaints_init(&complaints);
		args.port = bad[i];
		cr_assert_eq(load(), EX_CONFIG, "%s", bad[i]);
		cr_assert_eq(strncmp(complaints.text, "PORT: ", 6), 0);
	}
}

Test(config, every_flag_sets_its_setting)
{
	flag('N', "shop");
	flag('m', "2G");
	flag('w', "3");
	flag('p', "/run/k.pid");
	flag('u', "nobody");
	flag('l', ":1");
	must_load();
	cr_assert_str_eq(config.name, "shop");
	cr_assert_eq(config.memory_bytes, 2ULL << 30);
	cr_assert_eq(config.workers, 3);
	cr_assert_str_eq(config.pidfile, "/run/k.pid");
	cr_assert_str_eq(config.user, "nobody");
	cr_assert_str_eq(config.listen[0].text, ":1");
}

Test(config, the_last_of_two_equal_flags_counts)
{
	flag('m', "2G");
	flag('m', "4G");
	must_load();
	cr_assert_eq(config.memory_bytes, 4ULL << 30);
}

Test(config, a_bad_value_of_a_flag_is_a_usage_error)
{
	flag('m', "banana");
	flag('w', "999");
	cr_assert_eq(load(), EX_USAGE);
	cr_assert_str_eq(complaints.text,
	    "-m: \"banana\" is not a size; write bytes, or a number with K, "
	    "M, G or T\n-w: 999 is more than 256\n");
}

Test(config, a_letter_that_sets_nothing_is_a_usage_error)
{
	cr_assert_eq(config_args_flag(&args, 'z', "1", &complaints.report),
	    EX_USAGE);
	cr_assert_str_eq(complaints.text, "-z 1: sets nothing\n");
}

Test(config, more_flags_than_there_is_room_for_are_refused)
{
	int i;

	for (i = 0; i < CONFIG_ARGS_MAX; i++) {
		flag('m', "1G");
		flag('D', "a=b");
	}
	cr_assert_eq(config_args_flag(&args, 'm', "2G", &complaints.report),
	    EX_USAGE);
	cr_assert_eq(config_args_flag(&args, 'D', "a=c", &complaints.report),
	    EX_USAGE);
	cr_assert_str_eq(complaints.text,
	    "-m 2G: too many flags\n-D a=c: too many macros\n");
}

Test(config, a_macro_of_the_command_line_wins_over_the_file)
{
	scratch_file("t.conf", "size = 2G\nmemory $size\nname $who\n");
	flag('D', "size=4G");
	flag('D', "who=x");
	must_load();
	cr_assert_eq(config.memory_bytes, 4ULL << 30);
	cr_assert_str_eq(config.name, "x");
}

Test(config, a_macro_may_be_empty_and_hold_equals_signs)
{
	scratch_file("t.conf", "pidfile /$a$b.pid\n");
	flag('D', "a=");
	flag('D', "b=x=y");
	must_load();
	cr_assert_str_eq(config.pidfile, "/x=y.pid");
}

Test(config, a_malformed_macro_is_a_usage_error)
{
	static const char *const bad[] = { "", "a", "=b", "9a=b", "a b=c" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(config_args_flag(&args, 'D', bad[i],
		    &complaints.report), EX_USAGE, "%s", bad[i]);
	cr_assert_eq(args.macros, 0);
}

Test(config, the_first_complaint_decides_the_status)
{
	scratch_file("t.conf", "memory x\n");
	flag('w', "999");
	cr_assert_eq(load(), EX_CONFIG);
	cr_assert_eq(complaints.count, 2);
}

/* --- printing --- */

Test(config, what_is_printed_is_read_as_the_same_configuration)
{
	static const char *const files[] = {
		"",
		"name a-b.c_d\nlisten [::1]:1\nlisten /run/k.sock\nlisten :2\n"
		"memory 1025K\nworkers 3\nshards 8\nuser kvd\n"
		"pidfile \"/a b/$x\\\"\\\\{};#=\t\xc3\xa9.pid\"\n"
		"log { to \"/var/log/k v\"; facility local7; level err }\n"
		"limits { clients 1; idle 0; send 1500ms; output 4097; "
		"value 3M }\n"
		"supervise { max-restarts 3; max-seconds 7s; restart-delay 0; "
		"heartbeat 1500ms; start 2m; drain 1m; refuse 0 }\n"
	};
	struct config again;
	char *first, *second;
	size_t i;

	for (i = 0; i < 2; i++) {
		load_good(&config, files[i]);
		first = printed(&config);
		load_good(&again, first);
		cr_assert_eq(config_differences(&config, &again), 0, "%s",
		    first);
		second = printed(&again);
		cr_assert_str_eq(first, second);
		free(first);
		free(second);
		config_free(&again);
		config_free(&config);
	}
}

Test(config, every_setting_is_printed_or_said_not_to_be_set)
{
	enum config_option o;
	char *text, line[64];

	must_load();
	text = printed(&config);
	for (o = 0; o < CONFIG_OPTIONS; o++) {
		if (config_rows[o].fallback == NULL)
			snprintf(line, sizeof(line), "# %s is not set\n",
			    config_rows[o].keyword);
		else
			snprintf(line, sizeof(line), "%s%s %s\n",
			    config_rows[o].block == CONFIG_TOP ? "" : "\t",
			    config_rows[o].keyword, config_rows[o].fallback);
		cr_assert_not_null(strstr(text, line), "%s in %s", line, text);
	}
	free(text);
}

/* --- reload --- */

Test(config, what_a_reload_cannot_change_is_named_and_kept)
{
	struct config next;

	load_good(&config, "memory 1G\nlisten :1\nuser kvd\n");
	load_good(&next, "memory 2G\nlisten :1\nlisten :2\n"
	    "limits { idle 1s; value 2M }\nlog { level debug }\n");
	complaints_init(&complaints);
	cr_assert_eq(config_differences(&next, &config), 6);
	cr_assert_eq(config_keep_fixed(&next, &config, &complaints.report), 4);
	cr_assert_str_eq(complaints.text,
	    "listen cannot change while kvd runs; the old value stays until a "
	    "restart\n"
	    "memory cannot change while kvd runs; the old value stays until a "
	    "restart\n"
	    "user cannot change while kvd runs; the old value stays until a "
	    "restart\n"
	    "limits.value cannot change while kvd runs; the old value stays "
	    "until a restart\n");
	cr_assert_eq(next.memory_bytes, 1ULL << 30);
	cr_assert_eq(next.listens, 1);
	cr_assert_str_eq(next.user, "kvd");
	cr_assert_eq(next.value_max_bytes, 0);
	cr_assert_eq(next.idle_ms, 1000);
	cr_assert_str_eq(next.log_level, "debug");
	cr_assert_eq(config_differences(&next, &config), 2);
	config_free(&next);
}

Test(config, a_reload_of_the_same_file_changes_nothing)
{
	struct config next;

	scratch_file("t.conf", "memory 2G\nlisten :1\n");
	flag('w', "2");
	must_load();
	cr_assert_eq(config_load(&next, &args, &complaints.report), 0);
	cr_assert_eq(config_differences(&next, &config), 0);
	cr_assert_eq(config_keep_fixed(&next, &config, &complaints.report), 0);
	cr_assert_eq(complaints.count, 0);
	config_free(&next);
}

Test(config, freeing_twice_is_harmless)
{
	must_load();
	config_free(&config);
	config_free(&config);
	cr_assert_null(config.name);
	cr_assert_null(config.listen);
}
