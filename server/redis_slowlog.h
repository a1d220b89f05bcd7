#ifndef KVD_SERVER_REDIS_SLOWLOG_H
#define KVD_SERVER_REDIS_SLOWLOG_H

#include "server/agreed.h"
#include "server/command.h"
#include "server/session.h"

/*
 * The settings of Redis for requests that are slow, as they are now: from how
 * many microseconds on one is, -1: none is; and how many are told about.  See
 * redis_config.def.
 */
int64_t redis_slower_than(const struct agreed *);
int64_t redis_slow_len(const struct agreed *);

/*
 * The request of a call has taken so long: note it for SLOWLOG.  The session
 * may be one of a node.
 */
void redis_note_slow(const struct call *, const struct session *,
    uint64_t took_us);

#endif
