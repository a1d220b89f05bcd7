/*
 * Names, fields and numbers come from small sets, so that requests meet.
 */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/redis/draw.h"
#include "tests/redis/table.h"

static const char *const integers[] = {
	"0", "1", "-1", "2", "7", "10", "-10", "100", "-100", "12345678901",
	"9223372036854775807", "-9223372036854775808", "9223372036854775806",
	"9223372036854775808", "-9223372036854775809", "99999999999999999999",
	"+1", " 1", "1 ", "01", "1.0", "1e3", "-0", "", "abc", "0x10"
};
static const char *const floats[] = {
	"0", "1", "-1", "1.5", "-0.1", "0.1", "3.14159", "10.5e3", "1e10",
	"5e-10", "1e100", "-1e17", "123456789.123456789", ".5", "-.25", "2.",
	"inf", "-inf", "+inf", "nan", "1e400", "1e-400", "0x10", "1.5 ",
	" 1.5", "1.5x", "", "-", "e5", "-0", "17179869184", "0.30000000000004"
};
static const char *const counts[] = {
	"0", "1", "2", "5", "10", "100", "1000", "-1", "-5", "-20", "abc", "",
	"9223372036854775807", "-9223372036854775808", "1.5"
};
static const char *const indexes[] = {
	"0", "1", "2", "5", "20", "1000", "-1", "-2", "-5", "-1000", "abc",
	"", "9223372036854775807", "-9223372036854775808", "536870912", "1.5"
};
static const char *const patterns[] = {
	"*", "h*", "s*", "h?", "?[0-3]*", "*[^0-5]", "[a-h]?", "\\h*", "h[",
	"", "s1", "**1", "f*", "*\\", "[]", "[^]*", "*\xff*"
};
static const char *const odd_values[] = {
	"", "a", "hello", "two words", "a\r\nb", "\xff\xfe", "0", "1", "nx",
	"EX", "GET", "WITHVALUES", "123", "12.5", "'quoted'", "\"", "FIELDS"
};
static const char *const odd_verbs[] = {
	"NOSUCH", "HGETT", "", "a b", "a\r\nb", "\xff", "'x'", "*1",
	"a-verb-that-is-longer-than-any-that-anybody-has-ever-thought-of-and-"
	"that-would-not-fit-on-a-line-of-any-terminal-there-is-or-ever-was-"
	"in-the-past"
};

#define ANY(r, list)	words_add_text(w, (list)[random_below(r, \
			    sizeof(list) / sizeof((list)[0]))])

static void
add_number(struct words *w, long long n)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", n);
	words_add_text(w, text);
}

/*
 * h0 .. h5, s0 .. s5: mostly hashes and mostly strings.  Half of them are in
 * one slot, the others are not.
 */
static void
add_name(struct random *r, struct words *w, char kind)
{
	char name[16];
	size_t n;

	if (random_below(r, 400) == 0) {
		words_add(w, "a\0\r\n\xff", 5);
		return;
	}
	n = random_below(r, 6);
	snprintf(name, sizeof(name), n < 3 ? "%c%zu" : "%c%zu{t}", kind, n);
	words_add_text(w, name);
}

static void
draw_key(struct random *r, struct words *w)
{
	add_name(r, w, random_percent(r, 50) ? 'h' : 's');
}

static void
draw_tagged(struct random *r, struct words *w)
{
	char name[16];

	if (random_percent(r, 5)) {
		draw_key(r, w);
		return;
	}
	snprintf(name, sizeof(name), "%c%zu{t}", random_percent(r, 50) ? 'h' :
	    's', 3 + random_below(r, 3));
	words_add_text(w, name);
}

static void
draw_hash(struct random *r, struct words *w)
{
	add_name(r, w, random_percent(r, 95) ? 'h' : 's');
}

static void
draw_string(struct random *r, struct words *w)
{
	add_name(r, w, random_percent(r, 95) ? 's' : 'h');
}

static void
draw_field(struct random *r, struct words *w)
{
	char name[16];

	if (random_percent(r, 4)) {
		ANY(r, odd_values);
		return;
	}
	snprintf(name, sizeof(name), "f%zu", random_below(r, 24));
	words_add_text(w, name);
}

static void
draw_bytes(struct random *r, struct words *w)
{
	char bytes[3000];
	size_t i, len = random_below(r, sizeof(bytes));

	/* For Redis a number, of nothing, ends at a NUL. */
	bytes[0] = 'b';
	for (i = 1; i < len; i++)
		bytes[i] = (char)random_next(r);
	words_add(w, bytes, len);
}

