#ifndef KVD_TESTS_BENCH_LOAD_PROTOCOL_H
#define KVD_TESTS_BENCH_LOAD_PROTOCOL_H

#include <stdbool.h>

#include "tests/bench/load_data.h"
#include "tests/bench/load_reply.h"

/*
 * The requests of each dialect, and what is to be answered: how text,
 * RESP and memcached are written, for the commands that are compared.
 */
enum load_dialect {
	LOAD_TEXT,		/* GET and PUT of a bucket */
	LOAD_HASH,		/* HGET and HSET of one hash */
	LOAD_STRING,		/* GET and SET */
	LOAD_INCR,
	LOAD_MSET,		/* of 10 keys */
	LOAD_PING,
	LOAD_MEMCACHED,		/* get and set */
	LOAD_FLOOR,		/* of tests/bench/floor.c */
	LOAD_CREATE,		/* the bucket, for LOAD_TEXT */
	LOAD_DIALECTS
};

#define LOAD_BUCKET	"bench"	/* the bucket, or hash */

/* Said to the floor, and answered: as long as an HGET and its value. */
#define FLOOR_ASKS	"a request that nobody reads: 48 bytes, like HGET"
#define FLOOR_SAYS	"one answer for all, as long as a value's"
#define FLOOR_REQUEST	(sizeof(FLOOR_ASKS) - 1)
#define FLOOR_REPLY	(sizeof(FLOOR_SAYS) - 1)

struct load_request {
	uint64_t	key;
	uint64_t	since_ns;	/* sent, or due */
	bool		read;
};

/* False if there is none of that name. */
bool load_dialect_parse(const char *name, enum load_dialect *);
const char *load_dialect_name(enum load_dialect);

/* Are there both, requests that read and requests that write? */
bool load_dialect_reads(enum load_dialect);

/* Append a request.  keys: how many there are, for those that name several. */
void load_ask(struct load_buffer *, enum load_dialect,
    const struct load_values *, uint64_t keys, const struct load_request *);

enum load_syntax load_syntax_of(enum load_dialect);

/* Is this the answer to that? */
bool load_is_right(enum load_dialect, const struct load_values *,
    const struct load_request *, const struct load_reply *);

#endif
