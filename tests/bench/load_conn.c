/*
 * A connection has a ring of the requests that are on their way, for replies
 * come in their order and say neither what they answer nor when it was asked.
 */

#include <sys/epoll.h>
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/load_conn.h"

#define READ_BYTES	((size_t)64 * 1024)
#define START_S		5

static struct addrinfo *
look_up(const char *address)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	char host[256];
	struct addrinfo *ai;
	char *port;

	snprintf(host, sizeof(host), "%s", address);
	if ((port = strrchr(host, ':')) == NULL)
		errx(64, "not an address: %s", address);
	*port++ = '\0';
	if (getaddrinfo(host, port, &hints, &ai) != 0)
		errx(1, "cannot look up %s", address);
	return ai;
}

static int
dial(const char *address)
{
	struct addrinfo *ai = look_up(address);
	double end_s = bench_now_s() + START_S;
	int fd, on = 1;

	for (;;) {
		fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd == -1)
			err(1, "socket");
		if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0)
			break;
		if (errno != ECONNREFUSED || bench_now_s() > end_s)
			err(1, "%s", address);
		close(fd);
		poll(NULL, 0, 10);
	}
	freeaddrinfo(ai);
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1)
		err(1, "%s", address);
	return fd;
}

static void
wait_for(struct load_conn *c, int epoll_fd, int operation, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = c };

	if (epoll_ctl(epoll_fd, operation, c->fd, &event) == -1)
		err(1, "epoll");
}

void
load_conn_open(struct load_conn *c, const struct load_options *o, int epoll_fd)
{
	*c = (struct load_conn){ .fd = dial(o->address) };
	if ((c->ring = calloc(o->depth, sizeof(*c->ring))) == NULL)
		err(1, NULL);
	wait_for(c, epoll_fd, EPOLL_CTL_ADD, EPOLLIN);
}

void
load_conn_close(struct load_conn *c)
{
	close(c->fd);
	free(c->ring);
	free(c->out.data);
	free(c->in.data);
}

size_t
load_conn_pending(const struct load_conn *c)
{
	return c->asked - c->answered;
}

void
load_conn_ask(struct load_conn *c, const struct load_options *o,
    const struct load_values *values, const struct load_request *r)
{
	c->ring[c->asked++ % o->depth] = *r;
	load_ask(&c->out, o->dialect, values, o->keys, r);
}

/* Whether the kernel has taken all decides whether we wait for room. */
void
load_conn_flush(struct load_conn *c, int epoll_fd)
{
	size_t len = c->out.len - c->out.at;
	ssize_t n = 0;

	if (len > 0)
		n = send(c->fd, c->out.data + c->out.at, len,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n == -1 && errno != EAGAIN)
		err(1, "send");
	c->out.at += n > 0 ? (size_t)n : 0;
	if (c->out.at == c->out.len)
		c->out.at = c->out.len = 0;
	if ((c->out.len > 0) != c->wants_out) {
		c->wants_out = !c->wants_out;
		wait_for(c, epoll_fd, EPOLL_CTL_MOD,
		    c->wants_out ? EPOLLIN | EPOLLOUT : EPOLLIN);
	}
}

void
load_conn_read(struct load_conn *c)
{
	char *room = load_buffer_room(&c->in, READ_BYTES);
	ssize_t n = recv(c->fd, room, READ_BYTES, MSG_DONTWAIT);

	if (n == 0)
		errx(1, "the server has closed a connection");
	if (n == -1 && errno != EAGAIN)
		err(1, "recv");
	c->in.len += n > 0 ? (size_t)n : 0;
}

const struct load_request *
load_conn_next(struct load_conn *c, const struct load_options *o,
    struct load_reply *reply)
{
	const struct load_request *r = &c->ring[c->answered % o->depth];
	size_t used;

	if (c->in.at == c->in.len)
		c->in.at = c->in.len = 0;
	if (c->in.len == 0)
		return NULL;
	if (c->answered == c->asked)
		errx(1, "an answer that nobody has asked for");
	switch (load_reply_parse(load_syntax_of(o->dialect), r->read,
	    c->in.data + c->in.at, c->in.len - c->in.at, &used, reply)) {
	case PARSE_OK:
		break;
	case PARSE_MORE:
		return NULL;
	case PARSE_BAD:
		errx(1, "no reply: %.*s", (int)(c->in.len - c->in.at),
		    c->in.data + c->in.at);
	}
	c->in.at += used;
	c->answered++;
	return r;
}
