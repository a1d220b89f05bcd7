#ifndef KVD_PROTO_RESP_QUICK_H
#define KVD_PROTO_RESP_QUICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/request.h"

/*
 * Take a request in RESP that is there as a whole, and as all clients write it:
 * words no longer than word_max, at most argv_max of them, headers without
 * anything that is not needed.  Returns its bytes, for which argv and *argc are
 * filled in, or 0 for any other, about which nothing is said thereby: that is
 * resp_parse()'s.  Pure.
 */
size_t resp_quick(const uint8_t *buf, size_t len, size_t word_max,
    struct slice *argv, size_t argv_max, size_t *argc);

#endif
