#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "shm/bucket.h"
#include "shm/clean.h"
#include "shm/pair.h"
#include "support.h"

TestSuite(clean, .fini = support_fini);
TestSuite(status, .fini = support_fini);

static struct arena *a;
static const struct bytes name = { "b", 1 };

static void
put(unsigned i, uint64_t expires_ms)
{
	char key[16];
	struct pair p = { { key, 0 }, support_bytes("some value"),
	    expires_ms };

	p.key.len = (size_t)snprintf(key, sizeof(key), "k%u", i);
	cr_assert_eq(pair_put(a, name, &p, NULL), SHM_OK);
}

static struct clean_work
clean(uint64_t now_ms)
{
	struct clean_state state = { .shard = 0 };
	struct clean_work work = { .segments_freed = 0 };

	while (clean_step(a, &state, &work, now_ms))
		;
	return work;
}

/* Segments of which most is overwritten and the rest has an expiry time. */
static void
set_up(unsigned lasting)
{
	unsigned i;

	a = support_arena(UINT64_C(8) << 20, 1, 64 * 1024);
	cr_assert_eq(bucket_create(a, name), SHM_OK);
	for (i = 0; i < lasting * 10; i++)
		if (i % 10 == 0)
			put(1000 + i, 5000);
		else
			put(i % 7, 0);
}

Test(clean, reclaims_what_has_expired_and_nothing_else)
{
	struct bucket_stat st;
	struct clean_work work;

	set_up(1000);
	bucket_stat(a, name, &st);
	cr_assert_eq(st.keys, 1007);
	work = clean(4999);
	cr_assert_eq(work.records_expired, 0);
	cr_assert_gt(work.records_moved, 500);
	bucket_stat(a, name, &st);
	cr_assert_eq(st.keys, 1007);
	support_audit(a);
}

Test(clean, drops_expired_pairs_when_it_meets_them)
{
	struct bucket_stat st;
	struct clean_work work;

	set_up(1000);
	work = clean(5000);
	cr_assert_gt(work.records_expired, 500);
	bucket_stat(a, name, &st);
	cr_assert_eq(st.keys, 1007 - work.records_expired);
	support_audit(a);
}

Test(clean, frees_segments_that_are_all_dead_without_moving)
{
	struct clean_work work;
	unsigned i;

	a = support_arena(UINT64_C(8) << 20, 1, 64 * 1024);
	cr_assert_eq(bucket_create(a, name), SHM_OK);
	put(0, 0);
	for (i = 0; i < 20000; i++)
		put(1 + i % 3, 0);
	work = clean(0);
	cr_assert_gt(work.segments_freed, 5);
	cr_assert_leq(work.records_moved, 2, "the bucket and the first key");
	support_audit(a);
}

Test(clean, takes_dropped_buckets_apart_in_pieces)
{
	struct clean_state state = { .shard = 0 };
	struct clean_work work = { .segments_freed = 0 };
	uint64_t before;
	unsigned i;
	bool more;

	a = support_arena(UINT64_C(8) << 20, 1, 64 * 1024);
	cr_assert_eq(bucket_create(a, name), SHM_OK);
	for (i = 0; i < 20000; i++)
		put(i, 0);
	cr_assert_eq(bucket_drop(a, name), SHM_OK);
	do {
		before = work.lines_dismantled;
		support_audit(a);
		more = clean_step(a, &state, &work, 0);
		cr_assert_leq(work.lines_dismantled - before, 32);
	} while (more);
	cr_assert_gt(work.lines_dismantled, 20000 / 8);
	support_audit(a);
}

Test(clean, shows_in_the_usage_of_the_arena)
{
	struct arena_usage full, u;

	set_up(1000);
	arena_usage(a, &full);
	cr_assert_eq(full.segments_raw + full.segments_free +
	    full.segments_log + full.segments_index, full.segments);
	cr_assert_gt(full.log_bytes, 10000 * 24);
	cr_assert_gt(full.dead_bytes, 8000 * 24);
	clean(0);
	arena_usage(a, &u);
	cr_assert_lt(u.dead_bytes, full.dead_bytes / 2);
	cr_assert_eq(u.log_bytes - u.dead_bytes,
	    full.log_bytes - full.dead_bytes, "what lives is the same");
}

Test(status, has_words_of_its_own)
{
	unsigned i, k;

	for (i = SHM_OK; i <= SHM_DAMAGED; i++)
		for (k = SHM_OK; k < i; k++)
			cr_assert_str_neq(shm_strstatus(i), shm_strstatus(k));
	for (i = ARENA_OK; i <= ARENA_NO_ROBUST; i++)
		for (k = ARENA_OK; k < i; k++)
			cr_assert_str_neq(arena_strerror(i),
			    arena_strerror(k));
}
