/*
 * kvd.conf(5) and the sample configuration are what people believe, so they
 * are held against options.def and read by the parser itself.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/config.h"
#include "server/config_table.h"
#include "tests/unit/server/complaints.h"
#include "tests/unit/server/scratch.h"

#define PAGE	"man/kvd.conf.5"
#define SAMPLE	"server/etc/kvd.conf"
#define ITEM	"\n.It Ic "

static struct config config;
static char *page;

static void
begin(void)
{
	scratch_make();
	page = scratch_read(PAGE);
	cr_assert_not_null(page, "%s, seen from the root of the sources",
	    PAGE);
}

static void
end(void)
{
	free(page);
	config_free(&config);
	scratch_remove();
}

TestSuite(config_pages, .init = begin, .fini = end);

/* The part of the page about a block, for the caller to free. */
static char *
section(enum config_block block)
{
	static const char *const headings[CONFIG_BLOCKS] = {
		[CONFIG_TOP] = "\n.Ss Top level\n",
		[CONFIG_LOG] = "\n.Ss The log block\n",
		[CONFIG_LIMITS] = "\n.Ss The limits block\n",
		[CONFIG_SUPERVISE] = "\n.Ss The supervise block\n"
	};
	char *start = strstr(page, headings[block]), *next;

	cr_assert_not_null(start, "%s", headings[block]);
	next = strstr(start + 1, "\n.Ss ");
	if (next == NULL)
		next = strstr(start + 1, "\n.Sh ");
	cr_assert_not_null(next);
	return strndup(start, (size_t)(next - start));
}

static void
describe(const struct config_row *row, char *line, size_t size)
{
	size_t used = 0;

	if (row->fallback == NULL)
		used += (size_t)snprintf(line, size, "\nNot set by default");
	else
		used += (size_t)snprintf(line, size, "\nDefault %s",
		    row->fallback);
	if (row->min != NULL)
		used += (size_t)snprintf(line + used, size - used,
		    ", between %s and %s", row->min, row->max);
	snprintf(line + used, size - used, row->reload == CONFIG_RELOAD ?
	    "; takes effect on reload.\n" : "; needs a restart.\n");
}

static void
must_be_described(const struct config_row *row, const char *text)
{
	char item[64], line[256], *entry, *next;
	const char *start;

	snprintf(item, sizeof(item), ITEM "%s ", row->keyword);
	start = strstr(text, item);
	cr_assert_not_null(start, "no entry for %s", row->keyword);
	next = strstr(start + 1, ITEM);
	entry = next == NULL ? strdup(start) :
	    strndup(start, (size_t)(next + 1 - start));
	describe(row, line, sizeof(line));
	cr_assert_not_null(strstr(entry, line), "%s: no \"%s\" in %s",
	    row->keyword, line, entry);
	if (row->flag != 0) {
		snprintf(line, sizeof(line), "\n.Fl %c ", row->flag);
		cr_assert_not_null(strstr(entry, line), "%s: no flag",
		    row->keyword);
	}
	free(entry);
}

Test(config_pages, the_page_describes_every_setting_as_it_is_and_no_other)
{
	enum config_block b;
	enum config_option o;
	const char *at;
	char *text;
	int items;

	for (b = CONFIG_TOP; b < CONFIG_BLOCKS; b++) {
		text = section(b);
		items = 0;
		for (at = text; (at = strstr(at, ITEM)) != NULL; at++)
			items++;
		for (o = 0; o < CONFIG_OPTIONS; o++)
			if (config_rows[o].block == b) {
				must_be_described(&config_rows[o], text);
				items--;
			}
		cr_assert_eq(items, 0, "%d entries too many", items);
		free(text);
	}
}

/* mdoc's escapes, as far as examples use them, undone in place. */
static void
unescape(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++) {
		if (text[0] == '\\' && text[1] == 'e') {
			*to++ = '\\';
			text++;
		} else if (text[0] == '\\' && text[1] == '&') {
			text++;
		} else {
			cr_assert_neq(*text, '\\', "unknown escape: %s", text);
			*to++ = *text;
		}
	}
	*to = '\0';
}

