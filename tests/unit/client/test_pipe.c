/* Many requests in flight. */

#include <criterion/criterion.h>
#include <string.h>

#include "proto/client/kv.h"
#include "tests/unit/client/peer.h"

static const struct kv_bytes bucket = { "b", 1 };

static void
assert_reply(struct kv *kv, enum kv_status status, const char *value,
    bool last)
{
	struct kv_reply reply;

	cr_assert_eq(kv_pipe_reply(kv, &reply), KV_OK, "%s", kv_message(kv));
	cr_assert_eq(reply.status, status, "%s", kv_message(kv));
	cr_assert_eq(reply.last, last);
	if (value == NULL)
		return;
	cr_assert_eq(reply.value.len, strlen(value));
	cr_assert_eq(memcmp(reply.value.data, value, strlen(value)), 0);
}

Test(pipe, replies_come_in_the_order_of_the_requests)
{
	static const struct peer_step steps[] = {
		EXPECT("CREATE b\r\nPUT b k v\r\nGET b k\r\nGET b x\r\n"
		    "MGET b k x k\r\nMPUT b a 1 c 3\r\nDELETE b k\r\n"),
		SEND("OK\r\nOK\r\nv\r\nOK\r\n\r\nOK\r\nv\r\n\r\nv\r\nOK\r\n"
		    "ERROR full\r\nNOT FOUND\r\n"), END
	};
	struct kv_bytes keys[] = { kv_str("k"), kv_str("x"), kv_str("k") };
	struct kv_pair pairs[] = {
		{ kv_str("a"), kv_str("1") }, { kv_str("c"), kv_str("3") }
	};
	struct kv *kv = peer_open(steps, NULL);

	cr_assert_eq(kv_pipe_create(kv, bucket), KV_OK);
	cr_assert_eq(kv_pipe_put(kv, bucket, kv_str("k"), kv_str("v")),
	    KV_OK);
	cr_assert_eq(kv_pipe_get(kv, bucket, kv_str("k")), KV_OK);
	cr_assert_eq(kv_pipe_get(kv, bucket, kv_str("x")), KV_OK);
	cr_assert_eq(kv_pipe_mget(kv, bucket, keys, 3), KV_OK);
	cr_assert_eq(kv_pipe_mput(kv, bucket, pairs, 2), KV_OK);
	cr_assert_eq(kv_pipe_delete(kv, bucket, kv_str("k")), KV_OK);
	cr_assert_eq(kv_pipe_pending(kv), 7);
	cr_assert_eq(kv_create(kv, bucket), KV_BUSY);
	cr_assert_eq(kv_pipe_flush(kv), KV_OK);
	assert_reply(kv, KV_OK, NULL, true);
	assert_reply(kv, KV_OK, NULL, true);
	assert_reply(kv, KV_OK, "v", true);
	assert_reply(kv, KV_NO_KEY, NULL, true);
	assert_reply(kv, KV_OK, "v", false);
	assert_reply(kv, KV_NO_KEY, NULL, false);
	cr_assert_eq(kv_pipe_pending(kv), 3);
	assert_reply(kv, KV_OK, "v", true);
	assert_reply(kv, KV_REFUSED, NULL, true);
	cr_assert_not_null(strstr(kv_message(kv), ": full"));
	assert_reply(kv, KV_NO_BUCKET, NULL, true);
	cr_assert_eq(kv_pipe_pending(kv), 0);
	peer_close(kv);
}

