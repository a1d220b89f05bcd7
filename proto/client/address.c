/*
 * From the name of a server to the addresses to try, in order.
 *
 * A name with a slash is a path, so that a unix socket needs no prefix;
 * "./sock" reaches one in the working directory.  The port is checked here
 * and not left to getaddrinfo(3), whose "Name or service not known" says
 * nothing to a person who typed a letter too many.
 */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "proto/client/address.h"
#include "proto/quote.h"

#define HOST_MAX	256
#define PORT_MAX	6

struct name {
	char	host[HOST_MAX];
	char	port[PORT_MAX];
};

static bool
is_path(const char *server)
{
	return strchr(server, '/') != NULL;
}

/* One that address_check() has let pass. */
static enum address_status
path_address(const char *path, struct address_list *list)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t len = strlen(path);

	list->items = calloc(1, sizeof(*list->items));
	if (list->items == NULL)
		return ADDRESS_NO_MEMORY;
	list->n = 1;
	memcpy(un.sun_path, path, len + 1);
	memcpy(&list->items[0].sockaddr, &un, sizeof(un));
	list->items[0].len = sizeof(un);
	return ADDRESS_OK;
}

static bool
copy_port(struct name *name, const char *port, const char **why)
{
	size_t len = strlen(port);
	long number;

	if (len == 0 || len >= sizeof(name->port) ||
	    strspn(port, "0123456789") != len) {
		*why = "the port is not a number";
		return false;
	}
	number = strtol(port, NULL, 10);
	if (number < 1 || number > 65535) {
		*why = "the port is not between 1 and 65535";
		return false;
	}
	memcpy(name->port, port, len + 1);
	return true;
}

static bool
copy_host(struct name *name, const char *host, size_t len, const char **why)
{
	if (len >= sizeof(name->host)) {
		*why = "the host name is too long";
		return false;
	}
	memcpy(name->host, host, len);
	name->host[len] = '\0';
	return true;
}

static bool
split_brackets(const char *server, const char *port, struct name *name,
    const char **why)
{
	const char *end = strchr(server, ']');

	if (end == NULL || (end[1] != ':' && end[1] != '\0')) {
		*why = "expected [address]:port";
		return false;
	}
	if (end[1] == ':')
		port = end + 2;
	return copy_host(name, server + 1, (size_t)(end - server - 1), why) &&
	    copy_port(name, port, why);
}

static bool
split(const char *server, const char *port, struct name *name,
    const char **why)
{
	const char *colon = strchr(server, ':');
	size_t host_len = strlen(server);

	if (*server == '[')
		return split_brackets(server, port, name, why);
	if (*server == '\0') {
		*why = "the name is empty";
		return false;
	}
	if (colon != NULL && strchr(colon + 1, ':') != NULL) {
		*why = "an address with colons is written [address]:port";
		return false;
	}
	if (colon != NULL) {
		host_len = (size_t)(colon - server);
		port = colon + 1;
	}
	return copy_host(name, server, host_len, why) &&
	    copy_port(name, port, why);
}

static bool
has_space(const char *server)
{
	for (; *server != '\0'; server++)
		if (quote_is_space((uint8_t)*server))
			return true;
	return false;
}

/* name is filled if the server is no path. */
static enum address_status
check(const char *server, const char *port, struct name *name,
    const char **why)
{
	bool good = true;

	*why = "";
	if (has_space(server)) {
		*why = "there is a space in the name";
		good = false;
	} else if (!is_path(server)) {
		good = split(server, port, name, why);
	} else if (strlen(server) >=
	    sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
		*why = "the path is too long for a unix socket";
		good = false;
	}
	return good ? ADDRESS_OK : ADDRESS_BAD;
}

enum address_status
address_check(const char *server, const char *port, const char **why)
{
	struct name name;

	return check(server, port, &name, why);
}

static enum address_status
copy_found(const struct addrinfo *found, struct address_list *list)
{
	const struct addrinfo *ai;
	size_t n = 0;

	for (ai = found; ai != NULL; ai = ai->ai_next)
		n++;
	list->items = calloc(n, sizeof(*list->items));
	if (list->items == NULL)
		return ADDRESS_NO_MEMORY;
	for (ai = found; ai != NULL; ai = ai->ai_next) {
		memcpy(&list->items[list->n].sockaddr, ai->ai_addr,
		    ai->ai_addrlen);
		list->items[list->n++].len = ai->ai_addrlen;
	}
	return ADDRESS_OK;
}

enum address_status
address_find(const char *server, const char *port, struct address_list *list,
    const char **why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	enum address_status status;
	struct name name = { "", "" };
	int error;

	*list = (struct address_list){ 0 };
	if (check(server, port, &name, why) != ADDRESS_OK)
		return ADDRESS_BAD;
	if (is_path(server))
		return path_address(server, list);
	/* No host and no AI_PASSIVE: the loopback addresses. */
	error = getaddrinfo(*name.host != '\0' ? name.host : NULL, name.port,
	    &hints, &found);
	if (error == EAI_MEMORY)
		return ADDRESS_NO_MEMORY;
	if (error != 0) {
		*why = gai_strerror(error);
		return ADDRESS_UNKNOWN;
	}
	status = copy_found(found, list);
	freeaddrinfo(found);
	return status;
}

void
address_free(struct address_list *list)
{
	free(list->items);
	*list = (struct address_list){ 0 };
}
