#ifndef KVD_PROTO_PLAIN_H
#define KVD_PROTO_PLAIN_H

#include <stddef.h>
#include <stdint.h>

#include "proto/request.h"

/*
 * The requests that make nearly all traffic: one key is read, set or counted
 * up.  Whoever has many of them to take does so here, in a fraction of what it
 * costs to parse a request of any kind and to find its verb.
 */
enum plain_kind {
	PLAIN_NONE,		/* any other request */
	PLAIN_GET,		/* text: bucket, key */
	PLAIN_PUT,		/* text: bucket, key, value */
	PLAIN_HGET,		/* bucket, key */
	PLAIN_HSET,		/* bucket, key, value */
	PLAIN_STRING_GET,	/* GET of RESP: key */
	PLAIN_STRING_SET,	/* SET of RESP: key, value */
	PLAIN_STRING_INCR	/* INCR of RESP: key */
};
#define PLAIN_KINDS	(PLAIN_STRING_INCR + 1)

#define PLAIN_WORDS	5	/* there is room for, verb and all */

struct plain {
	enum plain_kind	kind;
	size_t		used;		/* bytes of input */
	size_t		argc;
	struct slice	argv[PLAIN_WORDS];	/* in the input, verb first */
};

/*
 * Take such a request, if all of it is there at the start of buf.  Returns its
 * bytes, or 0 if it is any other one, is not there as a whole, or is written
 * in an unusual way: then *plain means nothing, and text_parse() or
 * resp_parse() says what it is.  They would take one that is taken here for
 * the same words, as long as word_max is not more than their limits are: no
 * word is longer, nor is one of RESP longer than 9999 bytes.  Pure; no byte
 * behind len is looked at.
 */
size_t plain_text(const uint8_t *buf, size_t len, size_t word_max,
    struct plain *);
size_t plain_resp(const uint8_t *buf, size_t len, size_t word_max,
    struct plain *);

#endif
