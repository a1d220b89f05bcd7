/*
 * The life of a configuration: collected from its four sources, checked,
 * printed, compared with its successor, freed.  Nothing here writes to the
 * log or ends the process, so a master that serves may try a new file and
 * go on with the old one.
 */
#include "server/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "server/config_draft.h"
#include "server/config_lex.h"
#include "server/config_nodes.h"
#include "server/config_parse.h"
#include "server/config_value.h"

/* --- arguments --- */

void
config_args_init(struct config_args *args)
{
	memset(args, 0, sizeof(*args));
	strlcpy(args->file, CONFIG_FILE, sizeof(args->file));
	args->port = getenv("PORT");
	args->nodes = getenv("NODES");
}

static void
report_flag(const struct config_report *report, int letter, const char *value,
    const char *why)
{
	char *line;

	if (asprintf(&line, "-%c %s: %s", letter, value, why) == -1)
		return;
	report->line(report->arg, line);
	free(line);
}

static int
take_file(struct config_args *args, const char *value,
    const struct config_report *report)
{
	size_t used = 0;

	if (*value != '/') {
		if (getcwd(args->file, sizeof(args->file)) == NULL) {
			report_flag(report, 'c', value, strerror(errno));
			return EX_OSERR;
		}
		used = strlcat(args->file, "/", sizeof(args->file));
	}
	if (used >= sizeof(args->file) ||
	    strlcpy(args->file + used, value, sizeof(args->file) - used) >=
	    sizeof(args->file) - used) {
		report_flag(report, 'c', value, "path too long");
		return EX_USAGE;
	}
	args->file_required = true;
	return 0;
}

static int
take_macro(struct config_args *args, const char *value,
    const struct config_report *report)
{
	size_t len = strcspn(value, "=");

	if (value[len] != '=' || !config_macro_is_name(value, len)) {
		report_flag(report, 'D', value, "write name=value");
		return EX_USAGE;
	}
	if (args->macros == CONFIG_ARGS_MAX) {
		report_flag(report, 'D', value, "too many macros");
		return EX_USAGE;
	}
	args->macro[args->macros++] = value;
	return 0;
}

int
config_args_flag(struct config_args *args, int letter, const char *value,
    const struct config_report *report)
{
	if (letter == 'c')
		return take_file(args, value, report);
	if (letter == 'D')
		return take_macro(args, value, report);
	if (config_option_of_flag(letter) == CONFIG_OPTIONS) {
		report_flag(report, letter, value, "sets nothing");
		return EX_USAGE;
	}
	if (args->flags == CONFIG_ARGS_MAX) {
		report_flag(report, letter, value, "too many flags");
		return EX_USAGE;
	}
	args->flag[args->flags].letter = letter;
	args->flag[args->flags++].value = value;
	return 0;
}

/* --- the four sources, from weak to strong --- */

static void
apply_defaults(struct config_draft *draft)
{
	char why[CONFIG_WHY_MAX];
	enum config_option o;

	for (o = 0; o < CONFIG_OPTIONS; o++)
		if (config_rows[o].fallback != NULL &&
		    !config_draft_set(draft, o, CONFIG_FROM_DEFAULT,
		    config_nowhere, config_rows[o].fallback, why))
			config_draft_complain(draft, EX_OSERR, "%s: %s",
			    config_option_name(o), why);
}

static void
apply_macros(struct config_draft *draft, const struct config_args *args)
{
	char name[CONFIG_VALUE_MAX + 1];
	const char *value;
	size_t i;

	for (i = 0; i < args->macros; i++) {
		value = strchr(args->macro[i], '=') + 1;
		if ((size_t)(value - args->macro[i]) > sizeof(name)) {
			config_draft_complain(draft, EX_USAGE,
			    "-D: name too long");
			continue;
		}
		strlcpy(name, args->macro[i],
		    (size_t)(value - args->macro[i]));
		if (!config_macro_define(&draft->macros, name, value, true))
			config_draft_complain(draft, EX_OSERR,
			    "out of memory");
	}
}

/* The whole of a table, for some of it would not fit what the file says. */
static void
apply_nodes(struct config_draft *draft, const char *text)
{
	char why[CONFIG_WHY_MAX];

	config_nodes_clear(&draft->config.nodes);
	memset(&draft->nodes, 0, sizeof(draft->nodes));
	draft->nodes.from_environment = true;
	if (!config_nodes_parse(&draft->config.nodes, text, why))
		config_draft_complain(draft, EX_USAGE, "NODES: %s", why);
}

/* PORT is a port and nothing else: it opens this machine's own address. */
static void
apply_port(struct config_draft *draft, const char *port)
{
	char why[CONFIG_WHY_MAX];

	if (strspn(port, "0123456789") != strlen(port))
		config_draft_complain(draft, EX_CONFIG, "PORT: \"%.100s\" "
		    "is not a port from 1 to 65535", port);
	else if (!config_draft_set(draft, CONFIG_TOP_listen,
	    CONFIG_FROM_ENVIRONMENT, config_nowhere, port, why))
		config_draft_complain(draft, EX_CONFIG, "PORT: %s", why);
}

