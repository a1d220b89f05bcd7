#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/ahead.h"
#include "shm/board.h"
#include "shm/bucket.h"
#include "shm/clock.h"
#include "shm/feed.h"
#include "shm/lock.h"
#include "shm/pair_run.h"
#include "shm/table.h"
#include "shm/txn.h"
#include "shm/word.h"
#include "support.h"

#define KB	(UINT64_C(1) << 10)
#define MB	(UINT64_C(1) << 20)
#define SLOT	3U	/* of the board */

TestSuite(run_of_sets, .fini = support_fini);

static struct arena *a;
static const struct bytes shopping = { "shopping", 8 };
static const struct bytes garden = { "garden", 6 };

static void
set_up(void)
{
	a = support_arena(16 * MB, 1, 256 * KB);
	cr_assert_eq(bucket_create(a, shopping), SHM_OK);
	cr_assert_eq(bucket_create(a, garden), SHM_OK);
}

static struct pair_step
step_in(struct bytes bucket, const char *key, const char *value)
{
	return (struct pair_step){
		.bucket = bucket,
		.pair = { support_bytes(key), support_bytes(value), 0 }
	};
}

static struct pair_step
step(const char *key, const char *value)
{
	return step_in(shopping, key, value);
}

static void
put(struct bytes bucket, const char *key, const char *value)
{
	struct pair p = { support_bytes(key), support_bytes(value), 0 };

	cr_assert_eq(pair_put(a, bucket, &p, NULL), SHM_OK);
}

/* Two that are there, of which the first has a line by then. */
static void
set_up_pairs(void)
{
	set_up();
	put(shopping, "milk", "1");
	put(shopping, "eggs", "2");
	put(garden, "rake", "3");
}

static size_t
run(struct pair_step *steps, size_t n)
{
	return pair_set_run(a, 0, SLOT, steps, n);
}

static void
expect_in(struct bytes bucket, const char *key, const char *value,
    uint64_t revision)
{
	uint64_t got;
	char buf[64];
	size_t len;

	cr_assert_eq(pair_get(a, bucket, support_bytes(key), buf,
	    sizeof(buf), &len, &got), value == NULL ? SHM_NO_KEY : SHM_OK);
	if (value == NULL)
		return;
	cr_assert_eq(len, strlen(value));
	cr_assert_eq(memcmp(buf, value, len), 0);
	if (revision != 0)
		cr_assert_eq(got, revision);
}

static void
expect(const char *key, const char *value)
{
	expect_in(shopping, key, value, 0);
}

static struct bucket_stat
stat_of(struct bytes bucket)
{
	struct bucket_stat st;

	cr_assert_eq(bucket_stat(a, bucket, &st), SHM_OK);
	return st;
}

Test(run_of_sets, replaces_and_adds)
{
	struct pair_step steps[] = {
		step("milk", "one"), step("bread", "two"), step("eggs", "")
	};

	set_up_pairs();
	cr_assert_eq(run(steps, 3), 3);
	cr_assert_not(steps[0].is_new);
	cr_assert(steps[1].is_new);
	cr_assert_not(steps[2].is_new);
	cr_assert_eq(steps[1].revision, steps[0].revision + 1);
	cr_assert_eq(steps[2].revision, steps[1].revision + 1);
	expect_in(shopping, "milk", "one", steps[0].revision);
	expect_in(shopping, "bread", "two", steps[1].revision);
	expect_in(shopping, "eggs", "", steps[2].revision);
	cr_assert_eq(stat_of(shopping).keys, 3);
	cr_assert_eq(stat_of(shopping).bytes, 4 + 3 + 5 + 3 + 4);
	cr_assert_eq(stat_of(shopping).revision, steps[2].revision);
	support_audit(a);
}

Test(run_of_sets, goes_from_one_bucket_to_another_and_back)
{
	struct pair_step steps[] = {
		step("milk", "one"), step_in(garden, "rake", "three"),
		step_in(garden, "hose", "long"), step("eggs", "two")
	};

	set_up_pairs();
	cr_assert_eq(run(steps, 4), 4);
	expect_in(shopping, "milk", "one", steps[0].revision);
	expect_in(garden, "rake", "three", steps[1].revision);
	expect_in(garden, "hose", "long", steps[2].revision);
	expect_in(shopping, "eggs", "two", steps[3].revision);
	cr_assert_eq(stat_of(garden).keys, 2);
	cr_assert_eq(stat_of(garden).revision, steps[2].revision);
	cr_assert_eq(stat_of(shopping).keys, 2);
	cr_assert_eq(stat_of(shopping).revision, steps[3].revision);
	support_audit(a);
}

