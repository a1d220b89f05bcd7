/*
 * What the server says, line by line.
 *
 * One line alone can be ambiguous: a value may be the word ERROR or OK.  It
 * is told from an answer of the server by the shape that is expected, and by
 * one rule of the protocol: a value that holds a space is quoted, so an
 * unquoted line with a space in it is never a value.  In a list of unknown
 * length an item OK is written "OK", in quotes.
 *
 * A get delivers its value only when the OK behind it is complete too: then
 * a value that was handed out is known to be the whole reply.
 */

#include <string.h>

#include "proto/client/answer.h"
#include "proto/quote.h"

void
answer_init(struct answer *answer, struct expect expect)
{
	*answer = (struct answer){ .expect = expect };
}

bool
answer_line(const uint8_t *buf, size_t len, size_t *scanned, size_t *line_len,
    size_t *used)
{
	const uint8_t *end = NULL;

	if (len > *scanned)
		end = memchr(buf + *scanned, '\n', len - *scanned);
	if (end == NULL) {
		*scanned = len;
		return false;
	}
	*line_len = (size_t)(end - buf);
	*used = *line_len + 1;
	if (*line_len > 0 && buf[*line_len - 1] == '\r')
		(*line_len)--;
	*scanned = 0;
	return true;
}

static bool
is(const uint8_t *line, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(line, text, len) == 0;
}

static bool
starts(const uint8_t *line, size_t len, const char *text)
{
	return len >= strlen(text) && memcmp(line, text, strlen(text)) == 0;
}

static void
bad(struct answer_part *part, const char *why)
{
	part->kind = ANSWER_BAD;
	part->why = why;
}

static void
done(struct answer_part *part, enum kv_status status)
{
	part->kind = ANSWER_DONE;
	part->status = status;
	part->last = true;
}

/*
 * What ERROR has in front of its reason.  The classes of failures between
 * nodes stand before the one that takes all others, whose reason is not cut.
 */
static const struct error {
	const char	*begin;
	enum kv_status	 status;
} errors[] = {
	{ "ERROR unavailable: ", KV_UNAVAILABLE },
	{ "ERROR unknown: ", KV_UNKNOWN },
	{ "ERROR partial: ", KV_PARTIAL },
	{ "ERROR ", KV_REFUSED },
};

static bool
read_error(const uint8_t *line, size_t len, struct answer_part *part)
{
	size_t i, begin;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (!starts(line, len, errors[i].begin))
			continue;
		begin = strlen(errors[i].begin);
		part->text = (struct kv_bytes){ line + begin, len - begin };
		done(part, errors[i].status);
		return true;
	}
	return false;
}

/* One of the answers that are never a value; false if it is none. */
static bool
read_failure(const uint8_t *line, size_t len, struct answer_part *part)
{
	if (is(line, len, "NOT FOUND"))
		done(part, KV_NO_BUCKET);
	else if (is(line, len, "UNKNOWN COMMAND"))
		done(part, KV_UNKNOWN_COMMAND);
	else
		return read_error(line, len, part);
	return true;
}

/* The line is one word, quoted or plain: unescape it where it stands. */
static bool
read_word(uint8_t *line, size_t len, struct answer_part *part)
{
	uint8_t *word = line;
	size_t word_len = len, used;

	if (*line != '"' && !quote_is_plain(line, len))
		return false;
	if (*line == '"' && (unquote_word(line, len, &word, &word_len,
	    &used) != UNQUOTE_OK || used != len))
		return false;
	part->text = (struct kv_bytes){ word, word_len };
	part->kind = ANSWER_ITEM;
	return true;
}

static void
read_status(uint8_t *line, size_t len, struct answer_part *part)
{
	if (is(line, len, "OK"))
		done(part, KV_OK);
	else if (is(line, len, "ERROR"))
		done(part, KV_REFUSED);
	else if (!read_failure(line, len, part))
		bad(part, "expected OK");
}

static void
read_value(struct answer *answer, uint8_t *line, size_t len,
    struct answer_part *part)
{
	if (read_failure(line, len, part))
		return;
	if (len == 0)
		part->kind = ANSWER_MISSING;
	else if (!read_word(line, len, part))
		bad(part, "expected a value");
	part->last = ++answer->values_seen == answer->expect.values;
}

/*
 * The last value: wait for the line behind it, which must be OK.  A failure
 * in the place of the value has no such line.
 */
static void
read_last_value(struct answer *answer, uint8_t *buf, size_t len,
    size_t line_len, struct answer_part *part)
{
	size_t first = part->used, ok_len, ok_used;

	if (read_failure(buf, line_len, part))
		return;
	if (!answer_line(buf + first, len - first, &answer->scanned, &ok_len,
	    &ok_used)) {
		answer->first_end = first;
		part->kind = ANSWER_MORE;
		return;
	}
	if (!is(buf + first, ok_len, "OK")) {
		bad(part, "expected OK after a value");
		return;
	}
	answer->first_end = 0;
	part->used = first + ok_used;
	read_value(answer, buf, line_len, part);
}

