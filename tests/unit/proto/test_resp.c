/*
 * RESP: every vector whole, cut in two at every byte, and byte by byte, each
 * time in memory that ends where the bytes end.  What is answered, Redis
 * 7.0.15 answers too, unless said otherwise.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/resp.h"
#include "tests/copy.h"

#define WORDS_MAX	8
#define BYTES(s)	s, sizeof(s) - 1
#define WORD_MAX_TEST	1000

struct vector {
	const char		*bytes;		/* and what follows it */
	size_t			 len;
	enum resp_status	 status;
	size_t			 used;
	const char		*reason;
	size_t			 argc;
	struct {
		const char	*data;
		size_t		 len;
	}			 argv[WORDS_MAX];
};

/* A request of all the bytes; one that asks nothing; one that ends it all. */
#define GOOD(s)		s, sizeof(s) - 1, RESP_OK, sizeof(s) - 1, NULL
#define EMPTY(s, used)	{ BYTES(s), RESP_EMPTY, used, NULL, 0, { { NULL, 0 } } }
#define BAD(s, why)	{ BYTES(s), RESP_BAD, 0, "Protocol error: " why, 0, \
			    { { NULL, 0 } } }

#define MULTIBULK	"invalid multibulk length"
#define BULK		"invalid bulk length"
#define UNBALANCED	"unbalanced quotes in request"

