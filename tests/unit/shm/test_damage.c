/*
 * Words that nobody would write, and what they must not lead to: a crash, a
 * wait for ever, or a wrong answer that is told as a right one.  What tests/
 * fuzz has found is here, each as the smallest case of its kind.
 */

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "shm/bucket.h"
#include "shm/bucket_locked.h"
#include "shm/clean.h"
#include "shm/feed.h"
#include "shm/hash.h"
#include "shm/pair.h"
#include "shm/scan.h"
#include "shm/segment.h"
#include "shm/table.h"
#include "shm/word.h"
#include "support.h"

TestSuite(damage, .fini = support_fini, .timeout = 120);

static struct arena *a;
static struct shard *sh;
static struct bucket *bucket;
static const struct bytes name = { "b", 1 };

static void
set_up(unsigned keys)
{
	struct bucket_stat st;
	char key[16];
	unsigned i;

	a = support_arena(UINT64_C(4) << 20, 1, 64 * 1024);
	sh = &a->shards[0];
	cr_assert_eq(bucket_create(a, name), SHM_OK);
	cr_assert_eq(bucket_stat(a, name, &st), SHM_OK);
	bucket = arena_at(a, st.id);
	for (i = 0; i < keys; i++) {
		snprintf(key, sizeof(key), "key %u", i);
		struct pair p = { support_bytes(key), support_bytes("v"), 0 };

		cr_assert_eq(pair_put(a, name, &p, NULL), SHM_OK);
	}
}

static enum shm_status
get(const char *key)
{
	char buf[8];
	size_t len;

	return pair_get(a, name, support_bytes(key), buf, sizeof(buf), &len,
	    NULL);
}

static enum shm_status
scan_to_the_end(void)
{
	static uint8_t buf[4096];
	struct scan_batch batch = { .buf = buf, .cap = sizeof(buf) };
	struct scan scan = { 0 };
	enum shm_status status = SHM_OK;

	while (!scan.done && status == SHM_OK)
		status = scan_keys(a, name, &scan, &batch);
	return status;
}

static struct line *
home_of(const char *key)
{
	uint64_t hash = hash_keyed(a->hash_seed, key, strlen(key));
	uint64_t lines = table_lines(word_peek(&bucket->table.shape));

	return table_line(a, word_peek(&bucket->table.root),
	    table_line_number(lines, hash));
}

/* The line in which a key would be that is not there, and it is full. */
static struct line *
full_home(char key[16])
{
	struct line *home;
	unsigned i = 0;

	do {
		snprintf(key, 16, "missing %u", i++);
		home = home_of(key);
	} while (word_peek(&home->slots[LINE_SLOTS - 1]) == 0);
	return home;
}

/* A key that is there, and has another home. */
static void
elsewhere(const struct line *home, char key[16])
{
	unsigned i = 1000;

	do
		snprintf(key, 16, "key %u", i++);
	while (home_of(key) == home);
}

static void
expect_damaged(const char *key, word *w, uint64_t value)
{
	uint64_t was = word_peek(w);

	word_store(w, value);
	cr_assert_eq(get(key), SHM_DAMAGED);
	cr_assert_eq(scan_to_the_end(), SHM_DAMAGED);
	word_store(w, was);
	cr_assert_eq(get(key), SHM_NO_KEY);
	cr_assert_eq(scan_to_the_end(), SHM_OK);
}

Test(damage, of_a_chain_is_not_told_as_a_key_that_is_missing)
{
	struct line *home;
	char key[16];
	word *last;

	set_up(2000);
	home = full_home(key);
	last = &home->slots[LINE_SLOTS - 1];
	expect_damaged(key, last, LINE_LINK << 48 | 64);
	expect_damaged(key, last, LINE_LINK << 48 | LINE_OFF_MASK);
	expect_damaged(key, last, LINE_LINK << 48 | arena_off_of(a, home));
	expect_damaged(key, &home->version, 1);
}

Test(damage, of_the_end_of_memory_leads_nobody_behind_the_arena)
{
	struct line *home;
	uint64_t beyond, slot;
	char key[16];

	set_up(2000);
	home = full_home(key);
	word_store(&a->pool->backed_end, UINT64_MAX);
	beyond = (a->segments_end + 7) & ~UINT64_C(7);
	slot = word_peek(&home->slots[0]);
	for (; beyond < a->segments_end + (64U << 20); beyond += 1U << 20) {
		word_store(&home->slots[0], (slot & ~LINE_OFF_MASK) | beyond);
		word_store(&home->slots[LINE_SLOTS - 1], LINE_LINK << 48 |
		    beyond);
		(void)get(key);
		cr_assert_eq(scan_to_the_end(), SHM_DAMAGED);
	}
}

