/* What has expired goes by itself, whoever sweeps. */

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "shm/bucket.h"
#include "shm/clean.h"
#include "shm/clock.h"
#include "shm/feed.h"
#include "shm/handle.h"
#include "shm/segment.h"
#include "shm/txn.h"
#include "shm/word.h"
#include "support.h"

#define LATER_MS	3600000U	/* from now: not while the test runs */

static struct arena *a;
static struct txn *txn;
static uint64_t now_ms;

static void
begin(void)
{
	a = support_arena(UINT64_C(8) << 20, 1, 64 * 1024);
	txn = txn_open(a);
	now_ms = clock_wall_ms();
	cr_assert_eq(bucket_create(a, support_bytes("b")), SHM_OK);
}

static void
end(void)
{
	txn_close(txn);
	support_fini();
}

TestSuite(sweep, .init = begin, .fini = end, .timeout = 120);

static enum shm_status
put_in(const char *bucket, unsigned i, uint64_t expires_ms)
{
	char key[16];
	struct pair p = { { key, 0 }, support_bytes("some value"),
	    expires_ms };

	p.key.len = (size_t)snprintf(key, sizeof(key), "k%u", i);
	return pair_put(a, support_bytes(bucket), &p, NULL);
}

static void
put(unsigned i, uint64_t expires_ms)
{
	cr_assert_eq(put_in("b", i, expires_ms), SHM_OK);
}

static uint64_t
keys_of(const char *bucket)
{
	struct bucket_stat st = { .keys = 0 };

	(void)bucket_stat(a, support_bytes(bucket), &st);
	return st.keys;
}

/* All that is due at that time. */
static struct clean_work
sweep(uint64_t at_ms)
{
	struct clean_state state = { .shard = 0 };
	struct clean_work work = { .segments_freed = 0 };

	while (clean_sweep(a, &state, &work, at_ms, 1))
		;
	return work;
}

struct edit {
	const char	*bucket;
	bool		 is_auto;
	uint64_t	 expires_ms;
	const char	*key;
	uint64_t	 key_expires_ms;
};

static enum shm_status
make(struct txn *t, void *arg)
{
	const struct edit *e = arg;
	struct bytes name = support_bytes(e->bucket);
	struct pair p = { support_bytes(e->key), support_bytes("v"),
	    e->key_expires_ms };
	enum shm_status status = txn_create(t, name, e->is_auto);

	if (status == SHM_OK)
		status = txn_put(t, name, &p);
	if (status == SHM_OK && e->expires_ms != 0)
		status = txn_expire(t, name, e->expires_ms);
	return status;
}

static enum shm_status
expire(struct txn *t, void *arg)
{
	const struct edit *e = arg;

	return txn_expire(t, support_bytes(e->bucket), e->expires_ms);
}

static void
run(enum shm_status (*op)(struct txn *, void *), struct edit e)
{
	cr_assert_eq(txn_run(txn, 0, op, &e, NULL), SHM_OK);
}

Test(sweep, removes_what_has_expired_and_nothing_else)
{
	struct clean_work work;
	unsigned i;

	for (i = 0; i < 6000; i++)
		put(i, i % 3 == 0 ? 0 : i % 3 == 1 ? 5000 : 6000);
	work = sweep(4999);
	cr_assert_eq(work.records_swept, 0, "nothing is due");
	work = sweep(5000);
	cr_assert_eq(work.records_expired, 2000);
	cr_assert_eq(keys_of("b"), 4000);
	support_audit(a);
	work = sweep(6000);
	cr_assert_eq(work.records_expired, 2000);
	cr_assert_eq(keys_of("b"), 2000);
	support_audit(a);
}

/* But the tombstones, which tell of what it did. */
Test(sweep, does_not_look_again_where_nothing_is_left)
{
	struct clean_work work;
	unsigned i;

	for (i = 0; i < 6000; i++)
		put(i, i < 3000 ? 5000 : 0);
	work = sweep(5000);
	cr_assert_geq(work.records_swept, 3000);
	work = sweep(UINT64_MAX / 2);
	cr_assert_eq(work.records_swept, 0);
}

Test(sweep, does_a_bounded_piece_of_work_at_a_time)
{
	struct clean_state state = { .shard = 0 };
	struct clean_work work = { .segments_freed = 0 }, before;
	unsigned i;

	for (i = 0; i < 6000; i++)
		put(i, i % 100 == 0 || i > 5000 ? 5000 : 9000);
	do {
		before = work;
		support_audit(a);
		cr_assert_leq(work.records_swept, 20000);
	} while (clean_sweep(a, &state, &work, 5000, 1) &&
	    work.records_swept - before.records_swept <= 512 &&
	    work.records_expired - before.records_expired <= 32);
	cr_assert_eq(work.records_swept, before.records_swept, "too much");
	cr_assert_eq(keys_of("b"), 6000 - 51 - 999);
}

