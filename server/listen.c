/*
 * Listening sockets.
 *
 * What is set on a listening socket holds for every connection accepted from
 * it: no delay, for replies leave in one piece and must not wait for another;
 * and keep-alive, the only thing that finds out a subscriber whose machine is
 * gone.
 *
 * A socket file that nobody listens to is what a crash left.  It is removed,
 * but only after connecting to it has been refused: a living server's door is
 * not taken off its hinges.  It is made under a umask that lets nobody in,
 * and opened to owner and group after that; the other order would leave a
 * moment in which anybody can connect.
 */

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "server/listen.h"
#include "server/log.h"
#include "server/notify.h"
#include "server/peer.h"

/* Clients in the queue; net.core.somaxconn may allow fewer. */
#define BACKLOG		4096
#define SOCKET_MODE	0660
#define FOR_CLIENTS	"choose another address with -l"
#define FOR_PEERS	"choose another one for peers, in the nodes of all"

static void
append(struct listeners *listeners, int fd)
{
	int *fds = reallocarray(listeners->fds, listeners->n + 1,
	    sizeof(*fds));

	if (fds == NULL)
		fatal(EX_OSERR, "out of memory");
	listeners->fds = fds;
	fds[listeners->n++] = fd;
}

static void
set_options(int fd)
{
	int on = 1;

	/* A unix socket knows neither, and does not need them. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

static void
log_listening(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char name[PEER_NAME_MAX + sizeof(struct sockaddr_un)];

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1)
		return;
	peer_address((struct sockaddr *)&ss, len, name, sizeof(name));
	log_info("listening on %s", name);
}

void
listen_inherit(struct listeners *listeners)
{
	size_t i;
	int flags;

	memset(listeners, 0, sizeof(*listeners));
	listeners->n = notify_listeners(&listeners->fds);
	listeners->given = listeners->n > 0;
	for (i = 0; i < listeners->n; i++) {
		set_options(listeners->fds[i]);
		flags = fcntl(listeners->fds[i], F_GETFL);
		if (flags == -1 || fcntl(listeners->fds[i], F_SETFL,
		    flags | O_NONBLOCK) == -1)
			fatal(EX_OSERR, "inherited socket: %s",
			    strerror(errno));
	}
}

static _Noreturn void
refuse(const struct config_listen *where, const char *remedy)
{
	int status = errno == EACCES || errno == EPERM ? EX_NOPERM :
	    EX_UNAVAILABLE;

	if (errno == EADDRINUSE)
		fatal(status, "%s: taken, another server listens there; %s",
		    where->text, remedy);
	fatal(status, "%s: cannot listen: %s", where->text, strerror(errno));
}

/* Returns a listening socket, or -1 with errno. */
static int
open_address(const struct addrinfo *ai)
{
	int fd, on = 1;

	fd = socket(ai->ai_family, ai->ai_socktype | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, ai->ai_protocol);
	if (fd == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
		    sizeof(on));
	set_options(fd);
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	on = errno;
	close(fd);
	errno = on;
	return -1;
}

/* A name may stand for addresses of families that this machine lacks. */
static bool
is_absent(int error)
{
	return error == EAFNOSUPPORT || error == EADDRNOTAVAIL;
}

static void
open_host(struct listeners *listeners, const struct config_listen *where,
    const char *remedy)
{
	const char *host = where->host[0] == '\0' ? NULL : where->host;
	const struct addrinfo hints = {
		.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM
	};
	struct addrinfo *list, *ai;
	size_t before = listeners->n;
	int error, fd;

	error = getaddrinfo(host, where->port, &hints, &list);
	if (error != 0)
		fatal(EX_UNAVAILABLE, "%s: %s", where->text,
		    gai_strerror(error));
	for (ai = list; ai != NULL; ai = ai->ai_next) {
		if ((fd = open_address(ai)) != -1)
			append(listeners, fd);
		else if (!is_absent(errno))
			refuse(where, remedy);
	}
	if (listeners->n == before)
		refuse(where, remedy);
	freeaddrinfo(list);
}

/* Returns true if a file was there that nobody listens to, and is gone. */
static bool
remove_stale(const struct sockaddr_un *sun)
{
	struct stat st;
	int fd, refused;

	if (lstat(sun->sun_path, &st) == -1 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return false;
	refused = connect(fd, (const struct sockaddr *)sun,
	    sizeof(*sun)) == -1 && errno == ECONNREFUSED;
	close(fd);
	return refused && unlink(sun->sun_path) == 0;
}

static int
bind_path(int fd, const struct sockaddr_un *sun)
{
	mode_t mask = umask(077);
	int result;

	result = bind(fd, (const struct sockaddr *)sun, sizeof(*sun));
	if (result == -1 && errno == EADDRINUSE) {
		if (remove_stale(sun))
			result = bind(fd, (const struct sockaddr *)sun,
			    sizeof(*sun));
		else
			errno = EADDRINUSE;
	}
	umask(mask);
	return result;
}

static void
give_path_away(const char *path, const char *user)
{
	const struct passwd *pw;

	if (user == NULL || geteuid() != 0 || (pw = getpwnam(user)) == NULL)
		return;
	if (chown(path, pw->pw_uid, pw->pw_gid) == -1)
		fatal(EX_OSERR, "cannot give %s to user %s: %s", path, user,
		    strerror(errno));
}

static void
remember_path(struct listeners *listeners, const char *path)
{
	char **paths = reallocarray(listeners->paths, listeners->n_paths + 1,
	    sizeof(*paths));

	if (paths == NULL || (paths[listeners->n_paths] = strdup(path)) ==
	    NULL)
		fatal(EX_OSERR, "out of memory");
	listeners->paths = paths;
	listeners->n_paths++;
}

static void
open_path(struct listeners *listeners, const struct config_listen *where,
    const char *user)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (strlcpy(sun.sun_path, where->path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path))
		fatal(EX_UNAVAILABLE, "%s: the path of a socket has at most "
		    "%zu bytes", where->path, sizeof(sun.sun_path) - 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1 || bind_path(fd, &sun) == -1)
		refuse(where, FOR_CLIENTS);
	remember_path(listeners, where->path);
	give_path_away(where->path, user);
	if (chmod(where->path, SOCKET_MODE) == -1 ||
	    listen(fd, BACKLOG) == -1)
		refuse(where, FOR_CLIENTS);
	append(listeners, fd);
}

/* Where the other nodes find us, whoever has opened the rest. */
static void
open_peers(struct listeners *listeners, const struct config *config)
{
	const struct config_listen *where = config_own_peer(config);
	size_t before = listeners->n;

	if (where != NULL)
		open_host(listeners, where, FOR_PEERS);
	listeners->peers = listeners->n - before;
}

void
listen_open(struct listeners *listeners, const struct config *config)
{
	size_t i;

	if (listeners->n == 0)
		for (i = 0; i < config->listens; i++) {
			if (config->listen[i].path != NULL)
				open_path(listeners, &config->listen[i],
				    config->user);
			else
				open_host(listeners, &config->listen[i],
				    FOR_CLIENTS);
		}
	open_peers(listeners, config);
	for (i = 0; i < listeners->n; i++)
		log_listening(listeners->fds[i]);
}

/* Of a socket in the file system, or NULL.  Static storage. */
static const char *
path_of(int fd)
{
	static struct sockaddr_un sun;
	socklen_t len = sizeof(sun) - 1;

	memset(&sun, 0, sizeof(sun));
	if (getsockname(fd, (struct sockaddr *)&sun, &len) == -1 ||
	    sun.sun_family != AF_UNIX || sun.sun_path[0] != '/')
		return NULL;
	return sun.sun_path;
}

void
listen_take(struct listeners *listeners, int *fds, size_t n, size_t peers,
    bool own_paths)
{
	const char *path;
	size_t i;

	*listeners = (struct listeners){
		.fds = fds, .n = n, .peers = peers, .given = !own_paths
	};
	for (i = 0; i < n && own_paths; i++)
		if ((path = path_of(fds[i])) != NULL)
			remember_path(listeners, path);
}

void
listen_leave_paths(struct listeners *listeners)
{
	while (listeners->n_paths > 0)
		free(listeners->paths[--listeners->n_paths]);
}

void
listen_close(struct listeners *listeners)
{
	size_t i;

	for (i = 0; i < listeners->n; i++)
		close(listeners->fds[i]);
	for (i = 0; i < listeners->n_paths; i++) {
		(void)unlink(listeners->paths[i]);
		free(listeners->paths[i]);
	}
	free(listeners->fds);
	free(listeners->paths);
	memset(listeners, 0, sizeof(*listeners));
}