static enum feed_status
next(struct feed *f)
{
	static char buf[64];
	struct feed_event event;
	size_t needed;

	return feed_next(a, f, buf, sizeof(buf), &event, &needed);
}

Test(damage, of_an_operation_in_the_log_ends_a_feed)
{
	struct feed f;
	arena_off at;
	word *meta;

	set_up(10);
	feed_open(a, 0, &f);
	at = word_peek(&sh->hot_pos);
	cr_assert_eq(pair_delete(a, name, support_bytes("key 1")), SHM_OK);
	meta = (word *)arena_at(a, at) + 1;
	word_store(meta, word_peek(meta) | RECORD_OP_MASK);
	cr_assert_eq(next(&f), FEED_LOST);
}

Test(damage, of_the_log_s_head_begins_no_feed_outside)
{
	struct feed f;

	set_up(10);
	word_store(&sh->hot_segment, UINT64_MAX);
	feed_open(a, 0, &f);
	cr_assert_eq(next(&f), FEED_NONE);
	word_store(&sh->lsn, word_peek(&sh->lsn) + 1);
	cr_assert_eq(next(&f), FEED_LOST);
}

Test(damage, that_makes_a_ring_of_empty_segments_ends_a_feed)
{
	struct segment *e;
	uint64_t number;
	struct feed f;

	set_up(10);
	number = word_peek(&sh->hot_segment);
	e = &a->table[number - 1];
	feed_open(a, 0, &f);
	word_store(&e->used, SEGMENT_SEALED);
	word_store(&e->first_lsn, f.lsn);
	word_store(&e->next, number);
	word_store(&sh->lsn, word_peek(&sh->lsn) + 1);
	cr_assert_eq(next(&f), FEED_LOST);
}

/* What the cleaner is at, and whose a segment is, are words like others. */
Test(damage, of_hints_does_not_lead_the_cleaner_outside)
{
	struct clean_state state = { .shard = 0 };
	struct clean_work work = { .segments_freed = 0 };
	uint64_t i;

	set_up(2000);
	for (i = 0; i < a->segments; i++)
		if (segment_kind(word_peek(&a->table[i].state)) ==
		    SEGMENT_FREE)
			break;
	cr_assert_lt(i, a->segments);
	word_store(&a->table[i].state, segment_state(3, 4000, SEGMENT_HOT));
	word_store(&a->table[i].used, SEGMENT_SEALED | 64);
	word_store(&a->cleaning->victim, a->segments + 1000000);
	for (i = 0; i < 1000 && clean_step(a, &state, &work, 1); i++)
		;
	cr_assert_lt(i, 1000);
	cr_assert_eq(get("key 1999"), SHM_OK);
}

static enum shm_status
put(const char *key)
{
	struct pair p = { support_bytes(key), support_bytes("new"), 0 };

	return pair_put(a, name, &p, NULL);
}

/*
 * A change that needs the word is refused, takes no segment with it, and
 * goes when the word is right again.
 */
static void
expect_refusal(enum shm_status (*change)(const char *), const char *key,
    word *w, uint64_t value)
{
	uint64_t was = word_peek(w), free = segment_count_free(a);

	cr_assert_neq(was, value);
	word_store(w, value);
	cr_assert_eq(change(key), SHM_DAMAGED, "%#lx", value);
	word_store(w, was);
	cr_assert_eq(segment_count_free(a), free, "%#lx", value);
	support_audit(a);
	cr_assert_eq(change(key), SHM_OK, "%#lx", value);
	support_audit(a);
}

static enum shm_status
put_and_delete(const char *key)
{
	enum shm_status status = put(key);

	if (status == SHM_OK)
		return pair_delete(a, name, support_bytes(key));
	cr_assert_eq(pair_delete(a, name, support_bytes(key)), status);
	return status;
}

static enum shm_status
create(const char *bucket_name)
{
	return bucket_create(a, support_bytes(bucket_name));
}

/* The first segment of a kind, counted from 1 as words do. */
static uint64_t
number_of(enum segment_kind kind)
{
	uint64_t i;

	for (i = 0; i < a->segments; i++)
		if (segment_kind(word_peek(&a->table[i].state)) == kind)
			return i + 1;
	cr_assert_fail("no segment of kind %d", kind);
	return 0;
}

