/* Replies in RESP: to the byte as Redis 7.0.15 writes them. */

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "proto/resp.h"
#include "proto/resp_reply.h"
#include "tests/unit/proto/written.h"

#define SLICE(s)	((struct slice){ (const uint8_t *)(s), sizeof(s) - 1 })

TestSuite(resp_reply, .init = written_begin, .fini = written_end);

static void
bulk(const char *text)
{
	resp_put_bulk(&out,
	    (struct slice){ (const uint8_t *)text, strlen(text) });
}

Test(resp_reply, simple_strings_are_lines)
{
	resp_put_simple(&out, "OK");
	expect("+OK\r\n");
	resp_put_simple(&out, "");
	expect("+\r\n");
	resp_put_simple(&out, "a\r\n-ERR b");
	expect("+a  -ERR b\r\n");
}

Test(resp_reply, integers_of_any_size)
{
	resp_put_integer(&out, 0);
	expect(":0\r\n");
	resp_put_integer(&out, -1);
	expect(":-1\r\n");
	resp_put_integer(&out, INT64_MAX);
	expect(":9223372036854775807\r\n");
	resp_put_integer(&out, INT64_MIN);
	expect(":-9223372036854775808\r\n");
}

Test(resp_reply, bulks_are_any_bytes)
{
	bulk("milk");
	expect("$4\r\nmilk\r\n");
	resp_put_bulk(&out, (struct slice){ NULL, 0 });
	expect("$0\r\n\r\n");
	resp_put_bulk(&out, SLICE("\r\n\0\xff$1\r\n"));
	expect("$8\r\n\r\n\0\xff$1\r\n\r\n");
}

Test(resp_reply, nothing_has_two_forms_in_resp2_and_one_in_resp3)
{
	resp_put_null(&out, RESP_2);
	expect("$-1\r\n");
	resp_put_null_list(&out, RESP_2);
	expect("*-1\r\n");
	resp_put_null(&out, RESP_3);
	expect("_\r\n");
	resp_put_null_list(&out, RESP_3);
	expect("_\r\n");
}

Test(resp_reply, booleans_are_integers_in_resp2)
{
	resp_put_bool(&out, RESP_2, true);
	resp_put_bool(&out, RESP_2, false);
	expect(":1\r\n:0\r\n");
	resp_put_bool(&out, RESP_3, true);
	resp_put_bool(&out, RESP_3, false);
	expect("#t\r\n#f\r\n");
}

Test(resp_reply, doubles_have_17_digits_and_are_bulks_in_resp2)
{
	static const struct {
		double		 number;
		const char	*resp2, *resp3;
	} doubles[] = {
		{ 3.141, "$5\r\n3.141\r\n", ",3.141\r\n" },
		{ 3.3, "$18\r\n3.2999999999999998\r\n",
		    ",3.2999999999999998\r\n" },
		{ 3, "$1\r\n3\r\n", ",3\r\n" },
		{ 0, "$1\r\n0\r\n", ",0\r\n" },
		{ 1e20, "$5\r\n1e+20\r\n", ",1e+20\r\n" },
		{ 1e-5, "$22\r\n1.0000000000000001e-05\r\n",
		    ",1.0000000000000001e-05\r\n" },
		{ 1e300, "$23\r\n1.0000000000000001e+300\r\n",
		    ",1.0000000000000001e+300\r\n" },
		{ -DBL_MAX, "$24\r\n-1.7976931348623157e+308\r\n",
		    ",-1.7976931348623157e+308\r\n" },
		{ -DBL_TRUE_MIN, "$24\r\n-4.9406564584124654e-324\r\n",
		    ",-4.9406564584124654e-324\r\n" },
		{ INFINITY, "$3\r\ninf\r\n", ",inf\r\n" },
		{ -INFINITY, "$4\r\n-inf\r\n", ",-inf\r\n" },
		{ NAN, "$3\r\nnan\r\n", ",nan\r\n" },
		{ -NAN, "$3\r\nnan\r\n", ",nan\r\n" }
	};
	size_t i;

	for (i = 0; i < sizeof(doubles) / sizeof(doubles[0]); i++) {
		resp_put_double(&out, RESP_2, doubles[i].number);
		written_is(doubles[i].resp2, strlen(doubles[i].resp2));
		resp_put_double(&out, RESP_3, doubles[i].number);
		written_is(doubles[i].resp3, strlen(doubles[i].resp3));
	}
}

