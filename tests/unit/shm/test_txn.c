/* Transactions: what one sees of itself, and what is there when it is done. */

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/bucket.h"
#include "shm/clock.h"
#include "shm/handle.h"
#include "shm/intent.h"
#include "shm/record.h"
#include "shm/scan.h"
#include "shm/slab.h"
#include "shm/word.h"
#include "transact.h"

TestSuite(txn, .fini = support_fini, .timeout = 300);

Test(txn, makes_buckets_and_what_is_in_them_at_once)
{
	uint64_t revision;

	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(txn_run(txn, 0, make_two, NULL, &revision), SHM_OK);
	cr_assert_eq(revision, 6);
	must_have("x", "k", "w");
	must_have("x", "l", NULL);
	must_have("y", "k", NULL);
	support_audit(a);
}

static enum shm_status
call_off(struct txn *t, void *arg)
{
	(void)arg;
	cr_assert_eq(make_two(t, NULL), SHM_OK);
	return SHM_NO_KEY;
}

Test(txn, that_is_called_off_leaves_nothing)
{
	struct bucket_stat stat;

	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run(call_off, NULL), SHM_NO_KEY);
	cr_assert_eq(bucket_stat(a, b("x"), &stat), SHM_NO_BUCKET);
	cr_assert_eq(bucket_stat(a, b("y"), &stat), SHM_NO_BUCKET);
	support_audit(a);
}

static enum shm_status
delete_k_of(const char *bucket)
{
	struct bytes name = b(bucket);

	return run(delete_k, &name);
}

Test(txn, takes_a_bucket_with_its_last_key_if_it_is_one_that_goes)
{
	struct bucket_stat stat;

	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run(make_two, NULL), SHM_OK);
	cr_assert_eq(delete_k_of("x"), SHM_OK);
	cr_assert_eq(bucket_stat(a, b("x"), &stat), SHM_NO_BUCKET);
	cr_assert_eq(delete_k_of("x"), SHM_NO_BUCKET);
	cr_assert_eq(bucket_stat(a, b("y"), &stat), SHM_OK);
	cr_assert_eq(delete_k_of("y"), SHM_NO_KEY);
	support_audit(a);
}

Test(txn, drops_a_bucket_and_makes_another_of_its_name)
{
	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run(make_two, NULL), SHM_OK);
	cr_assert_eq(run(renew, NULL), SHM_OK);
	must_have("x", "k", NULL);
	must_have("x", "m", "new");
	support_audit(a);
	support_clean(a);
	support_audit(a);
	must_have("x", "m", "new");
}

static enum shm_status
make_and_drop(struct txn *t, void *arg)
{
	(void)arg;
	cr_assert_eq(txn_create(t, b("x"), false), SHM_OK);
	cr_assert_eq(put(t, "x", "k", "v"), SHM_OK);
	return txn_drop(t, b("x"));
}

Test(txn, may_drop_what_it_has_made)
{
	struct bucket_stat stat;

	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run(make_and_drop, NULL), SHM_OK);
	cr_assert_eq(bucket_stat(a, b("x"), &stat), SHM_NO_BUCKET);
	support_audit(a);
	support_clean(a);
	support_audit(a);
}

static enum shm_status
look_for_x(struct txn *t, void *arg)
{
	return txn_look(t, b("x"), arg);
}

Test(txn, lets_a_bucket_expire)
{
	uint64_t later_ms = clock_wall_ms() + 3600000, past_ms = 1, never = 0;
	struct txn_bucket facts;
	struct bucket_stat stat;

	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run(make_two, NULL), SHM_OK);
	cr_assert_eq(run(expire_x, &later_ms), SHM_OK);
	cr_assert_eq(run(look_for_x, &facts), SHM_OK);
	cr_assert_eq(facts.expires_ms, later_ms);
	cr_assert(facts.is_auto);
	must_have("x", "k", "w");
	cr_assert_eq(run(expire_x, &never), SHM_OK);
	cr_assert_eq(run(look_for_x, &facts), SHM_OK);
	cr_assert_eq(facts.expires_ms, 0);
	cr_assert_eq(run(expire_x, &past_ms), SHM_OK);
	cr_assert_eq(run(look_for_x, &facts), SHM_NO_BUCKET);
	cr_assert_eq(run(expire_x, &never), SHM_NO_BUCKET);
	must_have("x", "k", NULL);
	cr_assert_eq(bucket_stat(a, b("x"), &stat), SHM_NO_BUCKET);
	support_audit(a);
	/* What is left of it goes when another one is made. */
	cr_assert_eq(run(create_x, NULL), SHM_OK);
	cr_assert_eq(run(look_for_x, &facts), SHM_OK);
	cr_assert_not(facts.is_auto);
	cr_assert_eq(facts.keys, 0);
	support_audit(a);
}