Test(damage, of_a_chain_refuses_changes_of_its_keys)
{
	struct line *home;
	char key[16];
	word *last;

	set_up(2000);
	home = full_home(key);
	last = &home->slots[LINE_SLOTS - 1];
	expect_refusal(put_and_delete, key, last, LINE_LINK << 48 | 64);
	expect_refusal(put_and_delete, key, last, LINE_LINK << 48 |
	    LINE_OFF_MASK);
	expect_refusal(put_and_delete, key, last, LINE_LINK << 48 |
	    arena_off_of(a, home));
	expect_refusal(put_and_delete, key, last, LINE_LINK << 48 |
	    word_peek(&sh->hot_pos));
}

Test(damage, of_the_log_s_head_refuses_puts)
{
	uint64_t pos, base;

	set_up(2000);
	pos = word_peek(&sh->hot_pos);
	base = arena_segment_base(a, word_peek(&sh->hot_segment) - 1);
	expect_refusal(put, "k", &sh->hot_segment, UINT64_MAX);
	expect_refusal(put, "k", &sh->hot_segment, number_of(SEGMENT_LINES));
	expect_refusal(put, "k", &sh->hot_segment, number_of(SEGMENT_FREE));
	expect_refusal(put, "k", &sh->hot_pos, 0);
	expect_refusal(put, "k", &sh->hot_pos, UINT64_MAX - 7);
	expect_refusal(put, "k", &sh->hot_pos, base - 64);
	expect_refusal(put, "k", &sh->hot_pos, pos + 4);
}

Test(damage, of_the_lists_of_units_refuses_what_needs_one)
{
	struct segment *e;
	arena_off off;

	set_up(2000);
	e = &a->table[word_peek(&sh->partial[SLAB_LINE]) - 1];
	off = arena_segment_base(a, (uint64_t)(e - a->table));
	expect_refusal(create, "1", &sh->partial[SLAB_LINE], UINT64_MAX);
	expect_refusal(create, "2", &sh->partial[SLAB_LINE],
	    number_of(SEGMENT_HOT));
	expect_refusal(create, "3", &e->free_head, UINT64_MAX - 63);
	expect_refusal(create, "4", &e->free_head, off + 8);
	expect_refusal(create, "5", &e->free_head, off + a->segment_bytes);
	expect_refusal(create, "6", &e->live, UINT64_MAX);
}

/* The record that names the bucket. */
static word *
meta_of_name(void)
{
	struct index_place place;
	struct held h;

	cr_assert_eq(lock_shard(a, 0, &h), LOCK_OK);
	cr_assert_not_null(bucket_find(&h, name, &place));
	lock_release(&h);
	return (word *)arena_at(a, place.record) + 1;
}

Test(damage, of_what_a_name_leads_to_refuses_changes_of_the_bucket)
{
	uint64_t low, was;
	word *meta;

	set_up(100);
	meta = meta_of_name();
	was = word_peek(meta);
	low = was & ((UINT64_C(1) << RECORD_BUCKET_SHIFT) - 1);
	expect_refusal(put, "k", meta, low);
	expect_refusal(put, "k", meta, ~UINT64_C(0) <<
	    RECORD_BUCKET_SHIFT | low);
	expect_refusal(put, "k", meta, word_peek(&sh->hot_pos) / 64 <<
	    RECORD_BUCKET_SHIFT | low);
	expect_refusal(put, "k", &bucket->mark, 0);
	word_store(meta, low);
	cr_assert_eq(bucket_drop(a, name), SHM_DAMAGED);
	word_store(meta, was);
	cr_assert_eq(bucket_drop(a, name), SHM_OK);
	support_clean(a);
	support_audit(a);
}

/* Growth is best effort: it stops at a bad line, and puts go on. */
Test(damage, of_the_line_that_is_split_next_is_not_felt_elsewhere)
{
	uint64_t lines, was, puts = 0;
	struct line *next;
	char key[16];
	unsigned i;

	set_up(2000);
	lines = table_lines(word_peek(&bucket->table.shape));
	next = table_line(a, word_peek(&bucket->table.root),
	    lines - table_level(lines));
	was = word_peek(&next->slots[LINE_SLOTS - 1]);
	word_store(&next->slots[LINE_SLOTS - 1], LINE_LINK << 48 | 64);
	for (i = 0; i < 200; i++) {
		snprintf(key, sizeof(key), "new %u", i);
		if (home_of(key) == next)
			continue;
		cr_assert_eq(put(key), SHM_OK, "%s", key);
		puts++;
	}
	cr_assert_gt(puts, 100);
	cr_assert_eq(table_lines(word_peek(&bucket->table.shape)), lines);
	word_store(&next->slots[LINE_SLOTS - 1], was);
	support_audit(a);
	cr_assert_eq(put("one more"), SHM_OK);
	cr_assert_eq(table_lines(word_peek(&bucket->table.shape)), lines + 1);
}

