/* Words: what is written is read back, and what people type is understood. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/quote.h"

#define GUARD	0xa5

/*
 * Unquote a copy that sits between guards, in memory that ends where it
 * ends; check that nothing outside the word was touched.
 */
struct reading {
	enum unquote_status	status;
	size_t			word_len, used;
	uint8_t			word[512];
};

static void
read_word(struct reading *r, const void *text, size_t len)
{
	uint8_t *copy = malloc(len + 8), *buf = copy + 8, *word = NULL;
	size_t i, touched;

	memset(copy, GUARD, 8);
	memcpy(buf, text, len);
	memset(r, 0, sizeof(*r));
	r->status = unquote_word(buf, len, &word, &r->word_len, &r->used);
	for (i = 0; i < 8; i++)
		if (copy[i] != GUARD)
			cr_assert_fail("wrote before the buffer");
	if (r->status == UNQUOTE_OK) {
		touched = r->used;
		if (r->used > len || word < buf ||
		    word + r->word_len > buf + r->used)
			cr_assert_fail("the word is not in what was used");
		memcpy(r->word, word, r->word_len);
	} else {
		touched = len;
		if (r->used > len)
			cr_assert_fail("error past the end");
	}
	if (memcmp(buf + touched, (const uint8_t *)text + touched,
	    len - touched) != 0)
		cr_assert_fail("wrote beyond the word");
	free(copy);
}

/* Write the bytes, check the form, read them back. */
static void
check_round_trip(const uint8_t *bytes, size_t len)
{
	size_t n = quote_len(bytes, len), wrote, i;
	uint8_t *text = malloc(n + 1);
	struct reading r;

	text[n] = GUARD;
	wrote = quote_write(text, bytes, len);
	if (wrote != n || text[n] != GUARD)
		cr_assert_fail("quote_len %zu, wrote %zu", n, wrote);
	if (quote_is_plain(bytes, len) != (n == len))
		cr_assert_fail("plain, and yet quoted");
	for (i = 0; i < n; i++)
		if (text[i] < ' ' || text[i] == 0x7f)
			cr_assert_fail("control byte %02x written", text[i]);
	read_word(&r, text, n);
	if (r.status != UNQUOTE_OK || r.used != n || r.word_len != len ||
	    (len > 0 && memcmp(r.word, bytes, len) != 0))
		cr_assert_fail("'%.*s' does not read back", (int)n, text);
	free(text);
}

static void
check_written(const void *bytes, size_t len, const char *text)
{
	uint8_t out[64];
	size_t n;

	cr_assert_eq(quote_len(bytes, len), strlen(text), "%s", text);
	n = quote_write(out, bytes, len);
	cr_assert_eq(n, strlen(text), "%s", text);
	cr_assert_arr_eq(out, text, n, "%s", text);
	check_round_trip(bytes, len);
}

Test(quote, plain_words_are_written_as_they_are)
{
	check_written("milk", 4, "milk");
	check_written("it's", 4, "it's");
	check_written("a\\b", 3, "a\\b");
	check_written("{x}!~", 5, "{x}!~");
	check_written("caf\xc3\xa9", 5, "caf\xc3\xa9");
	check_written("\x80\xff", 2, "\x80\xff");
	check_written("0123456789abcdef0123456789abcdef!", 33,
	    "0123456789abcdef0123456789abcdef!");
}

Test(quote, everything_else_is_quoted)
{
	check_written("", 0, "\"\"");
	check_written(NULL, 0, "\"\"");
	check_written("two words", 9, "\"two words\"");
	check_written(" ", 1, "\" \"");
	check_written("a\"b", 3, "\"a\\\"b\"");
	check_written("a \\b", 4, "\"a \\\\b\"");
	check_written("\a\b\t\n\v\f\r", 7, "\"\\a\\b\\t\\n\\v\\f\\r\"");
	check_written("\0", 1, "\"\\0\"");
	check_written("\00012", 3, "\"\\012\"");
	check_written("\x01\x1f\x7f", 3, "\"\\x01\\x1f\\x7f\"");
	check_written("\033f", 2, "\"\\x1bf\"");
	check_written("\xc3\xa9 x", 4, "\"\xc3\xa9 x\"");
	check_written("0123456789abcdef0123456789abcdef ", 33,
	    "\"0123456789abcdef0123456789abcdef \"");
}

Test(quote, one_special_byte_anywhere_makes_a_long_word_quoted)
{
	uint8_t bytes[70];
	size_t len, i;

	for (len = 1; len <= sizeof(bytes); len++) {
		memset(bytes, 'p', len);
		if (!quote_is_plain(bytes, len))
			cr_assert_fail("%zu plain bytes are not", len);
		check_round_trip(bytes, len);
		for (i = 0; i < len; i++) {
			bytes[i] = ' ';
			if (quote_is_plain(bytes, len))
				cr_assert_fail("byte %zu of %zu", i, len);
			check_round_trip(bytes, len);
			bytes[i] = 'p';
		}
	}
}

