/*
 * From records to what is not true any more.
 *
 * A record of a string has its name as key, in the bucket that strings live
 * in; that of a bucket's pair has the number of the bucket.  FLUSHALL is told
 * by a count that all workers see, and not by its records: clients expect one
 * message, that all is gone.
 */

#include <stdlib.h>
#include <string.h>

#include "server/agreed.h"
#include "server/tracking_state.h"

/* --- who did it --- */

const struct session *
tracking_author(const struct tracking *t, uint32_t shard, uint64_t revision)
{
	const struct own *o;
	size_t i;

	for (i = 0; i < t->n_own; i++) {
		o = &t->own[i];
		if (o->revisions.shard == shard &&
		    o->revisions.first <= revision &&
		    revision <= o->revisions.last)
			return o->session;
	}
	return NULL;
}

static void
forget_own_before(struct tracking *t, uint32_t shard, uint64_t revision)
{
	size_t i, n = 0;

	for (i = 0; i < t->n_own; i++)
		if (t->own[i].revisions.shard != shard ||
		    t->own[i].revisions.last >= revision)
			t->own[n++] = t->own[i];
	t->n_own = n;
}

void
tracking_forget_own(struct tracking *t, uint32_t shard)
{
	if (t->broadcasts == 0)
		forget_own_before(t, shard, UINT64_MAX);
}

static bool
has_room(struct tracking *t)
{
	size_t max = t->max_own == 0 ? 16 : 2 * t->max_own;
	struct own *own;

	if (t->n_own < t->max_own)
		return true;
	if ((own = reallocarray(t->own, max, sizeof(*own))) == NULL)
		return false;
	t->own = own;
	t->max_own = max;
	return true;
}

/* What cannot be remembered, or comes from no feed, is told to its author. */
void
tracking_own(struct session *s, struct store_changes *changes)
{
	struct tracking *t = s->sessions->tracking;
	size_t i;

	for (i = 0; i < changes->n; i++)
		if ((t->used[changes->of[i].shard] > 0 ||
		    t->broadcasts > 0) && has_room(t))
			t->own[t->n_own++] = (struct own){ s, changes->of[i] };
	changes->n = 0;
}

/* --- what was read --- */

static void
invalidate_since(struct tracking *t, struct tracked *k, uint32_t shard,
    uint64_t revision)
{
	const struct session *author = tracking_author(t, shard, revision);
	const struct slice name = { k->name, k->len };
	struct reading *r, *next;

	for (r = TAILQ_FIRST(&k->readings); r != NULL; r = next) {
		next = TAILQ_NEXT(r, of_name);
		if (r->since > revision)
			continue;
		if (!r->tracker->mode.noloop ||
		    r->tracker->session != author)
			tracking_write(r->tracker, &name);
		/* With the last one goes k, and next is NULL. */
		tracking_drop_reading(t, r);
	}
}

void
tracking_invalidate(struct tracking *t, struct tracked *k)
{
	invalidate_since(t, k, k->shard, UINT64_MAX);
}

static void
on_name(struct tracking *t, uint32_t shard, const struct feed_event *event)
{
	struct tracked *k = tracking_find(t,
	    (struct slice){ event->key.data, event->key.len });

	if (k != NULL)
		invalidate_since(t, k, shard, event->revision);
}

static void
on_bucket(struct tracking *t, uint32_t shard, const struct feed_event *event)
{
	struct tracked *k, *next;

	for (k = TAILQ_FIRST(tracking_chain_of_id(t, event->bucket_id));
	    k != NULL; k = next) {
		next = TAILQ_NEXT(k, same_id);
		if (k->id == event->bucket_id && k->shard == shard)
			invalidate_since(t, k, shard, event->revision);
	}
}

/* Of those that are a bucket's name this is said once too often. */
static void
on_all(struct tracking *t, uint32_t shard, uint64_t revision)
{
	struct tracked *k, *next;

	for (k = TAILQ_FIRST(&t->age); k != NULL; k = next) {
		next = TAILQ_NEXT(k, age);
		if (k->shard == shard)
			invalidate_since(t, k, shard, revision);
	}
}

/* The bucket that strings live in comes and goes. */
static void
on_strings(struct tracking *t, uint32_t shard, const struct feed_event *event)
{
	if (event->op == FEED_CREATED) {
		t->strings[shard] = event->bucket_id;
		return;
	}
	t->strings[shard] = 0;
	on_all(t, shard, event->revision);
}

static void
on_event(struct tracking *t, uint32_t shard, const struct feed_event *event)
{
	switch (event->op) {
	case FEED_CREATED:
	case FEED_DROPPED:
		if (event->key.len == 0)
			on_strings(t, shard, event);
		else
			on_name(t, shard, event);
		return;
	case FEED_SET:
	case FEED_DELETED:
		if (event->bucket_id == t->strings[shard])
			on_name(t, shard, event);
		else
			on_bucket(t, shard, event);
		return;
	case FEED_TOUCHED:
		on_bucket(t, shard, event);
		return;
	case FEED_MESSAGE:
		return;
	}
}

/* --- all there is --- */

static void
flush_tracker(struct tracker *tracker)
{
	tracking_drop_readings(tracker);
	tracking_write(tracker, NULL);
}

/*
 * Before the records: what is read from now on is told by those.  Who began
 * after it has nothing to do with it.
 */
static void
look_for_flush(struct tracking *t)
{
	uint64_t flushes = agreed_flushes(t->peers.agreed);
	struct tracker *tracker;

	if (flushes == t->flushes)
		return;
	t->flushes = flushes;
	tracking_forget_changed(t);
	TAILQ_FOREACH(tracker, &t->trackers, all) {
		if (tracker->flushes != flushes)
			flush_tracker(tracker);
		tracker->flushes = flushes;
	}
}

static void
on_loss(struct tracking *t, uint32_t shard)
{
	on_all(t, shard, UINT64_MAX);
	tracking_broadcast_all(t);
}

void
tracking_event(struct tracking *t, uint32_t shard,
    const struct feed_event *event)
{
	if (TAILQ_EMPTY(&t->trackers))
		return;
	look_for_flush(t);
	if (event == NULL) {
		on_loss(t, shard);
		return;
	}
	if (t->n_own > 0)
		forget_own_before(t, shard, event->revision);
	if (t->used[shard] > 0)
		on_event(t, shard, event);
}

void
tracking_tell(struct tracking *t)
{
	look_for_flush(t);
	tracking_broadcast(t);
}
