#include <sys/wait.h>

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/proc/networks.h"

#define WORDS_MAX	16

static int ours = -1;			/* networks, as descriptors */
static int theirs[CLUSTER_MAX];

static bool
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return false;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text);
}

static _Noreturn void
become_ip(int net_fd, char *command)
{
	char *argv[WORDS_MAX] = { NULL };
	int n = 0, null = open("/dev/null", O_RDWR);

	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	while (n < WORDS_MAX - 1 && (argv[n] = strsep(&command, " ")) != NULL)
		n++;
	if (setns(net_fd, CLONE_NEWNET) == 0)
		execvp(argv[0], argv);
	_exit(127);
}

/* Run ip(8) in a network; true if it did what it was told. */
static bool __attribute__((format(printf, 2, 3)))
ip(int net_fd, const char *format, ...)
{
	char command[256] = "ip ";
	va_list ap;
	int status;
	pid_t pid;

	va_start(ap, format);
	vsnprintf(command + 3, sizeof(command) - 3, format, ap);
	va_end(ap);
	if ((pid = fork()) == 0)
		become_ip(net_fd, command);
	return pid != -1 && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool
open_networks(size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (unshare(CLONE_NEWNET) == -1)
			return false;
		theirs[i] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		if (theirs[i] == -1 || setns(ours, CLONE_NEWNET) == -1)
			return false;
	}
	return true;
}

static bool
lay_cable(size_t i)
{
	return ip(ours, "link add n%zu type veth peer name cable netns "
	    "/proc/%d/fd/%d", i, (int)getpid(), theirs[i]) &&
	    ip(ours, "addr add 10.0.%zu.1/24 dev n%zu", i, i) &&
	    ip(ours, "link set n%zu up", i) &&
	    ip(theirs[i], "link set lo up") &&
	    ip(theirs[i], "addr add 10.0.%zu.2/24 dev cable", i) &&
	    ip(theirs[i], "link set cable up") &&
	    ip(theirs[i], "route add default via 10.0.%zu.1", i);
}

const char *
networks_begin(size_t n)
{
	size_t i;

	/* Criterion's thread is in the way of a user namespace. */
	if (unshare(CLONE_NEWNET) == -1)
		return "only root can make a network namespace";
	ours = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (ours == -1 || !open_networks(n))
		return "no second network namespace to be had";
	if (!ip(ours, "link set lo up"))
		return "no ip(8), or it may not do anything";
	for (i = 0; i < n; i++)
		if (!lay_cable(i))
			return "no veth(4) to be had";
	if (!write_file("/proc/sys/net/ipv4/ip_forward", "1"))
		return "no routing to be had";
	return NULL;
}

void
networks_use(struct cluster *c)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		snprintf(c->peer[i], sizeof(c->peer[i]), "10.0.%zu.2", i);
		c->node[i].net_fd = theirs[i];
	}
	for (i = 0; i < c->n; i++)
		cluster_configure(c, i, "");
}

void
networks_unplug(size_t node)
{
	cr_assert(ip(ours, "link set n%zu down", node));
}

void
networks_plug(size_t node)
{
	cr_assert(ip(ours, "link set n%zu up", node));
}

void
networks_take_down(size_t node)
{
	cr_assert(ip(theirs[node], "link set cable down"));
}

void
networks_bring_up(size_t node)
{
	cr_assert(ip(theirs[node], "link set cable up"));
	cr_assert(ip(theirs[node], "route add default via 10.0.%zu.1", node));
}

static const char *
word_of(enum networks_way way)
{
	return way == NETWORKS_FROM ? "from" : "to";
}

void
networks_lose(size_t node, enum networks_way way)
{
	cr_assert(ip(ours, "rule add %s 10.0.%zu.2 blackhole", word_of(way),
	    node));
}

void
networks_lose_no_more(size_t node, enum networks_way way)
{
	cr_assert(ip(ours, "rule del %s 10.0.%zu.2 blackhole", word_of(way),
	    node));
}
