/*
 * Facts about shard 0, in which everything happens.  They come from the
 * audit and from the words themselves, not from what the operation says.
 */

#include "facts.h"

#include <string.h>

#include "shm/audit.h"
#include "shm/bucket.h"
#include "shm/handle.h"
#include "shm/segment.h"
#include "shm/table.h"
#include "shm/word.h"

static void
count_segments(const struct arena *a, struct facts_of_arena *f)
{
	unsigned *counts[SEGMENT_KINDS] = {
		[SEGMENT_RAW] = &f->raw, [SEGMENT_FREE] = &f->free,
		[SEGMENT_HOT] = &f->hot, [SEGMENT_COLD] = &f->cold,
		[SEGMENT_LINES] = &f->lines, [SEGMENT_INDEX] = &f->index
	};
	uint64_t i, state;

	for (i = 0; i < a->segments; i++) {
		state = f->states[i] = word_peek(&a->table[i].state);
		if (counts[segment_kind(state)] != NULL)
			++*counts[segment_kind(state)];
		if (segment_kind(state) > SEGMENT_FREE &&
		    segment_owner(state) == 0)
			f->of_shard++;
	}
	f->reserve = segment_reserve(a);
}

static void
look_at_heads(const struct arena *a, struct facts_of_arena *f)
{
	const struct shard *sh = &a->shards[0];

	f->hot_segment = word_peek(&sh->hot_segment);
	f->cold_segment = word_peek(&sh->cold_segment);
	f->cold_pos = word_peek(&sh->cold_pos);
	if (f->hot_segment != 0) {
		f->hot_state = word_peek(&a->table[f->hot_segment - 1].state);
		f->tombstones =
		    word_peek(&a->table[f->hot_segment - 1].live) != 0;
	}
}

static void
look_at_tables(const struct world *w, struct facts_of_arena *f)
{
	const struct table *t = &w->a->shards[0].buckets;
	struct bucket_stat st;
	unsigned b;

	f->table_lines = table_lines(word_peek(&t->shape));
	for (b = 0; b < MODEL_OTHER_SHARD; b++) {
		if (bucket_stat(w->a, model_bucket_name(b), &st) != SHM_OK)
			continue;
		t = &((struct bucket *)arena_at(w->a, st.id))->table;
		f->table_lines += table_lines(word_peek(&t->shape));
		if (b != 0)
			continue;
		f->depth = (unsigned)(word_peek(&t->root) & ROOT_DEPTH_MASK);
		f->dense = st.keys > LINE_SLOTS *
		    table_lines(word_peek(&t->shape));
	}
}

const char *
facts_take(const struct world *w, struct facts_of_arena *f)
{
	static struct audit_report r;

	memset(f, 0, sizeof(*f));
	if (audit_arena(w->a, &r) == -1)
		return "no memory for the audit";
	if (r.errors > 0)
		return r.first_error;
	count_segments(w->a, f);
	look_at_heads(w->a, f);
	look_at_tables(w, f);
	f->records = r.records;
	f->dropped = r.dropped;
	f->all_lines = r.lines;
	f->overflow = r.lines - f->table_lines;
	return NULL;
}

static uint32_t
of_index(const struct facts_of_arena *x, const struct facts_of_arena *y)
{
	uint32_t h = 0;

	if (y->table_lines > x->table_lines)
		h |= HAPPENS_SPLIT;
	if (y->table_lines < x->table_lines)
		h |= HAPPENS_MERGE;
	if (y->depth > x->depth)
		h |= y->depth == 1 ? HAPPENS_DEPTH_1 :
		    y->depth == 2 ? HAPPENS_DEPTH_2 : HAPPENS_DEPTH_3;
	if (y->depth < x->depth)
		h |= HAPPENS_FLATTER;
	if (x->dropped == 0 && y->dropped == 0 && y->overflow > x->overflow)
		h |= HAPPENS_OVERFLOW;
	if (x->dropped == 0 && y->dropped == 0 && y->overflow < x->overflow)
		h |= HAPPENS_OVERFLOW_LESS;
	if (x->dropped > 0 && y->all_lines < x->all_lines)
		h |= HAPPENS_TAKEN_APART;
	if (y->dense)
		h |= HAPPENS_DENSE;
	if (y->records > x->records)
		h |= HAPPENS_ADDED;
	if (y->records < x->records)
		h |= HAPPENS_REMOVED;
	if (y->dropped > x->dropped)
		h |= HAPPENS_DROPPED;
	if (y->dropped < x->dropped)
		h |= HAPPENS_BURIED;
	return h;
}

static uint32_t
of_heads(const struct facts_of_arena *x, const struct facts_of_arena *y)
{
	bool renewed = y->hot_segment != 0 &&
	    (y->hot_segment != x->hot_segment || y->hot_state != x->hot_state);
	uint32_t h = 0;

	if (renewed)
		h |= HAPPENS_HOT;
	if (renewed && y->tombstones)
		h |= x->tombstones ? HAPPENS_DEAD_HEAD : HAPPENS_RESERVE;
	if (y->cold_segment != x->cold_segment && y->cold_segment != 0)
		h |= HAPPENS_COLD;
	if (y->cold_pos != x->cold_pos)
		h |= HAPPENS_MOVED;
	return h;
}

static bool
was_cleaned(const struct facts_of_arena *x, const struct facts_of_arena *y)
{
	unsigned i;

	for (i = 0; i < WORLD_SEGMENTS_MAX; i++)
		if (x->states[i] != y->states[i] &&
		    (segment_kind(x->states[i]) == SEGMENT_HOT ||
		    segment_kind(x->states[i]) == SEGMENT_COLD))
			return true;
	return false;
}

static uint32_t
of_segments(const struct facts_of_arena *x, const struct facts_of_arena *y)
{
	uint32_t h = 0;

	if (y->lines > x->lines)
		h |= HAPPENS_LINES;
	if (y->lines < x->lines)
		h |= HAPPENS_LINES_LESS;
	if (y->index > x->index)
		h |= HAPPENS_INDEX;
	if (y->index < x->index)
		h |= HAPPENS_INDEX_LESS;
	if (y->free > x->free && y->raw == x->raw)
		h |= HAPPENS_FREED;
	if (was_cleaned(x, y))
		h |= HAPPENS_CLEANED;
	if (y->raw < x->raw)
		h |= HAPPENS_BACKED;
	if (y->free < x->free && y->free == y->reserve)
		h |= HAPPENS_LAST;
	if (x->of_shard == 0 && y->of_shard > 0)
		h |= HAPPENS_FIRST;
	if (x->of_shard > 0 && y->of_shard == 0)
		h |= HAPPENS_VACATED;
	return h;
}

uint32_t
facts_between(const struct facts_of_arena *x, const struct facts_of_arena *y,
    enum shm_status status)
{
	return of_index(x, y) | of_heads(x, y) | of_segments(x, y) |
	    (status == SHM_FULL ? HAPPENS_REFUSED : 0);
}
