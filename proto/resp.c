/*
 * RESP into requests.
 *
 *	*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n
 *	      ^ at   ^                      scanned is where the search for the
 *	             at, awaiting 6         end of a header's line goes on
 *
 * A word's bytes are stepped over, whatever they are, and so are the two
 * behind them.  The line end of a header is a CR and any byte.  Both are as
 * Redis does it; clients have been found that rely on less.
 *
 * What a connection keeps between two pieces is five numbers.  It does not
 * keep where the words are: that would be 256 KiB for each client that stops
 * in the middle of a request, or an allocation.  Instead the request's array
 * is filled as words are found, which is all there is to do for a request
 * that came in one piece, as nearly all do.  Of one that came in several,
 * the headers of the words found before the last piece are read again at the
 * end, once: so a request costs no more than twice its headers, in however
 * many pieces it comes.
 *
 * Nothing is allocated for what a header announces, so a large number is no
 * attack; but it is refused at once if it cannot be true.
 */

#include <stdio.h>
#include <string.h>

#include "proto/number.h"
#include "proto/resp.h"
#include "proto/resp_inline.h"
#include "proto/resp_quick.h"

#define LINE_END	((size_t)2)	/* "\r\n" */

/* What there is to be parsed, and what to say of it. */
struct input {
	uint8_t				*bytes;
	size_t				 len;	/* at most request_max */
	const struct resp_limits	*limits;
	struct resp_error		*error;
};

void
resp_parser_init(struct resp_parser *parser)
{
	memset(parser, 0, sizeof(*parser));
}

static enum resp_status
bad(const struct input *in, const char *reason)
{
	snprintf(in->error->reason, sizeof(in->error->reason),
	    "Protocol error: %s", reason);
	return RESP_BAD;
}

/* The byte is shown as it is, as long as the reason stays a line. */
static enum resp_status
bad_byte(const struct input *in, uint8_t got)
{
	bool ends = got == '\0' || got == '\r' || got == '\n';

	snprintf(in->error->reason, sizeof(in->error->reason),
	    "Protocol error: expected '$', got '%c'", ends ? ' ' : got);
	return RESP_BAD;
}

static enum resp_status
more(const struct input *in)
{
	return in->len < in->limits->request_max ? RESP_MORE :
	    bad(in, "too big request");
}

/*
 * The line that begins at parser->at, up to this end, which comes after at
 * most RESP_LINE_MAX bytes.
 */
static enum resp_status
find_line(struct resp_parser *parser, const struct input *in, char end,
    const char *too_long, struct slice *line)
{
	size_t limit = in->len;
	const uint8_t *found = NULL;

	*line = (struct slice){ in->bytes + parser->at, 0 };
	if (limit - parser->at > RESP_LINE_MAX)
		limit = parser->at + RESP_LINE_MAX + 1;
	if (limit > parser->scanned)
		found = memchr(in->bytes + parser->scanned, end,
		    limit - parser->scanned);
	if (found == NULL) {
		parser->scanned = limit;
		return limit - parser->at > RESP_LINE_MAX ?
		    bad(in, too_long) : more(in);
	}
	line->len = (size_t)(found - line->data);
	return RESP_OK;
}

/* "*3" or "$12": its line, which is gone past. */
static enum resp_status
find_header(struct resp_parser *parser, const struct input *in,
    const char *too_long, struct slice *line)
{
	enum resp_status status;

	status = find_line(parser, in, '\r', too_long, line);
	if (status != RESP_OK)
		return status;
	if (parser->at + line->len + LINE_END > in->len) {
		parser->scanned = parser->at + line->len;
		return more(in);
	}
	parser->scanned = parser->at += line->len + LINE_END;
	return RESP_OK;
}

/* The number behind the first byte of a header. */
static bool
header_number(struct slice line, int64_t *number)
{
	line.data++;
	line.len--;
	return number_parse_int(line, number);
}

static enum resp_status
read_count(struct resp_parser *parser, const struct input *in)
{
	enum resp_status status;
	struct slice line;
	int64_t count;

	status = find_header(parser, in, "too big mbulk count string", &line);
	if (status != RESP_OK)
		return status;
	if (!header_number(line, &count) || count > RESP_WORDS_MAX)
		return bad(in, "invalid multibulk length");
	if (count > RESP_STRANGER_WORDS && !in->limits->is_trusted)
		return bad(in, "unauthenticated multibulk length");
	if (count <= 0)
		return RESP_EMPTY;
	parser->expected = (size_t)count;
	return RESP_OK;
}

