#ifndef KVD_SERVER_CHANNEL_STATE_H
#define KVD_SERVER_CHANNEL_STATE_H

#include <sys/queue.h>

#include <string.h>

#include "server/channel.h"
#include "server/keyspace.h"

/* What the files channel*.c share, and nobody else sees. */

#define CHANNEL_HASH	1024U		/* a power of two */
#define NAME_PLACES	2U		/* for messages, and for events */

struct place {			/* a shard whose feed is listened to */
	uint32_t		 shard;
	bool			 of_events;	/* not for messages alone */
	uint64_t		 since;		/* revision expected next */
};

struct hearing {		/* of one listener, one channel or pattern */
	TAILQ_ENTRY(hearing)	 of_listener;
	TAILQ_ENTRY(hearing)	 of_all;	/* with this hash */
	struct listener		*listener;
	struct glob		*glob;		/* NULL: a name */
	struct upstream		*upstream;	/* or NULL */
	bool			 waits;		/* for it to stand */
	struct place		*places;
	uint32_t		 n_places;	/* NAME_PLACES, or all */
	size_t			 len;
	uint8_t			 name[];
};

TAILQ_HEAD(hearings, hearing);

struct listener {
	struct session		*session;	/* or NULL: a node, to whom */
	void			(*hear)(void *arg, const struct slice *words);
	void			*arg;		/* ... this tells */
	struct outbuf		*out;
	size_t			 waits;		/* hearings that do */
	struct hearings		 hearings[2];	/* names, patterns */
	size_t			 count;
	bool			 touched;
	bool			 lost;
	TAILQ_ENTRY(listener)	 next_touched;
};

struct channels {
	struct arena		*arena;
	struct subscriptions	*subs;
	struct roster		*roster;
	unsigned		 slot;
	uint32_t		 shards;
	uint64_t		*heard;		/* by shard: places of_events */
	struct keyspace		*keyspace;
	struct tracking		*tracking;	/* is told all, too */
	struct upstreams	*upstreams;
	uint64_t		 seed[2];	/* names are clients' choice */
	struct hearings		 names[CHANNEL_HASH];
	struct hearings		 patterns;
	TAILQ_HEAD(, listener)	 touched;
};

/* Those with the hash of that name. */
struct hearings *channel_chain(struct channels *, struct slice name);

static inline bool
hearing_is_named(const struct hearing *h, struct slice name)
{
	return h->len == name.len &&
	    (name.len == 0 || memcmp(h->name, name.data, name.len) == 0);
}

/* A node's: it is not told what clients have said, and counts for nobody. */
static inline bool
hearing_is_of_node(const struct hearing *h)
{
	return h->listener->hear != NULL;
}

/*
 * channel_place.c: listen where that name, or pattern, of that hearing may be
 * told of, from now on; false without memory, and nowhere.  And no more.
 */
bool hearing_join(struct channels *, enum channel_kind, struct hearing *);
void hearing_leave(struct channels *, struct hearing *);
/* In that shard?  NULL: it does not. */
const struct place *hearing_place(const struct hearing *, uint32_t shard);

/*
 * channel_tell.c: what the feed of a shard has; NULL: some of it is gone.  arg
 * is the channels.
 */
void channels_hear(void *arg, uint32_t shard, const struct feed_event *);
/* It waits for no upstream any more. */
void hearing_end_wait(struct hearing *);

#endif
