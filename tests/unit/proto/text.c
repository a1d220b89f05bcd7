/*
 * Requests: every vector whole, cut in two at every byte, and byte by byte,
 * each time in memory that ends where the bytes end.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/quote.h"
#include "proto/text.h"
#include "tests/copy.h"

#define WORDS_MAX	8
#define BYTES(s)	s, sizeof(s) - 1
#define LINE_MAX_TEST	4096

struct vector {
	const char		*line;		/* and what follows it */
	size_t			 len;
	enum text_status	 status;
	size_t			 position;	/* of the error */
	const char		*reason;
	size_t			 argc;
	struct {
		const char	*data;
		size_t		 len;
	}			 argv[WORDS_MAX];
};

#define UNBALANCED	"unbalanced quote"
#define ESCAPE		"bad escape"
#define TRAILING	"no space after closing quote"

static const struct vector vectors[] = {
	/* words and white space */
	{ BYTES("PING\r\n"), TEXT_OK, 0, NULL, 1, { { BYTES("PING") } } },
	{ BYTES("PING\n"), TEXT_OK, 0, NULL, 1, { { BYTES("PING") } } },
	{ BYTES("p\n"), TEXT_OK, 0, NULL, 1, { { BYTES("p") } } },
	{ BYTES("PUT shopping milk 1\r\n"), TEXT_OK, 0, NULL, 4,
	    { { BYTES("PUT") }, { BYTES("shopping") }, { BYTES("milk") },
	    { BYTES("1") } } },
	{ BYTES(" \t GET \v\f shopping\tmilk \r\r\n"), TEXT_OK, 0, NULL, 3,
	    { { BYTES("GET") }, { BYTES("shopping") }, { BYTES("milk") } } },
	{ BYTES("GET\ra\r\rb\r\n"), TEXT_OK, 0, NULL, 3,
	    { { BYTES("GET") }, { BYTES("a") }, { BYTES("b") } } },
	{ BYTES("GET a b\r\nGET c d\r\n"), TEXT_OK, 0, NULL, 3,
	    { { BYTES("GET") }, { BYTES("a") }, { BYTES("b") } } },
	{ BYTES("GET a b\n\"bad"), TEXT_OK, 0, NULL, 3,
	    { { BYTES("GET") }, { BYTES("a") }, { BYTES("b") } } },
	{ BYTES("\n"), TEXT_EMPTY, 0, NULL, 0, { { NULL, 0 } } },
	{ BYTES("\r\n"), TEXT_EMPTY, 0, NULL, 0, { { NULL, 0 } } },
	{ BYTES(" \t\v\f\r \r\nPING\n"), TEXT_EMPTY, 0, NULL, 0,
	    { { NULL, 0 } } },

	/* any bytes in plain words */
	{ BYTES("G\0T \0 \x01\x7f\x80\xff\n"), TEXT_OK, 0, NULL, 3,
	    { { BYTES("G\0T") }, { BYTES("\0") },
	    { BYTES("\x01\x7f\x80\xff") } } },
	{ BYTES("a\"b c\" d\\n 'e f'\n"), TEXT_OK, 0, NULL, 5,
	    { { BYTES("a\"b") }, { BYTES("c\"") }, { BYTES("d\\n") },
	    { BYTES("'e") }, { BYTES("f'") } } },
	{ BYTES("caf\xc3\xa9 \xc2\xa0\r\n"), TEXT_OK, 0, NULL, 2,
	    { { BYTES("caf\xc3\xa9") }, { BYTES("\xc2\xa0") } } },

	/* quoted words */
	{ BYTES("\"PING\"\r\n"), TEXT_OK, 0, NULL, 1, { { BYTES("PING") } } },
	{ BYTES("PUT b \"\" \"\"\r\n"), TEXT_OK, 0, NULL, 4,
	    { { BYTES("PUT") }, { BYTES("b") }, { BYTES("") },
	    { BYTES("") } } },
	{ BYTES("PUT b bread \"two loaves\"\r\n"), TEXT_OK, 0, NULL, 4,
	    { { BYTES("PUT") }, { BYTES("b") }, { BYTES("bread") },
	    { BYTES("two loaves") } } },
	{ BYTES("\"a\\n\\x41\\0\\\"\\\\\"\r\"b\t\"\v\"\\?\\'\"\n"), TEXT_OK, 0,
	    NULL, 3, { { BYTES("a\nA\0\"\\") }, { BYTES("b\t") },
	    { BYTES("?'") } } },
	{ BYTES("\"a\0\x01\xff\r\"\n"), TEXT_OK, 0, NULL, 1,
	    { { BYTES("a\0\x01\xff\r") } } },

	/* malformed */
	{ BYTES("\"\n"), TEXT_BAD, 1, UNBALANCED, 0, { { NULL, 0 } } },
	{ BYTES("GET a \"b c\r\n"), TEXT_BAD, 7, UNBALANCED, 0,
	    { { NULL, 0 } } },
	{ BYTES("GET a \"b\nc\"\n"), TEXT_BAD, 7, UNBALANCED, 0,
	    { { NULL, 0 } } },
	{ BYTES("GET \"a\" \"b\\\"\n"), TEXT_BAD, 9, UNBALANCED, 0,
	    { { NULL, 0 } } },
	{ BYTES("  \"\\\n"), TEXT_BAD, 3, UNBALANCED, 0, { { NULL, 0 } } },
	{ BYTES("\"a\" \"\\x4\r\n"), TEXT_BAD, 5, UNBALANCED, 0,
	    { { NULL, 0 } } },
	{ BYTES("\"\\\"\\\n"), TEXT_BAD, 1, UNBALANCED, 0, { { NULL, 0 } } },
	{ BYTES("\"\\\"\\\r\n"), TEXT_BAD, 1, UNBALANCED, 0, { { NULL, 0 } } },
	{ BYTES("\"\\\"\\x4\n"), TEXT_BAD, 1, UNBALANCED, 0, { { NULL, 0 } } },
	{ BYTES("\"\\\"\\x4\r\n"), TEXT_BAD, 1, UNBALANCED, 0,
	    { { NULL, 0 } } },
	{ BYTES("\"\\\"\\x4\r\r\n"), TEXT_BAD, 4, ESCAPE, 0,
	    { { NULL, 0 } } },
	{ BYTES("GET a \"b\\q\" c\r\n"), TEXT_BAD, 9, ESCAPE, 0,
	    { { NULL, 0 } } },
	{ BYTES("\t\"\\n\\x4z\"\n"), TEXT_BAD, 5, ESCAPE, 0, { { NULL, 0 } } },
	{ BYTES("\"\\x4\"\n"), TEXT_BAD, 2, ESCAPE, 0, { { NULL, 0 } } },
	{ BYTES("GET \"a\"b\r\n"), TEXT_BAD, 8, TRAILING, 0, { { NULL, 0 } } },
	{ BYTES("\"a\"\"b\"\n"), TEXT_BAD, 4, TRAILING, 0, { { NULL, 0 } } },
	{ BYTES("\"\\n\"\0\n"), TEXT_BAD, 5, TRAILING, 0, { { NULL, 0 } } }
};

