#ifndef KVD_PROTO_HMAC_H
#define KVD_PROTO_HMAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/request.h"

/*
 * HMAC-SHA256 (RFC 2104, FIPS 180-4): a proof that somebody who knows a key
 * has seen some bytes.  Pure and safe from any thread.
 */
#define HMAC_LEN	32	/* bytes */

/*
 * The MAC under `key' of n parts, taken as one run of bytes.  Where one part
 * ends and the next begins is not part of it: who needs that known gives them
 * fixed lengths.  Nothing of the key is left on the stack.
 */
void hmac_sha256(struct slice key, const struct slice *parts, size_t n,
    uint8_t mac[HMAC_LEN]);

/*
 * Are two MACs the same?  It takes the same time whatever they are: one that
 * gave up at the first difference would tell how far a guess was right.
 */
bool hmac_equal(const uint8_t a[HMAC_LEN], const uint8_t b[HMAC_LEN]);

#endif
