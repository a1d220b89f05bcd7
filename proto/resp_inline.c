/*
 * Inline requests.  Unescaping never makes a word longer, so it is done where
 * the bytes are.
 *
 * What would surprise: a vertical tab or a form feed between words is white
 * space, but does not end one.  Redis has it so, and what its clients send
 * should mean the same here.  Only a NUL differs: it is a byte like any other.
 */

#include <string.h>

#include "proto/quote.h"
#include "proto/resp_inline.h"

/* A line that is taken apart: read at `in', written at `out' <= in. */
struct line {
	uint8_t	*bytes;
	size_t	 len;
	size_t	 in;
	size_t	 out;
};

static bool
ends_word(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* A backslash in double quotes, with at least one byte behind it. */
static void
read_escape(struct line *line)
{
	static const char letters[] = "nrtab", bytes[] = "\n\r\t\a\b";
	const uint8_t *p = line->bytes + line->in;
	int high, low;
	const char *letter;

	if (p[1] == 'x' && line->len - line->in >= 4) {
		high = quote_hex_value(p[2]);
		low = quote_hex_value(p[3]);
		if (high >= 0 && low >= 0) {
			line->bytes[line->out++] = (uint8_t)(high << 4 | low);
			line->in += 4;
			return;
		}
	}
	letter = memchr(letters, p[1], sizeof(letters) - 1);
	line->bytes[line->out++] = letter == NULL ? p[1] :
	    (uint8_t)bytes[letter - letters];
	line->in += 2;
}

static void
read_byte(struct line *line, uint8_t quote)
{
	const uint8_t *p = line->bytes + line->in;

	if (*p == '\\' && line->len - line->in >= 2) {
		if (quote == '"') {
			read_escape(line);
			return;
		}
		if (p[1] == '\'')
			line->in++;
	}
	line->bytes[line->out++] = line->bytes[line->in++];
}

/* From behind the opening quote to behind the closing one. */
static bool
read_quoted(struct line *line, uint8_t quote)
{
	while (line->in < line->len && line->bytes[line->in] != quote)
		read_byte(line, quote);
	if (line->in == line->len)
		return false;
	line->in++;
	return line->in == line->len ||
	    quote_is_space(line->bytes[line->in]);
}

/* A word begins here. */
static bool
read_word(struct line *line, struct slice *word)
{
	size_t start = line->in;
	uint8_t byte = 0;

	for (; line->in < line->len; line->in++) {
		byte = line->bytes[line->in];
		if (ends_word(byte) || byte == '"' || byte == '\'')
			break;
	}
	line->out = line->in;
	if (line->in < line->len && !ends_word(byte)) {
		line->in++;
		if (!read_quoted(line, byte))
			return false;
	}
	word->data = line->bytes + start;
	word->len = line->out - start;
	return true;
}

bool
resp_inline_split(uint8_t *bytes, size_t len, struct request *req)
{
	struct line line = { .bytes = bytes, .len = len };
	struct slice word;

	req->argc = 0;
	for (;;) {
		while (line.in < len && quote_is_space(bytes[line.in]))
			line.in++;
		if (line.in == len)
			return true;
		if (!read_word(&line, &word))
			return false;
		if (req->argc < REQUEST_ARGS_MAX)
			req->argv[req->argc] = word;
		req->argc++;
	}
}
