#ifndef KVD_SERVER_ROUTE_PUBLISH_H
#define KVD_SERVER_ROUTE_PUBLISH_H

#include "server/config.h"
#include "shm/arena.h"

/*
 * Put the routing table of the configuration in force for the arena (see
 * shm/ownership.h), and say in the log what moved away by it, and what came,
 * if it is another one; strays are counted, and told, again.  For the master,
 * while it is in charge.
 */
void route_publish(struct arena *, const struct config *);

#endif
