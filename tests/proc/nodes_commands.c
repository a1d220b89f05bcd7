/*
 * Every command, asked of every node for every other node's bucket, against a
 * kvd that is alone: what the two say must be the same bytes, errors and the
 * ends of what is allowed included.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tests/proc/cluster.h"

#define VALUE_MAX	((size_t)1024 * 1024)
#define KEY_MAX		((size_t)128 * 1024)
#define NAME_LEN_MAX	((size_t)1024)
#define WORDS_MAX	((size_t)16384)
#define REPLY_MAX	((size_t)8 * 1024 * 1024)

static struct cluster c;
static struct daemon alone;

static void
begin(void)
{
	cluster_start(&c, 3);
	daemon_start(&alone);
}

static void
end(void)
{
	daemon_remove(&alone);
	cluster_remove(&c);
}

TestSuite(nodes_commands, .init = begin, .fini = end, .timeout = 120);

/* One bucket of each node's. */
static const char *const buckets[] = { "apples", "milk", "zebras" };

/* % stands for the bucket; at the end it is no more. */
static const char *const script[] = {
	"GET % k", "PUT % k v", "KEYS %", "COUNT %", "DELETE % k", "DROP %",
	"MPUT % a 1", "MGET % a", "SUBSCRIBE %", "BUCKETS",
	"CREATE %", "CREATE %", "create \"%\"", "BUCKETS", "KEYS %",
	"COUNT %", "GET % k", "MGET % k", "MGET % k l m", "DELETE % k",
	"PUT % k v", "KEYS %", "COUNT %", "GET % k", "get % k",
	"PUT % k \"two words\"", "GET % k",
	"PUT % k \"\\x00\\x01\\xff\\\"\\\\\\r\\n\\t\"", "GET % k",
	"PUT % \"k\\x00\\xfe \" \"\"", "GET % \"k\\x00\\xfe \"",
	"PUT % \"\" OK", "GET % \"\"", "COUNT %", "DELETE % \"\"",
	"DELETE % \"k\\x00\\xfe \"", "KEYS %",
	"MPUT % a 1 b 2 c \"OK\" d \"NOT FOUND\" e \"ERROR e\" a 3",
	"MGET % a b c d e f", "MGET % f f f a", "COUNT %",
	"DELETE % a", "DELETE % a", "GET % a", "COUNT %",
	"PING", "HELP", "HELP GET", "help subscribe", "HELP nonsense",
	/* The wrong number of words. */
	"CREATE", "CREATE % %", "PUT", "PUT %", "PUT % k", "PUT % k v w",
	"GET", "GET %", "GET % k l", "DELETE", "DELETE %", "DELETE % k l",
	"SUBSCRIBE", "SUBSCRIBE % k", "BUCKETS %", "KEYS", "KEYS % k",
	"COUNT", "COUNT % k", "DROP", "DROP % k", "MPUT", "MPUT %",
	"MPUT % k", "MPUT % k v l", "MGET", "MGET %", "INFO a b",
	"INFO nonsense", "WHERE", "AUDIT now", "HELP a b", "PING %", "QUIT %",
	"AUTH", "AUTH %", "AUTH % %",
	"DEBUG", "NONSENSE", "NONSENSE %", "\"\"", "\"\" %",
	/* Names that there are not, lines that are none. */
	"CREATE \"\"", "GET \"\" k", "DROP \"\"", "SUBSCRIBE \"\"",
	"WHERE \"\"", "WHERE % \"\" %",
	"PUT % k \"", "GET % \"k", "PUT % k \"\\q\"", "KEYS %\"",
	"CREATE \"%\"x", "GET % k\"l\"", "  GET   %   b  ", "\tGET\t%\tb\t",
	"DROP %", "DROP %", "BUCKETS", "GET % b"
};

#define STEPS	(sizeof(script) / sizeof(script[0]))

