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

#include "shm/ahead.h"
#include "shm/bucket_locked.h"
#include "shm/chain.h"
#include "shm/intent.h"
#include "shm/log.h"
#include "shm/names.h"
#include "shm/short.h"
#include "shm/sound.h"
#include "shm/table.h"

/* ------------------------------------------------------- before any change */

/*
 * While the place of the name has not changed it leads to the same bucket, and
 * what was found of that without the lock is still its own.
 */
static bool
does_hold(const struct run *run, const struct ahead *ahead)
{
	return ahead != NULL && ahead->in.at != 0 &&
	    names_hold_at(run->h.sh, ahead->in.shape, ahead->in.home,
	    ahead->in.version);
}

/* Nor can what this process remembers be damaged by others. */
static struct bucket *
bucket_known(const struct run *run, const struct ahead *ahead)
{
	struct bucket *b;
	uint64_t mark;

	b = arena_at(run->h.a, ahead->in.at);
	mark = word_peek(&b->mark);
	if ((mark != BUCKET_LIVE && mark != BUCKET_AUTO) ||
	    (word_peek(&b->link) != 0 && bucket_is_ghost(b)))
		return NULL;
	return b;
}

static bool
is_same(struct bytes one, struct bytes other)
{
	return one.len == other.len && (one.data == other.data ||
	    short_equal(one.data, other.data, one.len));
}

static struct bucket *
bucket_of(struct run *run, size_t i, bool holds)
{
	const struct pair_step *step = &run->steps[i];
	struct bucket *b = NULL;
	struct index_place place;

	if (i > 0 && is_same(step->bucket, step[-1].bucket))
		return run->aims[i - 1].bucket;
	if (holds)
		b = bucket_known(run, step->ahead);
	return b != NULL ? b : bucket_find(&run->h, step->bucket, &place);
}

/*
 * So is the line, for what is there of a table is never moved, and its shape
 * tells whether a line more has taken keys of this one.  The shape alone would
 * not do: another bucket that is made in the same place begins with the same.
 */
static struct line *
home_of(const struct run *run, const struct ahead *ahead, bool holds,
    const struct run_aim *aim)
{
	const struct arena *a = run->h.a;
	uint64_t shape = word_peek(&aim->bucket->table.shape);
	uint64_t lines = table_lines(shape);

	if (holds && ahead->home != NULL && ahead->shape == shape &&
	    ahead->in.at == arena_off_of(a, aim->bucket))
		return ahead->home;
	return lines == 0 ? NULL : table_line(a,
	    word_peek(&aim->bucket->table.root),
	    table_line_number(lines, aim->hash));
}

static bool
aim_at_line(struct run *run, size_t i)
{
	const struct ahead *ahead = run->steps[i].ahead;
	struct run_aim *aim = &run->aims[i];
	bool holds = does_hold(run, ahead);

	if ((aim->bucket = bucket_of(run, i, holds)) == NULL ||
	    (aim->home = home_of(run, ahead, holds, aim)) == NULL ||
	    !sound_line(&run->h, aim->home))
		return false;
	aim->first = 0;
	__builtin_prefetch(aim->home, 1);
	return true;
}

/*
 * The beginning of a record, or the next line: where the rest of each was asked
 * for as well, runs were slower.
 */
static void
aim_at_record(struct run *run, size_t i)
{
	struct run_aim *aim = &run->aims[i];
	uint64_t tag = slot_tag_of(aim->hash), slot;
	unsigned k;

	for (k = 0; k < LINE_SLOTS - 1; k++) {
		slot = word_peek(&aim->home->slots[k]);
		if (slot == 0 || slot_tag(slot) == tag)
			break;
	}
	aim->first = k;
	__builtin_prefetch(arena_at(run->h.a,
	    slot_off(word_peek(&aim->home->slots[k]))));
}

void
pair_run_aim(struct run *run)
{
	uint64_t left = log_left(&run->h);
	size_t i;

	for (i = 0; i < run->n; i++) {
		if (run->aims[i].size > left || !aim_at_line(run, i))
			break;
		left -= run->aims[i].size;
	}
	run->n = i;
	/* Who is alone has nothing to do meanwhile. */
	for (i = 0; run->n > 1 && i < run->n; i++)
		aim_at_record(run, i);
}

/* ----------------------------------------------------------------- finding */

static inline __attribute__((always_inline)) bool
is_key_at(const struct run *run, const struct index_key *key, arena_off off,
    struct run_found *f)
{
	const struct arena *a = run->h.a;
	struct record_view old;

	if (!index_key_is_at(a, key, off, &old))
		return false;
	f->segment = &a->table[arena_segment_of(a, off)];
	f->size = old.size;
	f->bytes = old.key.len + old.value.len;
	f->value = old.value;
	f->expires_ms = old.expires_ms;
	return true;
}

/*
 * From that slot on; *last is the last one that was looked at: the key's, or an
 * empty one, or what the line ends with.  A slot is as it will be, which only a
 * step that shares its line can change.
 */
static inline __attribute__((always_inline)) bool
search_line(const struct run *run, word *slot, const word *end, bool shared,
    const struct index_key *key, struct run_found *f, uint64_t *last)
{
	uint64_t tag = slot_tag_of(key->hash);

	do {
		*last = shared ? intent_get(&run->h, slot) : word_peek(slot);
		if (slot_tag(*last) == tag &&
		    is_key_at(run, key, slot_off(*last), f)) {
			f->slot = slot;
			return true;
		}
	} while (*last != 0 && ++slot != end);
	return false;
}

/* False if there is no end to it, or it leads nowhere. */
static inline __attribute__((always_inline)) bool
search(const struct run *run, const struct run_aim *aim, bool shared,
    const struct index_key *key, struct run_found *f)
{
	struct line *line = aim->home;
	word *slot = &line->slots[aim->first];
	unsigned steps;
	uint64_t last;

	for (steps = 0; steps < CHAIN_STEPS_MAX; steps++) {
		f->there = search_line(run, slot, &line->slots[LINE_SLOTS],
		    shared, key, f, &last);
		if (f->there || !slot_is_link(last))
			return true;
		if (!sound_unit(&run->h, slot_off(last), SLAB_LINE))
			break;
		line = arena_at(run->h.a, slot_off(last));
		slot = line->slots;
	}
	return false;
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

bool
pair_run_find(const struct run *run, size_t i, struct run_found *f)
{
	const struct run_aim *aim = &run->aims[i];
	const struct index_key key = {
		RECORD_PUT, arena_off_of(run->h.a, aim->bucket),
		run->steps[i].pair.key, aim->hash
	};
	bool ends;

	f->shared = is_shared(run, aim->home);
	ends = f->shared ? search(run, aim, true, &key, f) :
	    search(run, aim, false, &key, f);
	/* Who adds to a chain goes by the last slot of each line. */
	return ends && (f->there || sound_chain(&run->h, aim->home));
}