/* Unless who asks cannot wait. */
Test(sweep, leaves_a_segment_alone_for_a_while)
{
	struct clean_state state = { .shard = 0 };
	struct clean_work work = { .segments_freed = 0 };

	put(1, 5000);
	put(2, 5100);
	while (clean_sweep(a, &state, &work, 5000, 500))
		;
	cr_assert_eq(work.records_expired, 1);
	cr_assert_not(clean_sweep(a, &state, &work, 5499, 500));
	cr_assert(clean_sweep(a, &state, &work, 5499, 1));
	cr_assert_eq(work.records_expired, 2);
}

Test(sweep, finds_what_the_cleaner_has_moved)
{
	struct clean_state state = { .shard = 0 };
	struct clean_work work = { .segments_freed = 0 };
	unsigned i;

	run(make, (struct edit){ "x", true, now_ms + LATER_MS, "k", 0 });
	for (i = 0; i < 20000; i++)
		put(i % 10 == 0 ? 1000 + i : i % 7,
		    i % 10 == 0 ? now_ms + LATER_MS : 0);
	while (clean_step(a, &state, &work, now_ms))
		;
	cr_assert_gt(work.records_moved, 1000);
	support_audit(a);
	work = sweep(now_ms + LATER_MS);
	cr_assert_eq(work.records_expired, 2000);
	cr_assert_eq(work.buckets_expired, 1);
	cr_assert_eq(keys_of("b"), 7);
	support_audit(a);
}

Test(sweep, drops_buckets_that_have_expired_and_gives_their_memory_back)
{
	uint64_t buckets, keys;
	unsigned i;

	run(make, (struct edit){ "x", true, 0, "k", 5000 });
	for (i = 0; i < 5000; i++)
		cr_assert_eq(put_in("x", i, i % 2 == 0 ? 0 : 5000), SHM_OK);
	run(expire, (struct edit){ .bucket = "x", .expires_ms = 4000 });
	arena_counts(a, &buckets, &keys);
	cr_assert_eq(buckets, 2);
	cr_assert_eq(keys, 5001);
	sweep(5000);
	arena_counts(a, &buckets, &keys);
	cr_assert_eq(buckets, 1);
	cr_assert_eq(keys, 0);
	support_audit(a);
	support_clean(a);
	support_audit(a);
}

Test(sweep, forgets_a_time_that_was_called_off)
{
	run(make, (struct edit){ "x", true, now_ms + LATER_MS, "k", 0 });
	run(expire, (struct edit){ .bucket = "x", .expires_ms = 0 });
	put(1, 5000);
	put(1, 0);
	cr_assert_eq(sweep(now_ms + LATER_MS).records_expired, 0);
	cr_assert_eq(keys_of("x"), 1);
	cr_assert_eq(keys_of("b"), 1);
}

/* A sweep may be killed, or somebody else's. */
Test(sweep, goes_on_after_one_that_was_left_off)
{
	struct clean_state killed = { .shard = 0 };
	struct clean_work work = { .segments_freed = 0 };
	unsigned i;

	for (i = 0; i < 600; i++)
		put(i, 5000);
	cr_assert(clean_sweep(a, &killed, &work, 5000, 1));
	cr_assert_eq(work.records_expired, 32);
	support_audit(a);
	work = sweep(5001);
	cr_assert_eq(work.records_expired, 600 - 32);
	cr_assert_eq(keys_of("b"), 0);
	/* And that one, if it lives, finds nothing left. */
	while (clean_sweep(a, &killed, &work, 5002, 1))
		;
	cr_assert_eq(work.records_expired, 600 - 32);
	support_audit(a);
}

/* The name is in the part of the segment that is done. */
Test(sweep, hears_of_a_bucket_that_is_told_to_expire_behind_its_back)
{
	struct clean_state state = { .shard = 0 };
	struct clean_work work = { .segments_freed = 0 };
	unsigned i;

	run(make, (struct edit){ "x", true, 0, "k", 0 });
	for (i = 0; i < 200; i++)
		put(i, 5000);
	cr_assert(clean_sweep(a, &state, &work, 5000, 1));
	run(expire, (struct edit){
		.bucket = "x", .expires_ms = now_ms + LATER_MS
	});
	while (clean_sweep(a, &state, &work, 5000, 1))
		support_audit(a);
	support_audit(a);
	cr_assert_eq(keys_of("b"), 0);
	cr_assert_eq(keys_of("x"), 1);
	cr_assert_eq(sweep(now_ms + LATER_MS).buckets_expired, 1);
}

/* It comes where all that had expired by then is known to be gone. */
Test(sweep, finds_what_had_expired_before_it_came)
{
	put(1, 5000);
	sweep(5000);
	put(2, 4000);
	support_audit(a);
	cr_assert_eq(sweep(5001).records_expired, 1);
	cr_assert_eq(keys_of("b"), 0);
}