Test(resp_reply, big_numbers_are_bulks_in_resp2)
{
	resp_put_big_number(&out, RESP_2,
	    SLICE("1234567999999999999999999999999999999"));
	expect("$37\r\n1234567999999999999999999999999999999\r\n");
	resp_put_big_number(&out, RESP_3,
	    SLICE("1234567999999999999999999999999999999"));
	expect("(1234567999999999999999999999999999999\r\n");
}

Test(resp_reply, verbatim_text_says_that_it_is_text_and_is_a_bulk_in_resp2)
{
	resp_put_verbatim(&out, RESP_2, SLICE("This is a verbatim\nstring"));
	expect("$25\r\nThis is a verbatim\nstring\r\n");
	resp_put_verbatim(&out, RESP_3, SLICE("This is a verbatim\nstring"));
	expect("=29\r\ntxt:This is a verbatim\nstring\r\n");
	resp_put_verbatim(&out, RESP_3, (struct slice){ NULL, 0 });
	expect("=4\r\ntxt:\r\n");
}

Test(resp_reply, lists_are_arrays_in_resp2)
{
	static const enum resp_list lists[] = {
		RESP_ARRAY, RESP_MAP, RESP_SET, RESP_PUSH
	};
	size_t i;

	for (i = 0; i < 4; i++)
		resp_put_list(&out, RESP_2, lists[i], 3);
	expect("*3\r\n*6\r\n*3\r\n*3\r\n");
	for (i = 0; i < 4; i++)
		resp_put_list(&out, RESP_3, lists[i], 3);
	expect("*3\r\n%3\r\n~3\r\n>3\r\n");
	for (i = 0; i < 4; i++)
		resp_put_list(&out, RESP_3, lists[i], 0);
	expect("*0\r\n%0\r\n~0\r\n>0\r\n");
}

Test(resp_reply, an_error_has_a_code_and_a_reason)
{
	resp_put_error(&out, "ERR", "no such key");
	expect("-ERR no such key\r\n");
	resp_put_error(&out, "WRONGTYPE", "Operation against a key holding "
	    "the wrong kind of value");
	expect("-WRONGTYPE Operation against a key holding the wrong kind of "
	    "value\r\n");
	resp_put_error(&out, "ERR",
	    "wrong number of arguments for '%s' command", "hget");
	expect("-ERR wrong number of arguments for 'hget' command\r\n");
	resp_put_error(&out, "NOPERM", "%s", "");
	expect("-NOPERM \r\n");
}

Test(resp_reply, an_error_that_quotes_a_client_is_one_line)
{
	resp_put_error(&out, "ERR", "unknown command '%.*s', with args "
	    "beginning with: '%s' ", 5, "F\xff\x07\n+OK", "a\r\n");
	expect("-ERR unknown command 'F\xff\x07 +', with args beginning with: "
	    "'a  ' \r\n");
	resp_put_error(&out, "ERR", "%.*s", 3, "a\0b");
	expect("-ERR a\r\n");
}

