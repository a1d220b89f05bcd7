/*
 * A run of changes: sets, and edits of what is there.  Alone each of them takes
 * the lock, sees to it that there is room everywhere, and changes eight words,
 * five of which the next one changes again: the bytes and the revision of its
 * bucket, the dead bytes of a segment, the head of the log and the revision of
 * the shard.  Here they are in one intent, and what it takes to get there is
 * paid for once.
 *
 * Nothing is reserved, for that would be an intent before the end of this one.
 * Instead it is looked whether there is enough, before a step changes
 * anything; if not the run ends, and whoever does the next step alone sees to
 * it.
 */

#include "shm/pair_run.h"

#include "shm/ahead.h"
#include "shm/chain.h"
#include "shm/clock.h"
#include "shm/hash.h"
#include "shm/intent.h"
#include "shm/log.h"
#include "shm/pace.h"
#include "shm/pair_locked.h"
#include "shm/pair_run_parts.h"
#include "shm/segment.h"
#include "shm/sound.h"
#include "shm/word.h"

/*
 * At most: slot or link, a new line and what it changes where it is carved
 * from, the bucket, the segments of both records.
 */
#define STEP_WORDS	(1 + LINE_SLOTS + 6 + 3 + 3)

_Static_assert(PAIR_RUN_MAX <= INTENT_GUARDS, "a guard for each step");
_Static_assert(3 + STEP_WORDS * PAIR_RUN_MAX <= INTENT_PAIRS,
    "a run fits an intent");

static bool
is_expired(struct run *run, uint64_t expires_ms)
{
	if (expires_ms == 0)
		return false;
	if (run->now_ms == 0)
		run->now_ms = clock_wall_ms();
	return expires_ms <= run->now_ms;
}

/* Of the first bucket no word is in the intent. */
static uint64_t
ask(const struct run *run, const word *w)
{
	return run->entered == 1 ? word_peek(w) : intent_get(&run->h, w);
}

static inline void
say(struct run *run, word *w, uint64_t value)
{
	if (run->entered == 1)
		intent_add(&run->h, w, value);
	else
		intent_set(&run->h, w, value);
}

/* Into the intent: the bucket of the steps up to now. */
static void
leave_bucket(struct run *run)
{
	struct bucket *b = run->bucket;

	if (run->added > 0)
		say(run, &b->table.count, run->count);
	say(run, &b->bytes, run->bytes);
	say(run, &b->revision, run->lsn);
}

static void
enter_bucket(struct run *run, struct bucket *b)
{
	if (run->bucket == b)
		return;
	if (run->bucket != NULL)
		leave_bucket(run);
	run->bucket = b;
	run->entered++;
	run->count = ask(run, &b->table.count);
	run->bytes = ask(run, &b->bytes);
}

static void
kill_old(struct run *run, const struct run_found *f)
{
	unsigned i;

	for (i = 0; i < run->ndying; i++)
		if (run->dying[i].segment == f->segment)
			break;
	if (i == run->ndying)
		run->dying[run->ndying++] = (struct run_dying){
			f->segment, word_peek(&f->segment->dead)
		};
	run->dying[i].dead += f->size;
}

static void
replace(struct run *run, const struct run_aim *aim, const struct run_found *f)
{
	uint64_t slot = slot_make(aim->hash, run->at);

	if (f->shared)
		intent_set(&run->h, f->slot, slot);
	else
		intent_add(&run->h, f->slot, slot);
	kill_old(run, f);
	run->bytes -= f->bytes;
}

static void
insert(struct run *run, struct run_aim *aim)
{
	aim->is_added = true;
	chain_append(&run->h, aim->home, slot_make(aim->hash, run->at));
	run->added++;
	run->count++;
}

/* Does nothing speak against it that the key was not there? */
static bool
may_make(struct run *run, const struct pair_step *step,
    const struct run_aim *aim, const struct run_found *f)
{
	if (step->edit != NULL)
		return false;
	return !step->replace || (!f->there && step->bucket.len == 0 &&
	    !pair_is_name(&run->h, step->bucket, step->pair.key, aim->hash) &&
	    !run->h.broken);
}

/* Is there what it takes to change this? */
static bool
can_change(struct run *run, const struct run_aim *aim,
    const struct run_found *f)
{
	if (f->there)
		return sound_log(&run->h, f->segment);
	return index_has_room(&run->h, &aim->bucket->table, run->added + 1);
}

static void
change(struct run *run, struct run_aim *aim, struct record_view *r,
    const struct run_found *f)
{
	enter_bucket(run, aim->bucket);
	r->lsn = run->lsn + 1;
	record_write(run->h.a, run->at, r);
	if (!f->shared) {
		intent_guard_new(&run->h, &aim->home->version);
		run->seen |= run_bit_of(aim->home);
	}
	if (f->there)
		replace(run, aim, f);
	else
		insert(run, aim);
	if (r->expires_ms != 0)
		log_await(&run->h, run->at, r->expires_ms, false);
	run->bytes += r->key.len + r->value.len;
	run->at += r->size;
	run->lsn++;
}

/* What is found is copied nowhere that is smaller than any value. */
static bool
decide(const struct run *run, struct pair_step *step,
    const struct run_found *f, unsigned *why)
{
	const struct pair_old old = { true, f->value, f->expires_ms };
	struct pair_new new = { .why = 0 };

	if (f->value.len > run->h.a->value_max_bytes ||
	    step->edit->decide(step->edit->arg, &old, &new) != PAIR_PUT ||
	    new.value.len > step->pair.value.len)
		return false;
	step->pair.value = new.value;
	step->pair.expires_ms = new.expires_ms;
	*why = new.why;
	return true;
}

/* False if the run ends before it. */
static bool
do_step(struct run *run, size_t i)
{
	struct pair_step *step = &run->steps[i];
	struct run_aim *aim = &run->aims[i];
	struct record_view r;
	struct run_found f;
	unsigned why = 0;

	word_store(run->in_hand, step->fingerprint);
	if (!pair_run_find(run, i, &f))
		return false;
	step->is_new = !f.there || is_expired(run, f.expires_ms);
	if ((step->is_new && !may_make(run, step, aim, &f)) ||
	    !can_change(run, aim, &f) ||
	    (step->edit != NULL && !decide(run, step, &f, &why)))
		return false;
	if (step->edit != NULL)
		aim->size = pair_put_size(&step->pair);
	r = pair_put_sized(run->h.a, aim->bucket, &step->pair, aim->size);
	r.flags |= why << RECORD_WHY_SHIFT;
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

	for (i = 0; run->added > 0 && i < run->n; i++)
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
	run->added = run->ndying = run->entered = 0;
	run->bucket = NULL;
	pair_run_aim(run);
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
	const struct pair_step *step = run->steps;
	const struct bytes *key;
	size_t i;

	if (n > PAIR_RUN_MAX)
		n = PAIR_RUN_MAX;
	for (i = 0; i < n; i++, step++) {
		key = &step->pair.key;
		if (pair_check_sizes(a, key->len, step->pair.value.len) !=
		    SHM_OK)
			break;
		run->aims[i].hash = step->ahead != NULL ? step->ahead->hash :
		    hash_keyed(a->hash_seed, key->data, key->len);
		run->aims[i].size = record_size(key->len,
		    step->pair.value.len, step->pair.expires_ms != 0 ||
		    step->edit != NULL);
		run->aims[i].is_added = false;
	}
	run->n = i;
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
