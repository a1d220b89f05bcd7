/*
 * Where listeners listen: the feeds of the shards that may have something for
 * them, from the moment at which they came.
 */

#include <stdlib.h>

#include "server/channel_state.h"
#include "server/clock.h"
#include "shm/board.h"

/* Of all shards it may be millions of names that come or go. */
static void
beat(const struct channels *c)
{
	board_beat(c->arena, c->slot, clock_ms());
}

static void
leave(struct channels *c, const struct place *place)
{
	subscribe_leave(c->subs, place->shard);
	if (!place->of_events || --c->heard[place->shard] > 0)
		return;
	keyspace_unlearn(c->keyspace, place->shard);
	beat(c);
}

static bool
join(struct channels *c, struct place *place)
{
	struct feed now;

	subscribe_join(c->subs, place->shard);
	feed_open(c->arena, place->shard, &now);
	place->since = now.lsn;
	if (!place->of_events || c->heard[place->shard]++ > 0)
		return true;
	if (keyspace_learn(c->keyspace, place->shard)) {
		beat(c);
		return true;
	}
	leave(c, place);
	return false;
}

static uint32_t
shard_of(const struct channels *c, struct slice name)
{
	return arena_shard_of(c->arena,
	    (struct bytes){ name.data, name.len });
}

static void
add_place(struct hearing *h, uint32_t shard, bool of_events)
{
	h->places[h->n_places++] = (struct place){
		.shard = shard, .of_events = of_events
	};
}

/*
 * Messages on a channel are said in the shard of its name, and may be on any
 * that matches a pattern; events are told where they happen.
 */
static bool
find_places(struct channels *c, enum channel_kind kind, struct hearing *h)
{
	struct slice subject, name = { h->name, h->len };
	enum keyspace_scope scope = keyspace_scope(kind, name, &subject);
	uint32_t i, shard = shard_of(c, name);
	bool all = kind == CHANNEL_PATTERN || scope == KEYSPACE_ALL;

	h->places = calloc(all ? c->shards : NAME_PLACES, sizeof(*h->places));
	if (h->places == NULL)
		return false;
	for (i = 0; all && i < c->shards; i++)
		add_place(h, i, scope == KEYSPACE_ALL);
	if (!all && (scope == KEYSPACE_NONE || shard_of(c, subject) != shard))
		add_place(h, shard, false);
	if (scope == KEYSPACE_ONE)
		add_place(h, shard_of(c, subject), true);
	return true;
}

/* n of its places. */
static void
leave_some(struct channels *c, struct hearing *h, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		leave(c, &h->places[i]);
	free(h->places);
}

void
hearing_leave(struct channels *c, struct hearing *h)
{
	leave_some(c, h, h->n_places);
}

bool
hearing_join(struct channels *c, enum channel_kind kind, struct hearing *h)
{
	uint32_t i;

	if (!find_places(c, kind, h))
		return false;
	for (i = 0; i < h->n_places; i++)
		if (!join(c, &h->places[i])) {
			leave_some(c, h, i);
			return false;
		}
	return true;
}

const struct place *
hearing_place(const struct hearing *h, uint32_t shard)
{
	uint32_t i;

	/* Where it is if it is everywhere. */
	if (shard < h->n_places && h->places[shard].shard == shard)
		return &h->places[shard];
	for (i = 0; i < h->n_places && i < NAME_PLACES; i++)
		if (h->places[i].shard == shard)
			return &h->places[i];
	return NULL;
}

/* --- all of them, for who keeps what it has read --- */

static void
leave_first(struct channels *c, uint32_t n)
{
	struct place place = { .of_events = true };

	for (place.shard = 0; place.shard < n; place.shard++)
		leave(c, &place);
}

uint64_t *
channels_follow(struct channels *c)
{
	uint64_t *since = calloc(c->shards, sizeof(*since));
	struct place place = { .of_events = true };

	if (since == NULL)
		return NULL;
	for (; place.shard < c->shards; place.shard++) {
		if (!join(c, &place)) {
			leave_first(c, place.shard);
			free(since);
			return NULL;
		}
		since[place.shard] = place.since;
	}
	return since;
}

void
channels_unfollow(struct channels *c, uint64_t *since)
{
	leave_first(c, c->shards);
	free(since);
}
