/*
 * Following a bucket of another node: one subscription for all of this
 * worker's clients that want to know of it.
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
tell(struct link_feed *feed, enum link_news news, struct slice text)
{
	struct links *links = feed->link->all;
	struct follower *f;

	for (f = feed->followers; f != NULL; f = f->next)
		links->listener.news(links->listener.arg, f->who, news,
		    route_name(links->route, feed->link->node), text);
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
	struct links *links = feed->link->all;
	struct follower *f;

	while ((f = feed->followers) != NULL) {
		feed->followers = f->next;
		f->feed = NULL;
		links->listener.news(links->listener.arg, f->who, news,
		    route_name(links->route, feed->link->node), text);
	}
	forget(feed);
}

/* Returns false if it was refused, and is no more. */
static bool
ask(struct link_feed *feed)
{
	static const uint8_t verb[] = "SUBSCRIBE";
	struct request *req = &feed->link->all->req;

	req->protocol = REQUEST_TEXT;
	req->argc = 2;
	req->argv[0] = (struct slice){ verb, sizeof(verb) - 1 };
	req->argv[1] = (struct slice){ feed->bucket, feed->len };
	if (link_push_request(feed->link, &(struct link_question){
	    .req = req, .shard = feed->shard }, feed)) {
		feed->is_asked = true;
		return true;
	}
	end(feed, LINK_NEWS_REFUSED, text_of("out of memory here"));
	return false;
}

static struct link_feed *
find(struct link *link, struct slice bucket)
{
	struct link_feed *feed;

	for (feed = link->feeds; feed != NULL; feed = feed->next)
		if (feed->len == bucket.len &&
		    memcmp(feed->bucket, bucket.data, bucket.len) == 0)
			break;
	return feed;
}

static struct link_feed *
begin(struct link *link, struct slice bucket, uint32_t shard)
{
	struct link_feed *feed = calloc(1, sizeof(*feed) + bucket.len);

	if (feed == NULL)
		return NULL;
	feed->link = link;
	feed->state = LINK_FEED_ASKED;
	feed->shard = shard;
	feed->len = bucket.len;
	memcpy(feed->bucket, bucket.data, bucket.len);
	feed->next = link->feeds;
	link->feeds = feed;
	return feed;
}

static void
tell_one(struct link *link, struct follower *f, enum link_news news,
    const char *text)
{
	struct links *links = link->all;

	links->listener.news(links->listener.arg, f->who, news,
	    route_name(links->route, link->node), text_of(text));
}

void
link_follow(struct link *link, struct follower *f, struct slice bucket,
    uint32_t shard)
{
	struct link_feed *feed = find(link, bucket);
	bool is_new = feed == NULL;

	if (link->proven_down) {
		tell_one(link, f, LINK_NEWS_REFUSED, link->why);
		return;
	}
	if (is_new && (feed = begin(link, bucket, shard)) == NULL) {
		tell_one(link, f, LINK_NEWS_REFUSED, "out of memory here");
		return;
	}
	f->feed = feed;
	f->next = feed->followers;
	feed->followers = f;
	if (!is_new && feed->state != LINK_FEED_ASKED) {
		tell_one(link, f, LINK_NEWS_BEGUN, "");
		if (feed->state == LINK_FEED_BROKEN)
			tell_one(link, f, LINK_NEWS_LOST, "");
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
	if (is_last(frame->payload))
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
