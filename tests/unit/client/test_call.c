/* Blocking calls against a server that follows a script. */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "proto/client/kv.h"
#include "tests/unit/client/peer.h"

static bool
equals(struct kv_bytes bytes, const char *text)
{
	return bytes.len == strlen(text) &&
	    memcmp(bytes.data, text, bytes.len) == 0;
}

static const struct kv_bytes bucket = { "shopping", 8 };

Test(call, requests_are_written_as_the_protocol_has_them)
{
	static const struct peer_step steps[] = {
		EXPECT("CREATE shopping\r\n"), SEND("OK\r\n"),
		EXPECT("PUT shopping milk 1\r\n"), SEND("OK\r\n"),
		EXPECT("DELETE shopping eggs\r\n"), SEND("OK\r\n"),
		EXPECT("MPUT shopping a 1 b \"\"\r\n"), SEND("OK\r\n"),
		EXPECT("DROP shopping\r\n"), SEND("OK\r\n"), END
	};
	struct kv_pair pairs[] = {
		{ kv_str("a"), kv_str("1") }, { kv_str("b"), { NULL, 0 } }
	};
	struct kv *kv = peer_open(steps, NULL);

	cr_assert_eq(kv_create(kv, bucket), KV_OK);
	cr_assert_eq(kv_put(kv, bucket, kv_str("milk"), kv_str("1")), KV_OK);
	cr_assert_eq(kv_delete(kv, bucket, kv_str("eggs")), KV_OK);
	cr_assert_eq(kv_mput(kv, bucket, pairs, 2), KV_OK);
	cr_assert_eq(kv_drop(kv, bucket), KV_OK);
	peer_close(kv);
}

Test(call, bytes_of_any_kind_are_quoted_and_come_back)
{
	static const struct peer_step steps[] = {
		EXPECT("PUT \"a b\" \"\\0\\n\\x01\" \"say \\\"hi\\\"\"\r\n"),
		SEND("OK\r\n"),
		EXPECT("GET \"a b\" \"\\0\\n\\x01\"\r\n"),
		SEND("\"\\0\\r\\xfe\\\\\"\r\nOK\r\n"), END
	};
	struct kv_bytes key = { "\0\n\x01", 3 }, value;
	struct kv *kv = peer_open(steps, NULL);

	cr_assert_eq(kv_put(kv, kv_str("a b"), key, kv_str("say \"hi\"")),
	    KV_OK);
	cr_assert_eq(kv_get(kv, kv_str("a b"), key, &value), KV_OK);
	cr_assert_eq(value.len, 4);
	cr_assert_eq(memcmp(value.data, "\0\r\xfe\\", 4), 0);
	peer_close(kv);
}

Test(call, a_reply_in_single_bytes_is_put_together)
{
	static const struct peer_step steps[] = {
		EXPECT("GET shopping milk\r\n"),
		DRIP("\"two loaves\"\r\nOK\r\n"),
		EXPECT("COUNT shopping\r\n"), DRIP("1000002\r\nOK\r\n"), END
	};
	struct kv *kv = peer_open(steps, NULL);
	struct kv_bytes value;
	uint64_t count;

	cr_assert_eq(kv_get(kv, bucket, kv_str("milk"), &value), KV_OK);
	cr_assert(equals(value, "two loaves"));
	cr_assert_eq(kv_count(kv, bucket, &count), KV_OK);
	cr_assert_eq(count, 1000002);
	peer_close(kv);
}

