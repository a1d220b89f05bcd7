/*
 * Bytes on their way to people and programs.
 *
 * Off a terminal a value is written as it is and nothing is added but the
 * end of the record, so that `kv get b k >file' is a copy.  On a terminal
 * the same bytes might move the cursor or worse: whatever is not printable
 * makes the whole word appear quoted, as it would be typed at the prompt.
 */

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/client/kv_output.h"
#include "proto/client/kv_utf8.h"

static const char *const colours[] = {
	[COLOUR_NONE] = "",
	[COLOUR_NAME] = "\033[1m",
	[COLOUR_SET] = "\033[32m",
	[COLOUR_DELETED] = "\033[31m",
	[COLOUR_FAINT] = "\033[2m"
};

void
output_init(struct output *out)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	*out = (struct output){ .terminal = isatty(STDOUT_FILENO) == 1 };
	out->end = '\n';
	out->colour = out->terminal &&
	    (no_color == NULL || *no_color == '\0') &&
	    term != NULL && strcmp(term, "dumb") != 0;
}

static void
colour_on(const struct output *out, enum colour colour)
{
	if (out->colour && colour != COLOUR_NONE)
		(void)fputs(colours[colour], stdout);
}

static void
colour_off(const struct output *out, enum colour colour)
{
	if (out->colour && colour != COLOUR_NONE)
		(void)fputs("\033[0m", stdout);
}

/* A character that a terminal shows and does not obey. */
static bool
is_printable(uint32_t code)
{
	return code >= 0x20 && (code < 0x7f || code > 0x9f);
}

/* Printable as it stands; an empty word is not, it would be invisible. */
static bool
is_showable(struct kv_bytes bytes, bool lines)
{
	const uint8_t *p = bytes.data;
	uint32_t code;
	size_t i, n;

	for (i = 0; i < bytes.len; i += n) {
		n = utf8_char(p + i, bytes.len - i, &code);
		if (n == 0)
			return false;
		if (!is_printable(code) &&
		    !(lines && (code == '\n' || code == '\t')))
			return false;
	}
	return lines || bytes.len > 0;
}

static size_t
write_raw(struct kv_bytes bytes)
{
	return fwrite(bytes.data, 1, bytes.len, stdout);
}

/* The quoted form, in which a byte outside UTF-8 is escaped as well. */
static void
write_quoted(struct kv_bytes bytes)
{
	static const char letters[] = "abtnvfr";
	const uint8_t *p = bytes.data;
	uint32_t code;
	size_t i, n;

	(void)putchar('"');
	for (i = 0; i < bytes.len; i += n) {
		n = utf8_char(p + i, bytes.len - i, &code);
		if (p[i] == '"' || p[i] == '\\')
			(void)printf("\\%c", p[i]);
		else if (p[i] >= '\a' && p[i] <= '\r')
			(void)printf("\\%c", letters[p[i] - '\a']);
		else if (n > 0 && is_printable(code))
			(void)fwrite(p + i, 1, n, stdout);
		else if (n > 1)		/* one of U+0080 to U+009F */
			(void)printf("\\x%02x\\x%02x", p[i], p[i + 1]);
		else
			(void)printf("\\x%02x", p[i]);
		if (n == 0)
			n = 1;
	}
	(void)putchar('"');
}

static void
write_word(const struct output *out, struct kv_bytes bytes,
    enum colour colour, bool lines)
{
	if (!out->terminal) {
		(void)write_raw(bytes);
		return;
	}
	colour_on(out, colour);
	if (is_showable(bytes, lines))
		(void)write_raw(bytes);
	else
		write_quoted(bytes);
	colour_off(out, colour);
}

void
output_bytes(const struct output *out, struct kv_bytes bytes,
    enum colour colour)
{
	write_word(out, bytes, colour, false);
}

void
output_text(const struct output *out, struct kv_bytes bytes,
    enum colour colour)
{
	write_word(out, bytes, colour, true);
}

