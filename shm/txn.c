/*
 * How a transaction happens.  What was staged takes room in the log and in
 * the index, which is seen to first; then a single record is published like
 * any other, and several as a batch.
 */

#include "shm/txn.h"

#include <stdlib.h>

#include "shm/batch.h"
#include "shm/bucket_locked.h"
#include "shm/clock.h"
#include "shm/log.h"
#include "shm/publish.h"
#include "shm/room.h"
#include "shm/slab.h"
#include "shm/txn_parts.h"
#include "shm/word.h"

#define CAP_BEGIN	64U		/* changes */
#define CAP_KEEP	1024U
#define CAP_MAX		(1U << 24)
#define KEPT_BEGIN	4096U		/* bytes */
#define KEPT_KEEP	(1U << 20)
#define MERGES_MAX	64		/* of a table, after a transaction */

/* --- memory --- */

static void
free_stage(struct stage *s)
{
	free(s->views);
	free(s->changes);
	free(s->buckets);
	free(s->pairs.slots);
	free(s->names.slots);
}

static bool
new_index(struct stage_index *index, size_t cap)
{
	size_t slots = 1;

	while (slots < 2 * cap)
		slots *= 2;
	index->slots = calloc(slots, sizeof(*index->slots));
	index->mask = slots - 1;
	return index->slots != NULL;
}

/* What was staged is lost; without memory all stays as it is. */
static bool
set_cap(struct txn *t, size_t cap)
{
	struct stage s = { .cap = cap };

	s.views = calloc(cap, sizeof(*s.views));
	s.changes = calloc(cap, sizeof(*s.changes));
	s.buckets = calloc(cap, sizeof(*s.buckets));
	if (!new_index(&s.pairs, cap) || !new_index(&s.names, cap) ||
	    s.views == NULL || s.changes == NULL || s.buckets == NULL ||
	    cap > CAP_MAX) {
		free_stage(&s);
		return false;
	}
	free_stage(&t->stage);
	t->stage = s;
	return true;
}

static bool
set_kept(struct txn *t, size_t cap)
{
	uint8_t *kept = malloc(cap);

	if (kept == NULL)
		return false;
	free(t->kept);
	t->kept = kept;
	t->kept_cap = cap;
	return true;
}

bool
stage_enlarge(struct txn *t)
{
	return set_cap(t, 2 * t->stage.cap);
}

void
stage_forget_large(struct txn *t)
{
	if (t->stage.cap > CAP_KEEP)
		(void)set_cap(t, CAP_BEGIN);
}

/* One that was large is no reason to be slow ever after. */
static void
forget_large(struct txn *t)
{
	stage_forget_large(t);
	if (t->kept_cap > KEPT_KEEP)
		(void)set_kept(t, KEPT_BEGIN);
}

struct txn *
txn_open(struct arena *a)
{
	struct txn *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->a = a;
	if (set_cap(t, CAP_BEGIN) && set_kept(t, KEPT_BEGIN))
		return t;
	txn_close(t);
	return NULL;
}

void
txn_close(struct txn *t)
{
	if (t == NULL)
		return;
	free_stage(&t->stage);
	free(t->kept);
	free(t);
}

/* --- room --- */

/* A put takes what a delete does not. */
static enum segment_level
level_of(const struct txn *t)
{
	size_t i;

	for (i = 0; i < t->stage.n; i++)
		if (t->stage.views[i].op != RECORD_DELETE &&
		    t->stage.views[i].op != RECORD_DROP)
			return SEGMENT_FOR_PUT;
	return SEGMENT_FOR_DELETE;
}

/* The struct bucket, if need be a new one, and room in its table. */
static enum shm_status
reserve_bucket(struct txn *t, struct stage_bucket *s)
{
	enum shm_status status;
	struct bucket *b;

	if (s->is_new && (status = bucket_prepare(t->h, &s->off)) != SHM_OK)
		return status;
	if (s->puts == 0)
		return SHM_OK;
	b = arena_at(t->a, s->off);
	return index_reserve(t->h, &b->table, s->puts);
}