Test(call, answers_of_the_server_leave_the_handle_usable)
{
	static const struct peer_step steps[] = {
		EXPECT("GET shopping tea\r\n"), SEND("\r\nOK\r\n"),
		EXPECT("GET shopping tea\r\n"), SEND("NOT FOUND\r\n"),
		EXPECT("PUT shopping k v\r\n"),
		SEND("ERROR out of memory\r\n"),
		EXPECT("DROP shopping\r\n"), SEND("UNKNOWN COMMAND\r\n"),
		EXPECT("CREATE shopping\r\n"), SEND("OK\r\n"), END
	};
	struct kv *kv = peer_open(steps, NULL);
	struct kv_bytes value;

	cr_assert_eq(kv_get(kv, bucket, kv_str("tea"), &value), KV_NO_KEY);
	cr_assert_str_eq(kv_message(kv), "tea: no such key");
	cr_assert_eq(kv_get(kv, bucket, kv_str("tea"), &value), KV_NO_BUCKET);
	cr_assert_str_eq(kv_message(kv),
	    "shopping: no such bucket (create it first)");
	cr_assert_eq(kv_put(kv, bucket, kv_str("k"), kv_str("v")),
	    KV_REFUSED);
	cr_assert_not_null(strstr(kv_message(kv), ": out of memory"));
	cr_assert_eq(kv_drop(kv, bucket), KV_UNKNOWN_COMMAND);
	cr_assert(kv_usable(kv));
	cr_assert_eq(kv_create(kv, bucket), KV_OK);
	cr_assert_str_eq(kv_message(kv), "");
	peer_close(kv);
}

Test(call, failures_between_nodes_are_told_apart_and_leave_the_handle_usable)
{
	static const struct peer_step steps[] = {
		EXPECT("PUT shopping k v\r\n"),
		SEND("ERROR unavailable: bar: Connection refused\r\n"),
		EXPECT("PUT shopping k v\r\n"),
		DRIP("ERROR unknown: bar: the link broke\r\n"),
		EXPECT("GET shopping k\r\n"),
		SEND("ERROR unavailable: bar: busy\r\n"),
		EXPECT("CREATE shopping\r\n"), SEND("OK\r\n"), END
	};
	struct kv *kv = peer_open(steps, NULL);
	struct kv_bytes value;

	cr_assert_eq(kv_put(kv, bucket, kv_str("k"), kv_str("v")),
	    KV_UNAVAILABLE);
	cr_assert_not_null(strstr(kv_message(kv),
	    ": bar: Connection refused (not executed: try again)"));
	cr_assert_eq(kv_put(kv, bucket, kv_str("k"), kv_str("v")),
	    KV_UNKNOWN);
	cr_assert_not_null(strstr(kv_message(kv), ": bar: the link broke "
	    "(executed or not: look before you try again)"));
	cr_assert_eq(kv_get(kv, bucket, kv_str("k"), &value), KV_UNAVAILABLE);
	cr_assert(kv_usable(kv));
	cr_assert_eq(kv_create(kv, bucket), KV_OK);
	peer_close(kv);
}

Test(call, a_message_holds_no_control_bytes_and_not_all_of_a_long_name)
{
	static const struct peer_step steps[] = {
		SKIP(5 + 2000 + 2),
		SEND("NOT FOUND\r\n"),
		EXPECT("DROP shopping\r\n"), SEND("ERROR \033[2Jgone\r\n"), END
	};
	struct kv *kv = peer_open(steps, NULL);
	char name[2000];

	memset(name, 'n', sizeof(name));
	cr_assert_eq(kv_drop(kv, (struct kv_bytes){ name, sizeof(name) }),
	    KV_NO_BUCKET);
	cr_assert_lt(strlen(kv_message(kv)), 100);
	cr_assert_not_null(strstr(kv_message(kv), "nnn...: no such bucket"));
	cr_assert_eq(kv_drop(kv, bucket), KV_REFUSED);
	cr_assert_not_null(strstr(kv_message(kv), "?[2Jgone"));
	peer_close(kv);
}

