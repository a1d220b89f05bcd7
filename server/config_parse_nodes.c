/*
 * What is said about nodes:
 *
 *	statement = "node" name "{" { [ "address" value | "peer" value ] END }
 *	            "}"
 *	          | "route" "even"
 *	          | "slots" first-last name
 *	          | "buckets" ( letters | "other" ) name
 *
 * A node stands before what it owns, so that a name that is none is found in
 * its line.  The lines that deal need no order: each piece is dealt once, and
 * "other" waits for the end.
 */
#include <string.h>

#include "server/config_nodes.h"
#include "server/config_parse_state.h"
#include "server/config_value.h"

static struct config_place
place_of(const struct config_parser *p, unsigned line)
{
	return (struct config_place){ p->file, line };
}

/* --- node --- */

struct node_words {		/* empty: not given */
	char	address[CONFIG_VALUE_MAX + 1];
	char	peer[CONFIG_VALUE_MAX + 1];
};

static void
parse_setting(struct config_parser *p, struct node_words *words)
{
	char keyword[CONFIG_VALUE_MAX + 1], *to;
	unsigned line = p->token.line;

	if (p->token.kind != CONFIG_TOKEN_WORD || p->token.expanded) {
		config_parse_unexpected(p, "address or peer");
		config_parse_skip(p);
		return;
	}
	memcpy(keyword, p->token.text, sizeof(keyword));
	to = strcmp(keyword, "address") == 0 ? words->address :
	    strcmp(keyword, "peer") == 0 ? words->peer : NULL;
	if (to == NULL || *to != '\0') {
		config_parse_bad(p, line, to == NULL ? "unknown keyword "
		    "\"%.100s\"; a node has an address and a peer" :
		    "%s: given twice", keyword);
		config_parse_skip(p);
		return;
	}
	config_parse_advance(p);
	if (!config_parse_value(p, "host:port", to))
		config_parse_skip(p);
}

/* Up to the closing brace, which is taken. */
static bool
parse_settings(struct config_parser *p, struct node_words *words,
    unsigned opened)
{
	for (;;) {
		if (p->token.kind == CONFIG_TOKEN_EOF) {
			config_parse_bad(p, opened, "block node is not closed");
			return false;
		}
		if (p->token.kind == CONFIG_TOKEN_END)
			config_parse_advance(p);
		else if (p->token.kind != CONFIG_TOKEN_CLOSE)
			parse_setting(p, words);
		else
			break;
	}
	config_parse_advance(p);
	return true;
}

static void
add_node(struct config_parser *p, unsigned line, const char *name,
    const struct node_words *words)
{
	struct config_nodes *nodes = &p->draft->config.nodes;
	char why[CONFIG_WHY_MAX];

	if (*words->address == '\0')
		config_parse_bad(p, line, "node \"%.100s\" has no address; "
		    "write node NAME { address host:port }", name);
	else if (!config_nodes_add(nodes, name, words->address,
	    *words->peer == '\0' ? NULL : words->peer, why))
		config_parse_bad(p, line, "node \"%.100s\": %s", name, why);
	else
		p->draft->nodes.node[nodes->count - 1] = place_of(p, line);
}

static void
parse_node(struct config_parser *p, unsigned line)
{
	char name[CONFIG_VALUE_MAX + 1];
	struct node_words words = { "", "" };
	unsigned complaints = p->draft->complaints;

	if (!config_parse_word(p, "the name of a node", name)) {
		config_parse_skip(p);
	} else if (p->token.kind != CONFIG_TOKEN_OPEN) {
		config_parse_unexpected(p, "{");
		config_parse_skip(p);
	} else {
		config_parse_advance(p);
		if (parse_settings(p, &words, line) &&
		    p->draft->complaints == complaints)
			add_node(p, line, name, &words);
	}
}

/* --- what they own --- */

/* A table goes by one kind of rule, and the first one says by which. */
static bool
goes_by(struct config_parser *p, unsigned line, enum config_route route)
{
	struct config_place *first = &p->draft->nodes.route;
	char where[64];

	if (first->line == 0) {
		*first = place_of(p, line);
		p->draft->config.nodes.route = route;
		return true;
	}
	config_place_text(*first, p->file, where, sizeof(where));
	if (route == CONFIG_ROUTE_EVEN &&
	    p->draft->config.nodes.route == CONFIG_ROUTE_EVEN)
		config_parse_bad(p, line, "route: given twice, %s", where);
	else if (route == p->draft->config.nodes.route)
		return true;
	else
		config_parse_bad(p, line, "all buckets are dealt in one way, "
		    "evenly, by slots or by letters; it is another one %s",
		    where);
	return false;
}

