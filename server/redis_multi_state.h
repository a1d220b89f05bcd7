#ifndef KVD_SERVER_REDIS_MULTI_STATE_H
#define KVD_SERVER_REDIS_MULTI_STATE_H

#include <sys/queue.h>

#include "server/redis.h"
#include "server/redis_multi.h"

/* What the files of transactions share, and nobody else sees. */

#define MULTI_BYTES	((size_t)16 * 1024 * 1024)	/* of each list */
#define MULTI_SPLIT	"Keys in request don't hash to the same slot"

struct queued {
	TAILQ_ENTRY(queued)	 next;
	bool			 has_keys;
	size_t			 put_off;	/* where its answer goes */
	size_t			 argc;
	struct slice		 argv[];	/* the words' bytes follow */
};

struct watched {
	TAILQ_ENTRY(watched)	 next;
	uint64_t		 stamp;
	struct slice		 name;		/* its bytes follow */
};

struct multi {
	bool			 open;
	bool			 spoilt;
	size_t			 bytes;
	size_t			 count;
	size_t			 n_keyed;	/* of those, with keys */
	bool			 changes;	/* one of those does */
	uint64_t		 fingerprint;
	TAILQ_HEAD(, queued)	 queue;
	size_t			 n_watched;
	size_t			 watched_bytes;
	TAILQ_HEAD(, watched)	 watched;
	bool			 is_answered;	/* by another node: */
	uint8_t			*answer;
	size_t			 answer_len;
};

/* redis_multi.c: one of nothing, or NULL; the caller frees it. */
struct multi *multi_new(void);
/* The session's, made if need be; NULL, and an error is the answer. */
struct multi *multi_of(struct call *);
/* Copies the words; false if they are too many, or without memory. */
bool multi_add(struct multi *, const struct request *);
/* The words of one that is queued, as a request in this protocol. */
void multi_take_queued(struct request *, const struct queued *,
    enum request_protocol);
/* The answer of another node, of so many bytes, was used. */
void multi_forget_answer(struct multi *);

/*
 * redis_watch.c: what a name is at, 0 if there is none.  Of the same name in
 * the life of an arena, it never comes again; nor, most likely, in another
 * one's.
 */
uint64_t watch_stamp(const struct command_env *, struct slice name);
/* False if they are too many, or without memory. */
bool watch_add(struct multi *, struct slice name, uint64_t stamp);
/* Is everything still what it was? */
bool watch_holds(const struct command_env *, const struct multi *);

#endif
