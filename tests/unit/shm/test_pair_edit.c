/*
 * Edits: what is told to who decides, and that what he says is done.
 */

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/bucket.h"
#include "shm/clock.h"
#include "shm/feed.h"
#include "shm/pair_edit.h"
#include "shm/record.h"
#include "shm/txn.h"
#include "shm/word.h"
#include "support.h"

#define MB	(UINT64_C(1) << 20)

TestSuite(pair_edit, .fini = support_fini, .timeout = 120);

static struct arena *a;
static const struct bytes shopping = { "shopping", 8 };
static const struct bytes nameless = { NULL, 0 };

/* What the next edits are to say, and what the last one was told. */
static struct {
	enum pair_verdict	verdict;
	struct pair_new		new;
	bool			again;		/* put what is there */
	unsigned		asked;
	bool			was_there;
	char			value[64];
	uint64_t		expires_ms;
} will;

static enum pair_verdict
decide(void *arg, const struct pair_old *old, struct pair_new *new)
{
	cr_assert_eq(arg, &will);
	cr_assert_eq(new->why, 0);
	will.asked++;
	will.was_there = old->is_there;
	will.expires_ms = old->expires_ms;
	snprintf(will.value, sizeof(will.value), "%.*s",
	    (int)old->value.len, old->value.len > 0 ?
	    (const char *)old->value.data : "");
	*new = will.new;
	if (will.again)
		new->value = old->value;
	return will.verdict;
}

static enum shm_status
edit_of(struct bytes bucket, const char *key, struct pair_edit *edit)
{
	*edit = (struct pair_edit){ .decide = decide, .arg = &will };
	will.asked = 0;
	return pair_edit(a, arena_shard_of(a, bucket), bucket,
	    support_bytes(key), edit);
}

static enum shm_status
edit(const char *key)
{
	struct pair_edit ignored;

	return edit_of(shopping, key, &ignored);
}

static enum shm_status
put(const char *key, const char *value)
{
	will.verdict = PAIR_PUT;
	will.new = (struct pair_new){ .value = support_bytes(value) };
	return edit(key);
}

static void
expect(const char *key, const char *value)
{
	char buf[64];
	size_t len;

	cr_assert_eq(pair_get(a, shopping, support_bytes(key), buf,
	    sizeof(buf), &len, NULL), value == NULL ? SHM_NO_KEY : SHM_OK);
	if (value != NULL) {
		cr_assert_eq(len, strlen(value));
		cr_assert_eq(memcmp(buf, value, len), 0);
	}
}

static uint64_t
revision(void)
{
	struct bucket_stat st;

	cr_assert_eq(bucket_stat(a, shopping, &st), SHM_OK);
	return st.revision;
}

static void
set_up(void)
{
	a = support_arena(16 * MB, 1, 64 * 1024);
	cr_assert_eq(bucket_create(a, shopping), SHM_OK);
}

Test(pair_edit, is_told_what_is_there_and_puts_what_shall_be)
{
	uint64_t later = clock_wall_ms() + 3600 * 1000;
	struct pair_edit told;

	set_up();
	cr_assert_eq(put("milk", "1"), SHM_OK);
	cr_assert_not(will.was_there);
	cr_assert_str_empty(will.value);
	expect("milk", "1");
	will.new = (struct pair_new){ support_bytes("22"), later, 0 };
	cr_assert_eq(edit_of(shopping, "milk", &told), SHM_OK);
	cr_assert(will.was_there);
	cr_assert_str_eq(will.value, "1");
	cr_assert_eq(will.expires_ms, 0);
	cr_assert_eq(told.first, revision());
	cr_assert_eq(told.last, revision());
	expect("milk", "22");
	cr_assert_eq(put("milk", ""), SHM_OK);
	cr_assert_eq(will.expires_ms, later);
	expect("milk", "");
	cr_assert_eq(put("", "empty key"), SHM_OK);
	expect("", "empty key");
	support_audit(a);
}

