/* The audit itself: it finds damage, and damage does not find a way to
 * make it crash or run for ever. */

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/audit.h"
#include "shm/bucket.h"
#include "shm/handle.h"
#include "shm/pair.h"
#include "shm/segment.h"
#include "shm/table.h"
#include "shm/word.h"
#include "support.h"

TestSuite(audit, .fini = support_fini, .timeout = 120);

static struct arena *a;
static struct shard *sh;
static struct bucket *bucket;
static const struct bytes name = { "b", 1 };

static void
set_up(void)
{
	struct bucket_stat st;
	char key[16];
	unsigned i;

	a = support_arena(UINT64_C(4) << 20, 1, 64 * 1024);
	sh = &a->shards[0];
	cr_assert_eq(bucket_create(a, name), SHM_OK);
	for (i = 0; i < 3000; i++) {
		snprintf(key, sizeof(key), "key %u", i % 2500);
		struct pair p = { support_bytes(key), support_bytes("v"), 0 };

		cr_assert_eq(pair_put(a, name, &p, NULL), SHM_OK);
	}
	cr_assert_eq(bucket_create(a, support_bytes("gone")), SHM_OK);
	cr_assert_eq(bucket_drop(a, support_bytes("gone")), SHM_OK);
	cr_assert_eq(bucket_stat(a, name, &st), SHM_OK);
	bucket = arena_at(a, st.id);
	support_audit(a);
}

static void
expect_words(const char *part)
{
	struct audit_report r;

	cr_assert_eq(audit_arena(a, &r), 0);
	cr_assert_gt(r.errors, 0, "not found: %s", part);
	cr_assert(strstr(r.first_error, part) != NULL, "said: %s",
	    r.first_error);
}

/* Change a word, expect to be told, change it back. */
static void
damage(word *w, uint64_t value, const char *part)
{
	uint64_t was = word_peek(w);

	cr_assert_neq(was, value);
	word_store(w, value);
	expect_words(part);
	word_store(w, was);
	support_audit(a);
}

static struct line *
first_line(void)
{
	return table_line(a, word_peek(&bucket->table.root), 0);
}

/* The home line of some number >= from that holds three entries or more. */
static struct line *
well_filled_line(uint64_t *from)
{
	uint64_t n = table_lines(word_peek(&bucket->table.shape));
	struct line *line;

	for (; *from < n; ++*from) {
		line = table_line(a, word_peek(&bucket->table.root), *from);
		if (word_peek(&line->slots[2]) != 0)
			return line;
	}
	cr_assert_fail("no line of three entries");
	return NULL;
}

static struct segment *
a_segment(enum segment_kind kind)
{
	uint64_t i;

	for (i = 0; i < a->segments; i++)
		if (segment_kind(word_peek(&a->table[i].state)) == kind)
			return &a->table[i];
	cr_assert_fail("no segment of kind %d", kind);
	return NULL;
}

Test(audit, finds_sums_that_do_not_agree)
{
	struct segment *e;

	set_up();
	damage(&bucket->table.count, 1, "counts 1 entries");
	damage(&bucket->bytes, 1, "counts 1 bytes");
	damage(&bucket->revision, UINT64_MAX, "impossible revision");
	damage(&sh->buckets.count, 7, "counts 7 entries");
	e = a_segment(SEGMENT_HOT);
	damage(&e->dead, word_peek(&e->dead) + 8, "dead of");
	e = a_segment(SEGMENT_LINES);
	damage(&e->live, word_peek(&e->live) + 1, "units in use");
}

Test(audit, finds_words_that_a_death_would_leave)
{
	struct segment *e;

	set_up();
	damage(&sh->version, word_peek(&sh->version) | 1, "left odd");
	damage(&sh->batch_end, 8, "a batch is left");
	damage(&first_line()->version, 1, "line 0 is left odd");
	e = a_segment(SEGMENT_FREE);
	damage(&e->state, segment_state(1, 0, SEGMENT_TAKEN),
	    "taken and lost");
	damage(&e->state, segment_state(1, 0, SEGMENT_RELEASED),
	    "taken and lost");
}

Test(audit, finds_entries_in_the_wrong_place)
{
	struct line *line, *other;
	uint64_t slot, number = 0;

	set_up();
	line = well_filled_line(&number);
	number++;
	other = well_filled_line(&number);
	slot = word_peek(&line->slots[0]);
	damage(&line->slots[0], 0, "has a hole");
	damage(&line->slots[0], slot ^ UINT64_C(1) << 50, "wrong line");
	damage(&line->slots[0], (slot & ~LINE_OFF_MASK) | 8,
	    "leads to no record");
	damage(&line->slots[0], word_peek(&other->slots[0]), "wrong line");
	damage(&bucket->mark, BUCKET_DROPPED, "has no mark");
}

Test(audit, finds_units_that_leak_or_are_used_twice)
{
	struct segment *e;

	set_up();
	e = a_segment(SEGMENT_LINES);
	damage(&e->used, word_peek(&e->used) + 64, "leaks");
	damage(&e->free_head, arena_off_of(a, bucket), "bad free unit");
	e = a_segment(SEGMENT_INDEX);
	damage(&e->prev, 9, "broken list");
	damage(&sh->partial[SLAB_LINE], 0, "on the list");
	damage(&sh->graveyard, arena_off_of(a, bucket), "used twice");
}

/* Words at random, anywhere but in the locks. */
static word *
any_word(uint64_t *rng)
{
	uint64_t first, last, off;

	switch (support_random(rng) % 3) {
	case 0:		/* the shard, in front of its lock */
		first = arena_off_of(a, sh);
		last = arena_off_of(a, &sh->lock);
		break;
	case 1:		/* the segment table */
		first = arena_off_of(a, a->table);
		last = first + a->segments * sizeof(*a->table);
		break;
	default:	/* segments in use */
		first = a->segments_off;
		last = first + 8 * a->segment_bytes;
		break;
	}
	off = first + support_random(rng) % (last - first) / 8 * 8;
	return arena_at(a, off);
}

Test(audit, of_a_randomly_damaged_arena_ends_and_does_not_crash)
{
	enum { ROUNDS = 1500, WORDS = 4 };
	struct audit_report r;
	uint64_t rng = 7, was[WORDS], found = 0;
	word *at[WORDS];
	unsigned i, k;

	set_up();
	for (i = 0; i < ROUNDS; i++) {
		for (k = 0; k < WORDS; k++) {
			at[k] = any_word(&rng);
			was[k] = word_peek(at[k]);
			word_store(at[k], support_random(&rng) % 2 == 0 ?
			    support_random(&rng) : was[k] ^
			    UINT64_C(1) << support_random(&rng) % 24);
		}
		cr_assert_eq(audit_arena(a, &r), 0);
		found += r.errors > 0;
		while (k-- > 0)
			word_store(at[k], was[k]);
	}
	cr_assert_gt(found, ROUNDS / 2);
	support_audit(a);
}
