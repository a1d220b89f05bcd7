#ifndef KVD_SERVER_REDIS_CLUSTER_H
#define KVD_SERVER_REDIS_CLUSTER_H

#include <stdbool.h>

#include "server/redis.h"

/* Are clients to believe that this is a cluster, see cluster-protocol? */
bool redis_cluster_is_on(const struct call *);

#endif
