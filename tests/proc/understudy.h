#ifndef KVD_TESTS_PROC_UNDERSTUDY_H
#define KVD_TESTS_PROC_UNDERSTUDY_H

#include "tests/proc/peer.h"

/*
 * Two nodes, of which the test plays the second: it is dialled by the first
 * when `client' asks for the bucket milk.
 */
struct understudy {
	struct cluster	 c;
	int		 listen_fd;
	int		 client;	/* of node 0, which has "apples k v" */
	struct peer	 p;		/* its last link to us */
};

void understudy_begin(struct understudy *);
void understudy_end(struct understudy *);

/* Take the next link, which has this request on it. */
void understudy_take(struct understudy *, struct frame *, const char *words);
/* A link that has been of use, with nothing in flight on it. */
void understudy_take_idle(struct understudy *);

/* The client is told so of node 1. */
#define UNDERSTUDY_UNKNOWN	"link lost after the request was sent"
void understudy_expect_error(const struct understudy *, int client,
    const char *class, const char *why);
/* How often the log says this of the link to node 1. */
int understudy_count_log(const struct understudy *, const char *why);
/* Another client of the same worker. */
int understudy_open(const struct understudy *);

#endif
