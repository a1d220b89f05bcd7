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

struct names *
names_open(void)
{
	struct names *names = calloc(1, sizeof(*names));
	size_t i;

	for (i = 0; names != NULL && i < NAMES_HASHED; i++)
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
	return &names->hashed[i % NAMES_HASHED];
}

uint64_t
names_hash(const struct arena *a, struct bytes b)
{
	struct hashed *last;

	if (a->names == NULL || b.len > NAMES_HASHED_MAX)
		return hash_keyed(a->hash_seed, b.data, b.len);
	last = hashed_like(a->names, b);
	if (last->len == b.len && short_equal(last->bytes, b.data, b.len))
		return last->hash;
	last->hash = hash_keyed(a->hash_seed, b.data, b.len);
	last->len = b.len;
	if (b.len > 0)
		memcpy(last->bytes, b.data, b.len);
	return last->hash;
}

/* --- names --- */

bool
names_shard(const struct arena *a, struct bytes name, uint32_t *shard)
{
	const struct known_name *k;

	if (a->names == NULL || name.len == 0)
		return false;
	k = names_place(a->names, 0, name);
	if (!names_is(k, name))
		return false;
	*shard = k->shard;
	return true;
}

void
names_keep(const struct arena *a, const struct known_name *found,
    struct bytes name)
{
	struct known_name *k;

	if (a->names == NULL || name.len > KNOWN_NAME_MAX)
		return;
	k = names_place(a->names, found->shard, name);
	*k = *found;
	k->len = (uint32_t)name.len;
	if (name.len > 0)
		memcpy(k->bytes, name.data, name.len);
}