static const struct vector vectors[] = {
	/* words with their lengths */
	{ GOOD("*1\r\n$4\r\nPING\r\n"), 1, { { BYTES("PING") } } },
	{ GOOD("*2\r\n$4\r\nECHO\r\n$0\r\n\r\n"), 2,
	    { { BYTES("ECHO") }, { BYTES("") } } },
	{ GOOD("*1\r\n$0\r\n\r\n"), 1, { { BYTES("") } } },
	{ GOOD("*3\r\n$3\r\nSET\r\n$4\r\n\r\n*1\r\n$6\r\na\0\r\n$9\r\n"), 3,
	    { { BYTES("SET") }, { BYTES("\r\n*1") },
	    { BYTES("a\0\r\n$9") } } },
	{ GOOD("*2\r\n$10\r\n0123456789\r\n$1\r\n\xff\r\n"), 2,
	    { { BYTES("0123456789") }, { BYTES("\xff") } } },
	{ BYTES("*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPONG\r\n"), RESP_OK, 14, NULL,
	    1, { { BYTES("PING") } } },
	{ BYTES("*1\r\n$4\r\nPING\r\n*x\r\n"), RESP_OK, 14, NULL, 1,
	    { { BYTES("PING") } } },

	/* what stands for a line end */
	{ GOOD("*1\r\n$4\r\nPINGxy"), 1, { { BYTES("PING") } } },
	{ GOOD("*1\rx$4\ryPING\r\n"), 1, { { BYTES("PING") } } },
	{ GOOD("*1\r\r$1\r\r\r\r\r"), 1, { { BYTES("\r") } } },
	BAD("*1\n$4\nPING\r\n", MULTIBULK),
	BAD("*1\r\n$4\nPING\r\n", BULK),

	/* how many words */
	EMPTY("*0\r\n*1\r\n", 4),
	EMPTY("*-1\r\n", 5),
	EMPTY("*-10\r\nPING\r\n", 6),
	EMPTY("*-9223372036854775808\r\n", 23),
	BAD("*\r\n", MULTIBULK),
	BAD("*abc\r\n", MULTIBULK),
	BAD("*01\r\n", MULTIBULK),
	BAD("*+1\r\n", MULTIBULK),
	BAD("*-0\r\n", MULTIBULK),
	BAD("* 1\r\n", MULTIBULK),
	BAD("*1 \r\n", MULTIBULK),
	BAD("*1\0\r\n", MULTIBULK),
	BAD("**1\r\n", MULTIBULK),
	BAD("*3000000000\r\n", MULTIBULK),
	BAD("*9223372036854775808\r\n", MULTIBULK),
	BAD("*-9223372036854775809\r\n", MULTIBULK),
	BAD("*99999999999999999999999999\r\n", MULTIBULK),

	/* how long a word */
	BAD("*1\r\n$\r\n", BULK),
	BAD("*1\r\n$-1\r\n", BULK),
	BAD("*1\r\n$-5\r\n", BULK),
	BAD("*1\r\n$abc\r\n", BULK),
	BAD("*1\r\n$04\r\nPING\r\n", BULK),
	BAD("*1\r\n$+4\r\nPING\r\n", BULK),
	BAD("*1\r\n$ 4\r\nPING\r\n", BULK),
	BAD("*1\r\n$1001\r\n", BULK),
	BAD("*1\r\n$9223372036854775807\r\n", BULK),
	BAD("*1\r\n$9223372036854775808\r\n", BULK),
	BAD("*2\r\n$4\r\nECHO\r\n$-1\r\n", BULK),

	/* something else */
	BAD("*1\r\nx\r\n", "expected '$', got 'x'"),
	BAD("*1\r\n+PING\r\n", "expected '$', got '+'"),
	BAD("*1\r\n\r\nx", "expected '$', got ' '"),
	BAD("*1\r\n\n\r\n", "expected '$', got ' '"),
	BAD("*1\r\n\x07\r\n", "expected '$', got '\x07'"),
	BAD("*1\r\n\xff\r\n", "expected '$', got '\xff'"),
	BAD("*1\r\n*1\r\n$4\r\nPING\r\n", "expected '$', got '*'"),
	BAD("*2\r\n$4\r\nPING\r\nPING\r\n", "expected '$', got 'P'"),
	BAD("*2\r\n$4\r\nPING!!!4\r\n", "expected '$', got '!'"),
	/* .. for which Redis waits */
	BAD("*1\r\n\0\r\n", "expected '$', got ' '"),

	/* lines */
	{ GOOD("PING\r\n"), 1, { { BYTES("PING") } } },
	{ GOOD("PING\n"), 1, { { BYTES("PING") } } },
	{ GOOD("PING\r\r\n"), 1, { { BYTES("PING") } } },
	{ GOOD(" \t ECHO\t \ta \r\n"), 2, { { BYTES("ECHO") },
	    { BYTES("a") } } },
	{ GOOD("PING\rPING\r\n"), 2, { { BYTES("PING") },
	    { BYTES("PING") } } },
	{ BYTES("PING\r\nx*1\r\n"), RESP_OK, 6, NULL, 1,
	    { { BYTES("PING") } } },
	{ GOOD("ECHO\v\fa\r\n"), 1, { { BYTES("ECHO\v\fa") } } },
	{ GOOD("\v\fECHO \v\fa\r\n"), 2, { { BYTES("ECHO") },
	    { BYTES("a") } } },
	{ GOOD("ECHO \\x41\\n\\\r\n"), 2, { { BYTES("ECHO") },
	    { BYTES("\\x41\\n\\") } } },
	{ GOOD("a\x01" "b\xff $1 *1\r\n"), 3, { { BYTES("a\x01" "b\xff") },
	    { BYTES("$1") }, { BYTES("*1") } } },
	EMPTY("\r\n", 2),
	EMPTY("\nPING\r\n", 1),
	EMPTY("  \t\v\f\r \r\n", 9),
	/* .. in which Redis takes a NUL for their end */
	{ GOOD("\0 a\0b \"\0\"\n"), 3, { { BYTES("\0") }, { BYTES("a\0b") },
	    { BYTES("\0") } } },

	/* quotes */
	{ GOOD("ECHO \"a b\\x41\\n\\r\\t\\b\\a\\q\\\"\\\\'\"\r\n"), 2,
	    { { BYTES("ECHO") }, { BYTES("a bA\n\r\t\b\aq\"\\'") } } },
	{ GOOD("ECHO 'a b\\'c\\n\"\\x41'\r\n"), 2,
	    { { BYTES("ECHO") }, { BYTES("a b'c\\n\"\\x41") } } },
	{ GOOD("\"\" '' \"\"\r\n"), 3, { { BYTES("") }, { BYTES("") },
	    { BYTES("") } } },
	{ GOOD("a\"b c\" d'e f'\r\n"), 2, { { BYTES("ab c") },
	    { BYTES("de f") } } },
	{ GOOD("\"\\xZZ\" \"\\x4\" \"\\x\" \"\\x4g\" \"\\xfF\"\r\n"), 5,
	    { { BYTES("xZZ") }, { BYTES("x4") }, { BYTES("x") },
	    { BYTES("x4g") }, { BYTES("\xff") } } },
	{ GOOD("\"\\nab\\tcd\\bef\"\r\n"), 1, { { BYTES("\nab\tcd\bef") } } },
	{ GOOD("\"a\"\v\"b\"\f'c'\r\n"), 3, { { BYTES("a") }, { BYTES("b") },
	    { BYTES("c") } } },
	{ GOOD("\"a\r\tb\" 'c\rd'\r\n"), 2, { { BYTES("a\r\tb") },
	    { BYTES("c\rd") } } },
	{ GOOD("'\\\\ ' '\\'' '\\a'\n"), 3, { { BYTES("\\\\ ") },
	    { BYTES("'") }, { BYTES("\\a") } } },
	BAD("ECHO \"a\r\n", UNBALANCED),
	BAD("ECHO 'a\r\n", UNBALANCED),
	BAD("\"\r\n", UNBALANCED),
	BAD("'\n", UNBALANCED),
	BAD("ECHO \"a\"b\r\n", UNBALANCED),
	BAD("ECHO 'a'b\r\n", UNBALANCED),
	BAD("ECHO 'a''b'\r\n", UNBALANCED),
	BAD("a\"b c\"d\r\n", UNBALANCED),
	BAD("ECHO \"\\\r\n", UNBALANCED),
	BAD("ECHO \"a\\\"\r\n", UNBALANCED),
	BAD("ECHO '\\'\r\n", UNBALANCED),
	BAD("ECHO '\\\\'\r\n", UNBALANCED),
	BAD("ECHO '\\\r\n", UNBALANCED),
	BAD("ECHO \"\\x4\n", UNBALANCED),
	BAD("it's\r\n", UNBALANCED)
};

