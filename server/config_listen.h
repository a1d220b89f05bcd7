#ifndef KVD_SERVER_CONFIG_LISTEN_H
#define KVD_SERVER_CONFIG_LISTEN_H

#include <stdbool.h>

#include "server/config.h"

/*
 * Addresses to listen on:
 *
 *	/path/of/socket		a unix socket
 *	host:port host		a name or an IPv4 address; port 4040 if none
 *	[v6]:port [v6]		an IPv6 address
 *	:port *:port		every address of this machine
 *	port			this machine alone, 127.0.0.1
 *
 * Nothing is looked up here: whether the host exists is found out when the
 * socket is opened.
 */

/*
 * Read an address.  On success *listen's strings are the caller's, to be
 * given to config_listen_free(); otherwise why, of CONFIG_WHY_MAX bytes,
 * holds the reason and *listen is cleared.
 */
bool config_listen_parse(struct config_listen *listen, const char *text,
    char *why);

void config_listen_free(struct config_listen *);

#endif
