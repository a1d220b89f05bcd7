/* The words of a request. */

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tests/redis/words.h"

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
words_add_text(struct words *w, const char *text)
{
	words_add(w, text, strlen(text));
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