Test(run_of_sets, sees_what_it_has_done)
{
	struct pair_step steps[] = {
		step("milk", "one"), step("bread", "two"),
		step("milk", "three"), step("bread", "four"),
		step("bread", "five")
	};

	set_up_pairs();
	cr_assert_eq(run(steps, 5), 5);
	cr_assert(steps[1].is_new);
	cr_assert_not(steps[2].is_new);
	cr_assert_not(steps[3].is_new);
	expect_in(shopping, "milk", "three", steps[2].revision);
	expect_in(shopping, "bread", "five", steps[4].revision);
	cr_assert_eq(stat_of(shopping).keys, 3);
	support_audit(a);
}

Test(run_of_sets, tells_of_each)
{
	struct pair_step steps[] = {
		step("milk", "one"), step("bread", "two"), step("milk", "three")
	};
	struct feed_event event;
	struct feed feed;
	uint8_t buf[64];
	size_t i, needed;

	set_up_pairs();
	feed_open(a, 0, &feed);
	cr_assert_eq(run(steps, 3), 3);
	for (i = 0; i < 3; i++) {
		cr_assert_eq(feed_next(a, &feed, buf, sizeof(buf), &event,
		    &needed), FEED_OK);
		cr_assert_eq(event.op, FEED_SET);
		cr_assert_eq(event.revision, steps[i].revision);
		cr_assert_eq(event.value.len, steps[i].pair.value.len);
	}
	cr_assert_eq(feed_next(a, &feed, buf, sizeof(buf), &event, &needed),
	    FEED_NONE);
}

Test(run_of_sets, ends_before_one_that_shall_only_replace)
{
	struct pair_step steps[] = {
		step("milk", "one"), step("bread", "two"), step("eggs", "three")
	};

	set_up_pairs();
	steps[0].replace = steps[1].replace = true;
	cr_assert_eq(run(steps, 3), 1);
	expect("milk", "one");
	expect("bread", NULL);
	expect("eggs", "2");
	cr_assert_eq(run(steps + 1, 2), 0);
	support_audit(a);
}

/* What there is, twice, until that is as long as it may be. */
static enum pair_verdict
twice(void *arg, const struct pair_old *old, struct pair_new *new)
{
	char *text = arg;

	cr_assert(old->is_there);
	cr_assert_leq(old->value.len, 2);
	memcpy(text, old->value.data, old->value.len);
	memcpy(text + old->value.len, old->value.data, old->value.len);
	new->value = (struct bytes){ text, 2 * old->value.len };
	new->expires_ms = old->expires_ms;
	return PAIR_PUT;
}

Test(run_of_sets, edits_what_is_there)
{
	char texts[3][4];
	struct pair_edit edits[3];
	struct pair_step steps[] = {
		step("milk", ".."), step("eggs", "new"), step("milk", "....")
	};
	size_t i;

	set_up_pairs();
	for (i = 0; i < 3; i++) {
		edits[i] = (struct pair_edit){ twice, texts[i], 0, 0 };
		steps[i].edit = i == 1 ? NULL : &edits[i];
	}
	cr_assert_eq(run(steps, 3), 3);
	cr_assert_not(steps[2].is_new);
	expect_in(shopping, "milk", "1111", steps[2].revision);
	expect_in(shopping, "eggs", "new", steps[1].revision);
	support_audit(a);
}

Test(run_of_sets, ends_before_an_edit_that_has_nothing_to_go_by)
{
	char text[4];
	struct pair_edit edit = { twice, text, 0, 0 };
	struct pair_step steps[] = {
		step("milk", "one"), step("bread", "...."), step("eggs", "two")
	};

	set_up_pairs();
	steps[1].edit = &edit;
	cr_assert_eq(run(steps, 3), 1);
	expect("milk", "one");
	expect("bread", NULL);
	expect("eggs", "2");
	support_audit(a);
}

