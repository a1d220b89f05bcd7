/* Records: what goes in comes out, in the shorter of two forms. */

#include <criterion/criterion.h>

#include <string.h>

#include "shm/bucket.h"
#include "shm/pair.h"
#include "shm/record.h"
#include "support.h"

#define MB	(UINT64_C(1) << 20)
#define LIMIT	4095		/* bytes: from here on a length is long */

TestSuite(record, .fini = support_fini);

static uint8_t bytes[3 * LIMIT];

static void
set_up(struct arena **a, arena_off *off)
{
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	*a = support_arena(4 * MB, 1, 64 * 1024);
	*off = arena_segment_base(*a, 1);
}

static struct record_view
make(size_t key_len, size_t value_len, uint64_t expires_ms)
{
	bool expires = expires_ms != 0;

	return (struct record_view){
		.lsn = (UINT64_C(1) << 52) - 1,
		.bucket = (UINT64_C(1) << 47) - 64,
		.op = RECORD_PUT,
		.flags = 0xfe | (expires ? RECORD_EXPIRES : 0),
		.expires_ms = expires_ms,
		.key = { bytes, key_len },
		.value = { bytes + 1, value_len },
		.size = record_size(key_len, value_len, expires)
	};
}

static void
check_same(const struct record_view *r, const struct record_view *wrote)
{
	cr_assert_eq(r->lsn, wrote->lsn);
	cr_assert_eq(r->bucket, wrote->bucket);
	cr_assert_eq(r->op, wrote->op);
	cr_assert_eq(r->flags, wrote->flags);
	cr_assert_eq(r->expires_ms, wrote->expires_ms);
	cr_assert_eq(r->size, wrote->size);
	cr_assert_eq(r->key.len, wrote->key.len);
	cr_assert_eq(r->value.len, wrote->value.len);
	cr_assert_eq(memcmp(r->key.data, wrote->key.data, r->key.len), 0);
	cr_assert_eq(memcmp(r->value.data, wrote->value.data, r->value.len),
	    0);
}

Test(record, comes_back_as_it_was_whatever_its_lengths_are)
{
	static const size_t lengths[] = {
		0, 1, 7, 8, LIMIT - 1, LIMIT, LIMIT + 1, 2 * LIMIT
	};
	const size_t n = sizeof(lengths) / sizeof(lengths[0]);
	struct record_view r, wrote;
	struct arena *a;
	arena_off off;
	size_t i;

	set_up(&a, &off);
	for (i = 0; i < n * n * 2; i++) {
		wrote = make(lengths[i / 2 % n], lengths[i / 2 / n],
		    i % 2 * UINT64_MAX);
		record_write(a, off, &wrote);
		cr_assert(record_read(a, off, &r));
		check_same(&r, &wrote);
	}
}

Test(record, of_a_small_pair_has_sixteen_bytes_of_header)
{
	cr_assert_eq(record_size(16, 32, false), 16 + 48);
	cr_assert_eq(record_size(LIMIT - 1, 2, false), 16 + LIMIT + 1);
	cr_assert_eq(record_size(LIMIT, 1, false), 24 + LIMIT + 1);
	cr_assert_eq(record_size(1, LIMIT, false), 24 + LIMIT + 1);
	cr_assert_eq(record_size(1, LIMIT, true), 32 + LIMIT + 1);
}

Test(record, of_lengths_that_nobody_writes_so_is_none)
{
	struct record_lengths small = { 1, 1 }, huge = { 1, UINT32_MAX };
	struct record_view r, wrote;
	struct record *head;
	struct arena *a;
	arena_off off;

	set_up(&a, &off);
	head = arena_at(a, off);
	wrote = make(1, LIMIT, 0);
	record_write(a, off, &wrote);
	cr_assert(record_read(a, off, &r));
	/* The small ones have their place in the header. */
	memcpy(head + 1, &small, sizeof(small));
	cr_assert_not(record_read(a, off, &r));
	memcpy(head + 1, &huge, sizeof(huge));
	cr_assert_not(record_read(a, off, &r));
	record_write(a, off, &wrote);
	head->meta |= UINT64_C(1) << RECORD_VALUE_SHIFT;
	cr_assert_not(record_read(a, off, &r));
	/* A value of the limit is a long one. */
	wrote = make(1, LIMIT - 1, 0);
	record_write(a, off, &wrote);
	cr_assert(record_read(a, off, &r));
	head->meta |= (uint64_t)LIMIT << RECORD_VALUE_SHIFT;
	cr_assert_not(record_read(a, off, &r));
}

Test(record, at_the_end_of_a_segment_leads_no_further)
{
	struct record_view r, wrote;
	struct arena *a;
	arena_off off;

	set_up(&a, &off);
	wrote = make(0, LIMIT, 0);
	off += a->segment_bytes - wrote.size;
	record_write(a, off, &wrote);
	cr_assert(record_read(a, off, &r));
	memcpy(arena_at(a, off + wrote.size - sizeof(struct record)),
	    arena_at(a, off), sizeof(struct record));
	cr_assert_not(record_read(a,
	    off + wrote.size - sizeof(struct record), &r));
	cr_assert_not(record_read(a, off + wrote.size - 8, &r));
}

Test(record, of_lengths_around_the_limit_lives_through_the_cleaner)
{
	struct bytes bucket = support_bytes("b");
	struct arena *a;
	unsigned round;
	arena_off off;
	size_t len, i;
	uint8_t *got;

	set_up(&a, &off);
	got = bytes + 2 * LIMIT;
	cr_assert_eq(bucket_create(a, bucket), SHM_OK);
	for (round = 0; round < 300; round++)
		for (i = LIMIT - 2; i <= LIMIT + 1; i++) {
			struct pair p = { { bytes, i }, { bytes, i - 4 }, 0 };

			cr_assert_eq(pair_put(a, bucket, &p, NULL), SHM_OK);
		}
	support_clean(a);
	for (i = LIMIT - 2; i <= LIMIT + 1; i++) {
		cr_assert_eq(pair_get(a, bucket, (struct bytes){ bytes, i },
		    got, LIMIT, &len, NULL), SHM_OK);
		cr_assert_eq(len, i - 4);
		cr_assert_eq(memcmp(got, bytes, len), 0);
	}
	support_audit(a);
}
