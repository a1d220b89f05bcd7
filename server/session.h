#ifndef KVD_SERVER_SESSION_H
#define KVD_SERVER_SESSION_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "proto/outbuf.h"
#include "proto/request.h"
#include "server/inbuf.h"
#include "server/roster.h"

/*
 * What a client has agreed with us, and commands may look at and change.  What
 * others may know of it is in the roster as well, for all workers.
 */

/* Which replies are sent. */
enum session_reply {
	SESSION_REPLY,		/* all */
	SESSION_MUTE,		/* none */
	SESSION_SKIP_NEXT,	/* neither this one nor the next */
	SESSION_SKIP		/* not this one */
};

LIST_HEAD(session_list, session);

struct sessions {		/* of one worker */
	struct session_list	 all;
	uint64_t		 now_ms;	/* CLOCK_MONOTONIC */
	struct roster		*roster;
	struct channels		*channels;
	struct tracking		*tracking;
	struct session_list	 news;		/* that have some */
	/* PUBLISH is to be said on all other nodes, too; NULL: none are. */
	void			(*say_elsewhere)(void *arg,
				    const struct request *);
	void			*arg;
};

#define SESSION_WORD_MAX	64	/* bytes of a name, NUL included */

struct session {
	enum request_protocol	 protocol;
	uint64_t		 id;		/* from 1; 0: no client's */
	enum session_reply	 reply;
	uint32_t		 place;		/* in the roster */
	bool			 waits;		/* for the end of a pause */
	bool			 is_stranger;	/* it has to say a password */
	int			 fd;
	uint64_t		 since_ms;
	uint64_t		 active_ms;	/* last request */
	const struct inbuf	*in;
	const struct outbuf	*out;
	const char		*command;	/* that it has sent last, */
	const char		*sub;		/* or NULL */
	const char		*shown_command, *shown_sub;
	char			*name;		/* or NULL */
	struct multi		*multi;		/* or NULL, see redis_multi.h */
	uint64_t		 queued;	/* 0: no MULTI; commands + 1 */
	struct listener		*listener;	/* or NULL, see channel.h */
	uint32_t		 heard[ROSTER_KINDS];
	struct tracker		*tracker;	/* or NULL, see tracking.h */
	unsigned		 followed;	/* told instead of so many */
	struct outbuf		 news;		/* to be sent between two
						 * replies */
	bool			 has_news;	/* that are newer */
	LIST_ENTRY(session)	 next_news;
	char			 lib_name[SESSION_WORD_MAX];
	char			 lib_version[SESSION_WORD_MAX];
	struct sessions		*sessions;
	LIST_ENTRY(session)	 entry;
};

/*
 * Of a client that has just connected: numbered, and in the roster.  False if
 * that has no room.
 */
bool session_begin(struct session *, struct sessions *);
/* Allowed for one that was not begun. */
void session_end(struct session *);

/* The other end of its socket, as Redis writes it; also of one of a node. */
void session_address(const struct session *, char *, size_t);

/*
 * Show others what has changed: before answers are sent, and before anybody
 * asks about it in the midst of a turn.  What it takes of memory changes when
 * they are; its name and those of its library hardly ever.  All of these are
 * allowed for one that was not begun.
 */
void session_show(struct session *);
void session_show_sizes(struct session *);
void session_show_names(struct session *);

/* Something was added to its news; and who is to look at theirs, each once. */
void session_has_news(struct session *);
struct session *session_next_news(struct sessions *);

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
