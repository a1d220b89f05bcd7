/*
 * A static table moves no data: what an edit takes from a node stays in its
 * arena.  To serve it would be to have two owners, to drop it would be a
 * loss; so it is kept, and told.
 *
 * Where shards have an owner, they know how much they hold.  Where buckets go
 * by letters, their names are walked.
 */

#include "server/strays.h"

#include <inttypes.h>

#include "server/log.h"
#include "shm/bucket.h"

/* A name of a bucket takes less, so a line of them always fits. */
#define BATCH_BYTES	(64 * 1024)

void
strays_open(struct strays *s, struct arena *arena, const struct route *route)
{
	*s = (struct strays){ .arena = arena, .route = route };
}

static void
add_shard(struct strays *s)
{
	uint64_t buckets, keys;

	arena_shard_counts(s->arena, s->shard, &buckets, &keys);
	s->found.buckets += buckets;
	s->found.keys += keys;
	s->shard++;
}

static void
add_bucket(struct strays *s, struct bytes name)
{
	struct bucket_stat stat;

	if (route_owner_of_name(s->route, name.data, name.len) ==
	    route_self(s->route) ||
	    bucket_stat(s->arena, name, &stat) != SHM_OK)
		return;
	s->found.buckets++;
	s->found.keys += stat.keys;
}

static void
walk_names(struct strays *s)
{
	static uint8_t buf[BATCH_BYTES];
	struct scan_batch batch = { .buf = buf, .cap = sizeof(buf) };
	struct bytes name;
	size_t pos = 0;

	if (scan_buckets(s->arena, s->shard, &s->scan, &batch) != SHM_OK)
		s->scan.done = true;
	while (scan_next_name(&batch, &pos, &name))
		add_bucket(s, name);
	if (!s->scan.done)
		return;
	s->scan = (struct scan){ 0 };
	s->shard++;
}

static void
finish(struct strays *s)
{
	ownership_set_strays(s->arena, route_hash(s->route), &s->found);
	if (s->found.buckets == 0)
		return;
	log_warn("%" PRIu64 " bucket%s with %" PRIu64 " key%s here belong%s "
	    "to other nodes by routing table version %" PRIu64 ": strays, "
	    "kept but not served before a table gives them back to this node",
	    s->found.buckets, s->found.buckets == 1 ? "" : "s",
	    s->found.keys, s->found.keys == 1 ? "" : "s",
	    s->found.buckets == 1 ? "s" : "", route_version(s->route));
}

/*
 * Asked each time: the same table may come into force again, at a reload that
 * changes something else, and what was counted is forgotten then.
 */
static bool
is_to_count(const struct strays *s)
{
	struct ownership_strays known;
	uint64_t hash = route_hash(s->route);

	return !route_is_alone(s->route) &&
	    ownership_is_of(s->arena, hash) &&
	    !ownership_strays(s->arena, hash, &known);
}

bool
strays_step(struct strays *s)
{
	uint32_t owner;

	if (!is_to_count(s)) {
		strays_open(s, s->arena, s->route);
		return false;
	}
	if (s->shard == arena_shards(s->arena)) {
		finish(s);
		return false;
	}
	owner = route_owner(s->route, s->shard);
	if (owner == ROUTE_NOBODY)
		walk_names(s);
	else if (owner != route_self(s->route))
		add_shard(s);
	else
		s->shard++;
	return true;
}
