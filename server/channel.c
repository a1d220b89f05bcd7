/*
 * Who listens to what.  Listeners are found by a hash of the channel's name;
 * patterns are tried one by one, so they are a price that each message pays.
 */

#include "server/channel.h"

#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include "proto/glob.h"
#include "proto/resp_reply.h"
#include "server/channel_upstream.h"
#include "server/keyspace.h"
#include "shm/board.h"

#define HASH_SIZE	1024U		/* a power of two */
#define NAME_PLACES	2U		/* for messages, and for events */

struct place {			/* a shard whose feed is listened to */
	uint32_t		 shard;
	bool			 of_events;	/* not for messages alone */
	uint64_t		 since;		/* revision expected next */
};

struct hearing {		/* of one listener, one channel or pattern */
	TAILQ_ENTRY(hearing)	 of_listener;
	TAILQ_ENTRY(hearing)	 of_all;	/* with this hash */
	struct listener		*listener;
	struct glob		*glob;		/* NULL: a name */
	struct upstream		*upstream;	/* or NULL */
	bool			 waits;		/* for it to stand */
	struct place		*places;
	uint32_t		 n_places;	/* NAME_PLACES, or all */
	size_t			 len;
	uint8_t			 name[];
};

TAILQ_HEAD(hearings, hearing);

struct listener {
	struct session		*session;	/* or NULL: a node, to whom */
	void			(*hear)(void *arg, const struct slice *words);
	void			*arg;		/* ... this tells */
	struct outbuf		*out;
	size_t			 waits;		/* hearings that do */
	struct hearings		 hearings[2];	/* names, patterns */
	size_t			 count;
	bool			 touched;
	bool			 lost;
	TAILQ_ENTRY(listener)	 next_touched;
};

struct channels {
	struct arena		*arena;
	struct subscriptions	*subs;
	struct roster		*roster;
	unsigned		 slot;
	uint32_t		 shards;
	uint64_t		*heard;		/* by shard: places of_events */
	struct keyspace		*keyspace;
	struct upstreams	*upstreams;
	struct hearings		 names[HASH_SIZE];
	struct hearings		 patterns;
	TAILQ_HEAD(, listener)	 touched;
};

static struct hearings *
chain_of(struct channels *c, struct slice name)
{
	uint32_t hash = 0x811c9dc5;
	size_t i;

	for (i = 0; i < name.len; i++)
		hash = (hash ^ name.data[i]) * 0x01000193;
	return &c->names[hash % HASH_SIZE];
}

static bool
is_named(const struct hearing *h, struct slice name)
{
	return h->len == name.len &&
	    (name.len == 0 || memcmp(h->name, name.data, name.len) == 0);
}

/* --- messages --- */

static void
touch(struct channels *c, struct listener *l)
{
	if (l->touched)
		return;
	l->touched = true;
	TAILQ_INSERT_TAIL(&c->touched, l, next_touched);
}

struct session *
channels_next_touched(struct channels *c, bool *lost)
{
	struct listener *l = TAILQ_FIRST(&c->touched);

	if (l == NULL)
		return NULL;
	TAILQ_REMOVE(&c->touched, l, next_touched);
	l->touched = false;
	*lost = l->lost;
	return l->session;
}

static void
put_word(struct outbuf *out, const char *word)
{
	resp_put_bulk(out, (struct slice){ (const uint8_t *)word,
	    strlen(word) });
}

static void
write_message(const struct hearing *h, struct slice channel,
    struct slice message)
{
	struct outbuf *out = h->listener->out;
	enum resp_version v = h->listener->session->protocol ==
	    REQUEST_RESP3 ? RESP_3 : RESP_2;

	resp_put_list(out, v, RESP_PUSH, h->glob != NULL ? 4 : 3);
	put_word(out, h->glob != NULL ? "pmessage" : "message");
	if (h->glob != NULL)
		resp_put_bulk(out, (struct slice){ h->name, h->len });
	resp_put_bulk(out, channel);
	resp_put_bulk(out, message);
}

static bool
is_of_node(const struct hearing *h)
{
	return h->listener->hear != NULL;
}

/* NULL: it does not listen there. */
static const struct place *
place_in(const struct hearing *h, uint32_t shard)
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

static bool
has_listened(const struct hearing *h, uint32_t shard, uint64_t revision)
{
	const struct place *place = place_in(h, shard);

	return place != NULL && place->since <= revision;
}

