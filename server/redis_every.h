#ifndef KVD_SERVER_REDIS_EVERY_H
#define KVD_SERVER_REDIS_EVERY_H

#include <stdint.h>

#include "server/redis.h"

/*
 * Commands that are about no single key, where there are several nodes.
 *
 * Of the kind EVERY each node has its part, and who was asked makes one answer
 * of them (conn_split.c).  A part comes in pieces, from *place on, 0 at first;
 * *place is then where the next one begins, a larger one, or 0 after the last.
 * Nobody else is served meanwhile, so each is bounded.  An error is the last.
 *
 *	KEYS, BUCKETS		names as items, without the head of their list
 *	DBSIZE			an integer
 *	FLUSHALL, FLUSHDB	nothing
 *	RANDOMKEY		an integer, how likely it is to be a name of
 *				this node; and one as an item, or null
 */
void redis_run_every(struct call *, uint64_t *place);

/*
 * Of the kind AT one node has all that is asked for; which one tells a number
 * in the request.  It is this one if that makes no sense.
 */
uint32_t redis_node_at(const struct request *, const struct route *);

/* The same of each of them. */
uint32_t redis_scan_node(const struct request *, const struct route *);
uint32_t redis_slot_node(const struct request *, const struct route *);

/* --- the parts, each in the file of its command --- */

void every_names(struct call *, uint64_t *place);
void every_count(struct call *, uint64_t *place);
void every_flush(struct call *, uint64_t *place);
void every_random(struct call *, uint64_t *place);

#endif
