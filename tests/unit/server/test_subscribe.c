/*
 * Subscriptions: who hears what happens in a bucket, from when on, and how it
 * ends.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "server/subscribe.h"
#include "tests/unit/server/listening.h"

#define MANY	1500	/* more than there are chains for */

static struct store store;
static struct subscriber one, two;
static struct outbuf heard_by_one, heard_by_two;

static void
begin(void)
{
	listening_begin();
	cr_assert_eq(store_open(&store, l.arena), 0);
}

static void
end(void)
{
	subscribe_remove(l.subs, &one);
	subscribe_remove(l.subs, &two);
	outbuf_free(&heard_by_one);
	outbuf_free(&heard_by_two);
	store_close(&store);
	listening_end();
}

TestSuite(subscribe, .init = begin, .fini = end, .timeout = 60);

static enum shm_status
listen_to(struct subscriber *sub, const char *bucket, struct outbuf *out)
{
	return subscribe_add(l.subs, sub, &store, slice_of(bucket), out);
}

/* How many events have come, of all. */
static uint64_t
read_all(void)
{
	uint64_t events = 0;

	while (subscribe_read(l.subs, &events))
		;
	return events;
}

/* It has heard exactly this since the last time. */
static void
is(struct outbuf *out, const char *text)
{
	cr_assert_eq(outbuf_len(out), strlen(text), "\"%.*s\"",
	    (int)outbuf_len(out), (const char *)out->data + out->head);
	cr_assert(*text == '\0' ||
	    memcmp(out->data + out->head, text, strlen(text)) == 0);
	outbuf_free(out);
}

Test(subscribe, tells_of_a_bucket_and_of_no_other)
{
	(void)set_field("b", "old", "1", EVENT_PLAIN);
	(void)set_field("{b}2", "old", "1", EVENT_PLAIN);
	cr_assert_eq(listen_to(&one, "b", &heard_by_one), SHM_OK);
	cr_assert_eq(listen_to(&two, "{b}2", &heard_by_two), SHM_OK);
	(void)set_field("b", "milk", "1", EVENT_PLAIN);
	(void)set_field("b", "milk", NULL, EVENT_PLAIN);
	(void)set_field("{b}2", "eggs", "2", EVENT_PLAIN);
	(void)set_string("b", "s", EVENT_PLAIN);
	cr_assert_eq(read_all(), 3);
	is(&heard_by_one, "milk SET TO 1\r\nmilk DELETED\r\n");
	is(&heard_by_two, "eggs SET TO 2\r\n");
}

Test(subscribe, tells_each_of_many_of_its_own_bucket)
{
	static struct subscriber subs[MANY];
	static struct outbuf out[MANY];
	char name[16], said[32];
	unsigned i;

	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "b%u", i);
		(void)set_field(name, "k", "old", EVENT_PLAIN);
		cr_assert_eq(listen_to(&subs[i], name, &out[i]), SHM_OK);
	}
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "b%u", i);
		(void)set_field(name, "k", name, EVENT_PLAIN);
	}
	cr_assert_eq(read_all(), MANY);
	for (i = 0; i < MANY; i++) {
		snprintf(said, sizeof(said), "k SET TO b%u\r\n", i);
		is(&out[i], said);
		subscribe_remove(l.subs, &subs[i]);
	}
}

/* Both are served by one reading of the feed, which lags behind. */
Test(subscribe, spares_who_comes_later_what_is_older)
{
	(void)set_field("b", "old", "1", EVENT_PLAIN);
	cr_assert_eq(listen_to(&one, "b", &heard_by_one), SHM_OK);
	(void)set_field("b", "milk", "1", EVENT_PLAIN);
	cr_assert_eq(listen_to(&two, "b", &heard_by_two), SHM_OK);
	(void)set_field("b", "milk", "2", EVENT_PLAIN);
	(void)read_all();
	is(&heard_by_one, "milk SET TO 1\r\nmilk SET TO 2\r\n");
	is(&heard_by_two, "milk SET TO 2\r\n");
}

/* The next bucket of that name may have its number, too. */
Test(subscribe, ends_with_the_bucket)
{
	(void)set_field("b", "a", "1", EVENT_PLAIN);
	cr_assert_eq(listen_to(&one, "b", &heard_by_one), SHM_OK);
	(void)set_field("b", "a", NULL, EVENT_PLAIN);
	(void)set_field("b", "a", "2", EVENT_PLAIN);
	(void)read_all();
	is(&heard_by_one, "a DELETED\r\nNOT FOUND\r\n");
	cr_assert_eq(one.state, SUBSCRIBER_DROPPED);
	cr_assert_eq(listen_to(&two, "b", &heard_by_two), SHM_OK);
	(void)set_field("b", "a", "3", EVENT_PLAIN);
	(void)read_all();
	is(&heard_by_one, "");
	is(&heard_by_two, "a SET TO 3\r\n");
}

Test(subscribe, to_a_bucket_that_there_is_not_changes_nothing)
{
	cr_assert_eq(listen_to(&one, "b", &heard_by_one), SHM_NO_BUCKET);
	cr_assert_eq(listening_watched(), 0);
	(void)set_field("b", "a", "1", EVENT_PLAIN);
	cr_assert_eq(read_all(), 0);
	cr_assert_eq(listen_to(&one, "b", &heard_by_one), SHM_OK);
	cr_assert_eq(listening_watched(), 1);
}

Test(subscribe, touches_each_who_hears_once_and_nobody_who_has_gone)
{
	(void)set_field("b", "old", "1", EVENT_PLAIN);
	cr_assert_eq(listen_to(&one, "b", &heard_by_one), SHM_OK);
	cr_assert_eq(listen_to(&two, "b", &heard_by_two), SHM_OK);
	(void)set_field("b", "a", "1", EVENT_PLAIN);
	(void)set_field("b", "a", "2", EVENT_PLAIN);
	(void)read_all();
	subscribe_remove(l.subs, &one);
	subscribe_remove(l.subs, &one);
	cr_assert_eq(subscribe_next_touched(l.subs), &two);
	cr_assert_null(subscribe_next_touched(l.subs));
	cr_assert_eq(listening_watched(), 1);
	subscribe_remove(l.subs, &two);
	cr_assert_eq(listening_watched(), 0);
}
