/*
 * What is no frame, and what it says about it: fields and flags, every length
 * but the right one, words, names and reasons.
 */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "proto/reply.h"
#include "tests/copy.h"
#include "tests/unit/proto/frames.h"

/* A header with one byte changed, and what must be said about it. */
static void
check_refused(size_t vector, size_t at, uint8_t byte, const char *expected)
{
	const struct vector *v = &vectors[vector];
	uint8_t *buf = copy_of(v->bytes, v->len);
	const char *reason;

	buf[at] = byte;
	cr_assert_eq(parse(buf, FRAME_HEADER_LEN, PAYLOAD_MAX, &reason),
	    FRAME_BAD, "%s with %u at %zu", v->what, byte, at);
	cr_assert_str_eq(reason, expected, "%s with %u at %zu: %s", v->what,
	    byte, at, reason);
	free(buf);
}

Test(frame, another_version_or_operation_is_refused_by_the_header_alone)
{
	unsigned byte;

	for (byte = 0; byte < 256; byte++) {
		if (byte != FRAME_VERSION)
			check_refused(0, AT_VERSION, (uint8_t)byte,
			    "another version of frames");
		if (byte == 0 || byte > FRAME_BYE)
			check_refused(0, AT_OP, (uint8_t)byte,
			    "unknown operation");
	}
	check_refused(0, AT_VERSION + 1, 1, "another version of frames");
}

/* What each operation allows, by its number. */
static const struct {
	uint8_t	one_of, may;
} flags_of[] = {
	{ 0, 0 },
	[FRAME_REQUEST] = { FRAME_PROTOCOLS, FRAME_PLACE },
	[FRAME_REPLY] = { FRAME_PROTOCOLS,
	    FRAME_PLACE | FRAME_FAILED | FRAME_GOES_ON },
	[FRAME_EVENT] = { FRAME_TEXT, 0 },
	[FRAME_BYE] = { 0, 0 }
};

Test(frame, flags_that_an_operation_does_not_have_are_refused)
{
	unsigned flags, one_of, may;
	size_t i;

	for (i = 0; i < VECTORS; i++)
		for (flags = 0; flags < 256; flags++) {
			one_of = flags_of[vectors[i].frame.op].one_of;
			may = one_of | flags_of[vectors[i].frame.op].may;
			if ((flags & ~may) != 0)
				check_refused(i, AT_FLAGS, (uint8_t)flags,
				    "unknown flag");
			else if (one_of != 0 &&
			    __builtin_popcount(flags & one_of) != 1)
				check_refused(i, AT_FLAGS, (uint8_t)flags,
				    "no protocol, or more than one");
		}
}

Test(frame, a_field_that_an_operation_does_not_use_is_zero)
{
	static const size_t reserved[] = {
		AT_RESERVED, AT_RESERVED_TOO, AT_RESERVED_TOO + 1
	};
	static const size_t of_requests[] = {
		AT_HOPS, AT_SHARD, AT_SHARD + 3, AT_DEADLINE, AT_DEADLINE + 3
	};
	size_t i, j;

	for (i = 0; i < VECTORS; i++) {
		for (j = 0; j < 3; j++)
			check_refused(i, reserved[j], 0x80,
			    "a field without meaning is set");
		if (vectors[i].frame.op == FRAME_REQUEST)
			continue;
		for (j = 0; j < 5; j++)
			check_refused(i, of_requests[j], 1,
			    "a field without meaning is set");
	}
	check_refused(VECTORS - 1, 4, 1, "a field without meaning is set");
}

Test(frame, a_request_that_was_passed_on_too_often_is_refused)
{
	check_refused(0, AT_HOPS, FRAME_HOPS_MAX + 1, "too many hops");
	check_refused(0, AT_HOPS, 255, "too many hops");
}

