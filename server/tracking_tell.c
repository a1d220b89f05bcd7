/*
 * What clients that track are told.
 *
 * In RESP3 it is a push; in RESP2 it is a message on a channel, for another
 * client that listens to any; who can be sent neither hears nothing, as with
 * Redis.  Names of broadcasts are gathered while feeds are read, so that one
 * that changes often is told once.
 */

#include <stdlib.h>
#include <string.h>

#include "proto/resp_reply.h"
#include "server/channel.h"
#include "server/tracking_state.h"

#define CHANNEL	"__redis__:invalidate"

static void
put_word(struct outbuf *out, const char *word)
{
	resp_put_bulk(out, (struct slice){ (const uint8_t *)word,
	    strlen(word) });
}

/* --- one message --- */

/* Who is told nothing any more, for the other one has gone, is told that. */
static void
write_broken(struct session *s, uint64_t redirect)
{
	if (s->protocol != REQUEST_RESP3)
		return;
	resp_put_list(&s->news, RESP_3, RESP_PUSH, 2);
	put_word(&s->news, "tracking-redir-broken");
	resp_put_integer(&s->news, (int64_t)redirect);
	session_has_news(s);
}

/* The head, behind which a list of names follows; NULL: nobody hears it. */
static struct session *
write_head(const struct tracker *tracker)
{
	struct session *s = tracker->session;

	if (tracker->redirect != 0 && tracker->other == NULL) {
		write_broken(s, tracker->redirect);
		return NULL;
	}
	if (tracker->redirect != 0)
		s = tracker->other;
	if (s->protocol == REQUEST_RESP3) {
		resp_put_list(&s->news, RESP_3, RESP_PUSH, 2);
		put_word(&s->news, "invalidate");
	} else if (tracker->redirect != 0 && channels_count(s) > 0) {
		resp_put_list(&s->news, RESP_2, RESP_PUSH, 3);
		put_word(&s->news, "message");
		put_word(&s->news, CHANNEL);
	} else {
		return NULL;
	}
	session_has_news(s);
	return s;
}

static enum resp_version
version_of(const struct session *s)
{
	return s->protocol == REQUEST_RESP3 ? RESP_3 : RESP_2;
}

void
tracking_write(const struct tracker *tracker, const struct slice *name)
{
	struct session *s = write_head(tracker);

	if (s == NULL)
		return;
	if (name == NULL) {
		resp_put_null(&s->news, version_of(s));
		return;
	}
	resp_put_list(&s->news, version_of(s), RESP_ARRAY, 1);
	resp_put_bulk(&s->news, *name);
}

/* --- broadcasts --- */

static struct changed *
find_changed(const struct tracking *t, struct slice name)
{
	struct changed *c;

	TAILQ_FOREACH(c, &t->changed_by_hash[tracking_hash(t, name) %
	    CHANGED_HASH], same_hash)
		if (c->len == name.len && (name.len == 0 ||
		    memcmp(c->name, name.data, name.len) == 0))
			break;
	return c;
}

static struct changed *
add_changed(struct tracking *t, struct slice name)
{
	struct changed *c = calloc(1, sizeof(*c) + name.len);

	if (c == NULL)
		return NULL;
	c->len = name.len;
	if (name.len > 0)
		memcpy(c->name, name.data, name.len);
	TAILQ_INSERT_TAIL(&t->changed, c, next);
	TAILQ_INSERT_TAIL(&t->changed_by_hash[tracking_hash(t, name) %
	    CHANGED_HASH], c, same_hash);
	return c;
}

void
tracking_broadcast_all(const struct tracking *t)
{
	const struct tracker *tracker;

	TAILQ_FOREACH(tracker, &t->trackers, all)
		if (tracker->mode.bcast)
			tracking_write(tracker, NULL);
}

/* Without memory for a name all are told that everything has changed. */
void
tracking_changed(struct tracking *t, uint32_t shard, uint64_t revision,
    struct slice name)
{
	const struct session *author;
	struct changed *c;

	if (t->broadcasts == 0)
		return;
	author = tracking_author(t, shard, revision);
	if ((c = find_changed(t, name)) != NULL) {
		if (c->author != author)
			c->author = NULL;
	} else if ((c = add_changed(t, name)) != NULL) {
		c->author = author;
	} else {
		tracking_broadcast_all(t);
		return;
	}
	c->shard = shard;
	c->revision = revision;
}

static bool
is_told(const struct tracker *tracker, const struct prefix *p,
    const struct changed *c)
{
	return c->len >= p->text.len && (p->text.len == 0 ||
	    memcmp(c->name, p->text.data, p->text.len) == 0) &&
	    tracker->since[c->shard] <= c->revision &&
	    !(tracker->mode.noloop && c->author == tracker->session);
}

static void
tell_prefix(const struct tracker *tracker, const struct prefix *p)
{
	const struct tracking *t = tracker->tracking;
	const struct changed *c;
	struct session *s;
	size_t n = 0;

	TAILQ_FOREACH(c, &t->changed, next)
		n += is_told(tracker, p, c);
	if (n == 0 || (s = write_head(tracker)) == NULL)
		return;
	resp_put_list(&s->news, version_of(s), RESP_ARRAY, n);
	TAILQ_FOREACH(c, &t->changed, next)
		if (is_told(tracker, p, c))
			resp_put_bulk(&s->news,
			    (struct slice){ c->name, c->len });
}

void
tracking_forget_changed(struct tracking *t)
{
	struct changed *c;

	while ((c = TAILQ_FIRST(&t->changed)) != NULL) {
		TAILQ_REMOVE(&t->changed, c, next);
		TAILQ_REMOVE(&t->changed_by_hash[tracking_hash(t,
		    (struct slice){ c->name, c->len }) % CHANGED_HASH], c,
		    same_hash);
		free(c);
	}
}

void
tracking_broadcast(struct tracking *t)
{
	const struct tracker *tracker;
	const struct prefix *p;

	if (TAILQ_EMPTY(&t->changed))
		return;
	TAILQ_FOREACH(tracker, &t->trackers, all)
		TAILQ_FOREACH(p, &tracker->prefixes, next)
			tell_prefix(tracker, p);
	tracking_forget_changed(t);
}
