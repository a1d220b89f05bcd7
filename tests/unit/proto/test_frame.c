/*
 * Frames: every vector whole and cut at every byte, with every length but the
 * right one and with every bit turned round, each time in memory that ends
 * where the bytes end.  The bytes are written down here one by one: they are
 * what other versions of kvd will meet.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/frame.h"
#include "proto/reply.h"

#define BYTES(s)	(const uint8_t *)(s), sizeof(s) - 1
#define PAYLOAD_MAX	4096
#define VERSION		"\1\0" "\0\0"
#define TABLE		"\7\6\5\4\3\2\1\0" "\xef\xcd\xab\x89\x67\x45\x23\x01"
#define NOTHING		"\0\0\0\0" "\0\0\0\0"
#define THE_TABLE	{ 0x0001020304050607, 0x0123456789abcdef }

struct vector {
	const char	*what;
	const uint8_t	*bytes;
	size_t		 len;
	struct frame	 frame;
	size_t		 argc;		/* of a request */
	struct slice	 argv[4];
};

static const struct vector vectors[] = {
	{ "request",
	    BYTES("\x1a\0\0\0" "\4\3\2\1" "\1\1\0\0" VERSION TABLE
	    "\x78\x56\x34\x12" "\xe8\3\0\0"
	    "\3\0\0\0" "\3\0\0\0" "GET" "\1\0\0\0" "b"
	    "\6\0\0\0" "k \r\n\0\xff"),
	    { FRAME_REQUEST, FRAME_TEXT, 0, 0x01020304, THE_TABLE, 0x12345678,
	    1000, 0, { NULL, 26 } }, 3,
	    { { BYTES("GET") }, { BYTES("b") }, { BYTES("k \r\n\0\xff") } } },
	{ "request for a piece of a list, passed on once, to the node itself",
	    BYTES("\x17\0\0\0" "\xff\xff\xff\xff" "\1\3\1\0" VERSION TABLE
	    "\xff\xff\xff\xff" "\0\0\0\0"
	    "\x88\x77\x66\x55\x44\x33\x22\x11"
	    "\1\0\0\0" "\7\0\0\0" "BUCKETS"),
	    { FRAME_REQUEST, FRAME_TEXT | FRAME_PLACE, 1, UINT32_MAX,
	    THE_TABLE, FRAME_NO_SHARD, 0, 0x1122334455667788, { NULL, 15 } },
	    1, { { BYTES("BUCKETS") } } },
	{ "request with empty words",
	    BYTES("\x10\0\0\0" "\1\0\0\0" "\1\1\0\0" VERSION TABLE NOTHING
	    "\3\0\0\0" "\0\0\0\0" "\0\0\0\0" "\0\0\0\0"),
	    { FRAME_REQUEST, FRAME_TEXT, 0, 1, THE_TABLE, 0, 0, 0,
	    { NULL, 16 } }, 3,
	    { { BYTES("") }, { BYTES("") }, { BYTES("") } } },
	{ "reply",
	    BYTES("\7\0\0\0" "\1\0\0\0" "\2\1\0\0" VERSION TABLE NOTHING
	    "1\r\nOK\r\n"),
	    { FRAME_REPLY, FRAME_TEXT, 0, 1, THE_TABLE, 0, 0, 0, { NULL, 7 } },
	    0, { { NULL, 0 } } },
	{ "reply that is empty",
	    BYTES("\0\0\0\0" "\1\0\0\0" "\2\1\0\0" VERSION TABLE NOTHING),
	    { FRAME_REPLY, FRAME_TEXT, 0, 1, THE_TABLE, 0, 0, 0, { NULL, 0 } },
	    0, { { NULL, 0 } } },
	{ "reply that counts as an error",
	    BYTES("\x09\0\0\0" "\1\0\0\0" "\2\5\0\0" VERSION TABLE NOTHING
	    "ERROR x\r\n"),
	    { FRAME_REPLY, FRAME_TEXT | FRAME_FAILED, 0, 1, THE_TABLE, 0, 0, 0,
	    { NULL, 9 } }, 0, { { NULL, 0 } } },
	{ "reply with a piece of a list",
	    BYTES("\x0b\0\0\0" "\1\0\0\0" "\2\3\0\0" VERSION TABLE NOTHING
	    "\1\0\0\0\0\0\0\x80" "a\r\n"),
	    { FRAME_REPLY, FRAME_TEXT | FRAME_PLACE, 0, 1, THE_TABLE, 0, 0,
	    0x8000000000000001, { NULL, 3 } }, 0, { { NULL, 0 } } },
	{ "reply with an empty last piece",
	    BYTES("\x08\0\0\0" "\1\0\0\0" "\2\3\0\0" VERSION TABLE NOTHING
	    "\0\0\0\0\0\0\0\0"),
	    { FRAME_REPLY, FRAME_TEXT | FRAME_PLACE, 0, 1, THE_TABLE, 0, 0, 0,
	    { NULL, 0 } }, 0, { { NULL, 0 } } },
	{ "event",
	    BYTES("\x0d\0\0\0" "\1\0\0\0" "\3\1\0\0" VERSION TABLE NOTHING
	    "key DELETED\r\n"),
	    { FRAME_EVENT, FRAME_TEXT, 0, 1, THE_TABLE, 0, 0, 0,
	    { NULL, 13 } }, 0, { { NULL, 0 } } },
	{ "not mine",
	    BYTES("\7\0\0\0" "\1\0\0\0" "\4\0\0\0" VERSION TABLE NOTHING
	    "node-b."),
	    { FRAME_NOT_MINE, 0, 0, 1, THE_TABLE, 0, 0, 0, { NULL, 7 } }, 0,
	    { { NULL, 0 } } },
	{ "refused",
	    BYTES("\x09\0\0\0" "\1\0\0\0" "\5\0\0\0" VERSION TABLE NOTHING
	    "too late~"),
	    { FRAME_REFUSED, 0, 0, 1, THE_TABLE, 0, 0, 0, { NULL, 9 } }, 0,
	    { { NULL, 0 } } },
	{ "cancel",
	    BYTES("\0\0\0\0" "\1\0\0\0" "\6\0\0\0" VERSION TABLE NOTHING),
	    { FRAME_CANCEL, 0, 0, 1, THE_TABLE, 0, 0, 0, { NULL, 0 } }, 0,
	    { { NULL, 0 } } },
	{ "ping",
	    BYTES("\0\0\0\0" "\2\0\0\0" "\7\0\0\0" VERSION TABLE NOTHING),
	    { FRAME_PING, 0, 0, 2, THE_TABLE, 0, 0, 0, { NULL, 0 } }, 0,
	    { { NULL, 0 } } },
	{ "pong",
	    BYTES("\0\0\0\0" "\2\0\0\0" "\x08\0\0\0" VERSION TABLE NOTHING),
	    { FRAME_PONG, 0, 0, 2, THE_TABLE, 0, 0, 0, { NULL, 0 } }, 0,
	    { { NULL, 0 } } },
	{ "bye",
	    BYTES("\0\0\0\0" "\0\0\0\0" "\x09\0\0\0" VERSION TABLE NOTHING),
	    { FRAME_BYE, 0, 0, 0, THE_TABLE, 0, 0, 0, { NULL, 0 } }, 0,
	    { { NULL, 0 } } }
};

