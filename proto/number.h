#ifndef KVD_PROTO_NUMBER_H
#define KVD_PROTO_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/request.h"

/*
 * Numbers as they are stored and sent: text, in the forms that Redis reads
 * and writes.  All functions are pure and safe from any thread.
 */

/*
 * A whole number, in the one form that number_write_int() would give it: no
 * plus, no space, no zero in front, no "-0".  So a value that reads as a
 * number can be kept as one and printed again as the same bytes.  False if it
 * is anything else, or beyond 64 bits.
 */
bool number_parse_int(struct slice text, int64_t *number);

/* Returns the length; no NUL is written. */
#define NUMBER_INT_MAX	20	/* of "-9223372036854775808" */
size_t number_write_int(uint8_t out[NUMBER_INT_MAX], int64_t number);

/*
 * A real number, in any form that strtold(3) takes, in all of the text, which
 * is shorter than NUMBER_REAL_MAX bytes and does not begin with white space.
 * False if it is none, is not a number (NaN), or is so large or so small that
 * nothing of it is left.  Infinity in words is a real number: whether it is
 * welcome is for the caller to say.
 */
#define NUMBER_REAL_MAX	5120	/* more than any number with 17 decimals */
bool number_parse_real(struct slice text, long double *number);

/*
 * Rounded to 17 decimals, without zeros at the end, and never with an
 * exponent; a zero has no sign.  The number is finite.  Returns the length.
 */
size_t number_write_real(uint8_t out[NUMBER_REAL_MAX], long double number);

#endif
