#ifndef KVD_SERVER_SUBSCRIBE_H
#define KVD_SERVER_SUBSCRIBE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/outbuf.h"
#include "proto/request.h"
#include "server/store.h"

/*
 * The subscriptions of one worker process.  Subscribers are embedded in
 * whatever they stand for; events are written to their outbuf.
 */
enum subscriber_state {
	SUBSCRIBER_OFF,
	SUBSCRIBER_ON,
	SUBSCRIBER_DROPPED,	/* its bucket is gone, it has been told */
	SUBSCRIBER_LOST		/* it missed events: the cleaner was faster */
};

struct subscriber {
	enum subscriber_state	 state;
	struct outbuf		*out;
	uint64_t		 bucket_id;
	uint64_t		 from_revision;	/* what is older is not ours */
	uint32_t		 shard;
	bool			 touched;	/* is on the list of these */
	bool			 of_node;	/* its owner's: what it is in */
	struct subscriber	*next_touched;
	struct subscriber	*next, **link;	/* others with this hash */
};

struct subscriptions;

/*
 * watcher: our number in the arena, see shm/feed.h; marks that a dead
 * predecessor left under it are cleared.  NULL when memory ran out.
 */
struct subscriptions *subscribe_open(struct arena *, unsigned watcher);
void subscribe_close(struct subscriptions *);

/*
 * Events of a bucket that happen from now on go to out.  SHM_OK, or
 * SHM_NO_BUCKET and the like and nothing is changed.
 */
enum shm_status subscribe_add(struct subscriptions *, struct subscriber *,
    struct store *, struct slice bucket, struct outbuf *out);
/* Allowed in any state. */
void subscribe_remove(struct subscriptions *, struct subscriber *);

/*
 * Watch a shard for somebody who is told all of its events, or NULL when some
 * are gone, by the function that was given; and do so no more.
 */
void subscribe_listen(struct subscriptions *, void (*hear)(void *,
    uint32_t shard, const struct feed_event *), void *arg);
void subscribe_join(struct subscriptions *, uint32_t shard);
void subscribe_leave(struct subscriptions *, uint32_t shard);

/*
 * Read what the watched shards have to tell, a bounded piece of it.
 * Returns true if there is more to read at once.  *events grows by how many
 * events were written to subscribers.
 */
bool subscribe_read(struct subscriptions *, uint64_t *events);

/*
 * The next subscriber that the last readings wrote to or ended; NULL after
 * the last.  Each is taken once.
 */
struct subscriber *subscribe_next_touched(struct subscriptions *);

#endif
