/*
 * Transactions against a plain table of what there should be: random changes
 * of a few buckets at once, some of which are called off in the end.
 */

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/bucket.h"
#include "shm/clean.h"
#include "shm/clock.h"
#include "shm/handle.h"
#include "shm/intent.h"
#include "shm/record.h"
#include "shm/scan.h"
#include "shm/slab.h"
#include "shm/txn.h"
#include "shm/word.h"
#include "support.h"

#define BUCKETS	6
#define KEYS	200
#define OPS_MAX	60

TestSuite(txn, .fini = support_fini, .timeout = 300);

static struct arena *a;
static struct txn *txn;
static struct txn_draft *draft;

static void
set_up(uint64_t bytes, uint32_t segment_bytes)
{
	a = support_arena(bytes, 1, segment_bytes);
	cr_assert_not_null(txn = txn_open(a));
	cr_assert_not_null(draft = txn_draft_open(a));
}

static struct bytes
b(const char *text)
{
	return support_bytes(text);
}

static enum shm_status
put(struct txn *t, const char *bucket, const char *key, const char *value)
{
	const struct pair p = { b(key), b(value), 0 };

	return txn_put(t, b(bucket), &p);
}

static void
must_have(const char *bucket, const char *key, const char *value)
{
	char buf[64] = "";
	enum shm_status status;
	size_t len = 0;

	status = pair_get(a, b(bucket), b(key), buf, sizeof(buf), &len, NULL);
	if (value == NULL) {
		cr_assert(status == SHM_NO_KEY || status == SHM_NO_BUCKET);
		return;
	}
	cr_assert_eq(status, SHM_OK, "%s", shm_strstatus(status));
	buf[len] = '\0';
	cr_assert_str_eq(buf, value);
}

static enum shm_status
run(enum shm_status (*op)(struct txn *, void *), void *arg)
{
	return txn_run(txn, 0, op, arg, NULL);
}