#define VECTORS	(sizeof(vectors) / sizeof(vectors[0]))

static struct request request;
static struct text_error error;

static void
check_answer(const struct vector *v, size_t at, enum text_status status,
    size_t used, const uint8_t *buf, size_t len)
{
	size_t i, line = (size_t)((const char *)memchr(v->line, '\n', v->len) -
	    v->line) + 1;

	cr_assert_eq(status, v->status, "%s cut at %zu: %d", v->line, at,
	    (int)status);
	cr_assert_eq(used, line, "%s cut at %zu", v->line, at);
	cr_assert_arr_eq(buf + used, v->line + used, len - used);
	if (status == TEXT_BAD) {
		cr_assert_str_eq(error.reason, v->reason, "%s", v->line);
		cr_assert_eq(error.position, v->position, "%s: %zu", v->line,
		    error.position);
	}
	if (status != TEXT_OK)
		return;
	cr_assert_eq(request.argc, v->argc, "%s cut at %zu", v->line, at);
	for (i = 0; i < v->argc; i++) {
		cr_assert_eq(request.argv[i].len, v->argv[i].len, "%s",
		    v->line);
		cr_assert_arr_eq(request.argv[i].data, v->argv[i].data,
		    v->argv[i].len, "%s", v->line);
		cr_assert(request.argv[i].data >= buf &&
		    request.argv[i].data + request.argv[i].len <= buf + used);
	}
}

/* One more piece: the line as far as it is there, somewhere else. */
static bool
feed(const struct vector *v, struct text_parser *parser, size_t at, size_t len)
{
	uint8_t *buf = copy_of(v->line, len);
	enum text_status status;
	size_t used = 99;

	status = text_parse(parser, buf, len, LINE_MAX_TEST, &request, &error,
	    &used);
	if (memchr(v->line, '\n', len) == NULL) {
		cr_assert_eq(status, TEXT_MORE, "%s cut at %zu", v->line, at);
		cr_assert_eq(used, 0);
		cr_assert_arr_eq(buf, v->line, len);
	} else {
		check_answer(v, at, status, used, buf, len);
	}
	free(buf);
	return status != TEXT_MORE;
}

