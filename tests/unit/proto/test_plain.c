/*
 * Requests that are recognised by how they begin: those that are taken are what
 * the parsers of all requests make of the same bytes, and whatever is unusual
 * is not taken.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/plain.h"
#include "proto/resp.h"
#include "proto/text.h"

#define WORD_MAX	4096
#define BYTES(s)	s, sizeof(s) - 1

static struct request request;

/* In memory that ends where the bytes end. */
static uint8_t *
copy_of(const void *bytes, size_t len)
{
	uint8_t *copy = malloc(len + (len == 0));

	memcpy(copy, bytes, len);
	return copy;
}

/* What the parsers of all requests make of it: its bytes, 0 for no request. */
static size_t
parse_any(bool is_text, uint8_t *buf, size_t len)
{
	const struct resp_limits limits = {
		.request_max = SIZE_MAX, .word_max = WORD_MAX,
		.is_trusted = true
	};
	struct text_parser text = { 0 };
	struct resp_parser resp = { 0 };
	struct text_error text_error;
	struct resp_error error;
	size_t used = 0;

	if (is_text)
		return text_parse(&text, buf, len, SIZE_MAX, &request,
		    &text_error, &used) == TEXT_OK ? used : 0;
	return resp_parse(&resp, buf, len, &limits, &request, &error,
	    &used) == RESP_OK ? used : 0;
}

static size_t
take(bool is_text, const uint8_t *buf, size_t len, struct plain *plain)
{
	return is_text ? plain_text(buf, len, WORD_MAX, plain) :
	    plain_resp(buf, len, WORD_MAX, plain);
}

/* The words lie in the bytes, and are those of the request. */
static void
check_words(const struct plain *plain)
{
	size_t i;

	cr_assert_eq(plain->argc, request.argc);
	for (i = 0; i < request.argc; i++)
		cr_assert(plain->argv[i].data == request.argv[i].data &&
		    plain->argv[i].len == request.argv[i].len, "word %zu", i);
}

/* Returns what was taken, which is what there is, or nothing. */
static enum plain_kind
check(bool is_text, const void *bytes, size_t len)
{
	uint8_t *buf = copy_of(bytes, len);
	struct plain plain;
	size_t used = take(is_text, buf, len, &plain);

	if (used > 0) {
		cr_assert_eq(plain.used, used);
		cr_assert_eq(parse_any(is_text, buf, len), used, "%s",
		    (const char *)bytes);
		check_words(&plain);
	}
	free(buf);
	return used > 0 ? plain.kind : PLAIN_NONE;
}

struct vector {
	const char	*bytes;
	size_t		 len;
	enum plain_kind	 kind;
};

static const struct vector lines[] = {
	{ BYTES("GET b k\r\n"), PLAIN_GET },
	{ BYTES("GET b k\n"), PLAIN_GET },
	{ BYTES("get bucket key:000000000001\r\n"), PLAIN_GET },
	{ BYTES("gEt b k\r\nPUT b"), PLAIN_GET },
	{ BYTES("PUT b k v\r\n"), PLAIN_PUT },
	{ BYTES("put b k v\n\n"), PLAIN_PUT },
	{ BYTES("PUT b\"c k\" v\\x\r\n"), PLAIN_PUT },
	{ BYTES("PUT caf\xc3\xa9 \xff\x80 \x7f\r\n"), PLAIN_PUT },

	/* another verb, or another number of words */
	{ BYTES("DEL b k\r\n"), PLAIN_NONE },
	{ BYTES("GETb k\r\n"), PLAIN_NONE },
	{ BYTES("GET\tb k\r\n"), PLAIN_NONE },
	{ BYTES("G\x25T b k\r\n"), PLAIN_NONE },
	{ BYTES("GET b\r\n"), PLAIN_NONE },
	{ BYTES("GET b k v\r\n"), PLAIN_NONE },
	{ BYTES("PUT b k\r\n"), PLAIN_NONE },
	{ BYTES("PUT b k v w\r\n"), PLAIN_NONE },
	{ BYTES("PING\r\n"), PLAIN_NONE },
	{ BYTES("\r\n"), PLAIN_NONE },

	/* spaces, quotes and control bytes */
	{ BYTES(" GET b k\r\n"), PLAIN_NONE },
	{ BYTES("GET  b k\r\n"), PLAIN_NONE },
	{ BYTES("GET b  k\r\n"), PLAIN_NONE },
	{ BYTES("GET b k \r\n"), PLAIN_NONE },
	{ BYTES("GET b\tk\r\n"), PLAIN_NONE },
	{ BYTES("GET b k\r\r\n"), PLAIN_NONE },
	{ BYTES("GET b k\rl\r\n"), PLAIN_NONE },
	{ BYTES("GET b k\vl\r\n"), PLAIN_NONE },
	{ BYTES("GET b k\0l\r\n"), PLAIN_NONE },
	{ BYTES("GET \"b\" k\r\n"), PLAIN_NONE },
	{ BYTES("PUT b k \"a b\"\r\n"), PLAIN_NONE },
	{ BYTES("PUT b k \"\"\r\n"), PLAIN_NONE },
	{ BYTES("PUT b \x01 v\r\n"), PLAIN_NONE },
};

