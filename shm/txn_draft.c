/*
 * Transactions that are written without the lock.
 *
 * A draft is staged like any transaction, but on a view that reads as
 * everybody does who has no lock, and copies what it reads.  To make it happen
 * is to stage the same changes again, under the lock, if no record was written
 * to the shard in between: then all that was read is still so, also that
 * something was not there, or how many there were, and nobody has to remember
 * what it was.  What was read may contradict itself when that is not so; it is
 * then thrown away unseen.
 *
 * The last revision of the shard is noted under the lock, for without it there
 * may be one that is noted already and cannot be seen yet.
 */

#include <stdlib.h>
#include <string.h>

#include "shm/clock.h"
#include "shm/read.h"
#include "shm/txn_parts.h"
#include "shm/word.h"

#define TRIES		16	/* without the lock */
#define CHUNK_BYTES	((size_t)16 * 1024)

struct chunk {
	struct chunk	*next;
	size_t		 cap;
	size_t		 used;
	uint8_t		 bytes[];
};

struct txn_draft {
	struct arena		*a;
	struct txn		*view;		/* what would be */
	struct txn		*t;		/* makes it so */
	uint32_t		 shard;
	enum shm_status		(*write)(struct txn *, void *);
	void			*arg;
	uint64_t		 lsn;		/* as the view sees it */
	bool			 is_stale;	/* it is not any more */
	struct chunk		*page;		/* what was read */
	struct chunk		*whole;		/* what was written */
};

/* --- memory --- */

static uint8_t *
reserve(struct chunk **list, size_t len)
{
	size_t cap = len > CHUNK_BYTES ? len : CHUNK_BYTES;
	struct chunk *c = *list;

	if (c != NULL && len <= c->cap - c->used)
		return c->bytes + c->used;
	if ((c = malloc(sizeof(*c) + cap)) == NULL)
		return NULL;
	*c = (struct chunk){ .next = *list, .cap = cap };
	*list = c;
	return c->bytes;
}

/* All but one of the usual size. */
static void
forget(struct chunk **list)
{
	struct chunk *c, *next, *rest = NULL;

	for (c = *list; c != NULL; c = next) {
		next = c->next;
		if (rest == NULL && c->cap == CHUNK_BYTES) {
			rest = c;
			rest->next = NULL;
			rest->used = 0;
		} else {
			free(c);
		}
	}
	*list = rest;
}

static void *
copy(struct chunk **list, const void *data, size_t len)
{
	uint8_t *to = reserve(list, len);

	if (to == NULL)
		return NULL;
	if (len > 0)
		memcpy(to, data, len);
	(*list)->used += len;
	return to;
}

void *
draft_keep(struct txn_draft *d, const void *data, size_t len)
{
	return copy(&d->page, data, len);
}

bool
draft_keep_on(struct txn_draft *d, struct bytes *bytes)
{
	bytes->data = copy(&d->whole, bytes->data, bytes->len);
	return bytes->data != NULL;
}

void
txn_draft_close(struct txn_draft *d)
{
	if (d == NULL)
		return;
	txn_close(d->view);
	txn_close(d->t);
	forget(&d->page);
	forget(&d->whole);
	free(d->page);
	free(d->whole);
	free(d);
}

struct txn_draft *
txn_draft_open(struct arena *a)
{
	struct txn_draft *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->a = a;
	d->view = txn_open(a);
	d->t = txn_open(a);
	if (d->view != NULL && d->t != NULL) {
		d->view->draft = d;
		return d;
	}
	txn_draft_close(d);
	return NULL;
}

/* --- reading without the lock --- */

enum shm_status
draft_read_bucket(struct txn_draft *d, struct stage_bucket *s)
{
	struct read_facts facts;
	enum shm_status status;

	status = read_bucket(d->a, d->shard, s->name, &facts);
	if (status != SHM_OK)
		return status == SHM_NO_BUCKET ? SHM_OK : status;
	s->exists = true;
	s->is_auto = facts.mark == BUCKET_AUTO;
	s->keys = facts.count;
	s->expires_ms = facts.expires_ms;
	s->revision = facts.revision;
	return SHM_OK;
}

struct reading {		/* of a value that may not fit */
	struct record_view	 record;
	uint8_t			*to;
	size_t			 room;
};

static void
take_record(void *arg, const struct record_view *r)
{
	struct reading *reading = arg;

	reading->record = *r;
	if (r->value.len > 0 && r->value.len <= reading->room)
		memcpy(reading->to, r->value.data, r->value.len);
}

enum shm_status
draft_read_pair(struct txn_draft *d, struct bytes bucket, struct bytes key,
    struct record_view *record)
{
	struct reading reading = { .room = 0 };
	const struct read_action take = { take_record, &reading };
	size_t want = CHUNK_BYTES / 8;
	enum shm_status status;

	do {
		if ((reading.to = reserve(&d->page, want)) == NULL)
			return SHM_FULL;
		reading.room = d->page->cap - d->page->used;
		status = read_pair(d->a, d->shard, bucket, key, &take);
		if (status != SHM_OK)
			return status;
		want = reading.record.value.len;
	} while (want > reading.room);
	d->page->used += want;
	*record = reading.record;
	record->key = key;
	record->value.data = reading.to;
	return SHM_OK;
}

