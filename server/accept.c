/*
 * Accepting, and refusing politely.
 *
 * The listening sockets belong to the master and are shared by all workers,
 * so that clients queued behind a dead worker are another one's.  Each worker
 * asks epoll exclusively, which wakes one, but always the first in line that
 * sleeps: so whoever got a client goes to the end of the line.
 *
 * A client for whom there is no room is accepted all the same and told why.
 * Left in the queue it would wake us for ever, and know nothing.
 *
 * Other nodes have places of their own: a node without room for one more
 * client is not down.
 */

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "server/accept.h"
#include "server/clock.h"
#include "server/log.h"

int
accept_open(struct acceptor *acceptor, const struct command_env *env,
    int epoll_fd)
{
	acceptor->env = env;
	acceptor->epoll_fd = epoll_fd;
	acceptor->spare_fd = eventfd(0, EFD_CLOEXEC);
	return acceptor->spare_fd == -1 ? -1 : 0;
}

void
accept_close(struct acceptor *acceptor)
{
	close(acceptor->spare_fd);
}

int
accept_watch(struct acceptor *acceptor, const int *listen_fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE };

	event.data.ptr = (void *)(uintptr_t)listen_fd;
	return epoll_ctl(acceptor->epoll_fd, EPOLL_CTL_ADD, *listen_fd,
	    &event);
}

void
accept_unwatch(struct acceptor *acceptor, const int *listen_fd)
{
	epoll_ctl(acceptor->epoll_fd, EPOLL_CTL_DEL, *listen_fd, NULL);
}

static void
refuse(struct acceptor *acceptor, int fd, enum board_counter gauge)
{
	static const char reply[] = "ERROR too many connections\r\n";
	char buf[1024];

	board_add(acceptor->env->inherit->arena,
	    acceptor->env->inherit->slot, BOARD_REFUSED, 1);
	if (gauge == BOARD_CLIENTS)
		(void)send(fd, reply, sizeof(reply) - 1,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
	/* Unread bytes would turn close(2) into a reset. */
	(void)shutdown(fd, SHUT_WR);
	(void)recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	close(fd);
}

/* A link for each worker of each other node, which may be replacing them. */
static uint64_t
places(const struct acceptor *acceptor, enum board_counter gauge)
{
	const struct config *config = acceptor->env->config;

	return gauge == BOARD_CLIENTS ? config->clients_max :
	    (config->nodes.count + ACCEPT_STRANGERS_MAX) * BOARD_WORKERS_MAX;
}

/*
 * Count it first, then look: if two workers do this at once both may see one
 * too many and refuse, but never do both let the last one in.
 */
static bool
admit(struct acceptor *acceptor, enum board_counter gauge)
{
	struct arena *arena = acceptor->env->inherit->arena;
	unsigned slot = acceptor->env->inherit->slot;

	board_add(arena, slot, gauge, 1);
	/* Pairs with itself in the other workers: of two that do this at
	 * once, at least one sees the other's addition. */
	atomic_thread_fence(memory_order_seq_cst);
	if (board_sum(arena, gauge) <= places(acceptor, gauge))
		return true;
	board_sub(arena, slot, gauge, 1);
	return false;
}

static void
warn_of_descriptors(struct acceptor *acceptor)
{
	uint64_t now_ms = clock_ms();

	if (acceptor->warned_ms != 0 && now_ms - acceptor->warned_ms < 1000)
		return;
	acceptor->warned_ms = now_ms;
	log_warn("out of file descriptors, refusing clients: "
	    "see LimitNOFILE in systemd.exec(5) or ulimit in sh(1)");
}

/* Returns true if a client was refused and there may be another. */
static bool
refuse_without_descriptor(struct acceptor *acceptor, int listen_fd,
    enum board_counter gauge)
{
	int fd;

	warn_of_descriptors(acceptor);
	close(acceptor->spare_fd);
	fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd != -1)
		refuse(acceptor, fd, gauge);
	acceptor->spare_fd = eventfd(0, EFD_CLOEXEC);
	return fd != -1;
}

int
accept_next(struct acceptor *acceptor, const int *listen_fd,
    enum board_counter gauge)
{
	int fd;

	for (;;) {
		fd = accept4(*listen_fd, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd == -1) {
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			if ((errno == EMFILE || errno == ENFILE) &&
			    refuse_without_descriptor(acceptor, *listen_fd,
			    gauge))
				continue;
			return -1;
		}
		if (admit(acceptor, gauge))
			break;
		refuse(acceptor, fd, gauge);
	}
	accept_unwatch(acceptor, listen_fd);
	if (accept_watch(acceptor, listen_fd) == -1)
		log_err("cannot watch a listening socket: %s",
		    strerror(errno));
	return fd;
}
