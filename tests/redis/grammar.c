/*
 * Requests drawn at random, by the lines of the grammar.  One in eight is
 * spoilt: a word too many or too few, or one that does not belong there.
 */

#include <ctype.h>
#include <string.h>

#include "tests/redis/draw.h"
#include "tests/redis/grammar.h"
#include "tests/redis/table.h"
#include "tests/redis/unfit.h"

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

bool
grammar_draw_once(struct random *r, struct words *w)
{
	static size_t i;

	while (i < LINES && (lines[i].weight > 0 || lines[i].words[0] == '\0'))
		i++;
	if (i == LINES)
		return false;
	w->n = w->used = 0;
	words_add_text(w, lines[i].verb);
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
			if (table_knows((struct reply){ lines[i].verb,
			    strlen(lines[i].verb) }))
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
			draw_any(r, w);
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
		draw_any(r, w);
		break;
	default:
		if (word > 0)
			replace(r, w, word);
		break;
	}
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
		words_add_text(w, line->verb);
		vary_case(r, w);
		draw_all(r, line->words, w);
		if (random_percent(r, 12)) {
			spoil(r, w);
			likeness = table_least_likeness(line->verb);
		}
		if (random_below(r, 300) == 0) {
			w->n = w->used = 0;
			draw_odd_verb(r, w);
			draw_all(r, "[value] [key]", w);
		}
	} while (unfit_is_hasty(w) || unfit_is_fatal(w));
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
	size_t word = table_next_key(w, 0), i;

	if (word > 1 || is_of_its_own(w))
		return false;
	for (; word != 0; word = table_next_key(w, word))
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
