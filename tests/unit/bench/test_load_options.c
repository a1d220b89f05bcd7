/* The command line of the load generator, and its schedule. */

#include <criterion/criterion.h>

#include "tests/bench/load_options.h"
#include "tests/bench/load_schedule.h"

#define PARSE(options, ...) \
	parse(options, (const char *[]){ "load", __VA_ARGS__, NULL })

/* getopt(3) takes what it does not change without const. */
static const char *
parse(struct load_options *o, const char **argv)
{
	int argc = 0;

	while (argv[argc] != NULL)
		argc++;
	return load_options_parse(o, argc, (char **)argv);
}

Test(load_options, an_address_is_enough)
{
	struct load_options o;

	cr_assert_null(PARSE(&o, "127.0.0.1:4040"));
	cr_assert_str_eq(o.address, "127.0.0.1:4040");
	cr_assert_eq(o.dialect, LOAD_HASH);
	cr_assert_eq(o.connections, 50);
	cr_assert_eq(o.depth, 1);
	cr_assert(o.read_part == 1 && o.rate == 0 && o.seconds == 1);
}

Test(load_options, every_option_is_understood)
{
	struct load_options o;

	cr_assert_null(PARSE(&o, "-p", "text", "-r", "0.5", "-k", "1000", "-z",
	    "0.99", "-v", "16-1024", "-c", "7", "-P", "64", "-t", "0.25", "-w",
	    "0.5", "-R", "20000", "-W", "3", "-C", "12", "-C", "13", "-F", "-j",
	    "host:1"));
	cr_assert_eq(o.dialect, LOAD_TEXT);
	cr_assert(o.read_part == 0.5 && o.theta == 0.99 && o.rate == 20000);
	cr_assert(o.seconds == 0.25 && o.warm_s == 0.5 && o.patience_s == 3);
	cr_assert(o.value_min == 16 && o.value_max == 1024);
	cr_assert(o.keys == 1000 && o.connections == 7 && o.depth == 64);
	cr_assert(o.servers_n == 2 && o.servers[0] == 12 &&
	    o.servers[1] == 13);
	cr_assert(o.fill && o.json);
	cr_assert_null(PARSE(&o, "-n", "100", "-v", "8", "host:1"));
	cr_assert(o.requests == 100 && o.value_min == 8 && o.value_max == 8);
}

Test(load_options, what_makes_no_sense_is_refused)
{
	static const char *const bad[][2] = {
		{ "-p", "gopher" }, { "-r", "1.5" }, { "-r", "x" },
		{ "-k", "0" }, { "-k", "-1" }, { "-z", "-1" }, { "-v", "0" },
		{ "-v", "9-8" }, { "-v", "9-" }, { "-v", "-9" },
		{ "-c", "0" }, { "-P", "0" }, { "-P", "1x" }, { "-n", "0" },
		{ "-t", "0" }, { "-R", "0" }, { "-R", "nan" }, { "-W", "0" },
		{ "-C", "0" },
		{ "-q", "1" }
	};
	struct load_options o;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_not_null(PARSE(&o, bad[i][0], bad[i][1], "host:1"),
		    "%s %s", bad[i][0], bad[i][1]);
	cr_assert_not_null(PARSE(&o, "-F"));
	cr_assert_not_null(PARSE(&o, "host:1", "host:2"));
	cr_assert_not_null(PARSE(&o, "-n", "5", "-w", "1", "host:1"));
}

Test(load_options, every_dialect_has_a_name)
{
	enum load_dialect found;
	unsigned i;

	for (i = 0; i < LOAD_DIALECTS; i++) {
		cr_assert(load_dialect_parse(
		    load_dialect_name((enum load_dialect)i), &found));
		cr_assert_eq(found, (enum load_dialect)i);
	}
}

Test(load_schedule, requests_are_due_evenly_from_the_start)
{
	const struct load_schedule s = { .start_ns = 1000, .rate = 1e6 };

	cr_assert_eq(load_schedule_due_ns(&s, 0), 1000);
	cr_assert_eq(load_schedule_due_ns(&s, 1), 2000);
	cr_assert_eq(load_schedule_due_ns(&s, 1000000), 1000001000);
}

Test(load_schedule, those_before_a_time_are_counted_and_no_other)
{
	static const double rates[] = { 0.1, 1, 3, 7, 999.9, 123456.789, 1e7 };
	struct load_schedule s = { .start_ns = UINT64_C(1) << 50 };
	uint64_t ns, n;
	size_t i, j;

	for (i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		s.rate = rates[i];
		cr_assert_eq(load_schedule_count(&s, s.start_ns), 0);
		for (j = 0; j < 1000; j++) {
			ns = s.start_ns + j * 7654321 + 1;
			n = load_schedule_count(&s, ns);
			cr_assert(n > 0);
			cr_assert_lt(load_schedule_due_ns(&s, n - 1), ns);
			cr_assert_geq(load_schedule_due_ns(&s, n), ns);
		}
	}
}
