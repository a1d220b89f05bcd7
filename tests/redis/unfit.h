#ifndef KVD_TESTS_REDIS_UNFIT_H
#define KVD_TESTS_REDIS_UNFIT_H

#include "tests/redis/words.h"

/* Requests that are not to be said to two servers that are compared. */

/*
 * Would all of the server wait, a connection end, no memory be left, a reply
 * without end begin, or Redis remember when it is to save what it has?
 */
bool unfit_is_fatal(const struct words *);

/* Would something expire while the test runs? */
bool unfit_is_hasty(const struct words *);

#endif
