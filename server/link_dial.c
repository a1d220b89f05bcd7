/*
 * Connecting to a node, and greeting it.
 *
 * Names of hosts are looked up once, before the worker serves: later nobody
 * may wait for an answer.  A name may stand for several addresses.  They are
 * tried one after the other, and the one that was good is the first the next
 * time.
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
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	int error = getaddrinfo(where->host, where->port, &hints,
	    &link->addresses);

	if (error != 0) {
		log_warn("node %s: cannot look up %s: %s; links to it need a "
		    "reload", route_name(link->all->route, link->node),
		    where->text, gai_strerror(error));
		link->addresses = NULL;
	}
	link->address = link->addresses;
}

/* Returns a socket that is connecting, or -1 with errno. */
static int
connect_to(const struct addrinfo *ai)
{
	int fd, error, on = 1;

	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (fd == -1)
		return -1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0 ||
	    errno == EINPROGRESS)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Returns false, with errno, if there is no need to wait for an answer. */
static bool
begin(struct link *link)
{
	struct links *links = link->all;
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET
	};

	event.data.ptr = link;
	if ((link->fd = connect_to(link->address)) == -1)
		return false;
	link->limit_ms = links->now_ms + DIAL_MS;
	link->state = LINK_DIALLING;
	return epoll_ctl(links->epoll_fd, EPOLL_CTL_ADD, link->fd,
	    &event) == 0;
}

void
link_prefer_next(struct link *link)
{
	if (link->addresses == NULL)
		return;
	link->address = link->address->ai_next;
	if (link->address == NULL)
		link->address = link->addresses;
}

void
link_dial(struct link *link)
{
	link->sent = 0;
	if (link->addresses == NULL) {
		link_down(link, "its address could not be looked up");
		return;
	}
	link->tried_first = link->address;
	if (!begin(link))
		link_dial_next(link, strerror(errno));
}

void
link_dial_next(struct link *link, const char *why)
{
	for (;;) {
		link_prefer_next(link);
		if (link->address == link->tried_first)
			break;
		link_hang_up(link);
		if (begin(link))
			return;
		why = strerror(errno);
	}
	link_down(link, why);
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
		link_dial_next(link, strerror(error));
		return;
	}
	handshake_dial(&link->handshake, &link->all->self,
	    route_name(link->all->route, link->node), random);
	link->limit_ms = link->all->now_ms + DIAL_MS;
	link->state = LINK_GREETING;
}