static enum shm_status
reserve_index(struct txn *t)
{
	unsigned creates = 0, lines = 0;
	enum shm_status status;
	size_t i;

	for (i = 0; i < t->stage.nbuckets; i++) {
		status = reserve_bucket(t, &t->stage.buckets[i]);
		if (status != SHM_OK)
			return status;
		creates += t->stage.buckets[i].is_new;
		lines += t->stage.buckets[i].puts;
	}
	if (creates > 0 && (status = index_reserve(t->h, &t->h->sh->buckets,
	    creates)) != SHM_OK)
		return status;
	if (lines + creates == 0)
		return SHM_OK;
	/* Together: each of the above has seen to its own alone. */
	return slab_reserve(t->h, SLAB_LINE, lines + creates,
	    SEGMENT_FOR_PUT);
}

/* --- the commit --- */

static void
name_buckets(struct txn *t)
{
	struct stage *s = &t->stage;
	size_t i;

	for (i = 0; i < s->n; i++)
		s->views[i].bucket = s->buckets[s->changes[i].bucket].off;
}

/* The tables are as dense as ordinary changes would have left them. */
static void
settle(struct txn *t)
{
	const struct stage_bucket *s;
	struct bucket *b;
	unsigned i;
	size_t n;

	for (n = 0; n < t->stage.nbuckets; n++) {
		s = &t->stage.buckets[n];
		(void)index_grow(t->h, &t->h->sh->buckets);
		index_shrink(t->h, &t->h->sh->buckets);
		if (!s->exists)
			continue;
		b = arena_at(t->a, s->off);
		(void)index_grow(t->h, &b->table);
		for (i = 0; i < s->deletes && i < MERGES_MAX; i++)
			index_shrink(t->h, &b->table);
	}
}

static void
publish(struct txn *t)
{
	struct record_view *r = t->stage.views;
	arena_off at;

	/* A bucket is only created by a batch. */
	if (t->stage.n > 1 || r->op == RECORD_CREATE) {
		batch_run(t->h, r, t->stage.n);
		settle(t);
		return;
	}
	at = log_write(t->h, r);
	if (!publish_record(t->h, at, r, false))
		held_break(t->h);
}

static enum shm_status
commit(struct txn *t)
{
	uint64_t bytes = stage_bytes(t);
	enum shm_status status;

	if (t->stage.n == 0)
		return SHM_OK;
	if (bytes > t->a->segment_bytes)
		return SHM_BATCH_SIZE;
	if ((status = log_room(t->h, bytes, level_of(t))) != SHM_OK ||
	    (status = reserve_index(t)) != SHM_OK)
		return status;
	name_buckets(t);
	publish(t);
	return SHM_OK;
}

static enum shm_status
attempt(struct held *h, void *arg)
{
	struct txn *t = arg;
	enum shm_status status;

	t->h = h;
	t->before = word_peek(&h->sh->lsn);
	stage_clear(t);
	if ((status = t->op(t, t->arg)) == SHM_OK &&
	    (status = stage_ends(t)) == SHM_OK)
		status = commit(t);
	t->revision = word_peek(&h->sh->lsn);
	return status;
}

struct txn_revisions
txn_revisions(const struct txn *t)
{
	return (struct txn_revisions){ t->shard, t->before + 1, t->revision };
}

/* It was too little of one of the two. */
static bool
grow(struct txn *t)
{
	if (t->kept_needed > t->kept_cap)
		return set_kept(t, 2 * t->kept_needed);
	return stage_enlarge(t);
}

enum shm_status
txn_run(struct txn *t, uint32_t shard,
    enum shm_status (*op)(struct txn *, void *), void *arg,
    uint64_t *revision)
{
	enum shm_status status;

	t->op = op;
	t->arg = arg;
	t->shard = shard;
	t->now_ms = clock_wall_ms();
	forget_large(t);
	for (;;) {
		t->kept_needed = 0;
		status = room_run(t->a, shard, attempt, t);
		if (status != SHM_NO_ROOM)
			break;
		if (!grow(t))
			return SHM_FULL;
	}
	if (revision != NULL)
		*revision = t->revision;
	return status;
}