/* What nobody can ask for is not listed either, and goes in time. */
Test(txn, leaves_ghosts_to_the_cleaner)
{
	uint8_t buf[256];
	struct scan_batch batch = { .buf = buf, .cap = sizeof(buf) };
	uint64_t past_ms = 1, buckets, keys;
	struct scan scan = { 0 }, of_keys = { 0 };
	struct pair p = { b("k"), b("v"), 0 };
	struct bytes name;
	size_t pos = 0;
	unsigned i;

	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run(make_two, NULL), SHM_OK);
	cr_assert_eq(run(expire_x, &past_ms), SHM_OK);
	cr_assert_eq(scan_keys(a, b("x"), &of_keys, &batch), SHM_NO_BUCKET);
	cr_assert_eq(scan_buckets(a, 0, &scan, &batch), SHM_OK);
	cr_assert(scan.done);
	cr_assert(scan_next_name(&batch, &pos, &name));
	cr_assert_eq(memcmp(name.data, "y", 1), 0);
	cr_assert_not(scan_next_name(&batch, &pos, &name));
	arena_counts(a, &buckets, &keys);
	cr_assert_eq(buckets, 2);
	for (i = 0; i < 4000; i++)
		cr_assert_eq(pair_put(a, b("y"), &p, NULL), SHM_OK);
	support_clean(a);
	support_audit(a);
	arena_counts(a, &buckets, &keys);
	cr_assert_eq(buckets, 1);
	cr_assert_eq(keys, 1);
}

/*
 * A transaction reserves what its changes take, makes them one after the
 * other, and none may fail for what an earlier one has given back.
 */
Test(txn, keeps_the_room_that_it_was_promised_until_its_end)
{
	uint64_t before;
	arena_off unit;
	struct held h;

	set_up(UINT64_C(8) << 20, 64 * 1024);
	before = segment_count_free(a);
	cr_assert_eq(lock_shard(a, 0, &h), LOCK_OK);
	cr_assert_eq(slab_reserve(&h, SLAB_LINE, 2, SEGMENT_FOR_PUT), SHM_OK);
	unit = slab_alloc(&h, SLAB_LINE);
	intent_commit(&h);
	/* A batch is under way. */
	word_store(&h.sh->batch_end, 8);
	slab_free(&h, SLAB_LINE, unit);
	intent_commit(&h);
	unit = slab_alloc(&h, SLAB_LINE);
	cr_assert_neq(unit, 0);
	cr_assert_not(h.broken);
	slab_free(&h, SLAB_LINE, unit);
	intent_commit(&h);
	word_store(&h.sh->batch_end, 0);
	slab_release_emptied(&h, SLAB_LINE);
	cr_assert_not(h.broken);
	lock_release(&h);
	cr_assert_eq(segment_count_free(a), before);
	support_audit(a);
}

/* Bytes left of the segment that is written. */
static uint64_t
hot_left(void)
{
	const struct shard *sh = &a->shards[0];

	return arena_segment_base(a, word_load(&sh->hot_segment)) -
	    word_load(&sh->hot_pos);
}

static void
fill_up_to(uint64_t left)
{
	const struct pair p = { b("k"), b("v"), 0 };

	do
		cr_assert_eq(pair_put(a, b("z"), &p, NULL), SHM_OK);
	while (hot_left() > left);
}

/*
 * The last that it meets in a segment is no end of the work: who waits for
 * room would be told that there is none.
 */
Test(txn, leaves_no_ghost_half_buried)
{
	uint64_t past_ms = 1, left;

	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(bucket_create(a, b("z")), SHM_OK);
	for (left = 400; left < 1400; left += 100) {
		fill_up_to(left);
		cr_assert_eq(run(make_two, NULL), SHM_OK);
		cr_assert_eq(run(expire_x, &past_ms), SHM_OK);
		fill_up_to(record_size(1, 1, false) - 1);
		fill_up_to(32 * 1024);
		support_clean(a);
		cr_assert_eq(word_load(&a->shards[0].graveyard), 0);
	}
	support_audit(a);
}

Test(txn, makes_a_bucket_stay_that_went_with_its_last_key)
{
	struct txn_bucket facts;

	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run(make_two, NULL), SHM_OK);
	cr_assert_eq(run(create_x, NULL), SHM_OK);
	cr_assert_eq(delete_k_of("x"), SHM_OK);
	cr_assert_eq(run(look_for_x, &facts), SHM_OK);
	cr_assert_not(facts.is_auto);
	support_audit(a);
}

#define WALKED	500

static enum shm_status
put_walked(struct txn *t, void *arg)
{
	static char keys[WALKED][8];
	enum shm_status status;
	unsigned i;

	(void)arg;
	if ((status = txn_create(t, b(""), false)) != SHM_OK)
		return status;
	for (i = 0; i < WALKED && status == SHM_OK; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%u", i);
		status = put(t, "", keys[i], "v");
	}
	return status;
}

