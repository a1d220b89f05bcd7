/*
 * Events of other nodes: who is asked for them, who is told, and how long a
 * client waits until all nodes tell.  Links are there, but nobody at their
 * other ends: what these say is said here.
 */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "server/config_value.h"
#include "server/link_state.h"
#include "tests/unit/server/complaints.h"
#include "tests/unit/server/listening.h"
#include "tests/unit/server/scratch.h"

#define NODES		3U
#define QUESTIONS	64	/* a power of two: room for so many */

/* Of these, n2 is the one that is tested. */
static const char table[] =
    "name n2\n"
    "node n0 { address 127.0.0.1:4040 }\n"
    "node n1 { address 127.0.0.1:4041 }\n"
    "node n2 { address 127.0.0.1:4042 }\n"
    "buckets a-h n0\n"
    "buckets i-p n1\n"
    "buckets other n2\n";

static struct config config;
static struct route route;
static struct links *links;
static struct client one, two;

static void
make_link(uint32_t node)
{
	struct link *link = &links->link[node];

	link->all = links;
	link->node = node;
	link->fd = -1;
	link->state = LINK_UP;
	link->cap = QUESTIONS;
	link->ring = calloc(QUESTIONS, sizeof(link->ring[0]));
	cr_assert_not_null(link->ring);
}

static void
begin(void)
{
	char why[CONFIG_WHY_MAX];
	uint32_t i;

	scratch_make();
	load_good(&config, table);
	cr_assert(route_build(&route, &config, LISTENING_SHARDS, why), "%s",
	    why);
	links = calloc(1, sizeof(*links) + NODES * sizeof(links->link[0]));
	cr_assert_not_null(links);
	links->route = &route;
	links->count = NODES;
	for (i = 0; i < NODES; i++)
		make_link(i);
	listening_begin();
	l.sessions.now_ms = 1000;
	channels_set_links(l.sessions.channels, links, &route);
	client_begin(&one, REQUEST_RESP2);
	client_begin(&two, REQUEST_RESP3);
}

static void
end(void)
{
	client_end(&one);
	client_end(&two);
	listening_end();
	links_close(links);
	config_free(&config);
	scratch_remove();
}

TestSuite(channel_upstream, .init = begin, .fini = end, .timeout = 60);

static struct link_feed *
feed_of(uint32_t node)
{
	return links->link[node].feeds;
}

/* A node begins to tell, and is known by that number. */
static void
begins(uint32_t node, uint32_t id)
{
	const struct frame reply = { .op = FRAME_REPLY, .id = id };

	cr_assert_not_null(feed_of(node));
	link_feed_answered(feed_of(node), &reply);
}

/* It tells of this. */
static void
tells(uint32_t node, uint32_t id, const char *channel, const char *message)
{
	const struct slice words[] = { slice_of(channel), slice_of(message) };
	struct outbuf payload;
	struct frame event = { .op = FRAME_EVENT, .id = id };

	outbuf_init(&payload);
	frame_put_words(&payload, words, 2);
	event.payload = (struct slice){ payload.data, outbuf_len(&payload) };
	cr_assert(link_feed_event(&links->link[node], &event));
	outbuf_free(&payload);
}

Test(channel_upstream, is_none_for_what_is_all_our_own)
{
	client_listen(&one, CHANNEL_NAME, "news");
	client_listen(&one, CHANNEL_PATTERN, "news.*");
	client_listen(&one, CHANNEL_NAME, "__keyspace@0__:zebras");
	cr_assert_not(channels_wait(&one.session));
	cr_assert(feed_of(0) == NULL && feed_of(1) == NULL);
}

Test(channel_upstream, of_a_name_is_the_node_that_has_it)
{
	bool lost;

	client_listen(&one, CHANNEL_NAME, "__keyspace@0__:milk");
	cr_assert(channels_wait(&one.session));
	cr_assert(feed_of(0) == NULL && feed_of(1) != NULL);
	cr_assert_eq(feed_of(1)->kind, LINK_CHANNEL);
	cr_assert_eq(feed_of(1)->len, strlen("__keyspace@0__:milk"));
	begins(1, 7);
	cr_assert_not(channels_wait(&one.session));
	cr_assert_eq(channels_next_touched(l.sessions.channels, &lost),
	    &one.session);
	tells(1, 7, "__keyspace@0__:milk", "hset");
	client_hears(&one, NULL, "__keyspace@0__:milk", "hset");
	client_hears_no_more(&one);
}

