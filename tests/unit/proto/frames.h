#ifndef KVD_TESTS_UNIT_PROTO_FRAMES_H
#define KVD_TESTS_UNIT_PROTO_FRAMES_H

#include "proto/frame.h"

/*
 * Frames whose bytes are written down one by one: they are what other versions
 * of kvd will meet.
 */
#define BYTES(s)	(const uint8_t *)(s), sizeof(s) - 1

struct vector {
	const char	*what;
	const uint8_t	*bytes;
	size_t		 len;
	struct frame	 frame;
	size_t		 argc;		/* of a request */
	struct slice	 argv[4];
};

#define VECTORS		15
extern const struct vector vectors[VECTORS];

/* Places in a header. */
#define AT_OP		8
#define AT_FLAGS	9
#define AT_HOPS		10
#define AT_RESERVED	11
#define AT_VERSION	12
#define AT_RESERVED_TOO	14
#define AT_SHARD	32
#define AT_DEADLINE	36

#define PAYLOAD_MAX	4096	/* the longest that is accepted */

/* What was read last. */
extern struct request request;

/*
 * What comes of these bytes, in memory that ends where they end, and in
 * *reason why; the request too is read.
 */
enum frame_status parse(const uint8_t *, size_t len, size_t payload_max,
    const char **reason);

#endif
