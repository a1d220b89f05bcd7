/*
 * Requests that are recognised by how they begin.  The fixed part of one, up
 * to its first word that varies, is compared as a machine word or two; where
 * that fits, only lengths or ends of words are left to find.  So to see that
 * it is none of these takes a dozen instructions, and whatever is unusual may
 * be left to others without a thought of what it is.
 */

#include "proto/plain.h"

#include <stdbool.h>
#include <string.h>

#include "proto/little.h"

#define FOUR(a, b, c, d)						\
	((uint64_t)(a) | (uint64_t)(b) << 8 | (uint64_t)(c) << 16 |	\
	(uint64_t)(d) << 24)
#define EIGHT(a, b, c, d, e, f, g, h)					\
	(FOUR(a, b, c, d) | FOUR(e, f, g, h) << 32)

/* Without the bit that makes a letter a small one. */
#define LETTERS_3	FOUR(0xdf, 0xdf, 0xdf, 0)
#define LETTERS_4	FOUR(0xdf, 0xdf, 0xdf, 0xdf)

#define ONES		UINT64_C(0x0101010101010101)
#define TOPS		UINT64_C(0x8080808080808080)

/* --- lines --- */

#define VERB_LEN	3U

/*
 * Up to a space or anything below it, eight bytes at a time.  A byte from
 * which 0x21 cannot be taken borrows from those above it, so only the lowest
 * of those found is sure to be one.
 */
static inline const uint8_t *
end_of_word(const uint8_t *p, const uint8_t *end)
{
	uint64_t bytes, low;

	for (; end - p >= 8; p += 8) {
		bytes = little_get_few(p, 8);
		low = (bytes - '!' * ONES) & ~bytes & TOPS;
		if (low != 0)
			return p + __builtin_ctzll(low) / 8;
	}
	while (p != end && *p > ' ')
		p++;
	return p;
}

/* Returns what follows, which is there; NULL: no plain word, or no end. */
static inline const uint8_t *
take_line_word(const uint8_t *p, const uint8_t *end, size_t word_max,
    struct slice *word)
{
	const uint8_t *stop = end_of_word(p, end);

	*word = (struct slice){ p, (size_t)(stop - p) };
	return stop == end || stop == p || *p == '"' || word->len > word_max ?
	    NULL : stop;
}

/* That many words, verb and all, and the end of the line. */
static inline __attribute__((always_inline)) size_t
take_line(const uint8_t *buf, const uint8_t *end, size_t word_max, size_t argc,
    struct plain *plain)
{
	const uint8_t *p = buf + VERB_LEN;
	size_t i;

	plain->argc = argc;
	plain->argv[0] = (struct slice){ buf, VERB_LEN };
#pragma GCC unroll 4
	for (i = 1; i < argc; i++)
		if (*p != ' ' || (p = take_line_word(p + 1, end, word_max,
		    &plain->argv[i])) == NULL)
			return 0;
	if (*p == '\r' && ++p == end)
		return 0;
	plain->used = (size_t)(p + 1 - buf);
	return *p == '\n' ? plain->used : 0;
}

size_t
plain_text(const uint8_t *buf, size_t len, size_t word_max,
    struct plain *plain)
{
	if (len <= VERB_LEN)
		return 0;
	switch (little_get_few(buf, 4) & (LETTERS_3 | 0xff000000)) {
	case FOUR('G', 'E', 'T', ' '):
		plain->kind = PLAIN_GET;
		return take_line(buf, buf + len, word_max, 3, plain);
	case FOUR('P', 'U', 'T', ' '):
		plain->kind = PLAIN_PUT;
		return take_line(buf, buf + len, word_max, 4, plain);
	default:
		return 0;
	}
}

/* --- RESP --- */

#define HEAD_LEN	8U	/* "*3\r\n$4\r\n" */
#define DIGITS_MAX	4U
#define WORD_MIN	7	/* "$1\r\nx\r\n" */

/* "$", digits, and the end of the line.  Returns what follows, or NULL. */
static const uint8_t *
take_digits(const uint8_t *p, size_t *number)
{
	size_t n = 0, i, digit;

	if (*p++ != '$' || *p == '0')
		return NULL;
	for (i = 0; i < DIGITS_MAX && (digit = (size_t)p[i] - '0') <= 9; i++)
		n = n * 10 + digit;
	*number = n;
	return i > 0 && p[i] == '\r' && p[i + 1] == '\n' ? p + i + 2 : NULL;
}

/*
 * The same; nearly all lengths have one digit or two.  The byte before it is
 * there too, so that eight are.
 */
