/*
 * Tidying: what is left of dropped buckets, and of shards without any.  A
 * dropped bucket is taken apart line by line; a shard whose last bucket is
 * gone gives back its heads and its units, but while there is memory not a
 * hot head that somebody follows: the news of the drop is in it.
 */

#include "shm/clean_parts.h"

#include "shm/bucket_locked.h"
#include "shm/index.h"
#include "shm/intent.h"
#include "shm/log.h"
#include "shm/slab.h"
#include "shm/word.h"

#define LINES_PER_STEP	32

static void
kill_record(struct held *h, arena_off off)
{
	struct record_view r;

	if (record_read(h->a, off, &r))
		log_kill(h, off, r.size);
}

/* One line of the dropped bucket on top, or the bucket itself. */
static void
dismantle_one(struct held *h, struct clean_work *work)
{
	arena_off off = word_peek(&h->sh->graveyard);
	struct bucket *b = bucket_dropped(h, off);
	unsigned released;

	if (b == NULL) {
		held_break(h);
		return;
	}
	if (index_dismantle(h, &b->table, kill_record)) {
		work->lines_dismantled++;
	} else {
		intent_add(h, &h->sh->graveyard, word_peek(&b->link));
		intent_add(h, &b->mark, 0);
		slab_free(h, SLAB_LINE, off);
	}
	released = h->broken ? 0 : h->nreleased;
	intent_commit(h);
	work->segments_freed += released;
}

static bool
keeps_hot(struct arena *a, uint32_t shard)
{
	return clean_is_followed(a, shard) && clean_has_plenty(a);
}

/* No bucket is left, but something is still held for them. */
static bool
is_idle(struct arena *a, uint32_t shard)
{
	const struct shard *sh = &a->shards[shard];

	return word_peek(&sh->buckets.count) == 0 &&
	    ((word_peek(&sh->hot_segment) != 0 && !keeps_hot(a, shard)) ||
	    word_peek(&sh->cold_segment) != 0 ||
	    word_peek(&sh->partial[SLAB_LINE]) != 0 ||
	    word_peek(&sh->partial[SLAB_PAGE]) != 0);
}

/* A shard without buckets holds no segment. */
static unsigned
vacate(struct held *h)
{
	unsigned i, n = 0;

	for (i = 0; i < LINES_PER_STEP && !h->broken; i++) {
		if (!index_dismantle(h, &h->sh->buckets, kill_record))
			break;
		n += h->nreleased;
		intent_commit(h);
	}
	return n + log_close_dead_heads(h,
	    keeps_hot(h->a, h->shard)) +
	    slab_release_empty(h, SLAB_LINE) +
	    slab_release_empty(h, SLAB_PAGE);
}

/* Returns true if there was something to do in this shard. */
static bool
tidy_shard(struct arena *a, uint32_t shard, struct clean_work *work)
{
	struct shard *sh = &a->shards[shard];
	uint64_t freed = work->segments_freed;
	bool buried = word_load(&sh->graveyard) != 0;
	struct held h;
	unsigned i;

	if ((!buried && !is_idle(a, shard)) ||
	    word_load(&sh->poisoned) != 0 ||
	    clean_enter(a, shard, &h, work) == LOCK_POISONED)
		return false;
	for (i = 0; i < LINES_PER_STEP && !h.broken &&
	    word_peek(&sh->graveyard) != 0; i++)
		dismantle_one(&h, work);
	if (word_peek(&sh->graveyard) == 0 && is_idle(a, shard))
		work->segments_freed += vacate(&h);
	clean_leave(&h);
	return (buried && word_load(&sh->poisoned) == 0) ||
	    work->segments_freed > freed;
}

bool
clean_tidy(struct arena *a, struct clean_state *s, struct clean_work *work)
{
	uint32_t i, shard;

	for (i = 0; i < a->shards_count; i++) {
		shard = (s->shard + i) % a->shards_count;
		if (tidy_shard(a, shard, work)) {
			s->shard = shard;
			return true;
		}
	}
	return false;
}
