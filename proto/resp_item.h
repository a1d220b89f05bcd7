#ifndef KVD_PROTO_RESP_ITEM_H
#define KVD_PROTO_RESP_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/request.h"

/*
 * Replies in the protocol of Redis, taken apart: what another node has
 * answered becomes a part of what a client is told.  Of the types, those that
 * are no lists, in the form in which resp_reply.h writes them, and the head of
 * an array.  All functions are pure and safe from any thread.
 */

/*
 * Take the first item: *item is all of it as it stands there, *rest what is
 * behind it.  False, and nothing is changed, if there is no whole one.
 */
bool resp_take_item(struct slice *rest, struct slice *item);

/* Take the head of an array; n is how many items it says that follow. */
bool resp_take_array(struct slice *rest, size_t *n);

/* Take an integer. */
bool resp_take_integer(struct slice *rest, int64_t *number);

#endif
