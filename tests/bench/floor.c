/*
 * The floor: what a request costs a server that does nothing for it.  One
 * process with epoll, as a worker of kvd is; so many bytes are a request, and
 * all that have come at once are answered with one write.  The rest of what
 * another server needs for the same pattern is its own.
 *
 *	floor port		on the loopback, until it is killed
 */

#include <sys/epoll.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/load_protocol.h"

#define EVENTS		64
#define CLIENTS_MAX	16384
#define READ_BYTES	((size_t)64 * 1024)
#define REPLIES_MAX	(READ_BYTES / FLOOR_REQUEST + 1)

static size_t rest[CLIENTS_MAX];	/* bytes of an unfinished request */
static char replies[REPLIES_MAX * FLOOR_REPLY];

static int
listen_on(int port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(fd, 1024) == -1)
		err(1, "port %d", port);
	return fd;
}

static void
watch(int epoll_fd, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == -1)
		err(1, "epoll");
}

static void
welcome(int epoll_fd, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int on = 1;

	if (fd == -1)
		err(1, "accept");
	if (fd >= CLIENTS_MAX)
		errx(1, "too many clients");
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	rest[fd] = 0;
	watch(epoll_fd, fd);
}

/* A client that does not take its answers is none of the bench's. */
static void
serve(int fd)
{
	static char in[READ_BYTES];
	ssize_t n = recv(fd, in, sizeof(in), 0);
	size_t len;

	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		close(fd);
		return;
	}
	rest[fd] += (size_t)n;
	len = rest[fd] / FLOOR_REQUEST * FLOOR_REPLY;
	rest[fd] %= FLOOR_REQUEST;
	if (len > 0 && send(fd, replies, len, MSG_NOSIGNAL) != (ssize_t)len)
		close(fd);
}

int
main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC), i, listener, n;
	size_t at;

	if (argc != 2 || atoi(argv[1]) <= 0)
		errx(64, "usage: floor port");
	for (at = 0; at < sizeof(replies); at += FLOOR_REPLY)
		memcpy(replies + at, FLOOR_SAYS, FLOOR_REPLY);
	listener = listen_on(atoi(argv[1]));
	watch(epoll_fd, listener);
	for (;;) {
		n = epoll_wait(epoll_fd, events, EVENTS, -1);
		for (i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				welcome(epoll_fd, listener);
			else
				serve(events[i].data.fd);
		}
	}
}