Test(frame, a_payload_of_the_limit_is_legal_and_one_byte_more_is_not)
{
	const char *reason;
	size_t i, len;

	for (i = 0; i < VECTORS; i++) {
		len = vectors[i].len - FRAME_HEADER_LEN;
		cr_assert_eq(parse(vectors[i].bytes, vectors[i].len, len,
		    &reason), FRAME_OK, "%s: %s", vectors[i].what, reason);
		if (len == 0)
			continue;
		cr_assert_eq(parse(vectors[i].bytes, FRAME_HEADER_LEN, len - 1,
		    &reason), FRAME_BAD, "%s", vectors[i].what);
		cr_assert_str_eq(reason, "payload too long");
	}
	for (i = 1; i < 4; i++)
		check_refused(3, i, 0xff, "payload too long");
}

/* The header of a vector with another length, then zeros. */
static enum frame_status
parse_with_length(const struct vector *v, size_t length, const char **reason)
{
	size_t len = v->len + length;
	uint8_t *buf = calloc(1, len);
	enum frame_status status;
	struct frame frame;
	size_t used;

	memcpy(buf, v->bytes, v->len);
	buf[0] = (uint8_t)length;
	status = frame_parse(buf, len, PAYLOAD_MAX, &frame, reason, &used);
	if (status == FRAME_OK)
		cr_assert_eq(used, FRAME_HEADER_LEN + length);
	if (status == FRAME_OK && frame.op == FRAME_REQUEST &&
	    !frame_words(&frame, &request, reason))
		status = FRAME_BAD;
	free(buf);
	return status;
}

Test(frame, every_length_but_the_right_one_of_a_request_is_refused)
{
	const char *reason;
	size_t i, length;

	for (i = 0; i < 3; i++)
		for (length = 0; length < 200; length++)
			cr_assert_eq(parse_with_length(&vectors[i], length,
			    &reason), vectors[i].len == FRAME_HEADER_LEN +
			    length ? FRAME_OK : FRAME_BAD, "%s, length %zu",
			    vectors[i].what, length);
}

Test(frame, a_length_where_none_is_expected_is_refused)
{
	const char *reason;
	size_t i;

	for (i = 0; i < VECTORS; i++) {
		if (vectors[i].frame.op < FRAME_CANCEL)
			continue;
		cr_assert_eq(parse_with_length(&vectors[i], 1, &reason),
		    FRAME_BAD);
		cr_assert_str_eq(reason, "payload not expected");
	}
}

Test(frame, a_place_has_eight_bytes)
{
	const char *reason;
	size_t length;

	for (length = 0; length < 8; length++) {
		cr_assert_eq(parse_with_length(&vectors[6], length, &reason),
		    FRAME_BAD, "%zu", length);
		cr_assert_str_eq(reason, "payload too short");
	}
	cr_assert_eq(parse_with_length(&vectors[6], 8, &reason), FRAME_OK);
}

/* A request's payload of our own making. */
static bool
words(const uint8_t *payload, size_t len, const char **reason)
{
	uint8_t *copy = copy_of(payload, len);
	struct frame frame = { .op = FRAME_REQUEST, .payload = { copy, len } };
	bool good = frame_words(&frame, &request, reason);

	free(copy);
	return good;
}

Test(frame, words_that_do_not_end_where_the_payload_ends_are_refused)
{
	static const struct {
		const uint8_t	*bytes;
		size_t		 len;
	} bad[] = {
		{ BYTES("") },
		{ BYTES("\1\0\0") },
		{ BYTES("\1\0\0\0") },
		{ BYTES("\1\0\0\0" "\0\0\0") },
		{ BYTES("\1\0\0\0" "\1\0\0\0") },
		{ BYTES("\1\0\0\0" "\0\0\0\0" "x") },
		{ BYTES("\1\0\0\0" "\xff\xff\xff\xff" "x") },
		{ BYTES("\2\0\0\0" "\1\0\0\0" "x") },
		{ BYTES("\2\0\0\0" "\1\0\0\0" "x" "\5\0\0\0" "1234") },
		{ BYTES("\1\0\0\0" "\1\0\0\0" "x" "\0\0\0\0") }
	};
	const char *reason;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert_not(words(bad[i].bytes, bad[i].len, &reason), "%zu",
		    i);
		cr_assert_str_eq(reason, "words and payload differ in length");
	}
}

