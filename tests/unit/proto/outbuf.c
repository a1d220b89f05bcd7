/* Bytes out: nothing lost, nothing moved for nothing, no room never a crash. */

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>

#include "proto/outbuf.h"

/*
 * Memory that cannot be had is asked for below: the sanitizer is to answer
 * NULL as malloc(3) does, not to end the program.  What it says about it is
 * not to be seen.
 */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

/* The byte at place n of an endless stream that no power of 2 repeats. */
static uint8_t
stream_byte(size_t n)
{
	return (uint8_t)(n % 251);
}

static void
append_stream(struct outbuf *out, size_t *written, size_t n)
{
	uint8_t *room = outbuf_reserve(out, n);
	size_t i;

	cr_assert_not_null(room);
	for (i = 0; i < n; i++)
		room[i] = stream_byte(*written + i);
	outbuf_commit(out, n);
	*written += n;
}

static void
drain_stream(struct outbuf *out, size_t *read, size_t n, size_t keep)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (out->data[out->head + i] != stream_byte(*read + i))
			cr_assert_fail("byte %zu is wrong", *read + i);
	outbuf_drain(out, n, keep);
	*read += n;
}

Test(outbuf, a_new_buffer_is_empty_and_owns_nothing)
{
	struct outbuf out;

	outbuf_init(&out);
	cr_assert_eq(outbuf_len(&out), 0);
	cr_assert_null(out.data);
	cr_assert_not(out.failed);
	outbuf_free(&out);
}

Test(outbuf, what_is_appended_comes_out_in_order)
{
	struct outbuf out;

	outbuf_init(&out);
	outbuf_append(&out, "hello ", 6);
	outbuf_append(&out, NULL, 0);
	outbuf_append(&out, "world", 5);
	cr_assert_eq(outbuf_len(&out), 11);
	cr_assert_arr_eq(out.data + out.head, "hello world", 11);
	outbuf_drain(&out, 6, 0);
	cr_assert_eq(outbuf_len(&out), 5);
	cr_assert_arr_eq(out.data + out.head, "world", 5);
	outbuf_free(&out);
	cr_assert_eq(outbuf_len(&out), 0);
}

Test(outbuf, room_for_no_bytes_is_an_address_too)
{
	struct outbuf out;
	int i;

	outbuf_init(&out);
	for (i = 0; i < 5000; i++) {
		cr_assert_not_null(outbuf_reserve(&out, 0));
		outbuf_commit(&out, 0);
		outbuf_append(&out, "x", 1);
	}
	cr_assert_not(out.failed);
	outbuf_free(&out);
}

Test(outbuf, a_reservation_may_be_committed_in_part)
{
	struct outbuf out;

	outbuf_init(&out);
	memcpy(outbuf_reserve(&out, 4096), "abc", 3);
	outbuf_commit(&out, 2);
	outbuf_append(&out, "d", 1);
	cr_assert_eq(outbuf_len(&out), 3);
	cr_assert_arr_eq(out.data + out.head, "abd", 3);
	outbuf_free(&out);
}

Test(outbuf, every_reservation_has_the_room_it_promised)
{
	size_t n;

	for (n = 0; n < 5000; n++) {
		struct outbuf out;
		uint8_t *room;

		outbuf_init(&out);
		outbuf_append(&out, "0123456789", 10);
		room = outbuf_reserve(&out, n);
		if (room == NULL)
			cr_assert_fail("no room for %zu", n);
		memset(room, 'x', n);	/* the sanitizer looks on */
		outbuf_commit(&out, n);
		if (outbuf_len(&out) != 10 + n)
			cr_assert_fail("length is wrong after %zu", n);
		outbuf_free(&out);
	}
}

Test(outbuf, random_writes_and_drains_lose_no_byte)
{
	struct outbuf out;
	size_t written = 0, read = 0, n;
	int step;

	outbuf_init(&out);
	srand(1);
	for (step = 0; step < 20000; step++) {
		n = (size_t)rand() % (step % 100 == 0 ? 20000 : 300);
		append_stream(&out, &written, n);
		if (outbuf_len(&out) != written - read)
			cr_assert_fail("length is wrong at step %d", step);
		n = (size_t)rand() % (outbuf_len(&out) + 1);
		if (step % 7 == 0)
			n = outbuf_len(&out);
		drain_stream(&out, &read, n, (size_t)rand() % 8192);
	}
	drain_stream(&out, &read, outbuf_len(&out), 0);
	cr_assert_eq(read, written);
	cr_assert_not(out.failed);
	outbuf_free(&out);
}

Test(outbuf, a_steady_stream_needs_no_allocation)
{
	struct outbuf out;
	size_t written = 0, read = 0;
	const uint8_t *data;
	int i;

	/* Never empty: only moving the rest to the front makes room. */
	outbuf_init(&out);
	append_stream(&out, &written, 300);
	data = out.data;
	for (i = 0; i < 10000; i++) {
		append_stream(&out, &written, 300);
		drain_stream(&out, &read, 300, SIZE_MAX);
		if (out.data != data)
			cr_assert_fail("allocated again at step %d", i);
	}
	outbuf_free(&out);
}

