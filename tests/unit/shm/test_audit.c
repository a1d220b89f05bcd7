/* The audit itself: it finds damage, and damage does not find a way to
 * make it crash or run for ever. */

#include <criterion/criterion.h>

#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/audit.h"
#include "shm/bucket.h"
#include "shm/chain.h"
#include "shm/clean.h"
#include "shm/lock.h"
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
		if (i == 100)
			cr_assert_eq(pair_delete(a, name, p.key), SHM_OK);
	}
	cr_assert_eq(bucket_create(a, support_bytes("gone")), SHM_OK);
	cr_assert_eq(bucket_drop(a, support_bytes("gone")), SHM_OK);
	cr_assert_eq(bucket_stat(a, name, &st), SHM_OK);
	bucket = arena_at(a, st.id);
	support_audit(a);
}

/* Nobody's shard is so small: it is checked in slices. */
#define SLICES	UINT64_C(64)

static void
run(uint64_t piece, struct audit_report *r)
{
	struct audit *au = audit_open(a, piece);

	cr_assert_not_null(au);
	while (audit_step(au))
		;
	*r = *audit_report(au);
	cr_assert_not(audit_step(au));
	cr_assert_eq(memcmp(r, audit_report(au), sizeof(*r)), 0);
	audit_close(au);
}

static void
expect_words(uint64_t piece, const char *part)
{
	struct audit_report r;

	run(piece, &r);
	cr_assert_gt(r.errors, 0, "not found: %s", part);
	cr_assert(strstr(r.first_error, part) != NULL, "said: %s",
	    r.first_error);
}

static void
expect_sound(void)
{
	struct audit_report r;

	support_audit(a);
	run(SLICES, &r);
	cr_assert_eq(r.errors, 0, "in slices: %s", r.first_error);
}

/* Change a word, expect to be told, change it back. */
static void
damage(word *w, uint64_t value, const char *part)
{
	uint64_t was = word_peek(w);

	cr_assert_neq(was, value);
	word_store(w, value);
	expect_words(AUDIT_WHOLE, part);
	word_store(w, was);
	expect_sound();
}