static void
tell(struct channels *c, const struct hearing *h, struct slice channel,
    struct slice message)
{
	const struct slice words[] = { channel, message };
	struct listener *l = h->listener;

	if (l->hear != NULL) {
		l->hear(l->arg, words);
		return;
	}
	write_message(h, channel, message);
	touch(c, l);
}

/* What somebody has said is for our own clients: who has said it tells other
 * nodes. */
static void
tell_all(struct channels *c, uint32_t shard, uint64_t revision, bool was_said,
    const struct slice *words)
{
	const struct hearing *h;

	TAILQ_FOREACH(h, chain_of(c, words[0]), of_all)
		if (is_named(h, words[0]) &&
		    has_listened(h, shard, revision) &&
		    !(was_said && is_of_node(h)))
			tell(c, h, words[0], words[1]);
	TAILQ_FOREACH(h, &c->patterns, of_all)
		if (has_listened(h, shard, revision) &&
		    !(was_said && is_of_node(h)) &&
		    glob_match(h->glob, words[0]))
			tell(c, h, words[0], words[1]);
}

void
channels_tell(struct channels *c, uint32_t shard, uint64_t revision,
    struct slice channel, struct slice message)
{
	const struct slice words[] = { channel, message };

	tell_all(c, shard, revision, false, words);
}

void
channels_tell_upstream(struct channels *c, const struct upstream *upstream,
    struct slice channel, struct slice message)
{
	const struct hearing *h;

	TAILQ_FOREACH(h, chain_of(c, channel), of_all)
		if (h->upstream == upstream && is_named(h, channel))
			tell(c, h, channel, message);
	TAILQ_FOREACH(h, &c->patterns, of_all)
		if (h->upstream == upstream)
			tell(c, h, channel, message);
}

static void
end_wait(struct hearing *h)
{
	h->listener->waits -= h->waits;
	h->waits = false;
}

static void
stand(struct channels *c, struct hearings *list,
    const struct upstream *upstream)
{
	struct hearing *h;

	TAILQ_FOREACH(h, list, of_all)
		if (h->waits && h->upstream == upstream) {
			end_wait(h);
			touch(c, h->listener);
		}
}

void
channels_stand(struct channels *c, const struct upstream *upstream)
{
	size_t i;

	for (i = 0; i < HASH_SIZE; i++)
		stand(c, &c->names[i], upstream);
	stand(c, &c->patterns, upstream);
}

bool
channels_wait(const struct session *s)
{
	return s->listener != NULL && s->listener->waits > 0;
}

static void
lose(struct channels *c, const struct hearings *list, uint32_t shard)
{
	const struct hearing *h;

	TAILQ_FOREACH(h, list, of_all)
		if (place_in(h, shard) == NULL) {
			continue;
		} else if (is_of_node(h)) {
			h->listener->hear(h->listener->arg, NULL);
		} else {
			h->listener->lost = true;
			touch(c, h->listener);
		}
}

static struct slice
slice_of(struct bytes b)
{
	return (struct slice){ b.data, b.len };
}

/* What the feed of a shard has; NULL: some of it is gone. */
static void
hear(void *arg, uint32_t shard, const struct feed_event *event)
{
	struct channels *c = arg;
	struct slice words[2];
	size_t i;

	if (event == NULL) {
		for (i = 0; i < HASH_SIZE; i++)
			lose(c, &c->names[i], shard);
		lose(c, &c->patterns, shard);
	} else if (event->op == FEED_MESSAGE) {
		words[0] = slice_of(event->key);
		words[1] = slice_of(event->value);
		tell_all(c, shard, event->revision, true, words);
	} else if (c->heard[shard] > 0) {
		keyspace_event(c->keyspace, shard, event);
	}
}

/* --- shards --- */

static void
leave(struct channels *c, const struct place *place)
{
	subscribe_leave(c->subs, place->shard);
	if (place->of_events && --c->heard[place->shard] == 0)
		keyspace_unlearn(c->keyspace, place->shard);
}

static bool
join(struct channels *c, struct place *place)
{
	struct feed now;

	subscribe_join(c->subs, place->shard);
	feed_open(c->arena, place->shard, &now);
	place->since = now.lsn;
	if (!place->of_events || c->heard[place->shard]++ > 0 ||
	    keyspace_learn(c->keyspace, place->shard))
		return true;
	leave(c, place);
	return false;
}

