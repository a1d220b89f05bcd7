/*
 * Sockets that never block and never raise SIGPIPE, with all waiting in one
 * place: poll(2) until a deadline.
 *
 * Two ends that both only write wait for each other for ever once the
 * buffers between them are full.  So this end reads whenever it cannot write
 * (wire_receive), and what it holds is bounded by in_max, not by the peer.
 *
 * What surprises: a failed send does not end the connection.  A server that
 * refuses a client says why and closes, and those words arrive although our
 * request could not be delivered.  Reading finds the words, then the end.
 */

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "proto/client/wire.h"

#define READ_BYTES	((size_t)128 << 10)
#define KEEP_BYTES	((size_t)1 << 20)
#define AGAIN_MS	2

int64_t
wire_now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
wire_deadline(int ms)
{
	return ms < 0 ? WIRE_NEVER : wire_now_ms() + ms;
}

void
wire_init(struct wire *wire, size_t in_max)
{
	*wire = (struct wire){ .fd = -1, .in_max = in_max };
	outbuf_init(&wire->out);
	outbuf_init(&wire->in);
}

void
wire_free(struct wire *wire)
{
	if (wire->fd != -1)
		(void)close(wire->fd);
	wire->fd = -1;
	outbuf_free(&wire->out);
	outbuf_free(&wire->in);
}

/* Wait for events; true when there are some, false at the deadline. */
static bool
wait_for(int fd, short events, int64_t deadline, short *revents)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	int64_t left = INT_MAX;
	int n;

	for (;;) {
		if (deadline != WIRE_NEVER)
			left = deadline - wire_now_ms();
		if (left < 0)
			left = 0;
		if (left > INT_MAX)
			left = INT_MAX;
		n = poll(&pfd, 1, (int)left);
		if (n > 0) {
			*revents = pfd.revents;
			return true;
		}
		/* EINTR, or a wait longer than poll can express. */
		if (deadline != WIRE_NEVER && wire_now_ms() >= deadline)
			return false;
	}
}

/*
 * connect(2), and again while the queue of a unix socket is full: that is
 * said at once and cannot be waited for.
 */
static int
connect_again(int fd, const struct address *address, int64_t deadline)
{
	const struct sockaddr *sockaddr =
	    (const struct sockaddr *)&address->sockaddr;

	while (connect(fd, sockaddr, address->len) == -1) {
		if (errno != EAGAIN || wire_now_ms() >= deadline)
			return -1;
		(void)poll(NULL, 0, AGAIN_MS);
	}
	return 0;
}

static enum wire_status
connect_one(int fd, const struct address *address, int64_t deadline)
{
	socklen_t len = sizeof(int);
	short revents;
	int error = 0;

	if (connect_again(fd, address, deadline) == 0)
		return WIRE_OK;
	if (errno == EAGAIN)
		return WIRE_TIMEOUT;
	if (errno != EINPROGRESS && errno != EINTR)
		return WIRE_SYSTEM;
	if (!wait_for(fd, POLLOUT, deadline, &revents))
		return WIRE_TIMEOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		return WIRE_SYSTEM;
	errno = error;
	return error == 0 ? WIRE_OK : WIRE_SYSTEM;
}

static enum wire_status
try_address(struct wire *wire, const struct address *address,
    int64_t deadline)
{
	enum wire_status status;
	int error, fd, one = 1;

	fd = socket(address->sockaddr.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return WIRE_SYSTEM;
	status = connect_one(fd, address, deadline);
	if (status != WIRE_OK) {
		error = errno;
		(void)close(fd);
		errno = error;
		return status;
	}
	/* Without it a small request waits for the ACK of the one before. */
	if (address->sockaddr.ss_family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
		    sizeof(one));
	wire->fd = fd;
	return WIRE_OK;
}

enum wire_status
wire_connect(struct wire *wire, const struct address_list *list,
    int64_t deadline)
{
	enum wire_status status = WIRE_TIMEOUT;
	int64_t now, until;
	size_t i;

	for (i = 0; i < list->n; i++) {
		until = deadline;
		now = wire_now_ms();
		/* A silent address must not eat the time of the others. */
		if (deadline != WIRE_NEVER && deadline > now)
			until = now + (deadline - now) /
			    (int64_t)(list->n - i);
		status = try_address(wire, &list->items[i], until);
		if (status == WIRE_OK)
			break;
	}
	return status;
}

uint8_t *
wire_bytes(struct wire *wire, size_t *len)
{
	*len = outbuf_len(&wire->in) - wire->taken;
	if (*len == 0)
		return NULL;
	return wire->in.data + wire->in.head + wire->taken;
}

void
wire_take(struct wire *wire, size_t n)
{
	wire->taken += n;
}

void
wire_release(struct wire *wire)
{
	if (wire->taken == 0)
		return;
	outbuf_drain(&wire->in, wire->taken, KEEP_BYTES);
	wire->taken = 0;
}

enum wire_status
wire_send(struct wire *wire)
{
	ssize_t n;

	while (outbuf_len(&wire->out) > 0 && !wire->send_lost) {
		n = send(wire->fd, wire->out.data + wire->out.head,
		    outbuf_len(&wire->out), MSG_NOSIGNAL);
		if (n >= 0)
			outbuf_drain(&wire->out, (size_t)n, KEEP_BYTES);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			break;
		else if (errno == EPIPE || errno == ECONNRESET)
			wire->send_lost = true;
		else if (errno != EINTR)
			return WIRE_SYSTEM;
	}
	if (wire->send_lost)
		outbuf_drain(&wire->out, outbuf_len(&wire->out), 0);
	return WIRE_OK;
}

/* One recv(2): WIRE_TIMEOUT means that there was nothing. */
static enum wire_status
receive_now(struct wire *wire)
{
	size_t held = outbuf_len(&wire->in), room;
	uint8_t *into;
	ssize_t n;

	if (held >= wire->in_max)
		return WIRE_FULL;
	room = wire->in_max - held;
	if (room > READ_BYTES)
		room = READ_BYTES;
	into = outbuf_reserve(&wire->in, room);
	if (into == NULL)
		return WIRE_NO_MEMORY;
	n = recv(wire->fd, into, room, 0);
	if (n > 0) {
		outbuf_commit(&wire->in, (size_t)n);
		return WIRE_OK;
	}
	if (n == 0 || errno == ECONNRESET)
		return WIRE_CLOSED;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return WIRE_TIMEOUT;
	return WIRE_SYSTEM;
}

enum wire_status
wire_receive(struct wire *wire, int64_t deadline)
{
	enum wire_status status;
	short events, revents;

	for (;;) {
		status = wire_send(wire);
		if (status != WIRE_OK)
			return status;
		events = POLLIN;
		if (outbuf_len(&wire->out) > 0)
			events |= POLLOUT;
		if (!wait_for(wire->fd, events, deadline, &revents))
			return WIRE_TIMEOUT;
		if ((revents & ~POLLOUT) == 0)
			continue;
		status = receive_now(wire);
		if (status != WIRE_TIMEOUT)
			return status;
	}
}

enum wire_peek
wire_peek(const struct wire *wire)
{
	ssize_t n;
	char byte;

	n = recv(wire->fd, &byte, 1, MSG_PEEK);
	if (n > 0)
		return WIRE_BYTES;
	if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK ||
	    errno == EINTR))
		return WIRE_QUIET;
	return WIRE_GONE;
}
