/*
 * Following a bucket of another node, or a channel of its events: one
 * subscription for all of this worker's clients that want to know of it.
 *
 *	ASKED ----> FOLLOWING ----> BROKEN ----> FOLLOWING
 *	  |             |              |
 *	  +-- refused --+-- dropped ---+----> gone
 *
 * When a link breaks, what happens in the bucket meanwhile is not told to
 * anybody.  Followers hear that, and hear it again when the other node tells
 * on; what they do about the gap is theirs.
 */

#include <stdlib.h>
#include <string.h>

#include "server/link_state.h"

static void
tell_one(const struct link *link, const struct follower *f,
    enum link_news news, struct slice text)
{
	f->news(f->arg, f->who, news, route_name(link->all->route,
	    link->node), text);
}

static void
tell(struct link_feed *feed, enum link_news news, struct slice text)
{
	struct follower *f;

	for (f = feed->followers; f != NULL; f = f->next)
		tell_one(feed->link, f, news, text);
}

static struct slice
text_of(const char *text)
{
	return (struct slice){ (const uint8_t *)text, strlen(text) };
}

static void
forget(struct link_feed *feed)
{
	struct link_feed **at = &feed->link->feeds;

	while (*at != feed)
		at = &(*at)->next;
	*at = feed->next;
	free(feed);
}

/* Who is told the last follows nothing any more, and may go. */
static void
end(struct link_feed *feed, enum link_news news, struct slice text)
{
	struct follower *f;

	while ((f = feed->followers) != NULL) {
		feed->followers = f->next;
		f->feed = NULL;
		tell_one(feed->link, f, news, text);
	}
	forget(feed);
}

/* Returns false if it was refused, and is no more. */
static bool
ask(struct link_feed *feed)
{
	struct request *req = &feed->link->all->req;

	req->protocol = feed->kind == LINK_BUCKET ? REQUEST_TEXT :
	    REQUEST_RESP2;
	req->argc = 2;
	req->argv[0] = text_of(feed->kind == LINK_PATTERN ? "PSUBSCRIBE" :
	    "SUBSCRIBE");
	req->argv[1] = (struct slice){ feed->name, feed->len };
	if (link_push_request(feed->link, &(struct link_question){
	    .req = req, .shard = feed->shard }, feed)) {
		feed->is_asked = true;
		return true;
	}
	end(feed, LINK_NEWS_REFUSED, text_of("out of memory here"));
	return false;
}

static struct link_feed *
find(struct link *link, enum link_feed_kind kind, struct slice name)
{
	struct link_feed *feed;

	for (feed = link->feeds; feed != NULL; feed = feed->next)
		if (feed->kind == kind && feed->len == name.len &&
		    (name.len == 0 ||
		    memcmp(feed->name, name.data, name.len) == 0))
			break;
	return feed;
}

static struct link_feed *
begin(struct link *link, enum link_feed_kind kind, struct slice name,
    uint32_t shard)
{
	struct link_feed *feed = calloc(1, sizeof(*feed) + name.len);

	if (feed == NULL)
		return NULL;
	feed->link = link;
	feed->state = LINK_FEED_ASKED;
	feed->kind = kind;
	feed->shard = shard;
	feed->len = name.len;
	if (name.len > 0)
		memcpy(feed->name, name.data, name.len);
	feed->next = link->feeds;
	link->feeds = feed;
	return feed;
}

void
link_follow(struct link *link, struct follower *f, enum link_feed_kind kind,
    struct slice name, uint32_t shard)
{
	struct link_feed *feed = find(link, kind, name);
	bool is_new = feed == NULL;

	if (link->proven_down) {
		tell_one(link, f, LINK_NEWS_REFUSED, text_of(link->why));
		return;
	}
	if (is_new && (feed = begin(link, kind, name, shard)) == NULL) {
		tell_one(link, f, LINK_NEWS_REFUSED,
		    text_of("out of memory here"));
		return;
	}
	f->feed = feed;
	f->next = feed->followers;
	feed->followers = f;
	if (!is_new && feed->state != LINK_FEED_ASKED) {
		tell_one(link, f, LINK_NEWS_BEGUN, text_of(""));
		if (feed->state == LINK_FEED_BROKEN)
			tell_one(link, f, LINK_NEWS_LOST, text_of(""));
	} else if (is_new && ask(feed) && link->state == LINK_IDLE)
		link_dial(link);
}

