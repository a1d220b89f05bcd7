#ifndef KVD_SERVER_PEER_H
#define KVD_SERVER_PEER_H

#include <sys/socket.h>

#include <stddef.h>

/* Names of the other ends of sockets, for people. */

#define PEER_NAME_MAX	64	/* bytes, NUL included */

/*
 * Write the name of a connected socket's other end to name: an address and
 * port, or "of a unix socket (pid 12, uid 1000)".
 */
void peer_name(int fd, char *name, size_t size);

/* An address as [host]:port or the path of a socket. */
void peer_address(const struct sockaddr *, socklen_t, char *name,
    size_t size);

#endif