#define VECTORS	(sizeof(vectors) / sizeof(vectors[0]))

/* Places in a header. */
#define AT_OP		8
#define AT_FLAGS	9
#define AT_HOPS		10
#define AT_RESERVED	11
#define AT_VERSION	12
#define AT_RESERVED_TOO	14
#define AT_SHARD	32
#define AT_DEADLINE	36

static struct request request;

static uint8_t *
copy_of(const void *bytes, size_t len)
{
	uint8_t *copy = malloc(len + (len == 0));

	memcpy(copy, bytes, len);
	return copy;
}

/* What comes of these bytes, and in *reason why; the request too is read. */
static enum frame_status
parse(const uint8_t *bytes, size_t len, size_t payload_max,
    const char **reason)
{
	uint8_t *buf = copy_of(bytes, len);
	enum frame_status status;
	struct frame frame;
	size_t used;

	*reason = "none";
	status = frame_parse(buf, len, payload_max, &frame, reason, &used);
	if (status == FRAME_OK) {
		cr_assert(used >= FRAME_HEADER_LEN && used <= len);
		if (frame.op == FRAME_REQUEST &&
		    !frame_words(&frame, &request, reason))
			status = FRAME_BAD;
	} else {
		cr_assert_eq(used, 0);
	}
	free(buf);
	return status;
}

