#include "tests/proc/load.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <criterion/criterion.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/proc/talk.h"

#define CLIENTS_MAX	8
#define PER_CONNECTION	20	/* requests */

struct shared {
	_Atomic uint64_t	connections, requests, refused, lost;
	_Atomic bool		stop;
	char			instead[LOAD_INSTEAD_MAX];
};

static struct shared *shared;
static pid_t clients[CLIENTS_MAX];
static unsigned clients_n;

static int
connect_to(uint16_t port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	const struct timeval tv = { .tv_sec = 20 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* One of them is enough; whose, if it is two at once, does not matter. */
static void
tell_instead(const char *came, size_t len)
{
	snprintf(shared->instead, sizeof(shared->instead), "%.*s", (int)len,
	    came);
}

/* Send a request and compare the reply; false if it is not that one. */
static bool
ask(int fd, const char *request, const char *reply)
{
	size_t len = strlen(reply), got = 0;
	char buf[LOAD_INSTEAD_MAX];
	ssize_t n;

	if (send(fd, request, strlen(request), MSG_NOSIGNAL) == -1)
		return false;
	while (got < len && (n = recv(fd, buf + got, sizeof(buf) - got,
	    0)) > 0)
		got += (size_t)n;
	if (got == len && memcmp(buf, reply, len) == 0)
		return true;
	tell_instead(buf, got);
	return false;
}

static bool
write_and_read(int fd, unsigned client, uint64_t n)
{
	char request[64], reply[64];

	snprintf(request, sizeof(request), "PUT load k%u %ju\r\n", client,
	    (uintmax_t)n);
	if (!ask(fd, request, "OK\r\n"))
		return false;
	shared->requests++;
	snprintf(request, sizeof(request), "GET load k%u\r\n", client);
	snprintf(reply, sizeof(reply), "%ju\r\nOK\r\n", (uintmax_t)n);
	if (!ask(fd, request, reply))
		return false;
	shared->requests++;
	return true;
}

static void
visit(uint16_t port, unsigned client, uint64_t *n)
{
	int fd = connect_to(port), i;

	if (fd == -1) {
		shared->refused++;
		return;
	}
	shared->connections++;
	for (i = 0; i < PER_CONNECTION / 2; i++)
		if (!write_and_read(fd, client, ++*n)) {
			shared->lost++;
			break;
		}
	close(fd);
}

static _Noreturn void
be_client(uint16_t port, unsigned client)
{
	const struct timespec pause = { .tv_nsec = 500000 };
	uint64_t n = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!shared->stop) {
		visit(port, client, &n);
		/* The daemon is to be watched, not the load. */
		nanosleep(&pause, NULL);
	}
	_exit(0);
}

void
load_start(const struct daemon *d, unsigned n)
{
	talk_once(d, "CREATE load\r\n", "OK\r\n");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(shared, MAP_FAILED);
	cr_assert_leq(n, CLIENTS_MAX);
	for (clients_n = 0; clients_n < n; clients_n++) {
		clients[clients_n] = fork();
		cr_assert_neq(clients[clients_n], -1);
		if (clients[clients_n] == 0)
			be_client(d->port, clients_n);
	}
}

static struct load_report
load_look(void)
{
	return (struct load_report){
		.connections = shared->connections,
		.requests = shared->requests,
		.refused = shared->refused,
		.lost = shared->lost
	};
}

void
load_await(uint64_t requests)
{
	uint64_t until = load_look().requests + requests;
	int ms;

	for (ms = 0; load_look().requests < until; ms++) {
		cr_assert_lt(ms, 60000, "the clients make no progress");
		usleep(1000);
	}
}

struct load_report
load_stop(void)
{
	struct load_report report;
	int status;
	pid_t pid;

	shared->stop = true;
	while (clients_n > 0) {
		pid = clients[--clients_n];
		cr_assert_eq(waitpid(pid, &status, 0), pid);
	}
	report = load_look();
	memcpy(report.instead, shared->instead, sizeof(report.instead));
	munmap(shared, sizeof(*shared));
	return report;
}
