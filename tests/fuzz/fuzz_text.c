/*
 * Any bytes as requests.  Each line that the parser accepts is written again
 * with our own quoting and must be the same request; it must not matter in
 * how many pieces the bytes arrive; what is parsed ahead must be what the
 * parser finds there; and any bytes at all, taken as one word, must survive
 * being written and read.
 */

#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "proto/plain.h"
#include "proto/quote.h"
#include "proto/text.h"
#include "tests/copy.h"

#define QUICK_WORDS	5

struct answer {
	enum text_status	status;
	struct text_error	error;
	size_t			used;
};

static struct answer
parse(struct text_parser *parser, uint8_t *buf, size_t len, size_t line_max,
    struct request *req)
{
	struct answer answer;

	memset(&answer, 0, sizeof(answer));
	answer.status = text_parse(parser, buf, len, line_max, req,
	    &answer.error, &answer.used);
	return answer;
}

static void
check_bounds(const struct answer *answer, const uint8_t *buf, size_t len,
    size_t line_max, const struct request *req)
{
	size_t i;

	must(answer->used <= len && answer->used <= line_max);
	switch (answer->status) {
	case TEXT_OK:
		must(req->argc > 0 && buf[answer->used - 1] == '\n');
		for (i = 0; i < req->argc && i < REQUEST_ARGS_MAX; i++)
			must(req->argv[i].data >= buf &&
			    req->argv[i].data + req->argv[i].len <
			    buf + answer->used);
		break;
	case TEXT_EMPTY:
		must(buf[answer->used - 1] == '\n');
		break;
	case TEXT_BAD:
		must(answer->error.reason != NULL &&
		    answer->error.position >= 1 &&
		    answer->error.position < answer->used);
		break;
	case TEXT_MORE:
		must(answer->used == 0 && len < line_max);
		break;
	case TEXT_TOO_LONG:
		must(answer->used == 0 && len >= line_max);
		break;
	}
}

/* The same line in pieces of `step` bytes. */
static void
check_pieces(const uint8_t *bytes, size_t len, size_t line_max, size_t step,
    const struct answer *whole)
{
	static struct request req;
	struct text_parser parser;
	struct answer answer;
	size_t there = 0;
	uint8_t *buf;

	text_parser_init(&parser);
	for (;;) {
		buf = copy_of(bytes, there);
		answer = parse(&parser, buf, there, line_max, &req);
		check_bounds(&answer, buf, there, line_max, &req);
		free(buf);
		if (answer.status != TEXT_MORE || there == len)
			break;
		there = len - there > step ? there + step : len;
	}
	must(answer.status == whole->status && answer.used == whole->used);
	must(answer.error.position == whole->error.position);
}

/* Whoever parses ahead takes the same request, or none. */
static void
check_quick(const uint8_t *bytes, size_t len, const struct answer *answer,
    const struct request *req)
{
	struct slice argv[QUICK_WORDS];
	size_t argc, i, used;

	used = text_quick(bytes, len, argv, QUICK_WORDS, &argc);
	if (used == 0)
		return;
	must(answer->status == TEXT_OK && answer->used == used);
	must(req->argc == argc);
	for (i = 0; i < argc; i++)
		must(argv[i].len == req->argv[i].len &&
		    memcmp(argv[i].data, req->argv[i].data,
		    argv[i].len) == 0);
}

static void
check_plain(const uint8_t *bytes, size_t len, const struct answer *answer,
    const struct request *req)
{
	struct plain plain;
	size_t i;

	if (plain_text(bytes, len, SIZE_MAX, &plain) == 0)
		return;
	must(answer->status == TEXT_OK && answer->used == plain.used);
	must(req->argc == plain.argc);
	for (i = 0; i < plain.argc; i++)
		must(plain.argv[i].len == req->argv[i].len &&
		    plain.argv[i].data == req->argv[i].data);
}

/* Write a request again, read it, and compare. */
static void
check_rewritten(const struct request *req)
{
	static struct request again;
	struct text_parser parser;
	struct answer answer;
	size_t i, len = 1;
	uint8_t *line, *p;

	for (i = 0; i < req->argc; i++)
		len += quote_len(req->argv[i].data, req->argv[i].len) + 1;
	p = line = malloc(len);
	for (i = 0; i < req->argc; i++) {
		p += quote_write(p, req->argv[i].data, req->argv[i].len);
		*p++ = ' ';
	}
	*p++ = '\n';
	must((size_t)(p - line) == len);
	text_parser_init(&parser);
	answer = parse(&parser, line, len, len, &again);
	must(answer.status == TEXT_OK && again.argc == req->argc);
	for (i = 0; i < req->argc; i++)
		must(again.argv[i].len == req->argv[i].len &&
		    memcmp(again.argv[i].data, req->argv[i].data,
		    again.argv[i].len) == 0);
	free(line);
}

static void
check_word(const uint8_t *bytes, size_t len)
{
	size_t n = quote_len(bytes, len), word_len, used;
	uint8_t *text = malloc(n), *word;

	must(quote_write(text, bytes, len) == n);
	must(quote_is_plain(bytes, len) == (n == len));
	must(memchr(text, '\n', n) == NULL);
	must(unquote_word(text, n, &word, &word_len, &used) == UNQUOTE_OK);
	must(used == n && word_len == len);
	must(len == 0 || memcmp(word, bytes, len) == 0);
	free(text);
}

/* The first byte chooses the limit and the pieces, the rest is sent. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct request req;
	struct text_parser parser;
	struct answer answer;
	size_t line_max, step, at;
	uint8_t *buf;

	if (len == 0)
		return 0;
	line_max = bytes[0] < 128 ? SIZE_MAX : bytes[0] - 127U;
	step = bytes[0] % 7 + 1;
	bytes++;
	len--;
	check_word(bytes, len);
	buf = copy_of(bytes, len);
	text_parser_init(&parser);
	for (at = 0;; at += answer.used) {
		answer = parse(&parser, buf + at, len - at, line_max, &req);
		check_bounds(&answer, buf + at, len - at, line_max, &req);
		check_pieces(bytes + at, len - at, line_max, step, &answer);
		check_quick(bytes + at, len - at < line_max ? len - at :
		    line_max, &answer, &req);
		check_plain(buf + at, len - at < line_max ? len - at :
		    line_max, &answer, &req);
		if (answer.status == TEXT_OK && req.argc <= REQUEST_ARGS_MAX)
			check_rewritten(&req);
		if (answer.used == 0)
			break;
	}
	free(buf);
	return 0;
}