Test(outbuf, a_nearly_full_buffer_grows_instead_of_moving_all_for_a_byte)
{
	struct outbuf out;
	size_t written = 0, read = 0, cap;

	outbuf_init(&out);
	append_stream(&out, &written, 1);
	cap = out.cap;
	append_stream(&out, &written, cap - 2);
	cr_assert_eq(out.cap, cap);
	drain_stream(&out, &read, 100, SIZE_MAX);
	append_stream(&out, &written, 1);
	cr_assert_gt(out.cap, cap);
	drain_stream(&out, &read, cap - 100, SIZE_MAX);
	outbuf_free(&out);
}

Test(outbuf, memory_stays_in_proportion_to_what_waits)
{
	struct outbuf out;
	size_t written = 0, read = 0;
	int i;

	outbuf_init(&out);
	append_stream(&out, &written, 100000);
	for (i = 0; i < 20000; i++) {
		append_stream(&out, &written, 999);
		drain_stream(&out, &read, 999, SIZE_MAX);
	}
	cr_assert_eq(outbuf_len(&out), 100000);
	cr_assert_leq(out.cap, 4 * 101000);
	outbuf_free(&out);
}

Test(outbuf, growing_takes_few_allocations)
{
	struct outbuf out;
	const uint8_t *data;
	size_t i, grown = 0;

	outbuf_init(&out);
	for (i = 0; i < 1000000; i++) {
		data = out.data;
		outbuf_append(&out, "y", 1);
		grown += out.data != data;
	}
	cr_assert_eq(outbuf_len(&out), 1000000);
	cr_assert_leq(grown, 11);
	outbuf_free(&out);
}

Test(outbuf, a_large_buffer_is_given_back_when_empty)
{
	struct outbuf out;
	size_t written = 0, read = 0;

	outbuf_init(&out);
	append_stream(&out, &written, 100000);
	drain_stream(&out, &read, 99999, 4096);
	cr_assert_geq(out.cap, 100000);	/* not while something waits */
	drain_stream(&out, &read, 1, 4096);
	cr_assert_eq(out.cap, 0);
	cr_assert_null(out.data);
	append_stream(&out, &written, 10);
	drain_stream(&out, &read, 10, 4096);
	cr_assert_neq(out.cap, 0);	/* a small one is kept */
	outbuf_free(&out);
}

/* From a fresh buffer, one with bytes in it, and one drained in part. */
static void
check_failure(size_t n, size_t waiting, size_t drained)
{
	struct outbuf out;
	size_t written = 0, read = 0;

	outbuf_init(&out);
	append_stream(&out, &written, waiting);
	drain_stream(&out, &read, drained, SIZE_MAX);
	cr_assert_null(outbuf_reserve(&out, n), "%zu bytes", n);
	cr_assert(out.failed);

	/* Sticks, keeps what was there, takes no more. */
	cr_assert_null(outbuf_reserve(&out, 1));
	outbuf_append(&out, "lost", 4);
	cr_assert_eq(outbuf_len(&out), waiting - drained);
	drain_stream(&out, &read, waiting - drained, 0);
	cr_assert(out.failed);
	cr_assert_null(outbuf_reserve(&out, 0));

	outbuf_free(&out);
	cr_assert_not(out.failed);
	outbuf_append(&out, "anew", 4);
	cr_assert_eq(outbuf_len(&out), 4);
	outbuf_free(&out);
}

Test(outbuf, impossible_sizes_fail_and_the_failure_sticks,
    .init = cr_redirect_stderr)
{
	static const size_t sizes[] = {
		SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 5000, SIZE_MAX / 2 + 1,
		SIZE_MAX / 2, SIZE_MAX / 2 - 1, SIZE_MAX / 2 - 5000,
		SIZE_MAX / 4 + 1, SIZE_MAX / 4
	};
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		check_failure(sizes[i], 0, 0);
		check_failure(sizes[i], 5000, 0);
		check_failure(sizes[i], 5000, 4000);
	}
}

Test(outbuf, memory_that_malloc_refuses_is_a_failure_too,
    .init = cr_redirect_stderr)
{
	check_failure(SIZE_MAX / 8, 0, 0);
	check_failure(SIZE_MAX / 8, 5000, 4000);
}

Test(outbuf, what_was_written_can_be_taken_back)
{
	struct outbuf buf;

	outbuf_init(&buf);
	outbuf_append(&buf, "sent, kept, not", 15);
	outbuf_drain(&buf, 6, SIZE_MAX);
	outbuf_truncate(&buf, 4);
	cr_assert_eq(outbuf_len(&buf), 4);
	cr_assert_arr_eq(buf.data + buf.head, "kept", 4);
	outbuf_truncate(&buf, 9);
	cr_assert_eq(outbuf_len(&buf), 4);
	outbuf_append(&buf, "!", 1);
	cr_assert_arr_eq(buf.data + buf.head, "kept!", 5);
	outbuf_free(&buf);
}