static enum pair_verdict
refuse(void *arg, const struct pair_old *old, struct pair_new *new)
{
	(void)old;
	new->value = (struct bytes){ "long", 4 };
	return *(const enum pair_verdict *)arg;
}

Test(run_of_sets, ends_before_an_edit_that_is_more_than_a_small_put)
{
	enum pair_verdict verdict;
	struct pair_edit edit = { refuse, &verdict, 0, 0 };
	struct pair_step s = step("milk", "...");

	set_up_pairs();
	s.edit = &edit;
	for (verdict = PAIR_LEAVE; verdict <= PAIR_DELETE; verdict++)
		cr_assert_eq(run(&s, 1), 0);
	expect("milk", "1");
	s.pair.value.len = 4;
	verdict = PAIR_PUT;
	cr_assert_eq(run(&s, 1), 1);
	expect("milk", "long");
	support_audit(a);
}

static enum shm_status
make_string(struct txn *t, void *arg)
{
	struct pair p = { support_bytes("s"), support_bytes("1"), 0 };

	(void)arg;
	cr_assert_eq(txn_create(t, (struct bytes){ NULL, 0 }, false), SHM_OK);
	return txn_put(t, (struct bytes){ NULL, 0 }, &p);
}

Test(run_of_sets, makes_strings_whose_names_no_bucket_has)
{
	const struct bytes strings = { NULL, 0 };
	struct pair old = { support_bytes("old"), support_bytes("1"), 1 };
	struct pair_step steps[] = {
		step_in(strings, "new", "one"), step_in(strings, "new", "two"),
		step_in(strings, "shopping", "x"), step_in(strings, "old", "x")
	};
	struct pair_set set = { .replace = false };
	struct txn *txn;
	size_t i;

	set_up_pairs();
	cr_assert_not_null(txn = txn_open(a));
	cr_assert_eq(txn_run(txn, 0, make_string, NULL, NULL), SHM_OK);
	cr_assert_eq(pair_set(a, 0, strings, &old, &set), SHM_OK);
	for (i = 0; i < 4; i++)
		steps[i].replace = true;
	cr_assert_eq(run(steps, 4), 2);
	cr_assert(steps[0].is_new);
	cr_assert_not(steps[1].is_new);
	cr_assert_eq(run(steps + 2, 2), 0);
	cr_assert_eq(run(steps + 3, 1), 0);
	cr_assert_eq(bucket_drop(a, shopping), SHM_OK);
	cr_assert_eq(run(steps + 2, 2), 1);
	txn_close(txn);
	support_audit(a);
}

Test(run_of_sets, ends_before_a_bucket_that_is_missing)
{
	struct pair_step steps[] = {
		step("milk", "one"), step_in(support_bytes("nosuch"), "a", "b"),
		step("eggs", "three")
	};

	set_up_pairs();
	cr_assert_eq(run(steps, 3), 1);
	cr_assert_eq(run(steps + 1, 2), 0);
	expect("milk", "one");
	expect("eggs", "2");
}

Test(run_of_sets, ends_before_a_pair_that_is_too_large)
{
	char *large = calloc(1, PAIR_KEY_MAX + 1);
	struct pair_step steps[] = {
		step("milk", "one"), step("bread", "two")
	};

	set_up_pairs();
	steps[1].pair.key = (struct bytes){ large, PAIR_KEY_MAX + 1 };
	cr_assert_eq(run(steps, 2), 1);
	cr_assert_eq(run(steps + 1, 1), 0);
	expect("milk", "one");
	free(large);
}

/* The next one alone opens its table. */
Test(run_of_sets, ends_before_the_first_key_of_a_bucket)
{
	struct pair_step steps[] = { step("milk", "one"), step("eggs", "two") };

	set_up();
	cr_assert_eq(run(steps, 2), 0);
	put(shopping, "milk", "one");
	cr_assert_eq(run(steps + 1, 1), 1);
	expect("eggs", "two");
	support_audit(a);
}

Test(run_of_sets, does_no_more_than_so_many)
{
	struct pair_step steps[PAIR_RUN_MAX + 4];
	char keys[PAIR_RUN_MAX + 4][8];
	size_t i;

	set_up_pairs();
	for (i = 0; i < PAIR_RUN_MAX + 4; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
		steps[i] = step(keys[i], "v");
	}
	cr_assert_eq(run(steps, PAIR_RUN_MAX + 4), PAIR_RUN_MAX);
	cr_assert_eq(run(steps + PAIR_RUN_MAX, 4), 4);
	cr_assert_eq(run(steps, 0), 0);
	cr_assert_eq(stat_of(shopping).keys, 2 + PAIR_RUN_MAX + 4);
	support_audit(a);
}

