/*
 * What other nodes tell us of their buckets.
 *
 * A node tells of its own buckets only, so who listens here to a channel of
 * events must be told by whoever has them: the owner of the name, or each of
 * the others.  The streams are the feeds of links, which come back by
 * themselves when a link was broken; one that has never begun, or was refused,
 * is asked for here again.
 *
 * Until all have begun, whoever has subscribed is not told so: then what it
 * does next anywhere is heard.  But nobody waits for a node that is down.
 */

#include "server/channel_upstream.h"

#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>

#include "proto/frame.h"
#include "server/keyspace.h"
#include "server/link.h"

#define WAIT_MS		1000	/* for all nodes */
#define RETRY_MS	200

struct source {			/* a node */
	struct upstream		*upstream;
	uint32_t		 node;
	bool			 is_new;	/* and has not answered */
	uint64_t		 retry_ms;	/* unless it tells */
	struct follower		 follower;
};

struct upstream {
	TAILQ_ENTRY(upstream)	 next;
	struct upstreams	*all;
	enum channel_kind	 kind;
	unsigned		 listeners;
	bool			 stands;
	uint64_t		 limit_ms;	/* it does from then on */
	uint32_t		 missing;	/* sources that are new */
	uint32_t		 n_sources;
	struct source		*sources;
	size_t			 len;
	uint8_t			 name[];
};

struct upstreams {
	struct channels		*channels;
	struct links		*links;		/* NULL: no other nodes */
	const struct route	*route;
	uint64_t		 now_ms;
	TAILQ_HEAD(, upstream)	 list;
};

/* Of one event at a time. */
static struct request words;

static void
stand(struct upstream *u)
{
	if (u->stands)
		return;
	u->stands = true;
	channels_stand(u->all->channels, u);
}

static void
hear(const struct upstream *u, struct slice payload)
{
	const struct frame frame = {
		.op = FRAME_EVENT, .flags = FRAME_TEXT, .payload = payload
	};
	const char *reason;

	if (frame_words(&frame, &words, &reason) && words.argc == 2)
		channels_tell_upstream(u->all->channels, u, words.argv[0],
		    words.argv[1]);
}

static void
answered(struct source *s)
{
	if (!s->is_new)
		return;
	s->is_new = false;
	if (--s->upstream->missing == 0)
		stand(s->upstream);
}

static void
news(void *arg, void *who, enum link_news what, const char *node,
    struct slice text)
{
	struct source *s = who;

	(void)arg;
	(void)node;
	switch (what) {
	case LINK_NEWS_EVENT:
		hear(s->upstream, text);
		break;
	case LINK_NEWS_BEGUN:
		answered(s);
		break;
	case LINK_NEWS_ENDED:
	case LINK_NEWS_REFUSED:
		s->retry_ms = s->upstream->all->now_ms + RETRY_MS;
		answered(s);
		break;
	case LINK_NEWS_LOST:
	case LINK_NEWS_RESUMED:
		break;
	}
}

static void
follow(struct source *s)
{
	struct upstream *u = s->upstream;

	s->follower.who = s;
	s->follower.news = news;
	link_follow(links_to(u->all->links, s->node), &s->follower,
	    u->kind == CHANNEL_NAME ? LINK_CHANNEL : LINK_PATTERN,
	    (struct slice){ u->name, u->len }, FRAME_NO_SHARD);
}

/* Which nodes: that one, or all others. */
static bool
find_sources(struct upstream *u, uint32_t owner)
{
	const struct route *route = u->all->route;
	uint32_t i, n = owner == ROUTE_NOBODY ? route_count(route) : 1;

	if ((u->sources = calloc(n, sizeof(*u->sources))) == NULL)
		return false;
	for (i = 0; i < route_count(route); i++) {
		if (i == route_self(route) ||
		    (owner != ROUTE_NOBODY && i != owner))
			continue;
		u->sources[u->n_sources++] = (struct source){
			.upstream = u, .node = i, .is_new = true
		};
	}
	u->missing = u->n_sources;
	return true;
}

static struct upstream *
make(struct upstreams *all, enum channel_kind kind, struct slice name,
    uint32_t owner)
{
	struct upstream *u = calloc(1, sizeof(*u) + name.len);
	uint32_t i;

	if (u == NULL)
		return NULL;
	u->all = all;
	u->kind = kind;
	u->len = name.len;
	if (name.len > 0)
		memcpy(u->name, name.data, name.len);
	u->limit_ms = all->now_ms + WAIT_MS;
	if (!find_sources(u, owner)) {
		free(u);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&all->list, u, next);
	for (i = 0; i < u->n_sources; i++)
		follow(&u->sources[i]);
	return u;
}

static struct upstream *
find(const struct upstreams *all, enum channel_kind kind, struct slice name)
{
	struct upstream *u;

	TAILQ_FOREACH(u, &all->list, next)
		if (u->kind == kind && u->len == name.len &&
		    (name.len == 0 || memcmp(u->name, name.data, name.len) ==
		    0))
			break;
	return u;
}

/* Returns false if nobody else has events for it. */
static bool
has_sources(const struct upstreams *all, enum channel_kind kind,
    struct slice name, uint32_t *owner)
{
	struct slice subject;

	*owner = ROUTE_NOBODY;
	if (all->links == NULL)
		return false;
	switch (keyspace_scope(kind, name, &subject)) {
	case KEYSPACE_NONE:
		return false;
	case KEYSPACE_ONE:
		*owner = route_owner_of_name(all->route, subject.data,
		    subject.len);
		return *owner != route_self(all->route);
	case KEYSPACE_ALL:
		return true;
	}
	return false;
}

bool
upstream_join(struct upstreams *all, enum channel_kind kind,
    struct slice name, uint64_t now_ms, struct upstream **upstream)
{
	uint32_t owner;

	*upstream = NULL;
	if (!has_sources(all, kind, name, &owner))
		return true;
	all->now_ms = now_ms;
	if ((*upstream = find(all, kind, name)) == NULL)
		*upstream = make(all, kind, name, owner);
	if (*upstream == NULL)
		return false;
	(*upstream)->listeners++;
	return true;
}

static void
end(struct upstream *u)
{
	uint32_t i;

	TAILQ_REMOVE(&u->all->list, u, next);
	for (i = 0; i < u->n_sources; i++)
		link_unfollow(&u->sources[i].follower);
	free(u->sources);
	free(u);
}

void
upstream_leave(struct upstream *u)
{
	if (u != NULL && --u->listeners == 0)
		end(u);
}

bool
upstream_stands(const struct upstream *u)
{
	return u->stands;
}

static void
tick(struct upstream *u)
{
	uint64_t now_ms = u->all->now_ms;
	struct source *s;
	uint32_t i;

	if (now_ms >= u->limit_ms)
		stand(u);
	for (i = 0; i < u->n_sources; i++) {
		s = &u->sources[i];
		if (s->follower.feed == NULL && now_ms >= s->retry_ms)
			follow(s);
	}
}

void
upstreams_tick(struct upstreams *all, uint64_t now_ms)
{
	struct upstream *u;

	all->now_ms = now_ms;
	TAILQ_FOREACH(u, &all->list, next)
		tick(u);
}

struct upstreams *
upstreams_open(struct channels *channels)
{
	struct upstreams *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	all->channels = channels;
	TAILQ_INIT(&all->list);
	return all;
}

void
upstreams_set_links(struct upstreams *all, struct links *links,
    const struct route *route)
{
	all->links = links;
	all->route = route;
}

/* Nobody listens any more. */
void
upstreams_close(struct upstreams *all)
{
	free(all);
}
