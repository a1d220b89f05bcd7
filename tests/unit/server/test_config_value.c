#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#include "server/config_value.h"

static struct config config;
static char why[CONFIG_WHY_MAX];

static void
empty(void)
{
	enum config_option o;

	for (o = 0; o < CONFIG_OPTIONS; o++)
		config_value_clear(&config, o);
}

TestSuite(config_value, .fini = empty);

static void
must_set(enum config_option option, const char *text)
{
	bool good = config_value_set(&config, option, text, why);

	cr_assert(good, "%s: %s", text, why);
}

/* What a text becomes, and what it looks like afterwards. */
struct number_case {
	enum config_option	 option;
	const char		*text;
	uint64_t		 number;
	const char		*canonical;
};

static uint64_t
number_at(enum config_option option)
{
	uint64_t n;

	memcpy(&n, (char *)&config + config_rows[option].offset, sizeof(n));
	return n;
}

Test(config_value, numbers_are_read_with_their_units_and_printed_short)
{
	static const struct number_case cases[] = {
		{ CONFIG_TOP_memory, "1048576", 1 << 20, "1M" },
		{ CONFIG_TOP_memory, "1025K", 1025 << 10, "1025K" },
		{ CONFIG_TOP_memory, "2g", 2ULL << 30, "2G" },
		{ CONFIG_TOP_memory, "128T", 128ULL << 40, "128T" },
		{ CONFIG_TOP_memory, "1048577", (1 << 20) + 1, "1048577" },
		{ CONFIG_LIMITS_value, "0", 0, "0" },
		{ CONFIG_LIMITS_value, "00", 0, "0" },
		{ CONFIG_LIMITS_idle, "0", 0, "0" },
		{ CONFIG_LIMITS_idle, "1500ms", 1500, "1500ms" },
		{ CONFIG_LIMITS_idle, "90s", 90000, "90s" },
		{ CONFIG_LIMITS_idle, "60S", 60000, "1m" },
		{ CONFIG_LIMITS_idle, "720h", 720 * 3600000ULL, "720h" },
		{ CONFIG_TOP_workers, "256", 256, "256" },
		{ CONFIG_TOP_shards, "1024", 1024, "1024" },
		{ CONFIG_TOP_shards, "0", 0, "0" },
	};
	char text[CONFIG_VALUE_MAX + 1];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		must_set(cases[i].option, cases[i].text);
		cr_assert_eq(number_at(cases[i].option), cases[i].number,
		    "%s is %" PRIu64, cases[i].text,
		    number_at(cases[i].option));
		config_value_text(&config, cases[i].option, 0, text);
		cr_assert_str_eq(text, cases[i].canonical);
	}
}

struct refused_case {
	enum config_option	 option;
	const char		*text;
	const char		*reason;	/* is part of it */
};

Test(config_value, refusals_name_the_value_and_leave_the_field_alone)
{
	static const struct refused_case cases[] = {
		{ CONFIG_TOP_memory, "banana", "\"banana\" is not a size" },
		{ CONFIG_TOP_memory, "", "\"\" is not a size" },
		{ CONFIG_TOP_memory, "-1", "not a size" },
		{ CONFIG_TOP_memory, "1.5G", "not a size" },
		{ CONFIG_TOP_memory, "1X", "not a size" },
		{ CONFIG_TOP_memory, "1GG", "not a size" },
		{ CONFIG_TOP_memory, "1 G", "not a size" },
		{ CONFIG_TOP_memory, "99999999999999999999", "not a size" },
		{ CONFIG_TOP_memory, "18446744073709551615T", "not a size" },
		{ CONFIG_TOP_memory, "1023K", "less than 1M" },
		{ CONFIG_TOP_memory, "0", "less than 1M" },
		{ CONFIG_TOP_memory, "129T", "more than 128T" },
		{ CONFIG_LIMITS_idle, "10", "not a time" },
		{ CONFIG_LIMITS_idle, "1d", "not a time" },
		{ CONFIG_LIMITS_idle, "721h", "more than 720h" },
		{ CONFIG_LIMITS_send, "0", "less than 1ms" },
		{ CONFIG_TOP_workers, "two", "\"two\" is not a number" },
		{ CONFIG_TOP_workers, "257", "more than 256" },
		{ CONFIG_TOP_workers, "1K", "not a number" },
		{ CONFIG_TOP_shards, "3", "power of two" },
		{ CONFIG_TOP_shards, "2048", "more than 1024" },
		{ CONFIG_LIMITS_clients, "0", "less than 1" },
		{ CONFIG_TOP_name, "", "1 to 200 bytes, not 0" },
		{ CONFIG_TOP_name, ".hidden", "no dot first" },
		{ CONFIG_TOP_name, "a/b", "not a name" },
		{ CONFIG_TOP_name, "a b", "not a name" },
		{ CONFIG_TOP_name, "a\nb", "control byte" },
		{ CONFIG_TOP_name, "caf\xc3\xa9", "not a name" },
		{ CONFIG_TOP_user, "", "not the name of a user" },
		{ CONFIG_TOP_user, "-root", "not the name of a user" },
		{ CONFIG_TOP_user, "a:b", "not the name of a user" },
		{ CONFIG_TOP_readers, "a b",
		    "not the name of a user or group" },
		{ CONFIG_TOP_pidfile, "kvd.pid", "absolute path" },
		{ CONFIG_TOP_pidfile, "/a\x7f", "control byte" },
		{ CONFIG_LOG_to, "nowhere", "syslog, stderr or the path" },
		{ CONFIG_LOG_facility, "mail", "daemon, user, local0" },
		{ CONFIG_LOG_level, "notice", "err, warning, info, debug" },
	};
	char before[CONFIG_VALUE_MAX + 1], after[CONFIG_VALUE_MAX + 1];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum config_option o = cases[i].option;
		const char *good = config_rows[o].fallback;

		if (good == NULL)
			good = o == CONFIG_TOP_user ||
			    o == CONFIG_TOP_readers ? "kvd" : "/run/kvd.pid";
		cr_assert(config_value_set(&config, o, good, why), "%s", why);
		config_value_text(&config, o, 0, before);
		cr_assert_not(config_value_set(&config, o, cases[i].text, why),
		    "%s", cases[i].text);
		cr_assert_not_null(strstr(why, cases[i].reason),
		    "\"%s\": %s", cases[i].text, why);
		config_value_text(&config, o, 0, after);
		cr_assert_str_eq(before, after);
	}
}