/* The same, and slices tell too; in other words perhaps. */
static void
damage_seen(word *w, uint64_t value, const char *part, const char *sliced)
{
	uint64_t was = word_peek(w);

	damage(w, value, part);
	word_store(w, value);
	expect_words(SLICES, sliced);
	word_store(w, was);
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

/* The number of one, as lists and heads give it. */
static uint64_t
a_number(enum segment_kind kind)
{
	return (uint64_t)(a_segment(kind) - a->table) + 1;
}

Test(audit, finds_sums_that_do_not_agree)
{
	struct segment *e;

	set_up();
	damage(&bucket->table.count, 1, "counts 1 entries");
	damage(&bucket->bytes, 1, "counts 1 bytes");
	damage(&bucket->revision, UINT64_MAX, "impossible revision");
	damage(&bucket->revision, 1, "impossible revision");
	damage(&sh->buckets.count, 7, "counts 7 entries");
	e = a_segment(SEGMENT_HOT);
	damage(&e->dead, word_peek(&e->dead) + 8, "dead of");
	damage(&e->live, 1, "a put among tombstones");
	e = a_segment(SEGMENT_LINES);
	damage(&e->live, word_peek(&e->live) + 1, "units in use");
	e = a_segment(SEGMENT_INDEX);
	damage(&e->live, word_peek(&e->live) + 1, "units in use");
}

Test(audit, in_slices_finds_wrong_sums_of_what_fits_a_piece)
{
	struct bucket_stat st;
	struct bucket *few;
	struct pair p = { support_bytes("k"), support_bytes("v"), 0 };
	struct segment *e;

	set_up();
	cr_assert_eq(bucket_create(a, support_bytes("few")), SHM_OK);
	cr_assert_eq(pair_put(a, support_bytes("few"), &p, NULL), SHM_OK);
	cr_assert_eq(bucket_stat(a, support_bytes("few"), &st), SHM_OK);
	few = arena_at(a, st.id);
	damage_seen(&few->table.count, 9, "counts 9 ", "counts 9 entries");
	damage_seen(&few->bytes, 9, "counts 9 bytes", "counts 9 bytes");
	damage_seen(&few->revision, UINT64_MAX, "impossible revision",
	    "impossible revision");
	e = a_segment(SEGMENT_LINES);
	damage_seen(&e->live, word_peek(&e->live) + 1, "units in use",
	    "leaks");
}

Test(audit, finds_words_that_a_death_would_leave)
{
	struct segment *e;

	set_up();
	damage_seen(&sh->version, word_peek(&sh->version) | 1, "left odd",
	    "left odd");
	damage_seen(&sh->batch_end, 8, "a batch is left", "a batch is left");
	damage_seen(&sh->intent.state, INTENT_COMMITTED, "an intent is left",
	    "an intent is left");
	damage_seen(&sh->poisoned, 1, "called lost", "called lost");
	damage_seen(&first_line()->version, 1, "line 0 is left odd",
	    "line 0 is left odd");
	e = a_segment(SEGMENT_FREE);
	damage_seen(&e->state, segment_state(1, 0, SEGMENT_TAKEN),
	    "taken and lost", "taken and lost");
	damage_seen(&e->state, segment_state(1, 0, SEGMENT_RELEASED),
	    "taken and lost", "taken and lost");
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
	damage_seen(&line->slots[0], 0, "has a hole", "has a hole");
	damage_seen(&line->slots[0], slot ^ UINT64_C(1) << 50, "wrong line",
	    "wrong line");
	damage_seen(&line->slots[0], (slot & ~LINE_OFF_MASK) | 8,
	    "leads to no record", "leads to no record");
	damage_seen(&line->slots[0], word_peek(&other->slots[0]),
	    "wrong line", "wrong line");
	damage_seen(&line->slots[0], word_peek(&line->slots[1]),
	    "has a key twice", "has a key twice");
	damage_seen(&bucket->mark, BUCKET_DROPPED, "has no mark",
	    "has no mark");
	damage_seen(&bucket->record, 8, "another's creation",
	    "another's creation");
}

static struct line *
line_with_more(void)
{
	uint64_t i, n = table_lines(word_peek(&bucket->table.shape));
	struct line *line;

	for (i = 0; i < n; i++) {
		line = table_line(a, word_peek(&bucket->table.root), i);
		if (slot_is_link(word_peek(&line->slots[LINE_SLOTS - 1])))
			return line;
	}
	cr_assert_fail("no line overflows");
	return NULL;
}

Test(audit, finds_chains_that_lead_elsewhere_or_have_no_end)
{
	struct line *line, *other;
	uint64_t number = 0;
	word *last;

	set_up();
	line = line_with_more();
	other = well_filled_line(&number);
	if (other == line) {
		number++;
		other = well_filled_line(&number);
	}
	last = &line->slots[LINE_SLOTS - 1];
	damage_seen(last, LINE_LINK << 48 | arena_off_of(a, other),
	    "used twice", "wrong line");
	damage_seen(last, LINE_LINK << 48 | 64, "impossible offset",
	    "impossible offset");
	damage_seen(last, LINE_LINK << 48 | arena_segment_base(a,
	    a_number(SEGMENT_HOT) - 1), "foreign segment",
	    "foreign segment");
	line = arena_at(a, slot_off(word_peek(last)));
	damage_seen(&line->version, 1, "left odd", "left odd");
	damage_seen(&line->slots[0], 0, "", "");
	damage_seen(&line->slots[1], 0, "", "");
}

Test(audit, finds_tables_of_an_impossible_shape)
{
	uint64_t root, shape;

	set_up();
	root = word_peek(&bucket->table.root);
	shape = word_peek(&bucket->table.shape);
	damage_seen(&bucket->table.root, root + 1, "impossible depth",
	    "impossible depth");
	damage_seen(&bucket->table.root, root | ROOT_DEPTH_MASK,
	    "impossible depth", "impossible depth");
	damage_seen(&bucket->table.root, root % 8, "impossible offset",
	    "cannot be found");
	damage_seen(&bucket->table.shape, shape & ~SHAPE_LINES_MASK,
	    "has a root", "has a root");
	damage_seen(&bucket->table.shape, shape + 20000, "impossible size",
	    "impossible size");
	/* One line alone may have no keys. */
	damage(&bucket->table.shape, shape - 8, "");
}

Test(audit, finds_units_that_leak_or_are_used_twice)
{
	struct segment *e;

	set_up();
	e = a_segment(SEGMENT_LINES);
	damage_seen(&e->used, word_peek(&e->used) + 64, "leaks", "leaks");
	damage_seen(&e->used, word_peek(&e->used) + 1, "impossible",
	    "impossible");
	damage_seen(&e->used, UINT64_MAX - 63, "impossible", "impossible");
	damage(&e->free_head, arena_off_of(a, bucket), "bad free unit");
	damage_seen(&e->free_head, 8, "bad free unit", "bad free unit");
	damage(&sh->graveyard, arena_off_of(a, bucket), "used twice");
	damage_seen(&sh->graveyard, arena_off_of(a, bucket), "used twice",
	    "dropped bucket");
}

/* An old record may lead there. */
Test(audit, finds_a_free_unit_that_looks_like_a_bucket)
{
	struct bucket *unit;

	set_up();
	support_clean(a);
	unit = arena_at(a, word_peek(&a_segment(SEGMENT_LINES)->free_head));
	cr_assert_neq((uint8_t *)unit, a->base, "there is no free unit");
	word_store(&unit->table.shape, 1);
	damage_seen(&unit->mark, BUCKET_LIVE, "is a bucket", "is a bucket");
	word_store(&unit->table.shape, 0);
	word_store(&unit->table.root, 0);
	word_store(&unit->mark, BUCKET_LIVE);
	expect_sound();
}

Test(audit, finds_a_ring_of_dropped_buckets)
{
	const char *names[] = { "x", "y", "z" };
	struct bucket *last;
	unsigned i;

	set_up();
	for (i = 0; i < 3; i++) {
		cr_assert_eq(bucket_create(a, support_bytes(names[i])),
		    SHM_OK);
		cr_assert_eq(bucket_drop(a, support_bytes(names[i])),
		    SHM_OK);
	}
	last = arena_at(a, word_peek(&sh->graveyard));
	damage_seen(&last->link, word_peek(&sh->graveyard), "used twice",
	    "are a ring");
	last = arena_at(a, word_peek(&last->link));
	damage_seen(&last->link, word_peek(&sh->graveyard), "used twice",
	    "are a ring");
}

Test(audit, finds_lists_and_heads_that_name_other_segments)
{
	uint64_t lines, raw;

	set_up();
	raw = a_number(SEGMENT_RAW);
	lines = a_number(SEGMENT_LINES);
	damage_seen(&a_segment(SEGMENT_INDEX)->prev, 9, "broken list",
	    "broken list");
	damage_seen(&sh->partial[SLAB_LINE], 0, "on the list", "on the list");
	damage_seen(&sh->partial[SLAB_PAGE], lines, "list of others",
	    "list of others");
	damage_seen(&sh->partial[SLAB_PAGE], UINT64_MAX, "on the list",
	    "on the list");
	damage_seen(&sh->hot_segment, lines, "", "");
	damage_seen(&sh->cold_segment, raw, "cold head", "cold head");
	damage_seen(&sh->hot_segment, UINT64_MAX, "", "");
	damage_seen(&sh->hot_pos, word_peek(&sh->hot_pos) + 4, "", "");
	damage_seen(&a_segment(SEGMENT_HOT)->next, UINT64_MAX,
	    "impossible successor", "impossible successor");
}

Test(audit, finds_a_shard_that_miscounts_its_keys)
{
	set_up();
	/* Slices cannot tell: the sum is one of all buckets at a moment. */
	damage(&sh->keys, word_peek(&sh->keys) + 1, "it counts");
	damage(&sh->keys, UINT64_MAX, "it counts");
}

Test(audit, finds_a_log_that_is_torn_or_out_of_order)
{
	struct segment *e;

	set_up();
	e = a_segment(SEGMENT_HOT);
	damage_seen(&e->first_lsn, 7, "out of order", "out of order");
	damage_seen(&e->used, word_peek(&e->used) - 8, "", "");
	damage_seen(&e->used, UINT64_MAX, "used beyond", "used beyond");
	damage_seen(&e->used, word_peek(&e->used) & ~SEGMENT_SEALED,
	    "not sealed", "not sealed");
	damage_seen(&e->dead, UINT64_MAX, "more dead bytes",
	    "more dead bytes");
	damage_seen(&sh->lsn, word_peek(&sh->lsn) - 1, "of the future", "");
	damage_seen(&sh->lsn, word_peek(&sh->lsn) + 1, "before or behind",
	    "before or behind");
	damage_seen(&e->state, segment_as(word_peek(&e->state),
	    SEGMENT_COLD), "a tombstone was moved", "a tombstone was moved");
}

Test(audit, finds_what_is_wrong_with_the_pool)
{
	struct superblock *sb;
	struct segment *e;
	uint64_t end;

	set_up();
	sb = (struct superblock *)a->base;
	e = a_segment(SEGMENT_FREE);
	damage_seen(&e->state, segment_state(1, 1, SEGMENT_LINES),
	    "of shard 1, which is not there", "of shard 1");
	damage_seen(&e->state, segment_state(1, 9, SEGMENT_FREE),
	    "of shard 9", "of shard 9");
	damage_seen(&e->state, segment_state(1, 0, SEGMENT_KINDS),
	    "impossible state", "impossible state");
	damage_seen(&e->state, segment_state(1, 0, 200), "impossible state",
	    "impossible state");
	damage_seen(&e->state, 0, "later ones are not", "later ones are not");
	e = a_segment(SEGMENT_RAW);
	damage_seen(&e->state, segment_state(1, 0, SEGMENT_RAW), "was used",
	    "was used");
	damage_seen(&e->state, segment_state(0, 0, SEGMENT_FREE),
	    "not backed", "not backed");
	end = word_peek(&a->pool->backed_end);
	damage_seen(&a->pool->backed_end, end + 8, "impossible place",
	    "impossible place");
	damage_seen(&a->pool->backed_end, UINT64_MAX, "impossible place",
	    "impossible place");
	damage_seen(&a->cleaning->victim, a->segments + 1, "cleaning segment",
	    "cleaning segment");
	damage_seen(&a->cleaning->offset, a->segment_bytes + 8,
	    "cleaning behind", "cleaning behind");
	damage_seen(&sb->magic, 0, "superblock", "superblock");
	damage_seen((word *)&sb->hash_seed[1], 0, "superblock", "superblock");
}

Test(audit, in_slices_counts_what_it_counts_as_a_whole)
{
	struct audit_report whole, sliced;

	set_up();
	run(AUDIT_WHOLE, &whole);
	run(SLICES, &sliced);
	cr_assert_eq(whole.shards_whole, 1);
	cr_assert_eq(sliced.shards_sliced, 1);
	cr_assert_eq(sliced.shards, whole.shards);
	cr_assert_eq(sliced.segments, whole.segments);
	cr_assert_eq(sliced.segments_free, whole.segments_free);
	cr_assert_eq(sliced.segments_raw, whole.segments_raw);
	cr_assert_eq(sliced.segments + sliced.segments_free +
	    sliced.segments_raw, a->segments);
	cr_assert_eq(sliced.buckets, whole.buckets);
	cr_assert_eq(sliced.dropped, whole.dropped);
	cr_assert_eq(sliced.lines, whole.lines);
	cr_assert_eq(sliced.records, whole.records);
	cr_assert_eq(sliced.log_records, whole.log_records);
	cr_assert_eq(sliced.live_bytes, whole.live_bytes);
	cr_assert_eq(sliced.dead_bytes, whole.dead_bytes);
	cr_assert_eq(whole.records, 2501);
	cr_assert_eq(whole.dropped, 1);
}

Test(audit, in_pieces_checks_a_small_shard_whole)
{
	struct audit_report r;

	set_up();
	run(AUDIT_PIECE, &r);
	cr_assert_eq(r.shards_whole, 1);
	cr_assert_eq(r.shards_sliced, 0);
}

Test(audit, may_be_given_up_half_way)
{
	struct audit *au;

	set_up();
	au = audit_open(a, SLICES);
	cr_assert_not_null(au);
	cr_assert(audit_step(au));
	cr_assert(audit_step(au));
	audit_close(au);
	audit_close(NULL);
	support_audit(a);
}

static void
die_holding_it(void)
{
	struct held h;

	_exit(lock_shard(a, 0, &h) == LOCK_OK ? 0 : 1);
}

Test(audit, repairs_what_a_death_has_left_and_says_so)
{
	struct audit_report r;
	pid_t pid;
	int status;

	set_up();
	if ((pid = support_fork()) == 0)
		die_holding_it();
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	run(SLICES, &r);
	cr_assert_eq(r.errors, 0, "%s", r.first_error);
	cr_assert_eq(r.shards_repaired, 1);
}

Test(audit, tells_of_a_shard_that_is_beyond_repair)
{
	struct audit_report r;
	pid_t pid;

	set_up();
	if ((pid = support_fork()) == 0) {
		word_store(&sh->intent.npairs, INTENT_PAIRS + 1);
		word_store(&sh->intent.state, INTENT_COMMITTED);
		die_holding_it();
	}
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	run(SLICES, &r);
	cr_assert_eq(r.errors, 1);
	cr_assert_eq(r.shards_lost, 1);
	cr_assert_str_eq(r.first_error, "shard 0: the lock is poisoned");
}

/* Nobody would ever get such a lock, or everybody. */
Test(audit, takes_no_lock_that_is_none)
{
	struct audit_report r;
	pthread_mutex_t was;

	set_up();
	was = sh->lock;
	memset(&sh->lock, 0xff, sizeof(sh->lock));
	run(AUDIT_WHOLE, &r);
	sh->lock = was;
	cr_assert_eq(r.errors, 1);
	cr_assert_eq(r.shards_lost, 1);
	cr_assert_str_eq(r.first_error, "shard 0: the lock is none of ours");
	expect_sound();
}

/* One of several processes that change everything there is to change. */
static void
live(uint64_t rng)
{
	struct clean_state state = { .shard = 0 };
	struct clean_work work = { .segments_freed = 0 };
	char key[24], bucket_name[8];
	struct pair pair = { { key, 0 }, { key, 0 }, 0 };
	unsigned r;

	for (;;) {
		r = (unsigned)(support_random(&rng) >> 33);
		snprintf(bucket_name, sizeof(bucket_name), "b%u", r % 7);
		snprintf(key, sizeof(key), "key %u", r / 8 % 3000);
		pair.key.len = strlen(key);
		pair.value.len = r % sizeof(key);
		(void)bucket_create(a, support_bytes(bucket_name));
		(void)pair_put(a, support_bytes(bucket_name), &pair, NULL);
		if (r % 3 == 0)
			(void)pair_delete(a, name, pair.key);
		else
			(void)pair_put(a, name, &pair, NULL);
		if (r % 500 == 0)
			(void)bucket_drop(a, support_bytes(bucket_name));
		if (r % 16 == 0)
			(void)clean_step(a, &state, &work, 0);
	}
}

/* Tables split and merge, segments come and go, and nothing is wrong. */
Test(audit, finds_nothing_wrong_while_others_change_everything)
{
	static const uint64_t pieces[] = { 16, SLICES, 1000, AUDIT_PIECE,
		AUDIT_WHOLE };
	enum { OTHERS = 2, ROUNDS = 100 };
	struct audit_report r;
	pid_t pids[OTHERS];
	uint64_t records = 0;
	unsigned i;

	set_up();
	for (i = 0; i < OTHERS; i++)
		if ((pids[i] = support_fork()) == 0)
			live(i + 1);
	for (i = 0; i < ROUNDS; i++) {
		run(pieces[i % 5], &r);
		cr_assert_eq(r.errors, 0, "pieces of %lu: %s", pieces[i % 5],
		    r.first_error);
		records += r.records;
	}
	cr_assert_gt(records, 0);
	for (i = 0; i < OTHERS; i++) {
		kill(pids[i], SIGKILL);
		cr_assert_eq(waitpid(pids[i], NULL, 0), pids[i]);
	}
	run(AUDIT_WHOLE, &r);
	cr_assert_eq(r.errors, 0, "%s", r.first_error);
}

/* Words at random, anywhere but in the locks. */
static word *
any_word(uint64_t *rng)
{
	uint64_t first, last, off;

	switch (support_random(rng) % 4) {
	case 3:		/* superblock, pool and what is cleaned */
		first = 0;
		last = arena_off_of(a, &a->cleaning->lock);
		break;
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
		run(SLICES, &r);
		while (k-- > 0)
			word_store(at[k], was[k]);
	}
	cr_assert_gt(found, ROUNDS / 2);
	expect_sound();
}
