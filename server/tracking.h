#ifndef KVD_SERVER_TRACKING_H
#define KVD_SERVER_TRACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/config.h"
#include "server/session.h"
#include "server/subscribe.h"

/*
 * Clients that keep what they have read, and are told when it is not true any
 * more: all those of one worker.  A name is that of a string or a bucket.
 *
 * What is to be sent to a session waits in session->news.
 */
struct tracking;
struct tracker;

/* What it has to do with; config is looked at each time. */
struct tracking_peers {
	struct arena		*arena;
	struct subscriptions	*subs;
	struct channels		*channels;
	const struct config	*config;
	const struct agreed	*agreed;
	unsigned		 slot;		/* ours on the board */
};

/* NULL when memory ran out.  What the peers are is kept, not copied. */
struct tracking *tracking_open(const struct tracking_peers *);
/* When all sessions have ended. */
void tracking_close(struct tracking *);

enum tracking_choice {		/* which reads are remembered */
	TRACKING_ALL,
	TRACKING_OPTIN,		/* those behind CLIENT CACHING YES */
	TRACKING_OPTOUT		/* all but those behind CLIENT CACHING NO */
};

struct tracking_mode {
	bool			 bcast;		/* all names with a prefix */
	bool			 noloop;	/* not its own changes */
	enum tracking_choice	 choice;
};

/* --- of one session, which may have no tracker --- */

/*
 * Begin, or go on in that mode, which is of the same kind; other, which may
 * be the session itself, is told instead of it, unless NULL.  False if memory
 * ran out, and nothing has changed.
 */
bool tracking_begin(struct session *, const struct tracking_mode *,
    struct session *other);
void tracking_end(struct session *);

/* With bcast: this one too.  False if memory ran out. */
bool tracking_add_prefix(struct session *, struct slice);
/* They are in order; NULL after the last. */
const struct slice *tracking_prefix(const struct session *, size_t i);

/* NULL if it has none. */
const struct tracking_mode *tracking_mode(const struct session *);
/* The number of who is told instead, 0: nobody; *lost: it has gone. */
uint64_t tracking_redirect(const struct session *, bool *lost);

/* The next request is, or is not, as the mode would have it. */
void tracking_except(struct session *, bool);
bool tracking_is_excepted(const struct session *);

/* Is what the session reads remembered? */
bool tracking_wants(const struct session *);
/* It is about to read what has that name; before it does. */
void tracking_read(struct session *, struct slice name);
/* It has changed this; *changes is empty afterwards. */
void tracking_own(struct session *, struct store_changes *changes);

/* It has come to its end: nobody is told by it or instead of it. */
void tracking_forget(struct session *);

/* --- what happens to the store --- */

/* In a shard; NULL: some of it is gone, and nobody knows what. */
void tracking_event(struct tracking *, uint32_t shard,
    const struct feed_event *);
/* To a name; this is called for those that channels_follow() has asked for. */
void tracking_changed(struct tracking *, uint32_t shard, uint64_t revision,
    struct slice name);

/* All that was found out is told: at the end of each reading of feeds. */
void tracking_tell(struct tracking *);

#endif