static unsigned
number_of(struct bytes key)
{
	char text[8] = "";

	cr_assert_lt(key.len, sizeof(text));
	memcpy(text, key.data, key.len);
	return (unsigned)strtoul(text + 1, NULL, 10);
}

/* What it changes on the way does not lead it astray. */
static enum shm_status
walk(struct txn *t, void *arg)
{
	static uint8_t buf[256], seen[WALKED];
	struct scan_batch batch = { .buf = buf, .cap = sizeof(buf) };
	struct scan scan = { 0 };
	struct bytes key;
	unsigned i, n = 0;
	size_t pos;

	(void)arg;
	memset(seen, 0, sizeof(seen));
	cr_assert_eq(txn_scan(t, b("nosuch"), &scan, &batch), SHM_NO_BUCKET);
	while (!scan.done) {
		cr_assert_eq(txn_scan(t, b(""), &scan, &batch), SHM_OK);
		cr_assert_eq(put(t, "", "new", "v"), SHM_OK);
		for (pos = 0; scan_next_name(&batch, &pos, &key); n++) {
			i = number_of(key);
			cr_assert_lt(i, WALKED);
			cr_assert_eq(seen[i]++, 0);
		}
	}
	cr_assert_eq(n, WALKED);
	return txn_drop(t, b(""));
}

Test(txn, walks_over_a_bucket_as_it_was_before)
{
	uint8_t buf[256];
	struct scan_batch batch = { .buf = buf, .cap = sizeof(buf) };
	struct scan scan = { 0 };
	struct bucket_stat stat;

	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run(put_walked, NULL), SHM_OK);
	cr_assert_eq(bucket_look(a, 0, b(""), &stat), SHM_OK);
	cr_assert_eq(stat.keys, WALKED);
	support_audit(a);
	cr_assert_eq(scan_shard_keys(a, 0, b(""), &scan, &batch), SHM_OK);
	cr_assert_gt(batch.used, 0);
	cr_assert_eq(run(walk, NULL), SHM_OK);
	cr_assert_eq(bucket_look(a, 0, b(""), &stat), SHM_NO_BUCKET);
	support_audit(a);
	support_clean(a);
	support_audit(a);
}

Test(txn, finds_a_bucket_without_a_name_in_every_shard)
{
	struct bucket_stat stat;
	struct pair_facts facts;
	unsigned shard;

	a = support_arena(UINT64_C(16) << 20, 4, 64 * 1024);
	cr_assert_not_null(txn = txn_open(a));
	for (shard = 0; shard < 4; shard++) {
		cr_assert_eq(bucket_look(a, shard, b(""), &stat),
		    SHM_NO_BUCKET);
		cr_assert_eq(txn_run(txn, shard, put_walked, NULL, NULL),
		    SHM_OK);
		cr_assert_eq(bucket_look(a, shard, b(""), &stat), SHM_OK);
		cr_assert_eq(pair_look(a, shard, b(""), b("k1"), NULL, 0,
		    &facts), SHM_NO_ROOM);
	}
	support_audit(a);
}

static enum shm_status
walk_with_little_room(struct txn *t, void *arg)
{
	struct scan scan = { 0 };

	cr_assert_eq(txn_scan(t, b("x"), &scan, arg), SHM_NO_ROOM);
	return SHM_BATCH_SIZE;
}

Test(txn, is_told_how_much_room_a_line_of_a_walk_takes)
{
	struct scan_batch batch = { .cap = 0 };

	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run(make_two, NULL), SHM_OK);
	cr_assert_eq(run(walk_with_little_room, &batch), SHM_BATCH_SIZE);
	cr_assert_eq(batch.needed, 4 + 1);
}

Test(txn, keeps_what_it_is_told_to)
{
	char *kept[10];
	int i;

	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run(keep_much, kept), SHM_OK);
	for (i = 0; i < 10; i++) {
		cr_assert_eq(kept[i][0], 'a' + i);
		cr_assert_eq(kept[i][2999], 'a' + i);
	}
}

Test(txn, of_more_changes_than_fit_at_first_is_begun_again)
{
	unsigned n = 1000, more = 3000;
	struct bucket_stat stat;

	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run(put_many, &n), SHM_OK);
	cr_assert_eq(bucket_stat(a, b("x"), &stat), SHM_OK);
	cr_assert_eq(stat.keys, 1000);
	cr_assert_eq(run(put_many, &more), SHM_BATCH_SIZE);
	cr_assert_eq(bucket_stat(a, b("x"), &stat), SHM_OK);
	cr_assert_eq(stat.keys, 1000);
	support_audit(a);
}