Test(quote, every_byte_reads_back)
{
	unsigned b;
	uint8_t byte;

	for (b = 0; b < 256; b++) {
		byte = (uint8_t)b;
		cr_assert_eq(quote_is_plain(&byte, 1), b > 0x20 && b != 0x22 &&
		    b != 0x7f, "byte %02x", b);
		check_round_trip(&byte, 1);
	}
}

Test(quote, every_pair_of_bytes_reads_back)
{
	uint8_t pair[2];
	unsigned b;

	for (b = 0; b < 65536; b++) {
		pair[0] = (uint8_t)(b >> 8);
		pair[1] = (uint8_t)b;
		check_round_trip(pair, 2);
	}
}

Test(quote, random_strings_read_back)
{
	static const uint8_t common[] = "ab \"\\\n\t\r0x\x7f";
	uint8_t bytes[200], byte;
	size_t len, i;
	int round;

	srand(2);
	for (round = 0; round < 50000; round++) {
		len = (size_t)rand() % (sizeof(bytes) + 1);
		for (i = 0; i < len; i++) {
			byte = (uint8_t)rand();
			bytes[i] = round % 2 == 0 ? byte : common[byte % 11];
		}
		check_round_trip(bytes, len);
	}
}

#define BYTES(s)	s, sizeof(s) - 1

Test(unquote, words_are_read_as_people_type_them)
{
	static const struct {
		const char	*text;
		size_t		 len;
		const char	*word;
		size_t		 word_len;
		size_t		 rest;		/* bytes left over */
	} vectors[] = {
		{ BYTES("a"), BYTES("a"), 0 },
		{ BYTES("milk"), BYTES("milk"), 0 },
		{ BYTES("milk 1"), BYTES("milk"), 2 },
		{ BYTES("milk\t1"), BYTES("milk"), 2 },
		{ BYTES("milk\v1"), BYTES("milk"), 2 },
		{ BYTES("milk\f1"), BYTES("milk"), 2 },
		{ BYTES("milk\r1"), BYTES("milk"), 2 },
		{ BYTES("milk\n1"), BYTES("milk"), 2 },
		{ BYTES("a\"b c"), BYTES("a\"b"), 2 },
		{ BYTES("ab\" c"), BYTES("ab\""), 2 },
		{ BYTES("a\\n b"), BYTES("a\\n"), 2 },
		{ BYTES("'a b'"), BYTES("'a"), 3 },
		{ BYTES("a\0b c"), BYTES("a\0b"), 2 },
		{ BYTES("\0"), BYTES("\0"), 0 },
		{ BYTES("\x01\x7f\x80\xff \x01"),
		    BYTES("\x01\x7f\x80\xff"), 2 },
		{ BYTES("0123456789abcdef0123456789abcdefX y"),
		    BYTES("0123456789abcdef0123456789abcdefX"), 2 },
		{ BYTES("0123456789abcdef012345\001789abcdefX y"),
		    BYTES("0123456789abcdef012345\001789abcdefX"), 2 },
		{ BYTES("\"\""), BYTES(""), 0 },
		{ BYTES("\"\" x"), BYTES(""), 2 },
		{ BYTES("\"a\""), BYTES("a"), 0 },
		{ BYTES("\"two words\" x"), BYTES("two words"), 2 },
		{ BYTES("\"two words\"\r"), BYTES("two words"), 1 },
		{ BYTES("\" \t\v\f\r\n\""), BYTES(" \t\v\f\r\n"), 0 },
		{ BYTES("\"a\0b\""), BYTES("a\0b"), 0 },
		{ BYTES("\"\x01\x7f\x80\xff\""),
		    BYTES("\x01\x7f\x80\xff"), 0 },
		{ BYTES("\"\\\"\""), BYTES("\""), 0 },
		{ BYTES("\"\\\\\""), BYTES("\\"), 0 },
		{ BYTES("\"\\\\\\\"\" x"), BYTES("\\\""), 2 },
		{ BYTES("\"a\\nb\""), BYTES("a\nb"), 0 },
		{ BYTES("\"\\a\\b\\f\\n\\r\\t\\v\\0\\'\\?\""),
		    BYTES("\a\b\f\n\r\t\v\0'?"), 0 },
		{ BYTES("\"\\012\""), BYTES("\00012"), 0 },
		{ BYTES("\"\\x00\\xff\\xFF\\xAb\\x7e1\""),
		    BYTES("\x00\xff\xff\xab~1"), 0 },
		{ BYTES("\"say \\\"hi\\\" now\" x"),
		    BYTES("say \"hi\" now"), 2 },
		{ BYTES("\"\\x22\\x5c\" x"), BYTES("\"\\"), 2 }
	};
	struct reading r;
	size_t i;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		read_word(&r, vectors[i].text, vectors[i].len);
		cr_assert_eq(r.status, UNQUOTE_OK, "%s", vectors[i].text);
		cr_assert_eq(r.used, vectors[i].len - vectors[i].rest, "%s",
		    vectors[i].text);
		cr_assert_eq(r.word_len, vectors[i].word_len, "%s",
		    vectors[i].text);
		cr_assert_arr_eq(r.word, vectors[i].word, r.word_len, "%s",
		    vectors[i].text);
	}
}

