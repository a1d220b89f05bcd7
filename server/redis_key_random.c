/*
 * RANDOMKEY.  Where there are several nodes each proposes a name, and says how
 * many it has: so one of a node with many is as likely as one of another.
 */

#include <stdlib.h>

#include "server/redis_every.h"
#include "server/redis_walk.h"

/*
 * Names to choose from: of one alone, one behind a gap in the space of hashes
 * would be far likelier than others; and of a table with few names all, for
 * those at its beginning have nobody before them.
 */
#define RANDOM_OF	16
#define RANDOM_FEW	256
#define RANDOM_STEPS	(2 * ARENA_SHARDS_MAX)	/* there are so many tables */

static uint64_t
random_number(void)
{
	uint64_t n;

	arc4random_buf(&n, sizeof(n));
	return n;
}

static void
go_into(struct walk *w, uint64_t names)
{
	if (names > RANDOM_FEW)
		w->scan.cursor = random_number();
}

/* Of all names, as many as are counted, the n-th is in this table. */
static void
go_to(struct walk *w, uint64_t n)
{
	uint64_t buckets, strings;

	for (; w->shard < arena_shards(w->store->arena); w->shard++) {
		if (!walk_may_have(w, w->shard))
			continue;
		store_count_names(w->store, w->shard, &buckets, &strings);
		w->strings = n >= buckets;
		if (n < buckets + strings) {
			go_into(w, w->strings ? strings : buckets);
			return;
		}
		n -= buckets + strings;
	}
}

static bool
take_any(struct walk *w, struct slice *name)
{
	size_t enough = w->scan.cursor == 0 ? RANDOM_FEW : RANDOM_OF;
	struct slice next;
	uint64_t n = 0;
	int steps;

	for (steps = 0; n == 0 && !walk_is_over(w) && steps < RANDOM_STEPS &&
	    walk_step(w, enough) == SHM_OK; steps++)
		while (store_next_name(w->store, &next))
			if (walk_wants(w, next) &&
			    random_number() % ++n == 0)
				*name = next;
	return n > 0;
}

/*
 * One of a few at a random place of a table that is chosen by how many names
 * are in it.  What is found there may have expired: then the next that has
 * not, and if there is none, the first of all.
 */
static void
put_any(struct call *call, uint64_t total)
{
	struct walk w, all;
	struct slice name;

	walk_begin(&w, call->env);
	all = w;
	if (total > 0)
		go_to(&w, random_number() % total);
	if (take_any(&w, &name) || take_any(&all, &name))
		resp_put_bulk(call->out, name);
	else
		resp_put_null(call->out, redis_version(call));
}

void
redis_run_randomkey(struct call *call)
{
	put_any(call, walk_total(call->env));
}

void
every_random(struct call *call, uint64_t *place)
{
	uint64_t total = walk_total(call->env);

	resp_put_integer(call->out, (int64_t)total);
	put_any(call, total);
	*place = 0;
}