static inline const uint8_t *
take_length(const uint8_t *p, size_t *number)
{
	uint64_t bytes = little_get_few(p - 1, 8);
	uint64_t one = (bytes >> 16 & 0xff) - '0';
	uint64_t two = (bytes >> 24 & 0xff) - '0';

	if ((bytes & EIGHT(0, 0xff, 0, 0xff, 0xff, 0, 0, 0)) ==
	    EIGHT(0, '$', 0, '\r', '\n', 0, 0, 0) && one <= 9) {
		*number = one;
		return p + 4;
	}
	if ((bytes & EIGHT(0, 0xff, 0, 0, 0xff, 0xff, 0, 0)) ==
	    EIGHT(0, '$', 0, 0, '\r', '\n', 0, 0) && one - 1 < 9 && two <= 9) {
		*number = one * 10 + two;
		return p + 5;
	}
	return take_digits(p, number);
}

/*
 * "$12\r\n", that many bytes, and two more, which nobody looks at.  Returns
 * what follows, or NULL.
 */
static inline const uint8_t *
take_word(const uint8_t *p, const uint8_t *end, size_t word_max,
    struct slice *word)
{
	size_t n;

	if (end - p < WORD_MIN || (p = take_length(p, &n)) == NULL ||
	    n > word_max || (size_t)(end - p) < n + 2)
		return NULL;
	*word = (struct slice){ p, n };
	return p + n + 2;
}

/* A verb of that many letters, and the end of its line. */
static inline bool
is_verb(const uint8_t *p, uint64_t verb, uint64_t letters, unsigned len)
{
	uint64_t line = FOUR('\r', '\n', 0, 0) << len * 8;
	uint64_t mask = letters | FOUR(0xff, 0xff, 0, 0) << len * 8;

	return (little_get_few(p, 8) & mask) == (verb | line);
}

/* That many words, verb and all. */
static inline __attribute__((always_inline)) size_t
take_words(const uint8_t *buf, const uint8_t *end, size_t word_max,
    size_t argc, size_t verb_len, struct plain *plain)
{
	const uint8_t *p = buf + HEAD_LEN + verb_len + 2;
	size_t i;

	plain->argc = argc;
	plain->argv[0] = (struct slice){ buf + HEAD_LEN, verb_len };
#pragma GCC unroll 4
	for (i = 1; i < argc; i++)
		if ((p = take_word(p, end, word_max, &plain->argv[i])) == NULL)
			return 0;
	plain->used = (size_t)(p - buf);
	return plain->used;
}

size_t
plain_resp(const uint8_t *buf, size_t len, size_t word_max,
    struct plain *plain)
{
	const uint8_t *verb = buf + HEAD_LEN, *end = buf + len;

	if (len < HEAD_LEN + 8)
		return 0;
	switch (little_get_few(buf, HEAD_LEN)) {
	case EIGHT('*', '3', '\r', '\n', '$', '4', '\r', '\n'):
		plain->kind = PLAIN_HGET;
		return is_verb(verb, FOUR('H', 'G', 'E', 'T'), LETTERS_4, 4) ?
		    take_words(buf, end, word_max, 3, 4, plain) : 0;
	case EIGHT('*', '4', '\r', '\n', '$', '4', '\r', '\n'):
		plain->kind = PLAIN_HSET;
		return is_verb(verb, FOUR('H', 'S', 'E', 'T'), LETTERS_4, 4) ?
		    take_words(buf, end, word_max, 4, 4, plain) : 0;
	case EIGHT('*', '2', '\r', '\n', '$', '3', '\r', '\n'):
		plain->kind = PLAIN_STRING_GET;
		return is_verb(verb, FOUR('G', 'E', 'T', 0), LETTERS_3, 3) ?
		    take_words(buf, end, word_max, 2, 3, plain) : 0;
	case EIGHT('*', '2', '\r', '\n', '$', '4', '\r', '\n'):
		plain->kind = PLAIN_STRING_INCR;
		return is_verb(verb, FOUR('I', 'N', 'C', 'R'), LETTERS_4, 4) ?
		    take_words(buf, end, word_max, 2, 4, plain) : 0;
	case EIGHT('*', '3', '\r', '\n', '$', '3', '\r', '\n'):
		plain->kind = PLAIN_STRING_SET;
		return is_verb(verb, FOUR('S', 'E', 'T', 0), LETTERS_3, 3) ?
		    take_words(buf, end, word_max, 3, 3, plain) : 0;
	default:
		return 0;
	}
}
