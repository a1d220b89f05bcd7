/*
 * Requests drawn at random.  Names, fields and numbers come from small sets,
 * so that requests meet; and one in eight is spoilt: a word too many or too
 * few, or one that does not belong there.
 *
 * Time would tell the two servers apart: what expires does so a moment
 * earlier with one of them.  So a time to live is either over already or goes
 * on for hours; keys that really expire are the business of the test.
 */

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "tests/redis/grammar.h"

struct line {
	const char	*verb;
	unsigned	 weight;
	enum likeness	 likeness;
	const char	*words;
};

static const struct line lines[] = {
#define SAY(verb, weight, likeness, words) \
	{ #verb, weight, REPLY_##likeness, words },
#include "tests/redis/grammar.def"
#undef SAY
};

#define LINES	(sizeof(lines) / sizeof(lines[0]))

struct verb {
	const char	*name;
	int		 first;
	int		 last;
	int		 step;
	const char	*group;
};

static const struct verb verbs[] = {
#define REDIS(name, handler, arity, kind, first, last, step, group) \
	{ #name, first, last, step, group },
#include "server/redis.def"
#undef REDIS
};

#define VERBS	(sizeof(verbs) / sizeof(verbs[0]))

/* --- words --- */

void
words_add(struct words *w, const void *bytes, size_t len)
{
	if (w->n == WORDS_MAX || len > sizeof(w->bytes) - w->used)
		return;
	memcpy(w->bytes + w->used, bytes, len);
	w->at[w->n] = w->used;
	w->len[w->n++] = len;
	w->used += len;
}

void
words_say(struct words *w, const char *text)
{
	size_t len;

	w->n = w->used = 0;
	for (; *text != '\0'; text += len + (text[len] == ' ')) {
		len = strcspn(text, " ");
		words_add(w, text, len);
	}
}

struct reply
words_at(const struct words *w, size_t i)
{
	return (struct reply){ w->bytes + w->at[i], w->len[i] };
}

bool
words_is(const struct words *w, size_t i, const char *text)
{
	return i < w->n && w->len[i] == strlen(text) &&
	    strncasecmp(w->bytes + w->at[i], text, w->len[i]) == 0;
}

size_t
words_encode(const struct words *w, char *out)
{
	size_t at = (size_t)sprintf(out, "*%zu\r\n", w->n), i;

	for (i = 0; i < w->n; i++) {
		at += (size_t)sprintf(out + at, "$%zu\r\n", w->len[i]);
		memcpy(out + at, w->bytes + w->at[i], w->len[i]);
		at += w->len[i];
		memcpy(out + at, "\r\n", 2);
		at += 2;
	}
	return at;
}

void
words_print(const struct words *w, char *out, size_t size)
{
	size_t i, len = 0;

	for (i = 0; i < w->n && len + 16 < size; i++) {
		if (i > 0)
			out[len++] = ' ';
		if (w->len[i] == 0) {
			memcpy(out + len, "\"\"", 3);
			len += 2;
			continue;
		}
		reply_print(words_at(w, i), out + len, size - len - 16);
		len += strlen(out + len);
	}
	out[len] = '\0';
	for (i = 0; i < len && out[i] != ' '; i++)
		out[i] = (char)toupper((unsigned char)out[i]);
}

static const struct verb *
find_verb(struct reply name)
{
	size_t i;

	for (i = 0; i < VERBS; i++)
		if (strlen(verbs[i].name) == name.len &&
		    strncasecmp(verbs[i].name, name.bytes, name.len) == 0)
			return &verbs[i];
	return NULL;
}

/* --- what words are drawn from --- */

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

#define ANY(r, list)	add_text(w, (list)[random_below(r, \
			    sizeof(list) / sizeof((list)[0]))])

static void
add_text(struct words *w, const char *text)
{
	words_add(w, text, strlen(text));
}

static void
add_number(struct words *w, long long n)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", n);
	add_text(w, text);
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
	add_text(w, name);
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
	add_text(w, name);
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
	add_text(w, name);
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
	add_text(w, text);
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
#define FAR	10000000

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
	if (line->weight > 0 && find_verb((struct reply){ line->verb,
	    strlen(line->verb) }) != NULL)
		add_text(w, line->verb);
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

/* --- lines of the grammar --- */

/* The end of what is bracketed at p, as far as the bracket itself. */
static const char *
closing(const char *p)
{
	int depth = 0;

	for (; *p != '\0'; p++) {
		depth += strchr("[{(", *p) != NULL;
		depth -= strchr("]})", *p) != NULL;
		if (depth == 0)
			break;
	}
	return p;
}

