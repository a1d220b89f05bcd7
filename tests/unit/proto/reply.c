/* Replies: to the byte as kvd-protocol(7) says, whole or not at all. */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "proto/reply.h"
#include "proto/text.h"
#include "tests/unit/proto/written.h"

#define SLICE(s)	((struct slice){ (const uint8_t *)(s), sizeof(s) - 1 })

TestSuite(reply, .init = written_begin, .fini = written_end);

Test(reply, fixed_lines)
{
	reply_ok(&out);
	expect("OK\r\n");
	reply_not_found(&out);
	expect("NOT FOUND\r\n");
	reply_unknown_command(&out);
	expect("UNKNOWN COMMAND\r\n");
	reply_pong(&out);
	expect("PONG\r\nOK\r\n");
	reply_end(&out);
	expect("OK\r\n");
}

Test(reply, a_value_comes_plain_or_quoted_and_then_ok)
{
	reply_value(&out, SLICE("1"));
	expect("1\r\nOK\r\n");
	reply_value(&out, SLICE(""));
	expect("\"\"\r\nOK\r\n");
	reply_value(&out, (struct slice){ NULL, 0 });
	expect("\"\"\r\nOK\r\n");
	reply_value(&out, SLICE("two loaves"));
	expect("\"two loaves\"\r\nOK\r\n");
	reply_value(&out, SLICE("a\r\nOK\0\"\\"));
	expect("\"a\\r\\nOK\\0\\\"\\\\\"\r\nOK\r\n");
	reply_value(&out, SLICE("OK"));
	expect("OK\r\nOK\r\n");
	reply_value(&out, SLICE("NOT FOUND"));
	expect("\"NOT FOUND\"\r\nOK\r\n");
	reply_value(&out, SLICE("caf\xc3\xa9"));
	expect("caf\xc3\xa9\r\nOK\r\n");
}

Test(reply, a_missing_value_is_an_empty_line_and_then_ok)
{
	reply_no_value(&out);
	expect("\r\nOK\r\n");
}

Test(reply, numbers_of_any_size)
{
	reply_number(&out, 0);
	expect("0\r\nOK\r\n");
	reply_number(&out, 1000002);
	expect("1000002\r\nOK\r\n");
	reply_number(&out, UINT64_MAX);
	expect("18446744073709551615\r\nOK\r\n");
}

Test(reply, a_list_may_be_written_in_pieces)
{
	reply_item(&out, SLICE("milk"));
	expect("milk\r\n");
	reply_item(&out, SLICE(""));
	expect("\"\"\r\n");
	reply_item(&out, SLICE("a b"));
	expect("\"a b\"\r\n");
	reply_no_item(&out);
	expect("\r\n");
	reply_end(&out);
	expect("OK\r\n");
}

Test(reply, an_item_is_never_taken_for_the_end_of_its_list)
{
	reply_item(&out, SLICE("OK"));
	expect("\"OK\"\r\n");
	reply_item(&out, SLICE("ok"));
	expect("ok\r\n");
	reply_item(&out, SLICE("OKO"));
	expect("OKO\r\n");
	reply_item(&out, SLICE("O"));
	expect("O\r\n");
	reply_item(&out, SLICE("ERROR"));
	expect("ERROR\r\n");
	reply_item(&out, SLICE("ERROR x"));
	expect("\"ERROR x\"\r\n");
	reply_item(&out, SLICE("NOT FOUND"));
	expect("\"NOT FOUND\"\r\n");
}

Test(reply, events_are_written_as_the_guide_shows_them)
{
	reply_event_set(&out, SLICE("milk"), SLICE("1"));
	expect("milk SET TO 1\r\n");
	reply_event_deleted(&out, SLICE("milk"));
	expect("milk DELETED\r\n");
	reply_event_set(&out, SLICE("a b"), SLICE("c\nd"));
	expect("\"a b\" SET TO \"c\\nd\"\r\n");
	reply_event_set(&out, SLICE("k"), SLICE(""));
	expect("k SET TO \"\"\r\n");
	reply_event_set(&out, (struct slice){ NULL, 0 },
	    (struct slice){ NULL, 0 });
	expect("\"\" SET TO \"\"\r\n");
	reply_event_deleted(&out, SLICE(""));
	expect("\"\" DELETED\r\n");
	reply_event_set(&out, SLICE("NOT"), SLICE("FOUND"));
	expect("NOT SET TO FOUND\r\n");
}

Test(reply, an_error_has_a_reason_in_printable_ascii)
{
	reply_error(&out, "out of memory");
	expect("ERROR out of memory\r\n");
	reply_error(&out, "%s over %zu bytes", "key", (size_t)131072);
	expect("ERROR key over 131072 bytes\r\n");
	reply_error(&out, "no section '%s'", "\r\nOK\r\n\x1b[2J\x7f");
	expect("ERROR no section '??OK???[2J?'\r\n");
	reply_error(&out, "caf%s", "\xc3\xa9");
	expect("ERROR caf??\r\n");
	reply_error(&out, "%s", " ~");
	expect("ERROR  ~\r\n");
}

