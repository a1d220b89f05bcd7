/*
 * Sweeping: what has expired goes by itself.
 *
 * The record of a pair has its time, so a segment of the log is what is looked
 * through, in the order of memory; each says since when that may be worth the
 * while (earliest_ms), and nothing at all is done where nothing expires.  A
 * bucket is looked for where its name is.  What is found costs a lookup, what
 * has not expired a few bytes read.
 *
 * A segment that has been looked through says of when that was (swept_ms): a
 * pair whose time was over by then is dead, and is not looked up again.  Both
 * are changed like all else, through the intent.
 *
 * Where the sweep is, only who sweeps knows; killed, it begins with the
 * segment anew.  Between two pieces a bucket whose name has been passed may be
 * told to expire: so the segment says that it is being swept, and who does
 * that takes it back, and with it what the sweep would say at its end.
 */

#include "shm/clean_parts.h"

#include "shm/bucket_locked.h"
#include "shm/intent.h"
#include "shm/log.h"
#include "shm/pair_locked.h"
#include "shm/segment.h"
#include "shm/word.h"

#define LOOKS_PER_PIECE		512	/* at records */
#define REMOVALS_PER_PIECE	32

/* --- which segment --- */

static bool
is_log(uint64_t state)
{
	return segment_kind(state) == SEGMENT_HOT ||
	    segment_kind(state) == SEGMENT_COLD;
}

static bool
is_due(const struct arena *a, const struct segment *e, uint64_t now_ms,
    uint64_t wait_ms)
{
	uint64_t state = word_load(&e->state);
	uint64_t earliest_ms, swept_ms;

	if (!is_log(state) || segment_owner(state) >= a->shards_count)
		return false;
	earliest_ms = word_peek(&e->earliest_ms);
	swept_ms = word_peek(&e->swept_ms);
	/* A clock may have been set back, and a sweep been left off; but two
	 * that began at one time could not be told apart. */
	return earliest_ms != 0 && earliest_ms <= now_ms &&
	    swept_ms != (SEGMENT_SWEEPING | now_ms) &&
	    (swept_ms > now_ms || now_ms - swept_ms >= wait_ms) &&
	    word_peek(&a->shards[segment_owner(state)].poisoned) == 0;
}

static bool
is_in_hand(const struct arena *a, const struct clean_sweep *s)
{
	uint64_t state;

	if (s->number == 0)
		return false;
	state = word_load(&a->table[s->number - 1].state);
	return is_log(state) && segment_generation(state) == s->generation;
}

/* Each in turn, so that none is forgotten for others. */
static bool
take_in_hand(const struct arena *a, struct clean_state *s, uint64_t now_ms,
    uint64_t wait_ms)
{
	uint64_t n, i;

	for (n = 0; n < a->segments; n++) {
		i = (s->look + n) % a->segments;
		if (!is_due(a, &a->table[i], now_ms, wait_ms))
			continue;
		s->look = i + 1;
		s->sweep = (struct clean_sweep){
			.number = i + 1,
			.generation = segment_generation(
			    word_peek(&a->table[i].state))
		};
		return true;
	}
	return false;
}

/* --- its records --- */

static void
await(struct clean_sweep *s, uint64_t expires_ms)
{
	if (s->earliest_ms == 0 || expires_ms < s->earliest_ms)
		s->earliest_ms = expires_ms;
}

static bool
has_expired(const struct bucket *b, const struct clean_sweep *s)
{
	uint64_t expires_ms = word_peek(&b->link);

	return expires_ms != 0 && expires_ms <= s->began_ms;
}

static enum shm_status
sweep_bucket(struct held *h, arena_off off, const struct record_view *r,
    struct clean_sweep *s, struct clean_work *work)
{
	const struct bucket *b = bucket_live(h, r->bucket);

	if (b == NULL || word_peek(&b->record) != off ||
	    word_peek(&b->link) == 0)
		return SHM_OK;
	if (has_expired(b, s))
		return clean_bury(h, b, work);
	await(s, word_peek(&b->link));
	return SHM_OK;
}

static enum shm_status
sweep_pair(struct held *h, arena_off off, const struct record_view *r,
    struct clean_sweep *s, struct clean_work *work)
{
	struct index_place place;
	enum shm_status status;
	struct bucket *b;

	if (!record_is_expired(r, s->began_ms)) {
		if (r->expires_ms != 0)
			await(s, r->expires_ms);
		return SHM_OK;
	}
	if (r->expires_ms <= s->swept_ms ||
	    !clean_find_live(h, off, r, &place))
		return SHM_OK;
	/* Of a bucket that is gone with all it has, nobody is told more. */
	b = bucket_live(h, r->bucket);
	if (b != NULL && has_expired(b, s))
		return clean_bury(h, b, work);
	status = pair_delete_place(h, &place, r, RECORD_EXPIRED);
	work->records_expired += status == SHM_OK;
	return status;
}

