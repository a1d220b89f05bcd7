/*
 * Any bytes as a configuration.  Whatever they are, the parser ends, says
 * what is wrong in whole lines and no more than it promised; and what it
 * accepts, printed as kvd -T does, is accepted again, means the same, and is
 * printed the same.  A table of nodes has an owner for every bucket, whatever
 * the arena.  include is refused, so no file is touched.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "server/config_draft.h"
#include "server/config_nodes.h"
#include "server/config_parse.h"
#include "server/config_value.h"
#include "server/route.h"

static void
check_line(void *arg, const char *message)
{
	unsigned *lines = arg;

	++*lines;
	must(strncmp(message, "fuzz:", 5) == 0);
	must(strchr(message, '\n') == NULL);
}

/* What was never set may be below what could be set. */
static void
set_defaults(struct config_draft *draft)
{
	char why[CONFIG_WHY_MAX];
	enum config_option o;

	for (o = 0; o < CONFIG_OPTIONS; o++)
		if (config_rows[o].fallback != NULL)
			must(config_draft_set(draft, o, CONFIG_FROM_DEFAULT,
			    config_nowhere, config_rows[o].fallback, why));
}

/* Returns true, with the config, if the bytes are good. */
static bool
read_config(const char *bytes, size_t len, struct config *config)
{
	unsigned lines = 0;
	struct config_report report = { check_line, &lines };
	struct config_draft draft;
	bool good;

	config_draft_init(&draft, &report);
	set_defaults(&draft);
	config_parse_bytes(&draft, "fuzz", bytes, len);
	if (lines == 0)
		config_nodes_check(&draft);
	must(lines == draft.complaints);
	must(lines <= CONFIG_COMPLAINTS_MAX + 1);
	good = lines == 0;
	if (good) {
		*config = draft.config;
		memset(&draft.config, 0, sizeof(draft.config));
	}
	config_draft_free(&draft);
	return good;
}

static char *
print(const struct config *config, size_t *len)
{
	char *text;
	FILE *f = open_memstream(&text, len);

	must(f != NULL);
	config_print(config, f);
	must(fclose(f) == 0);
	return text;
}

/* The same hash for both, and owners that exist. */
static void
check_routes(const struct config *config, const struct config *again)
{
	struct route route, same;
	char why[CONFIG_WHY_MAX], name[2] = "";
	uint32_t shards;
	unsigned c;

	for (shards = 1; shards <= ARENA_SHARDS_MAX; shards *= 2) {
		if (!route_build(&route, config, shards, why)) {
			must(shards < config_nodes_shards(&config->nodes));
			continue;
		}
		must(route_build(&same, again, shards, why));
		must(route_hash(&route) == route_hash(&same));
		for (c = 0; c < 256; c++) {
			name[0] = (char)c;
			must(route_owner_of_name(&route, name, 1) <
			    route_count(&route));
			route_why(&route, name, 1, why, sizeof(why));
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct config config, again;
	char *first, *second;
	size_t first_len, second_len;

	if (!read_config((const char *)bytes, len, &config))
		return 0;
	/* The one setting that is not printed. */
	config_value_clear(&config, CONFIG_TOP_cookie);
	first = print(&config, &first_len);
	must(read_config(first, first_len, &again));
	must(config_differences(&config, &again) == 0);
	second = print(&again, &second_len);
	must(strcmp(first, second) == 0);
	check_routes(&config, &again);
	free(first);
	free(second);
	config_free(&config);
	config_free(&again);
	return 0;
}
