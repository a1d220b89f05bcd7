/*
 * Connecting to a node, and greeting it.
 *
 * Addresses are numbers here: a name that has to be asked for would make a
 * worker wait.  Names are made numbers by the master, see listen_resolve().
 */

#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#include "server/link_state.h"

#define DIAL_MS		1000	/* to connect, and again to greet */

/* Returns a socket that is connecting, or -1 with errno. */
static int
connect_to(const struct config_listen *where)
{
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
	};
	struct addrinfo *ai;
	int fd, on = 1;

	if (getaddrinfo(where->host, where->port, &hints, &ai) != 0) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (fd != -1) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
		    sizeof(on));
		if (connect(fd, ai->ai_addr, ai->ai_addrlen) == -1 &&
		    errno != EINPROGRESS) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(ai);
	return fd;
}

void
link_dial(struct link *link)
{
	struct links *links = link->all;
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET
	};

	link->limit_ms = links->now_ms + DIAL_MS;
	link->readable = link->writable = false;
	link->sent = 0;
	event.data.ptr = link;
	link->fd = connect_to(route_peer(links->route, link->node));
	if (link->fd == -1 || epoll_ctl(links->epoll_fd, EPOLL_CTL_ADD,
	    link->fd, &event) == -1) {
		link_down(link, strerror(errno));
		return;
	}
	link->state = LINK_DIALLING;
}

void
link_go_on_dialling(struct link *link)
{
	uint8_t random[HANDSHAKE_CHALLENGE_LEN];
	socklen_t len = sizeof(int);
	int error = 0;

	if (!link->writable)
		return;
	if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error == 0 && getrandom(random, sizeof(random), 0) !=
	    (ssize_t)sizeof(random))
		error = errno;
	if (error != 0) {
		link_down(link, strerror(error));
		return;
	}
	handshake_dial(&link->handshake, &link->all->self,
	    route_name(link->all->route, link->node), random);
	link->limit_ms = link->all->now_ms + DIAL_MS;
	link->state = LINK_GREETING;
}