Test(resp_reply, an_error_is_cut_to_its_limit)
{
	char text[3000], line[RESP_REASON_MAX + 8] = "-ERR ";

	memset(line + 5, 'e', RESP_REASON_MAX);
	memcpy(line + 5 + RESP_REASON_MAX, "\r\n", 3);
	memset(text, 'e', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	resp_put_error(&out, "ERR", "%s", text);
	written_is(line, strlen(line));
	text[RESP_REASON_MAX] = '\0';
	resp_put_error(&out, "ERR", "%s", text);
	written_is(line, strlen(line));
	text[RESP_REASON_MAX - 1] = '\0';
	resp_put_error(&out, "ERR", "%s", text);
	memcpy(line + 5 + RESP_REASON_MAX - 1, "\r\n", 3);
	written_is(line, strlen(line));
}

Test(resp_reply, an_error_that_cannot_be_formatted_is_still_one_line)
{
	static const wchar_t no_character[] = { 0x7ffffff0, 0 };

	resp_put_error(&out, "ERR", "%ls", no_character);
	expect("-ERR unprintable reason\r\n");
}

static void
put_hello(enum resp_version version, int64_t id)
{
	resp_put_list(&out, version, RESP_MAP, 7);
	bulk("server");
	bulk("redis");
	bulk("version");
	bulk("7.0.15");
	bulk("proto");
	resp_put_integer(&out, version);
	bulk("id");
	resp_put_integer(&out, id);
	bulk("mode");
	bulk("standalone");
	bulk("role");
	bulk("master");
	bulk("modules");
	resp_put_list(&out, version, RESP_ARRAY, 0);
}

Test(resp_reply, hello_is_said_as_redis_says_it)
{
	put_hello(RESP_2, 4);
	expect("*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n"
	    "7.0.15\r\n$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:4\r\n$4\r\nmode\r\n"
	    "$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules"
	    "\r\n*0\r\n");
	put_hello(RESP_3, 5);
	expect("%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n"
	    "7.0.15\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:5\r\n$4\r\nmode\r\n"
	    "$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules"
	    "\r\n*0\r\n");
}

Test(resp_reply, lists_in_lists_and_pushes_as_redis_has_them)
{
	/* HRANDFIELD b 1 WITHVALUES */
	resp_put_list(&out, RESP_3, RESP_ARRAY, 1);
	resp_put_list(&out, RESP_3, RESP_ARRAY, 2);
	bulk("milk");
	bulk("1");
	expect("*1\r\n*2\r\n$4\r\nmilk\r\n$1\r\n1\r\n");

	/* an invalidation */
	resp_put_list(&out, RESP_3, RESP_PUSH, 2);
	bulk("invalidate");
	resp_put_list(&out, RESP_3, RESP_ARRAY, 1);
	bulk("b");
	expect(">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nb\r\n");

	/* SUBSCRIBE c */
	resp_put_list(&out, RESP_2, RESP_PUSH, 3);
	bulk("subscribe");
	bulk("c");
	resp_put_integer(&out, 1);
	expect("*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
}

Test(resp_reply, a_list_may_learn_its_length_at_its_end)
{
	size_t outer, inner;

	resp_put_simple(&out, "OK");
	outer = outbuf_len(&out);
	bulk("0");
	inner = outbuf_len(&out);
	bulk("milk");
	bulk("1");
	resp_put_list_at(&out, RESP_3, RESP_MAP, 1, inner);
	resp_put_list_at(&out, RESP_3, RESP_ARRAY, 2, outer);
	expect("+OK\r\n*2\r\n$1\r\n0\r\n%1\r\n$4\r\nmilk\r\n$1\r\n1\r\n");
	resp_put_list_at(&out, RESP_2, RESP_MAP, 0, 0);
	expect("*0\r\n");
}

/* Wherever the buffer's bytes lie, and whether it grows for the head. */
Test(resp_reply, the_head_of_a_list_finds_its_place_in_any_buffer)
{
	static const uint8_t filler[2048];
	size_t sent, before, items, i, mark;
	char head[16];

	for (sent = 0; sent < 1100; sent += 97)
		for (before = 0; before < 300; before += 7) {
			outbuf_append(&out, filler, sent + before);
			outbuf_drain(&out, sent, 4096);
			mark = outbuf_len(&out);
			items = before * 3 % 130;
			for (i = 0; i < items; i++)
				resp_put_integer(&out, 7);
			resp_put_list_at(&out, RESP_3, RESP_SET, items, mark);
			cr_assert_arr_eq(out.data + out.head, filler, before);
			outbuf_drain(&out, before, 4096);
			sprintf(head, "~%zu\r\n", items);
			cr_assert_arr_eq(out.data + out.head, head,
			    strlen(head));
			outbuf_drain(&out, strlen(head), 4096);
			for (i = 0; i < items; i++)
				if (memcmp(out.data + out.head + 4 * i,
				    ":7\r\n", 4) != 0)
					cr_assert_fail("item %zu", i);
			cr_assert_eq(outbuf_len(&out), 4 * items);
			outbuf_free(&out);
		}
}

Test(resp_reply, bulks_of_any_size_have_the_room_they_need)
{
	uint8_t bytes[1200];
	char expected[1300];
	size_t n, len;

	memset(bytes, 'b', sizeof(bytes));
	for (n = 0; n <= sizeof(bytes); n++) {
		len = (size_t)sprintf(expected, "$%zu\r\n%.*s\r\n", n, (int)n,
		    (char *)bytes);
		resp_put_bulk(&out, (struct slice){ bytes, n });
		written_is(expected, len);
		len = (size_t)sprintf(expected, "=%zu\r\ntxt:%.*s\r\n", n + 4,
		    (int)n, (char *)bytes);
		resp_put_verbatim(&out, RESP_3, (struct slice){ bytes, n });
		written_is(expected, len);
		outbuf_free(&out);
	}
}

/* A list of bulks is what a request looks like. */
Test(resp_reply, a_list_of_random_bulks_is_read_as_the_same_words)
{
	static const struct resp_limits limits = {
		.request_max = SIZE_MAX, .word_max = SIZE_MAX,
		.is_trusted = true
	};
	static struct request request;
	uint8_t bytes[8][64];
	struct slice words[8];
	struct resp_parser parser;
	struct resp_error error;
	size_t n, i, j, used;
	int round;

	srand(13);
	resp_parser_init(&parser);
	for (round = 0; round < 20000; round++) {
		n = 1 + (size_t)rand() % 8;
		resp_put_list(&out, RESP_2, RESP_ARRAY, n);
		for (i = 0; i < n; i++) {
			for (j = 0; j < 64; j++)
				bytes[i][j] = (uint8_t)rand();
			words[i] = (struct slice){ bytes[i],
			    (size_t)rand() % 64 };
			resp_put_bulk(&out, words[i]);
		}
		cr_assert_eq(resp_parse(&parser, out.data + out.head,
		    outbuf_len(&out), &limits, &request, &error, &used),
		    RESP_OK);
		cr_assert_eq(used, outbuf_len(&out));
		cr_assert_eq(request.argc, n);
		for (i = 0; i < n; i++)
			if (request.argv[i].len != words[i].len ||
			    memcmp(request.argv[i].data, words[i].data,
			    words[i].len) != 0)
				cr_assert_fail("round %d", round);
		outbuf_drain(&out, used, 4096);
	}
}

Test(resp_reply, without_memory_no_part_of_a_reply_is_written)
{
	enum resp_version v;

	resp_put_simple(&out, "OK");
	cr_assert_null(outbuf_reserve(&out, SIZE_MAX / 2));
	for (v = RESP_2; v <= RESP_3; v++) {
		resp_put_simple(&out, "lost");
		resp_put_error(&out, "ERR", "lost");
		resp_put_integer(&out, 1);
		resp_put_bulk(&out, SLICE("lost"));
		resp_put_null(&out, v);
		resp_put_null_list(&out, v);
		resp_put_bool(&out, v, true);
		resp_put_double(&out, v, 1);
		resp_put_big_number(&out, v, SLICE("1"));
		resp_put_verbatim(&out, v, SLICE("lost"));
		resp_put_list(&out, v, RESP_MAP, 1);
		resp_put_list_at(&out, v, RESP_MAP, 1, 0);
	}
	cr_assert(out.failed);
	expect("+OK\r\n");
}