Test(text, every_vector_whole)
{
	struct text_parser parser;
	size_t i;

	for (i = 0; i < VECTORS; i++) {
		text_parser_init(&parser);
		cr_assert(feed(&vectors[i], &parser, 0, vectors[i].len));
	}
}

Test(text, every_vector_cut_in_two_at_every_byte)
{
	struct text_parser parser;
	size_t i, at;

	for (i = 0; i < VECTORS; i++)
		for (at = 0; at < vectors[i].len; at++) {
			text_parser_init(&parser);
			if (!feed(&vectors[i], &parser, at, at))
				cr_assert(feed(&vectors[i], &parser, at,
				    vectors[i].len));
		}
}

Test(text, every_vector_byte_by_byte)
{
	struct text_parser parser;
	size_t i, len;

	for (i = 0; i < VECTORS; i++) {
		text_parser_init(&parser);
		for (len = 0; !feed(&vectors[i], &parser, len, len); len++)
			;
		cr_assert_leq(len, vectors[i].len);
	}
}

Test(text, one_parser_reads_all_vectors_one_after_the_other)
{
	struct text_parser parser;
	size_t i, len;

	text_parser_init(&parser);
	for (i = 0; i < VECTORS; i++)
		for (len = 0; !feed(&vectors[i], &parser, len, len); len += 3)
			if (len + 3 > vectors[i].len)
				len = vectors[i].len - 3;
}

Test(text, pipelined_lines_are_taken_one_at_a_time)
{
	uint8_t buf[] = "PING\r\n\r\nGET \"a b\" c\nQUIT\nGE";
	static const size_t used_expected[] = { 6, 2, 12, 5 };
	static const enum text_status expected[] = {
		TEXT_OK, TEXT_EMPTY, TEXT_OK, TEXT_OK, TEXT_MORE
	};
	size_t at = 0, len = sizeof(buf) - 1, used, i;
	struct text_parser parser;
	enum text_status status;

	text_parser_init(&parser);
	for (i = 0; i < 5; i++) {
		status = text_parse(&parser, buf + at, len - at, 100, &request,
		    &error, &used);
		cr_assert_eq(status, expected[i], "line %zu", i);
		cr_assert_eq(used, i < 4 ? used_expected[i] : 0);
		at += used;
	}
	cr_assert_eq(len - at, 2);
}

Test(text, a_line_that_came_in_pieces_leaves_nothing_for_the_next)
{
	uint8_t buf[] = "PUT a b c\nPING\n";
	struct text_parser parser;
	size_t used;

	text_parser_init(&parser);
	cr_assert_eq(text_parse(&parser, buf, 8, 100, &request, &error,
	    &used), TEXT_MORE);
	cr_assert_eq(text_parse(&parser, buf, 15, 100, &request, &error,
	    &used), TEXT_OK);
	cr_assert_eq(used, 10);
	cr_assert_eq(text_parse(&parser, buf + 10, 5, 100, &request, &error,
	    &used), TEXT_OK);
	cr_assert_eq(used, 5);
}

Test(text, each_byte_is_looked_at_once_however_the_line_arrives)
{
	uint8_t buf[] = "PUT a b c\n";
	struct text_parser parser;
	size_t used, len;

	text_parser_init(&parser);
	for (len = 0; len < sizeof(buf) - 2; len++) {
		cr_assert_eq(text_parse(&parser, buf, len, 100, &request,
		    &error, &used), TEXT_MORE);
		cr_assert_eq(parser.scanned, len);
	}

	/* A line end smuggled into what was seen is not seen again. */
	buf[3] = '\n';
	cr_assert_eq(text_parse(&parser, buf, len, 100, &request, &error,
	    &used), TEXT_MORE);
	cr_assert_eq(text_parse(&parser, buf, len + 1, 100, &request, &error,
	    &used), TEXT_OK);
	cr_assert_eq(used, sizeof(buf) - 1);
	cr_assert_eq(request.argc, 4);
}

/* A line of n bytes, its end included. */
static uint8_t *
line_of(size_t n, const char *end)
{
	uint8_t *line = malloc(n);

	memset(line, 'w', n);
	memcpy(line + n - strlen(end), end, strlen(end));
	return line;
}

static enum text_status
parse_cut(const uint8_t *line, size_t at, size_t len, size_t line_max)
{
	struct text_parser parser;
	enum text_status status;
	size_t used, lens[2] = { at, len }, i;
	uint8_t *buf;

	text_parser_init(&parser);
	for (i = 0, status = TEXT_MORE; i < 2 && status == TEXT_MORE; i++) {
		buf = copy_of(line, lens[i]);
		status = text_parse(&parser, buf, lens[i], line_max, &request,
		    &error, &used);
		cr_assert_eq(used, status == TEXT_OK ? len : 0);
		free(buf);
	}
	return status;
}

