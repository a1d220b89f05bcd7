/*
 * Words with any bytes in them, on a wire made of lines and spaces.
 *
 * Invariants: what quote_write() writes is one word without white space
 * outside its quotes and without a line end anywhere, and unquote_word()
 * gives back the same bytes; unescaping never makes a word longer, so it is
 * done where the bytes are.
 *
 * What would surprise: the two sides are not symmetrical.  We write little
 * (what people can read and paste), and read what people type: a control byte
 * or a quote in the middle of a plain word is an ordinary byte.
 *
 * Nearly all words are plain, so what finds this out takes a block of bytes at
 * a time, as a vector, and asks once at the end whether there was anything
 * special; if so, it is left to the loop that looks at each byte.
 */

#include <string.h>

#include "proto/quote.h"

#define BLOCK	16

/*
 * Inside quotes: the letter to write after a backslash, 'x' for \xHH, or 0
 * for a byte that stands for itself.
 */
static const char escape_letter[256] = {
	'0', 'x', 'x', 'x', 'x', 'x', 'x', 'a',
	'b', 't', 'n', 'v', 'f', 'r', 'x', 'x',
	'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x',
	'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x',
	['"'] = '"', ['\\'] = '\\', [0x7f] = 'x'
};

/* The way back: simple_bytes[i] is meant by a backslash and letters[i]. */
static const char simple_letters[] = "\"\\'?abfnrtv0";
static const uint8_t simple_bytes[] = "\"\\'?\a\b\f\n\r\t\v";

static bool
needs_quotes(uint8_t byte)
{
	return (byte <= ' ') | (byte == '"') | (byte == 0x7f);
}

/* The same of a block of bytes, each of which is all ones or all zeros then. */
typedef uint8_t block __attribute__((vector_size(BLOCK)));
typedef int8_t block_mask __attribute__((vector_size(BLOCK)));

static inline block_mask
special_of(const uint8_t *p)
{
	block b;

	memcpy(&b, p, BLOCK);
	return (b <= ' ') | (b == '"') | (b == 0x7f);
}

bool
quote_is_plain(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint64_t any[BLOCK / 8] = { 0 };
	block_mask special;
	size_t i;

	if (len < BLOCK) {
		for (i = 0; i < len; i++)
			any[0] |= needs_quotes(p[i]);
		return len > 0 && any[0] == 0;
	}
	special = special_of(p + len - BLOCK);
	for (i = 0; i < len - BLOCK; i += BLOCK)
		special |= special_of(p + i);
	memcpy(any, &special, BLOCK);
	return (any[0] | any[1]) == 0;
}

size_t
quote_len(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	size_t i, n = len + 2;

	if (quote_is_plain(bytes, len))
		return len;
	for (i = 0; i < len; i++)
		if (escape_letter[p[i]] != 0)
			n += escape_letter[p[i]] == 'x' ? 3 : 1;
	return n;
}

static uint8_t *
write_escape(uint8_t *out, uint8_t byte)
{
	static const char digits[] = "0123456789abcdef";

	*out++ = '\\';
	*out++ = (uint8_t)escape_letter[byte];
	if (escape_letter[byte] == 'x') {
		*out++ = (uint8_t)digits[byte >> 4];
		*out++ = (uint8_t)digits[byte & 0xf];
	}
	return out;
}

size_t
quote_write(uint8_t *out, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint8_t *start = out;
	size_t i;

	if (quote_is_plain(bytes, len)) {
		memcpy(out, bytes, len);
		return len;
	}
	*out++ = '"';
	for (i = 0; i < len; i++) {
		if (escape_letter[p[i]] != 0)
			out = write_escape(out, p[i]);
		else
			*out++ = p[i];
	}
	*out++ = '"';
	return (size_t)(out - start);
}

int
quote_hex_value(uint8_t digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/*
 * The escape at p, which begins with a backslash: its byte, and its length in
 * *used.  One that is cut off by the end is no bad escape but a word without
 * its closing quote.
 */
static enum unquote_status
read_escape(const uint8_t *p, size_t len, uint8_t *byte, size_t *used)
{
	const char *letter;
	int high, low;

	if (len < 2)
		return UNQUOTE_UNBALANCED;
	if (p[1] != 'x') {
		letter = memchr(simple_letters, p[1],
		    sizeof(simple_letters) - 1);
		if (letter == NULL)
			return UNQUOTE_BAD_ESCAPE;
		*byte = simple_bytes[letter - simple_letters];
		*used = 2;
		return UNQUOTE_OK;
	}
	high = len > 2 ? quote_hex_value(p[2]) : 0;
	low = len > 3 ? quote_hex_value(p[3]) : 0;
	if (high < 0 || low < 0)
		return UNQUOTE_BAD_ESCAPE;
	if (len < 4)
		return UNQUOTE_UNBALANCED;
	*byte = (uint8_t)(high << 4 | low);
	*used = 4;
	return UNQUOTE_OK;
}

/*
 * Unescape from `at`, the first backslash, to the closing quote.  *end
 * becomes the end of the bytes, *used the offset after the quote, or of what
 * is wrong.
 */
static enum unquote_status
unescape(uint8_t *buf, size_t len, size_t at, size_t *end, size_t *used)
{
	enum unquote_status status;
	size_t out = at, n;

	*used = 0;
	while (at < len && buf[at] != '"') {
		if (buf[at] != '\\') {
			buf[out++] = buf[at++];
			continue;
		}
		status = read_escape(buf + at, len - at, &buf[out], &n);
		if (status != UNQUOTE_OK) {
			if (status == UNQUOTE_BAD_ESCAPE)
				*used = at;
			return status;
		}
		out++;
		at += n;
	}
	if (at == len)
		return UNQUOTE_UNBALANCED;
	*end = out;
	*used = at + 1;
	return UNQUOTE_OK;
}

/* A word without a backslash, the common case, is left where it is. */
static enum unquote_status
unquote_quoted(uint8_t *buf, size_t len, uint8_t **word, size_t *word_len,
    size_t *used)
{
	const uint8_t *quote = memchr(buf + 1, '"', len - 1), *backslash;
	enum unquote_status status;
	size_t end;

	*used = 0;
	if (quote == NULL)
		return UNQUOTE_UNBALANCED;
	end = (size_t)(quote - buf);
	backslash = memchr(buf + 1, '\\', end - 1);
	if (backslash == NULL) {
		*used = end + 1;
	} else {
		status = unescape(buf, len, (size_t)(backslash - buf), &end,
		    used);
		if (status != UNQUOTE_OK)
			return status;
	}
	if (*used < len && !quote_is_space(buf[*used]))
		return UNQUOTE_TRAILING;
	*word = buf + 1;
	*word_len = end - 1;
	return UNQUOTE_OK;
}

enum unquote_status
unquote_word(uint8_t *buf, size_t len, uint8_t **word, size_t *word_len,
    size_t *used)
{
	if (buf[0] == '"')
		return unquote_quoted(buf, len, word, word_len, used);
	*word = buf;
	*word_len = *used = quote_plain_run(buf, len);
	return UNQUOTE_OK;
}
