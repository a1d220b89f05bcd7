/*
 * Making text harmless.  UTF-8 is checked as the Unicode standard has it
 * (table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF), for
 * a lenient reader further on might see a line end in an overlong form.
 */
#include "server/log_escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool
is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/*
 * Length of the character that p begins with and its code point, or 0 if it
 * is not valid.  The NUL at the end is never passed, being no tail.
 */
static size_t
decode(const unsigned char *p, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len, i;

	if (*p < 0x80)
		len = 1;
	else if ((*p & 0xe0) == 0xc0)
		len = 2;
	else if ((*p & 0xf0) == 0xe0)
		len = 3;
	else if ((*p & 0xf8) == 0xf0)
		len = 4;
	else
		return 0;
	*code = len == 1 ? *p : *p & (0x7fU >> len);
	for (i = 1; i < len; i++) {
		if (!is_tail(p[i]))
			return 0;
		*code = *code << 6 | (p[i] & 0x3fU);
	}
	if (*code < least[len] || *code > 0x10ffff ||
	    (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return len;
}

static bool
is_harmless(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return false;
	return !(code >= 0x2028 && code <= 0x202e) &&	/* breaks, bidi */
	    !(code >= 0x2066 && code <= 0x2069) &&	/* bidi isolates */
	    code != 0xfeff;				/* invisible */
}

void
log_escape(char *out, size_t size, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t used = 0, cut = 0, len, i;
	char piece[4 * 4 + 1];
	uint32_t code = 0;

	while (*p != '\0') {
		len = decode(p, &code);
		if (len > 0 && is_harmless(code)) {
			memcpy(piece, p, len);
			piece[len] = '\0';
		} else {
			len = len == 0 ? 1 : len;
			for (i = 0; i < len; i++)
				snprintf(piece + 4 * i, 5, "\\x%02x", p[i]);
		}
		if (used + strlen(piece) >= size) {
			strlcpy(out + cut, "...", size - cut);
			return;
		}
		strlcpy(out + used, piece, size - used);
		used += strlen(piece);
		if (used + sizeof("...") <= size)
			cut = used;
		p += len;
	}
	out[used] = '\0';
}
