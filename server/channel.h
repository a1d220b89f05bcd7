#ifndef KVD_SERVER_CHANNEL_H
#define KVD_SERVER_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* How many; and one of them, false if there is none. */
size_t channels_count(const struct session *);
bool channel_any(const struct session *, enum channel_kind, struct slice *);

/* How many of them hear what is said on a channel. */
size_t channel_receivers(struct channels *, struct slice name);

/*
 * A message that the store has caused by that revision of a shard, for all who
 * listened then.
 */
void channels_tell(struct channels *, uint32_t shard, uint64_t revision,
    struct slice channel, struct slice message);

/*
 * The next session that was written to, or lost events of the store; NULL
 * after the last.  Each is taken once.
 */
struct session *channels_next_touched(struct channels *, bool *lost);

#endif
