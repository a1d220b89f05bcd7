#ifndef KVD_SERVER_LIVE_H
#define KVD_SERVER_LIVE_H

#include <stdbool.h>

#include "server/agreed.h"
#include "server/config.h"
#include "server/config_table.h"

/*
 * Settings that workers take a new value of at once, without a reload: those
 * that they alone look at.  What was set is agreed on under the number of the
 * option, and lasts until a reload or the end.
 */
bool live_is(enum config_option);

/* Bring a configuration up to date; it is the caller's own copy. */
void live_apply(struct config *, const struct agreed *);

#endif