Test(pair_edit, that_leaves_a_pair_changes_nothing)
{
	uint64_t before;

	set_up();
	cr_assert_eq(put("milk", "1"), SHM_OK);
	before = revision();
	will.verdict = PAIR_LEAVE;
	cr_assert_eq(edit("milk"), SHM_NO_KEY);
	cr_assert_eq(edit("eggs"), SHM_NO_KEY);
	cr_assert_eq(will.asked, 1);
	cr_assert_not(will.was_there);
	expect("milk", "1");
	expect("eggs", NULL);
	cr_assert_eq(revision(), before);
	support_audit(a);
}

Test(pair_edit, that_deletes_leaves_nothing)
{
	struct pair_edit told;

	set_up();
	cr_assert_eq(put("milk", "1"), SHM_OK);
	will.verdict = PAIR_DELETE;
	cr_assert_eq(edit_of(shopping, "milk", &told), SHM_OK);
	cr_assert_eq(told.first, revision());
	cr_assert_eq(told.last, revision());
	expect("milk", NULL);
	support_audit(a);
}

static enum shm_status
make_auto(struct txn *t, void *arg)
{
	const struct pair p = { support_bytes("k"), support_bytes("v"), 0 };

	(void)arg;
	cr_assert_eq(txn_create(t, support_bytes("auto"), true), SHM_OK);
	return txn_put(t, support_bytes("auto"), &p);
}

Test(pair_edit, of_the_last_key_takes_the_bucket_with_it)
{
	struct bytes name = support_bytes("auto");
	struct bucket_stat st;
	struct pair_edit told;
	struct txn *t;

	set_up();
	cr_assert_not_null(t = txn_open(a));
	cr_assert_eq(txn_run(t, 0, make_auto, NULL, NULL), SHM_OK);
	txn_close(t);
	will.verdict = PAIR_DELETE;
	cr_assert_eq(edit_of(name, "k", &told), SHM_OK);
	cr_assert_eq(told.last, told.first + 1);
	cr_assert_eq(bucket_stat(a, name, &st), SHM_NO_BUCKET);
	support_audit(a);
}

Test(pair_edit, tells_why)
{
	struct feed_event e;
	struct feed feed;
	char buf[256];
	size_t needed;

	set_up();
	feed_open(a, 0, &feed);
	will.verdict = PAIR_PUT;
	will.new = (struct pair_new){ support_bytes("1"), 0, 7 };
	cr_assert_eq(edit("milk"), SHM_OK);
	will.verdict = PAIR_DELETE;
	will.new.why = 9;
	cr_assert_eq(edit("milk"), SHM_OK);
	cr_assert_eq(feed_next(a, &feed, buf, sizeof(buf), &e, &needed),
	    FEED_OK);
	cr_assert(e.op == FEED_SET && e.why == 7 && !e.expires);
	cr_assert_eq(feed_next(a, &feed, buf, sizeof(buf), &e, &needed),
	    FEED_OK);
	cr_assert(e.op == FEED_DELETED && e.why == 9);
}

Test(pair_edit, of_what_has_expired_takes_a_transaction)
{
	set_up();
	will.verdict = PAIR_PUT;
	will.new = (struct pair_new){ support_bytes("1"), 1, 0 };
	cr_assert_eq(edit("milk"), SHM_OK);
	cr_assert_eq(put("milk", "2"), SHM_NO_BUCKET);
	cr_assert_eq(will.asked, 0);
	expect("milk", NULL);
	support_audit(a);
}

static enum shm_status
make_nameless(struct txn *t, void *arg)
{
	(void)arg;
	return txn_create(t, nameless, false);
}

Test(pair_edit, of_a_string_keeps_off_the_names_of_buckets)
{
	char long_name[BUCKET_NAME_MAX + 2];
	struct pair_edit told;
	struct txn *t;

	set_up();
	cr_assert_not_null(t = txn_open(a));
	cr_assert_eq(txn_run(t, 0, make_nameless, NULL, NULL), SHM_OK);
	txn_close(t);
	will.verdict = PAIR_PUT;
	will.new = (struct pair_new){ .value = support_bytes("1") };
	cr_assert_eq(edit_of(nameless, "shopping", &told), SHM_NO_BUCKET);
	cr_assert_eq(will.asked, 0);
	cr_assert_eq(edit_of(nameless, "milk", &told), SHM_OK);
	cr_assert_eq(edit_of(nameless, "", &told), SHM_OK);
	memset(long_name, 'x', sizeof(long_name));
	long_name[BUCKET_NAME_MAX + 1] = '\0';
	cr_assert_eq(edit_of(nameless, long_name, &told), SHM_OK);
	/* A key of a bucket may be called like a bucket. */
	cr_assert_eq(edit("shopping"), SHM_OK);
	expect("shopping", "1");
	support_audit(a);
}

