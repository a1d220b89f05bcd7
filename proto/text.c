/*
 * Lines into requests.  A line is looked for first and taken apart once it is
 * whole: nothing is kept between calls but how far the line end was looked
 * for, so that a request cut into single bytes costs no more than one in a
 * single piece, and a half line can never be executed.
 *
 * A CR is white space anywhere in a line, so the one of a CRLF needs no care
 * but for lines that are cut short inside quotes: it is taken off in order
 * that they get the same answer whichever way they end.
 */

#include <string.h>

#include "proto/quote.h"
#include "proto/text.h"

void
text_parser_init(struct text_parser *parser)
{
	parser->scanned = 0;
}

static const char *const reasons[] = {
	[UNQUOTE_UNBALANCED] = "unbalanced quote",
	[UNQUOTE_BAD_ESCAPE] = "bad escape",
	[UNQUOTE_TRAILING] = "no space after closing quote"
};

/*
 * The words of a line.  Those beyond the last place in argv are read as well:
 * how many there are, and whether they are sound, is part of the answer.
 */
static enum text_status
parse_words(uint8_t *line, size_t len, struct request *req,
    struct text_error *error)
{
	enum unquote_status status;
	size_t at = 0, used, word_len;
	uint8_t *word;

	req->argc = 0;
	for (;;) {
		while (at < len && quote_is_space(line[at]))
			at++;
		if (at == len)
			return req->argc > 0 ? TEXT_OK : TEXT_EMPTY;
		status = unquote_word(line + at, len - at, &word, &word_len,
		    &used);
		at += used;
		if (status != UNQUOTE_OK) {
			error->reason = reasons[status];
			error->position = at + 1;
			return TEXT_BAD;
		}
		if (req->argc < REQUEST_ARGS_MAX) {
			req->argv[req->argc].data = word;
			req->argv[req->argc].len = word_len;
		}
		req->argc++;
	}
}

size_t
text_quick(const uint8_t *buf, size_t len, struct slice *argv,
    size_t argv_max, size_t *argc)
{
	const uint8_t *end = memchr(buf, '\n', len);
	size_t at = 0, n = 0, line_len, word_len;

	if (end == NULL)
		return 0;
	line_len = (size_t)(end - buf);
	for (;;) {
		while (at < line_len && quote_is_space(buf[at]))
			at++;
		if (at == line_len)
			break;
		if (buf[at] == '"' || n == argv_max)
			return 0;
		word_len = quote_plain_run(buf + at, line_len - at);
		argv[n++] = (struct slice){ buf + at, word_len };
		at += word_len;
	}
	*argc = n;
	return n > 0 ? line_len + 1 : 0;
}

enum text_status
text_parse(struct text_parser *parser, uint8_t *buf, size_t len,
    size_t line_max, struct request *req, struct text_error *error,
    size_t *used)
{
	size_t limit = len < line_max ? len : line_max, line_len;
	const uint8_t *end = NULL;

	/* Nearly all lines are there as a whole, and plain. */
	if (parser->scanned == 0 && (*used = text_quick(buf, limit, req->argv,
	    REQUEST_ARGS_MAX, &req->argc)) > 0)
		return TEXT_OK;
	*used = 0;
	if (limit > parser->scanned)
		end = memchr(buf + parser->scanned, '\n',
		    limit - parser->scanned);
	if (end == NULL) {
		parser->scanned = limit;
		return len < line_max ? TEXT_MORE : TEXT_TOO_LONG;
	}
	parser->scanned = 0;
	line_len = (size_t)(end - buf);
	*used = line_len + 1;
	if (line_len > 0 && buf[line_len - 1] == '\r')
		line_len--;
	return parse_words(buf, line_len, req, error);
}
