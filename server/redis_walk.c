/*
 * Each shard has two tables to walk, of buckets and of strings.  SCAN's cursor
 * tells which, and where in it, so that any worker can go on, and any node
 * knows whom to ask:
 *
 *	bit 0		strings, not buckets
 *	1 .. 10		the shard
 *	11 .. 18	the node, by its number in the table
 *	19 .. 59	the place in the table, see shm/scan.h, reversed
 *
 * A place is where the interval of a line ends, a multiple of a high power of
 * two: reversed it is less than twice the number of lines, of which a table
 * has less than 2^40.  So nothing of it is lost; and with 2^33 lines or less
 * clients that keep cursors as floating point numbers lose nothing either.
 *
 * What a node is asked for piece by piece needs numbers that grow: shard and
 * table above the 41 upper bits of the place.
 */

#include "server/redis_walk.h"

#include <string.h>

#include "shm/hash.h"

#define SHARD_BITS	10
#define NODE_BITS	8
#define NODE_SHIFT	(1 + SHARD_BITS)
#define CURSOR_SHIFT	(NODE_SHIFT + NODE_BITS)
#define TABLE_BITS	(1 + SHARD_BITS)
#define PLACE_BITS	(64 - TABLE_BITS)
#define STEP_NAMES	((size_t)10000)

_Static_assert(ARENA_SHARDS_MAX == 1U << SHARD_BITS, "cursors name shards");
_Static_assert(CONFIG_NODES_MAX == 1U << NODE_BITS, "cursors name nodes");

void
walk_begin(struct walk *w, const struct command_env *env)
{
	*w = (struct walk){
		.store = env->store, .route = env->route,
		.node = route_self(env->route)
	};
}

void
walk_end(struct walk *w)
{
	glob_free(w->glob);
	w->glob = NULL;
}

bool
walk_set_pattern(struct walk *w, struct call *call, struct slice word)
{
	walk_end(w);
	if (word.len == 1 && word.data[0] == '*')
		return true;
	if ((w->glob = glob_new(word, false)) != NULL)
		return true;
	redis_error(call, "ERR", "pattern is too long");
	return false;
}

/* --- places --- */

static uint32_t
shards(const struct walk *w)
{
	return arena_shards(w->store->arena);
}

bool
walk_is_over(const struct walk *w)
{
	return w->nothing || w->shard == shards(w);
}

uint64_t
walk_cursor(const struct walk *w)
{
	uint64_t node = w->node;

	if (!walk_is_over(w))
		return hash_reverse(w->scan.cursor) << CURSOR_SHIFT |
		    node << NODE_SHIFT | (uint64_t)w->shard << 1 | w->strings;
	return w->nothing || ++node >= route_count(w->route) ? 0 :
	    node << NODE_SHIFT;
}

static uint32_t
node_in(uint64_t cursor)
{
	return (uint32_t)(cursor >> NODE_SHIFT & ((1U << NODE_BITS) - 1));
}

/* Of a node that there is not any more nothing is left to be seen. */
void
walk_set_cursor(struct walk *w, uint64_t cursor)
{
	w->node = node_in(cursor);
	w->strings = (cursor & 1) != 0;
	w->shard = (uint32_t)(cursor >> 1 & (ARENA_SHARDS_MAX - 1));
	w->scan.cursor = hash_reverse(cursor >> CURSOR_SHIFT);
	if (w->shard > shards(w) || w->node != route_self(w->route))
		w->shard = shards(w);
}

uint32_t
walk_node_of(const struct route *route, uint64_t cursor)
{
	uint32_t node = node_in(cursor);

	return node < route_count(route) ? node : route_self(route);
}

uint64_t
walk_place(const struct walk *w)
{
	if (walk_is_over(w))
		return 0;
	return ((uint64_t)w->shard << 1 | w->strings) << PLACE_BITS |
	    w->scan.cursor >> TABLE_BITS;
}

void
walk_set_place(struct walk *w, uint64_t place)
{
	w->strings = (place >> PLACE_BITS & 1) != 0;
	w->shard = (uint32_t)(place >> (PLACE_BITS + 1));
	w->scan.cursor = place << TABLE_BITS;
	if (w->shard > shards(w))
		w->shard = shards(w);
}

/* --- names --- */

static void
next_table(struct walk *w)
{
	memset(&w->scan, 0, sizeof(w->scan));
	if (w->strings)
		w->shard++;
	w->strings = !w->strings;
}

bool
walk_has_shard(const struct walk *w, uint32_t shard)
{
	return route_is_alone(w->route) ||
	    route_owner(w->route, shard) == route_self(w->route);
}

bool
walk_may_have(const struct walk *w, uint32_t shard)
{
	return walk_has_shard(w, shard) ||
	    route_owner(w->route, shard) == ROUTE_NOBODY;
}

uint64_t
walk_total(const struct command_env *env)
{
	uint64_t buckets, strings, total = 0;
	struct walk w;

	walk_begin(&w, env);
	for (; !walk_is_over(&w); w.shard++)
		if (walk_may_have(&w, w.shard)) {
			store_count_names(w.store, w.shard, &buckets,
			    &strings);
			total += buckets + strings;
		}
	return total;
}

/* None of its names is ours, or of the type that is wanted. */
static bool
is_to_skip(const struct walk *w)
{
	return !walk_may_have(w, w->shard) || (w->only != REDIS_NONE &&
	    (w->only == REDIS_STRING) != w->strings);
}

enum shm_status
walk_step(struct walk *w, size_t enough)
{
	struct store *store = w->store;
	enum shm_status status = SHM_NO_BUCKET;

	store->batch.used = 0;
	if (!is_to_skip(w))
		status = w->strings ?
		    store_scan_strings(store, w->shard, &w->scan, enough) :
		    store_scan_buckets(store, w->shard, &w->scan, enough);
	if (status == SHM_NO_BUCKET || w->scan.done) {
		next_table(w);
		return SHM_OK;
	}
	return status;
}

bool
walk_wants(const struct walk *w, struct slice name)
{
	return (w->glob == NULL || glob_match(w->glob, name)) &&
	    (route_is_alone(w->route) || route_owner_of_name(w->route,
	    name.data, name.len) == route_self(w->route));
}

enum shm_status
walk_collect(struct walk *w, size_t count, size_t bytes, struct found *found)
{
	size_t seen = 0, end = outbuf_len(&found->names) + bytes;
	enum shm_status status;
	struct slice name;
	bool idle = false;

	if (count > STEP_NAMES)
		count = STEP_NAMES;
	while (seen < count && !idle && !walk_is_over(w) &&
	    outbuf_len(&found->names) < end) {
		if ((status = walk_step(w, count - seen)) != SHM_OK)
			return status;
		idle = w->store->batch.used == 0 && w->scan.cursor != 0;
		for (; store_next_name(w->store, &name); seen++)
			if (walk_wants(w, name)) {
				resp_put_bulk(&found->names, name);
				found->n++;
			}
	}
	return SHM_OK;
}

void
walk_reply(struct outbuf *out, enum resp_version version,
    const struct found *found)
{
	resp_put_list(out, version, RESP_ARRAY, found->n);
	if (found->n > 0)
		outbuf_append(out, found->names.data + found->names.head,
		    outbuf_len(&found->names));
	out->failed |= found->names.failed;
}