/* A payload of n words, the first empty, the others "w". */
static uint8_t *
payload_of(size_t n, struct outbuf *out)
{
	struct slice *argv = calloc(n, sizeof(*argv));
	size_t i;

	for (i = 1; i < n; i++) {
		argv[i].data = (const uint8_t *)"w";
		argv[i].len = 1;
	}
	outbuf_init(out);
	frame_put_words(out, argv, n);
	cr_assert_eq(outbuf_len(out), frame_words_len(argv, n));
	cr_assert_eq(outbuf_len(out), 4 + 5 * n - 1);
	free(argv);
	return out->data;
}

Test(frame, a_request_has_words_but_not_more_than_a_request_holds)
{
	const char *reason;
	struct outbuf out;
	uint8_t *payload;

	payload = payload_of(1, &out);
	cr_assert(words(payload, outbuf_len(&out), &reason));
	cr_assert_eq(request.argc, 1);
	cr_assert_eq(request.argv[0].len, 0);
	outbuf_free(&out);

	payload = payload_of(REQUEST_ARGS_MAX, &out);
	cr_assert(words(payload, outbuf_len(&out), &reason));
	cr_assert_eq(request.argc, REQUEST_ARGS_MAX);
	payload[0]++;
	outbuf_append(&out, "\0\0\0\0", 4);
	cr_assert_not(words(out.data, outbuf_len(&out), &reason));
	cr_assert_str_eq(reason, "no words, or too many");
	outbuf_free(&out);

	cr_assert_not(words((const uint8_t *)"\0\0\0\0", 4, &reason));
	cr_assert_str_eq(reason, "no words, or too many");
	cr_assert_not(words((const uint8_t *)"\xff\xff\xff\xff", 4, &reason));
	cr_assert_str_eq(reason, "no words, or too many");
}

/* A frame with this payload, as far as the payload goes. */
static bool
accepts(enum frame_op op, const char *payload, size_t len)
{
	struct frame frame = { .op = op, .payload = { (const uint8_t *)payload,
	    len } };
	enum frame_status status;
	const char *reason;
	struct outbuf out;

	outbuf_init(&out);
	frame_write(&out, &frame);
	status = parse(out.data, outbuf_len(&out), PAYLOAD_MAX, &reason);
	outbuf_free(&out);
	return status == FRAME_OK;
}

Test(frame, the_owner_has_the_name_of_a_node)
{
	char name[FRAME_NAME_MAX + 1];
	unsigned byte;

	memset(name, 'n', sizeof(name));
	cr_assert(accepts(FRAME_NOT_MINE, name, 1));
	cr_assert(accepts(FRAME_NOT_MINE, name, FRAME_NAME_MAX));
	cr_assert_not(accepts(FRAME_NOT_MINE, name, FRAME_NAME_MAX + 1));
	cr_assert_not(accepts(FRAME_NOT_MINE, "", 0));
	for (byte = 0; byte < 256; byte++) {
		bool letter = byte < 128 && (byte == '-' || byte == '_' ||
		    (byte >= '0' && byte <= '9') ||
		    (byte >= 'a' && byte <= 'z') ||
		    (byte >= 'A' && byte <= 'Z'));

		name[0] = (char)byte;
		cr_assert_eq(accepts(FRAME_NOT_MINE, name, 3), letter, "%u",
		    byte);
		name[0] = 'n';
		name[2] = (char)byte;
		cr_assert_eq(accepts(FRAME_NOT_MINE, name, 3), letter ||
		    byte == '.', "%u", byte);
		name[2] = 'n';
	}
}

Test(frame, a_reason_fits_the_line_of_an_error)
{
	char reason[REPLY_REASON_MAX + 1];
	unsigned byte;

	memset(reason, 'r', sizeof(reason));
	cr_assert(accepts(FRAME_REFUSED, reason, REPLY_REASON_MAX));
	cr_assert_not(accepts(FRAME_REFUSED, reason, REPLY_REASON_MAX + 1));
	cr_assert_not(accepts(FRAME_REFUSED, "", 0));
	for (byte = 0; byte < 256; byte++) {
		reason[1] = (char)byte;
		cr_assert_eq(accepts(FRAME_REFUSED, reason, 2),
		    byte >= 0x20 && byte < 0x7f, "%u", byte);
	}
}
