/*
 * Channels: who listens to what, and is told of it.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/glob.h"
#include "server/channel_state.h"
#include "tests/unit/server/listening.h"

#define MANY	200	/* more than are looked through one by one */

static struct client one, two;

static void
begin(void)
{
	listening_begin();
	client_begin(&one, REQUEST_RESP2);
	client_begin(&two, REQUEST_RESP3);
}

static void
end(void)
{
	client_end(&one);
	client_end(&two);
	listening_end();
}

TestSuite(channel, .init = begin, .fini = end, .timeout = 60);

static void
unlisten(struct client *c, enum channel_kind kind, const char *name)
{
	channel_remove(&c->session, kind, slice_of(name));
}

/* Who is next to have been written to, without a loss. */
static const struct session *
next_touched(void)
{
	bool lost = true;
	const struct session *s =
	    channels_next_touched(l.sessions.channels, &lost);

	cr_assert(s == NULL || !lost);
	return s;
}

/* --- listening --- */

Test(channel, is_heard_by_who_listens_to_it_until_it_does_not)
{
	client_listen(&one, CHANNEL_NAME, "news");
	client_listen(&two, CHANNEL_NAME, "new");
	say("news", "hello");
	say("news", "");
	listening_read();
	client_hears(&one, NULL, "news", "hello");
	client_hears(&one, NULL, "news", "");
	say("new", "hi");
	listening_read();
	client_hears(&two, NULL, "new", "hi");
	unlisten(&one, CHANNEL_NAME, "news");
	client_listen(&two, CHANNEL_NAME, "news");
	say("news", "again");
	listening_read();
	client_hears(&two, NULL, "news", "again");
	client_hears_no_more(&one);
	client_hears_no_more(&two);
}

Test(channel, is_heard_by_name_and_by_each_pattern)
{
	client_listen(&one, CHANNEL_PATTERN, "n?ws.*");
	client_listen(&one, CHANNEL_NAME, "news.it");
	client_listen(&one, CHANNEL_PATTERN, "*");
	client_listen(&two, CHANNEL_NAME, "n?ws.*");
	say("news.it", "1");
	listening_read();
	client_hears(&one, NULL, "news.it", "1");
	client_hears(&one, "n?ws.*", "news.it", "1");
	client_hears(&one, "*", "news.it", "1");
	say("news", "2");
	listening_read();
	client_hears(&one, "*", "news", "2");
	unlisten(&one, CHANNEL_PATTERN, "*");
	/* A name is no pattern. */
	unlisten(&one, CHANNEL_NAME, "n?ws.*");
	say("news.it", "3");
	listening_read();
	client_hears(&one, NULL, "news.it", "3");
	client_hears(&one, "n?ws.*", "news.it", "3");
	client_hears_no_more(&one);
	client_hears_no_more(&two);
}

Test(channel, is_listened_to_once_however_often_that_is_asked_for)
{
	client_listen(&one, CHANNEL_NAME, "news");
	client_listen(&one, CHANNEL_NAME, "news");
	client_listen(&one, CHANNEL_PATTERN, "news");
	cr_assert_eq(channels_count(&one.session), 2);
	cr_assert_eq(one.session.heard[CHANNEL_NAME], 1);
	cr_assert_eq(roster_receivers(l.sessions.roster, slice_of("news")),
	    2);
	cr_assert_eq(listening_count(BOARD_SUBSCRIBERS), 1);
	unlisten(&one, CHANNEL_NAME, "news");
	unlisten(&one, CHANNEL_NAME, "news");
	cr_assert_eq(channels_count(&one.session), 1);
	cr_assert_eq(one.session.heard[CHANNEL_NAME], 0);
	unlisten(&one, CHANNEL_PATTERN, "news");
	cr_assert_eq(channels_count(&one.session), 0);
	cr_assert_eq(listening_count(BOARD_SUBSCRIBERS), 0);
	cr_assert_eq(listening_watched(), 0);
}

