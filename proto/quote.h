#ifndef KVD_PROTO_QUOTE_H
#define KVD_PROTO_QUOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/little.h"

/*
 * Words and their quoting, one grammar for both directions, specified in
 * kvd-protocol(7).
 *
 * Written: a plain word is one or more bytes 0x21..0x7e and 0x80..0xff,
 * without a double quote, as it is.  Anything else (empty, white space,
 * control bytes, a double quote) is written "..." with the escapes
 * \" \\ \n \r \t \a \b \f \v \0 \xHH.
 *
 * Read: a word that does not begin with a double quote is any run of bytes
 * other than white space.  In a quoted word \' and \? are understood as well,
 * as in C, and all bytes but \ and " stand for themselves.  \0 is one NUL
 * whatever follows, there are no octal escapes; \x takes two digits exactly.
 *
 * All functions are pure and safe from any thread.
 */

/* White space: what separates words, and what a line ends in. */
static inline bool
quote_is_space(uint8_t byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* What a hexadecimal digit is worth; -1 if it is none. */
int quote_hex_value(uint8_t digit);

/*
 * Where the first of the low `n' bytes that is a space or less is; n if none
 * is.  A byte from which 0x21 cannot be taken borrows from those above it, so
 * only the lowest of those found is sure to be one.
 */
static inline size_t
quote_first_low(uint64_t bytes, size_t n)
{
	const uint64_t each = UINT64_C(0x0101010101010101);
	uint64_t low = (bytes - each * 0x21) & ~bytes & each * 0x80;
	size_t i = low == 0 ? 8 : (size_t)__builtin_ctzll(low) / 8;

	return i < n ? i : n;
}

/* How many bytes there are before the first white space, or in all. */
static inline size_t
quote_plain_run(const uint8_t *p, size_t len)
{
	size_t i = 0, n, low;

	while (i < len) {
		n = len - i < 8 ? len - i : 8;
		low = quote_first_low(little_get_few(p + i, n), n);
		i += low;
		if (low == n)
			continue;
		if (quote_is_space(p[i]))
			break;
		i++;
	}
	return i;
}

/* True if the bytes can be written as they are. */
bool quote_is_plain(const void *, size_t len);

/* Length of the written form, quotes included; len itself if plain. */
size_t quote_len(const void *, size_t len);

/*
 * Write the written form to out, which has quote_len() bytes of room and
 * does not overlap the bytes.  Returns quote_len().
 */
size_t quote_write(uint8_t *out, const void *, size_t len);

enum unquote_status {
	UNQUOTE_OK,
	UNQUOTE_UNBALANCED,	/* no closing quote; at the opening one */
	UNQUOTE_BAD_ESCAPE,	/* unknown escape, or \x without two digits;
				 * at the backslash */
	UNQUOTE_TRAILING	/* something glued to the closing quote */
};

/*
 * Read one word at the start of buf (len > 0, no leading white space),
 * quoted or plain, unescaping in place.  *word and *word_len become its
 * bytes, inside buf; *used the bytes consumed, what follows is white space or
 * the end.  Only the bytes consumed are ever written to.  On failure *used is
 * the offset of the offending byte, and the bytes of buf are not to be used.
 */
enum unquote_status unquote_word(uint8_t *buf, size_t len, uint8_t **word,
    size_t *word_len, size_t *used);

#endif
