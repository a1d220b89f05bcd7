/*
 * Connecting to a node, and greeting it.
 *
 * Names of hosts are looked up once, before the worker serves: later nobody
 * may wait for an answer.
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
#include "server/log.h"

#define DIAL_MS		1000	/* to connect, and again to greet */

void
link_look_up(struct link *link)
{
	const struct config_listen *where = route_peer(link->all->route,
	    link->node);
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG
	};
	struct addrinfo *ai;
	int error = getaddrinfo(where->host, where->port, &hints, &ai);

	if (error != 0) {
		log_warn("node %s: cannot look up %s: %s; links to it need a "
		    "reload", route_name(link->all->route, link->node),
		    where->text, gai_strerror(error));
		return;
	}
	memcpy(&link->address, ai->ai_addr, ai->ai_addrlen);
	link->address_len = ai->ai_addrlen;
	freeaddrinfo(ai);
}

/* Returns a socket that is connecting, or -1 with errno. */
static int
connect_to(const struct link *link)
{
	int fd, on = 1;

	if (link->address_len == 0) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	fd = socket(link->address.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (const struct sockaddr *)&link->address,
	    link->address_len) == 0 || errno == EINPROGRESS)
		return fd;
	close(fd);
	return -1;
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
	link->fd = connect_to(link);
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