static void
read_words(uint8_t *line, size_t len, struct answer_part *part)
{
	if (is(line, len, "OK"))
		done(part, KV_OK);
	else if (!read_failure(line, len, part) &&
	    (len == 0 || !read_word(line, len, part)))
		bad(part, "expected a word");
}

static void
read_text(const struct answer *answer, uint8_t *line, size_t len,
    struct answer_part *part)
{
	if (is(line, len, "OK")) {
		done(part, KV_OK);
		return;
	}
	/* Later lines are prose and may begin with any word but these two. */
	if ((!answer->begun || starts(line, len, "ERROR partial: ")) &&
	    read_failure(line, len, part))
		return;
	part->kind = ANSWER_ITEM;
	part->text = (struct kv_bytes){ line, len };
}

/* The first line of buf; found again when only the OK behind it is awaited. */
static bool
first_line(struct answer *answer, const uint8_t *buf, size_t len,
    size_t *line_len, size_t *used)
{
	if (answer->first_end == 0)
		return answer_line(buf, len, &answer->scanned, line_len,
		    used);
	*used = answer->first_end;
	*line_len = *used - 1;
	if (*line_len > 0 && buf[*line_len - 1] == '\r')
		(*line_len)--;
	return true;
}

void
answer_read(struct answer *answer, uint8_t *buf, size_t len,
    struct answer_part *part)
{
	size_t line_len;

	*part = (struct answer_part){ .kind = ANSWER_MORE };
	if (!first_line(answer, buf, len, &line_len, &part->used))
		return;
	switch (answer->expect.shape) {
	case SHAPE_STATUS:
		read_status(buf, line_len, part);
		break;
	case SHAPE_VALUES:
		if (answer->values_seen + 1 < answer->expect.values)
			read_value(answer, buf, line_len, part);
		else
			read_last_value(answer, buf, len, line_len, part);
		break;
	case SHAPE_WORDS:
		read_words(buf, line_len, part);
		break;
	case SHAPE_TEXT:
		read_text(answer, buf, line_len, part);
		break;
	}
	if (part->kind != ANSWER_MORE)
		answer->begun = true;
}

/* "key DELETED" or "key SET TO value", from what follows the key. */
static bool
read_change(uint8_t *rest, size_t len, struct kv_event *event)
{
	static const char set[] = " SET TO ";
	size_t set_len = sizeof(set) - 1;
	struct answer_part part = { .kind = ANSWER_MORE };

	if (is(rest, len, " DELETED")) {
		event->op = KV_DELETED;
		event->value = (struct kv_bytes){ 0 };
		return true;
	}
	if (len <= set_len || !starts(rest, len, set) ||
	    !read_word(rest + set_len, len - set_len, &part))
		return false;
	event->op = KV_SET;
	event->value = part.text;
	return true;
}

/*
 * "LOST node" or "RESUMED node", of a line that is no change: the key LOST,
 * too, is DELETED or SET TO a value.
 */
static bool
read_link(uint8_t *line, size_t len, struct kv_event *event)
{
	struct answer_part part = { .kind = ANSWER_MORE };
	size_t word;

	if (starts(line, len, "LOST ")) {
		event->op = KV_LOST;
		word = strlen("LOST ");
	} else if (starts(line, len, "RESUMED ")) {
		event->op = KV_RESUMED;
		word = strlen("RESUMED ");
	} else {
		return false;
	}
	if (word == len || !read_word(line + word, len - word, &part))
		return false;
	event->key = part.text;
	event->value = (struct kv_bytes){ 0 };
	return part.text.len > 0;
}

enum answer_event
answer_event(uint8_t *line, size_t len, struct kv_event *event,
    enum kv_status *status, struct kv_bytes *reason)
{
	struct answer_part part = { .kind = ANSWER_MORE };
	uint8_t *word, *space;
	size_t used;

	/* A failure first would mistake the key ERROR for one. */
	space = len > 0 && *line != '"' ? memchr(line, ' ', len) : NULL;
	used = space != NULL ? (size_t)(space - line) : len;
	if (len > 0 && unquote_word(line, used, &word, &event->key.len,
	    &used) == UNQUOTE_OK) {
		event->key.data = word;
		if (read_change(line + used, len - used, event))
			return ANSWER_EVENT;
	}
	if (read_link(line, len, event))
		return ANSWER_EVENT;
	if (!read_failure(line, len, &part) && !is(line, len, "ERROR"))
		return ANSWER_NO_EVENT;
	*status = part.kind == ANSWER_DONE ? part.status : KV_REFUSED;
	*reason = part.text;
	return ANSWER_OVER;
}