#define VECTORS	(sizeof(vectors) / sizeof(vectors[0]))

static const struct resp_limits limits = {
	.request_max = 1 << 20, .word_max = WORD_MAX_TEST, .is_trusted = true
};
static struct request request;
static struct resp_error error;

static void
check_words(const struct vector *v, size_t at, const uint8_t *buf)
{
	size_t i;

	cr_assert_eq(request.argc, v->argc, "%s cut at %zu", v->bytes, at);
	for (i = 0; i < v->argc; i++) {
		cr_assert_eq(request.argv[i].len, v->argv[i].len,
		    "%s cut at %zu, word %zu", v->bytes, at, i);
		cr_assert_arr_eq(request.argv[i].data, v->argv[i].data,
		    v->argv[i].len, "%s cut at %zu", v->bytes, at);
		cr_assert(request.argv[i].data >= buf &&
		    request.argv[i].data + request.argv[i].len <=
		    buf + v->used);
	}
}

static void
check_answer(const struct vector *v, size_t at, enum resp_status status,
    size_t used, const uint8_t *buf, size_t len)
{
	cr_assert_eq(status, v->status, "%s cut at %zu: %d", v->bytes, at,
	    (int)status);
	cr_assert_eq(used, v->used, "%s cut at %zu", v->bytes, at);
	if (status == RESP_BAD) {
		cr_assert_str_eq(error.reason, v->reason, "%s cut at %zu",
		    v->bytes, at);
		return;
	}
	cr_assert_arr_eq(buf + used, v->bytes + used, len - used);
	if (status == RESP_OK)
		check_words(v, at, buf);
}

/* One more piece: the request as far as it is there, somewhere else. */
static bool
feed(const struct vector *v, struct resp_parser *parser, size_t at, size_t len)
{
	uint8_t *buf = copy_of(v->bytes, len);
	enum resp_status status;
	size_t used = 99;

	status = resp_parse(parser, buf, len, &limits, &request, &error,
	    &used);
	if (status == RESP_MORE) {
		cr_assert_lt(len, v->status == RESP_BAD ? v->len : v->used,
		    "%s cut at %zu", v->bytes, at);
		cr_assert_eq(used, 0);
		cr_assert_arr_eq(buf, v->bytes, len);
	} else {
		check_answer(v, at, status, used, buf, len);
	}
	free(buf);
	return status != RESP_MORE;
}

Test(resp, every_vector_whole)
{
	struct resp_parser parser;
	size_t i;

	for (i = 0; i < VECTORS; i++) {
		resp_parser_init(&parser);
		cr_assert(feed(&vectors[i], &parser, 0, vectors[i].len));
	}
}

