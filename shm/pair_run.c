/*
 * A run of sets.  Alone each of them takes the lock, sees to it that there is
 * room everywhere, and changes eight words, five of which the next one changes
 * again: the bytes and the revision of its bucket, the dead bytes of a segment,
 * the head of the log and the revision of the shard.  Here they are in one
 * intent, and what it takes to get there is paid for once.
 *
 * Nothing is reserved, for that would be an intent before the end of this one.
 * Instead it is looked whether there is enough, before a step changes
 * anything; if not the run ends, and whoever does the next step alone sees to
 * it.
 *
 * What steps change is not there before the commit.  A step that comes to a
 * line which is guarded already, so by another one, looks at it through the
 * intent.
 */

#include "shm/pair_run.h"

#include "shm/bucket_locked.h"
#include "shm/chain.h"
#include "shm/clock.h"
#include "shm/hash.h"
#include "shm/intent.h"
#include "shm/log.h"
#include "shm/pace.h"
#include "shm/pair_locked.h"
#include "shm/segment.h"
#include "shm/short.h"
#include "shm/sound.h"
#include "shm/table.h"
#include "shm/word.h"

/*
 * At most: slot or link, a new line and what it changes where it is carved
 * from, the bucket, the segments of both records.
 */
#define STEP_WORDS	(1 + LINE_SLOTS + 6 + 3 + 3)

_Static_assert(PAIR_RUN_MAX <= INTENT_GUARDS, "a guard for each step");
_Static_assert(3 + STEP_WORDS * PAIR_RUN_MAX <= INTENT_PAIRS,
    "a run fits an intent");

struct aim {			/* where a step goes to */
	struct bucket	*bucket;
	struct line	*home;
	word		*slot;		/* of home, with its tag; or NULL */
	uint64_t	 hash;
	bool		 is_added;
};

struct found {			/* what it finds there */
	bool			 there;
	bool			 shared;	/* with a step before */
	word			*slot;
	struct segment		*segment;	/* of the old record */
	struct record_view	 old;
};

struct dying {			/* a segment of what is replaced */
	struct segment	*segment;
	uint64_t	 dead;
};

struct run {
	struct pair_step	*steps;
	size_t			 n;		/* as far as is known */
	size_t			 least;		/* or nothing is done */
	word			*in_hand;	/* fingerprint, on the board */
	arena_off		 from;		/* of the first record */
	arena_off		 at;		/* of the next record */
	uint64_t		 lsn;		/* of the last one */
	uint64_t		 seen;		/* lines, a bit for some each */
	unsigned		 added;		/* keys */
	struct bucket		*bucket;	/* of the last step */
	uint64_t		 bytes;		/* of it, as they will be */
	uint64_t		 count;
	uint64_t		 now_ms;	/* 0: not looked at yet */
	unsigned		 ndying;
	struct dying		 dying[PAIR_RUN_MAX];
	struct aim		 aims[PAIR_RUN_MAX];
	struct held		 h;
};

/* ------------------------------------------------------- before any change */

static struct bucket *
bucket_of(struct run *run, size_t i)
{
	struct bytes name = run->steps[i].bucket, last;
	struct index_place place;

	if (i > 0) {
		last = run->steps[i - 1].bucket;
		if (last.len == name.len &&
		    short_equal(last.data, name.data, name.len))
			return run->aims[i - 1].bucket;
	}
	return bucket_find(&run->h, name, &place);
}

/* All lines, and then all records, are waited for together. */
static bool
aim_at_line(struct run *run, size_t i)
{
	struct aim *aim = &run->aims[i];
	uint64_t lines;

	if ((aim->bucket = bucket_of(run, i)) == NULL)
		return false;
	lines = table_lines(word_peek(&aim->bucket->table.shape));
	if (lines == 0)
		return false;
	aim->home = table_line(run->h.a, word_peek(&aim->bucket->table.root),
	    table_line_number(lines, aim->hash));
	if (aim->home == NULL)
		return false;
	__builtin_prefetch(aim->home, 1);
	return true;
}

static bool
aim_at_record(struct run *run, size_t i)
{
	struct aim *aim = &run->aims[i];
	uint64_t tag = slot_tag_of(aim->hash), slot = 0;
	unsigned k;

	if (!sound_line(&run->h, aim->home))
		return false;
	for (k = 0; k < LINE_SLOTS; k++) {
		slot = word_peek(&aim->home->slots[k]);
		if (slot_tag(slot) == tag) {
			aim->slot = &aim->home->slots[k];
			break;
		}
	}
	/*
	 * The beginning of a record, or the next line: where the rest of each
	 * was asked for as well, runs were slower.
	 */
	if (aim->slot != NULL || slot_is_link(slot))
		__builtin_prefetch(arena_at(run->h.a, slot_off(slot)));
	return true;
}

static uint64_t
size_of(const struct pair *p)
{
	return record_size(p->key.len, p->value.len, p->expires_ms != 0);
}

