#ifndef KVD_SERVER_LINK_STATE_H
#define KVD_SERVER_LINK_STATE_H

#include <netdb.h>

#include "proto/outbuf.h"
#include "server/inbuf.h"
#include "server/link.h"

/* What the files link*.c share, and nobody else sees. */

/* A reason that was cut off would be another one each time, and logged. */
#define LINK_WHY_MAX	HANDSHAKE_WHY_MAX

#define LINK_TOO_LONG	"takes no request as long as this"

enum link_state {			/* drawn in link.c */
	LINK_IDLE, LINK_DIALLING, LINK_GREETING, LINK_UP, LINK_LEAVING
};

enum link_feed_state { LINK_FEED_ASKED, LINK_FEED_FOLLOWING, LINK_FEED_BROKEN };

struct link_feed {			/* drawn in link_feed.c */
	struct link	*link;
	enum link_feed_state	 state;
	enum link_feed_kind	 kind;
	bool		 is_asked;	/* a question for it is in the ring */
	uint32_t	 id;		/* of that question, once answered */
	uint32_t	 shard;
	struct follower	*followers;
	struct link_feed	*next;
	size_t		 len;
	uint8_t		 name[];
};

/* A question in flight, or about to be: its frame is in link->out. */
struct question {
	void		*who;		/* NULL: forgotten, or none of these */
	struct link_feed	*feed;		/* it is to begin, or NULL */
	bool		 silent;	/* nobody answers: a CANCEL */
	bool		 piece;		/* of a list, from ... */
	uint64_t	 place;
	bool		 ping;
	size_t		 len;		/* of its frame */
	bool		 repeatable;
	bool		 repeated;
};

struct link {
	struct links		*all;
	uint32_t		 node;
	enum link_state		 state;
	bool			 proven_down;	/* until it is UP again */
	bool			 has_answered;	/* since it is UP */
	struct addrinfo		*addresses;	/* NULL: not known */
	const struct addrinfo	*address;	/* the one in use, or next */
	const struct addrinfo	*tried_first;	/* of those, this time */
	int			 fd;
	bool			 readable;	/* until EAGAIN */
	bool			 writable;
	bool			 full;		/* others wait for room */
	bool			 dirty;		/* has something to send */
	struct handshake	 handshake;
	struct outbuf		 greeting;	/* of the handshake */
	struct inbuf		 in;
	struct outbuf		 out;		/* frames not yet answered */
	size_t			 sent;		/* bytes of out */
	bool			 answering;	/* the rest is to come of: */
	struct outbuf		 answer;
	struct link_feed		*feeds;
	struct question		*ring;		/* oldest first */
	size_t			 cap;		/* of it, a power of two */
	size_t			 first, count;
	uint32_t		 first_id;	/* of ring[first] */
	uint64_t		 heard_ms;	/* from it, or asked anew */
	uint64_t		 limit_ms;	/* of a dial and a greeting */
	uint64_t		 retry_ms;	/* when it is tried again */
	uint64_t		 backoff_ms;
	char			 why[LINK_WHY_MAX];	/* it is down */
};

struct links {
	const struct inherit	*inherit;
	const struct route	*route;
	struct link_listener	 listener;
	int			 epoll_fd;
	uint64_t		 now_ms;
	struct handshake_self	 self;
	size_t			 in_max;	/* longest frame */
	struct inbuf_pool	 pool;
	struct request		 req;		/* to ask for feeds */
	uint32_t		 count;
	struct link		 link[];	/* one for each node */
};

static inline struct question *
link_question_at(const struct link *link, size_t i)
{
	return &link->ring[(link->first + i) & (link->cap - 1)];
}

/*
 * link_answer.c: is that frame the answer to the oldest question, or may it be
 * a part of it?  Keep such a part; false if it makes the answer too long.
 * Or put the last part, *frame, behind the others; *frame is all of it then,
 * until link_forget_answer().
 */
bool link_is_answer(const struct link *, const struct frame *);
bool link_keep_part(struct link *, const struct frame *);
bool link_complete_answer(struct link *, struct frame *);
void link_forget_answer(struct link *);

/*
 * link_push.c: put a question behind the others, whoever wants the answer;
 * false if memory ran out.  Nothing is sent yet, and nobody dials.
 */
bool link_push_request(struct link *, const struct link_question *,
    struct link_feed *);
/* Room for so many bytes, or false, and the buffer is as it was: nothing is
 * missing in it, so that it goes on. */
bool link_reserve(struct outbuf *, size_t);
/* Of the feed with that id; and a question that any node can answer. */
void link_push_cancel(struct link *, uint32_t id);
void link_push_ping(struct link *);
/* The oldest question is done with. */
void link_take(struct link *, struct question *);

/* link_feed.c: what concerns a feed, or all of a link. */
void link_feed_answered(struct link_feed *, const struct frame *);
void link_feed_failed(struct link_feed *, const char *why);
bool link_feed_event(struct link *, const struct frame *);
void link_feeds_break(struct link *);
void link_feeds_ask(struct link *);
void link_feeds_free(struct link *);

/*
 * link_dial.c: find its addresses; begin to connect; go on with it; or with
 * another address, until all have been tried and the node is down.
 */
void link_look_up(struct link *);
void link_dial(struct link *);
void link_go_on_dialling(struct link *);
void link_dial_next(struct link *, const char *why);
/* What is at this address is not what is looked for. */
void link_prefer_next(struct link *);

/* link_io.c: as far as the socket goes; reading, a bounded piece of it. */
void link_read(struct link *);
void link_write(struct link *);

/*
 * link_break.c: this connection has ended.  Questions that were sent fail or
 * are repeated, the others are asked again if the node may be up.
 */
void link_break(struct link *, const char *why);
/*
 * The node has said how long a frame it takes: what was asked before that and
 * is longer fails here.  Sent, it would break the link, and nobody would know
 * what became of all the others.
 */
void link_refuse_long(struct link *);
/* The node cannot be reached: all that waits fails. */
void link_down(struct link *, const char *why);
/* Close the socket, and no more. */
void link_hang_up(struct link *);

#endif
