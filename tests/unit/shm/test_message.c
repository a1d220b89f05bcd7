#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "shm/audit.h"
#include "shm/bucket.h"
#include "shm/feed.h"
#include "shm/message.h"
#include "shm/pair.h"
#include "support.h"

TestSuite(message, .fini = support_fini);

#define WATCHER	3

static struct arena *a;
static struct feed feed;
static char buf[256 * 1024];
static const struct bytes channel = { "news", 4 };

static void
set_up(void)
{
	a = support_arena(UINT64_C(8) << 20, 1, 256 * 1024);
	feed_watch(a, 0, WATCHER);
	feed_open(a, 0, &feed);
}

static enum feed_status
next(struct feed_event *e)
{
	size_t needed;

	return feed_next(a, &feed, buf, sizeof(buf), e, &needed);
}

static void
hears(const char *text)
{
	struct feed_event e;

	cr_assert_eq(next(&e), FEED_OK);
	cr_assert_eq(e.op, FEED_MESSAGE);
	cr_assert_eq(e.bucket_id, 0);
	cr_assert_eq(e.key.len, channel.len);
	cr_assert_arr_eq(e.key.data, channel.data, channel.len);
	cr_assert_eq(e.value.len, strlen(text));
	cr_assert(memcmp(e.value.data, text, strlen(text)) == 0);
}

static void
hears_nothing(void)
{
	struct feed_event e;

	cr_assert_eq(next(&e), FEED_NONE);
}

static void
say(const char *text)
{
	cr_assert_eq(message_say(a, channel, support_bytes(text)), SHM_OK);
}

Test(message, comes_in_the_order_of_the_log)
{
	const struct pair p = { { "k", 1 }, { "v", 1 }, 0 };
	struct feed_event e;

	set_up();
	cr_assert_eq(bucket_create(a, channel), SHM_OK);
	say("one");
	cr_assert_eq(pair_put(a, channel, &p, NULL), SHM_OK);
	say("");
	cr_assert(next(&e) == FEED_OK && e.op == FEED_CREATED);
	hears("one");
	cr_assert(next(&e) == FEED_OK && e.op == FEED_SET);
	hears("");
	hears_nothing();
	support_audit(a);
}

Test(message, that_nobody_watches_for_is_not_written)
{
	struct bucket_stat before, after;

	set_up();
	feed_unwatch(a, 0, WATCHER);
	cr_assert_eq(bucket_create(a, channel), SHM_OK);
	cr_assert_eq(bucket_stat(a, channel, &before), SHM_OK);
	say("one");
	cr_assert_eq(bucket_create(a, support_bytes("b")), SHM_OK);
	cr_assert_eq(bucket_stat(a, support_bytes("b"), &after), SHM_OK);
	cr_assert_eq(after.revision, before.revision + 1);
	support_audit(a);
}

Test(message, has_the_limits_of_a_pair)
{
	char *bytes = calloc(1, arena_value_max(a = support_arena(
	    UINT64_C(8) << 20, 1, 256 * 1024)) + 1);
	struct bytes key = { bytes, PAIR_KEY_MAX };
	struct bytes text = { bytes, arena_value_max(a) };

	feed_watch(a, 0, WATCHER);
	cr_assert_eq(message_say(a, key, support_bytes("")), SHM_OK);
	cr_assert_eq(message_say(a, support_bytes(""), text), SHM_OK);
	/* Together they do not fit in a segment of this arena. */
	cr_assert_eq(message_say(a, key, text), SHM_VALUE_SIZE);
	key.len++;
	cr_assert_eq(message_say(a, key, support_bytes("")), SHM_KEY_SIZE);
	text.len++;
	cr_assert_eq(message_say(a, channel, text), SHM_VALUE_SIZE);
	support_audit(a);
	free(bytes);
}

/* They are garbage from the beginning, so room is made all the time. */
Test(message, can_be_said_for_ever)
{
	static char text[100000];
	struct audit_report r;
	unsigned i;

	set_up();
	for (i = 0; i < 1000; i++)
		cr_assert_eq(message_say(a, channel,
		    (struct bytes){ text, sizeof(text) }), SHM_OK);
	cr_assert_neq(next(&(struct feed_event){ .revision = 0 }), FEED_OK);
	feed_unwatch_all(a, WATCHER);
	support_clean(a);
	cr_assert_eq(audit_arena(a, &r), 0);
	cr_assert_eq(r.errors, 0);
	cr_assert_eq(r.log_records, 0);
}