static enum resp_status
read_length(struct resp_parser *parser, const struct input *in)
{
	enum resp_status status;
	struct slice line;
	int64_t len;

	status = find_header(parser, in, "too big bulk count string", &line);
	if (status != RESP_OK)
		return status;
	/* An empty line has its CR there. */
	if (line.data[0] != '$')
		return bad_byte(in, line.data[0]);
	if (!header_number(line, &len) || len < 0 ||
	    (uint64_t)len > in->limits->word_max)
		return bad(in, "invalid bulk length");
	if (len > RESP_STRANGER_WORD && !in->limits->is_trusted)
		return bad(in, "unauthenticated bulk length");
	parser->awaited = (size_t)len + LINE_END;
	if (parser->awaited > in->limits->request_max - parser->at)
		return bad(in, "too big request");
	return RESP_OK;
}

static void
keep_word(struct request *req, size_t word, const uint8_t *data, size_t len)
{
	if (word >= REQUEST_ARGS_MAX)
		return;
	req->argv[word].data = data;
	req->argv[word].len = len;
}

/* The first words once more; their headers are known to be sound. */
static void
reread_words(const struct input *in, struct request *req, size_t words)
{
	struct resp_parser again;
	struct slice line;
	int64_t len = 0;
	size_t i;

	if (words == 0)
		return;
	resp_parser_init(&again);
	(void)find_header(&again, in, "", &line);
	for (i = 0; i < words && i < REQUEST_ARGS_MAX &&
	    find_header(&again, in, "", &line) == RESP_OK &&
	    header_number(line, &len); i++) {
		keep_word(req, i, in->bytes + again.at, (size_t)len);
		again.scanned = again.at += (size_t)len + LINE_END;
	}
}

static enum resp_status
parse_words(struct resp_parser *parser, const struct input *in,
    struct request *req)
{
	size_t before = parser->words;
	enum resp_status status;

	if (parser->expected == 0 &&
	    (status = read_count(parser, in)) != RESP_OK)
		return status;
	for (; parser->words < parser->expected; parser->words++) {
		if (parser->awaited == 0 &&
		    (status = read_length(parser, in)) != RESP_OK)
			return status;
		if (in->len - parser->at < parser->awaited)
			return RESP_MORE;
		keep_word(req, parser->words, in->bytes + parser->at,
		    parser->awaited - LINE_END);
		parser->scanned = parser->at += parser->awaited;
		parser->awaited = 0;
	}
	reread_words(in, req, before);
	req->argc = parser->words;
	return RESP_OK;
}

static enum resp_status
parse_line(struct resp_parser *parser, const struct input *in,
    struct request *req)
{
	enum resp_status status;
	struct slice line;

	status = find_line(parser, in, '\n', "too big inline request", &line);
	if (status != RESP_OK)
		return status;
	parser->at = line.len + 1;
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	if (!resp_inline_split(in->bytes, line.len, req))
		return bad(in, "unbalanced quotes in request");
	return req->argc > 0 ? RESP_OK : RESP_EMPTY;
}

enum resp_status
resp_parse(struct resp_parser *parser, uint8_t *buf, size_t len,
    const struct resp_limits *limits, struct request *req,
    struct resp_error *error, size_t *used)
{
	struct input in = { .limits = limits, .error = error };
	enum resp_status status;

	*used = 0;
	in.bytes = buf;
	in.len = len < limits->request_max ? len : limits->request_max;
	if (in.len == 0)
		return more(&in);
	if (parser->at == 0 && parser->scanned == 0 && limits->is_trusted &&
	    (*used = resp_quick(buf, in.len, limits->word_max, req->argv,
	    REQUEST_ARGS_MAX, &req->argc)) > 0)
		return RESP_OK;
	if (buf[0] == '*')
		status = parse_words(parser, &in, req);
	else
		status = parse_line(parser, &in, req);
	if (status == RESP_OK || status == RESP_EMPTY) {
		*used = parser->at;
		resp_parser_init(parser);
	}
	return status;
}
