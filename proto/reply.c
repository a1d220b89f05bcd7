/*
 * Replies in the text protocol.  Every line ends in CRLF, and every reply is
 * built in one reserved piece of the outbuf: it is there as a whole or not at
 * all, and nobody is sent half a line because memory ran out.
 *
 * A word from the store is written quoted unless it is plain, and whatever we
 * say ourselves is kept to printable ASCII.  So no key or value, nor a name
 * quoted in an error, can forge a line.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/quote.h"
#include "proto/reply.h"

#define CRLF		"\r\n"
#define OK_LINE		"OK" CRLF

/* A literal without its NUL, as two arguments. */
#define LITERAL(s)	(s), sizeof(s) - 1

static uint8_t *
put(uint8_t *out, const void *bytes, size_t len)
{
	memcpy(out, bytes, len);
	return out + len;
}

static uint8_t *
put_word(uint8_t *out, struct slice word)
{
	return out + quote_write(out, word.data, word.len);
}

/* Each byte that could confuse a terminal or a log becomes '?'. */
static uint8_t *
put_printable(uint8_t *out, const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		*out++ = text[i] >= ' ' && text[i] <= '~' ?
		    (uint8_t)text[i] : '?';
	return out;
}

static void
finish(struct outbuf *out, const uint8_t *start, const uint8_t *end)
{
	outbuf_commit(out, (size_t)(end - start));
}

void
reply_ok(struct outbuf *out)
{
	/* In place: outbuf_append() is a call, and this is most replies. */
	uint8_t *start = outbuf_reserve(out, sizeof(OK_LINE) - 1);

	if (start != NULL)
		finish(out, start, put(start, LITERAL(OK_LINE)));
}

void
reply_not_found(struct outbuf *out)
{
	outbuf_append(out, LITERAL("NOT FOUND" CRLF));
}

void
reply_unknown_command(struct outbuf *out)
{
	outbuf_append(out, LITERAL("UNKNOWN COMMAND" CRLF));
}

static void
reply_line(struct outbuf *out, const char *prefix, const char *text)
{
	size_t prefix_len = strlen(prefix), len = strlen(text);
	uint8_t *start, *p;

	start = outbuf_reserve(out, prefix_len + len + 2);
	if (start == NULL)
		return;
	p = put(start, prefix, prefix_len);
	p = put_printable(p, text, len);
	finish(out, start, put(p, CRLF, 2));
}

void
reply_error(struct outbuf *out, const char *fmt, ...)
{
	char reason[REPLY_REASON_MAX + 1];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	/* It fails for a wide string that cannot be converted. */
	reply_line(out, "ERROR ", n < 0 ? "unprintable reason" : reason);
}

void
reply_text(struct outbuf *out, const char *line)
{
	reply_line(out, "", line);
}

/* A word, and what ends its line. */
static void
reply_word(struct outbuf *out, struct slice word, const char *end,
    size_t end_len)
{
	bool plain = quote_is_plain(word.data, word.len);
	size_t len = plain ? word.len : quote_len(word.data, word.len);
	uint8_t *start = outbuf_reserve(out, len + end_len), *p;

	if (start == NULL)
		return;
	p = plain ? put(start, word.data, len) : put_word(start, word);
	finish(out, start, put(p, end, end_len));
}

void
reply_value(struct outbuf *out, struct slice value)
{
	reply_word(out, value, LITERAL(CRLF OK_LINE));
}

void
reply_no_value(struct outbuf *out)
{
	outbuf_append(out, LITERAL(CRLF OK_LINE));
}

void
reply_number(struct outbuf *out, uint64_t number)
{
	char text[sizeof("18446744073709551615" CRLF OK_LINE)];
	int n;

	n = snprintf(text, sizeof(text), "%ju" CRLF OK_LINE,
	    (uintmax_t)number);
	outbuf_append(out, text, (size_t)n);
}

void
reply_pong(struct outbuf *out)
{
	outbuf_append(out, LITERAL("PONG" CRLF OK_LINE));
}

void
reply_item(struct outbuf *out, struct slice item)
{
	if (item.len == 2 && memcmp(item.data, "OK", 2) == 0)
		outbuf_append(out, LITERAL("\"OK\"" CRLF));
	else
		reply_word(out, item, LITERAL(CRLF));
}

void
reply_no_item(struct outbuf *out)
{
	outbuf_append(out, LITERAL(CRLF));
}

void
reply_end(struct outbuf *out)
{
	reply_ok(out);
}

static void
reply_event(struct outbuf *out, struct slice key, const char *what,
    size_t what_len, const struct slice *value)
{
	size_t len = quote_len(key.data, key.len) + what_len + 2;
	uint8_t *start, *p;

	if (value != NULL)
		len += quote_len(value->data, value->len);
	start = outbuf_reserve(out, len);
	if (start == NULL)
		return;
	p = put_word(start, key);
	p = put(p, what, what_len);
	if (value != NULL)
		p = put_word(p, *value);
	finish(out, start, put(p, CRLF, 2));
}

void
reply_event_set(struct outbuf *out, struct slice key, struct slice value)
{
	reply_event(out, key, LITERAL(" SET TO "), &value);
}

void
reply_event_deleted(struct outbuf *out, struct slice key)
{
	reply_event(out, key, LITERAL(" DELETED"), NULL);
}