Test(resp, every_vector_cut_in_two_at_every_byte)
{
	struct resp_parser parser;
	size_t i, at;

	for (i = 0; i < VECTORS; i++)
		for (at = 0; at < vectors[i].len; at++) {
			resp_parser_init(&parser);
			if (!feed(&vectors[i], &parser, at, at))
				cr_assert(feed(&vectors[i], &parser, at,
				    vectors[i].len));
		}
}

Test(resp, every_vector_byte_by_byte)
{
	struct resp_parser parser;
	size_t i, len;

	for (i = 0; i < VECTORS; i++) {
		resp_parser_init(&parser);
		for (len = 0; !feed(&vectors[i], &parser, len, len); len++)
			;
		cr_assert_leq(len, vectors[i].len);
	}
}

Test(resp, one_parser_reads_all_good_vectors_one_after_the_other)
{
	struct resp_parser parser;
	size_t i, len;

	resp_parser_init(&parser);
	for (i = 0; i < VECTORS; i++) {
		if (vectors[i].status == RESP_BAD)
			continue;
		for (len = 0; !feed(&vectors[i], &parser, len, len); len += 3)
			if (len + 3 > vectors[i].len)
				len = vectors[i].len - 3;
	}
}

Test(resp, pipelined_requests_are_taken_one_at_a_time)
{
	uint8_t buf[] = "PING\r\n*0\r\n\r\n*2\r\n$4\r\nECHO\r\n$2\r\n*1\r\n"
	    "ECHO \"a b\"\n*1\r\n$4\r\nQUIT\r\n*1\r\n$";
	static const size_t used_expected[] = { 6, 4, 2, 22, 11, 14, 0 };
	static const enum resp_status expected[] = {
		RESP_OK, RESP_EMPTY, RESP_EMPTY, RESP_OK, RESP_OK, RESP_OK,
		RESP_MORE
	};
	size_t at = 0, len = sizeof(buf) - 1, used, i;
	struct resp_parser parser;
	enum resp_status status;

	resp_parser_init(&parser);
	for (i = 0; i < 7; i++) {
		status = resp_parse(&parser, buf + at, len - at, &limits,
		    &request, &error, &used);
		cr_assert_eq(status, expected[i], "request %zu", i);
		cr_assert_eq(used, used_expected[i], "request %zu", i);
		at += used;
	}
	cr_assert_eq(len - at, 5);
}

static enum resp_status
parse_with(const struct resp_limits *with, uint8_t *buf, size_t len)
{
	struct resp_parser parser;
	size_t used;

	resp_parser_init(&parser);
	return resp_parse(&parser, buf, len, with, &request, &error, &used);
}

Test(resp, header_bytes_are_looked_for_an_end_once_and_word_bytes_never)
{
	uint8_t buf[] = "*2\r\n$10\r\n0123456789\r\n$2\r\nab\r\n";
	struct resp_parser parser;
	size_t used, len;

	resp_parser_init(&parser);
	for (len = 0; len < sizeof(buf) - 2; len++) {
		cr_assert_eq(resp_parse(&parser, buf, len, &limits, &request,
		    &error, &used), RESP_MORE, "%zu", len);
		cr_assert_geq(len + 1, parser.scanned);
		/* A header waits for the byte behind its CR at most. */
		if (parser.awaited == 0)
			cr_assert_leq(len - parser.scanned, 1, "%zu", len);
		else
			cr_assert_eq(parser.scanned, parser.at);
	}

	cr_assert_eq(resp_parse(&parser, buf, len + 1, &limits, &request,
	    &error, &used), RESP_OK);
	cr_assert_eq(used, sizeof(buf) - 1);

	/* A line end smuggled into what was seen is not seen again. */
	cr_assert_eq(resp_parse(&parser, buf, 6, &limits, &request, &error,
	    &used), RESP_MORE);
	buf[5] = '\r';
	cr_assert_eq(resp_parse(&parser, buf, 7, &limits, &request, &error,
	    &used), RESP_MORE);
	buf[5] = '1';
	cr_assert_eq(resp_parse(&parser, buf, sizeof(buf) - 1, &limits,
	    &request, &error, &used), RESP_OK);
}