static void
send_step(int fd, size_t step, const char *bucket)
{
	const char *at = script[step], *next;

	for (; (next = strchr(at, '%')) != NULL; at = next + 1) {
		talk_send_bytes(fd, at, (size_t)(next - at));
		talk_send(fd, bucket);
	}
	talk_send(fd, at);
	talk_send(fd, "\r\n");
}

struct text {
	char	*data;
	size_t	 len;
};

/* Values that look like these are quoted, so they are not mistaken. */
static bool
is_last_line(const char *line)
{
	return strcmp(line, "OK\r\n") == 0 ||
	    strcmp(line, "NOT FOUND\r\n") == 0 ||
	    strcmp(line, "UNKNOWN COMMAND\r\n") == 0 ||
	    strncmp(line, "ERROR ", 6) == 0;
}

static bool
is_whole(const struct text *text)
{
	const char *line;

	if (text->len < 2 || text->data[text->len - 1] != '\n')
		return false;
	line = memrchr(text->data, '\n', text->len - 1);
	return is_last_line(line == NULL ? text->data : line + 1);
}

/* Nothing else is in flight, so it ends where it ends. */
static struct text
read_reply(int fd)
{
	struct text text = { malloc(REPLY_MAX + 1), 0 };
	ssize_t n;

	cr_assert_not_null(text.data);
	do {
		n = read(fd, text.data + text.len, REPLY_MAX - text.len);
		cr_assert_gt(n, 0, "no reply, or half of one: %.*s",
		    (int)text.len, text.data);
		text.len += (size_t)n;
		text.data[text.len] = '\0';
	} while (!is_whole(&text));
	return text;
}

static void
compare_replies(int fd, int other, const char *what)
{
	struct text got = read_reply(fd), wanted = read_reply(other);

	cr_assert(got.len == wanted.len &&
	    memcmp(got.data, wanted.data, got.len) == 0,
	    "%.100s: \"%.300s\" and not \"%.300s\"", what, got.data,
	    wanted.data);
	free(got.data);
	free(wanted.data);
}

static void
compare_step(int fd, int other, size_t step, const char *bucket)
{
	send_step(fd, step, bucket);
	send_step(other, step, bucket);
	compare_replies(fd, other, script[step]);
}

static void
run_script(int fd, int other, const char *bucket)
{
	size_t step;

	for (step = 0; step < STEPS; step++)
		compare_step(fd, other, step, bucket);
}

static const char *const commands[] = {
#define COMMAND(name, ...) #name,
#include "server/command.def"
#undef COMMAND
};

Test(nodes_commands, are_all_in_the_script)
{
	size_t i, step, len;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		len = strlen(commands[i]);
		for (step = 0; step < STEPS; step++)
			if (strncasecmp(script[step], commands[i], len) == 0)
				break;
		cr_assert_lt(step, STEPS, "%s is not", commands[i]);
	}
}

Test(nodes_commands, are_answered_as_by_a_node_that_is_alone)
{
	size_t node, owner;
	int fd, other;

	for (node = 0; node < c.n; node++)
		for (owner = 0; owner < c.n; owner++) {
			fd = talk_open(&c.node[node]);
			other = talk_open(&alone);
			run_script(fd, other, buckets[owner]);
			close(fd);
			close(other);
		}
}

/* All that comes until the connection is closed. */
static struct text
read_to_end(int fd)
{
	struct text text = { malloc(REPLY_MAX + 1), 0 };
	ssize_t n;

	cr_assert_not_null(text.data);
	while ((n = read(fd, text.data + text.len, REPLY_MAX -
	    text.len)) > 0)
		text.len += (size_t)n;
	cr_assert_eq(n, 0, "it was not closed");
	text.data[text.len] = '\0';
	return text;
}

static struct text
run_at_once(int fd)
{
	size_t owner, step;

	for (owner = 0; owner < c.n; owner++)
		for (step = 0; step < STEPS; step++)
			send_step(fd, step, buckets[owner]);
	talk_send(fd, "QUIT\r\n");
	return read_to_end(fd);
}

