#ifndef KVD_SERVER_RELOAD_H
#define KVD_SERVER_RELOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "server/config.h"

/*
 * Read the configuration again, in a master that goes on if it is bad.
 * *next becomes the new configuration, what cannot change while running put
 * back, everything that is wrong or fixed logged.  shards is how many the
 * arena has, for a table of nodes must fit them.
 * Returns false, with *next empty, if the old one is to be kept.
 */
bool reload_read(const struct config_args *, const struct config *running,
    uint32_t shards, struct config *next);

/*
 * An upgrade: the running configuration as a file without a name, for a
 * successor.  Returns its descriptor, or -1 with errno.
 */
int reload_hand_on(const struct config *running);

/*
 * In the successor: what that file says of settings that cannot change while
 * kvd runs stays true, whatever config says, and the log says so.
 * fatal(EX_CONFIG, 78) if it cannot be read: the old program goes on.
 */
void reload_inherit(struct config *config, int fd);

#endif