Test(run_of_sets, knows_what_has_expired)
{
	struct pair p = { support_bytes("milk"), support_bytes("1"), 1 };
	struct pair_step steps[] = { step("milk", "one"), step("milk", "two") };

	set_up_pairs();
	cr_assert_eq(pair_put(a, shopping, &p, NULL), SHM_OK);
	steps[0].replace = true;
	cr_assert_eq(run(steps, 1), 0);
	steps[0].replace = false;
	cr_assert_eq(run(steps, 2), 2);
	cr_assert(steps[0].is_new);
	cr_assert_not(steps[1].is_new);
	cr_assert_eq(stat_of(shopping).keys, 2);
	steps[0].pair.expires_ms = clock_wall_ms() + 3600 * 1000;
	steps[1].pair.expires_ms = 1;
	cr_assert_eq(run(steps, 1), 1);
	expect("milk", "one");
	cr_assert_eq(run(steps + 1, 1), 1);
	expect("milk", NULL);
	support_audit(a);
}

Test(run_of_sets, leaves_a_segment_that_is_full_to_the_next_one)
{
	static char value[3000];
	struct pair_step s = step("milk", "");
	size_t i, refused = 0;

	set_up_pairs();
	s.pair.value = (struct bytes){ value, sizeof(value) };
	for (i = 0; i < 300; i++)
		if (run(&s, 1) == 0) {
			refused++;
			cr_assert_eq(pair_put(a, shopping, &s.pair, NULL),
			    SHM_OK);
		}
	cr_assert_eq(refused, 3);
	support_audit(a);
}

/* Runs alone, until each way in which they end has been seen. */
Test(run_of_sets, makes_a_large_bucket)
{
	enum { KEYS = 20000 };
	static char keys[KEYS][8];
	struct pair_step steps[PAIR_RUN_MAX];
	size_t i, n = 0, done;

	set_up_pairs();
	for (i = 0; i < KEYS; i++)
		snprintf(keys[i], sizeof(keys[i]), "%zu", i);
	while (n < 3 * KEYS) {
		for (i = 0; i < PAIR_RUN_MAX; i++)
			steps[i] = step(keys[(n + i) % KEYS],
			    n + i < KEYS ? "old" : "newer");
		if ((done = run(steps, PAIR_RUN_MAX)) == 0) {
			cr_assert_eq(pair_put(a, shopping, &steps[0].pair,
			    NULL), SHM_OK);
			done = 1;
		}
		n += done;
	}
	for (i = 0; i < KEYS; i++)
		expect(keys[i], "newer");
	cr_assert_eq(stat_of(shopping).keys, KEYS + 2);
	support_audit(a);
}

Test(run_of_sets, is_laid_on_the_step_in_hand)
{
	struct pair_step steps[] = {
		step("milk", "one"), step("bread", "two"), step("eggs", "three")
	};
	struct board_row row;

	set_up_pairs();
	board_enter(a, SLOT, BOARD_WORKER, 1, 0);
	steps[0].fingerprint = 11;
	steps[1].fingerprint = 12;
	steps[2].fingerprint = 13;
	steps[1].replace = true;
	cr_assert_eq(run(steps, 3), 1);
	cr_assert(board_read(a, SLOT, &row));
	cr_assert_eq(row.fingerprint, 12);
	steps[1].replace = false;
	cr_assert_eq(run(steps + 1, 2), 2);
	cr_assert(board_read(a, SLOT, &row));
	cr_assert_eq(row.fingerprint, 13);
}

/* The home line of the key is no line of the shard's any more. */
Test(run_of_sets, ends_before_damage_and_goes_on_behind_it)
{
	struct pair_step steps[] = {
		step_in(garden, "rake", "x"), step("milk", "one"),
		step_in(garden, "rake", "y")
	};
	struct bucket_stat st;
	struct bucket *b;

	set_up_pairs();
	st = stat_of(shopping);
	b = arena_at(a, st.id);
	word_store(&b->table.root, 8);
	cr_assert_eq(run(steps, 3), 1);
	cr_assert_eq(run(steps + 1, 2), 0);
	cr_assert_eq(run(steps + 2, 1), 1);
	expect_in(garden, "rake", "y", steps[2].revision);
}