Test(sweep, comes_to_names_without_a_lock_for_those_who_read)
{
	struct bucket_stat st;

	run(make, (struct edit){ "x", true, 0, "k", 0 });
	cr_assert_eq(bucket_stat(a, support_bytes("x"), &st), SHM_OK);
	cr_assert_gt(st.created, 0);
	cr_assert_lt(st.created, st.revision);
}

/* The next event in the feed. */
static struct feed_event
next(struct feed *feed)
{
	static uint8_t buf[256];
	struct feed_event event;
	size_t needed;

	cr_assert_eq(feed_next(a, feed, buf, sizeof(buf), &event, &needed),
	    FEED_OK);
	return event;
}

static void
must_tell(struct feed *feed, enum feed_op what, unsigned why, const char *key)
{
	struct feed_event e = next(feed);

	cr_assert_eq(e.op, what);
	cr_assert_eq(e.why, why);
	cr_assert_eq(e.key.len, strlen(key));
	cr_assert_eq(memcmp(e.key.data, key, e.key.len), 0);
}

Test(sweep, tells_why_and_lets_a_bucket_go_with_its_last_key)
{
	struct bucket_stat st;
	struct feed feed;

	run(make, (struct edit){ "x", true, 0, "k", 5000 });
	run(make, (struct edit){ "y", true, now_ms + LATER_MS, "k", 0 });
	put(1, 5000);
	feed_open(a, 0, &feed);
	sweep(now_ms + LATER_MS);
	must_tell(&feed, FEED_DELETED, FEED_EXPIRED, "k");
	must_tell(&feed, FEED_DROPPED, 0, "x");
	must_tell(&feed, FEED_DROPPED, FEED_EXPIRED, "y");
	must_tell(&feed, FEED_DELETED, FEED_EXPIRED, "k1");
	cr_assert_eq(bucket_stat(a, support_bytes("x"), &st), SHM_NO_BUCKET);
	cr_assert_eq(keys_of("b"), 0);
	support_audit(a);
}

Test(sweep, is_not_needed_to_let_a_bucket_go_with_its_last_key)
{
	struct bucket_stat st;

	run(make, (struct edit){ "x", true, 0, "k", 0 });
	cr_assert_eq(pair_delete(a, support_bytes("x"), support_bytes("k")),
	    SHM_OK);
	cr_assert_eq(bucket_stat(a, support_bytes("x"), &st), SHM_NO_BUCKET);
	support_audit(a);
}

/* Nothing draws the cleaner to it, for none of it is dead. */
Test(sweep, makes_room_in_an_arena_that_is_full_of_what_has_expired)
{
	uint64_t soon_ms = clock_wall_ms() + 2000;
	unsigned n = 0, i;

	while (put_in("b", n, soon_ms) == SHM_OK)
		n++;
	cr_assert_gt(n, 10000);
	while (clock_wall_ms() < soon_ms)
		cr_assert_neq(put_in("b", n + 1, 0), SHM_NO_BUCKET);
	for (i = 0; i < n; i++)
		cr_assert_eq(put_in("b", i, 0), SHM_OK, "%u of %u", i, n);
	support_audit(a);
}

Test(sweep, makes_room_in_an_arena_that_is_full_of_a_bucket_that_has_expired)
{
	uint64_t soon_ms = clock_wall_ms() + 2000;
	unsigned n = 0, i;

	run(make, (struct edit){ "x", false, soon_ms, "k", 0 });
	while (put_in("x", n, 0) == SHM_OK)
		n++;
	while (clock_wall_ms() < soon_ms)
		cr_assert_neq(put_in("b", 1, 0), SHM_NO_BUCKET);
	/* Two tables grow to other sizes; that is a segment or two. */
	for (n -= n / 32, i = 0; i < n; i++)
		cr_assert_eq(put_in("b", i, 0), SHM_OK, "%u of %u", i, n);
	support_audit(a);
}

Test(sweep, is_counted_by_who_does_it)
{
	uint64_t fields = board_sum(a, BOARD_EXPIRED_FIELDS);
	uint64_t keys = board_sum(a, BOARD_EXPIRED_KEYS);

	run(make, (struct edit){ "x", true, 5000, "k", 5000 });
	run(make, (struct edit){ "", false, 0, "string", 5000 });
	put(1, 5000);
	put(2, 0);
	sweep(5000);
	board_add_expired(a, 3);
	cr_assert_eq(board_sum(a, BOARD_EXPIRED_FIELDS), fields + 1);
	cr_assert_eq(board_sum(a, BOARD_EXPIRED_KEYS), keys + 2);
	board_add_expired(a, 3);
	cr_assert_eq(board_sum(a, BOARD_EXPIRED_KEYS), keys + 2);
}