static enum shm_status
make_two(struct txn *t, void *arg)
{
	struct txn_bucket facts;
	struct txn_pair pair;

	(void)arg;
	cr_assert_eq(txn_look(t, b("x"), &facts), SHM_NO_BUCKET);
	cr_assert_eq(put(t, "x", "k", "v"), SHM_NO_BUCKET);
	cr_assert_eq(txn_create(t, b("x"), true), SHM_OK);
	cr_assert_eq(txn_create(t, b("y"), false), SHM_OK);
	cr_assert_eq(put(t, "x", "k", "v"), SHM_OK);
	cr_assert_eq(put(t, "x", "k", "w"), SHM_OK);
	cr_assert_eq(put(t, "x", "l", "1"), SHM_OK);
	cr_assert_eq(txn_look(t, b("x"), &facts), SHM_OK);
	cr_assert(facts.is_auto);
	cr_assert_eq(facts.keys, 2);
	cr_assert_eq(txn_get(t, b("x"), b("k"), &pair), SHM_OK);
	cr_assert_eq(pair.value.len, 1);
	cr_assert_eq(memcmp(pair.value.data, "w", 1), 0);
	cr_assert_eq(txn_delete(t, b("x"), b("l")), SHM_OK);
	cr_assert_eq(txn_delete(t, b("x"), b("l")), SHM_NO_KEY);
	cr_assert_eq(txn_get(t, b("x"), b("l"), &pair), SHM_NO_KEY);
	return SHM_OK;
}

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
delete_k(struct txn *t, void *arg)
{
	const struct bytes *bucket = arg;

	return txn_delete(t, *bucket, b("k"));
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

static enum shm_status
renew(struct txn *t, void *arg)
{
	struct txn_pair pair;

	(void)arg;
	cr_assert_eq(txn_drop(t, b("x")), SHM_OK);
	cr_assert_eq(txn_drop(t, b("x")), SHM_NO_BUCKET);
	cr_assert_eq(txn_get(t, b("x"), b("k"), &pair), SHM_NO_BUCKET);
	cr_assert_eq(txn_create(t, b("x"), false), SHM_OK);
	cr_assert_eq(txn_get(t, b("x"), b("k"), &pair), SHM_NO_KEY);
	return put(t, "x", "m", "new");
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
expire_x(struct txn *t, void *at_ms)
{
	return txn_expire(t, b("x"), *(uint64_t *)at_ms);
}

static enum shm_status
look_for_x(struct txn *t, void *arg)
{
	return txn_look(t, b("x"), arg);
}

static enum shm_status
create_x(struct txn *t, void *arg)
{
	(void)arg;
	return txn_create(t, b("x"), false);
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

/* Keeps more than there is room for at first. */
static enum shm_status
keep_much(struct txn *t, void *arg)
{
	static char block[3000];
	char **kept = arg;
	int i;

	for (i = 0; i < 10; i++) {
		memset(block, 'a' + i, sizeof(block));
		if ((kept[i] = txn_keep(t, block, sizeof(block))) == NULL)
			return SHM_NO_ROOM;
	}
	return SHM_OK;
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

static enum shm_status
put_many(struct txn *t, void *arg)
{
	static char keys[3000][12];
	unsigned i, n = *(unsigned *)arg;
	enum shm_status status;

	if ((status = txn_create(t, b("x"), true)) != SHM_OK)
		return status;
	for (i = 0; i < n; i++) {
		snprintf(keys[i], sizeof(keys[i]), "%u", i);
		status = put(t, "x", keys[i], keys[i]);
		if (status != SHM_OK)
			return status;
	}
	return SHM_OK;
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

/* --- drafts --- */

static enum shm_status
run_draft(enum shm_status (*write)(struct txn *, void *), void *arg)
{
	return txn_draft_run(draft, 0, write, arg);
}

static enum shm_status
put_l(struct txn *t, void *arg)
{
	(void)arg;
	return put(t, "x", "l", "2");
}

static enum shm_status
spoil(struct txn *t, void *arg)
{
	(void)arg;
	cr_assert_eq(put(t, "x", "k", "spoilt"), SHM_OK);
	cr_assert_eq(txn_drop(t, b("y")), SHM_OK);
	cr_assert_eq(txn_create(t, b("y"), true), SHM_OK);
	cr_assert_eq(put(t, "y", "k", "spoilt"), SHM_OK);
	cr_assert_eq(txn_create(t, b("z"), true), SHM_OK);
	cr_assert_eq(txn_delete(t, b("x"), b("l")), SHM_OK);
	return SHM_NO_KEY;
}

static void
view_has(struct txn *view, const char *bucket, const char *key,
    const char *value)
{
	struct txn_pair pair;

	cr_assert_eq(txn_get(view, b(bucket), b(key), &pair), SHM_OK);
	cr_assert_eq(pair.value.len, strlen(value));
	cr_assert_eq(memcmp(pair.value.data, value, pair.value.len), 0);
}

static enum shm_status
write_steps(struct txn *view, void *arg)
{
	struct txn_bucket facts;

	(void)arg;
	cr_assert_eq(txn_step(view, make_two, NULL), SHM_OK);
	cr_assert_eq(txn_step(view, put_l, NULL), SHM_OK);
	cr_assert_eq(txn_step(view, spoil, NULL), SHM_NO_KEY);
	view_has(view, "x", "k", "w");
	view_has(view, "x", "l", "2");
	cr_assert_eq(txn_look(view, b("x"), &facts), SHM_OK);
	cr_assert_eq(facts.keys, 2);
	cr_assert_eq(txn_look(view, b("y"), &facts), SHM_OK);
	cr_assert_not(facts.is_auto);
	cr_assert_eq(txn_look(view, b("z"), &facts), SHM_NO_BUCKET);
	must_have("x", "k", NULL);
	return SHM_OK;
}

Test(txn, that_is_a_draft_sees_its_steps_but_for_those_called_off)
{
	struct bucket_stat stat;

	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run_draft(write_steps, NULL), SHM_OK);
	must_have("x", "k", "w");
	must_have("x", "l", "2");
	must_have("y", "k", NULL);
	cr_assert_eq(bucket_stat(a, b("z"), &stat), SHM_NO_BUCKET);
	support_audit(a);
}

static enum shm_status
write_and_give_up(struct txn *view, void *arg)
{
	cr_assert_eq(write_steps(view, arg), SHM_OK);
	return SHM_KEY_SIZE;
}

Test(txn, that_is_a_draft_may_be_given_up)
{
	struct bucket_stat stat;

	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run_draft(write_and_give_up, NULL), SHM_KEY_SIZE);
	cr_assert_eq(bucket_stat(a, b("x"), &stat), SHM_NO_BUCKET);
	support_audit(a);
}

static enum shm_status
write_an_end(struct txn *view, void *arg)
{
	struct bytes x = b("x");
	struct txn_bucket facts;

	(void)arg;
	cr_assert_eq(txn_step(view, delete_k, &x), SHM_OK);
	cr_assert_eq(txn_look(view, x, &facts), SHM_NO_BUCKET);
	cr_assert_eq(txn_step(view, make_two, NULL), SHM_OK);
	cr_assert_eq(txn_step(view, renew, NULL), SHM_OK);
	return SHM_OK;
}

Test(txn, that_is_a_draft_takes_a_bucket_with_its_last_key_at_that_step)
{
	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run_draft(write_steps, NULL), SHM_OK);
	cr_assert_eq(pair_delete(a, b("x"), b("l")), SHM_OK);
	cr_assert_eq(run_draft(write_an_end, NULL), SHM_OK);
	must_have("x", "k", NULL);
	must_have("x", "m", "new");
	support_audit(a);
}

static enum shm_status
write_states(struct txn *view, void *arg)
{
	uint64_t later_ms = clock_wall_ms() + 3600000;

	(void)arg;
	cr_assert_eq(txn_step(view, make_two, NULL), SHM_OK);
	cr_assert_eq(txn_step(view, expire_x, &later_ms), SHM_OK);
	return txn_step(view, create_x, NULL);
}

Test(txn, that_is_a_draft_keeps_the_state_of_a_bucket)
{
	struct bucket_stat stat;

	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run_draft(write_states, NULL), SHM_OK);
	cr_assert_eq(bucket_stat(a, b("x"), &stat), SHM_OK);
	cr_assert_not(stat.is_auto);
	cr_assert_gt(stat.expires_ms, clock_wall_ms());
	support_audit(a);
}

struct race {
	unsigned	calls;
	unsigned	losses;
};

static enum shm_status
write_a_race(struct txn *view, void *arg)
{
	const struct pair p = { b("k"), b("theirs"), 0 };
	struct race *race = arg;

	cr_assert_eq(txn_step(view, put_l, NULL), SHM_OK);
	if (race->calls++ < race->losses)
		cr_assert_eq(pair_put(a, b("x"), &p, NULL), SHM_OK);
	else
		view_has(view, "x", "k", race->losses > 0 ? "theirs" : "w");
	return SHM_OK;
}

static void
race(unsigned losses)
{
	struct race race = { .losses = losses };

	cr_assert_eq(run_draft(write_a_race, &race), SHM_OK);
	cr_assert_eq(race.calls, losses + 1);
	must_have("x", "k", losses > 0 ? "theirs" : "w");
	must_have("x", "l", "2");
	support_audit(a);
}

Test(txn, that_is_a_draft_is_written_again_when_the_shard_has_changed)
{
	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run(make_two, NULL), SHM_OK);
	race(0);
	race(3);
}

