#ifndef KVD_SERVER_LINK_H
#define KVD_SERVER_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/frame.h"
#include "proto/handshake.h"
#include "proto/request.h"
#include "server/role.h"
#include "server/route.h"

/*
 * A worker's links to the other nodes, one for each, opened when something is
 * first asked of it.  Requests of all clients share it, many at a time, and
 * are answered in the order in which they were asked.
 *
 * Nothing here waits: a node that is known to be down is so at once, and is
 * tried again in the background.
 */
struct links;
struct link;

/* What has become of a request that was not answered. */
enum link_failure {
	LINK_UNAVAILABLE,	/* it was not executed, and may be repeated */
	LINK_UNKNOWN		/* it may have been executed, or not */
};

/* Of a feed that somebody follows. */
enum link_news {
	LINK_NEWS_BEGUN,
	LINK_NEWS_EVENT,	/* the text is for the client */
	LINK_NEWS_ENDED,	/* likewise; and that was all */
	LINK_NEWS_REFUSED,	/* it has not begun, the text says why */
	LINK_NEWS_LOST,		/* the link broke, events are missed */
	LINK_NEWS_RESUMED	/* and here they are again */
};

/*
 * What a link tells who asked.  None of these may ask again at once, nor
 * forget a link's questions but by link_forget().
 */
struct link_listener {
	/* The answer to the oldest question of `who': a FRAME_REPLY. */
	void	(*answered)(void *arg, void *who, const struct frame *);
	void	(*failed)(void *arg, void *who, enum link_failure,
		    const char *node, const char *why);
	/*
	 * A link that was full takes questions again, so many bytes of them:
	 * whoever has waited the longest may ask.  True if others wait on.
	 */
	bool	(*has_room)(void *arg, const struct link *, size_t bytes);
	void	*arg;
};

/*
 * The links of a worker, none of which is open.  All is kept, not copied.
 * NULL when memory ran out.
 */
struct links *links_open(const struct inherit *, const struct route *,
    const struct link_listener *, int epoll_fd);
void links_close(struct links *);

/* What this node says of itself when it meets another. */
const struct handshake_self *links_self(const struct links *);

/* The link to a node, which is not this one. */
struct link *links_to(struct links *, uint32_t node);
/* Is this the data of an event of a link?  Then it is taken care of. */
bool links_event(struct links *, void *data, uint32_t events);
/* The time of this turn of the loop, CLOCK_MONOTONIC ms; at each turn. */
void links_set_time(struct links *, uint64_t now_ms);
/* What is due; some times a second. */
void links_tick(struct links *);
/*
 * Send what was asked in this turn of the loop, one write(2) for each, and
 * read on where an event's piece was not enough, and tell who waits for room.
 * Returns true if there is more to do at once.
 */
bool links_turn(struct links *);

enum link_answer {
	LINK_ASKED,		/* who will be told */
	LINK_FULL,		/* not now: wait for has_room(), in line */
	LINK_DOWN		/* `failed' was called */
};

struct link_question {
	void			*who;		/* NULL: nobody waits for it */
	const struct request	*req;
	uint32_t		 shard;		/* or FRAME_NO_SHARD */
	bool			 piece;		/* of a list, from ... */
	uint64_t		 place;
	bool			 repeatable;	/* it changes nothing */
	bool			 waited;	/* its turn has come */
};

/* Ask.  The request is copied. */
enum link_answer link_ask(struct link *, const struct link_question *);
/* Whatever comes for `who' is for nobody any more. */
void link_forget(struct link *, const void *who);

struct link_feed;

/*
 * Somebody who follows a feed, embedded in whatever it is.  It is told of what
 * becomes of that by news(arg, who, ..), which may not follow again at once.
 */
struct follower {
	void		(*news)(void *arg, void *who, enum link_news,
			    const char *node, struct slice text);
	void		*arg;
	void		*who;
	struct link_feed	*feed;		/* NULL: none */
	struct follower	*next;
};

/* What is followed: a bucket; or events on a channel, or those that match. */
enum link_feed_kind { LINK_BUCKET, LINK_CHANNEL, LINK_PATTERN };

/*
 * Follow what happens in a bucket of that node, or what it tells on a channel.
 * BEGUN or REFUSED comes first, perhaps at once; after ENDED or REFUSED
 * nothing is followed.  The text of an EVENT is for the client if it is of a
 * bucket; otherwise it is the payload of a frame with two words, channel and
 * message.  shard: FRAME_NO_SHARD but for a bucket.
 */
void link_follow(struct link *, struct follower *, enum link_feed_kind,
    struct slice name, uint32_t shard);
/* Allowed at any time. */
void link_unfollow(struct follower *);

#endif
