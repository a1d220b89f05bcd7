/* What is asked, byte by byte, and what counts as its answer. */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/load_protocol.h"

static struct load_values values;

static void
open_values(void)
{
	load_values_open(&values, 3, 3);
}

static void
close_values(void)
{
	load_values_close(&values);
}

TestSuite(load_protocol, .init = open_values, .fini = close_values);

/* "@" in what is expected stands for the value of key 42. */
static void
asks(enum load_dialect dialect, bool read, const char *expected)
{
	const struct load_request r = { .key = 42, .read = read };
	struct load_buffer out = { 0 };
	char text[256], *at;
	const char *value;
	size_t len;

	value = load_value(&values, r.key, &len);
	snprintf(text, sizeof(text), "%s", expected);
	if ((at = strchr(text, '@')) != NULL) {
		memmove(at + len, at + 1, strlen(at));
		memcpy(at, value, len);
	}
	load_ask(&out, dialect, &values, 100, &r);
	cr_assert(out.len == strlen(text) &&
	    memcmp(out.data, text, out.len) == 0, "%.*s instead of %s",
	    (int)out.len, out.data, text);
	free(out.data);
}

Test(load_protocol, requests_are_what_the_protocols_say)
{
	asks(LOAD_TEXT, true, "GET bench key-00000000002a\r\n");
	asks(LOAD_TEXT, false, "PUT bench key-00000000002a @\r\n");
	asks(LOAD_HASH, true, "*3\r\n$4\r\nHGET\r\n$5\r\nbench\r\n"
	    "$16\r\nkey-00000000002a\r\n");
	asks(LOAD_HASH, false, "*4\r\n$4\r\nHSET\r\n$5\r\nbench\r\n"
	    "$16\r\nkey-00000000002a\r\n$3\r\n@\r\n");
	asks(LOAD_STRING, true, "*2\r\n$3\r\nGET\r\n"
	    "$16\r\nkey-00000000002a\r\n");
	asks(LOAD_STRING, false, "*3\r\n$3\r\nSET\r\n"
	    "$16\r\nkey-00000000002a\r\n$3\r\n@\r\n");
	asks(LOAD_INCR, false, "*2\r\n$4\r\nINCR\r\n"
	    "$16\r\nctr-00000000002a\r\n");
	asks(LOAD_PING, false, "*1\r\n$4\r\nPING\r\n");
	asks(LOAD_MEMCACHED, true, "get key-00000000002a\r\n");
	asks(LOAD_MEMCACHED, false, "set key-00000000002a 0 0 3\r\n@\r\n");
	asks(LOAD_FLOOR, false, FLOOR_ASKS);
	asks(LOAD_CREATE, false, "CREATE bench\r\n");
}

Test(load_protocol, mset_sets_ten_keys_and_goes_round_at_the_last_one)
{
	const struct load_request r = { .key = 95 };
	struct load_buffer out = { 0 };
	unsigned i, key;
	char text[32];

	load_ask(&out, LOAD_MSET, &values, 100, &r);
	load_buffer_add(&out, "", 1);
	for (i = 0; i < 10; i++) {
		key = (95 + i) % 100;
		snprintf(text, sizeof(text), "$16\r\nkey-%012x\r\n$3\r\n", key);
		cr_assert_not_null(strstr(out.data, text), "%s", text);
	}
	free(out.data);
}

Test(load_protocol, the_floor_is_asked_and_answers_at_the_length_of_hget)
{
	cr_assert_eq(FLOOR_REQUEST, 48);
	cr_assert_eq(FLOOR_REPLY, 40);
}

static bool
right(enum load_dialect dialect, bool read, enum load_kind kind,
    const char *data, size_t len, uint64_t number)
{
	const struct load_request r = { .key = 42, .read = read };
	const struct load_reply reply = {
		.kind = kind, .data = data, .len = len, .number = number
	};

	return load_is_right(dialect, &values, &r, &reply);
}

Test(load_protocol, another_keys_value_is_wrong)
{
	const char *value;
	uint64_t key;
	size_t len;

	value = load_value(&values, 42, &len);
	cr_assert(right(LOAD_HASH, true, REPLY_VALUE, value, len, 0));
	cr_assert_not(right(LOAD_HASH, true, REPLY_VALUE, value, len - 1, 0));
	cr_assert_not(right(LOAD_HASH, true, REPLY_WORD, value, len, 0));
	cr_assert_not(right(LOAD_HASH, true, REPLY_MISSING, "", 0, 0));
	for (key = 0; key < 42; key++) {
		value = load_value(&values, key, &len);
		cr_assert_not(right(LOAD_HASH, true, REPLY_VALUE, value, len,
		    0));
	}
}

Test(load_protocol, a_write_is_right_if_it_is_done)
{
	cr_assert(right(LOAD_TEXT, false, REPLY_WORD, "OK", 2, 0));
	cr_assert_not(right(LOAD_TEXT, false, REPLY_WORD, "KO", 2, 0));
	cr_assert_not(right(LOAD_TEXT, false, REPLY_ERROR, "OK", 2, 0));
	cr_assert(right(LOAD_MEMCACHED, false, REPLY_WORD, "STORED", 6, 0));
	cr_assert_not(right(LOAD_MEMCACHED, false, REPLY_WORD, "OK", 2, 0));
	cr_assert(right(LOAD_HASH, false, REPLY_NUMBER, "0", 1, 0));
	cr_assert(right(LOAD_HASH, false, REPLY_NUMBER, "1", 1, 1));
	cr_assert_not(right(LOAD_HASH, false, REPLY_NUMBER, "2", 1, 2));
	cr_assert(right(LOAD_INCR, false, REPLY_NUMBER, "7", 1, 7));
	cr_assert_not(right(LOAD_INCR, false, REPLY_NUMBER, "0", 1, 0));
}

Test(load_protocol, values_are_as_long_as_asked_for_and_stay_the_same)
{
	struct load_values range;
	size_t least = SIZE_MAX, most = 0, len, again;
	const char *value;
	uint64_t key;

	load_values_open(&range, 10, 20);
	for (key = 0; key < 1000; key++) {
		value = load_value(&range, key, &len);
		cr_assert_eq(value, load_value(&range, key, &again));
		cr_assert_eq(len, again);
		least = len < least ? len : least;
		most = len > most ? len : most;
	}
	cr_assert_eq(least, 10);
	cr_assert_eq(most, 20);
	load_values_close(&range);
}

Test(load_protocol, a_buffer_keeps_its_bytes_while_it_moves_and_grows)
{
	struct load_buffer b = { 0 };
	size_t i;

	for (i = 0; i < 10000; i++)
		load_buffer_add(&b, &"0123456789"[i % 10], 1);
	b.at = 9990;
	(void)load_buffer_room(&b, 100000);
	cr_assert_eq(b.len - b.at, 10);
	cr_assert_eq(memcmp(b.data + b.at, "0123456789", 10), 0);
	free(b.data);
}