static enum shm_status
sweep_record(struct held *h, arena_off off, const struct record_view *r,
    struct clean_sweep *s, struct clean_work *work)
{
	switch (r->op) {
	case RECORD_PUT:
		return sweep_pair(h, off, r, s, work);
	case RECORD_CREATE:
		return sweep_bucket(h, off, r, s, work);
	case RECORD_DELETE:
	case RECORD_DROP:
	case RECORD_TOUCH:
	case RECORD_MESSAGE:
		break;
	}
	return SHM_OK;
}

/* Where what is written of it ends; it grows while it is a head. */
static uint64_t
end_of(const struct held *h, uint64_t number)
{
	arena_off base = arena_segment_base(h->a, number - 1);

	if (word_peek(&h->sh->hot_segment) == number)
		return word_peek(&h->sh->hot_pos) - base;
	if (word_peek(&h->sh->cold_segment) == number)
		return word_peek(&h->sh->cold_pos) - base;
	return word_peek(&h->a->table[number - 1].used) & ~SEGMENT_SEALED;
}

static uint64_t
removals(const struct clean_work *work)
{
	return work->records_expired + work->buckets_expired;
}

/* False when it cannot go on. */
static bool
sweep_some(struct held *h, struct clean_sweep *s, struct clean_work *work)
{
	arena_off base = arena_segment_base(h->a, s->number - 1);
	uint64_t most = removals(work) + REMOVALS_PER_PIECE;
	struct record_view r;
	unsigned n;

	/* Room for a tombstone may have been had by giving it back. */
	for (n = 0; n < LOOKS_PER_PIECE && removals(work) < most &&
	    is_in_hand(h->a, s) && s->offset < end_of(h, s->number); n++) {
		if (!record_read(h->a, base + s->offset, &r) ||
		    sweep_record(h, base + s->offset, &r, s, work) != SHM_OK ||
		    h->broken)
			return false;
		s->offset += r.size;
		work->records_swept++;
	}
	return true;
}

/* False if another one began with it in this moment. */
static bool
begin(struct held *h, struct clean_sweep *s, uint64_t now_ms)
{
	struct segment *e = &h->a->table[s->number - 1];
	uint64_t swept_ms = word_peek(&e->swept_ms);

	if (swept_ms == (SEGMENT_SWEEPING | now_ms))
		return false;
	s->began_ms = now_ms;
	s->swept_ms = (swept_ms & SEGMENT_SWEEPING) != 0 ? 0 : swept_ms;
	intent_add(h, &e->swept_ms, SEGMENT_SWEEPING | now_ms);
	intent_commit(h);
	return true;
}

/* All of it was looked at, and no more has come to what was. */
static void
end(struct held *h, struct clean_sweep *s)
{
	struct segment *e = &h->a->table[s->number - 1];

	if (word_peek(&e->swept_ms) == (SEGMENT_SWEEPING | s->began_ms)) {
		intent_add(h, &e->earliest_ms, s->earliest_ms);
		intent_add(h, &e->swept_ms, s->began_ms);
		intent_commit(h);
	}
	s->number = 0;
}

/* False when it cannot go on. */
static bool
sweep(struct held *h, struct clean_sweep *s, struct clean_work *work,
    uint64_t now_ms)
{
	/* It may have been freed before we had the lock. */
	if (!is_in_hand(h->a, s))
		return true;
	if ((s->began_ms == 0 && !begin(h, s, now_ms)) ||
	    !sweep_some(h, s, work))
		return false;
	if (is_in_hand(h->a, s) && s->offset >= end_of(h, s->number))
		end(h, s);
	return true;
}

bool
clean_sweep(struct arena *a, struct clean_state *state,
    struct clean_work *work, uint64_t now_ms, uint64_t wait_ms)
{
	struct clean_sweep *s = &state->sweep;
	uint64_t owner;
	struct held h;
	bool on;

	if (!is_in_hand(a, s) && !take_in_hand(a, state, now_ms, wait_ms))
		return false;
	owner = segment_owner(word_peek(&a->table[s->number - 1].state));
	if (owner >= a->shards_count ||
	    clean_enter(a, (uint32_t)owner, &h, work) == LOCK_POISONED) {
		s->number = 0;
		return true;
	}
	on = sweep(&h, s, work, now_ms);
	if (!on)
		s->number = 0;
	clean_leave(&h);
	return on;
}
