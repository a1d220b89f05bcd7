/* Writers keep pace with what they take, and memory comes in pieces. */

#include <criterion/criterion.h>

#include <stdio.h>

#include "shm/bucket.h"
#include "shm/clean.h"
#include "shm/pair.h"
#include "shm/segment.h"
#include "shm/word.h"
#include "support.h"

#define SMALL	(UINT64_C(64) * 1024)
#define RECORD	64U		/* bytes that a pair takes, at most */
#define SEGMENT	(UINT64_C(256) * 1024)
#define PIECES	(SEGMENT / SEGMENT_PIECE)

TestSuite(pace, .fini = support_fini, .timeout = 120);
TestSuite(pieces, .fini = support_fini);

static struct arena *a;

static enum shm_status
put(unsigned i)
{
	char key[16];
	struct pair p = { { key, 0 }, support_bytes(
	    "forty bytes of a value that fills memory"), 0 };

	p.key.len = (size_t)snprintf(key, sizeof(key), "k%u", i);
	return pair_put(a, support_bytes("b"), &p, NULL);
}

/* New keys until so many segments are free; returns how many keys. */
static unsigned
fill_up_to(uint64_t left)
{
	unsigned n = 0;

	for (; segment_count_free(a) > left || segment_may_back(a); n++)
		cr_assert_eq(put(n), SHM_OK);
	return n;
}

static void
set_up(uint64_t segments)
{
	a = support_arena((segments + 1) * SMALL, 1, SMALL);
	cr_assert_eq(bucket_create(a, support_bytes("b")), SHM_OK);
}

static uint64_t
hot_left(void)
{
	const struct shard *sh = &a->shards[0];

	return arena_segment_base(a, word_peek(&sh->hot_segment)) -
	    word_peek(&sh->hot_pos);
}

Test(pace, is_kept_by_a_writer_that_has_no_cleaner_beside_it)
{
	uint64_t random = 1, delays;
	unsigned n, i, opened = 0;

	set_up(48);
	n = fill_up_to(segment_reserve(a) + 7);
	delays = arena_delays(a);
	for (i = 0; i < 5 * n; i++) {
		/* Whoever needs a segment finds one. */
		if (hot_left() < RECORD) {
			cr_assert_gt(segment_count_free(a),
			    segment_reserve(a));
			opened++;
		}
		cr_assert_eq(put((unsigned)(support_random(&random) % n)),
		    SHM_OK);
	}
	cr_assert_gt(opened, 100);
	cr_assert_gt(arena_delays(a), delays + 100);
	support_audit(a);
}

/* How far the cleaning got with one put, in bytes. */
static uint64_t
done_by_a_put(unsigned i)
{
	uint64_t victim = word_peek(&a->cleaning->victim);
	uint64_t offset = word_peek(&a->cleaning->offset), now;

	cr_assert_eq(put(i), SHM_OK);
	now = word_peek(&a->cleaning->offset);
	return victim == word_peek(&a->cleaning->victim) && now > offset ?
	    now - offset : 0;
}

Test(pace, is_kept_in_small_steps)
{
	uint64_t random = 1, most = 0, done, sum = 0;
	unsigned n, i;

	set_up(48);
	n = fill_up_to(segment_reserve(a) + 7);
	for (i = 0; i < 5 * n; i++) {
		done = done_by_a_put((unsigned)(support_random(&random) % n));
		most = done > most ? done : most;
		sum += done;
	}
	cr_assert_gt(sum, 10 * SMALL);
	cr_assert_leq(most, 32 * RECORD);
}

Test(pace, of_an_arena_with_few_segments_is_nobody_s_concern)
{
	unsigned i;

	set_up(16);
	for (i = 0; put(i) == SHM_OK; i++)
		cr_assert_eq(word_peek(&a->pool->hurry), 0);
}

Test(pace, where_nothing_can_be_won_is_no_reason_to_refuse)
{
	unsigned n;

	set_up(40);
	n = fill_up_to(segment_reserve(a) + 1);
	cr_assert_gt(word_peek(&a->pool->hurry), 0);
	/* All that is there lives, and there is room for these. */
	cr_assert_eq(put(n), SHM_OK);
	cr_assert_eq(word_peek(&a->cleaning->victim), 0);
}

Test(pieces, of_a_segment_are_backed_one_by_one)
{
	uint64_t free;
	arena_off end;
	unsigned i;

	a = support_arena(40 * SEGMENT, 1, SEGMENT);
	free = segment_count_free(a);
	end = word_load(&a->pool->backed_end);
	for (i = 0; i < PIECES; i++) {
		cr_assert_eq(segment_count_free(a), free);
		cr_assert_eq(word_load(&a->pool->backed_end), end);
		cr_assert(segment_back_some(a));
		cr_assert_eq(word_load(&a->pool->backing),
		    end + (i + 1) * SEGMENT_PIECE);
	}
	cr_assert_eq(segment_count_free(a), free + 1);
	cr_assert_eq(word_load(&a->pool->backed_end), end + SEGMENT);
	support_audit(a);
}

/* Before anybody writes: so there is time to do it in one piece. */
Test(pieces, are_no_concern_of_writers_where_the_cleaner_has_been)
{
	struct clean_work work = { .segments_backed = 0 };
	struct clean_state state = { .shard = 0 };
	uint64_t free;

	a = support_arena(40 * SEGMENT, 1, SEGMENT);
	free = segment_count_free(a);
	while (clean_step(a, &state, &work, 0))
		continue;
	cr_assert_eq(segment_count_free(a),
	    segment_reserve(a) + SEGMENTS_BACKED);
	cr_assert_eq(work.segments_backed, segment_count_free(a) - free);
	cr_assert_eq(bucket_create(a, support_bytes("b")), SHM_OK);
	/* The reserve has become more by one, and one is in use. */
	while (segment_count_free(a) > segment_reserve(a) + SEGMENTS_AHEAD) {
		cr_assert_eq(word_peek(&a->pool->hurry), 0);
		cr_assert_eq(put((unsigned)free++), SHM_OK);
	}
	cr_assert_eq(word_load(&a->pool->backing),
	    word_load(&a->pool->backed_end));
}

Test(pieces, that_somebody_has_begun_with_are_gone_on_with)
{
	uint64_t free;

	a = support_arena(40 * SEGMENT, 1, SEGMENT);
	free = segment_count_free(a);
	cr_assert(segment_back_some(a));
	cr_assert(segment_back_one(a));
	cr_assert_eq(segment_count_free(a), free + 1);
	cr_assert_eq(word_load(&a->pool->backing),
	    word_load(&a->pool->backed_end));
}

/* Where damage says that there is memory behind the arena. */
Test(pieces, that_cannot_have_been_are_made_at_once, .timeout = 60)
{
	uint64_t free;

	a = support_arena(40 * SEGMENT, 1, SEGMENT);
	free = segment_count_free(a);
	word_store(&a->pool->backing, UINT64_MAX);
	cr_assert(segment_back_some(a));
	cr_assert_eq(segment_count_free(a), free + 1);
	cr_assert(segment_back_one(a));
	cr_assert_eq(segment_count_free(a), free + 2);
}
