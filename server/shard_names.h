#ifndef KVD_SERVER_SHARD_NAMES_H
#define KVD_SERVER_SHARD_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/arena.h"

/*
 * The names of the buckets of a shard, by the numbers that records tell them
 * by; for one process.  A number has one name at a time.
 */
struct shard_name {
	struct shard_name	*next;		/* in its chain */
	uint64_t		 id;
	uint64_t		 created;	/* revision */
	size_t			 len;
	uint8_t			 bytes[];
};

struct shard_names {			/* all zeros: none */
	struct shard_name	**chains;
	size_t			  n_chains;	/* a power of two, or 0 */
	size_t			  n;
};

/* The name is copied; it takes an older one's place.  False: no memory. */
bool shard_names_note(struct shard_names *, uint64_t id, uint64_t created,
    struct bytes name);

/* NULL if there is none; good until the next change. */
const struct shard_name *shard_names_find(const struct shard_names *,
    uint64_t id);

void shard_names_forget(struct shard_names *, uint64_t id);
void shard_names_forget_all(struct shard_names *);

#endif
