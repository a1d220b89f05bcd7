#ifndef KVD_SERVER_LINK_STATE_H
#define KVD_SERVER_LINK_STATE_H

#include <sys/socket.h>

#include "proto/outbuf.h"
#include "server/inbuf.h"
#include "server/link.h"

/* What the files link*.c share, and nobody else sees. */

#define LINK_WHY_MAX	256

enum link_state {			/* drawn in link.c */
	LINK_IDLE, LINK_DIALLING, LINK_GREETING, LINK_UP, LINK_LEAVING
};

/* A question in flight, or about to be: its frame is in link->out. */
struct question {
	void		*who;		/* NULL: forgotten */
	size_t		 len;		/* of its frame */
	bool		 repeatable;
	bool		 repeated;
};

struct link {
	struct links		*all;
	uint32_t		 node;
	enum link_state		 state;
	bool			 proven_down;	/* until it is UP again */
	int			 fd;
	bool			 readable;	/* until EAGAIN */
	bool			 writable;
	bool			 full;		/* somebody waits for room */
	bool			 dirty;		/* has something to send */
	struct handshake	 handshake;
	struct outbuf		 greeting;	/* of the handshake */
	struct inbuf		 in;
	struct outbuf		 out;		/* frames not yet answered */
	size_t			 sent;		/* bytes of out */
	struct question		*ring;		/* oldest first */
	size_t			 cap, first, count;
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
	uint32_t		 count;
	struct link		 link[];	/* one for each node */
};

static inline struct question *
link_question_at(const struct link *link, size_t i)
{
	return &link->ring[(link->first + i) % link->cap];
}

/* link_dial.c: begin to connect; and go on with it. */
void link_dial(struct link *);
void link_go_on_dialling(struct link *);

/* link_io.c: as far as the socket goes. */
void link_read(struct link *);
void link_write(struct link *);

/*
 * link_break.c: this connection has ended.  Questions that were sent fail or
 * are repeated, the others are asked again if the node may be up.
 */
void link_break(struct link *, const char *why);
/* The node cannot be reached: all that waits fails. */
void link_down(struct link *, const char *why);
/* The oldest question is done with. */
void link_take(struct link *, struct question *);

#endif
