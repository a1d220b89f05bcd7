#ifndef KVD_SERVER_CONN_H
#define KVD_SERVER_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "server/command.h"
#include "server/link.h"
#include "server/subscribe.h"

/*
 * The connections of one worker process: from bytes to commands and back.
 * They are registered with the worker's epoll instance, edge-triggered, with
 * the connection's address as its data.
 */
struct conns;
struct conn;

enum conn_kind {
	CONN_CLIENT,
	CONN_NODE		/* the other end of another node's link */
};

/* Everything is kept, not copied.  NULL when memory ran out. */
struct conns *conns_open(const struct command_env *, struct subscriptions *,
    int epoll_fd);
/* The links by which other nodes are asked; before the first connection. */
void conns_set_links(struct conns *, struct links *);
/* Closes every connection, after one attempt to send what waits. */
void conns_close(struct conns *);

/* The time of this turn of the loop, of clock_us(); at each turn. */
void conns_set_time(struct conns *, uint64_t now_us);

/*
 * Serve a socket as accept_next() gives it: non-blocking, and counted on the
 * board already, as BOARD_CLIENTS or BOARD_LINKS.  It is ours from now on,
 * also if that fails.
 */
void conns_add(struct conns *, int fd, enum conn_kind);

/* epoll reported these events for this connection. */
void conns_event(struct conns *, struct conn *, uint32_t events);

/*
 * Give each connection that can go on a turn of bounded length.
 * Returns true if some could go on at once.
 */
bool conns_turn(struct conns *);

/* Send what subscribe_read() wrote, and part with who cannot follow. */
void conns_deliver(struct conns *);

/* Close whoever is idle or does not read; a few times a second. */
void conns_check_deadlines(struct conns *);

/*
 * Answer what has arrived, send what waits, and close, each in its time:
 * conns_count() goes down to 0.
 */
void conns_drain(struct conns *);

/*
 * Go on serving, but part with each client when it has had nothing to ask for
 * a second, and with subscribers at once: others serve them from now on.
 */
void conns_retire(struct conns *);

/* Another routing table holds by now: ask the arena what may be served. */
void conns_fence(struct conns *);

uint64_t conns_count(const struct conns *);

/*
 * What the links tell, as link.h says: the first argument is the set, the
 * second a connection of it.
 */
void conn_answered(void *, void *, const struct frame *);
void conn_failed(void *, void *, enum link_failure, const char *node,
    const char *why);
bool conns_have_room(void *, const struct link *, size_t bytes);

/* Add what was counted since the last call to our slot of the board. */
void conns_publish_counters(struct conns *);

#endif