Test(pipe, failures_between_nodes_are_those_of_one_request)
{
	static const struct peer_step steps[] = {
		EXPECT("PUT b k v\r\nPUT b k v\r\nMGET b k k\r\nGET b k\r\n"),
		SEND("ERROR unknown: bar: link broke\r\n"
		    "ERROR unavailable: bar: no link\r\n"
		    "v\r\nERROR unavailable: bar: no link\r\nv\r\nOK\r\n"),
		END
	};
	struct kv_bytes keys[] = { kv_str("k"), kv_str("k") };
	struct kv *kv = peer_open(steps, NULL);

	cr_assert_eq(kv_pipe_put(kv, bucket, keys[0], kv_str("v")), KV_OK);
	cr_assert_eq(kv_pipe_put(kv, bucket, keys[0], kv_str("v")), KV_OK);
	cr_assert_eq(kv_pipe_mget(kv, bucket, keys, 2), KV_OK);
	cr_assert_eq(kv_pipe_get(kv, bucket, keys[0]), KV_OK);
	assert_reply(kv, KV_UNKNOWN, NULL, true);
	cr_assert_not_null(strstr(kv_message(kv), "bar: link broke"));
	assert_reply(kv, KV_UNAVAILABLE, NULL, true);
	assert_reply(kv, KV_OK, "v", false);
	assert_reply(kv, KV_UNAVAILABLE, NULL, true);
	assert_reply(kv, KV_OK, "v", true);
	peer_close(kv);
}

Test(pipe, a_reply_nobody_asked_for_is_not_waited_for)
{
	static const struct peer_step steps[] = { END };
	struct kv *kv = peer_open(steps, NULL);
	struct kv_reply reply;

	cr_assert_eq(kv_pipe_reply(kv, &reply), KV_NO_REPLY);
	cr_assert_eq(kv_pipe_mget(kv, bucket, NULL, 0), KV_BAD_ARGUMENT);
	cr_assert_eq(kv_pipe_mput(kv, bucket, NULL, 0), KV_BAD_ARGUMENT);
	cr_assert_eq(kv_pipe_pending(kv), 0);
	peer_close(kv);
}

Test(pipe, calls_and_pipelines_take_turns)
{
	static const struct peer_step steps[] = {
		EXPECT("GET b k\r\n"), SEND("1\r\nOK\r\n"),
		EXPECT("CREATE b\r\n"), SEND("OK\r\n"),
		EXPECT("GET b k\r\n"), SEND("2\r\nOK\r\n"), END
	};
	struct kv *kv = peer_open(steps, NULL);

	cr_assert_eq(kv_pipe_get(kv, bucket, kv_str("k")), KV_OK);
	assert_reply(kv, KV_OK, "1", true);
	cr_assert_eq(kv_create(kv, bucket), KV_OK);
	cr_assert_eq(kv_pipe_get(kv, bucket, kv_str("k")), KV_OK);
	assert_reply(kv, KV_OK, "2", true);
	peer_close(kv);
}

Test(pipe, the_depth_bounds_the_requests_in_flight)
{
	static const struct peer_step steps[] = {
		EXPECT("CREATE b\r\nCREATE b\r\nCREATE b\r\n"),
		SEND("OK\r\nOK\r\nOK\r\n"),
		EXPECT("CREATE b\r\n"), SEND("OK\r\n"), END
	};
	struct kv_options options = { .depth = 3 };
	struct kv *kv = peer_open(steps, &options);
	int i;

	for (i = 0; i < 3; i++)
		cr_assert_eq(kv_pipe_create(kv, bucket), KV_OK);
	cr_assert_eq(kv_pipe_create(kv, bucket), KV_FULL);
	assert_reply(kv, KV_OK, NULL, true);
	assert_reply(kv, KV_OK, NULL, true);
	assert_reply(kv, KV_OK, NULL, true);
	cr_assert_eq(kv_pipe_create(kv, bucket), KV_OK);
	assert_reply(kv, KV_OK, NULL, true);
	peer_close(kv);
}

/*
 * A peer that sends without end and reads nothing: what is queued stays
 * within the window, and what it sent can still be read.
 */