Test(call, a_silent_server_is_left_at_the_deadline_and_for_good)
{
	static const struct peer_step steps[] = {
		EXPECT("CREATE shopping\r\n"), END
	};
	struct kv *kv = peer_open(steps, NULL);

	kv_set_deadline(kv, 30);
	cr_assert_eq(kv_create(kv, bucket), KV_TIMEOUT);
	cr_assert_not_null(strstr(kv_message(kv), "no answer within 30 ms"));
	cr_assert_not(kv_usable(kv));
	cr_assert_eq(kv_create(kv, bucket), KV_BROKEN);
	cr_assert_not_null(strstr(kv_message(kv),
	    "unusable since: 127.0.0.1"));
	cr_assert_eq(kv_ping(kv), KV_BROKEN);
	cr_assert_not_null(strstr(kv_message(kv),
	    "unusable since: 127.0.0.1"));
	peer_close(kv);
}

Test(call, half_a_reply_is_a_timeout_too)
{
	static const struct peer_step steps[] = {
		EXPECT("GET shopping milk\r\n"), SEND("1\r\nO"), END
	};
	struct kv_options options = { .call_ms = 30 };
	struct kv *kv = peer_open(steps, &options);
	struct kv_bytes value;

	cr_assert_eq(kv_get(kv, bucket, kv_str("milk"), &value), KV_TIMEOUT);
	peer_close(kv);
}

static void
assert_lost(const struct peer_step *steps, enum kv_status expected)
{
	struct kv *kv = peer_open(steps, NULL);
	struct kv_bytes value;

	cr_assert_eq(kv_get(kv, bucket, kv_str("milk"), &value), expected,
	    "%s", kv_message(kv));
	cr_assert_eq(kv_create(kv, bucket), KV_BROKEN);
	kv_close(kv);
	peer_finish();
}

Test(call, a_connection_that_ends_in_a_reply_is_closed)
{
	static const struct peer_step nothing[] = {
		EXPECT("GET shopping milk\r\n"), CLOSE
	};
	static const struct peer_step half[] = {
		EXPECT("GET shopping milk\r\n"), SEND("1\r\n"), CLOSE
	};
	static const struct peer_step half_open[] = {
		EXPECT("GET shopping milk\r\n"), SEND("1\r\n"), SHUT, END
	};
	static const struct peer_step reset[] = {
		EXPECT("GET shopping milk\r\n"), RESET
	};
	static const struct peer_step unread[] = { RESET };

	assert_lost(nothing, KV_CLOSED);
	assert_lost(half, KV_CLOSED);
	assert_lost(half_open, KV_CLOSED);
	assert_lost(reset, KV_CLOSED);
	assert_lost(unread, KV_CLOSED);
}

Test(call, what_is_not_the_protocol_is_garbage)
{
	static const struct peer_step http[] = {
		EXPECT("GET shopping milk\r\n"),
		SEND("HTTP/1.1 400 Bad Request\r\n\r\n"), END
	};
	static const struct peer_step resp[] = {
		EXPECT("GET shopping milk\r\n"),
		SEND("$1\r\n1\r\n"), END
	};

	assert_lost(http, KV_GARBAGE);
	assert_lost(resp, KV_GARBAGE);
}

Test(call, more_than_one_reply_is_garbage_and_never_the_next_answer)
{
	static const struct peer_step steps[] = {
		EXPECT("CREATE shopping\r\n"), SEND("OK\r\nOK\r\n"), END
	};
	struct kv *kv = peer_open(steps, NULL);

	cr_assert_eq(kv_create(kv, bucket), KV_OK);
	cr_assert_eq(kv_drop(kv, bucket), KV_GARBAGE);
	cr_assert_eq(kv_drop(kv, bucket), KV_BROKEN);
	peer_close(kv);
}

Test(call, the_last_words_of_a_server_that_refuses_us_are_heard)
{
	static const struct peer_step steps[] = {
		SEND("ERROR too many connections\r\n"), CLOSE
	};
	struct kv *kv = peer_open(steps, NULL);

	cr_assert(peer_finish());
	cr_assert_eq(kv_create(kv, bucket), KV_REFUSED);
	cr_assert_not_null(strstr(kv_message(kv), "too many connections"));
	cr_assert_not(kv_usable(kv));
	kv_close(kv);
}

