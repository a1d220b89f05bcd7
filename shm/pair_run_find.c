/*
 * Where the steps of a run go to: the bucket and the line of each, which are
 * found before any of them changes something, and then the pair that is there.
 * All lines, and then all records, are waited for together.
 *
 * What steps change is not there before the commit.  A step that comes to a
 * line which is guarded already, so by another one, looks at it through the
 * intent.
 */

#include "shm/pair_run_parts.h"

#include "shm/bucket_locked.h"
#include "shm/chain.h"
#include "shm/intent.h"
#include "shm/log.h"
#include "shm/sound.h"
#include "shm/table.h"

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

static bool
aim_at_line(struct run *run, size_t i)
{
	struct run_aim *aim = &run->aims[i];
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
	struct run_aim *aim = &run->aims[i];
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

void
pair_run_aim(struct run *run)
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

static bool
is_record_of(const struct run *run, const struct index_key *key,
    arena_off off, struct run_found *f)
{
	const struct arena *a = run->h.a;

	if (!index_key_is_at(a, key, off, &f->old))
		return false;
	f->segment = &a->table[arena_segment_of(a, off)];
	return true;
}

static bool
is_key_at(const struct run *run, const struct index_key *key, uint64_t slot,
    struct run_found *f)
{
	return slot_tag(slot) == slot_tag_of(key->hash) &&
	    is_record_of(run, key, slot_off(slot), f);
}

/* A slot as it will be, which only a step that shares its line can change. */
static uint64_t
look_at(const struct run *run, const struct run_found *f, const word *slot)
{
	return f->shared ? intent_get(&run->h, slot) : word_peek(slot);
}

static bool
search(struct run *run, const struct run_aim *aim, const struct index_key *key,
    struct run_found *f)
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
	return (run->seen & run_bit_of(home)) != 0 &&
	    intent_guards(&run->h, &home->version);
}

/*
 * Most keys are in the first slot that has their tag, or had it when the run
 * began.
 */
bool
pair_run_find(struct run *run, const struct run_aim *aim,
    const struct index_key *key, struct run_found *f)
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
