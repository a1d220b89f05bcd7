/*
 * Subscriptions that cross nodes, both ends of them.
 *
 * Of a client: SUBSCRIBE of a bucket that another node has is held until that
 * one has answered.  Then events come from there; when the link breaks the
 * client is told, and again when it is back, for in between it heard nothing.
 *
 * Of a node: it follows a bucket of ours for all of its clients, with as many
 * others on the same connection.  Each has its own buffer, whose lines become
 * a frame.  So it does with channels, of whose events each is a frame.  A node
 * that does not keep up is cut off like a client; it says so to its own.
 */

#include <stdlib.h>
#include <string.h>

#include "proto/reply.h"
#include "server/conn.h"
#include "server/conn_state.h"
#include "server/redis.h"

#define TOO_SLOW_NODE	"too slow for the events that it follows, see "	\
    "`output' in kvd.conf(5)"
#define FELL_BEHIND	"fell behind the events that it follows, some are gone"

/* Of a client. */

static void
add_line(struct conn *conn, const char *word, const char *node)
{
	outbuf_append(&conn->out, word, strlen(word));
	outbuf_append(&conn->out, node, strlen(node));
	outbuf_append(&conn->out, "\r\n", 2);
}

static void
begin(struct conns *set, struct conn *conn)
{
	conn_end_wait(conn);
	board_add(set->env->inherit->arena, set->slot, BOARD_SUBSCRIBERS, 1);
	conn->is_counted = true;
	inbuf_clear(&conn->in, &set->pool);
	conn->state = CONN_SUBSCRIBED;
}

static void
refuse(struct conns *set, struct conn *conn, const char *node,
    struct slice why)
{
	set->counted[BOARD_ERRORS]++;
	reply_error(&conn->out, "unavailable: %s: %.*s", node, (int)why.len,
	    (const char *)why.data);
	/* It may have begun, and not be resumed. */
	if (conn->state == CONN_SUBSCRIBED)
		conn_finish(set, conn);
	else
		conn_end_wait(conn);
}

/* Before it began this is an answer, and afterwards the bucket is gone. */
static void
end(struct conns *set, struct conn *conn, struct slice text)
{
	outbuf_append(&conn->out, text.data, text.len);
	if (conn->state == CONN_SUBSCRIBED) {
		conn_finish(set, conn);
		return;
	}
	conn_end_wait(conn);
	set->counted[BOARD_ERRORS]++;
}

static void
news_of_bucket(void *arg, void *who, enum link_news news, const char *node,
    struct slice text)
{
	struct conns *set = arg;
	struct conn *conn = who;

	switch (news) {
	case LINK_NEWS_BEGUN:
		begin(set, conn);
		break;
	case LINK_NEWS_EVENT:
		outbuf_append(&conn->out, text.data, text.len);
		set->counted[BOARD_EVENTS]++;
		break;
	case LINK_NEWS_ENDED:
		end(set, conn, text);
		break;
	case LINK_NEWS_REFUSED:
		refuse(set, conn, node, text);
		break;
	case LINK_NEWS_LOST:
		add_line(conn, "LOST ", node);
		break;
	case LINK_NEWS_RESUMED:
		add_line(conn, "RESUMED ", node);
		break;
	}
	conn_enqueue(set, conn);
}

void
conn_follow_bucket(struct conns *set, struct conn *conn, struct link *link,
    uint32_t shard)
{
	conn->away.asked++;
	conn->away.following = true;
	conn->follower.news = news_of_bucket;
	conn->follower.arg = set;
	conn->follower.who = conn;
	link_follow(link, &conn->follower, LINK_BUCKET, set->req.argv[1],
	    shard);
}

/* Of a node. */

struct node_feed {
	struct subscriber	 sub;
	struct listener		*listener;	/* or this, to a channel */
	struct conns		*set;
	struct conn		*conn;
	uint32_t		 id;
	struct outbuf		 out;
	TAILQ_ENTRY(node_feed)	 next;
};

static void
free_feed(struct conns *set, struct node_feed *feed)
{
	feed->conn->n_feeds--;
	if (feed->listener != NULL)
		channel_remove_node(set->sessions.channels, feed->listener);
	else
		subscribe_remove(set->subs, &feed->sub);
	outbuf_free(&feed->out);
	free(feed);
}

static void
remove_feed(struct conns *set, struct node_feed *feed)
{
	TAILQ_REMOVE(&feed->conn->feeds, feed, next);
	free_feed(set, feed);
}

static struct frame
event_of(const struct node_feed *feed)
{
	return (struct frame){
		.op = FRAME_EVENT, .flags = FRAME_TEXT, .id = feed->id,
		.table = links_self(feed->set->links)->table
	};
}

/* An event on a channel becomes a frame.  The connection ends, if need be, in
 * a turn of its own, for the event may be for more of its feeds. */