static void
check_words(const struct vector *v, const struct frame *frame)
{
	const char *reason;
	size_t i;

	cr_assert(frame_words(frame, &request, &reason), "%s: %s", v->what,
	    reason);
	cr_assert_eq(request.argc, v->argc, "%s", v->what);
	for (i = 0; i < v->argc; i++) {
		cr_assert_eq(request.argv[i].len, v->argv[i].len, "%s",
		    v->what);
		cr_assert(memcmp(request.argv[i].data, v->argv[i].data,
		    v->argv[i].len) == 0, "%s", v->what);
	}
}

/* All of a vector's bytes are there, and perhaps more. */
static void
check_whole(const struct vector *v, const uint8_t *buf, size_t len)
{
	struct frame frame;
	const char *reason;
	size_t used;

	cr_assert_eq(frame_parse(buf, len, PAYLOAD_MAX, &frame, &reason,
	    &used), FRAME_OK, "%s", v->what);
	cr_assert_eq(used, v->len, "%s", v->what);
	cr_assert_eq(frame.op, v->frame.op, "%s", v->what);
	cr_assert_eq(frame.flags, v->frame.flags, "%s", v->what);
	cr_assert_eq(frame.hops, v->frame.hops, "%s", v->what);
	cr_assert_eq(frame.id, v->frame.id, "%s", v->what);
	cr_assert_eq(frame.table.version, v->frame.table.version);
	cr_assert_eq(frame.table.hash, v->frame.table.hash);
	cr_assert_eq(frame.shard, v->frame.shard, "%s", v->what);
	cr_assert_eq(frame.deadline_ms, v->frame.deadline_ms, "%s", v->what);
	cr_assert_eq(frame.place, v->frame.place, "%s", v->what);
	cr_assert_eq(frame.payload.len, v->frame.payload.len, "%s", v->what);
	cr_assert_eq(frame.payload.data + frame.payload.len, buf + v->len);
	if (frame.op == FRAME_REQUEST)
		check_words(v, &frame);
}

Test(frame, every_vector_whole)
{
	uint8_t *buf;
	size_t i;

	for (i = 0; i < VECTORS; i++) {
		buf = copy_of(vectors[i].bytes, vectors[i].len);
		check_whole(&vectors[i], buf, vectors[i].len);
		free(buf);
	}
}

Test(frame, every_vector_cut_short_at_every_byte_waits_for_more)
{
	const char *reason;
	size_t i, at;

	for (i = 0; i < VECTORS; i++)
		for (at = 0; at < vectors[i].len; at++)
			cr_assert_eq(parse(vectors[i].bytes, at, PAYLOAD_MAX,
			    &reason), FRAME_MORE, "%s cut at %zu: %s",
			    vectors[i].what, at, reason);
}

Test(frame, frames_behind_one_another_are_taken_one_at_a_time)
{
	uint8_t *stream = malloc(VECTORS * 128);
	size_t i, at = 0, len = 0;

	for (i = 0; i < VECTORS; i++) {
		memcpy(stream + len, vectors[i].bytes, vectors[i].len);
		len += vectors[i].len;
	}
	for (i = 0; i < VECTORS; i++) {
		check_whole(&vectors[i], stream + at, len - at);
		at += vectors[i].len;
	}
	cr_assert_eq(at, len);
	free(stream);
}

Test(frame, every_vector_is_written_as_the_same_bytes)
{
	struct outbuf out;
	struct frame frame;
	size_t i;

	for (i = 0; i < VECTORS; i++) {
		frame = vectors[i].frame;
		frame.payload.data = vectors[i].bytes + vectors[i].len -
		    frame.payload.len;
		outbuf_init(&out);
		frame_write(&out, &frame);
		cr_assert_eq(outbuf_len(&out), vectors[i].len, "%s",
		    vectors[i].what);
		cr_assert_arr_eq(out.data, vectors[i].bytes, vectors[i].len,
		    "%s", vectors[i].what);
		outbuf_free(&out);
	}
}

/*
 * What is accepted is what would have been written: a frame with one bit
 * turned round may be another frame, but never the same one in another form.
 */
