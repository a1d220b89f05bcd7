/*
 * As much of four protocols as answers what is asked here.  Lines end in CRLF
 * in all of them, which we insist on; a value in text is a plain word, since
 * those that we write are.
 */

#include <string.h>

#include "tests/bench/load_protocol.h"

#define LINE_MAX_BYTES	4096
#define VALUE_MAX_BYTES	(UINT64_C(1) << 30)

struct input {
	const char	*data;
	size_t		 len;
	size_t		 at;
};

struct line {
	const char	*data;
	size_t		 len;		/* without CRLF */
};

static enum load_parse
take_line(struct input *in, struct line *line)
{
	const char *begin = in->data + in->at, *end;

	end = memchr(begin, '\n', in->len - in->at);
	if (end == NULL)
		return in->len - in->at > LINE_MAX_BYTES ? PARSE_BAD :
		    PARSE_MORE;
	if (end == begin || end[-1] != '\r')
		return PARSE_BAD;
	*line = (struct line){ begin, (size_t)(end - begin) - 1 };
	in->at += line->len + 2;
	return PARSE_OK;
}

static bool
is(const struct line *line, const char *text)
{
	return line->len == strlen(text) &&
	    memcmp(line->data, text, line->len) == 0;
}

static bool
begins(const struct line *line, const char *text)
{
	return line->len >= strlen(text) &&
	    memcmp(line->data, text, strlen(text)) == 0;
}

static enum load_parse
give(struct load_reply *reply, enum load_kind kind, const char *data,
    size_t len)
{
	*reply = (struct load_reply){ .kind = kind, .data = data, .len = len };
	return PARSE_OK;
}

static bool
parse_number(const char *data, size_t len, uint64_t *n)
{
	size_t i;

	*n = 0;
	for (i = 0; i < len; i++) {
		if (data[i] < '0' || data[i] > '9' || i == 19)
			return false;
		*n = *n * 10 + (uint64_t)(data[i] - '0');
	}
	return len > 0;
}

/* So many bytes and CRLF. */
static enum load_parse
take_value(struct input *in, uint64_t n, struct load_reply *reply)
{
	const char *data = in->data + in->at;

	if (n > VALUE_MAX_BYTES)
		return PARSE_BAD;
	if (in->len - in->at < n + 2)
		return PARSE_MORE;
	if (data[n] != '\r' || data[n + 1] != '\n')
		return PARSE_BAD;
	in->at += n + 2;
	return give(reply, REPLY_VALUE, data, n);
}

static bool
is_text_error(const struct line *line)
{
	return begins(line, "ERROR") || is(line, "NOT FOUND") ||
	    is(line, "UNKNOWN COMMAND");
}

/* A value's line and OK; a missing key's line is empty. */
static enum load_parse
parse_text(struct input *in, bool reads, struct load_reply *reply)
{
	struct line line, ok;
	enum load_parse parse = take_line(in, &line);

	if (parse != PARSE_OK)
		return parse;
	if (is_text_error(&line))
		return give(reply, REPLY_ERROR, line.data, line.len);
	if (!reads)
		return give(reply, REPLY_WORD, line.data, line.len);
	if ((parse = take_line(in, &ok)) != PARSE_OK)
		return parse;
	if (!is(&ok, "OK"))
		return PARSE_BAD;
	return give(reply, line.len == 0 ? REPLY_MISSING : REPLY_VALUE,
	    line.data, line.len);
}

static enum load_parse
parse_resp(struct input *in, struct load_reply *reply)
{
	struct line line;
	enum load_parse parse = take_line(in, &line);
	uint64_t n;

	if (parse != PARSE_OK)
		return parse;
	if (line.len == 0)
		return PARSE_BAD;
	if (is(&line, "$-1"))
		return give(reply, REPLY_MISSING, line.data, 0);
	switch (line.data[0]) {
	case '+':
		return give(reply, REPLY_WORD, line.data + 1, line.len - 1);
	case '-':
		return give(reply, REPLY_ERROR, line.data + 1, line.len - 1);
	case ':':
		give(reply, REPLY_NUMBER, line.data + 1, line.len - 1);
		return parse_number(line.data + 1, line.len - 1,
		    &reply->number) ? PARSE_OK : PARSE_BAD;
	case '$':
		return parse_number(line.data + 1, line.len - 1, &n) ?
		    take_value(in, n, reply) : PARSE_BAD;
	}
	return PARSE_BAD;
}

/* VALUE key flags bytes, the value, and END; for us one value at most. */
static enum load_parse
parse_memcached(struct input *in, struct load_reply *reply)
{
	struct line line, end;
	enum load_parse parse = take_line(in, &line);
	const char *last;
	uint64_t n;

	if (parse != PARSE_OK)
		return parse;
	if (is(&line, "END"))
		return give(reply, REPLY_MISSING, line.data, 0);
	if (begins(&line, "ERROR") || begins(&line, "CLIENT_ERROR") ||
	    begins(&line, "SERVER_ERROR"))
		return give(reply, REPLY_ERROR, line.data, line.len);
	if (!begins(&line, "VALUE "))
		return give(reply, REPLY_WORD, line.data, line.len);
	last = (const char *)memrchr(line.data, ' ', line.len) + 1;
	if (!parse_number(last, (size_t)(line.data + line.len - last), &n))
		return PARSE_BAD;
	if ((parse = take_value(in, n, reply)) != PARSE_OK ||
	    (parse = take_line(in, &end)) != PARSE_OK)
		return parse;
	return is(&end, "END") ? PARSE_OK : PARSE_BAD;
}

static enum load_parse
parse_floor(struct input *in, struct load_reply *reply)
{
	if (in->len < FLOOR_REPLY)
		return PARSE_MORE;
	in->at = FLOOR_REPLY;
	return give(reply, REPLY_WORD, in->data, FLOOR_REPLY);
}

enum load_parse
load_reply_parse(enum load_syntax syntax, bool reads, const char *data,
    size_t len, size_t *used, struct load_reply *reply)
{
	struct input in = { .data = data, .len = len };
	enum load_parse parse = PARSE_BAD;

	switch (syntax) {
	case SYNTAX_TEXT:
		parse = parse_text(&in, reads, reply);
		break;
	case SYNTAX_RESP:
		parse = parse_resp(&in, reply);
		break;
	case SYNTAX_MEMCACHED:
		parse = parse_memcached(&in, reply);
		break;
	case SYNTAX_FLOOR:
		parse = parse_floor(&in, reply);
		break;
	}
	*used = in.at;
	return parse;
}
