#ifndef KVD_SERVER_ROUTE_H
#define KVD_SERVER_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/config.h"
#include "shm/arena.h"
#include "shm/ownership.h"

/*
 * Which node has a bucket.  Every node has the same table and computes the
 * same owner, so that any of them can say, or ask, who has it.
 *
 * A table is built from a configuration and the number of shards of the
 * arena, and does not change; a reload builds another one.  Two nodes that
 * meet, and every request that one forwards, compare version and hash: the
 * hash tells that tables differ, the version which one is older.
 */

#define ROUTE_NOBODY	UINT32_MAX

/* Read through the functions below; borrows from the configuration. */
struct route {
	const struct config	*config;
	bool			 alone;
	uint32_t		 self;
	uint32_t		 shards;
	uint64_t		 version;
	uint64_t		 hash;
	uint32_t		 owner[ARENA_SHARDS_MAX];
};

/*
 * Build the table; the configuration must outlive it.  Returns false, with
 * the reason in why of CONFIG_WHY_MAX bytes, if the arena has too few shards
 * for it, if we are not in it or if memory ran out.  shards is a power of
 * two, at most ARENA_SHARDS_MAX.  No I/O, no log.
 */
bool route_build(struct route *, const struct config *, uint32_t shards,
    char *why);

/* There is no other node: nothing is ever forwarded. */
static inline bool
route_is_alone(const struct route *route)
{
	return route->alone;
}

/* The node that has all buckets of a shard; ROUTE_NOBODY if it goes by
 * letters, where a shard has no owner. */
uint32_t route_owner(const struct route *, uint32_t shard);

/* The node that has the bucket of that name. */
uint32_t route_owner_of_name(const struct route *, const void *name,
    size_t len);
/* The same; its shard is told if the owner follows from it, else untouched. */
uint32_t route_find_owner(const struct route *, const void *name, size_t len,
    uint32_t *shard);

/* Nodes have numbers, 0 .. route_count() - 1, in the order of the list. */
uint32_t route_count(const struct route *);
uint32_t route_self(const struct route *);
uint32_t route_find(const struct route *, const char *name);
const char *route_name(const struct route *, uint32_t node);
/* Where clients find it: host:port; if alone, what we listen on first. */
const char *route_address(const struct route *, uint32_t node);
/* Where the other nodes find it; NULL if there is no list of nodes. */
const struct config_listen *route_peer(const struct route *, uint32_t node);

uint64_t route_version(const struct route *);
uint64_t route_hash(const struct route *);

/* What of the data is this node's, in the form of the arena's record. */
void route_owned(const struct route *, struct ownership *);

/*
 * Why the bucket of that name is where it is, for people: "slot 1234, shard 4
 * of 64, dealt evenly", "slots 0-8191", "buckets a-m", "the only node".
 */
void route_why(const struct route *, const void *name, size_t len, char *buf,
    size_t size);

#endif
