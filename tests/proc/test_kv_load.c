/* kv load and kv dump: no byte is lost on the way in and out. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/kv_run.h"

TestSuite(kv_load, .init = kv_begin, .fini = kv_end, .timeout = 120);

static void
assert_same_dump(const char *a, const char *b)
{
	struct result first = run("dump", a), second = run("dump", b);

	cr_assert_eq(first.status, 0);
	cr_assert_gt(first.out_len, 0);
	/* The order of the keys is that of their hashes, in both. */
	cr_assert_eq(first.out_len, second.out_len);
	free(first.out);
	free(second.out);
}

/* 256 keys of one byte, each with a value of its own byte and others. */
Test(kv_load, dump_and_load_round_trip_every_byte)
{
	char key[2] = "", value[8];
	struct result dump, get;
	int byte;

	quietly(run("-q", "create", "b"));
	quietly(run("-q", "create", "copy"));
	for (byte = 1; byte < 256; byte++) {
		key[0] = (char)byte;
		snprintf(value, sizeof(value), "<%c>\n", byte);
		quietly(run("-q", "put", "b", key, value));
	}
	quietly(run_with("\0\0a\n", 4, "-q", "put", "b", "nul", NULL));
	quietly(run("-q", "mput", "b", "", "empty key", "empty value", "",
	    "OK", "OK", "\"OK\"", "\"OK\""));
	assert_says(run("count", "b"), "260\n");
	dump = run("dump", "b");
	cr_assert_eq(dump.status, 0);
	quietly(run_with(dump.out, dump.out_len, "load", "copy", NULL));
	assert_says(run("count", "copy"), "260\n");
	free(dump.out);
	assert_same_dump("b", "copy");
	for (byte = 1; byte < 256; byte++) {
		key[0] = (char)byte;
		get = run("get", "copy", key);
		snprintf(value, sizeof(value), "<%c>\n\n", byte);
		cr_assert_str_eq(get.out, value, "byte %d", byte);
		free(get.out);
	}
	get = run("get", "copy", "nul");
	cr_assert_eq(get.out_len, 5);
	cr_assert_eq(memcmp(get.out, "\0\0a\n\n", 5), 0);
	free(get.out);
	assert_says(run("get", "copy", ""), "empty key\n");
	assert_says(run("get", "copy", "empty value"), "\n");
	assert_says(run("get", "copy", "OK"), "OK\n");
	assert_says(run("get", "copy", "\"OK\""), "\"OK\"\n");
}

Test(kv_load, dump_and_load_with_nul_as_the_end)
{
	struct result dump;

	quietly(run("-q", "create", "b"));
	quietly(run("-q", "create", "copy"));
	quietly(run("-q", "mput", "b", "a", "1", "b", "x\ny"));
	dump = run("-0", "dump", "b");
	cr_assert_null(memchr(dump.out, '\n', dump.out_len));
	quietly(run_with(dump.out, dump.out_len, "-0", "load", "copy", NULL));
	free(dump.out);
	assert_says(run("get", "copy", "b"), "x\ny\n");
	assert_says(run("count", "copy"), "2\n");
}

Test(kv_load, load_takes_lines_as_people_write_them)
{
	static const char lines[] =
	    "milk 1\n"
	    "bread two loaves\n"
	    "\n"
	    "  tea\t \tgreen  and black \r\n"
	    "say hello \"world\"\n"
	    "\"two words\" \"a\\tb\"  \n"
	    "empty \"\"\n"
	    "last line";

	quietly(run("-q", "create", "b"));
	quietly(run_with(lines, strlen(lines), "load", "b", NULL));
	assert_says(run("count", "b"), "7\n");
	assert_says(run("mget", "b", "milk", "bread", "tea", "say",
	    "two words", "empty", "last"),
	    "1\ntwo loaves\ngreen  and black \nhello \"world\"\na\tb\n\n"
	    "line\n");
}

Test(kv_load, a_line_that_cannot_be_read_is_named_and_those_before_it_loaded)
{
	static const char *const bad[] = {
		"a 1\n\nb\nc 3\n", "a 1\n\n\"b 2\nc 3\n",
		"a 1\n\nb \"2\" 3\nc 3\n", "a 1\n\nb \"\\q\"\nc 3\n",
		"a 1\n\nb \nc 3\n"
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		quietly(run("-q", "create", "b"));
		assert_fails(run_with(bad[i], strlen(bad[i]), "load", "b",
		    NULL), 65, "", "line 3: ");
		assert_says(run("keys", "b"), "a\n");
		quietly(run("-q", "drop", "b"));
	}
}

