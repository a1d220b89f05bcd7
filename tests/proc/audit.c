/*
 * AUDIT and kv audit on a server that goes on serving: what they count, what
 * they find, and what they cost the others.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/kv_run.h"

static int fd;

static void
begin(void)
{
	kv_begin();
	fd = talk_open(&kv_daemon);
}

static void
end(void)
{
	close(fd);
	kv_end();
}

TestSuite(audit, .init = begin, .fini = end, .timeout = 180);

/* What came before the OK of an AUDIT, its lines behind newlines. */
static char report[4096];

static void
read_report(int from)
{
	char line[512];
	size_t at = 0;

	report[0] = '\0';
	while (talk_line(from, line, sizeof(line)) && strcmp(line, "OK") != 0)
		at += (size_t)snprintf(report + at, sizeof(report) - at,
		    "\n%s", line);
	cr_assert_str_eq(line, "OK", "%s", report);
}

static uint64_t
told(const char *name)
{
	char text[64];
	const char *at;

	snprintf(text, sizeof(text), "\n%s:", name);
	at = strstr(report, text);
	cr_assert_not_null(at, "no %s in: %s", name, report);
	return strtoull(at + strlen(text), NULL, 10);
}

static void
audit(int on)
{
	talk_send(on, "AUDIT\r\n");
	read_report(on);
}

static void
expect_sound(void)
{
	cr_assert_eq(told("errors"), 0, "%s", report);
	cr_assert_null(strstr(report, "first_error"));
	cr_assert_eq(told("shards_lost"), 0);
	cr_assert_eq(told("shards_whole") + told("shards_sliced"),
	    told("shards"));
}

/* Keys k0 .. of a bucket, set a hundred at a time. */
static void
put_keys(const char *bucket, int n)
{
	static char batch[100 * 16 + 64];
	int i, j;
	char *p;

	for (i = 0; i < n; i += 100) {
		p = batch + sprintf(batch, "MPUT %s", bucket);
		for (j = i; j < i + 100 && j < n; j++)
			p += sprintf(p, " k%d v", j);
		strcpy(p, "\r\n");
		talk(fd, batch, "OK\r\n");
	}
}

Test(audit, of_an_empty_server_finds_it_empty)
{
	audit(fd);
	expect_sound();
	cr_assert_eq(told("shards"), talk_info(fd, "buckets", "shards"));
	cr_assert_eq(told("shards_whole"), told("shards"));
	cr_assert_eq(told("buckets") + told("records"), 0);
	cr_assert_eq(told("live_bytes") + told("dead_bytes"), 0);
}

Test(audit, counts_what_was_put_in)
{
	talk(fd, "CREATE few\r\nCREATE more\r\nCREATE none\r\n",
	    "OK\r\nOK\r\nOK\r\n");
	put_keys("few", 3);
	put_keys("more", 1000);
	talk(fd, "DELETE more k1\r\nPUT few k1 longer\r\nDROP none\r\n",
	    "OK\r\nOK\r\nOK\r\n");
	audit(fd);
	expect_sound();
	cr_assert_eq(told("buckets"), 2);
	/* One for each bucket, and one for each key. */
	cr_assert_eq(told("records"), 2 + 3 + 999);
	cr_assert_geq(told("log_records"), told("records"));
	cr_assert_gt(told("lines"), 2);
	cr_assert_gt(told("live_bytes"), told("records") * 8);
	cr_assert_gt(told("segments"), 0);
	cr_assert_eq(told("segments") + told("segments_free") +
	    told("segments_raw"), talk_info(fd, "memory", "segments"));
	talk(fd, "COUNT more\r\nAUDIT more\r\n",
	    "999\r\nOK\r\nUNKNOWN COMMAND\r\n");
}

static void
expect_row(const struct result *result, const char *name, const char *value)
{
	char row[64];

	snprintf(row, sizeof(row), "\n%-25s%16s\n", name, value);
	cr_assert_not_null(strstr(result->out, row), "%s", result->out);
}

Test(audit, of_kv_is_told_in_columns_and_ends_with_a_verdict)
{
	struct result result;

	talk(fd, "CREATE b\r\n", "OK\r\n");
	put_keys("b", 41);
	result = run("audit");
	cr_assert_eq(result.status, 0, "%s", result.err);
	cr_assert_str_eq(result.err, "");
	cr_assert_eq(strncmp(result.out, "shards       ", 13), 0);
	expect_row(&result, "buckets", "1");
	expect_row(&result, "records in use", "42");
	expect_row(&result, "errors", "0");
	expect_row(&result, "verdict", "sound");
	free(result.out);
	result = run("--json", "audit");
	cr_assert_eq(result.status, 0);
	cr_assert_eq(strncmp(result.out, "{\"shards\":", 10), 0);
	cr_assert_not_null(strstr(result.out, ",\"buckets\":1,"));
	cr_assert_not_null(strstr(result.out, ",\"records\":42,"));
	cr_assert_not_null(strstr(result.out, ",\"errors\":0}\n"));
	free(result.out);
}

Test(audit, at_the_prompt_leaves_the_connection_as_it_was)
{
	static const char script[] = "audit\naudit\ncreate b\nbuckets\n";
	struct result result = run_with(script, strlen(script), NULL);
	const char *verdict;

	cr_assert_eq(result.status, 0);
	cr_assert_str_eq(result.err, "");
	cr_assert_not_null(verdict = strstr(result.out, "sound\nshards "));
	cr_assert_not_null(strstr(verdict + 1, "sound\nOK\nb\n"));
	free(result.out);
}