static void
hear(void *arg, const struct slice *words)
{
	const struct node_feed *feed = arg;
	struct frame event = event_of(feed);
	struct conn *conn = feed->conn;
	size_t mark;

	if (words == NULL) {
		conn->parts_for = FELL_BEHIND;
	} else if (frame_words_len(words, 2) >
	    conn->greeting->peer_payload_max) {
		conn->broken = true;
	} else {
		mark = frame_begin(&conn->out, &event);
		frame_put_words(&conn->out, words, 2);
		frame_end(&conn->out, mark, &event);
	}
	if (outbuf_len(&conn->out) > feed->set->env->config->output_max_bytes)
		conn->parts_for = TOO_SLOW_NODE;
	conn_enqueue(feed->set, conn);
}

static enum shm_status
listen_to(struct conns *set, struct node_feed *feed)
{
	const struct request *req = &set->req;

	feed->listener = channel_add_node(set->sessions.channels,
	    redis_is(req->argv[0], "SUBSCRIBE") ? CHANNEL_NAME :
	    CHANNEL_PATTERN, req->argv[1], hear, feed);
	return feed->listener == NULL ? SHM_FULL : SHM_OK;
}

static enum shm_status
begin_feed(struct conns *set, struct node_feed *feed)
{
	if (set->req.protocol != REQUEST_TEXT)
		return listen_to(set, feed);
	return subscribe_add(set->subs, &feed->sub, set->env->store,
	    set->req.argv[1], &feed->out);
}

static enum shm_status
add_feed(struct conns *set, struct conn *conn, uint32_t id)
{
	struct node_feed *feed = calloc(1, sizeof(*feed));
	enum shm_status status = SHM_FULL;

	if (feed != NULL) {
		feed->set = set;
		feed->conn = conn;
		feed->id = id;
		status = begin_feed(set, feed);
	}
	if (status != SHM_OK) {
		free(feed);
		return status;
	}
	feed->sub.of_node = true;
	TAILQ_INSERT_TAIL(&conn->feeds, feed, next);
	conn->n_feeds++;
	return SHM_OK;
}

/*
 * Answered at once: with nothing, or with the reason.  Each feed stands for
 * clients of the other node, so there are not more than clients may be.
 */
void
conn_feed_begin(struct conns *set, struct conn *conn, struct frame *reply)
{
	bool full = conn->n_feeds >= set->env->config->clients_max;
	size_t mark = frame_begin(&conn->out, reply);
	enum shm_status status = SHM_OK;

	if (full)
		reply_error(&conn->out, "too many subscriptions");
	else if ((status = add_feed(set, conn, reply->id)) == SHM_NO_BUCKET)
		reply_not_found(&conn->out);
	else if (status != SHM_OK)
		reply_error(&conn->out, "%s", shm_strstatus(status));
	if (full || status != SHM_OK)
		reply->flags |= FRAME_FAILED;
	frame_end(&conn->out, mark, reply);
}

void
conn_feed_cancel(struct conns *set, struct conn *conn, uint32_t id)
{
	struct node_feed *feed;

	TAILQ_FOREACH(feed, &conn->feeds, next)
		if (feed->id == id) {
			remove_feed(set, feed);
			return;
		}
}

void
conn_feeds_end(struct conns *set, struct conn *conn)
{
	struct node_feed *feed, *next;

	if (conn->greeting == NULL)
		return;
	for (feed = TAILQ_FIRST(&conn->feeds); feed != NULL; feed = next) {
		next = TAILQ_NEXT(feed, next);
		free_feed(set, feed);
	}
	TAILQ_INIT(&conn->feeds);
}

/* Whole lines, as many as the other end takes in a frame; 0: none fits. */
static size_t
lines_within(const struct outbuf *out, size_t max)
{
	const uint8_t *data = out->data + out->head, *end;
	size_t len = outbuf_len(out);

	if (len <= max)
		return len;
	end = memrchr(data, '\n', max);
	return end == NULL ? 0 : (size_t)(end - data) + 1;
}

/* What was written for it becomes frames. */
static void
pass_on(struct node_feed *feed)
{
	struct frame event = event_of(feed);
	struct conn *conn = feed->conn;

	conn->broken |= feed->out.failed;
	while (outbuf_len(&feed->out) > 0 && !conn->broken) {
		event.payload.data = feed->out.data + feed->out.head;
		event.payload.len = lines_within(&feed->out,
		    conn->greeting->peer_payload_max);
		if (event.payload.len == 0)
			conn->broken = true;
		else
			frame_write(&conn->out, &event);
		outbuf_drain(&feed->out, event.payload.len, OUTPUT_KEEP);
	}
}

void
conn_feed_deliver(struct conns *set, struct subscriber *sub)
{
	struct node_feed *feed = (struct node_feed *)((char *)sub -
	    offsetof(struct node_feed, sub));
	struct conn *conn = feed->conn;

	pass_on(feed);
	conn_send(set, conn);
	if (outbuf_len(&conn->out) > set->env->config->output_max_bytes) {
		conn_drop(set, conn, TOO_SLOW_NODE);
		return;
	}
	if (sub->state == SUBSCRIBER_LOST) {
		conn_drop(set, conn, FELL_BEHIND);
		return;
	}
	if (sub->state == SUBSCRIBER_DROPPED)
		remove_feed(set, feed);
	conn_enqueue(set, conn);
}