Test(unquote, malformed_words_are_refused_at_the_byte_that_is_wrong)
{
	static const struct {
		const char		*text;
		enum unquote_status	 status;
		size_t			 at;
	} vectors[] = {
		{ "\"", UNQUOTE_UNBALANCED, 0 },
		{ "\"abc", UNQUOTE_UNBALANCED, 0 },
		{ "\"abc def", UNQUOTE_UNBALANCED, 0 },
		{ "\"abc\\\"", UNQUOTE_UNBALANCED, 0 },
		{ "\"a\\\"\\", UNQUOTE_UNBALANCED, 0 },
		{ "\"a\\\"\\x", UNQUOTE_UNBALANCED, 0 },
		{ "\"a\\\"\\x4", UNQUOTE_UNBALANCED, 0 },
		{ "\"a\\\"\\x41", UNQUOTE_UNBALANCED, 0 },
		{ "\"\\", UNQUOTE_UNBALANCED, 0 },
		{ "\"\\q\"", UNQUOTE_BAD_ESCAPE, 1 },
		{ "\"abc\\1\"", UNQUOTE_BAD_ESCAPE, 4 },
		{ "\"a\\n\\N\"", UNQUOTE_BAD_ESCAPE, 4 },
		{ "\"\\ \"", UNQUOTE_BAD_ESCAPE, 1 },
		{ "\"\\x\"", UNQUOTE_BAD_ESCAPE, 1 },
		{ "\"\\x4\"", UNQUOTE_BAD_ESCAPE, 1 },
		{ "\"\\xg1\"", UNQUOTE_BAD_ESCAPE, 1 },
		{ "\"\\x1g\"", UNQUOTE_BAD_ESCAPE, 1 },
		{ "\"\\X41\"", UNQUOTE_BAD_ESCAPE, 1 },
		{ "\"\"x", UNQUOTE_TRAILING, 2 },
		{ "\"a\"\"b\"", UNQUOTE_TRAILING, 3 },
		{ "\"a\\n\"b", UNQUOTE_TRAILING, 5 },
		{ "\"a\"\x01", UNQUOTE_TRAILING, 3 },
		{ "\"a\"\\", UNQUOTE_TRAILING, 3 }
	};
	struct reading r;
	size_t i;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		read_word(&r, vectors[i].text, strlen(vectors[i].text));
		cr_assert_eq(r.status, vectors[i].status, "%s",
		    vectors[i].text);
		cr_assert_eq(r.used, vectors[i].at, "%s: %zu",
		    vectors[i].text, r.used);
	}
}

Test(unquote, each_letter_after_a_backslash_is_known_or_refused)
{
	static const char known[] = "\"\\'?abfnrtv0x";
	char text[] = "\"ab\\?41\"";
	struct reading r;
	unsigned b;

	for (b = 0; b < 256; b++) {
		text[4] = (char)b;
		read_word(&r, text, sizeof(text) - 1);
		if (memchr(known, (int)b, sizeof(known) - 1) != NULL) {
			cr_assert_eq(r.status, UNQUOTE_OK, "byte %02x", b);
			cr_assert_eq(r.word_len, b == 'x' ? 3 : 5);
		} else {
			cr_assert_eq(r.status, UNQUOTE_BAD_ESCAPE, "%02x", b);
			cr_assert_eq(r.used, 3);
		}
	}
}

Test(unquote, x_takes_two_hexadecimal_digits_of_either_case)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	char text[] = "\"\\x??\"", hex[3] = "";
	struct reading r;
	bool good;
	int i;

	for (i = 0; i < 65536; i++) {
		text[3] = hex[0] = (char)(i >> 8);
		text[4] = hex[1] = (char)i;
		good = memchr(digits, hex[0], sizeof(digits) - 1) != NULL &&
		    memchr(digits, hex[1], sizeof(digits) - 1) != NULL;
		read_word(&r, text, sizeof(text) - 1);
		if ((r.status == UNQUOTE_OK) != good)
			cr_assert_fail("\\x%02x%02x: status %d", i >> 8,
			    i & 0xff, (int)r.status);
		if (good && r.word[0] != strtoul(hex, NULL, 16))
			cr_assert_fail("\\x%s is %02x", hex, r.word[0]);
	}
}

Test(unquote, a_prefix_of_a_quoted_word_is_unbalanced_not_read_past)
{
	static const char word[] = "\"a\\\"b\\x41 \\\\\\n\\0 \\?\"";
	struct reading r;
	size_t len;

	for (len = 1; len < sizeof(word) - 1; len++) {
		read_word(&r, word, len);
		cr_assert_eq(r.status, UNQUOTE_UNBALANCED, "at %zu", len);
		cr_assert_eq(r.used, 0);
	}
	read_word(&r, word, len);
	cr_assert_eq(r.status, UNQUOTE_OK);
}
