/*
 * Whether what was said about nodes is a table, once all is said.  Each check
 * needs the one before, so the first that fails is the last: a gap that
 * follows from a node left out would only hide the reason.
 */
#include "server/config_nodes.h"

#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "server/config_value.h"

#define NAMES_MAX	512	/* bytes of a list of nodes in a message */

/* Of the table as a whole. */
static bool
complain(struct config_draft *draft, struct config_place place,
    const char *what)
{
	if (draft->nodes.from_environment)
		config_draft_complain(draft, EX_CONFIG, "NODES: %s", what);
	else
		config_draft_complain_at(draft, place, "%s", what);
	return false;
}

static void
deal_rest(struct config_draft *draft)
{
	struct config_nodes *nodes = &draft->config.nodes;
	size_t i, n = config_route_pieces(nodes->route);

	for (i = 0; i < n; i++)
		if (nodes->owner[i] == 0) {
			nodes->owner[i] = draft->nodes.other_owner;
			draft->nodes.piece[i] = draft->nodes.other;
		}
}

static bool
check_gap(struct config_draft *draft)
{
	const struct config_nodes *nodes = &draft->config.nodes;
	char gap[64], what[CONFIG_WHY_MAX];

	if (!config_nodes_gap(nodes, gap, sizeof(gap)))
		return true;
	snprintf(what, sizeof(what), "no node owns %s; add a line for it%s",
	    gap, nodes->route == CONFIG_ROUTE_BUCKETS ?
	    ", or \"buckets other NODE\" for all that is left" : "");
	return complain(draft, draft->nodes.route, what);
}

/* Is every border between slots of two nodes one between shards? */
static bool
check_borders(struct config_draft *draft)
{
	const struct config_nodes *nodes = &draft->config.nodes;
	uint64_t shards = draft->config.shards;
	char what[CONFIG_WHY_MAX], text[64];
	size_t piece = 1;

	if (shards == 0 || config_nodes_shards(nodes) <= shards)
		return true;
	while (nodes->owner[piece] == nodes->owner[piece - 1] ||
	    piece % (CONFIG_PIECES / shards) == 0)
		piece++;
	config_piece_text(nodes->route, piece, text, sizeof(text));
	snprintf(what, sizeof(what), "the border before %s is inside of one "
	    "of the %" PRIu64 " shards; it takes \"shards %" PRIu32 "\"", text,
	    shards, config_nodes_shards(nodes));
	return complain(draft, draft->nodes.piece[piece], what);
}

static void
list_names(const struct config_nodes *nodes, char *buf, size_t size)
{
	size_t i;

	*buf = '\0';
	for (i = 0; i < nodes->count; i++) {
		if (i > 0)
			strlcat(buf, ", ", size);
		if (strlcat(buf, nodes->node[i].name, size) >= size)
			return;
	}
}

/* Are we one of them? */
static bool
check_self(struct config_draft *draft)
{
	const struct config *config = &draft->config;
	char names[NAMES_MAX], what[NAMES_MAX + 2 * CONFIG_WHY_MAX];

	if (config_nodes_find(&config->nodes, config->name) != CONFIG_NOBODY)
		return true;
	list_names(&config->nodes, names, sizeof(names));
	snprintf(what, sizeof(what), "no node has the name of this instance, "
	    "\"%s\"; say with -N, or with name, which of them it is: %s",
	    config->name, names);
	return complain(draft, draft->nodes.node[0], what);
}

static bool
check_secret(struct config_draft *draft, const char *word,
    enum config_option secret, enum config_option file)
{
	if (config_value_count(&draft->config, secret) == 0 ||
	    config_value_count(&draft->config, file) == 0)
		return true;
	config_draft_complain_at(draft, draft->place[file],
	    "%s-file: there is a %s already, in line %u; give one of them",
	    word, word, draft->place[secret].line);
	return false;
}

static bool
check_secrets(struct config_draft *draft)
{
	bool cookie = check_secret(draft, "cookie", CONFIG_TOP_cookie,
	    CONFIG_TOP_cookie_file);
	bool password = check_secret(draft, "password", CONFIG_TOP_password,
	    CONFIG_TOP_password_file);

	return cookie && password;
}

void
config_nodes_check(struct config_draft *draft)
{
	if (!check_secrets(draft) || draft->config.nodes.count == 0)
		return;
	deal_rest(draft);
	if (check_gap(draft) && check_borders(draft))
		check_self(draft);
}
