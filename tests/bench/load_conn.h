#ifndef KVD_TESTS_BENCH_LOAD_CONN_H
#define KVD_TESTS_BENCH_LOAD_CONN_H

#include "tests/bench/load_options.h"

/*
 * Connections: requests go out, and each reply is compared with what its
 * request must get.  A connection that breaks, and a reply that is none, end
 * the program: nothing that follows would mean anything.
 */
struct load_conn {
	int			 fd;
	struct load_buffer	 out;
	struct load_buffer	 in;
	struct load_request	*ring;		/* of depth: on their way */
	uint64_t		 asked;
	uint64_t		 answered;
	uint64_t		 backlog;	/* due, and not asked yet */
	uint64_t		 taken;		/* from the schedule, of all */
	bool			 wants_out;
};

/*
 * Connect, in the loop of epoll_fd; a server that is still starting is given
 * five seconds.  Until load_conn_close() the connection must not move.
 */
void load_conn_open(struct load_conn *, const struct load_options *,
    int epoll_fd);
void load_conn_close(struct load_conn *);

/* How many are on their way. */
size_t load_conn_pending(const struct load_conn *);

/* Add a request; there must be less than depth on their way. */
void load_conn_ask(struct load_conn *, const struct load_options *,
    const struct load_values *, const struct load_request *);

/* Give the kernel what there is. */
void load_conn_flush(struct load_conn *, int epoll_fd);

/* Read what has come, once. */
void load_conn_read(struct load_conn *);

/*
 * The next request that has its whole reply, or NULL; it stays good until the
 * next load_conn_ask().
 */
const struct load_request *load_conn_next(struct load_conn *,
    const struct load_options *, struct load_reply *);

#endif
