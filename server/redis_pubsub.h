#ifndef KVD_SERVER_REDIS_PUBSUB_H
#define KVD_SERVER_REDIS_PUBSUB_H

#include <stdbool.h>

#include "server/command.h"

/* Does the session listen in RESP2, where it may say little? */
bool pubsub_is_mute(const struct call *);

/* May it say this?  If not, that is the answer. */
bool pubsub_allows(struct call *);

/*
 * PUBLISH, on this node.  *heard: by how many.  False, and the error is the
 * answer, if it cannot be said.
 */
bool pubsub_say(struct call *, uint64_t *heard);

#endif