Test(call, an_idle_connection_that_was_closed_is_seen_before_it_is_used)
{
	static const struct peer_step steps[] = {
		EXPECT("CREATE shopping\r\n"), SEND("OK\r\n"), CLOSE
	};
	struct kv *kv = peer_open(steps, NULL);

	cr_assert_eq(kv_create(kv, bucket), KV_OK);
	cr_assert(peer_finish());
	cr_assert_not(kv_usable(kv));
	kv_close(kv);
}

Test(call, writing_to_a_closed_connection_raises_no_signal)
{
	static const struct peer_step steps[] = { RESET };
	struct kv *kv = peer_open(steps, NULL);

	signal(SIGPIPE, SIG_DFL);
	cr_assert(peer_finish());
	cr_assert_eq(kv_create(kv, bucket), KV_CLOSED);
	cr_assert_eq(kv_create(kv, bucket), KV_BROKEN);
	kv_close(kv);
}

Test(call, a_line_over_the_limit_is_refused_without_holding_it)
{
	static const struct peer_step steps[] = {
		EXPECT("GET shopping milk\r\n"),
		REPEAT("xxxxxxxx", 1000),
		END
	};
	struct kv_options options = { .line_max_bytes = 4096 };
	struct kv *kv = peer_open(steps, &options);
	struct kv_bytes value;

	cr_assert_eq(kv_get(kv, bucket, kv_str("milk"), &value), KV_TOO_LONG);
	cr_assert_eq(kv_create(kv, bucket), KV_BROKEN);
	/* The peer may still have been sending when we hung up. */
	kv_close(kv);
	(void)peer_finish();
}

Test(call, a_value_far_larger_than_a_read_arrives_whole)
{
	static const struct peer_step steps[] = {
		EXPECT("GET shopping milk\r\n"),
		REPEAT("0123456789abcdef", 262144),
		SEND("\r\nOK\r\n"), END
	};
	struct kv *kv = peer_open(steps, NULL);
	struct kv_bytes value;

	cr_assert_eq(kv_get(kv, bucket, kv_str("milk"), &value), KV_OK);
	cr_assert_eq(value.len, 4 << 20);
	cr_assert_eq(memcmp((const char *)value.data + value.len - 16,
	    "0123456789abcdef", 16), 0);
	peer_close(kv);
}

/* Lists. */

struct seen {
	char	text[256];
	int	stop_after;
	struct kv *kv;
};

static int
see(void *arg, struct kv_bytes item)
{
	struct seen *seen = arg;
	size_t at = strlen(seen->text);

	snprintf(seen->text + at, sizeof(seen->text) - at, "[%.*s]",
	    (int)item.len, (const char *)item.data);
	if (seen->kv != NULL)
		cr_assert_eq(kv_ping(seen->kv), KV_BUSY);
	return seen->stop_after > 0 && --seen->stop_after == 0;
}

static int
see_value(void *arg, size_t i, const struct kv_bytes *value)
{
	struct seen *seen = arg;
	size_t at = strlen(seen->text);

	snprintf(seen->text + at, sizeof(seen->text) - at, "%zu=%.*s;", i,
	    value != NULL ? (int)value->len : 1,
	    value != NULL ? (const char *)value->data : "-");
	return seen->stop_after > 0 && --seen->stop_after == 0;
}