/* Written with the lock held it cannot lose any more. */
Test(txn, that_is_a_draft_is_written_under_the_lock_at_last)
{
	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run(make_two, NULL), SHM_OK);
	race(16);
}

/* Whose records are whose, whoever has written before and after. */
Test(txn, knows_which_revisions_are_its_own)
{
	const struct pair p = { b("k"), b("theirs"), 0 };
	struct txn_revisions own;
	uint64_t before;
	struct race race = { .losses = 2 };

	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run(make_two, NULL), SHM_OK);
	cr_assert_eq(pair_put(a, b("x"), &p, &before), SHM_OK);
	cr_assert_eq(run(put_l, NULL), SHM_OK);
	own = txn_revisions(txn);
	cr_assert_eq(own.first, before + 1);
	cr_assert_eq(own.last, before + 1);
	cr_assert_eq(run_draft(write_a_race, &race), SHM_OK);
	own = txn_draft_revisions(draft);
	cr_assert_eq(own.first, before + 4);
	cr_assert_eq(own.last, before + 4);
}

static enum shm_status
write_much(struct txn *view, void *arg)
{
	unsigned n = 1000;
	char *kept[10];

	(void)arg;
	(void)txn_step(view, put_many, &n);
	(void)txn_step(view, keep_much, kept);
	cr_assert_eq(kept[9][2999], 'j');
	txn_turn_page(view);
	return SHM_OK;
}

Test(txn, that_is_a_draft_has_as_much_room_as_it_needs)
{
	struct bucket_stat stat;

	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run_draft(write_much, NULL), SHM_OK);
	cr_assert_eq(bucket_stat(a, b("x"), &stat), SHM_OK);
	cr_assert_eq(stat.keys, 1000);
	must_have("x", "999", "999");
	support_audit(a);
}

/* --- the model --- */

struct cell {
	bool		there;
	unsigned	value;
};