static void
check_canonical(const uint8_t *bytes, size_t len)
{
	struct outbuf out;
	struct frame frame;
	const char *reason;
	size_t used;

	if (frame_parse(bytes, len, PAYLOAD_MAX, &frame, &reason, &used) !=
	    FRAME_OK)
		return;
	outbuf_init(&out);
	frame_write(&out, &frame);
	cr_assert_eq(outbuf_len(&out), used);
	cr_assert_arr_eq(out.data, bytes, used);
	outbuf_free(&out);
}

Test(frame, any_bit_turned_round_gives_another_frame_or_none)
{
	const char *reason;
	uint8_t *buf;
	size_t i, bit;

	for (i = 0; i < VECTORS; i++)
		for (bit = 0; bit < vectors[i].len * 8; bit++) {
			buf = copy_of(vectors[i].bytes, vectors[i].len);
			buf[bit / 8] ^= (uint8_t)(1U << bit % 8);
			check_canonical(buf, vectors[i].len);
			parse(buf, vectors[i].len, PAYLOAD_MAX, &reason);
			free(buf);
		}
}

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

Test(frame, flags_and_place_may_be_filled_in_behind_the_payload)
{
	struct frame frame = { .op = FRAME_REPLY, .id = 7,
	    .flags = FRAME_TEXT | FRAME_PLACE }, read;
	const char *reason;
	struct outbuf out;
	size_t mark, used;
	int i;

	outbuf_init(&out);
	outbuf_append(&out, "before", 6);
	mark = frame_begin(&out, &frame);
	for (i = 0; i < 1000; i++)	/* the memory moves meanwhile */
		reply_error(&out, "no %d", i);
	frame.flags |= FRAME_FAILED;
	frame.place = 99;
	frame_end(&out, mark, &frame);

	cr_assert_arr_eq(out.data, "before", 6);
	cr_assert_eq(frame_parse(out.data + 6, outbuf_len(&out) - 6,
	    SIZE_MAX, &read, &reason, &used), FRAME_OK);
	cr_assert_eq(used, outbuf_len(&out) - 6);
	cr_assert_eq(read.flags, frame.flags);
	cr_assert_eq(read.place, 99);
	cr_assert_arr_eq(read.payload.data, "ERROR no 0\r\nERROR no 1\r\n", 24);
	outbuf_free(&out);
}

Test(frame, a_frame_may_begin_where_bytes_were_drained)
{
	struct frame frame = { .op = FRAME_REPLY, .flags = FRAME_TEXT }, read;
	const char *reason;
	struct outbuf out;
	size_t mark, used;

	outbuf_init(&out);
	outbuf_append(&out, "sent and waiting", 16);
	outbuf_drain(&out, 9, 0);
	mark = frame_begin(&out, &frame);
	while (out.head > 0)		/* until the bytes are moved */
		outbuf_append(&out, "0123456789", 10);
	frame_end(&out, mark, &frame);
	cr_assert_arr_eq(out.data, "waiting", 7);
	cr_assert_eq(frame_parse(out.data + 7, outbuf_len(&out) - 7,
	    SIZE_MAX, &read, &reason, &used), FRAME_OK);
	cr_assert_eq(used, outbuf_len(&out) - 7);
	outbuf_free(&out);
}

/* The frames behind `at': together they are what was written. */
static void
expect_long(const struct outbuf *out, size_t at, const char *text, size_t max)
{
	size_t used, len = strlen(text), end = outbuf_len(out);
	struct frame read;
	const char *reason;

	do {
		cr_assert_eq(frame_parse(out->data + out->head + at, end - at,
		    max, &read, &reason, &used), FRAME_OK);
		cr_assert_eq(read.id, 7);
		cr_assert_leq(read.payload.len, len);
		cr_assert_eq(strncmp((const char *)read.payload.data, text,
		    read.payload.len), 0);
		cr_assert_eq((read.flags & FRAME_GOES_ON) != 0,
		    len > read.payload.len);
		cr_assert_eq((read.flags & FRAME_FAILED) != 0, true);
		text += read.payload.len;
		len -= read.payload.len;
		at += used;
	} while ((read.flags & FRAME_GOES_ON) != 0);
	cr_assert_eq(at, end);
}

