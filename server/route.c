/*
 * The routing table.
 *
 * An even deal gives each node a run of consecutive shards rather than every
 * n-th one: so a table is short, a node is one range of slots in it, and a
 * node more moves half of the shards instead of nearly all.
 *
 * The hash is one of text, the same lines that kvd -T prints, and so does not
 * depend on how somebody has written them.  The number of shards is a part of
 * it: borders of an even deal and the shard numbers of requests follow from
 * it.
 */
#include "server/route.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/config_nodes.h"
#include "server/config_value.h"
#include "shm/hash.h"

/* Not a secret: links are authenticated by the cookie. */
static const uint64_t hash_seed[2] = {
	0x6b76642d726f7574, 0x652d7461626c6500
};

static uint32_t
owner_of(const struct route *route, uint32_t shard)
{
	const struct config_nodes *nodes = &route->config->nodes;

	switch (nodes->route) {
	case CONFIG_ROUTE_EVEN:
		return shard * route_count(route) / route->shards;
	case CONFIG_ROUTE_SLOTS:
		return nodes->owner[shard * (CONFIG_PIECES / route->shards)] -
		    1U;
	case CONFIG_ROUTE_BUCKETS:
		return ROUTE_NOBODY;
	}
	abort();
}

static bool
take_hash(struct route *route)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	bool good;

	if (to == NULL)
		return false;
	fprintf(to, "table %" PRIu64 "\nshards %" PRIu32 "\n", route->version,
	    route->shards);
	config_nodes_print(&route->config->nodes, to);
	good = ferror(to) == 0;
	good = fclose(to) == 0 && good;
	if (good)
		route->hash = hash_keyed(hash_seed, text, len);
	free(text);
	return good;
}

static bool
fits(const struct route *route, char *why)
{
	uint32_t needed = config_nodes_shards(&route->config->nodes);

	if (needed > route->shards) {
		snprintf(why, CONFIG_WHY_MAX, "the slots of the nodes have "
		    "borders inside of the %" PRIu32 " shards of the data; "
		    "they take \"shards %" PRIu32 "\" and a cold start, or "
		    "other borders", route->shards, needed);
		return false;
	}
	if (route->self == ROUTE_NOBODY) {
		snprintf(why, CONFIG_WHY_MAX, "no node has the name of this "
		    "instance, \"%.100s\"", route->config->name);
		return false;
	}
	return true;
}

bool
route_build(struct route *route, const struct config *config, uint32_t shards,
    char *why)
{
	uint32_t shard;

	memset(route, 0, sizeof(*route));
	route->config = config;
	route->shards = shards;
	route->version = config->table_version;
	route->alone = config->nodes.count < 2;
	route->self = route_find(route, config->name);
	if (!fits(route, why))
		return false;
	for (shard = 0; shard < shards; shard++)
		route->owner[shard] = owner_of(route, shard);
	strlcpy(why, "out of memory", CONFIG_WHY_MAX);
	return take_hash(route);
}

uint32_t
route_owner(const struct route *route, uint32_t shard)
{
	return route->owner[shard];
}

/* Which piece of the configuration's table has the bucket of that name. */
static size_t
piece_of(const struct route *route, const void *name, size_t len)
{
	if (route->config->nodes.route == CONFIG_ROUTE_BUCKETS)
		return len == 0 ? 0 : *(const unsigned char *)name;
	return hash_slot(name, len) / CONFIG_PIECE_SLOTS;
}

static uint32_t
shard_of(const struct route *route, uint32_t slot)
{
	return slot / (HASH_SLOTS / route->shards);
}

uint32_t
route_find_owner(const struct route *route, const void *name, size_t len,
    uint32_t *shard)
{
	const struct config_nodes *nodes = &route->config->nodes;

	if (route->alone)
		return route->self;
	if (nodes->route == CONFIG_ROUTE_BUCKETS)
		return nodes->owner[piece_of(route, name, len)] - 1U;
	*shard = shard_of(route, hash_slot(name, len));
	return route->owner[*shard];
}

uint32_t
route_owner_of_name(const struct route *route, const void *name, size_t len)
{
	uint32_t shard;

	return route_find_owner(route, name, len, &shard);
}

uint32_t
route_count(const struct route *route)
{
	return route->config->nodes.count == 0 ? 1 :
	    (uint32_t)route->config->nodes.count;
}

uint32_t
route_self(const struct route *route)
{
	return route->self;
}

uint32_t
route_find(const struct route *route, const char *name)
{
	uint32_t i;

	for (i = 0; i < route_count(route); i++)
		if (strcmp(route_name(route, i), name) == 0)
			return i;
	return ROUTE_NOBODY;
}

const char *
route_name(const struct route *route, uint32_t node)
{
	return route->config->nodes.count == 0 ? route->config->name :
	    route->config->nodes.node[node].name;
}

const char *
route_address(const struct route *route, uint32_t node)
{
	return route->config->nodes.count == 0 ?
	    route->config->listen[0].text :
	    route->config->nodes.node[node].address.text;
}

const struct config_listen *
route_peer(const struct route *route, uint32_t node)
{
	return route->config->nodes.count == 0 ? NULL :
	    &route->config->nodes.node[node].peer;
}

uint64_t
route_version(const struct route *route)
{
	return route->version;
}

uint64_t
route_hash(const struct route *route)
{
	return route->hash;
}

/* The node that has the slots, or the letter, of a piece. */
static uint32_t
owner_of_piece(const struct route *route, uint32_t piece)
{
	const struct config_nodes *nodes = &route->config->nodes;

	if (route->alone)
		return route->self;
	if (nodes->route == CONFIG_ROUTE_BUCKETS)
		return nodes->owner[piece] - 1U;
	return route->owner[shard_of(route, piece * CONFIG_PIECE_SLOTS)];
}

void
route_owned(const struct route *route, struct ownership *own)
{
	uint32_t i;

	memset(own, 0, sizeof(*own));
	own->version = route->version;
	own->hash = route->hash;
	own->by = !route->alone && route->config->nodes.route ==
	    CONFIG_ROUTE_BUCKETS ? OWNERSHIP_LETTERS : OWNERSHIP_SLOTS;
	for (i = 0; i < OWNERSHIP_PIECES; i++)
		if (owner_of_piece(route, i) == route->self)
			own->has[i / 64] |= UINT64_C(1) << i % 64;
}

void
route_why(const struct route *route, const void *name, size_t len, char *buf,
    size_t size)
{
	const struct config_nodes *nodes = &route->config->nodes;
	uint32_t slot = hash_slot(name, len);

	if (route->alone)
		strlcpy(buf, "the only node", size);
	else if (nodes->route == CONFIG_ROUTE_EVEN)
		snprintf(buf, size, "slot %" PRIu32 ", shard %" PRIu32
		    " of %" PRIu32 ", dealt evenly", slot,
		    shard_of(route, slot), route->shards);
	else
		config_nodes_run(nodes, piece_of(route, name, len), buf, size);
}