Test(call, lists_are_handed_on_item_by_item)
{
	static const struct peer_step steps[] = {
		EXPECT("KEYS shopping\r\n"),
		DRIP("milk\r\n\"OK\"\r\n\"\"\r\nOK\r\n"),
		EXPECT("BUCKETS\r\n"), SEND("OK\r\n"),
		EXPECT("INFO\r\n"), SEND("version 1\r\nuptime 2\r\nOK\r\n"),
		EXPECT("INFO memory\r\n"), SEND("ERROR no such section\r\n"),
		EXPECT("HELP GET\r\n"), SEND("GET bucket key\r\nOK\r\n"),
		EXPECT("HELP\r\n"), SEND("OK\r\n"), END
	};
	struct kv *kv = peer_open(steps, NULL);
	struct seen keys = { .kv = kv }, none = { 0 }, info = { 0 };
	struct seen help = { 0 };

	cr_assert_eq(kv_keys(kv, bucket, see, &keys), KV_OK);
	cr_assert_str_eq(keys.text, "[milk][OK][]");
	cr_assert_eq(kv_buckets(kv, see, &none), KV_OK);
	cr_assert_eq(kv_info(kv, NULL, see, &info), KV_OK);
	cr_assert_str_eq(info.text, "[version 1][uptime 2]");
	cr_assert_eq(kv_info(kv, "memory", see, &none), KV_REFUSED);
	cr_assert_str_eq(none.text, "");
	cr_assert_eq(kv_help(kv, "GET", see, &help), KV_OK);
	cr_assert_eq(kv_help(kv, NULL, see, &help), KV_OK);
	cr_assert_str_eq(help.text, "[GET bucket key]");
	peer_close(kv);
}

Test(call, an_audit_is_handed_on_line_by_line_or_refused)
{
	static const struct peer_step steps[] = {
		EXPECT("AUDIT\r\n"),
		DRIP("errors:1\r\nfirst_error:shard 7: lost\r\nOK\r\n"),
		EXPECT("AUDIT\r\n"),
		SEND("ERROR another audit is running\r\n"),
		EXPECT("AUDIT\r\n"), SEND("UNKNOWN COMMAND\r\n"), END
	};
	struct kv *kv = peer_open(steps, NULL);
	struct seen seen = { .kv = kv }, none = { 0 };

	cr_assert_eq(kv_audit(kv, see, &seen), KV_OK);
	cr_assert_str_eq(seen.text, "[errors:1][first_error:shard 7: lost]");
	cr_assert_eq(kv_audit(kv, see, &none), KV_REFUSED);
	cr_assert(strstr(kv_message(kv), "another audit is running") != NULL,
	    "%s", kv_message(kv));
	cr_assert_eq(kv_audit(kv, see, &none), KV_UNKNOWN_COMMAND);
	cr_assert_str_eq(none.text, "");
	peer_close(kv);
}

Test(call, where_buckets_are_is_handed_on_line_by_line_or_refused)
{
	static const struct peer_step steps[] = {
		EXPECT("WHERE a \"b c\"\r\n"),
		DRIP("slot=1,why=x\r\nERROR,why=y\r\nOK\r\n"),
		EXPECT("WHERE \"\"\r\n"),
		SEND("ERROR bucket name is empty\r\n"), END
	};
	const struct kv_bytes names[] = { kv_str("a"), kv_str("b c") };
	const struct kv_bytes empty = kv_str("");
	struct kv *kv = peer_open(steps, NULL);
	struct seen seen = { .kv = kv }, none = { 0 };

	cr_assert_eq(kv_where(kv, names, 0, see, &none), KV_OK);
	cr_assert_eq(kv_where(kv, names, 2, see, &seen), KV_OK);
	cr_assert_str_eq(seen.text, "[slot=1,why=x][ERROR,why=y]");
	cr_assert_eq(kv_where(kv, &empty, 1, see, &none), KV_REFUSED);
	cr_assert_str_eq(none.text, "");
	peer_close(kv);
}

Test(call, a_bucket_dropped_during_a_list_ends_it)
{
	static const struct peer_step steps[] = {
		EXPECT("KEYS shopping\r\n"), SEND("milk\r\nNOT FOUND\r\n"),
		EXPECT("CREATE shopping\r\n"), SEND("OK\r\n"), END
	};
	struct kv *kv = peer_open(steps, NULL);
	struct seen seen = { 0 };

	cr_assert_eq(kv_keys(kv, bucket, see, &seen), KV_NO_BUCKET);
	cr_assert_str_eq(seen.text, "[milk]");
	cr_assert_eq(kv_create(kv, bucket), KV_OK);
	peer_close(kv);
}

