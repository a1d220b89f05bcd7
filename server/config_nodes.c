/*
 * The list of nodes.  An address in it is one to connect to, so a path and
 * "every address" are refused, though one may listen there; and no address
 * may be there twice, as a client's or as a peer's: two nodes behind one
 * port, or a link that ends in the wrong one, would look like lost data.  One
 * name is refused for the sake of clients, who are told of nodes in the lines
 * of a subscription.
 */
#include "server/config_nodes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/config_listen.h"
#include "server/config_value.h"

#define PEER_OFFSET	10000
#define PORT_MAX	65535

uint32_t
config_nodes_find(const struct config_nodes *nodes, const char *name)
{
	uint32_t i;

	for (i = 0; i < nodes->count; i++)
		if (strcmp(nodes->node[i].name, name) == 0)
			return i;
	return CONFIG_NOBODY;
}

static void
free_node(struct config_node *node)
{
	free(node->name);
	config_listen_free(&node->address);
	config_listen_free(&node->peer);
}

void
config_nodes_clear(struct config_nodes *nodes)
{
	size_t i;

	for (i = 0; i < nodes->count; i++)
		free_node(&nodes->node[i]);
	free(nodes->node);
	memset(nodes, 0, sizeof(*nodes));
}

/* An address that others can connect to. */
static bool
read_address(struct config_listen *address, const char *text, char *why)
{
	if (!config_listen_parse(address, text, why))
		return false;
	if (address->path == NULL && *address->host != '\0')
		return true;
	config_listen_free(address);
	snprintf(why, CONFIG_WHY_MAX, "\"%.100s\" is no address that other "
	    "nodes can connect to; write host:port", text);
	return false;
}

static bool
default_peer(struct config_listen *peer, const struct config_listen *address,
    char *why)
{
	long port = strtol(address->port, NULL, 10);
	char text[CONFIG_VALUE_MAX + 1];
	bool v6 = strchr(address->host, ':') != NULL;

	port += port + PEER_OFFSET > PORT_MAX ? -PEER_OFFSET : PEER_OFFSET;
	snprintf(text, sizeof(text), v6 ? "[%s]:%ld" : "%s:%ld",
	    address->host, port);
	return config_listen_parse(peer, text, why);
}

static bool
refuse_twice(char *why, const char *text, const char *what,
    const struct config_node *node)
{
	snprintf(why, CONFIG_WHY_MAX, "%.100s is the %s of node \"%.80s\"",
	    text, what, node->name);
	return false;
}

/* Is the address nobody's yet? */
static bool
is_new(const struct config_nodes *nodes, const char *text, char *why)
{
	size_t i;

	for (i = 0; i < nodes->count; i++) {
		const struct config_node *node = &nodes->node[i];

		if (strcmp(node->address.text, text) == 0)
			return refuse_twice(why, text, "address", node);
		if (strcmp(node->peer.text, text) == 0)
			return refuse_twice(why, text, "peer address", node);
	}
	return true;
}

static bool
fill(const struct config_nodes *nodes, struct config_node *node,
    const char *name, const char *address, const char *peer, char *why)
{
	if (!read_address(&node->address, address, why))
		return false;
	if (!(peer == NULL ? default_peer(&node->peer, &node->address, why) :
	    read_address(&node->peer, peer, why)))
		return false;
	if (!is_new(nodes, node->address.text, why) ||
	    !is_new(nodes, node->peer.text, why))
		return false;
	if (strcmp(node->address.text, node->peer.text) == 0) {
		snprintf(why, CONFIG_WHY_MAX, "%.100s is for clients; peers "
		    "need another port", node->peer.text);
		return false;
	}
	strlcpy(why, "out of memory", CONFIG_WHY_MAX);
	return (node->name = strdup(name)) != NULL;
}

bool
config_nodes_add(struct config_nodes *nodes, const char *name,
    const char *address, const char *peer, char *why)
{
	struct config_node node = { 0 }, *more;

	if (!config_value_is_name(name, why))
		return false;
	/* To subscribers "LOST DELETED" is a change of the key LOST. */
	if (strcmp(name, "DELETED") == 0) {
		snprintf(why, CONFIG_WHY_MAX, "a node cannot be called that: "
		    "it is a word of the protocol");
		return false;
	}
	if (config_nodes_find(nodes, name) != CONFIG_NOBODY) {
		snprintf(why, CONFIG_WHY_MAX, "there is a node \"%.100s\" "
		    "already", name);
		return false;
	}
	if (nodes->count == CONFIG_NODES_MAX) {
		snprintf(why, CONFIG_WHY_MAX, "more than %d nodes",
		    CONFIG_NODES_MAX);
		return false;
	}
	if (!fill(nodes, &node, name, address, peer, why))
		goto fail;
	more = reallocarray(nodes->node, nodes->count + 1, sizeof(*more));
	if (more == NULL)
		goto fail;
	nodes->node = more;
	nodes->node[nodes->count++] = node;
	return true;
fail:
	free_node(&node);
	return false;
}

/* One entry of NODES, which is taken apart. */
static bool
parse_entry(struct config_nodes *nodes, char *entry, char *why)
{
	char *at = strchr(entry, '@');

	if (at == NULL || at == entry || at[1] == '\0') {
		strlcpy(why, "write name@host:port", CONFIG_WHY_MAX);
		return false;
	}
	*at = '\0';
	return config_nodes_add(nodes, entry, at + 1, NULL, why);
}

bool
config_nodes_parse(struct config_nodes *nodes, const char *text, char *why)
{
	char *copy = strdup(text), *rest = copy, *entry;
	char reason[CONFIG_WHY_MAX], shown[64];
	bool good = true;
	size_t n = 0;

	if (copy == NULL) {
		strlcpy(why, "out of memory", CONFIG_WHY_MAX);
		return false;
	}
	while (good && (entry = strsep(&rest, ",")) != NULL) {
		n++;
		strlcpy(shown, entry, sizeof(shown));
		good = parse_entry(nodes, entry, reason);
	}
	free(copy);
	if (!good)
		snprintf(why, CONFIG_WHY_MAX, "entry %zu, \"%s\": %.*s", n,
		    shown, CONFIG_WHY_MAX - 96, reason);
	return good;
}

bool
config_nodes_same(const struct config_nodes *a, const struct config_nodes *b)
{
	size_t i;

	if (a->count != b->count || a->route != b->route ||
	    memcmp(a->owner, b->owner, sizeof(a->owner)) != 0)
		return false;
	for (i = 0; i < a->count; i++)
		if (strcmp(a->node[i].name, b->node[i].name) != 0 ||
		    strcmp(a->node[i].address.text, b->node[i].address.text) !=
		    0 ||
		    strcmp(a->node[i].peer.text, b->node[i].peer.text) != 0)
			return false;
	return true;
}
