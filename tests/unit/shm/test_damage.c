/*
 * Words that nobody would write, and what they must not lead to: a crash, a
 * wait for ever, or a wrong answer that is told as a right one.  What tests/
 * fuzz has found is here, each as the smallest case of its kind.
 */

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "shm/bucket.h"
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
	word_store(meta, word_peek(meta) | 0x80);
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
