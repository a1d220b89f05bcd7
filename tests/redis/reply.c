/*
 * Replies are compared as bytes, so that nothing is forgiven by chance: only
 * where Redis promises no order are they taken apart.
 */

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/redis/reply.h"

/* Of seconds or milliseconds: those that are drawn are far apart. */
#define TOLERANCE	10000

/* The first line, with its end; 0 if it is not there yet. */
static size_t
line_len(const char *bytes, size_t len)
{
	const char *end = memchr(bytes, '\n', len);

	return end == NULL ? 0 : (size_t)(end - bytes) + 1;
}

/* How many replies follow the first line, as parts of this one. */
static long
parts_of(const char *bytes)
{
	switch (bytes[0]) {
	case '*':
	case '~':
	case '>':
		return atol(bytes + 1);
	case '%':
		return 2 * atol(bytes + 1);
	default:
		return 0;
	}
}

static bool
is_blob(const char *bytes)
{
	return bytes[0] == '$' || bytes[0] == '=' || bytes[0] == '!';
}

size_t
reply_len(const char *bytes, size_t len)
{
	size_t at = line_len(bytes, len), part;
	long parts;

	if (at == 0)
		return 0;
	if (is_blob(bytes) && atol(bytes + 1) >= 0)
		at += (size_t)atol(bytes + 1) + 2;
	for (parts = parts_of(bytes); parts > 0 && at < len; parts--) {
		part = reply_len(bytes + at, len - at);
		if (part == 0)
			return 0;
		at += part;
	}
	return parts > 0 || at > len ? 0 : at;
}

static bool
is_error(struct reply r)
{
	return r.bytes[0] == '-' || r.bytes[0] == '!';
}

static bool
is_null(struct reply r)
{
	return r.bytes[0] == '_' || strncmp(r.bytes + 1, "-1\r", 3) == 0;
}

static bool
is_same(struct reply a, struct reply b)
{
	return a.len == b.len && memcmp(a.bytes, b.bytes, a.len) == 0;
}

static struct reply
part_at(struct reply whole, size_t at)
{
	return (struct reply){ whole.bytes + at, reply_len(whole.bytes + at,
	    whole.len - at) };
}

