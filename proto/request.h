#ifndef KVD_PROTO_REQUEST_H
#define KVD_PROTO_REQUEST_H

#include <stddef.h>
#include <stdint.h>

/* A run of bytes inside somebody else's buffer. */
struct slice {
	const uint8_t	*data;
	size_t		 len;
};

/*
 * A request as every parser delivers it: the verb is argv[0].  argc counts
 * all words that were sent; argv holds the first REQUEST_ARGS_MAX of them,
 * so a longer request is seen for what it is and refused by name.
 */
#define REQUEST_ARGS_MAX	16384

/* The protocol of a request decides what verbs mean, and how it is answered. */
enum request_protocol {
	REQUEST_TEXT, REQUEST_RESP2, REQUEST_RESP3
};

struct request {
	enum request_protocol protocol;
	size_t		 argc;
	struct slice	 argv[REQUEST_ARGS_MAX];
};

#endif
