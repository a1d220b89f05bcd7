/* Subscriptions, and the quoting of words. */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "proto/client/kv.h"
#include "tests/unit/client/peer.h"

static const struct kv_bytes bucket = { "shopping", 8 };

static struct kv *
subscribe(const struct peer_step *steps)
{
	struct kv *kv = peer_open(steps, NULL);

	cr_assert_eq(kv_subscribe(kv, bucket), KV_OK);
	return kv;
}

static void
assert_event(struct kv *kv, enum kv_op op, const char *key,
    const char *value)
{
	struct kv_event event;

	cr_assert_eq(kv_event(kv, &event, 10000), KV_OK, "%s",
	    kv_message(kv));
	cr_assert_eq(event.op, op);
	cr_assert_eq(event.key.len, strlen(key));
	cr_assert_eq(memcmp(event.key.data, key, strlen(key)), 0);
	cr_assert_eq(event.value.len, strlen(value));
	if (*value != '\0')
		cr_assert_eq(memcmp(event.value.data, value, strlen(value)),
		    0);
}

Test(subscribe, events_arrive_in_order_however_they_are_split)
{
	static const struct peer_step steps[] = {
		EXPECT("SUBSCRIBE shopping\r\n"),
		SEND("milk SET TO 2\r\neggs DELETED\r\n"),
		DRIP("\"a b\" SET TO \"c\\nd\"\r\n\"\" SET TO \"\"\r\n"), END
	};
	struct kv *kv = subscribe(steps);

	assert_event(kv, KV_SET, "milk", "2");
	assert_event(kv, KV_DELETED, "eggs", "");
	assert_event(kv, KV_SET, "a b", "c\nd");
	assert_event(kv, KV_SET, "", "");
	peer_close(kv);
}

Test(subscribe, a_link_that_breaks_and_is_mended_is_told_between_the_changes)
{
	static const struct peer_step steps[] = {
		EXPECT("SUBSCRIBE shopping\r\n"),
		DRIP("LOST SET TO 1\r\nLOST bar\r\nLOST DELETED\r\n"),
		DRIP("RESUMED bar\r\nRESUMED DELETED\r\n"), END
	};
	struct kv *kv = subscribe(steps);

	assert_event(kv, KV_SET, "LOST", "1");
	assert_event(kv, KV_LOST, "bar", "");
	assert_event(kv, KV_DELETED, "LOST", "");
	assert_event(kv, KV_RESUMED, "bar", "");
	assert_event(kv, KV_DELETED, "RESUMED", "");
	peer_close(kv);
}

Test(subscribe, no_event_within_the_deadline_harms_nothing)
{
	static const struct peer_step steps[] = {
		EXPECT("SUBSCRIBE shopping\r\n"), SEND("milk SET"), END
	};
	struct kv *kv = subscribe(steps);
	struct kv_event event;

	cr_assert_eq(kv_event(kv, &event, 0), KV_TIMEOUT);
	cr_assert_eq(kv_event(kv, &event, 30), KV_TIMEOUT);
	cr_assert(kv_usable(kv));
	cr_assert_eq(kv_create(kv, bucket), KV_BUSY);
	cr_assert_eq(kv_pipe_create(kv, bucket), KV_BUSY);
	cr_assert_eq(kv_event(kv, &event, 0), KV_TIMEOUT);
	peer_close(kv);
}

static void
assert_end(const struct peer_step *steps, enum kv_status expected,
    const char *part)
{
	struct kv *kv = subscribe(steps);
	struct kv_event event;

	cr_assert_eq(kv_event(kv, &event, 10000), expected, "%s",
	    kv_message(kv));
	cr_assert_not_null(strstr(kv_message(kv), part), "%s",
	    kv_message(kv));
	cr_assert_eq(kv_event(kv, &event, 0), KV_BROKEN);
	cr_assert_not(kv_usable(kv));
	peer_close(kv);
}

Test(subscribe, a_subscription_that_ends_says_why)
{
	static const struct peer_step missing[] = {
		EXPECT("SUBSCRIBE shopping\r\n"), SEND("NOT FOUND\r\n"), END
	};
	static const struct peer_step slow[] = {
		EXPECT("SUBSCRIBE shopping\r\n"), SEND("ERROR too slow\r\n"),
		CLOSE
	};
	static const struct peer_step away[] = {
		EXPECT("SUBSCRIBE shopping\r\n"),
		SEND("ERROR unavailable: bar: no link\r\n"), END
	};
	static const struct peer_step closed[] = {
		EXPECT("SUBSCRIBE shopping\r\n"), SEND("milk SET"), CLOSE
	};
	static const struct peer_step garbage[] = {
		EXPECT("SUBSCRIBE shopping\r\n"), SEND("hello\r\n"), END
	};

	assert_end(missing, KV_NO_BUCKET, "shopping: no such bucket");
	assert_end(slow, KV_REFUSED, "too slow");
	assert_end(away, KV_UNAVAILABLE, "bar: no link");
	assert_end(closed, KV_CLOSED, "closed the connection");
	assert_end(garbage, KV_GARBAGE, "no event");
}

Test(subscribe, an_event_is_not_waited_for_without_a_subscription)
{
	static const struct peer_step steps[] = { END };
	struct kv *kv = peer_open(steps, NULL);
	struct kv_event event;

	cr_assert_eq(kv_event(kv, &event, -1), KV_BAD_ARGUMENT);
	peer_close(kv);
}

Test(words, every_byte_survives_quoting)
{
	char bytes[256], quoted[1100];
	struct kv_bytes all = { bytes, sizeof(bytes) }, word;
	size_t i, len, used;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	len = kv_quote(quoted, all);
	cr_assert_eq(len, kv_quoted_len(all));
	cr_assert_null(memchr(quoted, '\n', len));
	cr_assert_eq(kv_unquote(quoted, len, &word, &used), KV_OK);
	cr_assert_eq(used, len);
	cr_assert_eq(word.len, sizeof(bytes));
	cr_assert_eq(memcmp(word.data, bytes, sizeof(bytes)), 0);
}

Test(words, what_is_no_word_is_refused_with_its_place)
{
	struct kv_bytes word;
	char text[32];
	size_t used;

	cr_assert_eq(kv_unquote(text, 0, &word, &used), KV_BAD_ARGUMENT);
	strcpy(text, " a");
	cr_assert_eq(kv_unquote(text, 2, &word, &used), KV_BAD_ARGUMENT);
	cr_assert_eq(used, 0);
	strcpy(text, "\"ab\\qc\"");
	cr_assert_eq(kv_unquote(text, strlen(text), &word, &used),
	    KV_BAD_ARGUMENT);
	cr_assert_eq(used, 3);
}

Test(words, every_status_has_a_phrase_of_its_own)
{
	int i, j;

	for (i = KV_OK; i <= KV_PARTIAL; i++)
		for (j = KV_OK; j < i; j++)
			cr_assert_str_neq(kv_strerror((enum kv_status)i),
			    kv_strerror((enum kv_status)j));
	cr_assert_str_eq(kv_strerror((enum kv_status)9999),
	    "unknown status");
}
