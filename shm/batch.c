/*
 * The batch.  Between its two intents nothing may fail: lines were reserved
 * and splits made in advance, new buckets wait among the dropped ones, and a
 * record only replaces or removes an older one that is there.
 */

#include "shm/batch.h"

#include "shm/intent.h"
#include "shm/publish.h"
#include "shm/repair_check.h"
#include "shm/slab.h"
#include "shm/word.h"

static void
open_batch(struct held *h, arena_off end)
{
	intent_add(h, &h->sh->version,
	    (word_peek(&h->sh->version) | 1));
	intent_add(h, &h->sh->batch_end, end);
	intent_commit(h);
}

static void
close_batch(struct held *h)
{
	intent_add(h, &h->sh->batch_end, 0);
	intent_add(h, &h->sh->version,
	    (word_peek(&h->sh->version) | 1) + 1);
	intent_commit(h);
}

/* What is left of a batch; `can' is asked about each record first. */
static bool
finish(struct held *h, bool (*can)(const struct held *,
    const struct record_view *))
{
	arena_off end = word_peek(&h->sh->batch_end), at;
	struct record_view r;

	if (end == 0)
		return true;
	while ((at = word_peek(&h->sh->hot_pos)) < end)
		if (!record_read(h->a, at, &r) ||
		    r.lsn != word_peek(&h->sh->lsn) + 1 ||
		    r.size > end - at || (can != NULL && !can(h, &r)) ||
		    !publish_record(h, at, &r, true))
			return false;
	close_batch(h);
	return true;
}

bool
batch_finish(struct held *h)
{
	return finish(h, repair_can_publish);
}

void
batch_run(struct held *h, struct record_view *records, size_t n)
{
	arena_off at = word_peek(&h->sh->hot_pos);
	uint64_t lsn = word_peek(&h->sh->lsn);
	size_t i;

	for (i = 0; i < n; i++) {
		records[i].lsn = ++lsn;
		record_write(h->a, at, &records[i]);
		at += records[i].size;
	}
	open_batch(h, at);
	if (finish(h, NULL)) {
		slab_release_emptied(h, SLAB_LINE);
		return;
	}
	/* Readers wait for its end, and this is one. */
	intent_abandon(h);
	close_batch(h);
	held_break(h);
}
