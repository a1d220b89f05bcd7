#ifndef KVD_SERVER_REDIS_TRACKING_H
#define KVD_SERVER_REDIS_TRACKING_H

#include <stdbool.h>

#include "server/redis.h"

/* Run a command that was found, of a session that has a tracker. */
void redis_run_tracked(struct call *);

/*
 * Remember what the session is about to read by a request, which call->req
 * leads to, if that is wanted of it; sure: even if it is an exception.
 */
void redis_note_reading(struct call *, const struct request *, bool sure);

#endif
