#ifndef KVD_SERVER_RELOAD_H
#define KVD_SERVER_RELOAD_H

#include <stdbool.h>

#include "server/config.h"
#include "server/role.h"

/*
 * Reading the configuration again, in a process that goes on if it is bad.
 */

/*
 * In the master: *next becomes the new configuration, what cannot change
 * while running put back, everything that is wrong or fixed logged.
 * Returns false, with *next empty, if the old one is to be kept.
 */
bool reload_read(const struct config_args *, const struct config *running,
    struct config *next);

/*
 * In a child, which the master told after its own reload: read the same
 * file into *own, and let *current point to it.  Complaints were logged by
 * the master.
 */
void reload_child(const struct inherit *, struct config *own,
    const struct config **current);

#endif
