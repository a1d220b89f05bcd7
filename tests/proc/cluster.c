/*
 * Several kvds that know each other.  Where clients find one is as for any
 * kvd of a test; the other nodes find it at 127.x.y.n, x and y made of the
 * test's process id, so that no test takes another one's port.
 */

#include <sys/socket.h>
#include <sys/stat.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shm/arena.h"
#include "tests/proc/cluster.h"

#define PORT		14040
#define CONF_MAX	4096

static const char *const letters[CLUSTER_MAX] = { "a-h", "i-p", "other" };

void
cluster_set_cookie(struct cluster *c, size_t node, const char *cookie)
{
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path), "%s/cookie", c->node[node].dir);
	cr_assert_not_null(f = fopen(path, "w"));
	cr_assert_eq(fchmod(fileno(f), 0600), 0);
	fprintf(f, "%s\n", cookie);
	cr_assert_eq(fclose(f), 0);
}

void
cluster_configure(struct cluster *c, size_t node, const char *more)
{
	char conf[CONF_MAX];
	size_t i;
	int used;

	used = snprintf(conf, sizeof(conf), "memory 64M\nworkers 2\n"
	    "cookie-file \"%s/cookie\"\n", c->node[node].dir);
	for (i = 0; i < c->n; i++)
		used += snprintf(conf + used, sizeof(conf) - (size_t)used,
		    "node %s { address 127.0.0.1:%zu; peer %s:%d }\n",
		    c->node[i].name, 4040 + i, c->peer[i], PORT);
	for (i = 0; i < c->n && c->letters[i] != NULL; i++)
		used += snprintf(conf + used, sizeof(conf) - (size_t)used,
		    strcmp(c->letters[i], "other") == 0 ?
		    "buckets %s %s\n" : "buckets \"%s\" %s\n",
		    c->letters[i], c->node[i].name);
	snprintf(conf + used, sizeof(conf) - (size_t)used, "%s", more);
	daemon_configure(&c->node[node], conf);
}

void
cluster_prepare(struct cluster *c, size_t n)
{
	unsigned pid = (unsigned)getpid();
	size_t i;

	c->n = n;
	for (i = 0; i < n; i++) {
		daemon_prepare(&c->node[i], NULL);
		snprintf(c->peer[i], sizeof(c->peer[i]), "127.%u.%u.%zu",
		    1 + pid / 250 % 250, 1 + pid % 250, i + 1);
		cluster_set_cookie(c, i, CLUSTER_COOKIE);
		c->letters[i] = i + 1 == n ? "other" : letters[i];
	}
	for (i = 0; i < n; i++)
		cluster_configure(c, i, "");
}

void
cluster_start(struct cluster *c, size_t n)
{
	size_t i;

	cluster_prepare(c, n);
	for (i = 0; i < n; i++)
		daemon_launch(&c->node[i], NULL);
}

void
cluster_kill(struct cluster *c, size_t node)
{
	daemon_kill(&c->node[node], SIGKILL);
	cr_assert_eq(daemon_wait(&c->node[node]), 1000 + SIGKILL);
	/* Its workers end after what they have in hand. */
	while (arena_is_held(c->node[node].name))
		usleep(2000);
}

void
cluster_remove(struct cluster *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		daemon_remove(&c->node[i]);
}

static struct sockaddr_in
address_of(const struct cluster *c, size_t node)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_port = htons(PORT)
	};

	cr_assert_eq(inet_pton(AF_INET, c->peer[node], &sin.sin_addr), 1);
	return sin;
}

int
cluster_listen(const struct cluster *c, size_t node)
{
	struct sockaddr_in sin = address_of(c, node);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	cr_assert_neq(fd, -1);
	talk_set_patience(fd);
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
	    sizeof(on)), 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	cr_assert_eq(listen(fd, 16), 0);
	return fd;
}

int
cluster_dial(const struct cluster *c, size_t node)
{
	struct sockaddr_in sin = address_of(c, node);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	cr_assert_neq(fd, -1);
	talk_set_patience(fd);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	cr_assert_eq(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return fd;
}
