#ifndef KVD_SERVER_REDIS_WALK_H
#define KVD_SERVER_REDIS_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/glob.h"
#include "server/redis.h"

/*
 * A walk over all names of this node, of buckets and of strings, table after
 * table of shard after shard.  Names that another node has by now are passed
 * over.  Where it has got to is a number, so any worker can go on with it.
 */
struct walk {
	struct store		*store;
	const struct route	*route;
	uint32_t		 node;		/* whose names these are */
	uint32_t		 shard;
	bool			 strings;
	struct scan		 scan;
	enum redis_type		 only;		/* REDIS_NONE: any */
	bool			 nothing;	/* a type that nothing is of */
	struct glob		*glob;		/* NULL: any; ours to free */
};

/* At the first name; and the end of it. */
void walk_begin(struct walk *, const struct command_env *);
void walk_end(struct walk *);

/* A word becomes a pattern; false: an error is the answer. */
bool walk_set_pattern(struct walk *, struct call *, struct slice word);

/*
 * The cursor of SCAN: which node's names, and where in them.  A walk that is
 * over has the one at which the next node's names begin; 0: there is none.
 */
uint64_t walk_cursor(const struct walk *);
void walk_set_cursor(struct walk *, uint64_t cursor);
/* Which node has to be asked with that cursor. */
uint32_t walk_node_of(const struct route *, uint64_t cursor);

/* Where it is on this node, ever larger; 0 at the beginning, and when over. */
uint64_t walk_place(const struct walk *);
void walk_set_place(struct walk *, uint64_t place);

bool walk_is_over(const struct walk *);

/* Are all names of a shard this node's; and can any of them be? */
bool walk_has_shard(const struct walk *, uint32_t shard);
bool walk_may_have(const struct walk *, uint32_t shard);
/*
 * How many names the latter have.  Those that have expired are counted until
 * the cleaner comes by, and so are another node's, where they go by letters.
 */
uint64_t walk_total(const struct command_env *);

/*
 * On to names of one table, for store_next_name(): so many, or a few more.  A
 * step may have none without being the last.
 */
enum shm_status walk_step(struct walk *, size_t enough);
/* Is this one of ours, and does it match? */
bool walk_wants(const struct walk *, struct slice name);

struct found {			/* on its way to the client */
	struct outbuf	names;	/* as items */
	size_t		n;
};

/* Of all names that a reply may have, in bytes; and what is said of more. */
#define WALK_NAMES_MAX	((size_t)64 * 1024 * 1024)
#define WALK_TOO_MANY	"too many keys for one reply, use SCAN"

/*
 * Look at so many names, or so many bytes of those that are wanted, or fewer,
 * and add the latter: nobody else is served meanwhile, so neither a count nor
 * a table that is all but empty makes it long.
 */
#define WALK_PIECE_BYTES	((size_t)1024 * 1024)
enum shm_status walk_collect(struct walk *, size_t count, size_t bytes,
    struct found *);

/* Write those that were found as a list. */
void walk_reply(struct outbuf *, enum resp_version, const struct found *);

#endif
