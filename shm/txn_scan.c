/*
 * Walks in a transaction.  They go over what is in the arena, without what a
 * draft has changed in it; the first step has that instead.
 */

#include "shm/scan_locked.h"
#include "shm/txn_parts.h"

/* A step of a walk over a bucket, by its number. */
struct step {
	struct txn		*t;
	uint32_t		 bucket;
	struct scan_batch	*batch;
	bool			 has_values;
};

static bool
next_entry(const struct step *s, size_t *pos, struct pair *pair)
{
	if (s->has_values)
		return scan_next_pair(s->batch, pos, pair);
	*pair = (struct pair){ .expires_ms = 0 };
	return scan_next_name(s->batch, pos, &pair->key);
}

/* Entries move only towards the beginning. */
static void
leave_out_changed(const struct step *s)
{
	size_t pos = 0, end = 0;
	struct pair pair;

	while (next_entry(s, &pos, &pair))
		if (stage_last_change(s->t, s->bucket, pair.key) == NULL)
			end = scan_put(s->batch, end, &pair, s->has_values);
	s->batch->used = end;
}

static bool
is_set(const struct step *s, size_t change)
{
	const struct record_view *r = &s->t->stage.views[change];

	return s->t->stage.changes[change].bucket == s->bucket &&
	    r->op == RECORD_PUT && !record_is_expired(r, s->t->now_ms) &&
	    stage_last_change(s->t, s->bucket, r->key) == r;
}

static enum shm_status
add_changed(const struct step *s)
{
	const struct record_view *r = s->t->stage.views;
	size_t i, end = s->batch->used;
	struct pair pair;

	for (i = 0; i < s->t->stage.n; i++, r++) {
		if (!is_set(s, i))
			continue;
		pair = (struct pair){ r->key, r->value, r->expires_ms };
		end = scan_put(s->batch, end, &pair, s->has_values);
	}
	if (end > s->batch->cap) {
		s->batch->needed = end;
		s->batch->used = 0;
		return SHM_NO_ROOM;
	}
	s->batch->used = end;
	return SHM_OK;
}

static enum shm_status
scan_arena(const struct step *s, struct bytes name, struct scan *scan)
{
	struct txn *t = s->t;

	if (t->h == NULL && s->has_values)
		return scan_pairs(t->a, name, scan, s->batch);
	if (t->h == NULL)
		return scan_shard_keys(t->a, t->shard, name, scan, s->batch);
	return s->has_values ?
	    scan_pairs_locked(t->h, name, scan, s->batch) :
	    scan_keys_locked(t->h, name, scan, s->batch);
}

static enum shm_status
scan_draft(struct step *s, struct bytes name, struct scan *scan)
{
	const struct scan before = *scan;
	enum shm_status status;

	status = stage_find_bucket(s->t, name, &s->bucket);
	if (status != SHM_OK)
		return status;
	s->batch->used = 0;
	if (s->t->stage.buckets[s->bucket].is_new)
		scan->done = true;
	else
		status = scan_arena(s, name, scan);
	if (status != SHM_OK)
		return status;
	leave_out_changed(s);
	if (before.cursor != 0)
		return SHM_OK;
	if ((status = add_changed(s)) != SHM_OK)
		*scan = before;
	return status;
}

static enum shm_status
run(struct txn *t, struct bytes name, struct scan *scan,
    struct scan_batch *batch, bool has_values)
{
	struct step s = { .t = t, .batch = batch, .has_values = has_values };

	return t->draft != NULL ? scan_draft(&s, name, scan) :
	    scan_arena(&s, name, scan);
}

enum shm_status
txn_scan(struct txn *t, struct bytes name, struct scan *scan,
    struct scan_batch *batch)
{
	return run(t, name, scan, batch, false);
}

enum shm_status
txn_scan_pairs(struct txn *t, struct bytes name, struct scan *scan,
    struct scan_batch *batch)
{
	return run(t, name, scan, batch, true);
}
