/* Numbers and their text: accepted, refused and printed as in Redis 7.0.15. */

#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/number.h"

#define SLICE(s)	((struct slice){ (const uint8_t *)(s), sizeof(s) - 1 })

static struct slice
slice_of(const char *text)
{
	return (struct slice){ (const uint8_t *)text, strlen(text) };
}

Test(number, whole_numbers_are_read_to_the_last_of_64_bits)
{
	static const struct {
		const char	*text;
		int64_t		 number;
	} good[] = {
		{ "0", 0 }, { "1", 1 }, { "-1", -1 }, { "10", 10 },
		{ "1234567890", 1234567890 }, { "-909", -909 },
		{ "999999999999999999", 999999999999999999 },
		{ "9223372036854775807", INT64_MAX },
		{ "-9223372036854775807", -INT64_MAX },
		{ "-9223372036854775808", INT64_MIN }
	};
	int64_t number;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		cr_assert(number_parse_int(slice_of(good[i].text), &number),
		    "%s", good[i].text);
		cr_assert_eq(number, good[i].number, "%s", good[i].text);
	}
}

Test(number, there_is_one_way_to_write_a_whole_number)
{
	static const char *const bad[] = {
		"", "-", "+", "+1", "01", "00", "-0", "-01", " 1", "1 ", "--1",
		"1.0", "1e3", "0x10", "a", "1a", "1-", "9223372036854775808",
		"-9223372036854775809", "9999999999999999999",
		"18446744073709551615", "18446744073709551617",
		"99999999999999999999", "100000000000000000000000", "1/", "1:"
	};
	int64_t number = 7;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_not(number_parse_int(slice_of(bad[i]), &number),
		    "'%s'", bad[i]);
	cr_assert_not(number_parse_int(SLICE("1\0"), &number));
	cr_assert_not(number_parse_int((struct slice){ NULL, 0 }, &number));
	cr_assert_eq(number, 7);
}

Test(number, what_is_written_is_read_as_the_same)
{
	static const int64_t edges[] = { 0, 9, 10, 99, 100, INT64_MAX,
		INT64_MIN, INT64_MIN + 1, INT64_MAX - 1 };
	char expected[NUMBER_INT_MAX + 1];
	uint8_t text[NUMBER_INT_MAX];
	int64_t number, back;
	struct slice slice = { text, 0 };
	size_t i;

	srand(7);
	for (i = 0; i < 100000; i++) {
		number = (int64_t)((uint64_t)rand() << 33 ^
		    (uint64_t)rand() << 11 ^ (uint64_t)rand());
		number >>= rand() % 64;
		if (i < sizeof(edges) / sizeof(edges[0]))
			number = edges[i];
		slice.len = number_write_int(text, number);
		snprintf(expected, sizeof(expected), "%" PRId64, number);
		if (slice.len != strlen(expected) ||
		    memcmp(text, expected, slice.len) != 0)
			cr_assert_fail("%s", expected);
		if (!number_parse_int(slice, &back) || back != number)
			cr_assert_fail("%s is read as %" PRId64, expected,
			    back);
	}
}

/* A value, an increment, and the sum as Redis prints it. */
Test(number, sums_of_real_numbers_look_as_in_redis)
{
	static const struct {
		const char	*value, *increment, *sum;
	} sums[] = {
		{ "0", "0.1", "0.1" },
		{ "0.1", "0.2", "0.3" },
		{ "10.50", "0.1", "10.6" },
		{ "5.0e3", "2.0e2", "5200" },
		{ "0", "+1", "1" },
		{ "0", "0x10", "16" },
		{ "0", "0X1P-3", "0.125" },
		{ "0", "1e-17", "0.00000000000000001" },
		{ "0", "1e-18", "0" },
		{ "0", "-1e-18", "0" },
		{ "0", "1e-4950", "0" },
		{ "1", "-1", "0" },
		{ "-0", "0", "0" },
		{ "0", ".5", "0.5" },
		{ "0", "-5.", "-5" },
		{ "3.0e0", "0", "3" },
		{ "0", "1e20", "100000000000000000000" },
		{ "0", "100", "100" },
		{ "0", "123456789.123456789123",
		    "123456789.12345678912242875" },
		{ "9007199254740993", "0", "9007199254740993" },
		{ "18446744073709551617", "0", "18446744073709551616" },
		{ "0", "0.11111111111111111111111", "0.11111111111111111" }
	};
	uint8_t out[NUMBER_REAL_MAX];
	long double value, increment;
	size_t i, len;

	for (i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		cr_assert(number_parse_real(slice_of(sums[i].value), &value));
		cr_assert(number_parse_real(slice_of(sums[i].increment),
		    &increment), "%s", sums[i].increment);
		len = number_write_real(out, value + increment);
		cr_assert(len == strlen(sums[i].sum) &&
		    memcmp(out, sums[i].sum, len) == 0, "%s + %s = %.*s",
		    sums[i].value, sums[i].increment, (int)len, (char *)out);
	}
}

Test(number, what_is_no_real_number_is_refused)
{
	static const char *const bad[] = {
		"", " 1", "\t1", "1 ", "--1", ".", "1e", "1_0", "1,5", "abc",
		"nan", "-nan", "NaN", "nan(1)", "1e5000", "-1e5000", "1e-5000",
		"0x", "1x", "+", "-"
	};
	long double number = 7;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_not(number_parse_real(slice_of(bad[i]), &number),
		    "'%s'", bad[i]);
	cr_assert_not(number_parse_real(SLICE("1\0"), &number));
	cr_assert_not(number_parse_real(SLICE("1\0001"), &number));
	cr_assert_not(number_parse_real((struct slice){ NULL, 0 }, &number));
	cr_assert(number == 7);
}

Test(number, infinity_is_read_and_left_to_the_caller)
{
	static const char *const forms[] = { "inf", "INF", "infinity",
		"+inf" };
	long double number;
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		cr_assert(number_parse_real(slice_of(forms[i]), &number));
		cr_assert(isinf(number) && number > 0);
	}
	cr_assert(number_parse_real(SLICE("-inf"), &number));
	cr_assert(isinf(number) && number < 0);
}

Test(number, a_real_number_may_be_written_with_5119_bytes)
{
	char text[NUMBER_REAL_MAX + 1];
	long double number;

	memset(text, '0', sizeof(text));
	text[0] = '1';
	text[1] = '.';
	cr_assert(number_parse_real((struct slice){ (const uint8_t *)text,
	    NUMBER_REAL_MAX - 1 }, &number));
	cr_assert(number == 1);
	cr_assert_not(number_parse_real((struct slice){ (const uint8_t *)text,
	    NUMBER_REAL_MAX }, &number));
}

/* With the narrower numbers of other machines it is only shorter. */
Test(number, the_largest_number_is_printed_whole)
{
	static const uint8_t zero = '0';
	uint8_t out[NUMBER_REAL_MAX];
	long double number;
	size_t len;

	len = number_write_real(out, -__LDBL_MAX__);
	cr_assert_eq(len, 2 + (size_t)__LDBL_MAX_10_EXP__);
	cr_assert_null(memchr(out, '.', len));
	cr_assert_neq(out[1], zero);
	cr_assert(number_parse_real((struct slice){ out, len }, &number));
	cr_assert(number == -__LDBL_MAX__);
}
