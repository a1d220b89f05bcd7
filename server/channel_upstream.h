#ifndef KVD_SERVER_CHANNEL_UPSTREAM_H
#define KVD_SERVER_CHANNEL_UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "server/channel.h"

/*
 * Events of other nodes: for each channel or pattern that somebody of this
 * worker listens to, one stream from each node that may have events for it,
 * however many listen.
 */
struct upstreams;
struct upstream;

/* There are none before the links are set.  NULL when memory ran out. */
struct upstreams *upstreams_open(struct channels *);
void upstreams_close(struct upstreams *);
void upstreams_set_links(struct upstreams *, struct links *,
    const struct route *);

/*
 * One more listens.  *upstream is NULL if all events that there may be are our
 * own.  False if memory ran out.
 */
bool upstream_join(struct upstreams *, enum channel_kind, struct slice,
    uint64_t now_ms, struct upstream **);
/* NULL is allowed. */
void upstream_leave(struct upstream *);

/* Have all nodes begun to tell, or was long enough waited for those that have
 * not? */
bool upstream_stands(const struct upstream *);

/* What is due; some times a second. */
void upstreams_tick(struct upstreams *, uint64_t now_ms);

#endif