Test(pipe, a_server_that_does_not_read_fills_the_window_and_no_more)
{
	static const struct peer_step steps[] = {
		REPEAT("OK\r\n", 1 << 22),
		CLOSE
	};
	struct kv_options options = {
		.window_bytes = 65536, .depth = 1 << 22
	};
	struct kv *kv = peer_open(steps, &options);
	static char bytes[10000];
	struct kv_bytes value = { bytes, sizeof(bytes) };
	enum kv_status status = KV_OK;
	size_t sent = 0;

	memset(bytes, 'v', sizeof(bytes));
	while ((status = kv_pipe_put(kv, bucket, kv_str("k"), value)) ==
	    KV_OK)
		sent++;
	cr_assert_eq(status, KV_FULL);
	cr_assert_eq(kv_pipe_pending(kv), sent);
	cr_assert_eq(kv_pipe_flush(kv), KV_FULL);
	cr_assert_eq(kv_pipe_pending(kv), sent);
	assert_reply(kv, KV_OK, NULL, true);
	kv_close(kv);
	peer_finish();
}

/*
 * Both ends have more to say than the sockets hold: the peer writes its
 * first replies before it reads the rest of the requests.
 */
Test(pipe, neither_end_waits_for_the_other_for_ever)
{
	enum { REQUESTS = 64, REPLY_BYTES = 1 << 20, REQUEST_BYTES = 100007 };
	static struct peer_step steps[4 * REQUESTS + 1];
	static char key_bytes[REQUEST_BYTES - 8];
	struct kv_bytes key = { key_bytes, sizeof(key_bytes) };
	enum kv_status status;
	struct kv_reply reply;
	size_t sent = 0, answered = 0;
	struct kv *kv;
	int i;

	memset(key_bytes, 'k', sizeof(key_bytes));
	for (i = 0; i < REQUESTS; i++) {
		steps[3 * i].what = PEER_SKIP;
		steps[3 * i].times = REQUEST_BYTES;
		steps[3 * i + 1].what = PEER_REPEAT;
		steps[3 * i + 1].text = "0123456789abcdef";
		steps[3 * i + 1].times = REPLY_BYTES / 16;
		steps[3 * i + 2].what = PEER_SEND;
		steps[3 * i + 2].text = "\r\nOK\r\n";
	}
	steps[3 * REQUESTS].what = PEER_END;
	kv = peer_open(steps, NULL);
	while (answered < REQUESTS) {
		status = sent < REQUESTS ? kv_pipe_get(kv, bucket, key) :
		    KV_FULL;
		if (status == KV_OK) {
			sent++;
			continue;
		}
		cr_assert_eq(status, KV_FULL);
		cr_assert_eq(kv_pipe_reply(kv, &reply), KV_OK, "%s",
		    kv_message(kv));
		cr_assert_eq(reply.value.len, REPLY_BYTES);
		answered++;
	}
	peer_close(kv);
}

Test(pipe, a_deadline_ends_the_wait_for_a_reply_and_the_handle)
{
	static const struct peer_step steps[] = {
		EXPECT("CREATE b\r\n"), END
	};
	struct kv_options options = { .call_ms = 30 };
	struct kv *kv = peer_open(steps, &options);
	struct kv_reply reply;

	cr_assert_eq(kv_pipe_create(kv, bucket), KV_OK);
	cr_assert_eq(kv_pipe_reply(kv, &reply), KV_TIMEOUT);
	cr_assert_eq(kv_pipe_reply(kv, &reply), KV_BROKEN);
	cr_assert_eq(kv_pipe_create(kv, bucket), KV_BROKEN);
	cr_assert_eq(kv_pipe_flush(kv), KV_BROKEN);
	peer_close(kv);
}

Test(pipe, a_server_that_closes_half_way_leaves_the_rest_unanswered)
{
	static const struct peer_step steps[] = {
		EXPECT("CREATE b\r\nCREATE b\r\n"), SEND("OK\r\n"),
		CLOSE
	};
	struct kv *kv = peer_open(steps, NULL);
	struct kv_reply reply;

	cr_assert_eq(kv_pipe_create(kv, bucket), KV_OK);
	cr_assert_eq(kv_pipe_create(kv, bucket), KV_OK);
	assert_reply(kv, KV_OK, NULL, true);
	cr_assert_eq(kv_pipe_reply(kv, &reply), KV_CLOSED);
	cr_assert_eq(kv_pipe_pending(kv), 1);
	peer_close(kv);
}