static void
apply_environment(struct config_draft *draft, const struct config_args *args)
{
	if (args->nodes != NULL && *args->nodes != '\0')
		apply_nodes(draft, args->nodes);
	if (args->port != NULL && *args->port != '\0')
		apply_port(draft, args->port);
}

static void
apply_flags(struct config_draft *draft, const struct config_args *args)
{
	char why[CONFIG_WHY_MAX];
	size_t i;

	for (i = 0; i < args->flags; i++) {
		int letter = args->flag[i].letter;

		if (!config_draft_set(draft, config_option_of_flag(letter),
		    CONFIG_FROM_FLAG, config_nowhere, args->flag[i].value, why))
			config_draft_complain(draft, EX_USAGE, "-%c: %s",
			    letter, why);
	}
}

int
config_load(struct config *config, const struct config_args *args,
    const struct config_report *report)
{
	struct config_draft draft;

	memset(config, 0, sizeof(*config));
	config_draft_init(&draft, report);
	apply_defaults(&draft);
	apply_macros(&draft, args);
	config_parse_file(&draft, args->file, args->file_required);
	apply_environment(&draft, args);
	apply_flags(&draft, args);
	if (draft.complaints == 0)
		config_nodes_check(&draft);
	if (draft.complaints == 0) {
		*config = draft.config;
		memset(&draft.config, 0, sizeof(draft.config));
	}
	config_draft_free(&draft);
	return draft.complaints == 0 ? 0 : draft.status;
}

void
config_free(struct config *config)
{
	enum config_option o;

	for (o = 0; o < CONFIG_OPTIONS; o++)
		config_value_clear(config, o);
	config_nodes_clear(&config->nodes);
	free(config->secret);
	config->secret = NULL;
	free(config->client_secret);
	config->client_secret = NULL;
}

/* --- printing --- */

static void
print_option(const struct config *config, enum config_option option,
    const char *indent, FILE *to)
{
	const struct config_row *row = &config_rows[option];
	char text[CONFIG_VALUE_MAX + 1];
	size_t i, n = config_value_count(config, option);

	fprintf(to, "%s# %s\n", indent, row->help);
	if (n == 0)
		fprintf(to, "%s# %s is not set\n", indent, row->keyword);
	else if (row->type == CONFIG_IS_SECRET) {
		fprintf(to, "%s# %s is set and not shown\n", indent,
		    row->keyword);
		return;
	}
	for (i = 0; i < n; i++) {
		config_value_text(config, option, i, text);
		fprintf(to, "%s%s ", indent, row->keyword);
		config_lex_print(text, to);
		fputc('\n', to);
	}
}

static void
print_block(const struct config *config, enum config_block block, FILE *to)
{
	enum config_option o;

	if (block != CONFIG_TOP)
		fprintf(to, "\n%s {\n", config_block_name(block));
	for (o = 0; o < CONFIG_OPTIONS; o++)
		if (config_rows[o].block == block)
			print_option(config, o,
			    block == CONFIG_TOP ? "" : "\t", to);
	if (block != CONFIG_TOP)
		fputs("}\n", to);
}

void
config_print(const struct config *config, FILE *to)
{
	enum config_block b;

	print_block(config, CONFIG_TOP, to);
	fputs(
	    "\n# the nodes and what each owns; none: there is only this one\n",
	    to);
	config_nodes_print(&config->nodes, to);
	for (b = CONFIG_TOP + 1; b < CONFIG_BLOCKS; b++)
		print_block(config, b, to);
}

/* --- reload --- */

unsigned
config_differences(const struct config *a, const struct config *b)
{
	enum config_option o;
	unsigned n = config_nodes_same(&a->nodes, &b->nodes) ? 0 : 1;

	for (o = 0; o < CONFIG_OPTIONS; o++)
		if (!config_value_same(a, b, o))
			n++;
	return n;
}

static void
report_fixed(const struct config_report *report, enum config_option option)
{
	char line[CONFIG_WHY_MAX];

	snprintf(line, sizeof(line), "%s cannot change while kvd runs; the old "
	    "value stays until a restart", config_option_name(option));
	report->line(report->arg, line);
}

int
config_keep_fixed(struct config *next, const struct config *running,
    const struct config_report *report)
{
	enum config_option o;
	int n = 0;

	for (o = 0; o < CONFIG_OPTIONS; o++) {
		if (config_rows[o].reload == CONFIG_RELOAD ||
		    config_value_same(next, running, o))
			continue;
		report_fixed(report, o);
		if (!config_value_copy(next, running, o))
			return -1;
		n++;
	}
	return n;
}

const struct config_listen *
config_own_peer(const struct config *config)
{
	const struct config_nodes *nodes = &config->nodes;
	uint32_t self = config_nodes_find(nodes, config->name);

	return nodes->count < 2 || self == CONFIG_NOBODY ? NULL :
	    &nodes->node[self].peer;
}
