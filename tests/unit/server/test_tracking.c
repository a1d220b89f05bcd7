/*
 * Clients that keep what they have read: whoever may keep something that is
 * not true any more is told so.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "server/tracking_state.h"
#include "tests/unit/server/listening.h"

static struct client one, two;

static void
begin(void)
{
	listening_begin();
	client_begin(&one, REQUEST_RESP3);
	client_begin(&two, REQUEST_RESP3);
}

static void
end(void)
{
	client_end(&one);
	client_end(&two);
	listening_end();
}

TestSuite(tracking, .init = begin, .fini = end, .timeout = 60);

static const struct tracking_mode plain, broadcast = { .bcast = true };

static void
track(struct client *c, const struct tracking_mode *mode)
{
	cr_assert(tracking_begin(&c->session, mode, NULL));
}

/* A broadcast of names that begin so; of the rest of that mode. */
static void
track_prefix(struct client *c, const struct tracking_mode *mode,
    const char *prefix)
{
	track(c, mode);
	cr_assert(tracking_add_prefix(&c->session, slice_of(prefix)));
}

static void
reads(struct client *c, const char *name)
{
	tracking_read(&c->session, slice_of(name));
}

/* It is told of this one name, and of no more. */
static void
is_told(struct client *c, const char *name)
{
	char text[128];

	snprintf(text, sizeof(text), ">2\r\n$10\r\ninvalidate\r\n*1\r\n"
	    "$%zu\r\n%s\r\n", strlen(name), name);
	client_has_news(c, text);
}

#define EVERYTHING	">2\r\n$10\r\ninvalidate\r\n_\r\n"

/* --- what is remembered --- */

Test(tracking, remembers_reads_as_the_mode_has_it)
{
	const struct tracking_mode optin = { .choice = TRACKING_OPTIN };
	const struct tracking_mode optout = { .choice = TRACKING_OPTOUT };

	cr_assert_not(tracking_wants(&one.session));
	cr_assert_null(tracking_mode(&one.session));
	track(&one, &plain);
	cr_assert(tracking_wants(&one.session));
	track(&one, &optin);
	cr_assert_not(tracking_wants(&one.session));
	tracking_except(&one.session, true);
	cr_assert(tracking_wants(&one.session));
	track(&one, &optout);
	cr_assert_not(tracking_wants(&one.session));
	tracking_except(&one.session, false);
	cr_assert(tracking_wants(&one.session));
	cr_assert_eq(tracking_mode(&one.session)->choice, TRACKING_OPTOUT);
	track(&two, &broadcast);
	cr_assert_not(tracking_wants(&two.session));
}

Test(tracking, tells_once_of_a_string_that_was_read)
{
	(void)set_string("s", "0", EVENT_PLAIN);
	track(&one, &plain);
	reads(&one, "s");
	(void)set_string("t", "1", EVENT_PLAIN);
	listening_read();
	client_has_news(&one, "");
	(void)set_string("s", "1", EVENT_PLAIN);
	(void)set_string("s", "2", EVENT_PLAIN);
	listening_read();
	is_told(&one, "s");
	reads(&one, "s");
	reads(&one, "s");
	(void)set_string("s", NULL, EVENT_EXPIRED);
	listening_read();
	is_told(&one, "s");
}

static enum shm_status
let_expire(struct txn *t, void *arg)
{
	return txn_expire(t, *(struct bytes *)arg, UINT64_C(1) << 42);
}

Test(tracking, tells_of_a_hash_whatever_happens_to_it)
{
	struct bytes name = bytes_of("h");

	track(&one, &plain);
	reads(&one, "h");
	(void)set_field("h", "a", "1", EVENT_PLAIN);
	listening_read();
	is_told(&one, "h");
	reads(&one, "h");
	(void)set_field("h", "b", "1", EVENT_PLAIN);
	listening_read();
	is_told(&one, "h");
	reads(&one, "h");
	(void)change(shard_of("h"), let_expire, &name);
	listening_read();
	is_told(&one, "h");
	(void)set_field("h", "b", NULL, EVENT_PLAIN);
	listening_read();
	client_has_news(&one, "");
	reads(&one, "h");
	(void)set_field("h", "a", NULL, EVENT_PLAIN);
	listening_read();
	is_told(&one, "h");
}

/* A hash that is dropped leaves a number that the next one has. */
Test(tracking, tells_of_a_hash_that_comes_in_the_place_of_another)
{
	(void)set_field("h", "a", "1", EVENT_PLAIN);
	track(&one, &plain);
	track(&two, &plain);
	reads(&one, "{h}2");
	(void)set_field("h", "a", NULL, EVENT_PLAIN);
	(void)set_field("{h}2", "a", "1", EVENT_PLAIN);
	reads(&two, "{h}2");
	listening_read();
	is_told(&one, "{h}2");
	client_has_news(&two, "");
	(void)set_field("{h}2", "b", "1", EVENT_PLAIN);
	listening_read();
	is_told(&two, "{h}2");
}

