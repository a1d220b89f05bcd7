#ifndef KVD_SERVER_REDIS_CLIENT_H
#define KVD_SERVER_REDIS_CLIENT_H

#include <stdbool.h>

#include "server/redis.h"

/*
 * May a client, or its library, be called so?  If not, the error is the
 * answer, and says that `what' cannot be.
 */
bool redis_client_name_is_sound(struct call *, const char *what,
    struct slice name);

#endif