void
output_word(const struct output *out, const char *word, enum colour colour)
{
	colour_on(out, colour);
	(void)fputs(word, stdout);
	colour_off(out, colour);
}

size_t
output_width(struct kv_bytes bytes)
{
	const uint8_t *p = bytes.data;
	size_t width = 0, i;

	if (!is_showable(bytes, false))
		return kv_quoted_len(bytes);
	/* A column for each character: all but its continuation bytes. */
	for (i = 0; i < bytes.len; i++)
		width += (p[i] & 0xc0) != 0x80;
	return width;
}

void
output_pad(const struct output *out, struct kv_bytes bytes, size_t column)
{
	size_t width;

	if (!out->terminal)
		return;
	for (width = output_width(bytes); width < column; width++)
		(void)putchar(' ');
}

void
output_end(const struct output *out)
{
	(void)putchar(out->end);
}

void
output_ok(const struct output *out)
{
	if (out->quiet)
		return;
	(void)fputs(out->json ? "{\"ok\":true}" : "OK", stdout);
	output_end(out);
}

static bool json_comma;

void
output_tame(char *to, size_t size, struct kv_bytes bytes)
{
	const char *from = bytes.data;
	size_t i, len = bytes.len < size ? bytes.len : size - 1;

	for (i = 0; i < len; i++)
		to[i] = isprint((unsigned char)from[i]) ? from[i] : '?';
	to[len] = '\0';
}

void
output_json_begin(void)
{
	(void)putchar('{');
	json_comma = false;
}

static void
json_name(const char *name)
{
	(void)printf("%s\"%s\":", json_comma ? "," : "", name);
	json_comma = true;
}

static bool
is_utf8(struct kv_bytes bytes)
{
	const uint8_t *p = bytes.data;
	uint32_t code;
	size_t i, n;

	for (i = 0; i < bytes.len; i += n)
		if ((n = utf8_char(p + i, bytes.len - i, &code)) == 0)
			return false;
	return true;
}

static void
json_text(struct kv_bytes bytes)
{
	const uint8_t *p = bytes.data;
	size_t i;

	(void)putchar('"');
	for (i = 0; i < bytes.len; i++) {
		if (p[i] == '"' || p[i] == '\\')
			(void)printf("\\%c", p[i]);
		else if (p[i] == '\n')
			(void)fputs("\\n", stdout);
		else if (p[i] < 0x20 || p[i] == 0x7f)
			(void)printf("\\u%04x", p[i]);
		else
			(void)putchar(p[i]);
	}
	(void)putchar('"');
}

static void
json_base64(struct kv_bytes bytes)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *p = bytes.data;
	uint32_t group;
	size_t i, j, n;

	(void)fputs("{\"b64\":\"", stdout);
	for (i = 0; i < bytes.len; i += 3) {
		n = bytes.len - i < 3 ? bytes.len - i : 3;
		group = 0;
		for (j = 0; j < 3; j++)
			group = group << 8 | (j < n ? p[i + j] : 0);
		for (j = 0; j < 4; j++)
			(void)putchar(j > n ? '=' :
			    digits[group >> (18 - 6 * j) & 63]);
	}
	(void)fputs("\"}", stdout);
}

void
output_json_bytes(const char *name, const struct kv_bytes *bytes)
{
	json_name(name);
	if (bytes == NULL)
		(void)fputs("null", stdout);
	else if (is_utf8(*bytes))
		json_text(*bytes);
	else
		json_base64(*bytes);
}

void
output_json_string(const char *name, const char *text)
{
	struct kv_bytes bytes = kv_str(text);

	output_json_bytes(name, &bytes);
}

void
output_json_number(const char *name, uint64_t number)
{
	json_name(name);
	(void)printf("%ju", (uintmax_t)number);
}

void
output_json_end(const struct output *out)
{
	(void)putchar('}');
	output_end(out);
}

bool
output_flush(void)
{
	static bool said;

	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return true;
	if (!said)
		warn("standard output");
	said = true;
	return false;
}