/* Many words, each a header: as many bytes are read again as once. */
Test(resp, a_long_request_in_single_bytes_takes_no_longer_than_twice)
{
	size_t words = 100000, len, used, i;
	uint8_t *buf = malloc(16 + words * 7);
	struct resp_parser parser;

	len = (size_t)sprintf((char *)buf, "*%zu\r\n", words);
	for (i = 0; i < words; i++, len += 7)
		memcpy(buf + len, "$1\r\nw\r\n", 7);
	resp_parser_init(&parser);
	for (i = 0; i < len; i++)
		if (resp_parse(&parser, buf, i, &limits, &request, &error,
		    &used) != RESP_MORE)
			cr_assert_fail("%zu", i);
	cr_assert_eq(resp_parse(&parser, buf, len, &limits, &request, &error,
	    &used), RESP_OK);
	cr_assert_eq(used, len);
	cr_assert_eq(request.argc, words);
	for (i = 0; i < REQUEST_ARGS_MAX; i++)
		if (request.argv[i].data != buf + 9 + i * 7 + 4 ||
		    request.argv[i].len != 1)
			cr_assert_fail("word %zu", i);
	free(buf);
}

Test(resp, all_words_are_counted_also_those_that_argv_has_no_place_for)
{
	static const size_t counts[] = { REQUEST_ARGS_MAX - 1,
		REQUEST_ARGS_MAX, REQUEST_ARGS_MAX + 1, 3 * REQUEST_ARGS_MAX };
	uint8_t *buf = malloc(16 + 3 * REQUEST_ARGS_MAX * 6);
	size_t i, j, len, start;

	for (i = 0; i < 4; i++) {
		start = (size_t)sprintf((char *)buf, "*%zu\r\n", counts[i]);
		for (j = 0, len = start; j < counts[i]; j++, len += 6)
			memcpy(buf + len, "$0\r\n\r\n", 6);
		cr_assert_eq(parse_with(&limits, buf, len), RESP_OK);
		cr_assert_eq(request.argc, counts[i]);
		for (j = 0; j < counts[i] && j < REQUEST_ARGS_MAX; j++)
			if (request.argv[j].data != buf + start + 6 * j + 4)
				cr_assert_fail("word %zu", j);
	}
	for (len = 0; len < 2 * 20000; len += 2)
		memcpy(buf + len, "w ", 2);
	buf[len - 1] = '\n';
	cr_assert_eq(parse_with(&limits, buf, len), RESP_OK);
	cr_assert_eq(request.argc, 20000);
	cr_assert_eq(request.argv[REQUEST_ARGS_MAX - 1].data,
	    buf + 2 * (REQUEST_ARGS_MAX - 1));
	free(buf);
}

/* What is said of these bytes, whole and in pieces of any one size. */
static void
expect_status(const struct resp_limits *with, const uint8_t *bytes, size_t len,
    size_t step, enum resp_status expected, const char *reason)
{
	enum resp_status status = RESP_MORE;
	struct resp_parser parser;
	size_t there = 0, used;
	uint8_t *buf;

	resp_parser_init(&parser);
	while (status == RESP_MORE && there < len) {
		there = len - there > step ? there + step : len;
		buf = copy_of(bytes, there);
		status = resp_parse(&parser, buf, there, with, &request,
		    &error, &used);
		free(buf);
	}
	cr_assert_eq(status, expected, "%zu bytes by %zu: %d", len, step,
	    (int)status);
	if (expected == RESP_BAD)
		cr_assert_str_eq(error.reason, reason, "%zu bytes by %zu", len,
		    step);
}

static void
expect_always(const struct resp_limits *with, const char *text,
    enum resp_status expected, const char *reason)
{
	size_t len = strlen(text), step;

	for (step = 1; step <= len; step++)
		expect_status(with, (const uint8_t *)text, len, step, expected,
		    reason);
}