Test(config_value, names_may_have_200_bytes_and_no_more)
{
	char name[CONFIG_NAME_MAX + 2];

	memset(name, 'a', sizeof(name));
	name[CONFIG_NAME_MAX + 1] = '\0';
	cr_assert_not(config_value_set(&config, CONFIG_TOP_name, name, why));
	name[CONFIG_NAME_MAX] = '\0';
	cr_assert(config_value_set(&config, CONFIG_TOP_name, name, why));
	cr_assert_str_eq(config.name, name);
}

Test(config_value, a_value_over_1024_bytes_is_refused)
{
	char path[CONFIG_VALUE_MAX + 2];

	memset(path, '/', sizeof(path));
	path[CONFIG_VALUE_MAX + 1] = '\0';
	cr_assert_not(config_value_set(&config, CONFIG_TOP_pidfile, path, why));
	cr_assert_str_eq(why, "value longer than 1024 bytes");
	path[CONFIG_VALUE_MAX] = '\0';
	cr_assert(config_value_set(&config, CONFIG_TOP_pidfile, path, why));
}

Test(config_value, the_log_goes_to_one_place_and_a_path_is_a_file)
{
	char text[CONFIG_VALUE_MAX + 1];

	cr_assert(config_value_set(&config, CONFIG_LOG_to, "/var/log/k", why));
	cr_assert_eq(config.log_to, CONFIG_LOG_FILE);
	cr_assert_str_eq(config.log_file, "/var/log/k");
	config_value_text(&config, CONFIG_LOG_to, 0, text);
	cr_assert_str_eq(text, "/var/log/k");
	cr_assert(config_value_set(&config, CONFIG_LOG_to, "stderr", why));
	cr_assert_eq(config.log_to, CONFIG_LOG_STDERR);
	cr_assert_null(config.log_file);
	config_value_text(&config, CONFIG_LOG_to, 0, text);
	cr_assert_str_eq(text, "stderr");
	cr_assert(config_value_set(&config, CONFIG_LOG_to, "syslog", why));
	cr_assert_eq(config.log_to, CONFIG_LOG_SYSLOG);
}

struct listen_case {
	const char	*text, *host, *port, *path, *canonical;
};

