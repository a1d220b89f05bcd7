/*
 * The request that nearly all are.  A header of one to seven digits is read
 * where it stands, without a search for its end; whatever is unusual is left
 * to who can say what is wrong with it.
 */

#include "proto/resp_quick.h"

#define DIGITS_MAX	7
#define HEADER_MIN	4U	/* "$1\r\n" */

/*
 * A header that begins with that byte, and ends before `end'.  Returns what
 * follows, or NULL.
 */
static const uint8_t *
read_header(const uint8_t *p, const uint8_t *end, uint8_t first,
    size_t *number)
{
	size_t n, i, digit;

	if ((size_t)(end - p) < HEADER_MIN || p[0] != first ||
	    (n = (size_t)p[1] - '0') > 9)
		return NULL;
	if (p[2] == '\r' && p[3] == '\n') {
		*number = n;
		return p + HEADER_MIN;
	}
	if (n == 0)
		return NULL;
	for (p += 2, i = 1; i < DIGITS_MAX && end - p > 2; i++, p++) {
		if ((digit = (size_t)*p - '0') > 9)
			break;
		n = n * 10 + digit;
	}
	if (end - p < 2 || p[0] != '\r' || p[1] != '\n')
		return NULL;
	*number = n;
	return p + 2;
}

size_t
resp_quick(const uint8_t *buf, size_t len, size_t word_max,
    struct slice *argv, size_t argv_max, size_t *argc)
{
	const uint8_t *p, *end = buf + len;
	size_t i, words, word_len;

	p = read_header(buf, end, '*', &words);
	if (p == NULL || words == 0 || words > argv_max)
		return 0;
	for (i = 0; i < words; i++) {
		p = read_header(p, end, '$', &word_len);
		if (p == NULL || word_len > word_max ||
		    (size_t)(end - p) < word_len + 2)
			return 0;
		argv[i].data = p;
		argv[i].len = word_len;
		p += word_len + 2;
	}
	*argc = words;
	return (size_t)(p - buf);
}
