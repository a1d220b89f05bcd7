/* The scripted server of the tests of libkv. */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/client/peer.h"

struct peer {
	pthread_t		 thread;
	const struct peer_step	*script;
	int			 listener;
	char			 name[32];
};

static atomic_bool opened;	/* by the client */
static struct peer peers[PEERS_MAX];
static size_t count;		/* of the peers that were started */

static bool
send_all(int fd, const char *bytes, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = send(fd, bytes, len, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
drip(int fd, const char *bytes)
{
	for (; *bytes != '\0'; bytes++)
		if (!send_all(fd, bytes, 1))
			return false;
	return true;
}

static bool
expect(int fd, const char *text)
{
	char byte;

	for (; *text != '\0'; text++)
		if (recv(fd, &byte, 1, 0) != 1 || byte != *text)
			return false;
	return true;
}

static bool
repeat(int fd, const char *text, size_t times)
{
	while (times-- > 0)
		if (!send_all(fd, text, strlen(text)))
			return false;
	return true;
}

static bool
skip(int fd, size_t bytes)
{
	char buf[65536];
	ssize_t n;

	while (bytes > 0) {
		n = recv(fd, buf, bytes < sizeof(buf) ? bytes : sizeof(buf),
		    0);
		if (n <= 0)
			return false;
		bytes -= (size_t)n;
	}
	return true;
}

/* Not before the client knows that it is connected: a reset forgets that. */
static void
reset(int fd)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	while (!atomic_load(&opened))
		usleep(1000);
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static bool
do_step(int fd, const struct peer_step *step)
{
	char byte;

	switch (step->what) {
	case PEER_EXPECT:
		return expect(fd, step->text);
	case PEER_SEND:
		return send_all(fd, step->text, strlen(step->text));
	case PEER_DRIP:
		return drip(fd, step->text);
	case PEER_REPEAT:
		return repeat(fd, step->text, step->times);
	case PEER_SKIP:
		return skip(fd, step->times);
	case PEER_SHUT:
		return shutdown(fd, SHUT_WR) == 0;
	case PEER_RESET:
		reset(fd);
		return true;
	case PEER_CLOSE:
		return true;
	case PEER_END:
		break;
	}
	while (recv(fd, &byte, 1, 0) == 1)
		;
	return true;
}

static void *
run(void *arg)
{
	const struct peer *peer = arg;
	const struct peer_step *step = peer->script;
	int fd = accept(peer->listener, NULL, NULL), one = 1;
	bool good = fd != -1;

	(void)close(peer->listener);
	if (good)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
		    sizeof(one));
	for (; good; step++) {
		good = do_step(fd, step);
		if (step->what == PEER_END || step->what == PEER_CLOSE ||
		    step->what == PEER_RESET)
			break;
	}
	if (fd != -1)
		(void)close(fd);
	return good ? arg : NULL;
}

static int
bind_free_port(char *name, size_t size)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sin, len) == -1 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) == -1)
		return -1;
	(void)snprintf(name, size, "127.0.0.1:%d", ntohs(sin.sin_port));
	return fd;
}

const char *
peer_start(const struct peer_step *steps)
{
	struct peer *peer = &peers[count];

	if (count == PEERS_MAX)
		return "too many peers";
	peer->script = steps;
	atomic_store(&opened, false);
	peer->listener = bind_free_port(peer->name, sizeof(peer->name));
	if (peer->listener == -1 || listen(peer->listener, 1) == -1 ||
	    pthread_create(&peer->thread, NULL, run, peer) != 0)
		return "peer_start failed";
	count++;
	return peer->name;
}

bool
peer_finish(void)
{
	bool good = count > 0;
	void *well;

	while (count > 0) {
		well = NULL;
		if (pthread_join(peers[--count].thread, &well) != 0 ||
		    well == NULL)
			good = false;
	}
	return good;
}

struct kv *
peer_open(const struct peer_step *steps, const struct kv_options *options)
{
	struct kv_error error = { .message = "" };
	struct kv *kv = kv_open(peer_start(steps), options, &error);

	atomic_store(&opened, true);
	cr_assert_not_null(kv, "%s", error.message);
	return kv;
}

void
peer_close(struct kv *kv)
{
	kv_close(kv);
	cr_assert(peer_finish(), "the requests were not as expected");
}

/* Bound but not listening: refused, and nobody else can take it. */
const char *
peer_nobody(void)
{
	static char name[PEERS_MAX][32];
	static size_t at;

	at = (at + 1) % PEERS_MAX;
	(void)bind_free_port(name[at], sizeof(name[at]));
	return name[at];
}