Test(run_of_sets, does_nothing_when_the_head_of_the_log_is_damaged)
{
	struct pair_step steps[] = { step("milk", "one"), step("eggs", "two") };
	struct shard *sh;

	set_up_pairs();
	sh = &a->shards[0];
	word_store(&sh->hot_pos, word_peek(&sh->hot_pos) + 4);
	cr_assert_eq(run(steps, 2), 0);
	expect("milk", "1");
}

/* --- what was looked for ahead --- */

/* Where the bucket is is known by then, and its key was looked for. */
static struct pair_step
step_ahead(struct bytes bucket, const char *key, const char *value,
    struct ahead *ahead)
{
	struct pair_step s = step_in(bucket, key, value);

	ahead_line(a, 0, bucket, s.pair.key, ahead);
	cr_assert_neq(ahead->in.at, 0);
	cr_assert_not_null(ahead->home);
	s.ahead = ahead;
	return s;
}

static void
set_up_ahead(void)
{
	set_up_pairs();
	arena_remember_names(a);
	expect("milk", "1");
	expect_in(garden, "rake", "3", 0);
}

Test(run_of_sets, does_what_was_looked_for_ahead)
{
	struct pair_step steps[4];
	struct ahead ahead[4];

	set_up_ahead();
	steps[0] = step_ahead(shopping, "milk", "one", &ahead[0]);
	steps[1] = step_ahead(shopping, "bread", "two", &ahead[1]);
	steps[2] = step_ahead(garden, "rake", "three", &ahead[2]);
	steps[3] = step_ahead(shopping, "milk", "four", &ahead[3]);
	cr_assert_eq(run(steps, 4), 4);
	expect_in(shopping, "milk", "four", steps[3].revision);
	expect_in(shopping, "bread", "two", steps[1].revision);
	expect_in(garden, "rake", "three", steps[2].revision);
	support_audit(a);
}

Test(run_of_sets, looks_again_in_a_table_that_has_grown)
{
	struct pair_step s;
	struct ahead ahead;
	char key[16];
	int i;

	set_up_ahead();
	s = step_ahead(shopping, "milk", "one", &ahead);
	for (i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "%d", i);
		put(shopping, key, "x");
	}
	cr_assert_eq(run(&s, 1), 1);
	cr_assert_not(s.is_new);
	expect("milk", "one");
	cr_assert_eq(stat_of(shopping).keys, 1002);
	support_audit(a);
}

Test(run_of_sets, looks_again_for_a_bucket_that_has_changed_its_place)
{
	struct pair_step steps[2];
	struct ahead ahead[2];

	set_up_ahead();
	steps[0] = step_ahead(garden, "rake", "one", &ahead[0]);
	steps[1] = step_ahead(garden, "rake", "two", &ahead[1]);
	cr_assert_eq(bucket_drop(a, garden), SHM_OK);
	cr_assert_eq(run(steps, 1), 0);
	cr_assert_eq(bucket_create(a, support_bytes("shed")), SHM_OK);
	cr_assert_eq(bucket_create(a, garden), SHM_OK);
	put(garden, "hose", "long");
	cr_assert_eq(run(steps + 1, 1), 1);
	cr_assert(steps[1].is_new);
	expect_in(garden, "rake", "two", steps[1].revision);
	cr_assert_eq(stat_of(garden).keys, 2);
	support_audit(a);
}

/* Another bucket has its line, and nothing else tells that apart. */
Test(run_of_sets, looks_again_for_a_bucket_that_was_made_anew_in_its_place)
{
	const struct bytes shed = support_bytes("shed");
	struct ahead ahead, anew;
	struct pair_step s;

	set_up_ahead();
	cr_assert_eq(bucket_create(a, shed), SHM_OK);
	s = step_ahead(garden, "rake", "one", &ahead);
	cr_assert_eq(bucket_drop(a, garden), SHM_OK);
	support_clean(a);
	cr_assert_eq(bucket_create(a, garden), SHM_OK);
	put(shed, "spade", "7");
	put(garden, "hose", "long");
	(void)step_ahead(garden, "rake", "one", &anew);
	cr_assert_eq(anew.in.at, ahead.in.at);
	cr_assert_eq(anew.shape, ahead.shape);
	cr_assert_neq(anew.home, ahead.home);
	cr_assert_eq(run(&s, 1), 1);
	expect_in(garden, "rake", "one", s.revision);
	support_audit(a);
}