void
link_unfollow(struct follower *f)
{
	struct link_feed *feed = f->feed;
	struct follower **at;

	if (feed == NULL)
		return;
	for (at = &feed->followers; *at != f; at = &(*at)->next)
		;
	*at = f->next;
	f->feed = NULL;
	/* While it is asked for, its answer has to find it. */
	if (feed->followers != NULL || feed->is_asked)
		return;
	if (feed->state == LINK_FEED_FOLLOWING)
		link_push_cancel(feed->link, feed->id);
	forget(feed);
}

/* The answer to SUBSCRIBE: nothing, or why not. */
void
link_feed_answered(struct link_feed *feed, const struct frame *frame)
{
	enum link_feed_state before = feed->state;

	feed->is_asked = false;
	if (frame->op != FRAME_REPLY) {
		end(feed, LINK_NEWS_REFUSED, frame->payload);
	} else if (frame->payload.len > 0) {
		end(feed, LINK_NEWS_ENDED, frame->payload);
	} else if (feed->followers == NULL) {
		link_push_cancel(feed->link, frame->id);
		forget(feed);
	} else {
		feed->state = LINK_FEED_FOLLOWING;
		feed->id = frame->id;
		tell(feed, before == LINK_FEED_ASKED ? LINK_NEWS_BEGUN :
		    LINK_NEWS_RESUMED, text_of(""));
	}
}

/* Its question could not be asked. */
void
link_feed_failed(struct link_feed *feed, const char *why)
{
	feed->is_asked = false;
	if (feed->state == LINK_FEED_ASKED || feed->followers == NULL)
		end(feed, LINK_NEWS_REFUSED, text_of(why));
}

/* No event looks like this line, with which a feed ends. */
static bool
is_last(struct slice text)
{
	static const char last[] = "NOT FOUND\r\n";
	const size_t len = sizeof(last) - 1;

	return text.len >= len &&
	    memcmp(text.data + text.len - len, last, len) == 0 &&
	    (text.len == len || text.data[text.len - len - 1] == '\n');
}

/* Returns false if nobody asked for it. */
bool
link_feed_event(struct link *link, const struct frame *frame)
{
	struct link_feed *feed;

	for (feed = link->feeds; feed != NULL; feed = feed->next)
		if (feed->state == LINK_FEED_FOLLOWING && feed->id == frame->id)
			break;
	/* It may have been on its way when the feed was cancelled. */
	if (feed == NULL)
		return (int32_t)(frame->id - link->first_id) < 0;
	if (feed->kind == LINK_BUCKET && is_last(frame->payload))
		end(feed, LINK_NEWS_ENDED, frame->payload);
	else
		tell(feed, LINK_NEWS_EVENT, frame->payload);
	return true;
}

void
link_feeds_break(struct link *link)
{
	struct link_feed *feed;

	for (feed = link->feeds; feed != NULL; feed = feed->next)
		if (feed->state == LINK_FEED_FOLLOWING) {
			feed->state = LINK_FEED_BROKEN;
			tell(feed, LINK_NEWS_LOST, text_of(""));
		}
}

void
link_feeds_ask(struct link *link)
{
	struct link_feed *feed, *next;

	for (feed = link->feeds; feed != NULL; feed = next) {
		next = feed->next;
		if (feed->state == LINK_FEED_BROKEN && !feed->is_asked)
			(void)ask(feed);
	}
}

void
link_feeds_free(struct link *link)
{
	struct link_feed *feed, *next;
	struct follower *f;

	for (feed = link->feeds; feed != NULL; feed = next) {
		next = feed->next;
		for (f = feed->followers; f != NULL; f = f->next)
			f->feed = NULL;
		free(feed);
	}
	link->feeds = NULL;
}