/* As many as have a bucket with lines, and room in the log. */
static void
aim_all(struct run *run)
{
	uint64_t left = log_left(&run->h), size;
	size_t i;

	for (i = 0; i < run->n; i++) {
		size = size_of(&run->steps[i].pair);
		if (size > left || !aim_at_line(run, i))
			break;
		left -= size;
	}
	for (run->n = i, i = 0; i < run->n; i++)
		if (!aim_at_record(run, i))
			break;
	run->n = i;
}

/* ----------------------------------------------------------------- finding */

static uint64_t
bit_of(const struct line *line)
{
	return UINT64_C(1) << ((uintptr_t)line / sizeof(*line) & 63);
}

static bool
is_record_of(const struct run *run, const struct index_key *key,
    arena_off off, struct found *f)
{
	const struct arena *a = run->h.a;

	if (!index_key_is_at(a, key, off, &f->old))
		return false;
	f->segment = &a->table[arena_segment_of(a, off)];
	return true;
}

static bool
is_key_at(const struct run *run, const struct index_key *key, uint64_t slot,
    struct found *f)
{
	return slot_tag(slot) == slot_tag_of(key->hash) &&
	    is_record_of(run, key, slot_off(slot), f);
}

/* A slot as it will be, which only a step that shares its line can change. */
static uint64_t
look_at(const struct run *run, const struct found *f, const word *slot)
{
	return f->shared ? intent_get(&run->h, slot) : word_peek(slot);
}

static bool
search(struct run *run, const struct aim *aim, const struct index_key *key,
    struct found *f)
{
	struct line *line = aim->home;
	uint64_t slot = 0;
	unsigned i;

	for (;; line = arena_at(run->h.a, slot_off(slot))) {
		for (i = 0; i < LINE_SLOTS; i++) {
			f->slot = &line->slots[i];
			slot = look_at(run, f, f->slot);
			if (slot == 0)
				return false;
			if (is_key_at(run, key, slot, f))
				return true;
		}
		if (!slot_is_link(slot))
			return false;
	}
}

/*
 * A line has a bit, and so have others: if it is not set no step has come to
 * this one.
 */
static bool
is_shared(const struct run *run, const struct line *home)
{
	return (run->seen & bit_of(home)) != 0 &&
	    intent_guards(&run->h, &home->version);
}

/*
 * Most keys are in the first slot that has their tag, or had it when the run
 * began.  False if the chain is not sound.
 */
static bool
find(struct run *run, const struct aim *aim, const struct index_key *key,
    struct found *f)
{
	f->shared = is_shared(run, aim->home);
	f->slot = aim->slot;
	f->there = aim->slot != NULL && is_key_at(run, key,
	    look_at(run, f, aim->slot), f);
	if (f->there)
		return true;
	if (!sound_chain(&run->h, aim->home))
		return false;
	f->there = search(run, aim, key, f);
	return true;
}

/* ---------------------------------------------------------------- changing */

static bool
is_expired(struct run *run, const struct record_view *old)
{
	if (old->expires_ms != 0 && run->now_ms == 0)
		run->now_ms = clock_wall_ms();
	return record_is_expired(old, run->now_ms);
}

/* Into the intent: the bucket of the steps up to now. */
static void
leave_bucket(struct run *run)
{
	struct bucket *b = run->bucket;

	if (b == NULL)
		return;
	if (run->added > 0)
		intent_set(&run->h, &b->table.count, run->count);
	intent_set(&run->h, &b->bytes, run->bytes);
	intent_set(&run->h, &b->revision, run->lsn);
}

static void
enter_bucket(struct run *run, struct bucket *b)
{
	if (run->bucket == b)
		return;
	leave_bucket(run);
	run->bucket = b;
	run->count = intent_get(&run->h, &b->table.count);
	run->bytes = intent_get(&run->h, &b->bytes);
}

static void
kill_old(struct run *run, const struct found *f)
{
	unsigned i;

	for (i = 0; i < run->ndying; i++)
		if (run->dying[i].segment == f->segment)
			break;
	if (i == run->ndying)
		run->dying[run->ndying++] = (struct dying){
			f->segment, word_peek(&f->segment->dead)
		};
	run->dying[i].dead += f->old.size;
}

static void
replace(struct run *run, const struct aim *aim, const struct found *f)
{
	uint64_t slot = slot_make(aim->hash, run->at);

	if (f->shared)
		intent_set(&run->h, f->slot, slot);
	else
		intent_add(&run->h, f->slot, slot);
	kill_old(run, f);
	run->bytes -= f->old.key.len + f->old.value.len;
}

static void
insert(struct run *run, struct aim *aim)
{
	aim->is_added = true;
	chain_append(&run->h, aim->home, slot_make(aim->hash, run->at));
	run->added++;
	run->count++;
}