Test(frame, a_long_reply_becomes_as_many_as_it_takes)
{
	static const char text[] = "abcdefghijklmnopqrstuvwxyz";
	struct frame frame = { .op = FRAME_REPLY, .id = 7,
	    .flags = FRAME_RESP2 | FRAME_FAILED };
	struct outbuf out;
	size_t len, max, mark;

	for (len = 0; len < sizeof(text); len++)
		for (max = 1; max <= len + 2; max++) {
			outbuf_init(&out);
			outbuf_append(&out, "sent, before", 12);
			outbuf_drain(&out, 6, SIZE_MAX);
			mark = frame_begin(&out, &frame);
			outbuf_append(&out, text + sizeof(text) - 1 - len,
			    len);
			frame_end_long(&out, mark, &frame, max);
			expect_long(&out, 6, text + sizeof(text) - 1 - len,
			    max);
			outbuf_free(&out);
		}
}

Test(frame, without_memory_nothing_is_written_and_nothing_breaks)
{
	static const struct slice word = { (const uint8_t *)"w", 1 };
	struct frame frame = { .op = FRAME_REQUEST,
	    .flags = FRAME_TEXT | FRAME_PLACE, .payload = { word.data, 1 } };
	struct outbuf out;
	size_t mark;

	outbuf_init(&out);
	out.failed = true;		/* as after a malloc(3) that failed */
	mark = frame_begin(&out, &frame);
	frame_put_words(&out, &word, 1);
	frame_end(&out, mark, &frame);
	frame_end_long(&out, mark, &frame, 1);
	frame_write(&out, &frame);
	cr_assert_eq(outbuf_len(&out), 0);
	cr_assert(out.failed);
	outbuf_free(&out);
}

Test(frame, random_headers_are_taken_in_one_form_or_not_at_all)
{
	uint8_t buf[FRAME_HEADER_LEN + 64];
	const struct vector *v;
	const char *reason;
	size_t at;
	int round, i;

	srand(6);
	for (round = 0; round < 100000; round++) {
		v = &vectors[(size_t)rand() % VECTORS];
		memset(buf, 0, sizeof(buf));
		memcpy(buf, v->bytes, v->len);
		for (i = rand() % 4; i >= 0; i--) {
			at = (size_t)rand() % v->len;
			buf[at] = (uint8_t)rand();
		}
		check_canonical(buf, sizeof(buf));
		parse(buf, sizeof(buf), PAYLOAD_MAX, &reason);
	}
}

Test(frame, another_id_changes_nothing_else)
{
	uint8_t bytes[512];
	struct frame frame;
	const char *reason;
	size_t used;

	cr_assert_leq(vectors[0].len, sizeof(bytes));
	memcpy(bytes, vectors[0].bytes, vectors[0].len);
	frame_renumber(bytes, 0xfedcba98);
	cr_assert_eq(frame_parse(bytes, vectors[0].len, PAYLOAD_MAX, &frame,
	    &reason, &used), FRAME_OK);
	cr_assert_eq(frame.id, 0xfedcba98);
	frame_renumber(bytes, vectors[0].frame.id);
	cr_assert_arr_eq(bytes, vectors[0].bytes, vectors[0].len);
}

/* The next of several lists, each byte of which is needed. */
Test(frame, words_may_stand_behind_each_other)
{
	static const uint8_t two[] = "\2\0\0\0" "\1\0\0\0" "x" "\0\0\0\0"
	    "\1\0\0\0" "\2\0\0\0" "yz";
	const size_t first = 13, len = sizeof(two) - 1;
	struct slice rest;
	uint8_t *copy;
	size_t cut;

	for (cut = 1; cut <= len; cut++) {
		copy = copy_of(two, cut);
		rest = (struct slice){ copy, cut };
		cr_assert_eq(frame_next_words(&rest, &request), cut >= first);
		if (cut >= first) {
			cr_assert_eq(request.argc, 2);
			cr_assert_eq(request.argv[1].len, 0);
			cr_assert_eq(rest.data, copy + first);
			cr_assert_eq(rest.len, cut - first);
		}
		if (cut > first)
			cr_assert_eq(frame_next_words(&rest, &request),
			    cut == len);
		free(copy);
	}
	cr_assert_eq(request.argc, 1);
	cr_assert_eq(request.argv[0].len, 2);
}
