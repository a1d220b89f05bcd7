#ifndef KVD_SERVER_ACCEPT_H
#define KVD_SERVER_ACCEPT_H

#include "server/command.h"
#include "shm/board.h"

/*
 * Connections to our address for peers that are none of theirs, or not yet:
 * so many for each worker.
 */
#define ACCEPT_STRANGERS_MAX	128U

/* Taking clients from the listening sockets, which all workers share. */
struct acceptor {
	const struct command_env *env;
	int			 epoll_fd;
	int			 spare_fd;	/* given up to refuse a client
						 * when descriptors run out */
	uint64_t		 warned_ms;	/* that they ran out */
};

/* Returns 0, or -1 with errno. */
int accept_open(struct acceptor *, const struct command_env *, int epoll_fd);
void accept_close(struct acceptor *);

/*
 * Ask epoll for clients of this socket, a pointer into inherit->listen_fds,
 * which is also the event's data; or ask no more.  -1 with errno.
 */
int accept_watch(struct acceptor *, const int *listen_fd);
void accept_unwatch(struct acceptor *, const int *listen_fd);

/*
 * The next client that waits, a non-blocking socket, which is counted among
 * our CLIENTS on the board from now on.  -1 if nobody waits.  Those for whom
 * there is no room are told so and not returned.  With BOARD_LINKS the same
 * for other nodes, which have places of their own.
 */
int accept_next(struct acceptor *, const int *listen_fd, enum board_counter);

#endif