static void
parse_route(struct config_parser *p, unsigned line)
{
	char value[CONFIG_VALUE_MAX + 1];

	if (!config_parse_value(p, "even", value))
		config_parse_skip(p);
	else if (strcmp(value, "even") != 0)
		config_parse_bad(p, line, "route: \"%.100s\" is not a way to "
		    "deal; write even, or lines of slots or buckets", value);
	else
		goes_by(p, line, CONFIG_ROUTE_EVEN);
}

static void
refuse_claim(struct config_parser *p, unsigned line, size_t piece)
{
	const struct config_nodes *nodes = &p->draft->config.nodes;
	char text[64], where[64];

	config_piece_text(nodes->route, piece, text, sizeof(text));
	config_place_text(p->draft->nodes.piece[piece], p->file, where,
	    sizeof(where));
	config_parse_bad(p, line, "%s belongs to node \"%.100s\" already, %s",
	    text, nodes->node[nodes->owner[piece] - 1].name, where);
}

static void
claim(struct config_parser *p, unsigned line,
    const struct config_pieces *pieces, uint32_t node)
{
	struct config_nodes *nodes = &p->draft->config.nodes;
	size_t i;

	for (i = 0; i < CONFIG_PIECES; i++)
		if (pieces->has[i] && nodes->owner[i] != 0) {
			refuse_claim(p, line, i);
			return;
		}
	for (i = 0; i < CONFIG_PIECES; i++)
		if (pieces->has[i]) {
			nodes->owner[i] = (uint16_t)(node + 1);
			p->draft->nodes.piece[i] = place_of(p, line);
		}
}

static void
claim_other(struct config_parser *p, unsigned line, uint32_t node)
{
	struct config_nodes_draft *nodes = &p->draft->nodes;
	char where[64];

	if (nodes->other_owner != 0) {
		config_place_text(nodes->other, p->file, where, sizeof(where));
		config_parse_bad(p, line, "buckets other: given twice, %s",
		    where);
		return;
	}
	nodes->other_owner = (uint16_t)(node + 1);
	nodes->other = place_of(p, line);
}

/* slots or buckets, with what and whose in hand. */
static void
deal(struct config_parser *p, unsigned line, enum config_route route,
    const char *what, const char *name)
{
	uint32_t node = config_nodes_find(&p->draft->config.nodes, name);
	bool other = route == CONFIG_ROUTE_BUCKETS &&
	    strcmp(what, "other") == 0;
	struct config_pieces pieces;
	char why[CONFIG_WHY_MAX];

	if (!other && !(route == CONFIG_ROUTE_SLOTS ?
	    config_pieces_slots(&pieces, what, why) :
	    config_pieces_letters(&pieces, what, why)))
		config_parse_bad(p, line, "%s", why);
	else if (node == CONFIG_NOBODY)
		config_parse_bad(p, line, "no node \"%.100s\" stands above; "
		    "write node NAME { address host:port } first", name);
	else if (!goes_by(p, line, route))
		return;
	else if (other)
		claim_other(p, line, node);
	else
		claim(p, line, &pieces, node);
}

static void
parse_deal(struct config_parser *p, unsigned line, enum config_route route)
{
	char what[CONFIG_VALUE_MAX + 1], name[CONFIG_VALUE_MAX + 1];
	const char *wanted = route == CONFIG_ROUTE_SLOTS ?
	    "a range of slots" : "letters or other";

	if (config_parse_word(p, wanted, what) &&
	    config_parse_value(p, "the name of a node", name))
		deal(p, line, route, what, name);
	else
		config_parse_skip(p);
}

bool
config_parse_nodes(struct config_parser *p, const char *keyword, unsigned line)
{
	if (strcmp(keyword, "node") == 0)
		parse_node(p, line);
	else if (strcmp(keyword, "route") == 0)
		parse_route(p, line);
	else if (strcmp(keyword, "slots") == 0)
		parse_deal(p, line, CONFIG_ROUTE_SLOTS);
	else if (strcmp(keyword, "buckets") == 0)
		parse_deal(p, line, CONFIG_ROUTE_BUCKETS);
	else
		return false;
	return true;
}