static void
draw_long(struct random *r, struct words *w)
{
	char bytes[1500];

	memset(bytes, 'a' + (char)random_below(r, 26), sizeof(bytes));
	words_add(w, bytes, sizeof(bytes));
}

static void
draw_value(struct random *r, struct words *w)
{
	switch (random_below(r, 32)) {
	case 0:
		draw_bytes(r, w);
		break;
	case 1:
	case 2:
	case 3:
		ANY(r, floats);
		break;
	case 4:
	case 5:
	case 6:
	case 7:
	case 8:
		ANY(r, odd_values);
		break;
	case 9:
	case 10:
	case 11:
	case 12:
		ANY(r, integers);
		break;
	default:
		add_number(w, (long long)random_below(r, 1000));
		break;
	}
}

static void
draw_integer(struct random *r, struct words *w)
{
	if (random_percent(r, 50))
		add_number(w, (long long)random_below(r, 2000) - 1000);
	else
		ANY(r, integers);
}

static void
draw_float(struct random *r, struct words *w)
{
	char text[32];

	if (random_percent(r, 40)) {
		ANY(r, floats);
		return;
	}
	snprintf(text, sizeof(text), "%.*f", (int)random_below(r, 8),
	    ((double)random_below(r, 2000000) - 1e6) / 1000);
	words_add_text(w, text);
}

static void
draw_count(struct random *r, struct words *w)
{
	ANY(r, counts);
}

static void
draw_index(struct random *r, struct words *w)
{
	ANY(r, indexes);
}

static void
draw_pattern(struct random *r, struct words *w)
{
	ANY(r, patterns);
}

/*
 * Of seconds or milliseconds: hours either way.  Two that are the same would
 * be compared by GT when one of the servers is a millisecond later than the
 * other.
 */
static void
draw_seconds(struct random *r, struct words *w)
{
	long long n = FAR + (long long)random_below(r, 100) * FAR +
	    (long long)random_below(r, 1000) * 1000;

	if (random_percent(r, 10))
		ANY(r, integers);
	else
		add_number(w, random_percent(r, 85) ? n : -n);
}

static void
draw_unix(struct random *r, struct words *w)
{
	long long n = (long long)random_below(r, 100) * FAR;

	if (random_percent(r, 10))
		ANY(r, integers);
	else
		add_number(w, random_percent(r, 15) ? n / 10 :
		    time(NULL) / FAR * FAR + 2 * FAR + n);
}

static void
draw_unix_ms(struct random *r, struct words *w)
{
	long long n = (long long)random_below(r, 100) * FAR;

	if (random_percent(r, 10))
		ANY(r, integers);
	else
		add_number(w, random_percent(r, 15) ? n :
		    (time(NULL) * 1000 / FAR + 2) * FAR + n);
}

static void
draw_name(struct random *r, struct words *w)
{
	add_name(r, w, 'n');
}

static void
draw_verb(struct random *r, struct words *w)
{
	const struct line *line = &lines[random_below(r, LINES)];

	/* Both know it, or none. */
	if (line->weight > 0 && table_knows((struct reply){ line->verb,
	    strlen(line->verb) }))
		words_add_text(w, line->verb);
	else
		ANY(r, odd_verbs);
}

static const struct {
	const char	*name;
	void		(*draw)(struct random *, struct words *);
} drawers[] = {
	{ "key", draw_key }, { "hash", draw_hash }, { "string", draw_string },
	{ "field", draw_field }, { "value", draw_value },
	{ "integer", draw_integer }, { "float", draw_float },
	{ "count", draw_count }, { "index", draw_index },
	{ "pattern", draw_pattern }, { "seconds", draw_seconds },
	{ "unix", draw_unix }, { "unix_ms", draw_unix_ms },
	{ "name", draw_name }, { "verb", draw_verb }, { "long", draw_long },
	{ "tagged", draw_tagged }
};

#define DRAWERS	(sizeof(drawers) / sizeof(drawers[0]))

void
draw_word(struct random *r, const char *word, size_t len, struct words *w)
{
	size_t i;

	for (i = 0; i < DRAWERS; i++)
		if (strlen(drawers[i].name) == len &&
		    strncmp(drawers[i].name, word, len) == 0) {
			drawers[i].draw(r, w);
			return;
		}
	words_add(w, word, len);
}

void
draw_any(struct random *r, struct words *w)
{
	drawers[random_below(r, DRAWERS)].draw(r, w);
}

void
draw_odd_verb(struct random *r, struct words *w)
{
	ANY(r, odd_verbs);
}