Test(call, a_list_that_is_not_complete_says_so_after_what_there_is)
{
	static const struct peer_step steps[] = {
		EXPECT("BUCKETS\r\n"),
		DRIP("a\r\nb\r\nERROR partial: bar: no link\r\n"),
		EXPECT("KEYS shopping\r\n"),
		SEND("milk\r\nERROR partial: bar: the link broke\r\n"),
		EXPECT("INFO\r\n"),
		SEND("uptime:1\r\nERROR partial: bar: no link\r\n"),
		EXPECT("CREATE shopping\r\n"), SEND("OK\r\n"), END
	};
	struct kv *kv = peer_open(steps, NULL);
	struct seen buckets = { 0 }, keys = { 0 }, info = { 0 };

	cr_assert_eq(kv_buckets(kv, see, &buckets), KV_PARTIAL);
	cr_assert_str_eq(buckets.text, "[a][b]");
	cr_assert_not_null(strstr(kv_message(kv),
	    ": bar: no link (the list is not complete)"));
	cr_assert_eq(kv_keys(kv, bucket, see, &keys), KV_PARTIAL);
	cr_assert_str_eq(keys.text, "[milk]");
	cr_assert_eq(kv_info(kv, NULL, see, &info), KV_PARTIAL);
	cr_assert_str_eq(info.text, "[uptime:1]");
	cr_assert_eq(kv_create(kv, bucket), KV_OK);
	peer_close(kv);
}

Test(call, a_callback_that_stops_a_list_gives_up_the_handle)
{
	static const struct peer_step steps[] = {
		EXPECT("KEYS shopping\r\n"), SEND("a\r\nb\r\nc\r\nOK\r\n"),
		END
	};
	struct kv *kv = peer_open(steps, NULL);
	struct seen seen = { .stop_after = 2 };

	cr_assert_eq(kv_keys(kv, bucket, see, &seen), KV_STOPPED);
	cr_assert_str_eq(seen.text, "[a][b]");
	cr_assert_eq(kv_create(kv, bucket), KV_BROKEN);
	peer_close(kv);
}

Test(call, mget_gives_values_and_gaps_in_the_order_of_the_keys)
{
	static const struct peer_step steps[] = {
		EXPECT("MGET shopping a b c\r\n"),
		SEND("1\r\n\r\n\"3 3\"\r\nOK\r\n"),
		EXPECT("MGET shopping a b c\r\n"), SEND("NOT FOUND\r\n"), END
	};
	struct kv_bytes keys[] = { kv_str("a"), kv_str("b"), kv_str("c") };
	struct kv *kv = peer_open(steps, NULL);
	struct seen seen = { 0 };

	cr_assert_eq(kv_mget(kv, bucket, keys, 0, see_value, &seen), KV_OK);
	cr_assert_eq(kv_mput(kv, bucket, NULL, 0), KV_OK);
	cr_assert_eq(kv_mget(kv, bucket, keys, 3, see_value, &seen), KV_OK);
	cr_assert_str_eq(seen.text, "0=1;1=-;2=3 3;");
	cr_assert_eq(kv_mget(kv, bucket, keys, 3, see_value, &seen),
	    KV_NO_BUCKET);
	peer_close(kv);
}