Test(nodes_commands, in_one_pipeline_are_answered_in_their_order)
{
	struct text got, wanted;
	size_t node;
	int fd;

	fd = talk_open(&alone);
	wanted = run_at_once(fd);
	close(fd);
	for (node = 0; node < c.n; node++) {
		fd = talk_open(&c.node[node]);
		got = run_at_once(fd);
		cr_assert(got.len == wanted.len &&
		    memcmp(got.data, wanted.data, got.len) == 0,
		    "node %zu: \"%s\" and not \"%s\"", node, got.data,
		    wanted.data);
		free(got.data);
		close(fd);
	}
	free(wanted.data);
}

#define V10	"vvvvvvvvvv"
#define V100	V10 V10 V10 V10 V10 V10 V10 V10 V10 V10

/*
 * Before, so many times the unit, after.  % is the bucket; # in a unit is its
 * number, so that keys differ.
 */
static const struct {
	const char	*before;
	const char	*unit;
	size_t		 times;
	const char	*after;
} limits[] = {
	{ "CREATE %", "", 0, "" },
	{ "PUT % k ", "v", VALUE_MAX, "" },
	{ "GET % k", "", 0, "" },
	{ "MGET % k k k k x k", "", 0, "" },
	{ "PUT % k ", "w", VALUE_MAX + 1, "" },
	{ "PUT % k \"", "\\x00", VALUE_MAX, "\"" },
	{ "GET % k", "", 0, "" },
	{ "PUT % k \"", "\\x00", VALUE_MAX + 1, "\"" },
	{ "MPUT % a 1 k ", "v", VALUE_MAX + 1, "" },
	{ "MPUT % a 1 k ", "v", VALUE_MAX, " b 2" },
	{ "MPUT % a 1 k ", "v ", 1, "b 2 c" },
	{ "DELETE % k", "", 0, "" },
	{ "PUT % ", "k", KEY_MAX, " v" },
	{ "GET % ", "k", KEY_MAX, "" },
	{ "DELETE % a", "", 0, "" }, { "DELETE % b", "", 0, "" },
	{ "KEYS %", "", 0, "" },
	{ "PUT % ", "k", KEY_MAX + 1, " v" },
	{ "GET % ", "k", KEY_MAX + 1, "" },
	{ "DELETE % ", "k", KEY_MAX + 1, "" },
	{ "MGET % a ", "k", KEY_MAX + 1, " b" },
	{ "MGET % a ", "k", KEY_MAX, " b" },
	{ "MPUT % a 1 ", "k", KEY_MAX + 1, " 2" },
	{ "DELETE % ", "k", KEY_MAX, "" },
	{ "COUNT %", "", 0, "" },
	{ "MPUT % ", "k# v# ", WORDS_MAX / 2 - 1, "" },
	{ "COUNT %", "", 0, "" },
	{ "MGET % ", "k# ", WORDS_MAX - 2, "" },
	{ "MGET % ", "k# ", WORDS_MAX - 1, "" },
	{ "MPUT % ", "k# w# ", WORDS_MAX / 2, "" },
	{ "MPUT % ", "k# w# ", WORDS_MAX / 2 - 1, "odd" },
	{ "GET % ", "k# ", WORDS_MAX, "" },
	{ "MGET % ", "k# ", WORDS_MAX - 2, "" },
	/* More than a segment takes. */
	{ "MPUT % ", "k# " V100 V100 V100 V100 V100 " ", WORDS_MAX / 2 - 1,
	    "" },
	{ "COUNT %", "", 0, "" },
	{ "DROP %", "", 0, "" },
	{ "CREATE %", "n", NAME_LEN_MAX, "" },
	{ "SUBSCRIBE %", "n", NAME_LEN_MAX, "" },
	{ "GET % k ", "x ", WORDS_MAX + 1, "" },
	/* The longest line, and one that is longer: it is the last. */
	{ "PUT % ", "x", 4 * (VALUE_MAX + KEY_MAX + NAME_LEN_MAX) + 40, "" },
	{ "PUT % ", "x", 4 * (VALUE_MAX + KEY_MAX + NAME_LEN_MAX) + 80, "" },
};