Test(config_value, addresses_are_taken_apart)
{
	static const struct listen_case cases[] = {
		{ "127.0.0.1:4041", "127.0.0.1", "4041", NULL,
		    "127.0.0.1:4041" },
		{ "db-1.example.org:80", "db-1.example.org", "80", NULL,
		    "db-1.example.org:80" },
		{ "localhost", "localhost", "4040", NULL, "localhost:4040" },
		{ "10.0.0.7", "10.0.0.7", "4040", NULL, "10.0.0.7:4040" },
		{ "4042", "127.0.0.1", "4042", NULL, "127.0.0.1:4042" },
		{ ":4043", "", "4043", NULL, ":4043" },
		{ "*:4044", "", "4044", NULL, ":4044" },
		{ "[::1]:4045", "::1", "4045", NULL, "[::1]:4045" },
		{ "[::]", "::", "4040", NULL, "[::]:4040" },
		{ "[fe80::1%eth0]:1", "fe80::1%eth0", "1", NULL,
		    "[fe80::1%eth0]:1" },
		{ "/run/kvd/kvd.sock", NULL, NULL, "/run/kvd/kvd.sock",
		    "/run/kvd/kvd.sock" },
	};
	const struct config_listen *l;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		must_set(CONFIG_TOP_listen, cases[i].text);
		cr_assert_eq(config.listens, i + 1);
		l = &config.listen[i];
		cr_assert_str_eq(l->text, cases[i].canonical);
		cr_assert_eq(l->path == NULL, cases[i].path == NULL);
		cr_assert_eq(l->host == NULL, cases[i].host == NULL);
		if (cases[i].path != NULL) {
			cr_assert_str_eq(l->path, cases[i].path);
		} else {
			cr_assert_str_eq(l->host, cases[i].host);
			cr_assert_str_eq(l->port, cases[i].port);
		}
	}
}

Test(config_value, what_is_no_address_is_refused)
{
	static const char *const bad[] = {
		"", "0", "65536", "123456", ":", ":0", ":x", "host:", "host:0",
		"host:65536", "host:+1", "host: 1", "::1", "::1:4040",
		"a:b:c", "[::1", "[]:1", "[::1]4040", "[::1]:", "[host]:1",
		"ho st:1", "host/x:1", "*", "a\tb:1", "[::1%]x:1"
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why[0] = '\0';
		cr_assert_not(config_value_set(&config, CONFIG_TOP_listen,
		    bad[i], why), "%s", bad[i]);
		cr_assert_neq(why[0], '\0');
		cr_assert_eq(config.listens, 0);
	}
}

Test(config_value, a_socket_path_must_fit_the_address)
{
	char path[256];

	memset(path, 'p', sizeof(path));
	path[0] = '/';
	path[108] = '\0';
	cr_assert_not(config_value_set(&config, CONFIG_TOP_listen, path, why));
	cr_assert_not_null(strstr(why, "107 bytes"), "%s", why);
	path[107] = '\0';
	cr_assert(config_value_set(&config, CONFIG_TOP_listen, path, why));
}

Test(config_value, the_same_address_twice_is_refused_however_it_is_written)
{
	cr_assert(config_value_set(&config, CONFIG_TOP_listen, "4040", why));
	cr_assert_not(config_value_set(&config, CONFIG_TOP_listen,
	    "127.0.0.1", why));
	cr_assert_not_null(strstr(why, "listed twice"), "%s", why);
	cr_assert_eq(config.listens, 1);
}

Test(config_value, every_default_and_every_bound_is_a_legal_value)
{
	enum config_option o;

	for (o = 0; o < CONFIG_OPTIONS; o++) {
		const struct config_row *row = &config_rows[o];
		const char *texts[] = { row->fallback, row->min, row->max };
		size_t i;

		for (i = 0; i < 3; i++)
			cr_assert(texts[i] == NULL || config_value_set(&config,
			    o, texts[i], why), "%s: %s",
			    config_option_name(o), why);
	}
}

Test(config_value, no_two_options_share_a_field_or_a_flag)
{
	enum config_option a, b;

	for (a = 0; a < CONFIG_OPTIONS; a++)
		for (b = a + 1; b < CONFIG_OPTIONS; b++) {
			cr_assert_neq(config_rows[a].offset,
			    config_rows[b].offset);
			cr_assert(config_rows[a].flag == 0 ||
			    config_rows[a].flag != config_rows[b].flag);
		}
}

Test(config_value, a_copy_is_the_same_and_shares_nothing)
{
	struct config copy;
	enum config_option o;

	memset(&copy, 0, sizeof(copy));
	for (o = 0; o < CONFIG_OPTIONS; o++)
		if (config_rows[o].fallback != NULL)
			config_value_set(&config, o, config_rows[o].fallback,
			    why);
	config_value_set(&config, CONFIG_TOP_listen, "/run/k.sock", why);
	for (o = 0; o < CONFIG_OPTIONS; o++) {
		cr_assert(config_value_copy(&copy, &config, o));
		cr_assert(config_value_same(&copy, &config, o));
	}
	cr_assert_neq(copy.name, config.name);
	config_value_set(&copy, CONFIG_TOP_listen, "/run/l.sock", why);
	cr_assert_not(config_value_same(&copy, &config, CONFIG_TOP_listen));
	config_free(&copy);
	cr_assert_str_eq(config.listen[1].path, "/run/k.sock");
}