struct world {
	bool		exists[BUCKETS];
	bool		is_auto[BUCKETS];
	struct cell	cells[BUCKETS][KEYS];
};

struct plan {			/* one transaction, to be run repeatedly */
	uint64_t	rng;
	unsigned	ops;
	bool		off;
	struct world	after;
	const struct world *before;
	unsigned	from;		/* of a draft: this step */
	bool		is_lost;	/* at first somebody else is faster */
	char		values[OPS_MAX][12];
};

static char names[BUCKETS][4], keys[KEYS][24];

static unsigned
pick(uint64_t *rng, unsigned n)
{
	return (unsigned)(support_random(rng) >> 33) % n;
}

static unsigned
count(const struct world *w, unsigned bucket)
{
	unsigned i, n = 0;

	for (i = 0; i < KEYS; i++)
		n += w->cells[bucket][i].there;
	return n;
}

static void
forget(struct world *w, unsigned bucket)
{
	memset(w->cells[bucket], 0, sizeof(w->cells[bucket]));
	w->exists[bucket] = w->is_auto[bucket] = false;
}

/* Go with the last key: when all is done, as in the store. */
static void
end_world(struct world *w)
{
	unsigned i;

	for (i = 0; i < BUCKETS; i++)
		if (w->exists[i] && w->is_auto[i] && count(w, i) == 0)
			forget(w, i);
}

static enum shm_status
expect(enum shm_status status, enum shm_status expected)
{
	if (status == SHM_NO_ROOM)
		return status;
	cr_assert_eq(status, expected, "%s instead of %s",
	    shm_strstatus(status), shm_strstatus(expected));
	return SHM_OK;
}

static enum shm_status
step_pair(struct txn *t, struct plan *p, unsigned i, unsigned what)
{
	unsigned bucket = pick(&p->rng, BUCKETS), key = pick(&p->rng, KEYS);
	struct world *w = &p->after;
	struct cell *cell = &w->cells[bucket][key];
	enum shm_status expected = !w->exists[bucket] ? SHM_NO_BUCKET :
	    cell->there ? SHM_OK : SHM_NO_KEY, status;
	struct txn_pair pair;

	if (what == 0) {
		status = txn_get(t, b(names[bucket]), b(keys[key]), &pair);
		if (status == SHM_OK && expected == SHM_OK)
			cr_assert_eq(strtoul(strndupa(pair.value.data,
			    pair.value.len), NULL, 10), cell->value);
		return expect(status, expected);
	}
	if (what == 1) {
		cell->there = false;
		return expect(txn_delete(t, b(names[bucket]), b(keys[key])),
		    expected);
	}
	if (expected == SHM_NO_KEY)
		expected = SHM_OK;
	if (expected == SHM_OK)
		*cell = (struct cell){ true, pick(&p->rng, 100000) };
	snprintf(p->values[i], sizeof(p->values[i]), "%u", cell->value);
	return expect(put(t, names[bucket], keys[key], p->values[i]),
	    expected);
}

static enum shm_status
step_bucket(struct txn *t, struct plan *p, unsigned what)
{
	unsigned bucket = pick(&p->rng, BUCKETS);
	bool is_auto = pick(&p->rng, 2) == 0;
	struct world *w = &p->after;
	struct txn_bucket facts;
	enum shm_status status, expected;

	if (what == 0) {
		w->is_auto[bucket] = is_auto && (!w->exists[bucket] ||
		    w->is_auto[bucket]);
		w->exists[bucket] = true;
		return expect(txn_create(t, b(names[bucket]), is_auto),
		    SHM_OK);
	}
	expected = w->exists[bucket] ? SHM_OK : SHM_NO_BUCKET;
	if (what == 1) {
		forget(w, bucket);
		return expect(txn_drop(t, b(names[bucket])), expected);
	}
	status = txn_look(t, b(names[bucket]), &facts);
	if (status == SHM_OK && expected == SHM_OK) {
		cr_assert_eq(facts.keys, count(w, bucket));
		cr_assert_eq(facts.is_auto, w->is_auto[bucket]);
	}
	return expect(status, expected);
}

static enum shm_status
carry_out_some(struct txn *t, struct plan *p, unsigned from, unsigned to)
{
	enum shm_status status = SHM_OK;
	unsigned i, what;

	for (i = from; i < to && status == SHM_OK; i++) {
		what = pick(&p->rng, 20);
		status = what < 17 ? step_pair(t, p, i, what / 2 > 1 ? 2 :
		    what / 2) : step_bucket(t, p, what - 17);
	}
	return status;
}