static const struct vector arrays[] = {
	{ BYTES("*3\r\n$4\r\nHGET\r\n$1\r\nb\r\n$1\r\nk\r\n"), PLAIN_HGET },
	{ BYTES("*3\r\n$4\r\nhGeT\r\n$2\r\nb\n\r\n$3\r\n\r\n\r\r\n"),
	    PLAIN_HGET },
	{ BYTES("*3\r\n$4\r\nHGET\r\n$0\r\n\r\n$1\r\nk\r\n"), PLAIN_HGET },
	{ BYTES("*4\r\n$4\r\nHSET\r\n$1\r\nb\r\n$1\r\nk\r\n$1\r\nv\r\n*"),
	    PLAIN_HSET },
	{ BYTES("*4\r\n$4\r\nhset\r\n$1\r\nb\r\n$1\r\nk\r\n"
	    "$12\r\nabcdefghijkl\r\n"), PLAIN_HSET },
	{ BYTES("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"), PLAIN_STRING_GET },
	{ BYTES("*2\r\n$3\r\nget\r\n$10\r\n0123456789\r\n"),
	    PLAIN_STRING_GET },
	{ BYTES("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"),
	    PLAIN_STRING_SET },
	{ BYTES("*2\r\n$4\r\nINCR\r\n$1\r\nk\r\n"), PLAIN_STRING_INCR },
	{ BYTES("*3\r\n$4\r\nINCR\r\n$1\r\nk\r\n$1\r\n1\r\n"),
	    PLAIN_NONE },
	/* What ends a word is not looked at, by nobody. */
	{ BYTES("*2\r\n$3\r\nGET\r\n$1\r\nkxy"), PLAIN_STRING_GET },

	/* another verb, another number of words, a line */
	{ BYTES("*3\r\n$4\r\nHDEL\r\n$1\r\nb\r\n$1\r\nk\r\n"), PLAIN_NONE },
	{ BYTES("*3\r\n$4\r\nHG%T\r\n$1\r\nb\r\n$1\r\nk\r\n"), PLAIN_NONE },
	{ BYTES("*2\r\n$4\r\nHGET\r\n$1\r\nb\r\n$1\r\nk\r\n"), PLAIN_NONE },
	{ BYTES("*3\r\n$3\r\nGET\r\n$1\r\nb\r\n$1\r\nk\r\n"), PLAIN_NONE },
	{ BYTES("*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n$2\r\nNX\r\n"),
	    PLAIN_NONE },
	{ BYTES("*3\r\n$4\r\nHSET\r\n$1\r\nb\r\n$1\r\nk\r\n"), PLAIN_NONE },
	{ BYTES("HGET b kkkkkkkkkkkkkkkkkkkkkkk\r\n"), PLAIN_NONE },
	{ BYTES("GET bbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n"), PLAIN_NONE },

	/* lengths that are unusual or wrong */
	{ BYTES("*3\r\n$4\r\nHGET\r\n$01\r\nb\r\n$1\r\nk\r\n"), PLAIN_NONE },
	{ BYTES("*3\r\n$4\r\nHGET\r\n$001\r\nb\r\n$1\r\nk\r\n"), PLAIN_NONE },
	{ BYTES("*3\r\n$4\r\nHGET\r\n$-1\r\nb\r\n$1\r\nk\r\n"), PLAIN_NONE },
	{ BYTES("*3\r\n$4\r\nHGET\r\n$\r\n\r\nb\r\n$1\r\nk\r\n"), PLAIN_NONE },
	{ BYTES("*3\r\n$4\r\nHGET\r\n$1a\r\nb\r\n$1\r\nk\r\n"), PLAIN_NONE },
	{ BYTES("*3\r\n$4\r\nHGET\r\n$:\r\nb\r\n$1\r\nk\r\n"), PLAIN_NONE },
	{ BYTES("*3\r\n$4\r\nHGET\r\n$1\rxb\r\n$1\r\nk\r\n"), PLAIN_NONE },
	{ BYTES("*3\r\n$4\r\nHGET\r\n:1\r\nb\r\n$1\r\nk\r\n"), PLAIN_NONE },
	{ BYTES("*3\r\n$4\r\nHGET\r\n$1\r\nb\r\n$99999\r\nkkkkkkkk\r\n"),
	    PLAIN_NONE },
	{ BYTES("*3\r\n$4\r\nHGET\r\n$99\r\nb\r\n$1\r\nk\r\n"), PLAIN_NONE },
	{ BYTES("*3\r\n$4\r\nHGETx\n$1\r\nb\r\n$1\r\nk\r\n"), PLAIN_NONE },
};

