#ifndef KVD_SERVER_KEYSPACE_H
#define KVD_SERVER_KEYSPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/request.h"
#include "server/channel.h"
#include "shm/feed.h"

/*
 * Changes of the store as messages on channels, named like those of Redis:
 *
 *	__keyspace@0__:NAME	  the event, such as "hset"
 *	__keyevent@0__:EVENT	  the name
 *	__subkeyspace@0__:NAME	  the event and the field, "hset|4:milk"
 *	__kvd__:NAME		  "17 set 4:milk 1:2": revision, operation,
 *				  field and value, each behind its length
 *
 * Records tell the bucket by a number; so what the names are of all buckets of
 * a shard that somebody listens to is remembered here.
 */
struct keyspace;

struct keyspace *keyspace_open(struct arena *, struct channels *);
void keyspace_close(struct keyspace *);

/*
 * Of which names events are told on a channel, or on any that matches: none,
 * one, which is told, or all.
 */
enum keyspace_scope { KEYSPACE_NONE, KEYSPACE_ONE, KEYSPACE_ALL };
enum keyspace_scope keyspace_scope(enum channel_kind, struct slice,
    struct slice *subject);

/* Begin to remember the names of a shard, whose feed was opened; and end. */
bool keyspace_learn(struct keyspace *, uint32_t shard);
void keyspace_unlearn(struct keyspace *, uint32_t shard);

void keyspace_event(struct keyspace *, uint32_t shard,
    const struct feed_event *);

#endif
