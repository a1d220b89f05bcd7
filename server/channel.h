#ifndef KVD_SERVER_CHANNEL_H
#define KVD_SERVER_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/link.h"
#include "server/route.h"
#include "server/session.h"
#include "server/subscribe.h"

/*
 * Channels that clients listen to in the protocol of Redis, by name or by
 * pattern, all those of one worker.  Messages are written to the clients'
 * output: what is said on the channel, and if its name begins like one of
 * keyspace.h, the events of the store as well.
 */
struct channels;

/*
 * NULL when memory ran out.  slot: ours on the board; what is listened to is
 * in the roster as well.
 */
struct channels *channels_open(struct arena *, struct subscriptions *,
    unsigned slot, struct roster *);
void channels_close(struct channels *);

enum channel_kind {
	CHANNEL_NAME = ROSTER_NAME, CHANNEL_PATTERN = ROSTER_PATTERN
};

/*
 * A session listens, to what it does not listen to yet, and its messages go to
 * that output.  False if memory ran out, the pattern is too long, or the roster
 * has no room.
 */
bool channel_add(struct session *, enum channel_kind, struct slice name,
    struct outbuf *);
/* Allowed for one that it does not listen to. */
void channel_remove(struct session *, enum channel_kind, struct slice name);
/* All of them, at its end for example. */
void channels_forget(struct session *);

/*
 * Who keeps what it has read, see tracking.h: it hears of all events, before
 * anything can be listened to.  It may ask for the names of all shards, each
 * of which it hears from the revision on that is returned for it; NULL if
 * memory ran out.
 */
void channels_set_tracking(struct channels *, struct tracking *);
uint64_t *channels_follow(struct channels *);
void channels_unfollow(struct channels *, uint64_t *since);
/* That revision of a shard has changed what has that name. */
void channels_changed(struct channels *, uint32_t shard, uint64_t revision,
    struct slice name);

/* How many; and one of them, false if there is none. */
size_t channels_count(const struct session *);
bool channel_any(const struct session *, enum channel_kind, struct slice *);

/*
 * Is anything that it listens to about to begin on other nodes?  Until that is
 * so, or a moment has passed, it is not to be told that it listens.
 */
bool channels_wait(const struct session *);

/*
 * A message that the store has caused by that revision of a shard, for all who
 * listened then.
 */
void channels_tell(struct channels *, uint32_t shard, uint64_t revision,
    struct slice channel, struct slice message);

/*
 * A node listens to the events of our names: each is told to a function, as
 * channel and message, and it is told NULL when some are gone.  NULL if memory
 * ran out or the pattern is too long.
 */
struct listener *channel_add_node(struct channels *, enum channel_kind,
    struct slice name, void (*hear)(void *arg, const struct slice *words),
    void *arg);
void channel_remove_node(struct channels *, struct listener *);

/* Other nodes are listened to by these; kept, not copied. */
void channels_set_links(struct channels *, struct links *,
    const struct route *);
/* What is due; some times a second. */
void channels_tick(struct channels *, uint64_t now_ms);

struct upstream;

/* For channel_upstream.c: what other nodes tell, and that all of them do. */
void channels_tell_upstream(struct channels *, const struct upstream *,
    struct slice channel, struct slice message);
void channels_stand(struct channels *, const struct upstream *);

/*
 * The next session that was written to, that need not wait any more, or that
 * has lost events of the store; NULL after the last.  Each is taken once.
 */
struct session *channels_next_touched(struct channels *, bool *lost);

#endif