Test(channel, is_one_of_many_that_a_client_listens_to)
{
	struct slice name;
	char text[16];
	int i;

	client_listen(&two, CHANNEL_NAME, "c150");
	for (i = 0; i < 2 * MANY; i++) {
		snprintf(text, sizeof(text), "c%d", i % MANY);
		client_listen(&one, CHANNEL_NAME, text);
	}
	cr_assert_eq(channels_count(&one.session), MANY);
	say("c150", "hello");
	listening_read();
	client_hears(&one, NULL, "c150", "hello");
	client_hears(&two, NULL, "c150", "hello");
	for (i = 0; i < MANY - 1; i++) {
		snprintf(text, sizeof(text), "c%d", i);
		unlisten(&one, CHANNEL_NAME, text);
	}
	cr_assert(channel_any(&one.session, CHANNEL_NAME, &name));
	cr_assert_eq(name.len, strlen(text));
	cr_assert_not(channel_any(&one.session, CHANNEL_PATTERN, &name));
	say("c150", "again");
	listening_read();
	client_hears(&two, NULL, "c150", "again");
	client_hears_no_more(&one);
}

/* One that is longer is none, and nobody listens by it anywhere. */
Test(channel, is_not_listened_to_by_a_pattern_that_is_too_long)
{
	char *text = malloc(GLOB_PATTERN_MAX + 2);

	memset(text, 'x', GLOB_PATTERN_MAX + 1);
	text[GLOB_PATTERN_MAX + 1] = '\0';
	cr_assert_not(channel_add(&one.session, CHANNEL_PATTERN,
	    slice_of(text), &one.out));
	cr_assert_null(one.session.listener);
	cr_assert_eq(listening_watched(), 0);
	cr_assert_eq(listening_count(BOARD_SUBSCRIBERS), 0);
	text[GLOB_PATTERN_MAX] = '\0';
	client_listen(&one, CHANNEL_PATTERN, text);
	cr_assert_eq(listening_watched(), LISTENING_SHARDS);
	free(text);
}

/* What is said is in the shard of the name that it is said on. */
Test(channel, is_listened_to_where_it_may_be_told_of)
{
	client_listen(&one, CHANNEL_NAME, "news");
	cr_assert_eq(listening_watched(), 1);
	cr_assert_not_null(hearing_place(
	    TAILQ_FIRST(&one.session.listener->hearings[CHANNEL_NAME]),
	    shard_of("news")));
	client_listen(&two, CHANNEL_NAME, "__keyevent@0__:set");
	cr_assert_eq(listening_watched(), LISTENING_SHARDS);
	unlisten(&two, CHANNEL_NAME, "__keyevent@0__:set");
	cr_assert_eq(listening_watched(), 1);
}

Test(channel, that_was_said_before_is_not_heard)
{
	client_listen(&one, CHANNEL_NAME, "news");
	client_listen(&one, CHANNEL_PATTERN, "ne*");
	say("news", "old");
	client_listen(&two, CHANNEL_NAME, "news");
	client_listen(&two, CHANNEL_PATTERN, "ne*");
	say("news", "new");
	listening_read();
	client_hears(&one, NULL, "news", "old");
	client_hears(&one, "ne*", "news", "old");
	client_hears(&one, NULL, "news", "new");
	client_hears(&two, NULL, "news", "new");
	client_hears(&two, "ne*", "news", "new");
	client_hears_no_more(&two);
}

/* --- who was written to --- */

Test(channel, touches_each_who_hears_it_once)
{
	client_listen(&one, CHANNEL_NAME, "news");
	client_listen(&one, CHANNEL_PATTERN, "*");
	client_listen(&two, CHANNEL_NAME, "news");
	say("news", "1");
	say("news", "2");
	listening_read();
	cr_assert_eq(next_touched(), &one.session);
	cr_assert_eq(next_touched(), &two.session);
	cr_assert_null(next_touched());
	say("other", "3");
	listening_read();
	cr_assert_eq(next_touched(), &one.session);
	cr_assert_null(next_touched());
}