#define COUNT(v)	(sizeof(v) / sizeof((v)[0]))

static void
check_vectors(bool is_text, const struct vector *v, size_t n)
{
	enum plain_kind kind;
	size_t i;

	for (i = 0; i < n; i++) {
		kind = check(is_text, v[i].bytes, v[i].len);
		cr_assert_eq(kind, v[i].kind, "%zu, %s: %d", i, v[i].bytes,
		    (int)kind);
	}
}

TestSuite(plain, .timeout = 60);

Test(plain, lines_that_get_and_put_are_taken_and_no_others)
{
	check_vectors(true, lines, COUNT(lines));
}

Test(plain, arrays_that_get_and_set_are_taken_and_no_others)
{
	check_vectors(false, arrays, COUNT(arrays));
}

static void
check_cuts(bool is_text, const struct vector *v, size_t n)
{
	size_t i, len;

	for (i = 0; i < n; i++)
		for (len = 0; len < v[i].len; len++)
			(void)check(is_text, v[i].bytes, len);
}

Test(plain, what_is_not_there_as_a_whole_is_not_taken_for_something_else)
{
	check_cuts(true, lines, COUNT(lines));
	check_cuts(false, arrays, COUNT(arrays));
	cr_assert_eq(check(false, arrays[0].bytes, arrays[0].len - 1),
	    PLAIN_NONE);
	cr_assert_eq(check(true, lines[0].bytes, lines[0].len - 1),
	    PLAIN_NONE);
}

/* A HSET whose value has so many bytes; returns its length. */
static size_t
make_hset(char *bytes, size_t value)
{
	size_t len = (size_t)sprintf(bytes, "*4\r\n$4\r\nHSET\r\n$1\r\nb\r\n"
	    "$1\r\nk\r\n$%zu\r\n", value);

	memset(bytes + len, 'v', value);
	memcpy(bytes + len + value, "\r\n", 2);
	return len + value + 2;
}

Test(plain, words_of_every_length_are_taken_up_to_the_limit)
{
	char *bytes = malloc(WORD_MAX + 128);
	size_t len, value;

	for (value = 0; value <= WORD_MAX + 2; value++) {
		len = make_hset(bytes, value);
		cr_assert_eq(check(false, bytes, len), value > 0 &&
		    value <= WORD_MAX ? PLAIN_HSET : PLAIN_NONE, "%zu", value);
		len = (size_t)sprintf(bytes, "PUT b k ");
		memset(bytes + len, 'v', value);
		memcpy(bytes + len + value, "\r\n", 2);
		cr_assert_eq(check(true, bytes, len + value + 2), value > 0 &&
		    value <= WORD_MAX ? PLAIN_PUT : PLAIN_NONE, "%zu", value);
	}
	free(bytes);
}

/* One or two bytes of a good request become something else. */
static void
spoil(char *bytes, size_t len)
{
	static const char some[] = "\r\n $*\"09GETHSPU\t\0\xff";
	int i, n = rand() % 3;

	for (i = 0; i < n; i++)
		bytes[(size_t)rand() % len] = rand() % 2 == 0 ?
		    (char)rand() : some[(size_t)rand() % (sizeof(some) - 1)];
}

Test(plain, whatever_is_taken_of_spoilt_requests_is_what_the_parsers_take)
{
	char bytes[128];
	const struct vector *v;
	size_t taken = 0;
	int round;

	srand(5);
	for (round = 0; round < 400000; round++) {
		v = round % 2 == 0 ? &lines[(size_t)rand() % COUNT(lines)] :
		    &arrays[(size_t)rand() % COUNT(arrays)];
		memcpy(bytes, v->bytes, v->len);
		spoil(bytes, v->len);
		taken += check(round % 2 == 0, bytes, v->len) != PLAIN_NONE;
	}
	cr_assert_gt(taken, 50000);
}
