/*
 * Who listens to what: clients, and for clients of theirs, nodes.
 */

#include "server/channel.h"

#include <stdlib.h>
#include <string.h>

#include "proto/glob.h"
#include "server/channel_state.h"
#include "server/channel_upstream.h"
#include "shm/board.h"
#include "shm/hash.h"

#define FEW	64	/* hearings of one listener, which are looked through */

struct hearings *
channel_chain(struct channels *c, struct slice name)
{
	return &c->names[hash_keyed(c->seed, name.data, name.len) %
	    CHANNEL_HASH];
}

static struct hearing *
find_among(const struct listener *l, enum channel_kind kind,
    struct slice name)
{
	struct hearing *h;

	TAILQ_FOREACH(h, &l->hearings[kind], of_listener)
		if (hearing_is_named(h, name))
			break;
	return h;
}

/* Of a name others may have many hearings, and of names one may have many. */
static struct hearing *
find(const struct session *s, enum channel_kind kind, struct slice name)
{
	const struct listener *l = s->listener;
	struct hearing *h;

	if (l == NULL)
		return NULL;
	if (kind == CHANNEL_PATTERN || l->count <= FEW)
		return find_among(l, kind, name);
	TAILQ_FOREACH(h, channel_chain(s->sessions->channels, name), of_all)
		if (h->listener == l && hearing_is_named(h, name))
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
	    hearing_join(c, kind, h))
		return h;
	free_hearing(h);
	return NULL;
}

static void
end_hearing(struct channels *c, struct hearing *h)
{
	hearing_leave(c, h);
	upstream_leave(h->upstream);
	free_hearing(h);
}

static void
insert(struct channels *c, struct listener *l, enum channel_kind kind,
    struct hearing *h)
{
	h->listener = l;
	TAILQ_INSERT_TAIL(&l->hearings[kind], h, of_listener);
	TAILQ_INSERT_TAIL(kind == CHANNEL_NAME ? channel_chain(c,
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
	TAILQ_REMOVE(kind == CHANNEL_NAME ? channel_chain(c,
	    (struct slice){ h->name, h->len }) : &c->patterns, h, of_all);
	h->listener->count--;
	if (!hearing_is_of_node(h)) {
		h->listener->session->heard[kind]--;
		roster_unhear(c->roster, (enum roster_kind)kind,
		    (struct slice){ h->name, h->len });
	}
	hearing_end_wait(h);
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
	arc4random_buf(c->seed, sizeof(c->seed));
	for (i = 0; i < CHANNEL_HASH; i++)
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
	subscribe_listen(subs, channels_hear, c);
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
