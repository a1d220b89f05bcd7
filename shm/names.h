#ifndef KVD_SHM_NAMES_H
#define KVD_SHM_NAMES_H

#include "shm/index.h"
#include "shm/word.h"

/*
 * Where the buckets are that this process asked for lately, in its own memory.
 * What is remembered is true as long as neither the shape of the shard's table
 * of names nor the version of the home line has moved, and is good for nothing
 * after that; see arena_remember_names().
 */
#define KNOWN_NAME_MAX	64	/* bytes; a longer one is not remembered */

struct known_name {
	uint32_t		 shard;
	uint32_t		 len;
	uint64_t		 hash;
	uint64_t		 shape;
	uint64_t		 version;
	struct index_place	 place;		/* home NULL: nothing yet */
	arena_off		 bucket;
	uint64_t		 created;	/* its revision */
	uint8_t			 bytes[KNOWN_NAME_MAX];
};

struct names;

/*
 * The hash of a name or a key.  A transaction needs that of the same bytes
 * several times, so it is computed once for what was asked for lately.
 */
uint64_t names_hash(const struct arena *, struct bytes);

struct names *names_open(void);		/* NULL: no memory */
void names_close(struct names *);

/*
 * What is remembered of a name of that shard, whether it still holds or not;
 * NULL if nothing is, or nothing ever will be.
 */
const struct known_name *names_recall(const struct arena *, uint32_t shard,
    struct bytes name);

/* The shard of a name that is remembered; false if it is not. */
bool names_shard(const struct arena *, struct bytes name, uint32_t *shard);

/*
 * Does it hold?  Acquires what the words that it looks at have released.
 */
static inline bool
names_hold_at(const struct arena *a, uint32_t shard, uint64_t shape,
    const struct line *home, uint64_t version)
{
	return word_load(&a->shards[shard].buckets.shape) == shape &&
	    word_load(&home->version) == version;
}

static inline bool
names_hold(const struct arena *a, const struct known_name *k)
{
	return names_hold_at(a, k->shard, k->shape, k->place.home, k->version);
}

/*
 * Remember the place of a name, which had that hash and was found while the
 * table had that shape and the home line that version.
 */
void names_keep(const struct arena *, const struct known_name *,
    struct bytes name);

#endif
