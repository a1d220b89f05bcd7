/* Replies as bytes, whole and split at every place. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "proto/client/answer.h"

struct vector {
	struct expect	 expect;
	const char	*bytes;
	const char	*parts;		/* what is read, in note()'s words */
};

/*
 * A part is written [text] for an item, - for the want of a value, and at the
 * end ok, nobucket, bad, or the answer's own word with its text.
 */
static const char *
status_word(enum kv_status status)
{
	switch (status) {
	case KV_OK:
		return "ok";
	case KV_NO_BUCKET:
		return "nobucket";
	case KV_UNKNOWN_COMMAND:
		return "unknowncommand";
	case KV_REFUSED:
		return "refused";
	case KV_UNAVAILABLE:
		return "unavailable";
	case KV_UNKNOWN:
		return "unknown";
	case KV_PARTIAL:
		return "partial";
	default:
		return "?";
	}
}

static void
note(char *notes, size_t size, const struct answer_part *part)
{
	size_t at = strlen(notes);
	const char *text = part->text.data != NULL ? part->text.data : "";
	int len = (int)part->text.len;

	notes += at;
	size -= at;
	switch (part->kind) {
	case ANSWER_MORE:
		snprintf(notes, size, "more");
		break;
	case ANSWER_ITEM:
		snprintf(notes, size, "[%.*s]", len, text);
		break;
	case ANSWER_MISSING:
		snprintf(notes, size, "-");
		break;
	case ANSWER_BAD:
		snprintf(notes, size, "bad");
		break;
	case ANSWER_DONE:
		snprintf(notes, size, part->text.data != NULL ? "%s(%.*s)" :
		    "%s", status_word(part->status), len, text);
		break;
	}
}

/* Read a reply of which `early' bytes come first, then one at a time. */
static void
read_all(const struct vector *vector, size_t early, char *notes, size_t size)
{
	size_t len = strlen(vector->bytes), have = early, at = 0;
	struct answer_part part;
	struct answer answer;
	char buf[512];

	memcpy(buf, vector->bytes, len);
	answer_init(&answer, vector->expect);
	notes[0] = '\0';
	for (;;) {
		answer_read(&answer, (uint8_t *)buf + at, have - at, &part);
		if (part.kind == ANSWER_MORE && have < len) {
			have++;
			continue;
		}
		note(notes, size, &part);
		if (part.kind == ANSWER_MORE || part.kind == ANSWER_BAD)
			return;
		at += part.used;
		if (part.last) {
			cr_assert_eq(at, len, "%s: %zu bytes left",
			    vector->bytes, len - at);
			return;
		}
	}
}

/* The formatter would take them apart. */
/* clang-format off */
#define STATUS		{ .shape = SHAPE_STATUS }
#define VALUES(n)	{ .shape = SHAPE_VALUES, .values = (n) }
#define WORDS		{ .shape = SHAPE_WORDS }
#define TEXT		{ .shape = SHAPE_TEXT }
/* clang-format on */