Test(text, a_line_of_line_max_bytes_is_legal_and_one_more_is_not)
{
	static const char *const ends[] = { "\n", "\r\n" };
	size_t max, at, i;
	uint8_t *line;

	for (max = 2; max < 70; max += 3)
		for (i = 0; i < 2; i++) {
			line = line_of(max + 1, ends[i]);
			for (at = 0; at <= max + 1; at++) {
				cr_assert_eq(parse_cut(line, at, max + 1, max),
				    TEXT_TOO_LONG, "%zu of %zu", at, max);
				cr_assert_eq(parse_cut(line, at, max + 1,
				    max + 1), max + 1 == strlen(ends[i]) ?
				    TEXT_EMPTY : TEXT_OK, "%zu", at);
			}
			free(line);
		}
}

Test(text, a_line_is_too_long_as_soon_as_its_last_place_holds_no_end)
{
	uint8_t *line = line_of(100, "");
	struct text_parser parser;
	size_t len, used;

	text_parser_init(&parser);
	for (len = 0; len < 50; len++)
		cr_assert_eq(text_parse(&parser, line, len, 50, &request,
		    &error, &used), TEXT_MORE, "%zu", len);
	for (; len <= 100; len++) {
		cr_assert_eq(text_parse(&parser, line, len, 50, &request,
		    &error, &used), TEXT_TOO_LONG, "%zu", len);
		cr_assert_eq(used, 0);
	}
	free(line);
}

Test(text, an_end_beyond_line_max_does_not_count)
{
	uint8_t buf[] = "PING PING\n";
	struct text_parser parser;
	size_t used;

	text_parser_init(&parser);
	cr_assert_eq(text_parse(&parser, buf, sizeof(buf) - 1, 9, &request,
	    &error, &used), TEXT_TOO_LONG);
}

/* A line of n words "w", with room for one more of three bytes. */
static uint8_t *
line_of_words(size_t n, size_t *len)
{
	uint8_t *line = malloc(2 * n + 4);
	size_t i;

	for (i = 0; i < n; i++)
		memcpy(line + 2 * i, "w ", 2);
	line[2 * n - 1] = '\n';
	*len = 2 * n;
	return line;
}

static enum text_status
parse_whole(uint8_t *line, size_t len)
{
	struct text_parser parser;
	enum text_status status;
	size_t used;

	text_parser_init(&parser);
	status = text_parse(&parser, line, len, SIZE_MAX, &request, &error,
	    &used);
	cr_assert_eq(used, len);
	return status;
}

Test(text, all_words_are_counted_also_those_that_argv_has_no_place_for)
{
	static const size_t counts[] = {
		REQUEST_ARGS_MAX - 1, REQUEST_ARGS_MAX, REQUEST_ARGS_MAX + 1,
		3 * REQUEST_ARGS_MAX
	};
	uint8_t *line;
	size_t i, j, len, kept;

	for (i = 0; i < 4; i++) {
		line = line_of_words(counts[i], &len);
		cr_assert_eq(parse_whole(line, len), TEXT_OK);
		cr_assert_eq(request.argc, counts[i]);
		kept = counts[i] < REQUEST_ARGS_MAX ? counts[i] :
		    REQUEST_ARGS_MAX;
		for (j = 0; j < kept; j++)
			if (request.argv[j].data != line + 2 * j ||
			    request.argv[j].len != 1)
				cr_assert_fail("word %zu", j);
		free(line);
	}
}

Test(text, a_word_beyond_the_last_place_is_still_checked)
{
	size_t n = REQUEST_ARGS_MAX + 100, len;
	uint8_t *line = line_of_words(n, &len);

	memcpy(line + 2 * n - 1, " \"x\n", 4);
	cr_assert_eq(parse_whole(line, len + 3), TEXT_BAD);
	cr_assert_str_eq(error.reason, UNBALANCED);
	cr_assert_eq(error.position, 2 * n + 1);
	free(line);
}

Test(text, every_byte_makes_a_plain_word_but_space_and_line_end)
{
	char line[] = "xa?b?\n";
	unsigned b;

	for (b = 0; b < 256; b++) {
		if (b == '\n')
			continue;
		memcpy(line, "xa?b?\n", 6);
		line[2] = line[4] = (char)b;
		cr_assert_eq(parse_whole((uint8_t *)line, 6), TEXT_OK, "%02x",
		    b);
		if (quote_is_space((uint8_t)b))
			cr_assert_eq(request.argc, 2, "%02x", b);
		else
			cr_assert_eq(request.argv[0].len, 5, "%02x", b);
	}
}