Test(channel_upstream, of_all_names_stands_when_each_node_has_begun)
{
	client_listen(&one, CHANNEL_PATTERN, "__key*");
	cr_assert(feed_of(0) != NULL && feed_of(1) != NULL);
	cr_assert(feed_of(2) == NULL);
	cr_assert_eq(feed_of(0)->kind, LINK_PATTERN);
	begins(1, 5);
	cr_assert(channels_wait(&one.session));
	tells(1, 5, "__keyevent@0__:set", "milk");
	client_hears(&one, "__key*", "__keyevent@0__:set", "milk");
	begins(0, 5);
	cr_assert_not(channels_wait(&one.session));
}

/* However many listen, a node tells once, and all of them hear it. */
Test(channel_upstream, is_one_for_all_who_listen_to_the_same)
{
	client_listen(&one, CHANNEL_NAME, "__kvd__:apples");
	begins(0, 3);
	client_listen(&two, CHANNEL_NAME, "__kvd__:apples");
	cr_assert_not(channels_wait(&two.session));
	cr_assert_null(feed_of(0)->next);
	client_listen(&two, CHANNEL_NAME, "__kvd__:bread");
	cr_assert_not_null(feed_of(0)->next);
	tells(0, 3, "__kvd__:apples", "1 create");
	client_hears(&one, NULL, "__kvd__:apples", "1 create");
	client_hears(&two, NULL, "__kvd__:apples", "1 create");
	channels_forget(&one.session);
	tells(0, 3, "__kvd__:apples", "2 drop");
	client_hears(&two, NULL, "__kvd__:apples", "2 drop");
	client_hears_no_more(&one);
	channel_remove(&two.session, CHANNEL_NAME, slice_of("__kvd__:apples"));
	/* The other one is still asked for. */
	cr_assert_null(feed_of(0)->next);
	cr_assert(feed_of(0)->is_asked);
}

/* The same event comes by the stream of each, and is told by that alone; one
 * of a pattern is not that of a name, whatever they are made of. */
Test(channel_upstream, tells_those_alone_who_listen_by_it)
{
	client_listen(&one, CHANNEL_NAME, "__kvd__:apples");
	begins(0, 3);
	client_listen(&two, CHANNEL_PATTERN, "__kvd__:apples");
	begins(0, 4);
	tells(0, 4, "__kvd__:apples", "1 create");
	client_hears_no_more(&one);
	client_hears(&two, "__kvd__:apples", "__kvd__:apples", "1 create");
	tells(0, 3, "__kvd__:apples", "1 create");
	client_hears(&one, NULL, "__kvd__:apples", "1 create");
	client_hears_no_more(&two);
}

Test(channel_upstream, is_not_waited_for_longer_than_a_moment)
{
	client_listen(&one, CHANNEL_NAME, "__keyspace@0__:milk");
	channels_tick(l.sessions.channels, 1999);
	cr_assert(channels_wait(&one.session));
	channels_tick(l.sessions.channels, 2001);
	cr_assert_not(channels_wait(&one.session));
	/* Who comes later waits no more. */
	client_listen(&two, CHANNEL_NAME, "__keyspace@0__:milk");
	cr_assert_not(channels_wait(&two.session));
}

Test(channel_upstream, that_refuses_is_asked_again_after_a_while)
{
	links->link[1].proven_down = true;
	client_listen(&one, CHANNEL_NAME, "__keyspace@0__:milk");
	cr_assert_not(channels_wait(&one.session));
	cr_assert_null(feed_of(1));
	links->link[1].proven_down = false;
	channels_tick(l.sessions.channels, 1001);
	cr_assert_null(feed_of(1));
	channels_tick(l.sessions.channels, 1500);
	cr_assert_not_null(feed_of(1));
	begins(1, 9);
	tells(1, 9, "__keyspace@0__:milk", "set");
	client_hears(&one, NULL, "__keyspace@0__:milk", "set");
}

Test(channel_upstream, that_breaks_tells_on_when_it_is_back)
{
	client_listen(&one, CHANNEL_NAME, "__keyspace@0__:milk");
	begins(1, 9);
	link_feeds_break(&links->link[1]);
	cr_assert_not(channels_wait(&one.session));
	begins(1, 10);
	tells(1, 10, "__keyspace@0__:milk", "set");
	client_hears(&one, NULL, "__keyspace@0__:milk", "set");
	client_hears_no_more(&one);
}
