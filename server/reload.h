#ifndef KVD_SERVER_RELOAD_H
#define KVD_SERVER_RELOAD_H

#include <stdbool.h>

#include "server/config.h"

/*
 * Read the configuration again, in a master that goes on if it is bad.
 * *next becomes the new configuration, what cannot change while running put
 * back, everything that is wrong or fixed logged.
 * Returns false, with *next empty, if the old one is to be kept.
 */
bool reload_read(const struct config_args *, const struct config *running,
    struct config *next);

#endif