/* Is this, written as a line of one word, read as that word? */
static void
check_single_word(const uint8_t *bytes, size_t len)
{
	size_t n = quote_len(bytes, len);
	uint8_t *line = malloc(n + 2);

	quote_write(line, bytes, len);
	memcpy(line + n, "\r\n", 2);
	if (parse_whole(line, n + 2) != TEXT_OK || request.argc != 1 ||
	    request.argv[0].len != len ||
	    memcmp(request.argv[0].data, bytes, len) != 0)
		cr_assert_fail("'%.*s' is not one word", (int)n, line);
	free(line);
}

Test(text, what_quote_writes_is_a_single_word)
{
	uint8_t pair[2] = { 0, 0 };
	unsigned b;

	check_single_word(pair, 0);
	for (b = 0; b < 65536; b++) {
		pair[0] = (uint8_t)(b >> 8);
		pair[1] = (uint8_t)b;
		check_single_word(pair, 1);
		check_single_word(pair, 2);
	}
}

/* A line of random words; the words themselves are kept behind one another. */
struct sentence {
	uint8_t	line[4096], bytes[512];
	size_t	len, words, word_len[WORDS_MAX];
};

static void
make_sentence(struct sentence *s)
{
	static const uint8_t spaces[] = " \t\v\f\r";
	static const uint8_t common[] = "a \"\\\n\r\x80";
	size_t i, j, at = 0;
	int dice;

	s->len = 0;
	s->words = 1 + (size_t)rand() % WORDS_MAX;
	for (i = 0; i < s->words; i++) {
		s->word_len[i] = (size_t)rand() % 64;
		for (j = 0; j < s->word_len[i]; j++) {
			dice = rand();
			s->bytes[at + j] = (uint8_t)(dice >> 8);
			if (dice % 2 == 0)
				s->bytes[at + j] = common[(dice >> 1) % 7];
		}
		for (j = (size_t)rand() % 3 + 1; j > 0; j--)
			s->line[s->len++] = spaces[rand() % 5];
		s->len += quote_write(s->line + s->len, s->bytes + at,
		    s->word_len[i]);
		at += s->word_len[i];
	}
	s->line[s->len++] = '\n';
}

Test(text, random_words_cut_anywhere_arrive_as_they_were)
{
	struct text_parser parser;
	struct sentence s;
	size_t i, at, len, used;
	uint8_t *buf;
	int round;

	srand(4);
	for (round = 0; round < 20000; round++) {
		make_sentence(&s);
		text_parser_init(&parser);
		for (len = (size_t)rand() % s.len; len < s.len;
		    len += 1 + (size_t)rand() % s.len)
			if (text_parse(&parser, s.line, len, 4096, &request,
			    &error, &used) != TEXT_MORE)
				cr_assert_fail("round %d", round);
		buf = copy_of(s.line, s.len);
		if (text_parse(&parser, buf, s.len, 4096, &request, &error,
		    &used) != TEXT_OK || request.argc != s.words)
			cr_assert_fail("round %d", round);
		for (i = at = 0; i < s.words; at += s.word_len[i++])
			if (request.argv[i].len != s.word_len[i] ||
			    memcmp(request.argv[i].data, s.bytes + at,
			    s.word_len[i]) != 0)
				cr_assert_fail("round %d word %zu", round, i);
		free(buf);
	}
}

Test(text, random_bytes_never_surprise_the_parser)
{
	static const char common[] = "a \"\\x4n\r\n";
	struct text_parser parser;
	enum text_status status;
	uint8_t text[256], *buf;
	size_t i, len, used, end;
	int round;

	srand(5);
	for (round = 0; round < 100000; round++) {
		len = (size_t)rand() % sizeof(text);
		for (i = 0; i < len; i++)
			text[i] = (uint8_t)common[(size_t)rand() % 9];
		buf = copy_of(text, len);
		text_parser_init(&parser);
		status = text_parse(&parser, buf, len, 128, &request, &error,
		    &used);
		for (end = 0; end < len && text[end] != '\n'; end++)
			;
		if (used != (end < len && end < 128 ? end + 1 : 0) ||
		    (used == 0 && status != (len < 128 ? TEXT_MORE :
		    TEXT_TOO_LONG)) ||
		    (status == TEXT_BAD && error.position > end))
			cr_assert_fail("round %d: %d, %zu", round, (int)status,
			    used);
		free(buf);
	}
}
