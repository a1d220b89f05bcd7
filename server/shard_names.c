/*
 * Chains, one for each name on average.  A table doubles at once when it is
 * full: it has the names of one shard only, so that takes no time that anybody
 * would notice.
 */

#include "server/shard_names.h"

#include <stdlib.h>
#include <string.h>

#define CHAINS_BEGIN	((size_t)16)

static struct shard_name **
chain_of(struct shard_name **chains, size_t n_chains, uint64_t id)
{
	return &chains[(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) &
	    (n_chains - 1)];
}

/* What points to the name, or to the end of the chain. */
static struct shard_name **
place_of(const struct shard_names *t, uint64_t id)
{
	struct shard_name **at = chain_of(t->chains, t->n_chains, id);

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static bool
grow(struct shard_names *t)
{
	size_t n = t->n_chains == 0 ? CHAINS_BEGIN : 2 * t->n_chains, i;
	struct shard_name **chains = calloc(n, sizeof(struct shard_name *));
	struct shard_name *name, *next, **at;

	if (chains == NULL)
		return false;
	for (i = 0; i < t->n_chains; i++)
		for (name = t->chains[i]; name != NULL; name = next) {
			next = name->next;
			at = chain_of(chains, n, name->id);
			name->next = *at;
			*at = name;
		}
	free(t->chains);
	t->chains = chains;
	t->n_chains = n;
	return true;
}

bool
shard_names_note(struct shard_names *t, uint64_t id, uint64_t created,
    struct bytes bytes)
{
	struct shard_name *name, **at;

	if (t->n == t->n_chains && !grow(t))
		return false;
	if ((name = malloc(sizeof(*name) + bytes.len)) == NULL)
		return false;
	shard_names_forget(t, id);
	at = chain_of(t->chains, t->n_chains, id);
	name->next = *at;
	name->id = id;
	name->created = created;
	name->len = bytes.len;
	if (bytes.len > 0)
		memcpy(name->bytes, bytes.data, bytes.len);
	*at = name;
	t->n++;
	return true;
}

const struct shard_name *
shard_names_find(const struct shard_names *t, uint64_t id)
{
	return t->n == 0 ? NULL : *place_of(t, id);
}

void
shard_names_forget(struct shard_names *t, uint64_t id)
{
	struct shard_name **at, *name;

	if (t->n == 0)
		return;
	at = place_of(t, id);
	if ((name = *at) == NULL)
		return;
	*at = name->next;
	free(name);
	t->n--;
}

void
shard_names_forget_all(struct shard_names *t)
{
	struct shard_name *name, *next;
	size_t i;

	for (i = 0; i < t->n_chains; i++)
		for (name = t->chains[i]; name != NULL; name = next) {
			next = name->next;
			free(name);
		}
	free(t->chains);
	*t = (struct shard_names){ .n = 0 };
}
