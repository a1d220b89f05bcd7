/*
 * Numbers and their text.
 *
 * What would surprise: whole numbers and real ones are read by different
 * rules, the first as strictly as can be, the others by whatever the C
 * library takes, hexadecimal included.  Both are what clients of Redis have
 * come to expect, to the letter of the refusals.
 *
 * Real numbers are as wide as the machine has them: with the 64 bits of
 * mantissa of x86, 0.1 + 0.2 is 0.3 after 17 decimals, which it is not with
 * the 53 of a double.
 */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/number.h"
#include "proto/quote.h"

/* Digits alone, the first of them not 0. */
static bool
parse_digits(struct slice text, uint64_t *magnitude)
{
	uint64_t n = 0;
	unsigned digit;
	size_t i;

	if (text.len == 0 || text.len >= NUMBER_INT_MAX || text.data[0] == '0')
		return false;
	for (i = 0; i < text.len; i++) {
		digit = (unsigned)text.data[i] - '0';
		if (digit > 9)
			return false;
		/* Nineteen digits cannot wrap. */
		n = n * 10 + digit;
	}
	*magnitude = n;
	return true;
}

bool
number_parse_int(struct slice text, int64_t *number)
{
	bool negative = text.len > 0 && text.data[0] == '-';
	uint64_t magnitude;

	if (text.len == 1 && text.data[0] == '0') {
		*number = 0;
		return true;
	}
	if (negative) {
		text.data++;
		text.len--;
	}
	if (!parse_digits(text, &magnitude) ||
	    magnitude > (uint64_t)INT64_MAX + negative)
		return false;
	/* The least one is the only one that has no opposite. */
	*number = negative ? -(int64_t)(magnitude - 1) - 1 :
	    (int64_t)magnitude;
	return true;
}

size_t
number_write_int(uint8_t out[NUMBER_INT_MAX], int64_t number)
{
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
	uint8_t digits[NUMBER_INT_MAX];
	size_t at = sizeof(digits), len;

	do {
		digits[--at] = (uint8_t)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (number < 0)
		digits[--at] = '-';
	len = sizeof(digits) - at;
	memcpy(out, digits + at, len);
	return len;
}

bool
number_parse_real(struct slice text, long double *number)
{
	char copy[NUMBER_REAL_MAX], *end;
	long double value;

	if (text.len == 0 || text.len >= sizeof(copy) ||
	    quote_is_space(text.data[0]))
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	errno = 0;
	value = strtold(copy, &end);
	/* A NUL among the bytes ends them too early, and is found so. */
	if (end != copy + text.len || isnan(value) ||
	    (errno == ERANGE && (isinf(value) || value == 0)))
		return false;
	*number = value;
	return true;
}

size_t
number_write_real(uint8_t out[NUMBER_REAL_MAX], long double number)
{
	char *text = (char *)out;
	size_t len;

	len = (size_t)snprintf(text, NUMBER_REAL_MAX, "%.17Lf", number);
	while (text[len - 1] == '0')
		len--;
	if (text[len - 1] == '.')
		len--;
	if (len == 2 && memcmp(text, "-0", 2) == 0) {
		text[0] = '0';
		len = 1;
	}
	return len;
}