Test(call, a_long_mget_is_asked_for_in_several_requests)
{
	static const struct peer_step steps[] = {
		SKIP(6 + 8 + 4096 * 2 + 1),
		REPEAT("v\r\n", 4096),
		SEND("OK\r\n"),
		EXPECT("MGET shopping k k\r\n"), SEND("v\r\n\r\nOK\r\n"), END
	};
	static struct kv_bytes keys[4098];
	struct seen seen = { 0 };
	struct kv *kv = peer_open(steps, NULL);
	size_t i;

	for (i = 0; i < 4098; i++)
		keys[i] = kv_str("k");
	cr_assert_eq(kv_mget(kv, bucket, keys, 4098, see_value, &seen),
	    KV_OK);
	cr_assert_not_null(strstr(seen.text, "0=v;1=v;"));
	peer_close(kv);
}

Test(call, where_many_buckets_are_is_asked_for_in_several_requests)
{
	static const struct peer_step steps[] = {
		SKIP(5 + 4096 * 2 + 2),
		REPEAT("slot=1\r\n", 4096),
		SEND("OK\r\n"),
		EXPECT("WHERE k k\r\n"), SEND("slot=2\r\nslot=3\r\nOK\r\n"),
		EXPECT("WHERE k\r\n"), SEND("slot=4\r\nOK\r\n"), END
	};
	static struct kv_bytes keys[4098];
	struct seen seen = { 0 }, more = { 0 };
	struct kv *kv = peer_open(steps, NULL);
	size_t i;

	for (i = 0; i < 4098; i++)
		keys[i] = kv_str("k");
	cr_assert_eq(kv_where(kv, keys, 4098, see, &seen), KV_OK);
	cr_assert_not_null(strstr(seen.text, "[slot=1][slot=1]"));
	cr_assert_eq(kv_where(kv, keys, 1, see, &more), KV_OK);
	cr_assert_str_eq(more.text, "[slot=4]");
	peer_close(kv);
}

Test(call, a_callback_that_stops_an_mget_gives_up_the_handle)
{
	static const struct peer_step steps[] = {
		EXPECT("MGET shopping a b\r\n"), SEND("1\r\n2\r\nOK\r\n"), END
	};
	struct kv_bytes keys[] = { kv_str("a"), kv_str("b") };
	struct kv *kv = peer_open(steps, NULL);
	struct seen seen = { .stop_after = 1 };

	cr_assert_eq(kv_mget(kv, bucket, keys, 2, see_value, &seen),
	    KV_STOPPED);
	cr_assert_eq(kv_create(kv, bucket), KV_BROKEN);
	peer_close(kv);
}

Test(call, ping_is_never_the_first_line_of_a_connection)
{
	static const struct peer_step steps[] = {
		EXPECT("HELP PING\r\n"), SEND("PING: hello\r\nOK\r\n"),
		EXPECT("PING\r\n"), SEND("PONG\r\nOK\r\n"),
		EXPECT("PING\r\n"), SEND("PONG\r\nOK\r\n"),
		EXPECT("PING\r\n"), SEND("PANG\r\nOK\r\n"), END
	};
	struct kv *kv = peer_open(steps, NULL);

	cr_assert_eq(kv_ping(kv), KV_OK);
	cr_assert_eq(kv_ping(kv), KV_OK);
	cr_assert_eq(kv_ping(kv), KV_GARBAGE);
	peer_close(kv);
}

static void
assert_count(const char *reply, enum kv_status expected)
{
	struct peer_step steps[] = {
		EXPECT("COUNT shopping\r\n"), SEND(reply), END
	};
	struct kv *kv = peer_open(steps, NULL);
	uint64_t count = 0;

	cr_assert_eq(kv_count(kv, bucket, &count), expected, "%s", reply);
	peer_close(kv);
}

Test(call, a_count_is_a_number_that_fits)
{
	assert_count("18446744073709551615\r\nOK\r\n", KV_OK);
	assert_count("18446744073709551616\r\nOK\r\n", KV_GARBAGE);
	assert_count("-1\r\nOK\r\n", KV_GARBAGE);
	assert_count("\r\nOK\r\n", KV_GARBAGE);
	assert_count("NOT FOUND\r\n", KV_NO_BUCKET);
}
