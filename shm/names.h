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

#define NAMES		128U	/* a power of two; 64 have the strings */

/* Of what else was hashed lately, too, each has one place. */
#define NAMES_HASHED	64U	/* a power of two */
#define NAMES_HASHED_MAX 48U	/* bytes */

struct names {
	struct known_name	known[NAMES];
	struct hashed {
		uint64_t	hash;
		size_t		len;	/* SIZE_MAX: nothing yet */
		uint8_t		bytes[NAMES_HASHED_MAX];
	} hashed[NAMES_HASHED];
};

/*
 * The hash of a name or a key.  A transaction needs that of the same bytes
 * several times, so it is computed once for what was asked for lately.
 */
uint64_t names_hash(const struct arena *, struct bytes);

struct names *names_open(void);		/* NULL: no memory */
void names_close(struct names *);

/* The place of a name, which another one may have. */
static inline struct known_name *
names_place(struct names *names, uint32_t shard, struct bytes name)
{
	const uint8_t *p = name.data;
	size_t i = shard;

	if (name.len > 0)
		i = 5 * name.len + (size_t)7 * p[name.len / 2] +
		    (size_t)11 * p[name.len - 1];
	return &names->known[i % NAMES];
}

static inline bool
names_is(const struct known_name *k, struct bytes name)
{
	return k->len == name.len && k->place.home != NULL &&
	    short_equal(k->bytes, name.data, name.len);
}

/*
 * What is remembered of a name of that shard, whether it still holds or not;
 * NULL if nothing is, or nothing ever will be.
 */
static inline const struct known_name *
names_recall(const struct arena *a, uint32_t shard, struct bytes name)
{
	const struct known_name *k;

	if (a->names == NULL)
		return NULL;
	k = names_place(a->names, shard, name);
	return k->shard == shard && names_is(k, name) ? k : NULL;
}

/* The shard of a name that is remembered; false if it is not. */
bool names_shard(const struct arena *, struct bytes name, uint32_t *shard);

/*
 * Does it hold?  Acquires what the words that it looks at have released.
 */
static inline bool
names_hold_at(const struct shard *sh, uint64_t shape, const struct line *home,
    uint64_t version)
{
	return word_load(&sh->buckets.shape) == shape &&
	    word_load(&home->version) == version;
}

static inline bool
names_hold(const struct arena *a, const struct known_name *k)
{
	return names_hold_at(&a->shards[k->shard], k->shape, k->place.home,
	    k->version);
}

/*
 * Remember the place of a name, which had that hash and was found while the
 * table had that shape and the home line that version.
 */
void names_keep(const struct arena *, const struct known_name *,
    struct bytes name);

#endif