Test(damage, of_a_chain_ends_a_batch_and_not_the_shard)
{
	static struct pair p[30];
	static char keys[30][16];
	struct line *home;
	char well[16];
	unsigned i;

	set_up(2000);
	home = full_home(keys[29]);
	elsewhere(home, well);
	for (i = 0; i < 30; i++) {
		if (i < 29)
			snprintf(keys[i], sizeof(keys[i]), "key %u", i);
		p[i] = (struct pair){ support_bytes(keys[i]),
			support_bytes("new"), 0 };
	}
	word_store(&home->slots[LINE_SLOTS - 1], LINE_LINK << 48 | 64);
	cr_assert_eq(pair_put_many(a, name, p, 30), SHM_DAMAGED);
	cr_assert_eq(word_peek(&sh->batch_end), 0);
	cr_assert_eq(word_peek(&sh->version) % 2, 0);
	cr_assert_eq(get(well), SHM_OK);
	cr_assert_eq(put(well), SHM_OK);
}

/* Of two shards the first is damaged, so that the other comes after it. */
Test(damage, of_a_dropped_bucket_does_not_keep_the_cleaner_from_others)
{
	static const uint64_t graves[] = { UINT64_MAX, 64, 8 };
	struct clean_state state = { .shard = 0 };
	struct clean_work work = { .segments_freed = 0 };
	char bad[16], well[16];
	unsigned i, n;

	a = support_arena(UINT64_C(4) << 20, 2, 64 * 1024);
	for (n = 0; n < sizeof(graves) / sizeof(graves[0]); n++) {
		cr_assert_eq(bucket_create(a, support_name_in(a, 0, bad)),
		    SHM_OK);
		cr_assert_eq(bucket_create(a, support_name_in(a, 1, well)),
		    SHM_OK);
		cr_assert_eq(bucket_drop(a, support_bytes(bad)), SHM_OK);
		cr_assert_eq(bucket_drop(a, support_bytes(well)), SHM_OK);
		word_store(&a->shards[0].graveyard, graves[n]);
		word_store(&a->shards[0].poisoned, 0);
		for (i = 0; i < 1000 && clean_step(a, &state, &work, 1); i++)
			;
		cr_assert_lt(i, 1000);
		cr_assert_eq(word_peek(&a->shards[0].graveyard), graves[n]);
		cr_assert_eq(word_peek(&a->shards[1].graveyard), 0);
	}
}

Test(damage, does_not_lead_a_change_into_another_shard)
{
	struct pair p = { support_bytes("k"), support_bytes("v"), 0 };
	struct bucket *mine, *other;
	struct bucket_stat st;
	char here[16], there[16];

	a = support_arena(UINT64_C(4) << 20, 2, 64 * 1024);
	cr_assert_eq(bucket_create(a, support_name_in(a, 0, here)), SHM_OK);
	cr_assert_eq(bucket_create(a, support_name_in(a, 1, there)), SHM_OK);
	cr_assert_eq(pair_put(a, support_bytes(here), &p, NULL), SHM_OK);
	cr_assert_eq(pair_put(a, support_bytes(there), &p, NULL), SHM_OK);
	cr_assert_eq(bucket_stat(a, support_bytes(here), &st), SHM_OK);
	mine = arena_at(a, st.id);
	cr_assert_eq(bucket_stat(a, support_bytes(there), &st), SHM_OK);
	other = arena_at(a, st.id);
	word_store(&mine->table.root, word_peek(&other->table.root));
	p.key = support_bytes("another");
	cr_assert_eq(pair_put(a, support_bytes(here), &p, NULL),
	    SHM_DAMAGED);
	cr_assert_eq(pair_delete(a, support_bytes(here), p.key),
	    SHM_DAMAGED);
	cr_assert_eq(bucket_drop(a, support_bytes(here)), SHM_OK);
	support_clean(a);
	cr_assert_eq(pair_put(a, support_bytes(there), &p, NULL), SHM_OK);
	cr_assert_eq(word_peek(&other->table.count), 2);
}