Test(resp, a_stranger_may_say_little)
{
	struct resp_limits stranger = limits;

	stranger.word_max = SIZE_MAX;
	stranger.is_trusted = false;
	expect_always(&stranger, "*10\r\n", RESP_MORE, NULL);
	expect_always(&stranger, "*11\r\n", RESP_BAD,
	    "Protocol error: unauthenticated multibulk length");
	expect_always(&stranger, "*1048577\r\n", RESP_BAD,
	    "Protocol error: " MULTIBULK);
	expect_always(&stranger, "*1\r\n$16384\r\n", RESP_MORE, NULL);
	expect_always(&stranger, "*1\r\n$16385\r\n", RESP_BAD,
	    "Protocol error: unauthenticated bulk length");
	expect_always(&stranger, "*2\r\n$4\r\nAUTH\r\n$1\r\nx\r\n", RESP_OK,
	    NULL);
	expect_always(&stranger, "AUTH 2 3 4 5 6 7 8 9 10 11\r\n", RESP_OK,
	    NULL);
	stranger.is_trusted = true;
	expect_always(&stranger, "*11\r\n", RESP_MORE, NULL);
	expect_always(&stranger, "*1\r\n$16385\r\n", RESP_MORE, NULL);
}

/* Redis waits for up to 2147483647 of them. */
Test(resp, a_request_has_as_many_words_as_it_says_but_not_more_than_1048576)
{
	expect_always(&limits, "*1048576\r\n", RESP_MORE, NULL);
	expect_always(&limits, "*1048577\r\n", RESP_BAD,
	    "Protocol error: " MULTIBULK);
}

Test(resp, a_word_of_the_longest_length_is_legal)
{
	struct resp_limits small = limits;

	small.word_max = 4;
	expect_always(&small, "*1\r\n$4\r\nPING\r\n", RESP_OK, NULL);
	expect_always(&small, "*1\r\n$5\r\n", RESP_BAD,
	    "Protocol error: " BULK);
	expect_always(&small, "HELLO\r\n", RESP_OK, NULL);
}

Test(resp, a_request_fits_its_buffer_or_is_refused_as_soon_as_that_is_known)
{
	static const char big[] = "Protocol error: too big request";
	struct resp_limits small = limits;

	small.request_max = 14;
	expect_always(&small, "*1\r\n$4\r\nPING\r\n", RESP_OK, NULL);
	expect_always(&small, "*1\r\n$4\r\nPING\r\nmore", RESP_OK, NULL);
	expect_always(&small, "ECHO 67890123\nx", RESP_OK, NULL);
	expect_always(&small, "*1\r\n$5\r\n", RESP_BAD, big);
	expect_always(&small, "*2\r\n$4\r\nPING\r\n", RESP_BAD, big);
	expect_always(&small, "*2\r\n$0\r\n\r\n$0\r\n", RESP_BAD, big);
	expect_always(&small, "ECHO 678901234", RESP_BAD, big);
	expect_always(&small, "ECHO 678901234\n", RESP_BAD, big);
	small.request_max = 7;
	expect_always(&small, "*1\r\n$0\r\n\r\n", RESP_BAD, big);
	expect_always(&small, "*00000\r\n", RESP_BAD, big);
	small.word_max = SIZE_MAX;
	expect_always(&small, "*1\r\n$9223372036854775807\r\n", RESP_BAD, big);
}

/* A line of n bytes between these two strings. */
static uint8_t *
line_of(const char *start, size_t n, const char *end, size_t *len)
{
	uint8_t *line = malloc(strlen(start) + n + strlen(end));

	*len = strlen(start) + n + strlen(end);
	memcpy(line, start, strlen(start));
	memset(line + strlen(start), '1', n);
	memcpy(line + strlen(start) + n, end, strlen(end));
	return line;
}

/*
 * Redis says so only if it looks while the line is not whole; here it does
 * not depend on when we look.
 */