/* The bar that ends the choice at p, or end. */
static const char *
next_bar(const char *p, const char *end)
{
	while (p < end && *p != '|')
		p = (strchr("[{(", *p) != NULL ? closing(p) : p) + 1;
	return p;
}

static void
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

static void draw(struct random *, const char *, const char *,
    struct words *);

static void
draw_choice(struct random *r, const char *p, const char *end,
    struct words *w)
{
	const char *bar;
	size_t n = 1, chosen;

	for (bar = next_bar(p, end); bar < end; bar = next_bar(bar + 1, end))
		n++;
	for (chosen = random_below(r, n); chosen > 0; chosen--)
		p = next_bar(p, end) + 1;
	draw(r, p, next_bar(p, end), w);
}

static void
draw_bracket(struct random *r, const char *p, const char *end,
    struct words *w)
{
	size_t times = 1;

	if (*p == '[')
		times = random_percent(r, 35);
	else if (*p == '{')
		times = 1 + random_below(r, 3) * random_below(r, 2);
	for (; times > 0; times--)
		if (*p == '(')
			draw_choice(r, p + 1, end, w);
		else
			draw(r, p + 1, end, w);
}

static void
draw(struct random *r, const char *p, const char *end, struct words *w)
{
	const char *next;

	for (; p < end; p = next + (next < end)) {
		if (strchr("[{(", *p) != NULL) {
			draw_bracket(r, p, closing(p), w);
			next = closing(p) + 1;
			continue;
		}
		next = p + strcspn(p, " |]})");
		if (next > end)
			next = end;
		if (next > p)
			draw_word(r, p, (size_t)(next - p), w);
	}
}

static void
draw_all(struct random *r, const char *text, struct words *w)
{
	draw(r, text, text + strlen(text), w);
}

size_t
grammar_next_key(const struct words *w, size_t word)
{
	const struct verb *v = find_verb(words_at(w, 0));
	size_t last;

	if (v == NULL || v->first == 0)
		return 0;
	word = word == 0 ? (size_t)v->first : word + (size_t)v->step;
	last = v->last >= 0 ? (size_t)v->last : w->n - (size_t)-v->last;
	return word <= last && word < w->n ? word : 0;
}

const char *
grammar_lacks(void)
{
	size_t i, j;

	for (i = 0; i < VERBS; i++) {
		if (strcmp(verbs[i].group, "bucket") == 0)
			continue;
		for (j = 0; j < LINES; j++)
			if (strcmp(lines[j].verb, verbs[i].name) == 0)
				break;
		if (j == LINES)
			return verbs[i].name;
	}
	return NULL;
}

bool
grammar_draw_once(struct random *r, struct words *w)
{
	static size_t i;

	while (i < LINES && (lines[i].weight > 0 || lines[i].words[0] == '\0'))
		i++;
	if (i == LINES)
		return false;
	w->n = w->used = 0;
	add_text(w, lines[i].verb);
	draw_all(r, lines[i++].words, w);
	return true;
}

static const struct line *
draw_line(struct random *r)
{
	static size_t chances[LINES], sum;
	size_t i, chance;

	if (sum == 0)
		for (i = 0; i < LINES; i++) {
			if (find_verb((struct reply){ lines[i].verb,
			    strlen(lines[i].verb) }) != NULL)
				sum += lines[i].weight;
			chances[i] = sum;
		}
	chance = random_below(r, sum);
	for (i = 0; chances[i] <= chance; i++)
		;
	return &lines[i];
}

/* In small letters, or in both. */
static void
vary_case(struct random *r, struct words *w)
{
	size_t i, how = random_below(r, 8);

	for (i = 0; i < w->len[0] && how < 2; i++)
		if (how == 0 || random_percent(r, 50))
			w->bytes[i] = (char)tolower((unsigned char)w->bytes[i]);
}

static void
replace(struct random *r, struct words *w, size_t word)
{
	struct words old = *w;
	size_t i;

	w->n = w->used = 0;
	for (i = 0; i < old.n; i++)
		if (i == word)
			drawers[random_below(r, DRAWERS)].draw(r, w);
		else
			words_add(w, old.bytes + old.at[i], old.len[i]);
}

static void
spoil(struct random *r, struct words *w)
{
	size_t word = random_below(r, w->n);

	switch (random_below(r, 5)) {
	case 0:
		w->n = 1 + random_below(r, w->n);
		break;
	case 1:
		words_add(w, w->bytes + w->at[word], w->len[word]);
		break;
	case 2:
		drawers[random_below(r, DRAWERS)].draw(r, w);
		break;
	default:
		if (word > 0)
			replace(r, w, word);
		break;
	}
}

static bool
is_near(long long n, long long to, long long by)
{
	return n > to - by && n < to + by;
}

