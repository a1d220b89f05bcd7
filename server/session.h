#ifndef KVD_SERVER_SESSION_H
#define KVD_SERVER_SESSION_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "proto/outbuf.h"
#include "proto/request.h"
#include "server/agreed.h"
#include "server/inbuf.h"

/*
 * What a client has agreed with us, and commands may look at and change: its
 * own, and, for those that list clients or end them, all that are connected
 * to the same worker.
 */

/* Which replies are sent. */
enum session_reply {
	SESSION_REPLY,		/* all */
	SESSION_MUTE,		/* none */
	SESSION_SKIP_NEXT,	/* neither this one nor the next */
	SESSION_SKIP		/* not this one */
};

TAILQ_HEAD(session_list, session);

struct sessions {		/* of one worker */
	struct session_list	 all;
	uint64_t		 now_ms;	/* CLOCK_MONOTONIC */
	unsigned		 condemned;	/* that are to be closed */
	struct agreed		*agreed;
	struct channels		*channels;
};

#define SESSION_WORD_MAX	64	/* bytes of a name, NUL included */

struct session {
	enum request_protocol	 protocol;
	uint64_t		 id;		/* from 1; 0: no client's */
	enum session_reply	 reply;
	bool			 condemned;	/* by another client */
	int			 fd;
	uint64_t		 since_ms;
	uint64_t		 active_ms;	/* last request */
	const struct inbuf	*in;
	const struct outbuf	*out;
	const char		*command;	/* that it has sent last, */
	const char		*sub;		/* or NULL */
	char			*name;		/* or NULL */
	struct multi		*multi;		/* or NULL, see redis_multi.h */
	struct listener		*listener;	/* or NULL, see channel.h */
	char			 lib_name[SESSION_WORD_MAX];
	char			 lib_version[SESSION_WORD_MAX];
	struct sessions		*sessions;
	TAILQ_ENTRY(session)	 entry;
};

/* Of a client that has just connected: numbered, and in the list. */
void session_begin(struct session *, struct sessions *);
/* Allowed for one that was not begun. */
void session_end(struct session *);

/* Speak as everybody does at first, RESP2. */
void session_reset(struct session *);

/* "" takes the name away.  False if memory ran out. */
bool session_set_name(struct session *, struct slice name);

/*
 * A request has been executed: are its replies to be kept back?  And on to
 * the next one.
 */
bool session_step(struct session *);

#endif