Test(config_pages, every_example_of_the_page_is_a_configuration)
{
	static const char begin_mark[] = "\n.Bd -literal -offset indent\n";
	char *at = page, *example, *stop;
	const char *last;
	int examples = 0;

	scratch_file("local.conf", "");
	while ((at = strstr(at, begin_mark)) != NULL) {
		*at = '\0';
		last = strrchr(page, '\n');
		*at = '\n';
		example = at + strlen(begin_mark);
		stop = strstr(example, "\n.Ed\n");
		cr_assert_not_null(stop);
		at = stop;
		/* Transcripts are run by the tests of all pages. */
		if (strncmp(last, "\n.\\\" transcript:", 16) == 0)
			continue;
		example = strndup(example, (size_t)(stop + 1 - example));
		unescape(example);
		load_good(&config, example);
		config_free(&config);
		free(example);
		examples++;
	}
	cr_assert_geq(examples, 3);
}

Test(config_pages, the_sample_means_the_defaults)
{
	struct config defaults;
	char *sample = scratch_read(SAMPLE);

	cr_assert_not_null(sample);
	load_good(&defaults, "");
	load_good(&config, sample);
	cr_assert_eq(config_differences(&config, &defaults), 0);
	config_free(&defaults);
	free(sample);
}

/* Take the # off "#keyword value" lines; those of prose have "# " there. */
static void
uncomment(char *text)
{
	char *p;

	for (p = text; *p != '\0'; p++)
		if (*p == '#' && p[1] >= 'a' && p[1] <= 'z' &&
		    (p == text || p[-1] == '\n' || p[-1] == '\t'))
			*p = ' ';
}

static const char *
indent_of(const struct config_row *row)
{
	return row->block == CONFIG_TOP ? "" : "\t";
}

/* The line " keyword value", with a default of the table. */
static void
must_state_default(const char *sample, const struct config_row *row)
{
	char line[128];

	snprintf(line, sizeof(line), "\n%s %s %s", indent_of(row),
	    row->keyword, row->fallback == NULL ? "" : row->fallback);
	if (row->fallback != NULL)
		strlcat(line, "\n", sizeof(line));
	cr_assert_not_null(strstr(sample, line), "no line %s", line);
}

/* Is it marked in the comment above it as what a reload takes? */
static void
must_mark_reload(const char *sample, const struct config_row *row)
{
	char line[128];
	const char *at, *empty;

	snprintf(line, sizeof(line), "\n%s %s ", indent_of(row),
	    row->keyword);
	at = strstr(sample, line);
	cr_assert_not_null(at);
	empty = at;
	while (empty > sample && strncmp(empty, "\n\n", 2) != 0 &&
	    *empty != '{')
		empty--;
	empty = strstr(empty, "(r)");
	cr_assert_eq(empty != NULL && empty < at,
	    row->reload == CONFIG_RELOAD, "%s", row->keyword);
}

Test(config_pages, the_sample_states_every_default_in_its_comments)
{
	char *sample = scratch_read(SAMPLE);
	enum config_option o;

	cr_assert_not_null(sample);
	uncomment(sample);
	for (o = 0; o < CONFIG_OPTIONS; o++) {
		must_state_default(sample, &config_rows[o]);
		must_mark_reload(sample, &config_rows[o]);
	}
	free(sample);
}

static void
comment(char *text, const char *line)
{
	char *at = strstr(text, line);

	cr_assert_not_null(at, "%s", line);
	*at = '#';
}

Test(config_pages, the_sample_is_good_with_every_comment_taken_off)
{
	char *sample = scratch_read(SAMPLE);

	cr_assert_not_null(sample);
	uncomment(sample);
	/* What is shown in two forms. */
	comment(sample, " to /var/log/kvd/kvd.log\n");
	comment(sample, " cookie word\n");
	comment(sample, " password word\n");
	load_good(&config, sample);
	cr_assert_eq(config.listens, 3);
	cr_assert_str_eq(config.user, "kvd");
	cr_assert_eq(config.nodes.count, 2);
	free(sample);
}
