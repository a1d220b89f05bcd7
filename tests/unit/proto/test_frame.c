/*
 * Frames: every vector whole and cut at every byte, and with every bit turned
 * round, each time in memory that ends where the bytes end; and the same
 * frames written again.
 */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "proto/reply.h"
#include "tests/copy.h"
#include "tests/unit/proto/frames.h"

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
