/* Replies of each protocol: whole, cut at every byte, wrong, and none. */

#include <criterion/criterion.h>
#include <string.h>

#include "tests/bench/load_protocol.h"

struct vector {
	enum load_syntax	 syntax;
	bool			 reads;
	const char		*bytes;
	enum load_kind		 kind;
	const char		*data;
};

static const struct vector vectors[] = {
	{ SYNTAX_TEXT, true, "a-value\r\nOK\r\n", REPLY_VALUE, "a-value" },
	{ SYNTAX_TEXT, true, "\r\nOK\r\n", REPLY_MISSING, "" },
	{ SYNTAX_TEXT, true, "NOT FOUND\r\n", REPLY_ERROR, "NOT FOUND" },
	{ SYNTAX_TEXT, true, "ERROR out of memory\r\n", REPLY_ERROR,
	    "ERROR out of memory" },
	{ SYNTAX_TEXT, false, "OK\r\n", REPLY_WORD, "OK" },
	{ SYNTAX_TEXT, false, "UNKNOWN COMMAND\r\n", REPLY_ERROR,
	    "UNKNOWN COMMAND" },
	{ SYNTAX_RESP, true, "$5\r\nab\r\nc\r\n", REPLY_VALUE, "ab\r\nc" },
	{ SYNTAX_RESP, true, "$0\r\n\r\n", REPLY_VALUE, "" },
	{ SYNTAX_RESP, true, "$-1\r\n", REPLY_MISSING, "" },
	{ SYNTAX_RESP, false, "+OK\r\n", REPLY_WORD, "OK" },
	{ SYNTAX_RESP, false, "-ERR no\r\n", REPLY_ERROR, "ERR no" },
	{ SYNTAX_RESP, false, ":42\r\n", REPLY_NUMBER, "42" },
	{ SYNTAX_MEMCACHED, true, "VALUE key 0 3\r\nabc\r\nEND\r\n",
	    REPLY_VALUE, "abc" },
	{ SYNTAX_MEMCACHED, true, "END\r\n", REPLY_MISSING, "" },
	{ SYNTAX_MEMCACHED, false, "STORED\r\n", REPLY_WORD, "STORED" },
	{ SYNTAX_MEMCACHED, false, "SERVER_ERROR full\r\n", REPLY_ERROR,
	    "SERVER_ERROR full" },
	{ SYNTAX_FLOOR, false, FLOOR_SAYS, REPLY_WORD, FLOOR_SAYS }
};

#define VECTORS	(sizeof(vectors) / sizeof(vectors[0]))

static enum load_parse
parse(const struct vector *v, size_t len, size_t *used,
    struct load_reply *reply)
{
	return load_reply_parse(v->syntax, v->reads, v->bytes, len, used,
	    reply);
}

Test(load_reply, a_reply_is_taken_apart_in_each_protocol)
{
	const struct vector *v;
	struct load_reply reply;
	size_t used;

	for (v = vectors; v < vectors + VECTORS; v++) {
		cr_assert_eq(parse(v, strlen(v->bytes), &used, &reply),
		    PARSE_OK, "%s", v->bytes);
		cr_assert_eq(used, strlen(v->bytes), "%s", v->bytes);
		cr_assert_eq(reply.kind, v->kind, "%s", v->bytes);
		cr_assert(reply.len == strlen(v->data) &&
		    memcmp(reply.data, v->data, reply.len) == 0, "%s",
		    v->bytes);
	}
}

Test(load_reply, a_reply_that_is_cut_anywhere_is_waited_for)
{
	const struct vector *v;
	struct load_reply reply;
	size_t len, used;

	for (v = vectors; v < vectors + VECTORS; v++)
		for (len = 0; len < strlen(v->bytes); len++)
			cr_assert_eq(parse(v, len, &used, &reply), PARSE_MORE,
			    "%zu bytes of %s", len, v->bytes);
}

Test(load_reply, what_follows_a_reply_is_left_for_the_next_one)
{
	const struct vector *v;
	struct vector two;
	struct load_reply reply;
	char bytes[256];
	size_t used;

	for (v = vectors; v < vectors + VECTORS; v++) {
		two = *v;
		snprintf(bytes, sizeof(bytes), "%s%s", v->bytes, v->bytes);
		two.bytes = bytes;
		cr_assert_eq(parse(&two, strlen(bytes), &used, &reply),
		    PARSE_OK, "%s", bytes);
		cr_assert_eq(used, strlen(v->bytes), "%s", bytes);
	}
}

Test(load_reply, numbers_are_read)
{
	struct load_reply reply;
	size_t used;

	cr_assert_eq(load_reply_parse(SYNTAX_RESP, false,
	    ":9223372036854775807\r\n", 22, &used, &reply), PARSE_OK);
	cr_assert_eq(reply.number, INT64_MAX);
}

Test(load_reply, what_is_no_reply_is_refused)
{
	static const struct vector bad[] = {
		{ SYNTAX_TEXT, true, "value\nOK\r\n", 0, NULL },
		{ SYNTAX_TEXT, true, "value\r\nNO\r\n", 0, NULL },
		{ SYNTAX_TEXT, true, "\n", 0, NULL },
		{ SYNTAX_RESP, false, "\r\n", 0, NULL },
		{ SYNTAX_RESP, false, "OK\r\n", 0, NULL },
		{ SYNTAX_RESP, false, ":\r\n", 0, NULL },
		{ SYNTAX_RESP, false, ":x\r\n", 0, NULL },
		{ SYNTAX_RESP, false, ":12345678901234567890\r\n", 0, NULL },
		{ SYNTAX_RESP, true, "$3\r\nabcd\r\n", 0, NULL },
		{ SYNTAX_RESP, true, "$9999999999\r\n", 0, NULL },
		{ SYNTAX_MEMCACHED, true, "VALUE k 0 x\r\n", 0, NULL },
		{ SYNTAX_MEMCACHED, true, "VALUE k 0 1\r\nab\r\nEND\r\n", 0,
		    NULL },
		{ SYNTAX_MEMCACHED, true, "VALUE k 0 1\r\na\r\nEN\r\n", 0,
		    NULL }
	};
	struct load_reply reply;
	size_t i, used;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(parse(&bad[i], strlen(bad[i].bytes), &used,
		    &reply), PARSE_BAD, "%s", bad[i].bytes);
}

Test(load_reply, a_line_without_an_end_is_refused_in_time)
{
	static char line[5000];
	struct load_reply reply;
	size_t used;

	memset(line, 'a', sizeof(line));
	cr_assert_eq(load_reply_parse(SYNTAX_RESP, true, line, 4000, &used,
	    &reply), PARSE_MORE);
	cr_assert_eq(load_reply_parse(SYNTAX_RESP, true, line, sizeof(line),
	    &used, &reply), PARSE_BAD);
}