/* n of its places. */
static void
leave_all(struct channels *c, struct hearing *h, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		leave(c, &h->places[i]);
	free(h->places);
}

static bool
join_all(struct channels *c, struct hearing *h)
{
	uint32_t i;

	for (i = 0; i < h->n_places; i++)
		if (!join(c, &h->places[i])) {
			leave_all(c, h, i);
			return false;
		}
	return true;
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

/* --- listeners --- */

static struct hearing *
find(const struct session *s, enum channel_kind kind, struct slice name)
{
	struct hearing *h;

	if (s->listener == NULL)
		return NULL;
	TAILQ_FOREACH(h, &s->listener->hearings[kind], of_listener)
		if (is_named(h, name))
			break;
	return h;
}

static struct listener *
listener_of(struct session *s, struct outbuf *out)
{
	struct channels *c = s->sessions->channels;
	struct listener *l = s->listener;

	if (l != NULL || (l = calloc(1, sizeof(*l))) == NULL)
		return l;
	l->session = s;
	l->out = out;
	TAILQ_INIT(&l->hearings[CHANNEL_NAME]);
	TAILQ_INIT(&l->hearings[CHANNEL_PATTERN]);
	board_add(c->arena, c->slot, BOARD_SUBSCRIBERS, 1);
	return s->listener = l;
}

static void
free_hearing(struct hearing *h)
{
	glob_free(h->glob);
	free(h);
}

/* Without its place among others. */
static struct hearing *
new_hearing(struct channels *c, enum channel_kind kind, struct slice name)
{
	struct hearing *h = calloc(1, sizeof(*h) + name.len);

	if (h == NULL)
		return NULL;
	h->len = name.len;
	if (name.len > 0)
		memcpy(h->name, name.data, name.len);
	if (kind == CHANNEL_PATTERN)
		h->glob = glob_new(name, false);
	if ((kind == CHANNEL_NAME || h->glob != NULL) &&
	    find_places(c, kind, h) && join_all(c, h))
		return h;
	free_hearing(h);
	return NULL;
}

static void
end_hearing(struct channels *c, struct hearing *h)
{
	leave_all(c, h, h->n_places);
	upstream_leave(h->upstream);
	free_hearing(h);
}

static void
insert(struct channels *c, struct listener *l, enum channel_kind kind,
    struct hearing *h)
{
	h->listener = l;
	TAILQ_INSERT_TAIL(&l->hearings[kind], h, of_listener);
	TAILQ_INSERT_TAIL(kind == CHANNEL_NAME ? chain_of(c,
	    (struct slice){ h->name, h->len }) : &c->patterns, h, of_all);
	l->count++;
}

/* It is a client who listens, so others are to know, and to tell. */
static bool
announce(const struct session *s, enum channel_kind kind, struct hearing *h)
{
	struct channels *c = s->sessions->channels;
	struct slice name = { h->name, h->len };

	return upstream_join(c->upstreams, kind, name, s->sessions->now_ms,
	    &h->upstream) &&
	    roster_hear(c->roster, (enum roster_kind)kind, name);
}

bool
channel_add(struct session *s, enum channel_kind kind, struct slice name,
    struct outbuf *out)
{
	struct channels *c = s->sessions->channels;
	struct listener *l = listener_of(s, out);
	struct hearing *h;

	if (l == NULL)
		return false;
	if (find(s, kind, name) != NULL)
		return true;
	if ((h = new_hearing(c, kind, name)) == NULL ||
	    !announce(s, kind, h)) {
		if (h != NULL)
			end_hearing(c, h);
		if (l->count == 0)
			channels_forget(s);
		return false;
	}
	insert(c, l, kind, h);
	s->heard[kind]++;
	h->waits = h->upstream != NULL && !upstream_stands(h->upstream);
	l->waits += h->waits;
	return true;
}

static void
remove_hearing(struct channels *c, enum channel_kind kind, struct hearing *h)
{
	TAILQ_REMOVE(&h->listener->hearings[kind], h, of_listener);
	TAILQ_REMOVE(kind == CHANNEL_NAME ? chain_of(c,
	    (struct slice){ h->name, h->len }) : &c->patterns, h, of_all);
	h->listener->count--;
	if (!is_of_node(h)) {
		h->listener->session->heard[kind]--;
		roster_unhear(c->roster, (enum roster_kind)kind,
		    (struct slice){ h->name, h->len });
	}
	end_wait(h);
	end_hearing(c, h);
}

void
channel_remove(struct session *s, enum channel_kind kind, struct slice name)
{
	struct hearing *h = find(s, kind, name);

	if (h == NULL)
		return;
	remove_hearing(s->sessions->channels, kind, h);
	if (s->listener->count == 0)
		channels_forget(s);
}

void
channels_forget(struct session *s)
{
	struct listener *l = s->listener;
	struct hearing *h, *next;
	struct channels *c;
	int kind;

	if (l == NULL)
		return;
	c = s->sessions->channels;
	for (kind = CHANNEL_NAME; kind <= CHANNEL_PATTERN; kind++)
		for (h = TAILQ_FIRST(&l->hearings[kind]); h != NULL;
		    h = next) {
			next = TAILQ_NEXT(h, of_listener);
			remove_hearing(c, (enum channel_kind)kind, h);
		}
	if (l->touched)
		TAILQ_REMOVE(&c->touched, l, next_touched);
	board_sub(c->arena, c->slot, BOARD_SUBSCRIBERS, 1);
	free(l);
	s->listener = NULL;
}

size_t
channels_count(const struct session *s)
{
	return s->listener == NULL ? 0 : s->listener->count;
}

bool
channel_any(const struct session *s, enum channel_kind kind,
    struct slice *name)
{
	const struct hearing *h = NULL;

	if (s->listener != NULL)
		h = TAILQ_FIRST(&s->listener->hearings[kind]);
	if (h != NULL)
		*name = (struct slice){ h->name, h->len };
	return h != NULL;
}

/* --- nodes --- */

struct listener *
channel_add_node(struct channels *c, enum channel_kind kind,
    struct slice name, void (*tell_node)(void *, const struct slice *),
    void *arg)
{
	struct listener *l = calloc(1, sizeof(*l));
	struct hearing *h;

	if (l == NULL)
		return NULL;
	if ((h = new_hearing(c, kind, name)) == NULL) {
		free(l);
		return NULL;
	}
	l->hear = tell_node;
	l->arg = arg;
	TAILQ_INIT(&l->hearings[CHANNEL_NAME]);
	TAILQ_INIT(&l->hearings[CHANNEL_PATTERN]);
	insert(c, l, kind, h);
	return l;
}

void
channel_remove_node(struct channels *c, struct listener *l)
{
	struct hearing *h = TAILQ_FIRST(&l->hearings[CHANNEL_NAME]);

	if (h != NULL)
		remove_hearing(c, CHANNEL_NAME, h);
	else
		remove_hearing(c, CHANNEL_PATTERN,
		    TAILQ_FIRST(&l->hearings[CHANNEL_PATTERN]));
	free(l);
}

/* --- all of them --- */

void
channels_set_links(struct channels *c, struct links *links,
    const struct route *route)
{
	upstreams_set_links(c->upstreams, links, route);
}

void
channels_tick(struct channels *c, uint64_t now_ms)
{
	upstreams_tick(c->upstreams, now_ms);
}

struct channels *
channels_open(struct arena *arena, struct subscriptions *subs, unsigned slot,
    struct roster *roster)
{
	struct channels *c = calloc(1, sizeof(*c));
	size_t i;

	if (c == NULL)
		return NULL;
	c->arena = arena;
	c->subs = subs;
	c->slot = slot;
	c->roster = roster;
	c->shards = arena_shards(arena);
	for (i = 0; i < HASH_SIZE; i++)
		TAILQ_INIT(&c->names[i]);
	TAILQ_INIT(&c->patterns);
	TAILQ_INIT(&c->touched);
	c->heard = calloc(c->shards, sizeof(*c->heard));
	c->keyspace = keyspace_open(arena, c);
	c->upstreams = upstreams_open(c);
	if (c->heard == NULL || c->keyspace == NULL || c->upstreams == NULL) {
		channels_close(c);
		return NULL;
	}
	subscribe_listen(subs, hear, c);
	return c;
}

void
channels_close(struct channels *c)
{
	if (c == NULL)
		return;
	keyspace_close(c->keyspace);
	upstreams_close(c->upstreams);
	free(c->heard);
	free(c);
}
