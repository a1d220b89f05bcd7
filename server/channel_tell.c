/*
 * Who is told of a message or an event.  Listeners are found by a hash of the
 * channel's name; patterns are tried one by one, so they are a price that each
 * message pays.
 */

#include <string.h>

#include "proto/glob.h"
#include "proto/resp_reply.h"
#include "server/channel_state.h"
#include "server/channel_upstream.h"
#include "server/tracking.h"

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
has_listened(const struct hearing *h, uint32_t shard, uint64_t revision)
{
	const struct place *place = hearing_place(h, shard);

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

	TAILQ_FOREACH(h, channel_chain(c, words[0]), of_all)
		if (hearing_is_named(h, words[0]) &&
		    has_listened(h, shard, revision) &&
		    !(was_said && hearing_is_of_node(h)))
			tell(c, h, words[0], words[1]);
	TAILQ_FOREACH(h, &c->patterns, of_all)
		if (has_listened(h, shard, revision) &&
		    !(was_said && hearing_is_of_node(h)) &&
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

	TAILQ_FOREACH(h, channel_chain(c, channel), of_all)
		if (h->upstream == upstream && hearing_is_named(h, channel))
			tell(c, h, channel, message);
	TAILQ_FOREACH(h, &c->patterns, of_all)
		if (h->upstream == upstream)
			tell(c, h, channel, message);
}

void
hearing_end_wait(struct hearing *h)
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
			hearing_end_wait(h);
			touch(c, h->listener);
		}
}

void
channels_stand(struct channels *c, const struct upstream *upstream)
{
	size_t i;

	for (i = 0; i < CHANNEL_HASH; i++)
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
		if (hearing_place(h, shard) == NULL) {
			continue;
		} else if (hearing_is_of_node(h)) {
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

void
channels_hear(void *arg, uint32_t shard, const struct feed_event *event)
{
	struct channels *c = arg;
	struct slice words[2];
	size_t i;

	tracking_event(c->tracking, shard, event);
	if (event == NULL) {
		for (i = 0; i < CHANNEL_HASH; i++)
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

void
channels_changed(struct channels *c, uint32_t shard, uint64_t revision,
    struct slice name)
{
	tracking_changed(c->tracking, shard, revision, name);
}

void
channels_set_tracking(struct channels *c, struct tracking *tracking)
{
	c->tracking = tracking;
}