#define LIMITS	(sizeof(limits) / sizeof(limits[0]))

static char *
put_text(char *out, const char *text, const char *bucket, size_t number)
{
	for (; *text != '\0'; text++) {
		if (*text == '%')
			out = stpcpy(out, bucket);
		else if (*text == '#')
			out += sprintf(out, "%zu", number);
		else
			*out++ = *text;
	}
	return out;
}

static void
compare_limit(int fd, int other, size_t i, const char *bucket)
{
	char *line = malloc(REPLY_MAX), *out = line;
	size_t n;

	cr_assert_not_null(line);
	out = put_text(out, limits[i].before, bucket, 0);
	for (n = 0; n < limits[i].times; n++)
		out = put_text(out, limits[i].unit, bucket, n);
	out = put_text(out, limits[i].after, bucket, 0);
	out = stpcpy(out, "\r\n");
	talk_send_bytes(fd, line, (size_t)(out - line));
	talk_send_bytes(other, line, (size_t)(out - line));
	compare_replies(fd, other, limits[i].before);
	free(line);
}

Test(nodes_commands, at_the_limits_are_answered_likewise)
{
	size_t owner, i;
	int fd, other;

	for (owner = 0; owner < c.n; owner++) {
		fd = talk_open(&c.node[1]);
		other = talk_open(&alone);
		for (i = 0; i < LIMITS; i++)
			compare_limit(fd, other, i, buckets[owner]);
		talk_expect_end(fd);
		talk_expect_end(other);
		close(fd);
		close(other);
	}
}

/* A name of the longest, one of each node's. */
static const char *
longest_name(const char *letter)
{
	static char name[NAME_LEN_MAX + 1];

	memset(name, 'x', NAME_LEN_MAX);
	name[0] = letter[0];
	return name;
}

Test(nodes_commands, for_the_longest_of_names_are_answered_likewise)
{
	size_t node, owner;
	int fd, other;

	for (node = 0; node < c.n; node++) {
		fd = talk_open(&c.node[node]);
		other = talk_open(&alone);
		for (owner = 0; owner < c.n; owner++)
			run_script(fd, other, longest_name(buckets[owner]));
		close(fd);
		close(other);
	}
}

/* What a subscriber hears of these changes, to the end. */
static struct text
listen_to(const struct daemon *d, const struct daemon *writer,
    const char *bucket)
{
	int sub = talk_open(d), fd = talk_open(writer);
	struct text heard;
	size_t step;

	talk_send(fd, "CREATE ");
	talk_send(fd, bucket);
	talk(fd, "\r\n", "OK\r\n");
	talk_send(sub, "SUBSCRIBE ");
	talk_send(sub, bucket);
	/* What a subscriber says is not heard. */
	talk_send(sub, "\r\nDROP everything\r\n");
	talk_await_subscribers(d, 1);
	/* From where there is one. */
	for (step = 0; strcmp(script[step], "CREATE %") != 0; step++)
		;
	for (; step < STEPS; step++)
		send_step(fd, step, bucket);
	heard = read_to_end(sub);
	close(sub);
	close(fd);
	return heard;
}

Test(nodes_commands, are_told_to_subscribers_likewise)
{
	struct text got, wanted;
	size_t i;

	/* Where it is listened, where it is written, whose it is. */
	for (i = 0; i < 27; i++) {
		wanted = listen_to(&alone, &alone, buckets[i / 9]);
		got = listen_to(&c.node[i % 3], &c.node[i / 3 % 3],
		    buckets[i / 9]);
		cr_assert(got.len == wanted.len &&
		    memcmp(got.data, wanted.data, got.len) == 0,
		    "\"%s\" and not \"%s\"", got.data, wanted.data);
		free(got.data);
		free(wanted.data);
	}
}