static int
compare(const void *a, const void *b)
{
	const struct reply *x = a, *y = b;
	int order = memcmp(x->bytes, y->bytes, x->len < y->len ? x->len :
	    y->len);

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* The parts in order, so many replies to one; returns how many. */
static size_t
sort_parts(struct reply whole, size_t group, struct reply *parts)
{
	size_t at = line_len(whole.bytes, whole.len), n = 0, i;
	struct reply part;

	for (; at < whole.len; n++) {
		parts[n] = (struct reply){ whole.bytes + at, 0 };
		for (i = 0; i < group && at < whole.len; i++) {
			part = part_at(whole, at);
			parts[n].len += part.len;
			at += part.len;
		}
	}
	qsort(parts, n, sizeof(*parts), compare);
	return n;
}

static bool
is_permutation(struct reply a, struct reply b, size_t group)
{
	size_t n, i;
	struct reply *x, *y;
	bool same;

	if (a.len != b.len || a.bytes[0] != b.bytes[0])
		return false;
	x = calloc(a.len + 1, sizeof(*x));
	y = calloc(b.len + 1, sizeof(*y));
	n = sort_parts(a, group, x);
	same = n == sort_parts(b, group, y);
	for (i = 0; i < n && same; i++)
		same = is_same(x[i], y[i]);
	free(x);
	free(y);
	return same;
}

static bool
is_near(struct reply a, struct reply b)
{
	long long x = atoll(a.bytes + 1), y = atoll(b.bytes + 1);

	if (a.bytes[0] != ':' || b.bytes[0] != ':' || x < 0 || y < 0)
		return is_same(a, b);
	return llabs(x - y) <= TOLERANCE;
}

static bool
is_kind(struct reply a, struct reply b)
{
	return a.bytes[0] == b.bytes[0] && is_null(a) == is_null(b);
}

static bool
has_shape(struct reply a, struct reply b)
{
	size_t x = line_len(a.bytes, a.len), y = line_len(b.bytes, b.len);
	struct reply p, q;
	long parts = parts_of(a.bytes);

	if (!is_kind(a, b) || parts != parts_of(b.bytes))
		return false;
	for (; parts > 0; parts--, x += p.len, y += q.len) {
		p = part_at(a, x);
		q = part_at(b, y);
		if (!has_shape(p, q))
			return false;
	}
	return true;
}

bool
reply_alike(enum likeness likeness, struct reply a, struct reply b)
{
	if (is_error(a) || is_error(b))
		return is_same(a, b);
	switch (likeness) {
	case REPLY_SAME:
		return is_same(a, b);
	case REPLY_SET:
		return is_permutation(a, b, 1);
	case REPLY_MAP:
		return is_permutation(a, b, 2);
	case REPLY_TIME:
		return is_near(a, b);
	case REPLY_SHAPE:
		return has_shape(a, b);
	case REPLY_KIND:
		return is_kind(a, b);
	case REPLY_ANY:
		return true;
	}
	return false;
}

void
reply_print(struct reply r, char *out, size_t size)
{
	size_t i, at = 0;
	unsigned char byte;

	for (i = 0; i < r.len && at + 8 < size; i++) {
		byte = (unsigned char)r.bytes[i];
		if (byte == '\r' || byte == '\n')
			at += (size_t)snprintf(out + at, size - at, "\\%c",
			    byte == '\r' ? 'r' : 'n');
		else if (isprint(byte))
			out[at++] = (char)byte;
		else
			at += (size_t)snprintf(out + at, size - at, "\\x%02x",
			    byte);
	}
	strlcpy(out + at, i < r.len ? "..." : "", size - at);
}

static struct reply
text(const char *s)
{
	return (struct reply){ s, strlen(s) };
}

Test(reply, is_whole_at_its_last_byte_and_not_before)
{
	static const char *const whole[] = {
		"+OK\r\n", "$-1\r\n", "$0\r\n\r\n", "$3\r\na\r\n\r\n", "*0\r\n",
		"*-1\r\n", "*2\r\n*1\r\n:1\r\n$1\r\nx\r\n",
		"%2\r\n+a\r\n_\r\n+b\r\n,1.5\r\n", ">2\r\n+a\r\n~1\r\n#t\r\n"
	};
	size_t i, len;

	for (i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		for (len = 0; len < strlen(whole[i]); len++)
			cr_assert_eq(reply_len(whole[i], len), 0, "%s, %zu",
			    whole[i], len);
		cr_assert_eq(reply_len(whole[i], len), len, "%s", whole[i]);
	}
}

Test(reply, is_alike_in_what_is_promised_and_no_more)
{
	struct reply a = text("*4\r\n+a\r\n+b\r\n+c\r\n+d\r\n");
	struct reply b = text("*4\r\n+c\r\n+d\r\n+a\r\n+b\r\n");
	struct reply c = text("*4\r\n+a\r\n+d\r\n+c\r\n+b\r\n");

	cr_assert(reply_alike(REPLY_MAP, a, b));
	cr_assert(!reply_alike(REPLY_SAME, a, b));
	cr_assert(reply_alike(REPLY_SET, a, c));
	cr_assert(!reply_alike(REPLY_MAP, a, c));
	cr_assert(reply_alike(REPLY_TIME, text(":10\r\n"), text(":11\r\n")));
	cr_assert(!reply_alike(REPLY_TIME, text(":-1\r\n"), text(":1\r\n")));
	cr_assert(!reply_alike(REPLY_TIME, text(":1\r\n"), text(":90000\r\n")));
	cr_assert(reply_alike(REPLY_SHAPE, a, c));
	cr_assert(!reply_alike(REPLY_SHAPE, text("*1\r\n$-1\r\n"),
	    text("*1\r\n$1\r\nx\r\n")));
	cr_assert(reply_alike(REPLY_KIND, text("*0\r\n"), a));
	cr_assert(!reply_alike(REPLY_KIND, text("$-1\r\n"), a));
	cr_assert(reply_alike(REPLY_ANY, text("$-1\r\n"), a));
	cr_assert(!reply_alike(REPLY_ANY, text("-ERR a\r\n"), a));
	cr_assert(!reply_alike(REPLY_KIND, text("-ERR a\r\n"),
	    text("-ERR b\r\n")));
}
