/*
 * Requests come in runs for the same few buckets.  Finding one by its name
 * takes a hash, a line, a record and its key: as much as the pair itself.  Two
 * words tell that nothing of that has changed.
 *
 * A name has one place here, found without the hash that it is to spare.  So
 * has what else was hashed lately, for a transaction to ask again.
 */

#include "shm/names.h"

#include <stdlib.h>
#include <string.h>

#include "shm/hash.h"

#define NAMES	128U		/* a power of two; 64 have the strings */

/* Of these, too, each has one place. */
#define HASHED		64U		/* a power of two */
#define HASHED_MAX	48U		/* bytes */

struct hashed {
	uint64_t	hash;
	size_t		len;		/* SIZE_MAX: nothing yet */
	uint8_t		bytes[HASHED_MAX];
};

struct names {
	struct known_name	known[NAMES];
	struct hashed		hashed[HASHED];
};

struct names *
names_open(void)
{
	struct names *names = calloc(1, sizeof(*names));
	size_t i;

	for (i = 0; names != NULL && i < HASHED; i++)
		names->hashed[i].len = SIZE_MAX;
	return names;
}

void
names_close(struct names *names)
{
	free(names);
}

/* --- hashes --- */

/* Keys tend to differ at their end. */
static struct hashed *
hashed_like(struct names *names, struct bytes b)
{
	const uint8_t *p = b.data;
	size_t i = b.len;

	if (b.len > 0)
		i += (size_t)p[0] + (size_t)13 * p[b.len / 2] + p[b.len - 1];
	if (b.len > 1)
		i += (size_t)10 * p[b.len - 2];
	return &names->hashed[i % HASHED];
}

uint64_t
names_hash(const struct arena *a, struct bytes b)
{
	struct hashed *last;

	if (a->names == NULL || b.len > HASHED_MAX)
		return hash_keyed(a->hash_seed, b.data, b.len);
	last = hashed_like(a->names, b);
	if (last->len == b.len && (b.len == 0 ||
	    memcmp(last->bytes, b.data, b.len) == 0))
		return last->hash;
	last->hash = hash_keyed(a->hash_seed, b.data, b.len);
	last->len = b.len;
	if (b.len > 0)
		memcpy(last->bytes, b.data, b.len);
	return last->hash;
}

/* --- names --- */

static struct known_name *
place_of(struct names *names, uint32_t shard, struct bytes name)
{
	const uint8_t *p = name.data;
	size_t i = shard;

	if (name.len > 0)
		i = 5 * name.len + (size_t)7 * p[name.len / 2] +
		    (size_t)11 * p[name.len - 1];
	return &names->known[i % NAMES];
}

static bool
is_of(const struct known_name *k, struct bytes name)
{
	return k->place.home != NULL && k->len == name.len &&
	    (name.len == 0 || memcmp(k->bytes, name.data, name.len) == 0);
}

bool
names_shard(const struct arena *a, struct bytes name, uint32_t *shard)
{
	const struct known_name *k;

	if (a->names == NULL || name.len == 0)
		return false;
	k = place_of(a->names, 0, name);
	if (!is_of(k, name))
		return false;
	*shard = k->shard;
	return true;
}

const struct known_name *
names_recall(const struct arena *a, uint32_t shard, struct bytes name)
{
	const struct known_name *k;

	if (a->names == NULL)
		return NULL;
	k = place_of(a->names, shard, name);
	return k->shard == shard && is_of(k, name) ? k : NULL;
}

void
names_keep(const struct arena *a, const struct known_name *found,
    struct bytes name)
{
	struct known_name *k;

	if (a->names == NULL || name.len > KNOWN_NAME_MAX)
		return;
	k = place_of(a->names, found->shard, name);
	*k = *found;
	k->len = (uint32_t)name.len;
	if (name.len > 0)
		memcpy(k->bytes, name.data, name.len);
}
