#ifndef KVD_SERVER_REDIS_PUBSUB_H
#define KVD_SERVER_REDIS_PUBSUB_H

#include <stdbool.h>

#include "server/command.h"

/* Does the session listen in RESP2, where it may say little? */
bool pubsub_is_mute(const struct call *);

/* May it say this?  If not, that is the answer. */
bool pubsub_allows(struct call *);

#endif
