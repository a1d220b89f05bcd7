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
	const struct bucket *b;
	uint64_t lines;

	ahead->key = key;
	ahead->home = NULL;
	ahead->hash = hash_keyed(a->hash_seed, key.data, key.len);
	/* That it is no more its name's is found out when it is read. */
	if (ahead->in.at == 0)
		return;
	b = arena_at(a, ahead->in.at);
	ahead->shape = word_load(&b->table.shape);
	lines = table_lines(ahead->shape);
	if (lines > 0)
		ahead->home = table_line(a, word_load(&b->table.root),
		    table_line_number(lines, ahead->hash));
}

#endif