/* Behind a gap, where nobody looks who looks for a key. */
Test(run_of_sets, adds_nothing_to_a_line_that_leads_astray)
{
	struct pair_step s = step_in(garden, "hose", "long");
	struct pair pair = { support_bytes("hose"), support_bytes("x"), 0 };
	struct ahead ahead;
	struct line *line;
	word *last;

	set_up_ahead();
	ahead_line(a, 0, garden, pair.key, &ahead);
	cr_assert_not_null(line = ahead.home);
	last = &line->slots[LINE_SLOTS - 1];
	word_store(last, LINE_LINK << 48 | arena_off_of(a, line));
	cr_assert_eq(run(&s, 1), 0);
	cr_assert_eq(pair_put(a, garden, &pair, NULL), SHM_DAMAGED);
	word_store(last, LINE_LINK << 48 | 8);
	cr_assert_eq(run(&s, 1), 0);
	cr_assert_eq(pair_put(a, garden, &pair, NULL), SHM_DAMAGED);
}

static enum shm_status
expire_garden(struct txn *t, void *arg)
{
	(void)arg;
	return txn_expire(t, garden, 1);
}

/* Nobody has dropped it yet. */
Test(run_of_sets, looks_again_for_a_bucket_that_has_expired)
{
	struct pair_step s;
	struct ahead ahead;
	struct txn *txn;

	set_up_ahead();
	cr_assert_not_null(txn = txn_open(a));
	s = step_ahead(garden, "rake", "one", &ahead);
	cr_assert_eq(txn_run(txn, 0, expire_garden, NULL, NULL), SHM_OK);
	txn_close(txn);
	cr_assert_eq(run(&s, 1), 0);
	support_audit(a);
}

/* --- all or none --- */

Test(run_of_sets, that_belong_together_is_done_as_a_whole)
{
	struct pair_step steps[] = {
		step("milk", "one"), step("bread", "two"), step("milk", "three")
	};
	struct board_row row;

	set_up_pairs();
	board_enter(a, SLOT, BOARD_WORKER, 1, 0);
	board_set_fingerprint(a, SLOT, 17);
	cr_assert(pair_set_all(a, 0, SLOT, steps, 3));
	expect_in(shopping, "milk", "three", steps[2].revision);
	expect_in(shopping, "bread", "two", steps[1].revision);
	cr_assert_eq(steps[2].revision, steps[0].revision + 2);
	cr_assert(board_read(a, SLOT, &row));
	cr_assert_eq(row.fingerprint, 17);
	support_audit(a);
}

Test(run_of_sets, that_belong_together_is_not_done_in_part)
{
	struct pair_step steps[] = {
		step("milk", "one"), step("eggs", "two"), step("bread", "three")
	};
	uint64_t before;

	set_up_pairs();
	before = stat_of(shopping).revision;
	steps[2].replace = true;
	cr_assert_not(pair_set_all(a, 0, SLOT, steps, 3));
	expect("milk", "1");
	expect("eggs", "2");
	expect("bread", NULL);
	cr_assert_eq(stat_of(shopping).revision, before);
	support_audit(a);
	/* What was to be is forgotten. */
	cr_assert_eq(run(steps + 1, 1), 1);
	expect("milk", "1");
	expect("eggs", "two");
	support_audit(a);
}

Test(run_of_sets, that_belong_together_are_as_many_as_one_run_does)
{
	struct pair_step steps[PAIR_RUN_MAX + 1];
	size_t i;

	set_up_pairs();
	for (i = 0; i < PAIR_RUN_MAX + 1; i++)
		steps[i] = step("milk", i < PAIR_RUN_MAX ? "one" : "two");
	cr_assert_not(pair_set_all(a, 0, SLOT, steps, PAIR_RUN_MAX + 1));
	expect("milk", "1");
	cr_assert(pair_set_all(a, 0, SLOT, steps, PAIR_RUN_MAX));
	expect("milk", "one");
	support_audit(a);
}
