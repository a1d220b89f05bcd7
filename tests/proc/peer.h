#ifndef KVD_TESTS_PROC_PEER_H
#define KVD_TESTS_PROC_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/frame.h"
#include "tests/proc/cluster.h"

/*
 * The other end of a link, in the hands of a test: it greets as a node of the
 * cluster does, and then says what no node would.  Every wait ends, as those
 * of talk.h do.
 */
struct peer {
	int			 fd;
	struct frame_table	 table;		/* all nodes' */
	uint8_t			*in;		/* what has come */
	size_t			 len;
	size_t			 used;		/* of it, by the last frame */
};

/*
 * Be node `as', which is not started: take the next link that comes to this
 * socket (see cluster_listen()).
 */
void peer_accept(struct peer *, const struct cluster *, int listen_fd,
    size_t as);
/*
 * Be node `as' and dial node `to'.  Which table they have is found out with a
 * wrong one; so the log of that node tells of one link that was closed.
 */
void peer_dial(struct peer *, const struct cluster *, size_t as, size_t to);
/* The same with a table that is known already, and no such line. */
void peer_dial_again(struct peer *, const struct cluster *, size_t as,
    size_t to, const struct frame_table *);
void peer_close(struct peer *);

/* The next frame; false at the end.  Its payload lasts until the next call. */
bool peer_next(struct peer *, struct frame *);
/* It is a REQUEST of these words, as joined by blanks. */
void peer_expect_request(struct peer *, struct frame *, const char *words);
/* It has this operation, and this payload. */
void peer_expect(struct peer *, enum frame_op, const char *payload);
/* No frame comes any more, and the other side has closed. */
void peer_expect_end(struct peer *);

/* A frame of these, and what else its operation must have. */
struct frame peer_frame(const struct peer *, enum frame_op, uint32_t id,
    const char *payload);
void peer_send(const struct peer *, const struct frame *);
/* The same as bytes, which the caller frees; *len of them. */
uint8_t *peer_bytes(const struct frame *, size_t *len);
/* Answer a REQUEST with this text. */
void peer_reply(const struct peer *, const struct frame *, const char *text);
/* Make a REQUEST's payload of these words, put by blanks; static storage. */
struct slice peer_words(const char *words);

#endif