Test(kv_load, a_line_that_is_refused_is_named_with_the_limit)
{
	size_t len = 140000;
	char *lines = malloc(len + 16);

	cr_assert_not_null(lines);
	memset(lines, 'k', len + 16);
	memcpy(lines, "a 1\n", 4);
	memcpy(lines + len, " 2\n", 4);
	quietly(run("-q", "create", "b"));
	assert_fails(run_with(lines, len + 3, "load", "b", NULL), 2, "",
	    "line 2: ");
	assert_fails(run_with(lines, len + 3, "load", "b", NULL), 2, "",
	    "key is longer than 131072 bytes (keys loaded: 1)");
	assert_says(run("keys", "b"), "a\n");
	free(lines);
}

Test(kv_load, many_keys_are_loaded_counted_and_dumped)
{
	enum { KEYS = 50000 };
	char *lines = malloc(KEYS * 32);
	struct result dump;
	size_t len = 0, found = 0;
	char *line;
	int i;

	cr_assert_not_null(lines);
	for (i = 1; i <= KEYS; i++)
		len += (size_t)sprintf(lines + len, "k%d %d\n", i, i);
	quietly(run("-q", "create", "b"));
	quietly(run_with(lines, len, "load", "b", NULL));
	assert_says(run("count", "b"), "50000\n");
	assert_says(run("get", "b", "k12345"), "12345\n");
	dump = run("dump", "b");
	cr_assert_eq(dump.status, 0);
	cr_assert_eq(dump.out_len, len);
	line = strtok(dump.out, "\n");
	for (; line != NULL; line = strtok(NULL, "\n"))
		found += *line == 'k' &&
		    atoi(line + 1) == atoi(strchr(line, ' ') + 1);
	cr_assert_eq(found, KEYS);
	free(dump.out);
	free(lines);
}

/* A value of 1 MiB of bytes that are all escaped is 4 MiB of a line. */
Test(kv_load, the_largest_value_passes_in_its_longest_form)
{
	size_t len = 1 << 20;
	char *value = malloc(len);
	struct result dump, get;

	cr_assert_not_null(value);
	memset(value, 1, len);
	quietly(run("-q", "create", "b"));
	quietly(run("-q", "create", "copy"));
	quietly(run_with(value, len, "-q", "put", "b", "big", NULL));
	dump = run("dump", "b");
	cr_assert_eq(dump.out_len, 4 * len + 7);
	quietly(run_with(dump.out, dump.out_len, "load", "copy", NULL));
	get = run("get", "copy", "big");
	cr_assert_eq(get.out_len, len + 1);
	cr_assert_eq(memcmp(get.out, value, len), 0);
	free(get.out);
	free(dump.out);
	free(value);
}

Test(kv_load, a_dump_leaves_out_what_vanishes_meanwhile)
{
	enum { KEYS = 20000 };
	struct result dump;
	char line[64];
	int fd = talk_open(&kv_daemon), i;
	size_t n = 0;
	char *at;
	pid_t pid;

	talk(fd, "CREATE b\r\n", "OK\r\n");
	for (i = 0; i < KEYS; i++) {
		snprintf(line, sizeof(line), "PUT b k%d v%d\r\n", i, i);
		talk(fd, line, "OK\r\n");
	}
	pid = fork();
	if (pid == 0) {
		for (i = 0; i < KEYS; i += 2) {
			snprintf(line, sizeof(line), "DELETE b k%d\r\n", i);
			talk(fd, line, "OK\r\n");
		}
		_exit(0);
	}
	dump = run("dump", "b");
	cr_assert_eq(dump.status, 0, "%s", dump.err);
	cr_assert_eq(reap_kv(pid), 0);
	/* Each odd key is there, and whatever is there has its value. */
	for (at = strtok(dump.out, "\n"); at != NULL;
	    at = strtok(NULL, "\n")) {
		i = atoi(at + 1);
		snprintf(line, sizeof(line), "k%d v%d", i, i);
		cr_assert_str_eq(at, line);
		n += i % 2 == 1;
	}
	cr_assert_geq(n, KEYS / 2);
	free(dump.out);
	close(fd);
}