Test(tracking, does_not_tell_of_what_is_no_later_than_it_was_read)
{
	track(&one, &plain);
	track(&two, &plain);
	reads(&one, "s");
	(void)set_string("s", "1", EVENT_PLAIN);
	reads(&two, "s");
	listening_read();
	is_told(&one, "s");
	client_has_news(&two, "");
	(void)set_string("s", "2", EVENT_PLAIN);
	listening_read();
	client_has_news(&one, "");
	is_told(&two, "s");
}

static enum shm_status
drop_strings(struct txn *t, void *arg)
{
	(void)arg;
	return txn_drop(t, (struct bytes){ NULL, 0 });
}

/* They may go all at once, with what they live in, and come again. */
Test(tracking, tells_of_strings_that_are_dropped_together)
{
	(void)set_string("s", "1", EVENT_PLAIN);
	track(&one, &plain);
	reads(&one, "s");
	reads(&one, "other");
	(void)change(shard_of("s"), drop_strings, NULL);
	listening_read();
	is_told(&one, "s");
	reads(&one, "s");
	(void)set_field("{s}h", "s", "1", EVENT_PLAIN);
	listening_read();
	client_has_news(&one, "");
	(void)set_string("s", "2", EVENT_PLAIN);
	listening_read();
	is_told(&one, "s");
}

Test(tracking, forgets_what_was_read_the_longest_ago)
{
	l.config.tracked_max = 2;
	track(&one, &plain);
	reads(&one, "a");
	reads(&one, "b");
	client_has_news(&one, "");
	reads(&one, "c");
	is_told(&one, "a");
	(void)set_string("a", "1", EVENT_PLAIN);
	listening_read();
	client_has_news(&one, "");
	(void)set_string("b", "1", EVENT_PLAIN);
	listening_read();
	is_told(&one, "b");
}

/* --- whose doing it was --- */

static void
changed_by(struct client *c, struct txn_revisions revisions)
{
	struct store_changes changes = { .n = 1, .of = { revisions } };

	tracking_own(&c->session, &changes);
	cr_assert_eq(changes.n, 0);
}

Test(tracking, tells_nobody_of_its_own_changes_who_does_not_want_that)
{
	const struct tracking_mode noloop = { .noloop = true };

	track(&one, &noloop);
	track(&two, &plain);
	reads(&one, "s");
	reads(&two, "s");
	changed_by(&one, set_string("s", "1", EVENT_PLAIN));
	listening_read();
	client_has_news(&one, "");
	is_told(&two, "s");
	reads(&one, "s");
	reads(&two, "s");
	changed_by(&two, set_string("s", "2", EVENT_PLAIN));
	listening_read();
	is_told(&one, "s");
	is_told(&two, "s");
	reads(&one, "s");
	reads(&one, "{s}2");
	(void)set_string("{s}2", "1", EVENT_PLAIN);
	changed_by(&one, set_string("s", "3", EVENT_PLAIN));
	listening_read();
	is_told(&one, "{s}2");
}

/* --- who is told --- */

Test(tracking, tells_somebody_else_instead_until_that_one_has_gone)
{
	bool lost;

	two.session.protocol = REQUEST_RESP2;
	cr_assert(tracking_begin(&one.session, &plain, &two.session));
	cr_assert_eq(tracking_redirect(&one.session, &lost), two.session.id);
	cr_assert_not(lost);
	reads(&one, "s");
	(void)set_string("s", "1", EVENT_PLAIN);
	listening_read();
	/* In RESP2 it can be told nothing unless it listens. */
	client_has_news(&two, "");
	client_listen(&two, CHANNEL_NAME, "__redis__:invalidate");
	reads(&one, "s");
	(void)set_string("s", "2", EVENT_PLAIN);
	listening_read();
	client_has_news(&two, "*3\r\n$7\r\nmessage\r\n"
	    "$20\r\n__redis__:invalidate\r\n*1\r\n$1\r\ns\r\n");
	client_has_news(&one, "");
	reads(&one, "s");
	tracking_forget(&two.session);
	cr_assert_neq(tracking_redirect(&one.session, &lost), 0);
	cr_assert(lost);
	(void)set_string("s", "3", EVENT_PLAIN);
	listening_read();
	client_has_news(&two, "");
	client_has_news(&one, ">2\r\n$21\r\ntracking-redir-broken\r\n:2\r\n");
}

Test(tracking, in_resp2_tells_nobody)
{
	one.session.protocol = REQUEST_RESP2;
	track(&one, &plain);
	reads(&one, "s");
	(void)set_string("s", "1", EVENT_PLAIN);
	listening_read();
	client_has_news(&one, "");
}

/* --- broadcasts --- */

