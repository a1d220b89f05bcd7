/*
 * The settings as a table, and the search in it.  An unknown keyword is
 * nearly always a known one misspelled or put into the wrong block, so both
 * are looked for before the message is written.
 */
#include "server/config_table.h"

#include <string.h>

#include "server/config.h"

#define OPTION(block, id, keyword, type, field, flag, fallback, min, max,     \
    reload, help) { CONFIG_##block, keyword, CONFIG_IS_##type,		      \
	    offsetof(struct config, field), flag, fallback, min, max,	      \
	    CONFIG_##reload, help },
const struct config_row config_rows[CONFIG_OPTIONS] = {
#include "server/options.def"
};
#undef OPTION

#define CONFIG_LOG_PREFIX	"log."
#define CONFIG_LIMITS_PREFIX	"limits."
#define CONFIG_SUPERVISE_PREFIX	"supervise."
#define CONFIG_TOP_PREFIX	""

static const char *const option_names[CONFIG_OPTIONS] = {
#define OPTION(block, id, keyword, ...) CONFIG_##block##_PREFIX keyword,
#include "server/options.def"
#undef OPTION
};

static const char *const block_names[CONFIG_BLOCKS] = {
	[CONFIG_TOP] = "", [CONFIG_LOG] = "log", [CONFIG_LIMITS] = "limits",
	[CONFIG_SUPERVISE] = "supervise"
};

static const char *const statements[] = {
	"include", "node", "route", "slots", "buckets", NULL
};

#define WORD_MAX	24	/* longer words are near nothing */

const char *
config_block_name(enum config_block block)
{
	return block_names[block];
}

enum config_block
config_block_named(const char *word)
{
	enum config_block b;

	for (b = CONFIG_TOP + 1; b < CONFIG_BLOCKS; b++)
		if (strcmp(block_names[b], word) == 0)
			break;
	return b;
}

enum config_option
config_option_named(enum config_block block, const char *keyword)
{
	enum config_option o;

	for (o = 0; o < CONFIG_OPTIONS; o++)
		if (config_rows[o].block == block &&
		    strcmp(config_rows[o].keyword, keyword) == 0)
			break;
	return o;
}

enum config_option
config_option_of_flag(int letter)
{
	enum config_option o;

	for (o = 0; o < CONFIG_OPTIONS; o++)
		if (config_rows[o].flag != 0 && config_rows[o].flag == letter)
			break;
	return o;
}

bool
config_is_statement(const char *word)
{
	const char *const *s;

	for (s = statements; *s != NULL; s++)
		if (strcmp(*s, word) == 0)
			return true;
	return false;
}

enum config_block
config_block_having(const char *keyword)
{
	enum config_block b;

	if (config_is_statement(keyword))
		return CONFIG_TOP;
	for (b = CONFIG_TOP; b < CONFIG_BLOCKS; b++)
		if (config_option_named(b, keyword) != CONFIG_OPTIONS)
			break;
	return b;
}

const char *
config_option_name(enum config_option option)
{
	return option_names[option];
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Edits that turn one word into the other: insert, remove, replace, or swap
 * two neighbours, which is how fingers go wrong most.  Three rows of the
 * usual table are enough.
 */
static size_t
distance(const char *a, const char *b)
{
	size_t row[3][WORD_MAX + 1];
	size_t la = strlen(a), lb = strlen(b), i, j;

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (j = 0; j <= lb; j++)
		row[0][j] = j;
	for (i = 1; i <= la; i++) {
		size_t *now = row[i % 3], *before = row[(i - 1) % 3];

		now[0] = i;
		for (j = 1; j <= lb; j++) {
			now[j] = least(before[j], now[j - 1]) + 1;
			now[j] = least(now[j],
			    before[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				now[j] = least(now[j],
				    row[(i - 2) % 3][j - 2] + 1);
		}
	}
	return row[la % 3][lb];
}

static void
consider(const char *word, const char *candidate, const char **best,
    size_t *best_distance)
{
	size_t d = distance(word, candidate);

	if (d < *best_distance) {
		*best = candidate;
		*best_distance = d;
	}
}

const char *
config_nearest(enum config_block block, const char *word)
{
	const char *best = NULL;
	size_t limit = strlen(word) < 4 ? 2 : 3, best_distance = limit;
	const char *const *s;
	enum config_option o;
	enum config_block b;

	for (o = 0; o < CONFIG_OPTIONS; o++)
		if (config_rows[o].block == block)
			consider(word, config_rows[o].keyword, &best,
			    &best_distance);
	if (block == CONFIG_TOP) {
		for (b = CONFIG_TOP + 1; b < CONFIG_BLOCKS; b++)
			consider(word, block_names[b], &best, &best_distance);
		for (s = statements; *s != NULL; s++)
			consider(word, *s, &best, &best_distance);
	}
	return best;
}