static enum shm_status
carry_out(struct txn *t, void *arg)
{
	struct plan *p = arg;
	uint64_t rng = p->rng;
	enum shm_status status;

	p->after = *p->before;
	status = carry_out_some(t, p, 0, p->ops);
	p->rng = rng;
	if (status == SHM_OK && p->off)
		status = SHM_NO_KEY;
	return status;
}

#define STEP	7	/* ops of a draft, of which every fourth or so fails */

static enum shm_status
carry_out_step(struct txn *t, void *arg)
{
	struct plan *p = arg;
	unsigned to = p->from + STEP < p->ops ? p->from + STEP : p->ops;
	enum shm_status status = carry_out_some(t, p, p->from, to);

	return status == SHM_OK && pick(&p->rng, 4) == 0 ? SHM_NO_KEY :
	    status;
}

static enum shm_status
write_plan(struct txn *view, void *arg)
{
	static struct world saved;
	const struct pair theirs = { b("k"), b("theirs"), 0 };
	struct plan *p = arg;
	uint64_t rng = p->rng;

	p->after = *p->before;
	for (p->from = 0; p->from < p->ops; p->from += STEP) {
		saved = p->after;
		if (txn_step(view, carry_out_step, p) == SHM_OK)
			end_world(&p->after);
		else
			p->after = saved;
		txn_turn_page(view);
	}
	if (p->is_lost)
		(void)pair_put(a, b("theirs"), &theirs, NULL);
	p->is_lost = false;
	p->rng = rng;
	return p->off ? SHM_NO_KEY : SHM_OK;
}

static void
check(const struct world *w)
{
	char value[12];
	struct bucket_stat stat;
	unsigned i, k;

	for (i = 0; i < BUCKETS; i++) {
		cr_assert_eq(bucket_stat(a, b(names[i]), &stat),
		    w->exists[i] ? SHM_OK : SHM_NO_BUCKET);
		if (w->exists[i])
			cr_assert_eq(stat.keys, count(w, i));
		for (k = 0; k < KEYS; k++) {
			snprintf(value, sizeof(value), "%u",
			    w->cells[i][k].value);
			must_have(names[i], keys[k], w->cells[i][k].there ?
			    value : NULL);
		}
	}
}

static uint64_t
model(uint64_t seed, unsigned rounds, bool drafts)
{
	static struct world w;
	static struct plan p;
	enum shm_status status;
	uint64_t refused = 0;
	unsigned i;

	for (i = 0; i < BUCKETS; i++)
		snprintf(names[i], sizeof(names[i]), "b%u", i);
	for (i = 0; i < KEYS; i++)
		snprintf(keys[i], sizeof(keys[i]), "%0*u", (int)(i % 19 + 4),
		    i);
	for (i = 0; i < rounds; i++) {
		p.rng = seed = support_random(&seed);
		p.ops = 1 + pick(&p.rng, OPS_MAX);
		p.off = pick(&p.rng, 10) == 0;
		p.before = &w;
		p.is_lost = i % 3 == 0;
		status = drafts ? run_draft(write_plan, &p) :
		    run(carry_out, &p);
		refused += status == SHM_FULL;
		cr_assert(status == SHM_OK || status == SHM_FULL ||
		    (status == SHM_NO_KEY && p.off), "%s",
		    shm_strstatus(status));
		if (status == SHM_OK) {
			w = p.after;
			end_world(&w);
		}
		if (i % 500 == 0) {
			support_audit(a);
			check(&w);
			support_clean(a);
		}
	}
	support_audit(a);
	check(&w);
	return refused;
}

Test(txn, does_what_a_plain_table_does)
{
	set_up(UINT64_C(16) << 20, 64 * 1024);
	cr_assert_eq(model(1, 20000, false), 0);
}

Test(txn, does_so_where_there_is_hardly_any_room)
{
	set_up(UINT64_C(1) << 20, 64 * 1024);
	model(2, 20000, false);
}

Test(txn, that_is_a_draft_does_what_a_plain_table_does)
{
	set_up(UINT64_C(16) << 20, 64 * 1024);
	cr_assert_eq(bucket_create(a, b("theirs")), SHM_OK);
	cr_assert_eq(model(3, 20000, true), 0);
}

Test(txn, that_is_a_draft_does_so_where_there_is_hardly_any_room)
{
	set_up(UINT64_C(1) << 20, 64 * 1024);
	cr_assert_eq(bucket_create(a, b("theirs")), SHM_OK);
	model(4, 20000, true);
}
