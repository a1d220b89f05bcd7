/*
 * Names of peers.  They are asked for when a log line needs one, not kept
 * per connection: most clients never do anything worth a line.
 */

#include <sys/un.h>

#include <netdb.h>
#include <stdio.h>

#include "server/peer.h"

void
peer_address(const struct sockaddr *sa, socklen_t len, char *name,
    size_t size)
{
	char host[48], port[8];

	if (sa->sa_family == AF_UNIX)
		snprintf(name, size, "%s",
		    ((const struct sockaddr_un *)sa)->sun_path);
	else if (getnameinfo(sa, len, host, sizeof(host), port, sizeof(port),
	    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		snprintf(name, size, "of unknown address");
	else if (sa->sa_family == AF_INET6)
		snprintf(name, size, "[%s]:%s", host, port);
	else
		snprintf(name, size, "%s:%s", host, port);
}

void
peer_name(int fd, char *name, size_t size)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	struct ucred cred;

	if (getpeername(fd, (struct sockaddr *)&ss, &len) == -1) {
		snprintf(name, size, "of unknown address");
		return;
	}
	if (ss.ss_family != AF_UNIX) {
		peer_address((struct sockaddr *)&ss, len, name, size);
		return;
	}
	len = sizeof(cred);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		snprintf(name, size, "of a unix socket");
	else
		snprintf(name, size, "of a unix socket (pid %d, uid %u)",
		    (int)cred.pid, (unsigned)cred.uid);
}
