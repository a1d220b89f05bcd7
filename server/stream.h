#ifndef KVD_SERVER_STREAM_H
#define KVD_SERVER_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/outbuf.h"
#include "proto/request.h"
#include "server/route.h"
#include "server/store.h"

/*
 * A reply too long to be built in memory: a function that writes the next
 * piece, to be called while there is room, and where it has got to.
 */
struct stream {
	/* Writes a piece of bounded size.  Returns false after the last. */
	bool		(*next)(struct stream *, struct store *,
			    struct outbuf *);	/* NULL: no stream */
	const struct slice *argv;	/* the request's words */
	size_t		 argc;
	struct slice	*kept;		/* argv, if it is ours to free */
	bool		 slow;		/* a piece is work for a turn */
	bool		 begun;		/* something was written */
	size_t		 index;		/* MGET, WHERE: the word whose turn
					 * it is */
	uint32_t	 shard;		/* BUCKETS: where we walk */
	struct scan	 scan;
	struct store	*audited;	/* AUDIT: of whom */
	const struct route *route;	/* WHERE */
	void		*own;		/* of a stream that has more in hand */
	void		(*release)(void *own);	/* at the end; NULL: nothing */
};

/* Begin one for a request, which must live on. */
void stream_begin(struct stream *, const struct request *,
    bool (*next)(struct stream *, struct store *, struct outbuf *));

/* Begin KEYS, BUCKETS or MGET. */
void stream_keys(struct stream *, const struct request *);
void stream_buckets(struct stream *, const struct request *);
void stream_mget(struct stream *, const struct request *);

/* Begin WHERE by this table, which must live on. */
void stream_where(struct stream *, const struct request *,
    const struct route *);

/*
 * Begin AUDIT.  NULL, or why it cannot be done, and then there is no stream.
 */
const char *stream_audit(struct stream *, const struct request *,
    struct store *);

/*
 * For another node: go on at a place, 0 for the beginning, and false if there
 * is no such place; and where the next piece begins.  Of KEYS and MGET, and
 * the same in every worker.
 */
bool stream_set_place(struct stream *, uint64_t place);
uint64_t stream_place(const struct stream *);

/*
 * The request's words (not the bytes they point to) are about to go: copy
 * them.  Returns 0, or -1 when memory ran out.
 */
int stream_keep(struct stream *);

/* End it, finished or not. */
void stream_end(struct stream *);

#endif