Test(channel, does_not_touch_who_has_gone)
{
	client_listen(&one, CHANNEL_NAME, "news");
	client_listen(&two, CHANNEL_NAME, "news");
	say("news", "1");
	listening_read();
	channels_forget(&one.session);
	channels_forget(&one.session);
	cr_assert_eq(next_touched(), &two.session);
	cr_assert_null(next_touched());
	cr_assert_eq(roster_listeners(l.sessions.roster, ROSTER_NAME,
	    slice_of("news")), 1);
}

/* Of a shard whose feed was lost nobody knows what has been said there. */
Test(channel, is_lost_by_who_listens_in_that_shard)
{
	char elsewhere[16];
	unsigned i = 0;
	bool lost = false;

	do
		snprintf(elsewhere, sizeof(elsewhere), "c%u", i++);
	while (shard_of(elsewhere) == shard_of("news"));
	client_listen(&one, CHANNEL_NAME, "news");
	client_listen(&two, CHANNEL_NAME, elsewhere);
	channels_hear(l.sessions.channels, shard_of("news"), NULL);
	cr_assert_eq(channels_next_touched(l.sessions.channels, &lost),
	    &one.session);
	cr_assert(lost);
	cr_assert_null(next_touched());
	client_listen(&two, CHANNEL_PATTERN, "*");
	channels_hear(l.sessions.channels, shard_of("news"), NULL);
	(void)channels_next_touched(l.sessions.channels, &lost);
	cr_assert_eq(channels_next_touched(l.sessions.channels, &lost),
	    &two.session);
	cr_assert(lost);
}

/* --- nodes --- */

struct heard {
	unsigned	n, losses;
	char		last[64];
};

static void
hear(void *arg, const struct slice *words)
{
	struct heard *h = arg;

	if (words == NULL) {
		h->losses++;
		return;
	}
	h->n++;
	snprintf(h->last, sizeof(h->last), "%.*s %.*s", (int)words[0].len,
	    (const char *)words[0].data, (int)words[1].len,
	    (const char *)words[1].data);
}

/* Who has said something tells other nodes of it. */
Test(channel, of_events_is_heard_by_nodes_and_what_is_said_there_is_not)
{
	struct heard heard = { 0 }, all = { 0 };
	struct listener *node = channel_add_node(l.sessions.channels,
	    CHANNEL_NAME, slice_of("__keyspace@0__:milk"), hear, &heard);
	struct listener *by_pattern = channel_add_node(l.sessions.channels,
	    CHANNEL_PATTERN, slice_of("__key*"), hear, &all);

	cr_assert(node != NULL && by_pattern != NULL);
	client_listen(&one, CHANNEL_NAME, "__keyspace@0__:milk");
	say("__keyspace@0__:milk", "said");
	(void)set_string("milk", "1", EVENT_PLAIN);
	listening_read();
	cr_assert_eq(heard.n, 1);
	cr_assert_str_eq(heard.last, "__keyspace@0__:milk set");
	cr_assert_eq(all.n, 2);
	cr_assert_str_eq(all.last, "__keyevent@0__:set milk");
	client_hears(&one, NULL, "__keyspace@0__:milk", "said");
	client_hears(&one, NULL, "__keyspace@0__:milk", "set");
	channels_hear(l.sessions.channels, shard_of("milk"), NULL);
	cr_assert_eq(heard.losses, 1);
	channel_remove_node(l.sessions.channels, node);
	channel_remove_node(l.sessions.channels, by_pattern);
	/* Nor do they count as somebody who listens. */
	cr_assert_eq(listening_count(BOARD_SUBSCRIBERS), 1);
	cr_assert_eq(roster_count(l.sessions.roster, ROSTER_PATTERN), 0);
	(void)set_string("milk", "2", EVENT_PLAIN);
	listening_read();
	cr_assert_eq(heard.n, 1);
	cr_assert_eq(all.n, 2);
}