static const struct vector vectors[] = {
	{ STATUS, "OK\r\n", "ok" },
	{ STATUS, "OK\n", "ok" },
	{ STATUS, "NOT FOUND\r\n", "nobucket" },
	{ STATUS, "UNKNOWN COMMAND\r\n", "unknowncommand" },
	{ STATUS, "ERROR out of memory\r\n", "refused(out of memory)" },
	{ STATUS, "ERROR\r\n", "refused" },
	{ STATUS, "ERROR \r\n", "refused()" },
	{ STATUS, "ERROR unavailable: bar: no link\r\n",
	    "unavailable(bar: no link)" },
	{ STATUS, "ERROR unknown: bar: link broke\n",
	    "unknown(bar: link broke)" },
	{ STATUS, "ERROR partial: bar: no link\r\n",
	    "partial(bar: no link)" },
	{ STATUS, "ERROR unavailable\r\n", "refused(unavailable)" },
	{ STATUS, "ERROR unknown:bar\r\n", "refused(unknown:bar)" },
	{ STATUS, "ERROR unknown weather\r\n", "refused(unknown weather)" },
	{ STATUS, "ERROR  partial: bar: x\r\n",
	    "refused( partial: bar: x)" },
	{ STATUS, "UNKNOWN: bar: link broke\r\n", "bad" },
	{ STATUS, "HTTP/1.1 400 Bad Request\r\n", "bad" },
	{ STATUS, "\r\n", "bad" },
	{ STATUS, "OKAY\r\n", "bad" },
	{ VALUES(1), "1\r\nOK\r\n", "[1]" },
	{ VALUES(1), "\r\nOK\r\n", "-" },
	{ VALUES(1), "\"\"\r\nOK\r\n", "[]" },
	{ VALUES(1), "\"two loaves\"\r\nOK\r\n", "[two loaves]" },
	{ VALUES(1), "\"a\\n\\x41\"\nOK\n", "[a\nA]" },
	{ VALUES(1), "OK\r\nOK\r\n", "[OK]" },
	{ VALUES(1), "ERROR\r\nOK\r\n", "[ERROR]" },
	{ VALUES(1), "\"NOT FOUND\"\r\nOK\r\n", "[NOT FOUND]" },
	{ VALUES(1), "NOT FOUND\r\n", "nobucket" },
	{ VALUES(1), "ERROR too long\r\n", "refused(too long)" },
	{ VALUES(1), "ERROR unknown: a: b\r\n", "unknown(a: b)" },
	{ VALUES(1), "unavailable:\r\nOK\r\n", "[unavailable:]" },
	{ VALUES(1), "\"ERROR partial: a: b\"\r\nOK\r\n",
	    "[ERROR partial: a: b]" },
	{ VALUES(1), "1\r\n2\r\n", "bad" },
	{ VALUES(1), "two words\r\nOK\r\n", "bad" },
	{ VALUES(1), "\"open\r\nOK\r\n", "bad" },
	{ VALUES(1), "\"bad\\q\"\r\nOK\r\n", "bad" },
	{ VALUES(1), "\"a\"b\r\nOK\r\n", "bad" },
	{ VALUES(1), "\"a\" b\r\nOK\r\n", "bad" },
	{ VALUES(3), "1\r\n\r\n3\r\nOK\r\n", "[1]-[3]" },
	{ VALUES(2), "OK\r\nOK\r\nOK\r\n", "[OK][OK]" },
	{ VALUES(3), "1\r\nERROR gone\r\n", "[1]refused(gone)" },
	{ VALUES(3), "1\r\n\r\nERROR unavailable: a: b\r\n",
	    "[1]-unavailable(a: b)" },
	{ VALUES(2), "NOT FOUND\r\n", "nobucket" },
	{ WORDS, "OK\r\n", "ok" },
	{ WORDS, "a\r\n\"b c\"\r\n\"OK\"\r\n\"\"\r\nOK\r\n",
	    "[a][b c][OK][]ok" },
	{ WORDS, "a\r\nNOT FOUND\r\n", "[a]nobucket" },
	{ WORDS, "a\r\nb\r\nERROR partial: bar: no link\r\n",
	    "[a][b]partial(bar: no link)" },
	{ WORDS, "ERROR partial: bar: no link\r\n",
	    "partial(bar: no link)" },
	{ WORDS, "a\r\n\r\nOK\r\n", "[a]bad" },
	{ WORDS, "a b\r\nOK\r\n", "bad" },
	{ TEXT, "uptime: 5 s\r\n\r\nERROR is a word\r\nOK\r\n",
	    "[uptime: 5 s][][ERROR is a word]ok" },
	{ TEXT, "ERROR no such section\r\n", "refused(no such section)" },
	{ TEXT, "UNKNOWN COMMAND\r\n", "unknowncommand" },
	{ TEXT, "a:1\r\nERROR partial: bar: no link\r\n",
	    "[a:1]partial(bar: no link)" },
	{ TEXT, "a:1\r\nERROR partial\r\nERROR unknown: a: b\r\nOK\r\n",
	    "[a:1][ERROR partial][ERROR unknown: a: b]ok" },
	{ TEXT, "ERROR unavailable: a: b\r\n", "unavailable(a: b)" },
	{ STATUS, "O", "more" },
	{ VALUES(1), "1\r\n", "more" },
	{ VALUES(1), "1\r\nOK\r", "more" },
};

Test(answer, every_reply_is_read_wherever_it_is_split)
{
	size_t i, early;
	char notes[512];

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		for (early = 0; early <= strlen(vectors[i].bytes); early++) {
			read_all(&vectors[i], early, notes, sizeof(notes));
			cr_assert_str_eq(notes, vectors[i].parts,
			    "vector %zu (%s) split at %zu", i,
			    vectors[i].bytes, early);
		}
	}
}

static enum answer_event
event_of(const char *text, struct kv_event *event, enum kv_status *status,
    struct kv_bytes *reason)
{
	static char line[256];

	snprintf(line, sizeof(line), "%s", text);
	return answer_event((uint8_t *)line, strlen(line), event, status,
	    reason);
}

