/*
 * What a death leaves, made by hand: the lock of a shard held by a process
 * that is gone, at each of the places where that matters.  (Killing at every
 * instruction is another test's business.)
 */

#include <criterion/criterion.h>

#include <linux/futex.h>
#include <sys/wait.h>

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shm/batch.h"
#include "shm/bucket.h"
#include "shm/bucket_locked.h"
#include "shm/clean.h"
#include "shm/index.h"
#include "shm/intent.h"
#include "shm/log.h"
#include "shm/pair.h"
#include "shm/segment.h"
#include "shm/word.h"
#include "support.h"

TestSuite(repair, .fini = support_fini);
TestSuite(lock, .fini = support_fini);

static struct arena *a;
static const struct bytes name = { "b", 1 };

static void
set_up(void)
{
	a = support_arena(UINT64_C(8) << 20, 1, 64 * 1024);
	cr_assert_eq(bucket_create(a, name), SHM_OK);
}

/* Run a piece of work under the lock in a child that dies holding it. */
static void
die_holding(void (*work)(struct held *))
{
	struct held h;
	pid_t pid;
	int status;

	if ((pid = support_fork()) == 0) {
		if (lock_shard(a, 0, &h) != LOCK_OK)
			_exit(1);
		work(&h);
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
}

static enum shm_status
get(const char *key, char *buf, size_t cap)
{
	size_t len = 0;
	enum shm_status s = pair_get(a, name, support_bytes(key), buf,
	    cap - 1, &len, NULL);

	buf[len] = '\0';
	return s;
}

static void
do_nothing(struct held *h)
{
	(void)h;
}

Test(lock, of_a_dead_owner_is_handed_on_once)
{
	struct held h;

	set_up();
	die_holding(do_nothing);
	cr_assert_eq(lock_shard(a, 0, &h), LOCK_RECOVERED);
	lock_release(&h);
	cr_assert_eq(lock_shard(a, 0, &h), LOCK_OK);
	lock_release(&h);
}

/* The owner is there until somebody has done what it waits for. */
static void
die_when(bool (*has_come)(void))
{
	struct held h;
	int ready[2];
	char byte = 0;

	cr_assert_eq(pipe(ready), 0);
	if (support_fork() == 0) {
		if (lock_shard(a, 0, &h) != LOCK_OK ||
		    write(ready[1], &byte, 1) != 1)
			_exit(1);
		while (!has_come())
			sched_yield();
		_exit(0);
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
}

static bool
somebody_sleeps_for_it(void)
{
	return (__atomic_load_n(&a->shards[0].lock.__data.__lock,
	    __ATOMIC_RELAXED) & (int)FUTEX_WAITERS) != 0;
}

static bool
somebody_looks_at_it(void)
{
	return word_load(&a->shards[0].durable) != 0;
}

Test(lock, of_an_owner_that_dies_wakes_who_sleeps_for_it)
{
	struct held h;

	set_up();
	die_when(somebody_sleeps_for_it);
	cr_assert_eq(lock_shard(a, 0, &h), LOCK_RECOVERED);
	lock_release(&h);
}

Test(lock, of_an_owner_that_dies_is_had_by_who_looks_at_it)
{
	struct held h;

	set_up();
	a->lock_spins = UINT_MAX;
	die_when(somebody_looks_at_it);
	word_store(&a->shards[0].durable, 1);
	cr_assert_eq(lock_shard(a, 0, &h), LOCK_RECOVERED);
	lock_release(&h);
}

Test(lock, works_on_this_system)
{
	cr_assert_eq(lock_probe(), 1);
}

static struct record_view
new_record(struct held *h, struct index_place *place)
{
	struct record_view r = {
		.op = RECORD_PUT,
		.bucket = arena_off_of(a, bucket_find(h, name, place)),
		.key = support_bytes("k"), .value = support_bytes("v")
	};

	r.size = record_size(1, 1, false);
	return r;
}

/* Everything of a put up to the point of no return. */
static void
prepare_put(struct held *h)
{
	struct index_place place;
	struct record_view r = new_record(h, &place);
	struct bucket *b = bucket_find(h, name, &place);
	struct index_key key;
	arena_off off;

	if (log_room(h, r.size, SEGMENT_FOR_PUT) != SHM_OK ||
	    index_reserve(h, &b->table, 1) != SHM_OK)
		_exit(2);
	off = log_write(h, &r);
	index_key_init(a, &key, RECORD_PUT, r.bucket, r.key);
	(void)index_find(h, &b->table, &key, &place);
	index_insert(h, &b->table, &place, key.hash, off);
	intent_add(h, &h->sh->keys, word_peek(&h->sh->keys) + 1);
	intent_add(h, &b->bytes, 2);
	intent_add(h, &b->revision, r.lsn);
	log_advance(h, &r);
	word_store(&h->sh->intent.npairs, h->npairs);
	word_store(&h->sh->intent.nguards, h->nguards);
}

static void
commit_put(struct held *h)
{
	prepare_put(h);
	word_store(&h->sh->intent.state, INTENT_COMMITTED);
}

/* ... and applied to the middle, with the line's version left odd. */
static void
half_apply_put(struct held *h)
{
	struct intent *in = &h->sh->intent;
	unsigned i;

	commit_put(h);
	for (i = 0; i < h->nguards; i++)
		word_store(arena_at(a, word_peek(&in->guards[i].off)),
		    word_peek(&in->guards[i].value) - 1);
	for (i = 0; i < h->npairs / 2; i++)
		word_store(arena_at(a, word_peek(&in->pairs[i].off)),
		    word_peek(&in->pairs[i].value));
}

Test(repair, forgets_a_put_that_was_not_committed)
{
	char buf[8];

	set_up();
	die_holding(prepare_put);
	support_audit(a);
	cr_assert_eq(get("k", buf, sizeof(buf)), SHM_NO_KEY);
}

Test(repair, finishes_a_put_that_was_committed)
{
	char buf[8];

	set_up();
	die_holding(commit_put);
	support_audit(a);
	cr_assert_eq(get("k", buf, sizeof(buf)), SHM_OK);
	cr_assert_str_eq(buf, "v");
}

Test(repair, is_made_by_a_reader_that_waits_for_an_odd_line)
{
	char buf[8];

	set_up();
	die_holding(half_apply_put);
	cr_assert_eq(get("k", buf, sizeof(buf)), SHM_OK);
	cr_assert_str_eq(buf, "v");
	support_audit(a);
}

static void
take_segments(struct held *h)
{
	uint64_t i;

	if (segment_take(h, SEGMENT_FOR_CLEANING, &i) != SHM_OK)
		_exit(3);
	if (segment_take(h, SEGMENT_FOR_CLEANING, &i) != SHM_OK)
		_exit(3);
	word_store(&a->table[i].state,
	    segment_as(word_peek(&a->table[i].state), SEGMENT_RELEASED));
}

Test(repair, gives_back_segments_that_were_taken_or_not_yet_freed)
{
	uint64_t before;

	set_up();
	before = segment_count_free(a);
	die_holding(take_segments);
	cr_assert_eq(segment_count_free(a), before - 2);
	cr_assert_eq(clean_repair_all(a), 1);
	cr_assert_eq(segment_count_free(a), before);
	support_audit(a);
}

enum { BATCH = 50 };

/* A batch that was committed, with only some of its records published. */
static void
half_a_batch(struct held *h)
{
	struct index_place place;
	struct record_view r = new_record(h, &place);
	struct bucket *b = bucket_find(h, name, &place);
	uint64_t lsn = word_peek(&h->sh->lsn);
	arena_off at;
	char key[BATCH][8];
	unsigned i;

	if (log_room(h, BATCH * 64, SEGMENT_FOR_PUT) != SHM_OK ||
	    index_reserve(h, &b->table, BATCH) != SHM_OK)
		_exit(4);
	at = word_peek(&h->sh->hot_pos);
	for (i = 0; i < BATCH; i++) {
		snprintf(key[i], sizeof(key[i]), "k%u", i);
		r.key = support_bytes(key[i]);
		r.size = record_size(r.key.len, 1, false);
		r.lsn = ++lsn;
		record_write(a, at, &r);
		at += r.size;
	}
	intent_add(h, &h->sh->version, word_peek(&h->sh->version) | 1);
	intent_add(h, &h->sh->batch_end, at);
	intent_commit(h);
}

Test(repair, finishes_a_batch_that_was_committed)
{
	char buf[8], key[8];
	unsigned i;

	set_up();
	die_holding(half_a_batch);
	for (i = 0; i < BATCH; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		cr_assert_eq(get(key, buf, sizeof(buf)), SHM_OK, "%s", key);
	}
	support_audit(a);
}

static void
write_nonsense(struct held *h)
{
	word_store(&h->sh->intent.pairs[0].off, UINT64_MAX - 7);
	word_store(&h->sh->intent.npairs, 1);
	word_store(&h->sh->intent.nguards, 0);
	word_store(&h->sh->intent.state, INTENT_COMMITTED);
}

static void
write_too_much(struct held *h)
{
	word_store(&h->sh->intent.npairs, INTENT_PAIRS + 1);
	word_store(&h->sh->intent.state, INTENT_COMMITTED);
}

Test(repair, gives_up_one_shard_and_says_so_when_its_intent_is_nonsense)
{
	struct pair p = { support_bytes("k"), support_bytes("v"), 0 };
	struct held h;

	set_up();
	die_holding(write_nonsense);
	cr_assert_eq(lock_shard(a, 0, &h), LOCK_POISONED);
	cr_assert_eq(lock_shard(a, 0, &h), LOCK_POISONED);
	cr_assert_eq(pair_put(a, name, &p, NULL), SHM_DAMAGED);
	cr_assert_eq(pair_put_many(a, name, &p, 1), SHM_DAMAGED);
	cr_assert_eq(pair_delete(a, name, p.key), SHM_DAMAGED);
	cr_assert_eq(bucket_create(a, name), SHM_DAMAGED);
	cr_assert_eq(bucket_drop(a, name), SHM_DAMAGED);
	cr_assert_eq(clean_repair_all(a), 0);
}

Test(repair, of_a_lost_shard_does_not_keep_the_others_from_being_cleaned)
{
	char lost[16], well[16], value[400];
	struct pair p = { support_bytes("k"), { value, sizeof(value) }, 0 };
	unsigned i;

	a = support_arena(UINT64_C(4) << 20, 2, 64 * 1024);
	memset(value, 'v', sizeof(value));
	cr_assert_eq(bucket_create(a, support_name_in(a, 0, lost)), SHM_OK);
	cr_assert_eq(bucket_create(a, support_name_in(a, 1, well)), SHM_OK);
	for (i = 0; i < 1000; i++)	/* garbage that nobody can clean */
		cr_assert_eq(pair_put(a, support_bytes(lost), &p, NULL),
		    SHM_OK);
	die_holding(write_nonsense);
	cr_assert_eq(pair_put(a, support_bytes(lost), &p, NULL),
	    SHM_DAMAGED);
	for (i = 0; i < 50000; i++)
		cr_assert_eq(pair_put(a, support_bytes(well), &p, NULL),
		    SHM_OK, "put %u", i);
}

static arena_off wild;		/* where an intent goes */

static void
change_a_wild_word(struct held *h)
{
	word_store(&h->sh->intent.pairs[0].off, wild);
	word_store(&h->sh->intent.npairs, 1);
	word_store(&h->sh->intent.nguards, 0);
	word_store(&h->sh->intent.state, INTENT_COMMITTED);
}

/* What others rely on is not for the dead of this shard to change. */
Test(repair, gives_up_an_intent_that_would_change_what_is_not_the_shard_s)
{
	struct held h;
	arena_off all[5];
	unsigned i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		a = support_arena(UINT64_C(8) << 20, 2, 64 * 1024);
		all[0] = arena_off_of(a, &a->shards[1].lsn);
		all[1] = arena_off_of(a, &a->shards[0].lock);
		all[2] = arena_off_of(a, &a->table[a->segments - 1].state);
		all[3] = arena_off_of(a, &a->pool->backed_end);
		all[4] = arena_off_of(a, &a->shards[0].lsn) + 4;
		wild = all[i];
		die_holding(change_a_wild_word);
		cr_assert_eq(lock_shard(a, 0, &h), LOCK_POISONED, "%u", i);
		support_fini();
	}
}

static void
guard_oddly(struct held *h)
{
	word_store(&h->sh->intent.guards[0].off, wild);
	word_store(&h->sh->intent.guards[0].value, 7);
	word_store(&h->sh->intent.npairs, 0);
	word_store(&h->sh->intent.nguards, 1);
	word_store(&h->sh->intent.state, INTENT_COMMITTED);
}

Test(repair, gives_up_an_intent_that_would_leave_a_version_odd)
{
	struct held h;

	set_up();
	wild = arena_off_of(a, &a->shards[0].version);
	die_holding(guard_oddly);
	cr_assert_eq(lock_shard(a, 0, &h), LOCK_POISONED);
}

/* The batch is all right, but not what its records would go to. */
static void
half_a_batch_for_nothing(struct held *h)
{
	struct index_place place;
	struct bucket *b = bucket_find(h, name, &place);
	uint64_t i;

	half_a_batch(h);
	for (i = 0; i < h->a->segments; i++)
		if (wild == 0 && segment_kind(word_peek(
		    &h->a->table[i].state)) == SEGMENT_LINES)
			word_store(&h->a->table[i].free_head, UINT64_MAX);
	if (wild == 1)
		word_store(&b->mark, 0);
	else if (wild == 2)
		word_store(&b->table.shape, 0);
	else if (wild == 3)
		word_store(&b->table.root, 64);
	else if (wild == 4)
		word_store(&h->sh->partial[SLAB_LINE], UINT64_MAX);
}

Test(repair, gives_up_a_batch_that_leads_nowhere)
{
	struct held h;

	for (wild = 0; wild < 5; wild++) {
		set_up();
		die_holding(half_a_batch_for_nothing);
		cr_assert_eq(lock_shard(a, 0, &h), LOCK_POISONED, "%lu",
		    wild);
		support_fini();
	}
}

Test(repair, gives_up_an_intent_that_is_too_long)
{
	struct held h;

	set_up();
	die_holding(write_too_much);
	cr_assert_eq(lock_shard(a, 0, &h), LOCK_POISONED);
}
