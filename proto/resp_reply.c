/*
 * Replies in RESP.  As in reply.c each is built in one reserved piece of the
 * outbuf, so it is there as a whole or not at all.
 *
 * Values go out with their length and may be any bytes.  Only simple strings
 * and errors are lines, and what could end a line is kept out of those: an
 * error quotes what a client has sent.
 */

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/number.h"
#include "proto/resp_reply.h"

#define CRLF		"\r\n"
#define OK_LINE		"+OK" CRLF

/* A literal without its NUL, as two arguments. */
#define LITERAL(s)	(s), sizeof(s) - 1

static uint8_t *
put(uint8_t *out, const void *bytes, size_t len)
{
	memcpy(out, bytes, len);
	return out + len;
}

uint8_t *
resp_write_any_head(uint8_t *out, char type, int64_t number)
{
	*out++ = (uint8_t)type;
	out += number_write_int(out, number);
	return put(out, CRLF, 2);
}

static uint8_t *
put_text(uint8_t *out, const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		*out++ = text[i] == '\r' || text[i] == '\n' ? ' ' :
		    (uint8_t)text[i];
	return out;
}

static void
finish(struct outbuf *out, const uint8_t *start, const uint8_t *end)
{
	outbuf_commit(out, (size_t)(end - start));
}

/* A type, two texts, and the end of the line. */
static void
put_line(struct outbuf *out, char type, const char *text, const char *more)
{
	size_t len = strlen(text), more_len = strlen(more);
	uint8_t *start, *p;

	start = outbuf_reserve(out, 1 + len + more_len + 2);
	if (start == NULL)
		return;
	p = start;
	*p++ = (uint8_t)type;
	p = put_text(p, text, len);
	p = put_text(p, more, more_len);
	finish(out, start, put(p, CRLF, 2));
}

void
resp_put_simple(struct outbuf *out, const char *text)
{
	put_line(out, '+', text, "");
}

void
resp_put_ok(struct outbuf *out)
{
	uint8_t *start = outbuf_reserve(out, sizeof(OK_LINE) - 1);

	if (start != NULL)
		finish(out, start, put(start, LITERAL(OK_LINE)));
}

void
resp_put_error(struct outbuf *out, const char *code, const char *fmt, ...)
{
	char reason[1 + RESP_REASON_MAX + 1] = " ";
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(reason + 1, sizeof(reason) - 1, fmt, ap);
	va_end(ap);
	/* It fails for a wide string that cannot be converted. */
	put_line(out, '-', code, n < 0 ? " unprintable reason" : reason);
}

/* A head alone. */
static void
append_head(struct outbuf *out, char type, int64_t number)
{
	uint8_t *start = outbuf_reserve(out, RESP_HEAD_MAX);

	if (start != NULL)
		finish(out, start, resp_write_head(start, type, number));
}

void
resp_put_integer(struct outbuf *out, int64_t number)
{
	append_head(out, ':', number);
}

/* Bytes behind their length, of which the prefix is a part. */
static void
put_bytes(struct outbuf *out, char type, const char *prefix, size_t prefix_len,
    struct slice bytes)
{
	size_t len = prefix_len + bytes.len;
	uint8_t *start, *p;

	start = outbuf_reserve(out, RESP_HEAD_MAX + len + 2);
	if (start == NULL)
		return;
	p = resp_write_head(start, type, (int64_t)len);
	p = put(p, prefix, prefix_len);
	if (bytes.len > 0)
		p = put(p, bytes.data, bytes.len);
	finish(out, start, put(p, CRLF, 2));
}

void
resp_put_bulk(struct outbuf *out, struct slice value)
{
	put_bytes(out, '$', LITERAL(""), value);
}

void
resp_put_null(struct outbuf *out, enum resp_version version)
{
	if (version == RESP_2)
		outbuf_append(out, LITERAL("$-1" CRLF));
	else
		outbuf_append(out, LITERAL("_" CRLF));
}

void
resp_put_null_list(struct outbuf *out, enum resp_version version)
{
	if (version == RESP_2)
		outbuf_append(out, LITERAL("*-1" CRLF));
	else
		outbuf_append(out, LITERAL("_" CRLF));
}

void
resp_put_bool(struct outbuf *out, enum resp_version version, bool is)
{
	if (version == RESP_2)
		resp_put_integer(out, is);
	else
		put_line(out, '#', is ? "t" : "f", "");
}

/* A number that is a bulk in RESP2, and a line of this type in RESP3. */
static void
put_number(struct outbuf *out, enum resp_version version, char type,
    struct slice number)
{
	uint8_t *start, *p;

	if (version == RESP_2) {
		resp_put_bulk(out, number);
		return;
	}
	start = outbuf_reserve(out, 1 + number.len + 2);
	if (start == NULL)
		return;
	p = start;
	*p++ = (uint8_t)type;
	p = put(p, number.data, number.len);
	finish(out, start, put(p, CRLF, 2));
}

void
resp_put_double(struct outbuf *out, enum resp_version version, double number)
{
	char text[sizeof("-1.7976931348623157e+308")];
	int len;

	/* The sign of what is not a number says nothing. */
	len = snprintf(text, sizeof(text), "%.17g",
	    isnan(number) ? (double)NAN : number);
	put_number(out, version, ',',
	    (struct slice){ (const uint8_t *)text, (size_t)len });
}

void
resp_put_big_number(struct outbuf *out, enum resp_version version,
    struct slice digits)
{
	put_number(out, version, '(', digits);
}

void
resp_put_verbatim(struct outbuf *out, enum resp_version version,
    struct slice text)
{
	if (version == RESP_2)
		resp_put_bulk(out, text);
	else
		put_bytes(out, '=', LITERAL("txt:"), text);
}

static char
list_type(enum resp_version version, enum resp_list list)
{
	static const char types[] = {
		[RESP_ARRAY] = '*', [RESP_MAP] = '%', [RESP_SET] = '~',
		[RESP_PUSH] = '>'
	};

	return version == RESP_2 ? '*' : types[list];
}

static int64_t
list_len(enum resp_version version, enum resp_list list, size_t n)
{
	bool flat = version == RESP_2 && list == RESP_MAP;

	return (int64_t)(flat ? 2 * n : n);
}

void
resp_put_list(struct outbuf *out, enum resp_version version,
    enum resp_list list, size_t n)
{
	append_head(out, list_type(version, list), list_len(version, list, n));
}

void
resp_put_list_at(struct outbuf *out, enum resp_version version,
    enum resp_list list, size_t n, size_t mark)
{
	size_t elements = outbuf_len(out) - mark, len;
	uint8_t head[RESP_HEAD_MAX], *end;

	end = resp_write_head(head, list_type(version, list),
	    list_len(version, list, n));
	len = (size_t)(end - head);
	if ((end = outbuf_reserve(out, len)) == NULL)
		return;
	memmove(end - elements + len, end - elements, elements);
	memcpy(end - elements, head, len);
	outbuf_commit(out, len);
}