Test(pair_edit, has_a_bucket_and_a_size)
{
	char *large = calloc(1, PAIR_KEY_MAX + 2);
	struct pair_edit told;

	set_up();
	will.verdict = PAIR_PUT;
	will.new = (struct pair_new){ .value = support_bytes("1") };
	cr_assert_eq(edit_of(support_bytes("nosuch"), "k", &told),
	    SHM_NO_BUCKET);
	cr_assert_eq(edit_of(nameless, "k", &told), SHM_NO_BUCKET);
	cr_assert_eq(will.asked, 0);
	memset(large, 'x', PAIR_KEY_MAX + 1);
	cr_assert_eq(edit(large), SHM_KEY_SIZE);
	will.new.value = (struct bytes){ large, arena_value_max(a) + 1 };
	cr_assert_eq(edit("milk"), SHM_VALUE_SIZE);
	expect("milk", NULL);
	support_audit(a);
	free(large);
}

static enum shm_status
get_milk(struct txn *t, void *pair)
{
	return txn_get(t, shopping, support_bytes("milk"), pair);
}

/* Who decides, or asks in a transaction, copies it to where that has room. */
Test(pair_edit, of_a_value_that_is_longer_than_any_is_of_damage)
{
	static uint8_t large[64 * 1024];
	struct txn *t;
	struct txn_pair pair;
	struct record_view r;
	arena_off off;

	set_up();
	off = word_peek(&a->shards[0].hot_pos);
	cr_assert_eq(put("milk", "1"), SHM_OK);
	cr_assert(record_read(a, off, &r));
	r.key = support_bytes("milk");
	r.value = (struct bytes){ large, arena_value_max(a) };
	record_write(a, off, &r);
	cr_assert_eq(put("milk", "2"), SHM_OK);
	off = word_peek(&a->shards[0].hot_pos) - record_size(4, 1, false);
	r.value.len++;
	record_write(a, off, &r);
	cr_assert_eq(put("milk", "3"), SHM_DAMAGED);
	cr_assert_eq(will.asked, 0);
	cr_assert_not_null(t = txn_open(a));
	cr_assert_eq(txn_run(t, 0, get_milk, &pair, NULL), SHM_DAMAGED);
	txn_close(t);
}

/*
 * In an arena of garbage and pairs of which as many are kept as fit, so that
 * room has to be made again and again, and what is there is moved meanwhile.
 * With more segments its writers would keep pace, see shm/pace.c.
 */
Test(pair_edit, decides_again_when_room_was_made)
{
	enum { PAIRS = 180, SIZE = 4000, ROUNDS = 20 };
	static char value[SIZE], buf[SIZE], key[16];
	unsigned i, round, again = 0;
	size_t len;

	a = support_arena(3 * MB / 2, 1, 64 * 1024);
	cr_assert_eq(bucket_create(a, shopping), SHM_OK);
	will.verdict = PAIR_PUT;
	for (round = 0; round < ROUNDS; round++) {
		will.again = round > 0;
		for (i = 0; i < PAIRS; i++) {
			snprintf(key, sizeof(key), "k%u", i);
			memset(value, (int)('a' + i % 26), SIZE);
			will.new.value = (struct bytes){ value, SIZE };
			cr_assert_eq(edit(key), SHM_OK);
			cr_assert_eq(will.was_there, round > 0);
			again += will.asked > 1;
		}
	}
	cr_assert_gt(again, 0);
	for (i = 0; i < PAIRS; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		memset(value, (int)('a' + i % 26), SIZE);
		cr_assert_eq(pair_get(a, shopping, support_bytes(key), buf,
		    SIZE, &len, NULL), SHM_OK);
		cr_assert_eq(len, SIZE);
		cr_assert_eq(memcmp(buf, value, SIZE), 0);
	}
	support_audit(a);
}