Test(tracking, keeps_prefixes_in_order)
{
	static const char *const order[] = { "", "a", "aa", "b" };
	const struct slice *prefix;
	size_t i;

	cr_assert_null(tracking_prefix(&one.session, 0));
	track(&one, &broadcast);
	cr_assert(tracking_add_prefix(&one.session, slice_of("b")));
	cr_assert(tracking_add_prefix(&one.session, slice_of("aa")));
	cr_assert(tracking_add_prefix(&one.session, slice_of("")));
	cr_assert(tracking_add_prefix(&one.session, slice_of("a")));
	for (i = 0; i < 4; i++) {
		prefix = tracking_prefix(&one.session, i);
		cr_assert_eq(prefix->len, strlen(order[i]));
		cr_assert_eq(memcmp(prefix->data, order[i], prefix->len), 0);
	}
	cr_assert_null(tracking_prefix(&one.session, 4));
}

Test(tracking, broadcasts_names_with_a_prefix_once_for_each_time_it_looks)
{
	track_prefix(&two, &broadcast, "");
	(void)set_string("user:0{user:1}", "1", EVENT_PLAIN);
	track_prefix(&one, &broadcast, "user:");
	(void)set_string("user:1", "1", EVENT_PLAIN);
	(void)set_string("user:1", "2", EVENT_PLAIN);
	(void)set_field("us{user:1}", "a", "1", EVENT_PLAIN);
	listening_read();
	is_told(&one, "user:1");
	client_has_news(&two, ">2\r\n$10\r\ninvalidate\r\n*3\r\n"
	    "$14\r\nuser:0{user:1}\r\n$6\r\nuser:1\r\n"
	    "$10\r\nus{user:1}\r\n");
	listening_read();
	client_has_news(&one, "");
	(void)set_field("user:1", "b", "1", EVENT_PLAIN);
	listening_read();
	is_told(&one, "user:1");
}

Test(tracking, broadcasts_to_nobody_what_it_alone_has_changed)
{
	const struct tracking_mode noloop = { .bcast = true, .noloop = true };

	track_prefix(&one, &noloop, "");
	track_prefix(&two, &broadcast, "");
	changed_by(&one, set_string("s", "1", EVENT_PLAIN));
	listening_read();
	client_has_news(&one, "");
	is_told(&two, "s");
	changed_by(&one, set_string("s", "2", EVENT_PLAIN));
	changed_by(&two, set_string("s", "3", EVENT_PLAIN));
	listening_read();
	is_told(&one, "s");
	is_told(&two, "s");
}

/* --- all there is --- */

Test(tracking, tells_that_everything_was_removed_in_one_message)
{
	track(&one, &plain);
	track_prefix(&two, &broadcast, "x");
	reads(&one, "s");
	reads(&one, "t");
	agreed_flush(l.agreed);
	listening_read();
	client_has_news(&one, EVERYTHING);
	client_has_news(&two, EVERYTHING);
	(void)set_string("s", "1", EVENT_PLAIN);
	listening_read();
	client_has_news(&one, "");
}

Test(tracking, tells_nobody_of_a_removal_before_it_began)
{
	agreed_flush(l.agreed);
	track(&one, &plain);
	reads(&one, "s");
	listening_read();
	client_has_news(&one, "");
	(void)set_string("s", "1", EVENT_PLAIN);
	listening_read();
	is_told(&one, "s");
}

/* Nobody knows what has happened in a shard whose feed was lost. */
Test(tracking, tells_of_all_names_of_a_shard_that_was_lost)
{
	char elsewhere[16];
	unsigned i = 0;

	do
		snprintf(elsewhere, sizeof(elsewhere), "c%u", i++);
	while (shard_of(elsewhere) == shard_of("s"));
	track(&one, &plain);
	track_prefix(&two, &broadcast, "x");
	reads(&one, "s");
	reads(&one, elsewhere);
	tracking_event(l.sessions.tracking, shard_of("s"), NULL);
	is_told(&one, "s");
	client_has_news(&two, EVERYTHING);
	(void)set_string(elsewhere, "1", EVENT_PLAIN);
	listening_read();
	is_told(&one, elsewhere);
}

Test(tracking, leaves_nothing_behind)
{
	track(&one, &plain);
	track_prefix(&two, &broadcast, "");
	reads(&one, "s");
	cr_assert_eq(listening_count(BOARD_TRACKING), 2);
	cr_assert_eq(listening_watched(), LISTENING_SHARDS);
	(void)set_string("s", "1", EVENT_PLAIN);
	changed_by(&two, set_string("s", "2", EVENT_PLAIN));
	tracking_end(&two.session);
	cr_assert_eq(listening_watched(), 1);
	cr_assert_eq(l.sessions.tracking->n_own, 0);
	tracking_end(&one.session);
	tracking_end(&one.session);
	cr_assert_eq(listening_watched(), 0);
	cr_assert_eq(listening_count(BOARD_TRACKING), 0);
	listening_read();
	client_has_news(&one, "");
	client_has_news(&two, "");
}