static long long
number_at(const struct words *w, size_t i)
{
	char text[32];

	snprintf(text, sizeof(text), "%.*s", i < w->n ? (int)w->len[i] : 0,
	    w->bytes + w->at[i]);
	return atoll(text);
}

/*
 * Would all of the server wait, a connection end, no memory be left, a reply
 * without end begin, or Redis remember when it is to save what it has?
 */
static bool
is_fatal(const struct words *w)
{
	long long n = number_at(w, 2);
	size_t i;

	if (words_is(w, 0, "WAIT"))
		return !words_is(w, 1, "0");
	if (words_is(w, 0, "SETRANGE"))
		return n > 100000 && n < 536870912;
	if (words_is(w, 0, "HRANDFIELD"))
		return n < -10000 && n > LLONG_MIN;
	for (i = 2; i < w->n; i++)
		if ((w->len[i] == 0 ||
			isdigit((unsigned char)w->bytes[w->at[i]])) &&
		    (words_is(w, 1, "KILL") || words_is(w, 1, "PAUSE") ||
			words_is(w, 2, "maxmemory") || words_is(w, 2, "save")))
			return true;
	return false;
}

/* Would something expire while the test runs? */
static bool
is_hasty(const struct words *w)
{
	static const struct {
		const char	*verb;
		size_t		 word;	/* the first that may be a time */
		bool		 is_absolute;
	} timed[] = {
		{ "EXPIRE", 2, false }, { "PEXPIRE", 2, false },
		{ "SETEX", 2, false }, { "PSETEX", 2, false },
		{ "GETEX", 2, false }, { "SET", 3, false },
		{ "EXPIREAT", 2, true }, { "PEXPIREAT", 2, true }
	};
	size_t i, j;
	long long n, now = time(NULL);

	for (i = 0; i < sizeof(timed) / sizeof(timed[0]); i++)
		for (j = timed[i].word; words_is(w, 0, timed[i].verb) &&
		    j < w->n; j++) {
			n = number_at(w, j);
			if ((n > 0 && n < FAR && !timed[i].is_absolute) ||
			    is_near(n, now, 10000) ||
			    is_near(n, now * 1000, FAR))
				return true;
		}
	return false;
}

/* What is left of a promise when a request of one kind becomes another. */
static enum likeness
least_likeness(const char *verb)
{
	enum likeness least = REPLY_SAME;
	size_t i;

	for (i = 0; i < LINES; i++)
		if (strcmp(lines[i].verb, verb) == 0 &&
		    lines[i].likeness > least)
			least = lines[i].likeness;
	return least;
}

enum likeness
grammar_draw(struct random *r, struct words *w)
{
	const struct line *line;
	enum likeness likeness;

	do {
		line = draw_line(r);
		likeness = line->likeness;
		w->n = w->used = 0;
		add_text(w, line->verb);
		vary_case(r, w);
		draw_all(r, line->words, w);
		if (random_percent(r, 12)) {
			spoil(r, w);
			likeness = least_likeness(line->verb);
		}
		if (random_below(r, 300) == 0) {
			w->n = w->used = 0;
			ANY(r, odd_verbs);
			draw_all(r, "[value] [key]", w);
		}
	} while (is_hasty(w) || is_fatal(w));
	return likeness;
}

static bool
is_in_slot(struct reply key)
{
	return key.len < 16 && memmem(key.bytes, key.len, "{t}", 3) != NULL;
}

/* It is about all keys, or has excuses, or ends the transaction. */
static bool
is_of_its_own(const struct words *w)
{
	static const char *const names[] = {
		"CONFIG", "DISCARD", "EXEC", "FLUSHALL", "FLUSHDB", "WATCH"
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (words_is(w, 0, names[i]))
			return true;
	return false;
}

static bool
is_step(const struct words *w)
{
	size_t word = grammar_next_key(w, 0), i;

	if (word > 1 || is_of_its_own(w))
		return false;
	for (; word != 0; word = grammar_next_key(w, word))
		if (!is_in_slot(words_at(w, word)))
			return false;
	for (i = 0; i < w->n; i++)
		if (w->len[i] > 100)
			return false;
	return true;
}

void
grammar_draw_step(struct random *r, struct words *w)
{
	while (grammar_draw(r, w) != REPLY_SAME || !is_step(w))
		;
}

/* Of times far ahead there are more digits. */
bool
grammar_is_fleeting(const struct words *w)
{
	size_t i;

	for (i = 3; words_is(w, 0, "SET") && i + 1 < w->n; i++)
		if ((words_is(w, i, "EXAT") || words_is(w, i, "PXAT")) &&
		    w->len[i + 1] < 10)
			return true;
	return false;
}
