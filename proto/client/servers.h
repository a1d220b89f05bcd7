#ifndef KVD_CLIENT_SERVERS_H
#define KVD_CLIENT_SERVERS_H

#include <stddef.h>

#include "proto/client/address.h"

/* The servers of a handle, in the order in which they were named. */
struct servers {
	char	 *text;		/* the names, a NUL behind each */
	char	**names;	/* into it */
	size_t	  n;
};

/*
 * Split "name,name,..." and check each, asking no resolver.  ADDRESS_OK,
 * ADDRESS_NO_MEMORY, or ADDRESS_BAD with *why, static text, and in *entry
 * which of them it is, counted from 1.  To be freed either way.
 */
enum address_status servers_read(struct servers *, const char *text,
    const char *port, size_t *entry, const char **why);
void servers_free(struct servers *);

#endif
