/*
 * The log as a stream.  The hot segments of a shard hold every lsn in order;
 * a reader stands at {segment, offset} and expects one lsn.  Whatever it
 * copied counts only if the segment still has the state it had before.
 */

#include "shm/feed.h"

#include <string.h>

#include "shm/lock.h"
#include "shm/record.h"
#include "shm/segment.h"
#include "shm/word.h"

#define NOWHERE	UINT64_MAX	/* no segment yet, or it was closed */

void
feed_open(struct arena *a, uint32_t shard, struct feed *f)
{
	struct shard *sh = &a->shards[shard];
	bool locked;
	struct held h;
	uint64_t number;

	locked = lock_shard(a, shard, &h) != LOCK_POISONED;
	number = word_peek(&sh->hot_segment);
	f->shard = shard;
	f->lsn = word_peek(&sh->lsn) + 1;
	f->segment = NOWHERE;
	f->generation = f->offset = 0;
	if (number != 0 && number <= a->segments) {
		f->segment = number - 1;
		f->generation = segment_generation(
		    word_peek(&a->table[f->segment].state));
		f->offset = word_peek(&sh->hot_pos) -
		    arena_segment_base(a, f->segment);
	}
	if (locked)
		lock_release(&h);
}

static bool
is_ours(const struct feed *f, uint64_t state)
{
	return segment_kind(state) == SEGMENT_HOT &&
	    segment_owner(state) == f->shard &&
	    segment_generation(state) == f->generation;
}

/* Go to the start of a segment if it begins with the lsn expected. */
static bool
enter(const struct arena *a, struct feed *f, uint64_t number)
{
	const struct segment *e;
	uint64_t state;

	if (number == 0 || number > a->segments)
		return false;
	e = &a->table[number - 1];
	state = word_load(&e->state);
	if (segment_kind(state) != SEGMENT_HOT ||
	    segment_owner(state) != f->shard ||
	    word_load(&e->first_lsn) != f->lsn)
		return false;
	f->segment = number - 1;
	f->generation = segment_generation(state);
	f->offset = 0;
	return word_load(&e->state) == state;
}

/* Stand where the record of f->lsn begins; *state is its segment's. */
static bool
settle(const struct arena *a, struct feed *f, uint64_t *state)
{
	const struct segment *e = NULL;
	uint64_t used, next, steps;

	/* Empty segments in a ring, which only damage makes, have no end. */
	for (steps = 0; steps <= a->segments; steps++) {
		*state = 0;
		if (f->segment != NOWHERE) {
			e = &a->table[f->segment];
			*state = word_load(&e->state);
		}
		if (e == NULL || !is_ours(f, *state)) {
			/* Closed while it was empty of news: go on with the
			 * next one that was opened, if it is that one. */
			if (!enter(a, f, word_load(
			    &a->shards[f->shard].hot_segment)))
				return false;
			continue;
		}
		used = word_load(&e->used);
		if ((used & SEGMENT_SEALED) == 0 ||
		    f->offset < (used & ~SEGMENT_SEALED))
			return true;
		next = word_load(&e->next);
		if (word_load(&e->state) == *state && !enter(a, f, next))
			return false;
	}
	return false;
}

/* False if it is no record of a log. */
static bool
describe(const struct record_view *r, struct feed_event *event)
{
	event->revision = r->lsn;
	event->bucket_id = r->bucket;
	event->key = r->key;
	event->value = r->value;
	event->expires = r->expires_ms != 0;
	event->why = record_why(r);
	event->is_more = (r->flags & RECORD_MORE) != 0;
	switch (r->op) {
	case RECORD_PUT:
		event->op = FEED_SET;
		return true;
	case RECORD_DELETE:
		event->op = FEED_DELETED;
		return true;
	case RECORD_CREATE:
		event->op = FEED_CREATED;
		return true;
	case RECORD_DROP:
		event->op = FEED_DROPPED;
		return true;
	case RECORD_TOUCH:
		event->op = FEED_TOUCHED;
		return true;
	case RECORD_MESSAGE:
		event->op = FEED_MESSAGE;
		return true;
	}
	return false;
}

/* Make the event's bytes the caller's own. */
static bool
copy_out(struct feed_event *event, uint8_t *buf, size_t cap, size_t *needed)
{
	*needed = event->key.len + event->value.len;
	if (*needed > cap)
		return false;
	if (event->key.len > 0)
		memcpy(buf, event->key.data, event->key.len);
	event->key.data = buf;
	if (event->value.len > 0)
		memcpy(buf + event->key.len, event->value.data,
		    event->value.len);
	event->value.data = buf + event->key.len;
	return true;
}

enum feed_status
feed_next(struct arena *a, struct feed *f, void *buf, size_t cap,
    struct feed_event *event, size_t *needed)
{
	struct record_view r;
	uint64_t state;
	bool fits;

	/* Pairs with the store of lsn, the last of its intent: the record
	 * and the segment it is in are visible. */
	if (word_load(&a->shards[f->shard].lsn) < f->lsn)
		return FEED_NONE;
	if (!settle(a, f, &state) || !record_read(a,
	    arena_segment_base(a, f->segment) + f->offset, &r))
		return FEED_LOST;
	if (!describe(&r, event))
		return FEED_LOST;
	fits = copy_out(event, buf, cap, needed);
	atomic_thread_fence(memory_order_acquire);
	if (word_peek(&a->table[f->segment].state) != state ||
	    r.lsn != f->lsn)
		return FEED_LOST;
	if (!fits)
		return FEED_NO_ROOM;
	f->offset += r.size;
	f->lsn++;
	return FEED_OK;
}

void
feed_watch(struct arena *a, uint32_t shard, unsigned watcher)
{
	struct shard *sh = &a->shards[shard];

	atomic_fetch_or(&sh->watchers[watcher / 64],
	    UINT64_C(1) << watcher % 64);
	word_store(&sh->watched, 1);
}

/*
 * `watched` stays: clearing it could race with another's feed_watch(), and a
 * writer that looks at an empty set loses four loads.
 */
void
feed_unwatch(struct arena *a, uint32_t shard, unsigned watcher)
{
	atomic_fetch_and(&a->shards[shard].watchers[watcher / 64],
	    ~(UINT64_C(1) << watcher % 64));
}

void
feed_unwatch_all(struct arena *a, unsigned watcher)
{
	uint32_t i;

	for (i = 0; i < a->shards_count; i++)
		feed_unwatch(a, i, watcher);
}

bool
feed_watchers(struct arena *a, uint32_t shard, struct feed_watchers *w)
{
	const struct shard *sh = &a->shards[shard];
	uint64_t any = 0;
	unsigned i;

	/* Orders the change before the look: a watcher that was not seen
	 * opens its feed after the change. */
	atomic_thread_fence(memory_order_seq_cst);
	if (word_load(&sh->watched) == 0)
		return false;
	for (i = 0; i < FEED_WATCHERS_MAX / 64; i++) {
		w->bits[i] = word_load(&sh->watchers[i]);
		any |= w->bits[i];
	}
	return any != 0;
}
