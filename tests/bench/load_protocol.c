/*
 * A request is a head that never changes, its keys, and their values: that is
 * one row of a table for each command.  The floor is a row, too: it is asked
 * for something of the length of an HGET, and answers what is as long as the
 * answer.
 */

#include <stdio.h>
#include <string.h>

#include "tests/bench/load_protocol.h"

#define MSET_KEYS	10

enum answer { ANSWER_WORD, ANSWER_NUMBER, ANSWER_VALUE };

struct form {
	const char	*head;
	const char	*prefix;	/* of its keys */
	unsigned	 keys;
	bool		 gives_values;
	enum answer	 answer;
	const char	*word;		/* the one that is right */
	uint64_t	 least, most;	/* or such a number */
};

static const struct {
	const char		*name;
	enum load_syntax	 syntax;
	struct form		 write;
	struct form		 read;		/* without a head: none */
} dialects[LOAD_DIALECTS] = {
	[LOAD_TEXT] = { "text", SYNTAX_TEXT,
	    { "PUT " LOAD_BUCKET, "key-", 1, true, ANSWER_WORD, "OK", 0, 0 },
	    { "GET " LOAD_BUCKET, "key-", 1, false, ANSWER_VALUE, NULL, 0,
	    0 } },
	[LOAD_HASH] = { "hash", SYNTAX_RESP,
	    { "*4\r\n$4\r\nHSET\r\n$5\r\n" LOAD_BUCKET "\r\n", "key-", 1,
	    true, ANSWER_NUMBER, NULL, 0, 1 },
	    { "*3\r\n$4\r\nHGET\r\n$5\r\n" LOAD_BUCKET "\r\n", "key-", 1,
	    false, ANSWER_VALUE, NULL, 0, 0 } },
	[LOAD_STRING] = { "string", SYNTAX_RESP,
	    { "*3\r\n$3\r\nSET\r\n", "key-", 1, true, ANSWER_WORD, "OK", 0,
	    0 },
	    { "*2\r\n$3\r\nGET\r\n", "key-", 1, false, ANSWER_VALUE, NULL, 0,
	    0 } },
	[LOAD_INCR] = { "incr", SYNTAX_RESP,
	    { "*2\r\n$4\r\nINCR\r\n", "ctr-", 1, false, ANSWER_NUMBER, NULL,
	    1, INT64_MAX }, { 0 } },
	[LOAD_MSET] = { "mset", SYNTAX_RESP,
	    { "*21\r\n$4\r\nMSET\r\n", "key-", MSET_KEYS, true, ANSWER_WORD,
	    "OK", 0, 0 }, { 0 } },
	[LOAD_PING] = { "ping", SYNTAX_RESP,
	    { "*1\r\n$4\r\nPING\r\n", NULL, 0, false, ANSWER_WORD, "PONG", 0,
	    0 }, { 0 } },
	[LOAD_MEMCACHED] = { "memcached", SYNTAX_MEMCACHED,
	    { "set", "key-", 1, true, ANSWER_WORD, "STORED", 0, 0 },
	    { "get", "key-", 1, false, ANSWER_VALUE, NULL, 0, 0 } },
	[LOAD_FLOOR] = { "floor", SYNTAX_FLOOR,
	    { FLOOR_ASKS, NULL, 0, false, ANSWER_WORD, FLOOR_SAYS, 0, 0 },
	    { 0 } },
	[LOAD_CREATE] = { "create", SYNTAX_TEXT,
	    { "CREATE " LOAD_BUCKET "\r\n", NULL, 0, false, ANSWER_WORD,
	    "OK", 0, 0 }, { 0 } },
};

bool
load_dialect_parse(const char *name, enum load_dialect *dialect)
{
	unsigned i;

	for (i = 0; i < LOAD_DIALECTS; i++)
		if (strcmp(name, dialects[i].name) == 0) {
			*dialect = (enum load_dialect)i;
			return true;
		}
	return false;
}

const char *
load_dialect_name(enum load_dialect dialect)
{
	return dialects[dialect].name;
}

bool
load_dialect_reads(enum load_dialect dialect)
{
	return dialects[dialect].read.head != NULL;
}

enum load_syntax
load_syntax_of(enum load_dialect dialect)
{
	return dialects[dialect].syntax;
}

static const struct form *
form_of(enum load_dialect dialect, const struct load_request *r)
{
	return r->read ? &dialects[dialect].read : &dialects[dialect].write;
}

static void
add_text(struct load_buffer *out, const char *text)
{
	load_buffer_add(out, text, strlen(text));
}

/* "$", or something else in front, and a number; snprintf() is too slow. */
static void
add_number(struct load_buffer *out, const char *before, size_t n)
{
	char text[24];
	size_t at = sizeof(text);

	add_text(out, before);
	do
		text[--at] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	load_buffer_add(out, text + at, sizeof(text) - at);
}

static void
add_key(struct load_buffer *out, const struct form *form, uint64_t key)
{
	load_key(load_buffer_room(out, KEY_BYTES), form->prefix, key);
	out->len += KEY_BYTES;
}

/* One key, and its value if there is one. */
static void
add_pair(struct load_buffer *out, enum load_syntax syntax,
    const struct form *form, const struct load_values *values, uint64_t key)
{
	size_t len;
	const char *value = load_value(values, key, &len);

	add_text(out, syntax == SYNTAX_RESP ? "$16\r\n" : " ");
	add_key(out, form, key);
	if (form->gives_values) {
		if (syntax == SYNTAX_RESP)
			add_number(out, "\r\n$", len);
		if (syntax == SYNTAX_MEMCACHED)
			add_number(out, " 0 0 ", len);
		add_text(out, syntax == SYNTAX_TEXT ? " " : "\r\n");
		load_buffer_add(out, value, len);
	}
	add_text(out, "\r\n");
}

void
load_ask(struct load_buffer *out, enum load_dialect dialect,
    const struct load_values *values, uint64_t keys,
    const struct load_request *r)
{
	const struct form *form = form_of(dialect, r);
	unsigned i;

	add_text(out, form->head);
	for (i = 0; i < form->keys; i++)
		add_pair(out, dialects[dialect].syntax, form, values,
		    (r->key + i) % keys);
}

static bool
is_text(const struct load_reply *reply, const char *text, size_t len)
{
	return reply->len == len && memcmp(reply->data, text, len) == 0;
}

bool
load_is_right(enum load_dialect dialect, const struct load_values *values,
    const struct load_request *r, const struct load_reply *reply)
{
	const struct form *form = form_of(dialect, r);
	const char *value;
	size_t len;

	switch (form->answer) {
	case ANSWER_WORD:
		return reply->kind == REPLY_WORD &&
		    is_text(reply, form->word, strlen(form->word));
	case ANSWER_NUMBER:
		return reply->kind == REPLY_NUMBER &&
		    reply->number >= form->least &&
		    reply->number <= form->most;
	case ANSWER_VALUE:
		value = load_value(values, r->key, &len);
		return reply->kind == REPLY_VALUE &&
		    is_text(reply, value, len);
	}
	return false;
}
