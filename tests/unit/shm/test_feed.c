#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "shm/bucket.h"
#include "shm/feed.h"
#include "shm/pair.h"
#include "support.h"

TestSuite(feed, .fini = support_fini);

static struct arena *a;
static struct feed feed;
static char buf[4096];
static const struct bytes name = { "b", 1 };

static void
set_up(void)
{
	a = support_arena(UINT64_C(8) << 20, 1, 64 * 1024);
	cr_assert_eq(bucket_create(a, name), SHM_OK);
	feed_open(a, 0, &feed);
}

static void
put(const char *key, const char *value)
{
	struct pair p = { support_bytes(key), support_bytes(value), 0 };

	cr_assert_eq(pair_put(a, name, &p, NULL), SHM_OK);
}

static struct feed_event
next(void)
{
	struct feed_event e;
	size_t needed;

	cr_assert_eq(feed_next(a, &feed, buf, sizeof(buf), &e, &needed),
	    FEED_OK);
	return e;
}

static void
expect_none(void)
{
	struct feed_event e;
	size_t needed;

	cr_assert_eq(feed_next(a, &feed, buf, sizeof(buf), &e, &needed),
	    FEED_NONE);
}

static bool
is(struct bytes b, const char *s)
{
	return b.len == strlen(s) && memcmp(b.data, s, b.len) == 0;
}

Test(feed, shows_every_change_in_order)
{
	struct feed_event e;
	struct bucket_stat st;

	set_up();
	expect_none();
	bucket_stat(a, name, &st);
	put("milk", "1");
	put("milk", "2");
	pair_delete(a, name, support_bytes("milk"));
	e = next();
	cr_assert(e.op == FEED_SET && is(e.key, "milk") && is(e.value, "1"));
	cr_assert_eq(e.bucket_id, st.id);
	e = next();
	cr_assert(e.op == FEED_SET && is(e.value, "2"));
	e = next();
	cr_assert(e.op == FEED_DELETED && is(e.key, "milk"));
	expect_none();
	bucket_drop(a, name);
	bucket_create(a, name);
	e = next();
	cr_assert(e.op == FEED_DROPPED && is(e.key, "b"));
	e = next();
	cr_assert(e.op == FEED_CREATED && is(e.key, "b"));
	expect_none();
}

Test(feed, goes_on_from_segment_to_segment)
{
	struct feed_event e;
	char key[16];
	unsigned i;

	set_up();
	for (i = 0; i < 10000; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		put(key, "a value of some length");
	}
	for (i = 0; i < 10000; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		e = next();
		cr_assert(e.op == FEED_SET && is(e.key, key), "event %u", i);
	}
	expect_none();
}

Test(feed, never_shows_what_the_cleaner_moves)
{
	unsigned i;
	char key[16];

	set_up();
	for (i = 0; i < 20000; i++) {
		snprintf(key, sizeof(key), "k%u", i % 3000 + (i % 7) * 10000);
		put(key, "a value of some length");
		(void)next();
	}
	support_clean(a);
	expect_none();
	put("x", "y");
	cr_assert(is(next().key, "x"));
}

Test(feed, event_of_a_creation_has_the_revision_that_the_bucket_shows)
{
	struct bucket_stat st;
	struct feed_event e;

	set_up();
	bucket_drop(a, name);
	bucket_create(a, name);
	cr_assert_eq(bucket_stat(a, name, &st), SHM_OK);
	cr_assert_lt(next().revision, st.created);	/* the drop */
	e = next();
	cr_assert(e.op == FEED_CREATED && e.revision == st.created);
	cr_assert_eq(e.bucket_id, st.id);
}

Test(feed, that_is_watched_is_given_time_while_memory_is_free)
{
	unsigned i;

	set_up();
	feed_watch(a, 0, 1);
	for (i = 0; i < 20000; i++)
		put("k", "the same key again and again");
	support_clean(a);
	for (i = 0; i < 20000; i++)
		(void)next();
	expect_none();
	feed_unwatch(a, 0, 1);
}

Test(feed, that_is_watched_shows_the_drop_of_the_last_bucket)
{
	struct arena_usage u;

	set_up();
	feed_watch(a, 0, 1);
	put("k", "v");
	bucket_drop(a, name);
	support_clean(a);
	cr_assert_eq(next().op, FEED_SET);
	cr_assert_eq(next().op, FEED_DROPPED);
	feed_unwatch(a, 0, 1);
	support_clean(a);
	arena_usage(a, &u);
	cr_assert_eq(u.segments_log + u.segments_index, 0);
}

Test(feed, overtaken_by_the_cleaner_says_so)
{
	struct feed_event e;
	unsigned i;
	size_t needed;

	set_up();
	put("first", "1");
	for (i = 0; i < 20000; i++)
		put("k", "the same key again and again");
	support_clean(a);
	cr_assert_eq(feed_next(a, &feed, buf, sizeof(buf), &e, &needed),
	    FEED_LOST);
	feed_open(a, 0, &feed);
	expect_none();
}

Test(feed, goes_on_when_an_empty_shard_gave_its_segments_back)
{
	set_up();
	put("k", "v");
	bucket_drop(a, name);
	(void)next();
	(void)next();
	support_clean(a);
	expect_none();
	bucket_create(a, name);
	cr_assert_eq(next().op, FEED_CREATED);
	expect_none();
}

Test(feed, says_how_much_room_an_event_needs)
{
	struct feed_event e;
	size_t needed;

	set_up();
	put("milk", "12345678");
	cr_assert_eq(feed_next(a, &feed, buf, 11, &e, &needed),
	    FEED_NO_ROOM);
	cr_assert_eq(needed, 12);
	cr_assert(is(next().value, "12345678"));
}

Test(feed, knows_its_watchers)
{
	struct feed_watchers w;

	set_up();
	cr_assert(!feed_watchers(a, 0, &w));
	feed_watch(a, 0, 3);
	feed_watch(a, 0, 200);
	cr_assert(feed_watchers(a, 0, &w));
	cr_assert(w.bits[0] == 1 << 3 && w.bits[3] == 1 << 8);
	feed_unwatch(a, 0, 3);
	feed_unwatch_all(a, 200);
	cr_assert(!feed_watchers(a, 0, &w));
}