Test(resp, lines_have_up_to_65536_bytes)
{
	static const struct {
		const char	*start, *end, *before, *beyond;
		size_t		 overhead;
	} lines[] = {
		{ "", "\n", NULL, "too big inline request", 0 },
		{ "", "\r\n", NULL, "too big inline request", 1 },
		{ "*", "\r\n", MULTIBULK, "too big mbulk count string", 1 },
		{ "*1\r\n$", "\r\n", BULK, "too big bulk count string", 1 },
		{ "*1\r\nx", "\r\n", "expected '$', got 'x'",
		    "too big bulk count string", 1 }
	};
	static const size_t steps[] = { 1021, 65535, 65536, 65537, SIZE_MAX };
	char reason[80];
	size_t i, j, len;
	uint8_t *line;

	for (i = 0; i < 5; i++)
		for (j = 0; j < 5; j++) {
			snprintf(reason, sizeof(reason), "Protocol error: %s",
			    lines[i].before == NULL ? "" : lines[i].before);
			line = line_of(lines[i].start,
			    RESP_LINE_MAX - lines[i].overhead, lines[i].end,
			    &len);
			expect_status(&limits, line, len, steps[j],
			    lines[i].before == NULL ? RESP_OK : RESP_BAD,
			    reason);
			free(line);
			snprintf(reason, sizeof(reason), "Protocol error: %s",
			    lines[i].beyond);
			line = line_of(lines[i].start,
			    RESP_LINE_MAX + 1 - lines[i].overhead,
			    lines[i].end, &len);
			expect_status(&limits, line, len, steps[j], RESP_BAD,
			    reason);
			free(line);
		}
}

Test(resp, a_line_is_too_long_as_soon_as_that_is_known)
{
	size_t len, used;
	uint8_t *line = line_of("", RESP_LINE_MAX + 1, "", &len);
	struct resp_parser parser;

	resp_parser_init(&parser);
	cr_assert_eq(resp_parse(&parser, line, len - 1, &limits, &request,
	    &error, &used), RESP_MORE);
	cr_assert_eq(resp_parse(&parser, line, len, &limits, &request,
	    &error, &used), RESP_BAD);
	free(line);
}

/* Requests as clients send them, for any words. */
struct sentence {
	uint8_t	bytes[4096], words[512];
	size_t	len, count, word_len[WORDS_MAX];
};

static void
put_word(struct sentence *s, const uint8_t *word, size_t len, bool line)
{
	char *out = (char *)s->bytes + s->len;
	size_t i;

	if (!line) {
		s->len += (size_t)sprintf(out, "$%zu\r\n", len);
		memcpy(s->bytes + s->len, word, len);
		memcpy(s->bytes + s->len + len, "\r\n", 2);
		s->len += len + 2;
		return;
	}
	*out++ = '"';
	for (i = 0; i < len; i++)
		out += sprintf(out, "\\x%02x", word[i]);
	*out++ = '"';
	*out++ = ' ';
	s->len += 4 * len + 3;
}

static void
make_sentence(struct sentence *s)
{
	static const uint8_t frame[] = { '\r', '\n', '$', '*' };
	bool line = rand() % 4 == 0;
	size_t i, j, at = 0;

	s->len = 0;
	s->count = 1 + (size_t)rand() % WORDS_MAX;
	if (!line)
		s->len = (size_t)sprintf((char *)s->bytes, "*%zu\r\n",
		    s->count);
	for (i = 0; i < s->count; i++) {
		s->word_len[i] = (size_t)rand() % 64;
		for (j = 0; j < s->word_len[i]; j++)
			s->words[at + j] = rand() % 4 == 0 ?
			    frame[rand() % 4] : (uint8_t)rand();
		put_word(s, s->words + at, s->word_len[i], line);
		at += s->word_len[i];
	}
	if (line)
		s->bytes[s->len++] = '\n';
}

static void
check_sentence(const struct sentence *s)
{
	size_t i, at = 0;

	cr_assert_eq(request.argc, s->count);
	for (i = 0; i < s->count; at += s->word_len[i++])
		if (request.argv[i].len != s->word_len[i] ||
		    memcmp(request.argv[i].data, s->words + at,
		    s->word_len[i]) != 0)
			cr_assert_fail("word %zu", i);
}

Test(resp, random_words_cut_anywhere_arrive_as_they_were)
{
	enum resp_status status;
	struct resp_parser parser;
	struct sentence s;
	size_t len, used;
	uint8_t *buf;
	int round;

	srand(11);
	resp_parser_init(&parser);
	for (round = 0; round < 20000; round++) {
		make_sentence(&s);
		for (len = 0;; len += 1 + (size_t)rand() % 40) {
			len = len < s.len ? len : s.len;
			buf = copy_of(s.bytes, len);
			status = resp_parse(&parser, buf, len, &limits,
			    &request, &error, &used);
			if (status != RESP_MORE)
				break;
			free(buf);
		}
		cr_assert_eq(status, RESP_OK);
		cr_assert_eq(used, s.len);
		check_sentence(&s);
		free(buf);
	}
}
