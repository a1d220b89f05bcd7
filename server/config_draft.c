/*
 * Who says what, and who wins.  Sources speak from the weakest to the
 * strongest, so the last word is always right and nothing need be undone:
 * but a list starts afresh with each source, or the default address would
 * stay open next to the one that was asked for.
 */
#include "server/config_draft.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "server/config_value.h"

#define LINE_MAX_BYTES	2048	/* of a complaint */

const struct config_place config_nowhere = { 0, 0 };

void
config_draft_init(struct config_draft *draft,
    const struct config_report *report)
{
	memset(draft, 0, sizeof(*draft));
	SLIST_INIT(&draft->macros);
	draft->report = report;
}

void
config_draft_free(struct config_draft *draft)
{
	unsigned i;

	for (i = 0; i < draft->files; i++)
		free(draft->file_names[i]);
	free(draft->file_names);
	config_macros_free(&draft->macros);
	config_free(&draft->config);
}

unsigned
config_draft_enter_file(struct config_draft *draft, const char *name)
{
	char **names = reallocarray(draft->file_names, draft->files + 1,
	    sizeof(*names));

	if (names != NULL) {
		draft->file_names = names;
		names[draft->files] = strdup(name);
	}
	if (names == NULL || names[draft->files] == NULL) {
		config_draft_complain(draft, EX_OSERR, "out of memory");
		return 0;
	}
	return ++draft->files;
}

void
config_place_text(struct config_place place, unsigned file, char *buf,
    size_t size)
{
	snprintf(buf, size, "first in line %u%s", place.line,
	    place.file == file ? "" : " of another file");
}

/* The same source again: lists grow, a file is asked what it means. */
static bool
may_repeat(const struct config_draft *draft, enum config_option option,
    enum config_source source, unsigned file, char *why)
{
	char first[64];

	if (config_rows[option].type == CONFIG_IS_LISTEN ||
	    source != CONFIG_FROM_FILE)
		return true;
	config_place_text(draft->place[option], file, first, sizeof(first));
	snprintf(why, CONFIG_WHY_MAX, "given twice, %s", first);
	return false;
}

bool
config_draft_set(struct config_draft *draft, enum config_option option,
    enum config_source source, struct config_place place, const char *text,
    char *why)
{
	if (source == draft->source[option] && source != CONFIG_FROM_DEFAULT) {
		if (!may_repeat(draft, option, source, place.file, why))
			return false;
	} else if (config_rows[option].type == CONFIG_IS_LISTEN) {
		config_value_clear(&draft->config, option);
	}
	draft->source[option] = source;
	draft->place[option] = place;
	return config_value_set(&draft->config, option, text, why);
}

void
config_draft_complain(struct config_draft *draft, int status,
    const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (draft->complaints++ == 0)
		draft->status = status;
	draft->report->line(draft->report->arg, line);
}

void
config_draft_complain_at(struct config_draft *draft, struct config_place place,
    const char *fmt, ...)
{
	char what[LINE_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	config_draft_complain(draft, EX_CONFIG, "%s:%u: %s",
	    place.file == 0 ? "?" : draft->file_names[place.file - 1],
	    place.line, what);
}