Test(answer, an_event_gives_its_key_and_value)
{
	static const struct {
		const char	*line;
		enum kv_op	 op;
		const char	*key;
		const char	*value;
	} events[] = {
		{ "milk SET TO 1", KV_SET, "milk", "1" },
		{ "milk DELETED", KV_DELETED, "milk", "" },
		{ "\"two words\" SET TO \"a b\"", KV_SET, "two words",
		    "a b" },
		{ "\"\" SET TO \"\"", KV_SET, "", "" },
		{ "\"\\x00\" DELETED", KV_DELETED, "", "" },
		{ "ERROR DELETED", KV_DELETED, "ERROR", "" },
		{ "ERROR SET TO x", KV_SET, "ERROR", "x" },
		{ "NOT SET TO FOUND", KV_SET, "NOT", "FOUND" },
	};
	struct kv_bytes reason;
	struct kv_event event;
	enum kv_status status;
	size_t i;

	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		cr_assert_eq(event_of(events[i].line, &event, &status,
		    &reason), ANSWER_EVENT, "%s", events[i].line);
		cr_assert_eq(event.op, events[i].op);
		cr_assert_eq(memcmp(event.key.data, events[i].key,
		    event.key.len), 0);
		cr_assert_eq(event.value.len, strlen(events[i].value));
	}
}

static void
assert_link(const char *line, enum kv_op op, const char *node)
{
	struct kv_event event = { .value = { "stale", 5 } };
	struct kv_bytes reason;
	enum kv_status status;

	cr_assert_eq(event_of(line, &event, &status, &reason), ANSWER_EVENT,
	    "%s", line);
	cr_assert_eq(event.op, op, "%s", line);
	cr_assert_eq(event.key.len, strlen(node), "%s", line);
	cr_assert_eq(memcmp(event.key.data, node, strlen(node)), 0);
	cr_assert_eq(event.value.len, 0);
}

Test(answer, a_link_that_is_lost_or_resumed_is_an_event_with_its_node)
{
	assert_link("LOST bar", KV_LOST, "bar");
	assert_link("RESUMED bar-2.example_x", KV_RESUMED,
	    "bar-2.example_x");
	assert_link("LOST SET", KV_LOST, "SET");
	assert_link("LOST LOST", KV_LOST, "LOST");
	assert_link("RESUMED deleted", KV_RESUMED, "deleted");
	assert_link("LOST DELETED2", KV_LOST, "DELETED2");
}

Test(answer, the_keys_LOST_and_RESUMED_are_keys_like_others)
{
	assert_link("LOST DELETED", KV_DELETED, "LOST");
	assert_link("RESUMED DELETED", KV_DELETED, "RESUMED");
	assert_link("\"LOST bar\" DELETED", KV_DELETED, "LOST bar");
	assert_link("\"LOST\" DELETED", KV_DELETED, "LOST");
	assert_link("LOST SET TO \"\"", KV_SET, "LOST");
	assert_link("RESUMED SET TO \"\"", KV_SET, "RESUMED");
}

Test(answer, the_end_of_a_subscription_is_no_event)
{
	struct kv_bytes reason;
	struct kv_event event;
	enum kv_status status;

	cr_assert_eq(event_of("NOT FOUND", &event, &status, &reason),
	    ANSWER_OVER);
	cr_assert_eq(status, KV_NO_BUCKET);
	cr_assert_eq(event_of("ERROR", &event, &status, &reason),
	    ANSWER_OVER);
	cr_assert_eq(status, KV_REFUSED);
	cr_assert_eq(event_of("ERROR too slow", &event, &status, &reason),
	    ANSWER_OVER);
	cr_assert_eq(status, KV_REFUSED);
	cr_assert_eq(reason.len, strlen("too slow"));
	cr_assert_eq(event_of("ERROR unavailable: a: b", &event, &status,
	    &reason), ANSWER_OVER);
	cr_assert_eq(status, KV_UNAVAILABLE);
	cr_assert_eq(reason.len, strlen("a: b"));
}

Test(answer, a_line_that_is_no_event_is_garbage)
{
	static const char *const lines[] = {
		"", "milk", "milk SET", "milk SET TO", "milk SET TO ",
		"milk SET TO a b", "milk  DELETED", "milk DELETED now",
		"\"milk DELETED", "milk SET TO \"a", " milk DELETED",
		"LOST", "LOST ", "LOST a b", "LOST  a", "LOST \"\"",
		"RESUMED", "RESUMED ", "RESUMED a b", "lost a",
		"\"LOST\" a", " LOST a", "LOST a ", "LOST SET TO"
	};
	struct kv_bytes reason;
	struct kv_event event;
	enum kv_status status;
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		cr_assert_eq(event_of(lines[i], &event, &status, &reason),
		    ANSWER_NO_EVENT, "%s", lines[i]);
}
