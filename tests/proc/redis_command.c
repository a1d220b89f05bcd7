/*
 * COMMAND of Redis: what clients learn of commands.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/redis_talk.h"

static struct daemon d;
static int fd;

static void
begin(void)
{
	daemon_start(&d);
	fd = redis_open(&d);
}

static void
end(void)
{
	close(fd);
	daemon_stop(&d);
}

TestSuite(redis_command, .init = begin, .fini = end, .timeout = 60);

/* As RESP3 has it. */
static const char hset_info[] = "*10\r\n$4\r\nhset\r\n:-4\r\n"
    "~1\r\n+write\r\n:1\r\n:1\r\n:1\r\n~2\r\n+@write\r\n+@hash\r\n"
    "~0\r\n~1\r\n%3\r\n$5\r\nflags\r\n~1\r\n+RW\r\n"
    "$12\r\nbegin_search\r\n%2\r\n$4\r\ntype\r\n$5\r\nindex\r\n"
    "$4\r\nspec\r\n%1\r\n$5\r\nindex\r\n:1\r\n"
    "$9\r\nfind_keys\r\n%2\r\n$4\r\ntype\r\n$5\r\nrange\r\n"
    "$4\r\nspec\r\n%3\r\n$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n"
    "$5\r\nlimit\r\n:0\r\n~0\r\n";

/* The same in RESP2: all lists are one kind, and a map is twice as long. */
static const char *
older(const char *text)
{
	static char out[sizeof(hset_info)];
	size_t i;

	strlcpy(out, text, sizeof(out));
	for (i = 0; out[i] != '\0'; i++) {
		if (out[i] == '%')
			out[i + 1] = (char)('0' + 2 * (out[i + 1] - '0'));
		if (out[i] == '%' || out[i] == '~')
			out[i] = '*';
	}
	return out;
}

Test(redis_command, info_says_where_the_keys_are)
{
	talk(fd, "COMMAND INFO hset nosuch\r\n", "*2\r\n");
	talk_expect(fd, older(hset_info));
	talk_expect(fd, "$-1\r\n");
	talk(fd, "COMMAND INFO Client|ID client|nosuch nosuch|x\r\n",
	    "*3\r\n*10\r\n$9\r\nclient|id\r\n:2\r\n*0\r\n:0\r\n:0\r\n:0\r\n"
	    "*1\r\n+@connection\r\n*0\r\n*0\r\n*0\r\n$-1\r\n$-1\r\n");
}

Test(redis_command, info_has_sets_and_maps_in_resp3)
{
	char line[64];

	talk_send(fd, "HELLO 3\r\n");
	do
		cr_assert(talk_line(fd, line, sizeof(line)));
	while (strcmp(line, "*0") != 0);
	talk(fd, "COMMAND INFO hset\r\n", "*1\r\n");
	talk_expect(fd, hset_info);
}

/* Read one reply, whatever it is; returns how many elements it has. */
static long
skip_reply(void)
{
	char line[256];
	long i, n;

	cr_assert(talk_line(fd, line, sizeof(line)));
	n = strtol(line + 1, NULL, 10);
	if (line[0] == '$' && n >= 0)
		cr_assert(talk_line(fd, line, sizeof(line)));
	if (line[0] != '*')
		return 0;
	for (i = 0; i < n; i++)
		skip_reply();
	return n;
}

Test(redis_command, tells_of_as_many_as_it_counts)
{
	int64_t n = redis_number(fd, "COMMAND COUNT");

	cr_assert_gt(n, 20);
	talk_send(fd, "COMMAND\r\nCOMMAND INFO\r\nCOMMAND LIST\r\n"
	    "COMMAND DOCS\r\n");
	cr_assert_eq(skip_reply(), n);
	cr_assert_eq(skip_reply(), n);
	cr_assert_eq(skip_reply(), n);
	cr_assert_eq(skip_reply(), 2 * n);
	talk_expect_silence(fd);
}

Test(redis_command, list_is_filtered)
{
	talk(fd, "COMMAND LIST FILTERBY PATTERN ech[o]\r\n"
	    "COMMAND LIST FILTERBY MODULE x\r\n"
	    "COMMAND LIST FILTERBY ACLCAT nosuch\r\n",
	    "*1\r\n$4\r\necho\r\n*0\r\n*0\r\n");
	talk(fd, "COMMAND LIST FILTERBY x y\r\nCOMMAND LIST x\r\n",
	    "-ERR syntax error\r\n-ERR syntax error\r\n");
	talk_send(fd, "COMMAND LIST FILTERBY ACLCAT write\r\n"
	    "COMMAND LIST FILTERBY ACLCAT cluster\r\n");
	cr_assert_gt(skip_reply(), 0);
	cr_assert_eq(skip_reply(), 4);
}

Test(redis_command, getkeys_finds_them)
{
	talk(fd, "COMMAND GETKEYS hset a b c\r\n"
	    "COMMAND GETKEYS OBJECT ENCODING a\r\n",
	    "*1\r\n$1\r\na\r\n*1\r\n$1\r\na\r\n");
	talk(fd, "COMMAND GETKEYS nosuch a\r\nCOMMAND GETKEYS hget a\r\n"
	    "COMMAND GETKEYS echo a\r\nCOMMAND GETKEYS ping\r\n",
	    "-ERR Invalid command specified\r\n"
	    "-ERR Invalid number of arguments specified for command\r\n"
	    "-ERR The command has no key arguments\r\n"
	    "-ERR wrong number of arguments for 'command|getkeys' "
	    "command\r\n");
}

Test(redis_command, docs_have_the_words)
{
	talk(fd, "COMMAND DOCS ping nosuch\r\n", "*2\r\n$4\r\nping\r\n*8\r\n"
	    "$7\r\nsummary\r\n$17\r\nIs anybody there?\r\n"
	    "$5\r\nsince\r\n$5\r\n1.0.0\r\n$5\r\ngroup\r\n"
	    "$10\r\nconnection\r\n$9\r\narguments\r\n*1\r\n*6\r\n"
	    "$4\r\nname\r\n$7\r\nmessage\r\n$4\r\ntype\r\n$6\r\nstring\r\n"
	    "$5\r\nflags\r\n*1\r\n+optional\r\n");
}
