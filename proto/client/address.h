#ifndef KVD_CLIENT_ADDRESS_H
#define KVD_CLIENT_ADDRESS_H

#include <netdb.h>
#include <stddef.h>
#include <sys/socket.h>

/*
 * Names of servers: "host:port", "host", ":port", "[v6]:port", or a path of a
 * unix socket, which is told by its slash.
 */
struct address {
	struct sockaddr_storage	sockaddr;
	socklen_t		len;
};

struct address_list {
	struct address	*items;
	size_t		 n;
};

enum address_status {
	ADDRESS_OK,
	ADDRESS_BAD,		/* why: what is wrong with the name */
	ADDRESS_UNKNOWN,	/* why: what the resolver says */
	ADDRESS_NO_MEMORY
};

/* Is this a name?  ADDRESS_OK or ADDRESS_BAD; asks no resolver. */
enum address_status address_check(const char *server, const char *port,
    const char **why);

/*
 * Find the addresses of a server; free them with address_free().  *why is
 * static text, set unless ADDRESS_OK.  May block in getaddrinfo(3).
 */
enum address_status address_find(const char *server, const char *port,
    struct address_list *, const char **why);
void address_free(struct address_list *);

#endif