Test(reply, an_error_is_cut_to_its_limit)
{
	char text[3000], line[REPLY_REASON_MAX + 9] = "ERROR ";

	memset(line + 6, 'e', REPLY_REASON_MAX);
	memcpy(line + 6 + REPLY_REASON_MAX, "\r\n", 3);
	memset(text, 'e', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	reply_error(&out, "%s", text);
	written_is(line, strlen(line));
	text[REPLY_REASON_MAX] = '\0';
	reply_error(&out, "%s", text);
	written_is(line, strlen(line));
	text[REPLY_REASON_MAX - 1] = '\0';
	reply_error(&out, "%s", text);
	memcpy(line + 6 + REPLY_REASON_MAX - 1, "\r\n", 3);
	written_is(line, strlen(line));
}

Test(reply, an_error_that_cannot_be_formatted_is_still_one_line)
{
	static const wchar_t no_character[] = { 0x7ffffff0, 0 };

	reply_error(&out, "%ls", no_character);
	expect("ERROR unprintable reason\r\n");
}

Test(reply, text_for_people_is_a_line_of_printable_ascii)
{
	char text[5001], line[5003];

	reply_text(&out, "workers: 2");
	expect("workers: 2\r\n");
	reply_text(&out, "");
	expect("\r\n");
	reply_text(&out, "a\tb\r\n\"\x80\"");
	expect("a?b??\"?\"\r\n");
	memset(text, 't', 5000);
	text[5000] = '\0';
	reply_text(&out, text);
	memcpy(line, text, 5000);
	memcpy(line + 5000, "\r\n", 3);
	written_is(line, 5002);
}

Test(reply, without_memory_no_part_of_a_reply_is_written)
{
	char large[5000];
	struct slice quoted = { (const uint8_t *)large, sizeof(large) };

	memset(large, ' ', sizeof(large));
	reply_ok(&out);
	cr_assert_null(outbuf_reserve(&out, SIZE_MAX / 2));
	reply_ok(&out);
	reply_error(&out, "lost");
	reply_text(&out, "lost");
	reply_value(&out, quoted);
	reply_value(&out, SLICE("lost"));
	reply_number(&out, 1);
	reply_item(&out, SLICE("OK"));
	reply_event_set(&out, SLICE("lost"), quoted);
	reply_event_deleted(&out, quoted);
	cr_assert(out.failed);
	expect("OK\r\n");
}

/* How long the reply is, and whether it ends as it should. */
static void
expect_size(size_t size, const char *ending)
{
	size_t len = strlen(ending);

	if (outbuf_len(&out) != size ||
	    memcmp(out.data + out.tail - len, ending, len) != 0)
		cr_assert_fail("%zu bytes, not %zu", outbuf_len(&out), size);
	outbuf_free(&out);
}

Test(reply, replies_of_any_size_have_the_room_they_need)
{
	uint8_t plain[1200], lines[1200];
	struct slice word, quoted;
	size_t n;

	memset(plain, 'p', sizeof(plain));
	memset(lines, '\n', sizeof(lines));
	for (n = 1; n <= sizeof(plain); n++) {
		word = (struct slice){ plain, n };
		quoted = (struct slice){ lines, n };
		reply_value(&out, word);
		expect_size(n + 6, "p\r\nOK\r\n");
		reply_value(&out, quoted);
		expect_size(2 * n + 8, "\\n\"\r\nOK\r\n");
		reply_item(&out, word);
		expect_size(n + 2, "p\r\n");
		reply_event_set(&out, word, quoted);
		expect_size(3 * n + 12, "\\n\"\r\n");
		reply_event_set(&out, quoted, word);
		expect_size(3 * n + 12, "p\r\n");
		reply_event_deleted(&out, quoted);
		expect_size(2 * n + 12, "\" DELETED\r\n");
	}
}

/* Take the one line in the buffer apart with our own parser. */
static struct request request;

static void
read_back(size_t argc)
{
	size_t len = outbuf_len(&out), used;
	struct text_parser parser;
	struct text_error error;

	text_parser_init(&parser);
	if (text_parse(&parser, out.data + out.head, len, SIZE_MAX, &request,
	    &error, &used) != TEXT_OK || used != len || request.argc != argc)
		cr_assert_fail("an event does not parse");
	outbuf_drain(&out, len, 4096);
}

static bool
same(struct slice a, struct slice b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

Test(reply, events_with_any_bytes_can_be_parsed)
{
	uint8_t bytes[2][64];
	struct slice key, value;
	int round, i;

	srand(3);
	for (round = 0; round < 20000; round++) {
		for (i = 0; i < 64; i++) {
			bytes[0][i] = (uint8_t)rand();
			bytes[1][i] = (uint8_t)rand();
		}
		key = (struct slice){ bytes[0], (size_t)rand() % 64 };
		value = (struct slice){ bytes[1], (size_t)rand() % 64 };
		reply_event_set(&out, key, value);
		read_back(4);
		if (!same(request.argv[0], key) ||
		    !same(request.argv[3], value))
			cr_assert_fail("round %d", round);
		reply_event_deleted(&out, key);
		read_back(2);
		if (!same(request.argv[0], key))
			cr_assert_fail("round %d", round);
	}
}
