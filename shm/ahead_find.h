#ifndef KVD_SHM_AHEAD_FIND_H
#define KVD_SHM_AHEAD_FIND_H

#include "shm/ahead.h"
#include "shm/chain.h"
#include "shm/hash.h"
#include "shm/names.h"
#include "shm/table.h"
#include "shm/word.h"

/* The parts of looking ahead that every read begins with; see read_known.h. */

static inline void
ahead_find_bucket(const struct arena *a, uint32_t shard, struct bytes name,
    struct ahead_bucket *in)
{
	const struct known_name *known = names_recall(a, shard, name);

	in->name = name;
	in->shard = shard;
	in->at = 0;
	if (known == NULL)
		return;
	in->at = known->bucket;
	in->home = known->place.home;
	in->shape = known->shape;
	in->version = known->version;
}

/* The home line of a key; it is known which bucket. */
static inline void
ahead_find_line(const struct arena *a, struct bytes key, struct ahead *ahead)
{
	const struct bucket *b = arena_at(a, ahead->in.at);
	uint64_t lines, hash = hash_keyed(a->hash_seed, key.data, key.len);

	ahead->key = key;
	ahead->hash = hash;
	ahead->home = NULL;
	ahead->first = 0;
	ahead->version = 0;
	/* That it is no more its name's is found out when it is read. */
	if (ahead->in.at == 0)
		return;
	ahead->shape = word_load(&b->table.shape);
	lines = table_lines(ahead->shape);
	if (lines > 0)
		ahead->home = table_line(a, word_load(&b->table.root),
		    table_line_number(lines, hash));
}

#endif
