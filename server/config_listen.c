/*
 * Addresses to listen on, from text to their parts.  The one trap is that a
 * colon both ends a host and stands inside an IPv6 address, so the latter
 * must be in brackets; a bare number is a port, and then of this machine
 * alone: nobody opens a store to the world by leaving something out.
 */
#include "server/config_listen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "server/config_value.h"

#define DIGITS		"0123456789"
#define HOST_BYTES	"abcdefghijklmnopqrstuvwxyz" \
			"ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS ".-_"
#define V6_BYTES	"abcdefABCDEF" DIGITS ":."
#define HOST_MAX	253	/* RFC 1035, less the length bytes */

static const size_t path_max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;

void
config_listen_free(struct config_listen *listen)
{
	free(listen->text);
	free(listen->host);
	free(listen->port);
	free(listen->path);
	memset(listen, 0, sizeof(*listen));
}

static bool
refuse(char *why, const char *text, const char *reason)
{
	snprintf(why, CONFIG_WHY_MAX, "\"%.100s\" %s", text, reason);
	return false;
}

static bool
port_is_good(const char *port)
{
	size_t len = strlen(port);
	long number;

	if (len == 0 || len > 5 || strspn(port, DIGITS) != len)
		return false;
	number = strtol(port, NULL, 10);
	return number >= 1 && number <= 65535;
}

static bool
host_is_good(const char *host, size_t len, bool v6)
{
	size_t legal = strspn(host, v6 ? V6_BYTES : HOST_BYTES);

	if (v6 && legal < len && host[legal] == '%')	/* fe80::1%eth0 */
		legal += 1 + strspn(host + legal + 1, HOST_BYTES);
	return len > 0 && len <= HOST_MAX && legal >= len;
}

static bool
fill_path(struct config_listen *listen, const char *text, char *why)
{
	if (strlen(text) > path_max) {
		snprintf(why, CONFIG_WHY_MAX, "\"%.100s\" is longer than the "
		    "%zu bytes of a socket's path", text, path_max);
		return false;
	}
	listen->path = strdup(text);
	listen->text = strdup(text);
	return listen->path != NULL && listen->text != NULL;
}

static bool
fill_host(struct config_listen *listen, const char *host, size_t len, bool v6,
    const char *port)
{
	listen->host = strndup(host, len);
	listen->port = strdup(port);
	if (asprintf(&listen->text, v6 ? "[%.*s]:%s" : "%.*s:%s", (int)len,
	    host, port) == -1)
		listen->text = NULL;
	return listen->host != NULL && listen->port != NULL &&
	    listen->text != NULL;
}

static bool
parse_v6(struct config_listen *listen, const char *text, char *why)
{
	const char *close = strchr(text, ']'), *port = CONFIG_PORT;

	if (close == NULL)
		return refuse(why, text, "has no closing bracket");
	if (close[1] == ':')
		port = close + 2;
	else if (close[1] != '\0')
		return refuse(why, text, "goes on after the bracket; "
		    "write [address]:port");
	if (!host_is_good(text + 1, (size_t)(close - text - 1), true))
		return refuse(why, text, "has no IPv6 address in brackets");
	if (!port_is_good(port))
		return refuse(why, text, "has no port from 1 to 65535");
	return fill_host(listen, text + 1, (size_t)(close - text - 1), true,
	    port);
}

static bool
parse_host(struct config_listen *listen, const char *text, char *why)
{
	const char *colon = strchr(text, ':'), *port = CONFIG_PORT;
	size_t len = colon == NULL ? strlen(text) : (size_t)(colon - text);

	if (colon != NULL && strchr(colon + 1, ':') != NULL)
		return refuse(why, text, "has several colons; write an IPv6 "
		    "address in brackets");
	if (colon != NULL)
		port = colon + 1;
	if (!port_is_good(port))
		return refuse(why, text, "has no port from 1 to 65535");
	if (colon != NULL && (len == 0 || (len == 1 && *text == '*')))
		return fill_host(listen, "", 0, false, port);
	if (!host_is_good(text, len, false))
		return refuse(why, text, "is not an address; write host:port, "
		    ":port, [v6]:port, a port, or the path of a socket");
	return fill_host(listen, text, len, false, port);
}

static bool
parse_port(struct config_listen *listen, const char *text, char *why)
{
	static const char loopback[] = "127.0.0.1";

	if (!port_is_good(text))
		return refuse(why, text, "is not a port from 1 to 65535");
	return fill_host(listen, loopback, strlen(loopback), false, text);
}

bool
config_listen_parse(struct config_listen *listen, const char *text, char *why)
{
	bool good;

	memset(listen, 0, sizeof(*listen));
	strlcpy(why, "out of memory", CONFIG_WHY_MAX);
	if (*text == '/')
		good = fill_path(listen, text, why);
	else if (*text == '[')
		good = parse_v6(listen, text, why);
	else if (*text != '\0' && strspn(text, DIGITS) == strlen(text))
		good = parse_port(listen, text, why);
	else
		good = parse_host(listen, text, why);
	if (!good)
		config_listen_free(listen);
	return good;
}
