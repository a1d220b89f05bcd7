#ifndef KVD_SERVER_LISTEN_H
#define KVD_SERVER_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "server/config.h"

/* The sockets that clients connect to.  They are the master's for its life. */
struct listeners {
	int	*fds;		/* non-blocking, listening */
	size_t	 n;
	size_t	 peers;		/* the last so many are for other nodes */
	char	**paths;	/* of those that we made as files */
	size_t	 n_paths;
	bool	 given;		/* by a service manager */
};

/*
 * Take over the sockets a service manager has opened, if any; before
 * daemon_detach().  fatal() if they are none.
 */
void listen_inherit(struct listeners *);

/*
 * Open what the configuration names, unless sockets were inherited.  A
 * socket in the file system becomes the property of config->user.
 * fatal(): EX_UNAVAILABLE (69) taken or impossible, EX_NOPERM (77).
 */
void listen_open(struct listeners *, const struct config *);

/*
 * Take over sockets from a predecessor: fds is for free(3), and ours.  With
 * own_paths the socket files among them are ours to remove.
 */
void listen_take(struct listeners *, int *fds, size_t n, size_t peers,
    bool own_paths);

/* Leave the socket files to a successor. */
void listen_leave_paths(struct listeners *);

/* Close them, and remove those that we made as files. */
void listen_close(struct listeners *);

#endif