void
txn_turn_page(struct txn *view)
{
	forget(&view->draft->page);
}

/* --- steps --- */

enum shm_status
txn_step(struct txn *view, enum shm_status (*op)(struct txn *, void *),
    void *arg)
{
	size_t n = view->stage.n, nbuckets = view->stage.nbuckets;
	enum shm_status status;

	stage_begin_step(view);
	status = op(view, arg);
	if (status == SHM_OK)
		status = stage_ends(view);
	if (status != SHM_OK)
		stage_undo(view, n, nbuckets);
	return status;
}

/* --- the draft happens --- */

static enum shm_status
redo_state(struct txn *t, struct bytes name, const struct record_view *r)
{
	struct txn_bucket facts;
	enum shm_status status = txn_look(t, name, &facts);

	if (status != SHM_OK)
		return status;
	if (facts.is_auto && (r->flags & RECORD_AUTO) == 0)
		return txn_create(t, name, false);
	return txn_expire(t, name, r->expires_ms);
}

static enum shm_status
redo(struct txn *t, struct bytes name, const struct record_view *r)
{
	const struct pair pair = {
		.key = r->key, .value = r->value, .expires_ms = r->expires_ms
	};
	enum shm_status status;

	if ((r->flags & RECORD_MORE) == 0)
		stage_begin_step(t);
	txn_because(t, record_why(r));
	switch (r->op) {
	case RECORD_PUT:
		return txn_put(t, name, &pair);
	case RECORD_DELETE:
		/* It may have expired meanwhile. */
		status = txn_delete(t, name, r->key);
		return status == SHM_NO_KEY ? SHM_OK : status;
	case RECORD_CREATE:
		return txn_create(t, name, (r->flags & RECORD_AUTO) != 0);
	case RECORD_DROP:
		/* What is left of one goes with the next of its name. */
		status = txn_drop(t, name);
		return status == SHM_NO_BUCKET ? SHM_OK : status;
	default:
		return redo_state(t, name, r);
	}
}

static enum shm_status
redo_all(struct txn_draft *d, struct txn *t)
{
	const struct stage *s = &d->view->stage;
	enum shm_status status = SHM_OK;
	size_t i;

	for (i = 0; i < s->n && status == SHM_OK; i++)
		status = redo(t, s->buckets[s->changes[i].bucket].name,
		    &s->views[i]);
	/* One has expired meanwhile, which no record tells. */
	d->is_stale = status == SHM_NO_BUCKET;
	return status;
}

static enum shm_status
redo_unless_stale(struct txn *t, void *arg)
{
	struct txn_draft *d = arg;

	d->is_stale = word_peek(&t->h->sh->lsn) != d->lsn;
	return d->is_stale ? SHM_NO_KEY : redo_all(d, t);
}

static void
clear(struct txn_draft *d, struct held *h)
{
	stage_clear(d->view);
	forget(&d->page);
	forget(&d->whole);
	d->view->h = h;
	d->view->shard = d->shard;
	d->view->now_ms = clock_wall_ms();
}

static enum shm_status
note_lsn(struct txn *t, void *arg)
{
	struct txn_draft *d = arg;

	d->lsn = word_peek(&t->h->sh->lsn);
	return SHM_OK;
}

/* Once, without the lock. */
static enum shm_status
attempt(struct txn_draft *d)
{
	enum shm_status status;

	status = txn_run(d->t, d->shard, note_lsn, d, NULL);
	if (status != SHM_OK)
		return status;
	clear(d, NULL);
	status = d->write(d->view, d->arg);
	if (status != SHM_OK || d->view->starved)
		return status;
	return txn_run(d->t, d->shard, redo_unless_stale, d, NULL);
}

static enum shm_status
write_locked(struct txn *t, void *arg)
{
	struct txn_draft *d = arg;
	enum shm_status status;

	clear(d, t->h);
	status = d->write(d->view, d->arg);
	if (d->view->starved)
		return SHM_NO_KEY;
	return status == SHM_OK ? redo_all(d, t) : status;
}

enum shm_status
txn_draft_run(struct txn_draft *d, uint32_t shard,
    enum shm_status (*write)(struct txn *, void *), void *arg)
{
	enum shm_status status;
	unsigned tries = 0;

	d->shard = shard;
	d->write = write;
	d->arg = arg;
	stage_forget_large(d->view);
	do {
		d->is_stale = d->view->starved = false;
		status = tries < TRIES ? attempt(d) :
		    txn_run(d->t, shard, write_locked, d, NULL);
		if (d->view->starved) {
			if (!stage_enlarge(d->view))
				return SHM_FULL;
			d->is_stale = true;
		} else {
			tries++;
		}
	} while (d->is_stale);
	forget(&d->page);
	forget(&d->whole);
	return status;
}

struct txn_revisions
txn_draft_revisions(const struct txn_draft *d)
{
	return txn_revisions(d->t);
}