/* Is there what it takes to change this? */
static bool
can_change(struct run *run, const struct aim *aim, const struct found *f)
{
	if (f->there)
		return sound_log(&run->h, f->segment);
	return index_has_room(&run->h, &aim->bucket->table, run->added + 1);
}

static void
change(struct run *run, struct aim *aim, struct record_view *r,
    const struct found *f)
{
	enter_bucket(run, aim->bucket);
	r->lsn = run->lsn + 1;
	record_write(run->h.a, run->at, r);
	if (!f->shared) {
		intent_guard_new(&run->h, &aim->home->version);
		run->seen |= bit_of(aim->home);
	}
	if (f->there)
		replace(run, aim, f);
	else
		insert(run, aim);
	log_await(&run->h, run->at, r->expires_ms, false);
	run->bytes += r->key.len + r->value.len;
	run->at += r->size;
	run->lsn++;
}

/* False if the run ends before it. */
static bool
do_step(struct run *run, size_t i)
{
	struct pair_step *step = &run->steps[i];
	struct aim *aim = &run->aims[i];
	struct record_view r = pair_put_view(run->h.a, aim->bucket,
	    &step->pair);
	const struct index_key key = {
		RECORD_PUT, r.bucket, r.key, aim->hash
	};
	struct found f;

	word_store(run->in_hand, step->fingerprint);
	if (!find(run, aim, &key, &f))
		return false;
	step->is_new = !f.there || is_expired(run, &f.old);
	if ((step->is_new && step->replace) || !can_change(run, aim, &f))
		return false;
	change(run, aim, &r, &f);
	step->revision = run->lsn;
	return true;
}

static void
commit(struct run *run)
{
	const struct record_view all = {
		.size = run->at - word_peek(&run->h.sh->hot_pos),
		.lsn = run->lsn
	};
	unsigned i;

	leave_bucket(run);
	for (i = 0; i < run->ndying; i++)
		intent_add(&run->h, &run->dying[i].segment->dead,
		    run->dying[i].dead);
	if (run->added > 0)
		intent_add(&run->h, &run->h.sh->keys,
		    word_peek(&run->h.sh->keys) + run->added);
	log_advance(&run->h, &all);
	intent_commit(&run->h);
}

/* What each new key owes, see index_grow(); false if there is no memory. */
static bool
grow(struct run *run)
{
	bool good = true;
	size_t i;

	for (i = 0; i < run->n; i++)
		if (run->aims[i].is_added && index_grow(&run->h,
		    &run->aims[i].bucket->table) == SHM_FULL)
			good = false;
	return good;
}

/* Under the lock; false if there is no memory to grow. */
static bool
run_locked(struct run *run)
{
	size_t i;

	run->from = run->at = word_peek(&run->h.sh->hot_pos);
	run->lsn = word_peek(&run->h.sh->lsn);
	run->seen = run->now_ms = 0;
	run->added = run->ndying = 0;
	run->bucket = NULL;
	aim_all(run);
	for (i = 0; i < run->n && do_step(run, i); i++)
		;
	run->n = i < run->least ? 0 : i;
	if (run->n > 0)
		commit(run);
	else
		intent_forget(&run->h);
	if (run->h.broken)
		run->n = 0;
	return grow(run);
}

/* Those whose sizes are right, and their hashes. */
static void
begin(struct run *run, const struct arena *a, size_t n)
{
	const struct pair *p;

	for (run->n = 0; run->n < n && run->n < PAIR_RUN_MAX; run->n++) {
		p = &run->steps[run->n].pair;
		if (pair_check_sizes(a, p->key.len, p->value.len) != SHM_OK)
			break;
		run->aims[run->n] = (struct aim){
			.hash = hash_keyed(a->hash_seed, p->key.data,
			    p->key.len)
		};
	}
}

static size_t
set_run(struct arena *a, uint32_t shard, unsigned slot,
    struct pair_step *steps, size_t n, size_t least)
{
	struct run run;
	bool grown;

	run.steps = steps;
	run.least = least;
	run.in_hand = &a->board[slot].fingerprint;
	begin(&run, a, n);
	if (run.n < least || lock_shard(a, shard, &run.h) == LOCK_POISONED)
		return 0;
	grown = run_locked(&run);
	lock_release(&run.h);
	if (!grown)
		segment_back_some(a);
	if (run.n > 0)
		pace_writer(a, shard, run.at - run.from);
	return run.n;
}

size_t
pair_set_run(struct arena *a, uint32_t shard, unsigned slot,
    struct pair_step *steps, size_t n)
{
	return set_run(a, shard, slot, steps, n, 1);
}

bool
pair_set_all(struct arena *a, uint32_t shard, unsigned slot,
    struct pair_step *steps, size_t n)
{
	const uint64_t fingerprint = word_peek(&a->board[slot].fingerprint);
	size_t i;

	for (i = 0; i < n; i++)
		steps[i].fingerprint = fingerprint;
	return set_run(a, shard, slot, steps, n, n) == n;
}
