/*
 * Lists from the memory of a server: walks over its indexes, a batch of names
 * at a time, with whatever happens in between.
 */

#include <stdlib.h>

#include "proto/client/map.h"
#include "shm/clock.h"

struct list {
	struct kv_map	*map;
	struct bytes	 bucket;
	uint32_t	 shard;		/* of buckets */
	struct scan	 scan;
	kv_item_fn	*item;
	kv_pair_fn	*pair;
	void		*arg;
	bool		 stopped;
};

/* One step of a walk; SHM_FULL if there is no memory for a line of it. */
static enum shm_status
step(struct kv_map *map, struct list *list, enum shm_status (*scan)(
    struct arena *, const struct list *, struct scan *, struct scan_batch *))
{
	enum shm_status status;

	do {
		status = scan(map->arena, list, &list->scan, &map->batch);
		if (status == SHM_NO_ROOM && !scan_enlarge(&map->batch))
			return SHM_FULL;
	} while (status == SHM_NO_ROOM);
	return status;
}

static enum shm_status
scan_key_names(struct arena *a, const struct list *list, struct scan *scan,
    struct scan_batch *batch)
{
	return scan_keys(a, list->bucket, scan, batch);
}

static enum shm_status
scan_whole_pairs(struct arena *a, const struct list *list, struct scan *scan,
    struct scan_batch *batch)
{
	return scan_pairs(a, list->bucket, scan, batch);
}

static enum shm_status
scan_bucket_names(struct arena *a, const struct list *list, struct scan *scan,
    struct scan_batch *batch)
{
	return scan_buckets(a, list->shard, scan, batch);
}

static enum shm_status
step_keys(struct kv_map *map, void *list)
{
	return step(map, list, scan_key_names);
}

static enum shm_status
step_pairs(struct kv_map *map, void *list)
{
	return step(map, list, scan_whole_pairs);
}

static enum shm_status
step_buckets(struct kv_map *map, void *list)
{
	const struct bytes any = { "", 1 };

	/* Whose the names are must be known, also if there are none. */
	if (ownership_ask(map->arena, &map->owned, any) == OWNERSHIP_UNKNOWN)
		return SHM_BUSY;
	return step(map, list, scan_bucket_names);
}

/* --- handing out what a step has brought --- */

static void
hand_names(struct list *list)
{
	struct bytes name;
	size_t pos = 0;

	while (!list->stopped &&
	    scan_next_name(&list->map->batch, &pos, &name))
		list->stopped = list->item(list->arg, (struct kv_bytes){
		    name.data, name.len }) != 0;
}

/* Those that have expired are in a walk over pairs, but not there. */
static void
hand_pairs(struct list *list)
{
	uint64_t now_ms = clock_wall_ms();
	struct kv_pair out;
	struct pair pair;
	size_t pos = 0;

	while (!list->stopped &&
	    scan_next_pair(&list->map->batch, &pos, &pair)) {
		if (pair.expires_ms != 0 && pair.expires_ms <= now_ms)
			continue;
		out.key = (struct kv_bytes){ pair.key.data, pair.key.len };
		out.value = (struct kv_bytes){
			pair.value.data, pair.value.len
		};
		list->stopped = list->pair(list->arg, &out) != 0;
	}
}

/* What moved away, and is kept until somebody looks at it, is not ours. */
static void
hand_buckets(struct list *list)
{
	struct kv_map *map = list->map;
	struct bytes name;
	size_t pos = 0;

	while (!list->stopped && scan_next_name(&map->batch, &pos, &name))
		if (ownership_ask(map->arena, &map->owned, name) !=
		    OWNERSHIP_OTHERS)
			list->stopped = list->item(list->arg,
			    (struct kv_bytes){ name.data, name.len }) != 0;
}

static enum kv_status
walk(struct list *list, const struct map_read *read,
    void (*hand)(struct list *))
{
	struct kv_map *map = list->map;
	enum kv_status status = KV_OK;

	while (!list->scan.done && status == KV_OK) {
		if ((status = map_run(map, read)) != KV_OK)
			break;
		map->listing = true;
		hand(list);
		map->listing = false;
		if (list->stopped)
			status = map_fail(map, KV_STOPPED, "/dev/shm/kvd.%s: "
			    "a list was stopped before its end", map->name);
	}
	return status;
}

enum kv_status
kv_map_keys(struct kv_map *map, struct kv_bytes bucket, kv_item_fn *fn,
    void *arg)
{
	struct list list = {
		.map = map, .bucket = map_bytes(bucket), .item = fn, .arg = arg
	};
	const struct map_read read = { &list.bucket, step_keys, &list };

	return walk(&list, &read, hand_names);
}

enum kv_status
kv_map_pairs(struct kv_map *map, struct kv_bytes bucket, kv_pair_fn *fn,
    void *arg)
{
	struct list list = {
		.map = map, .bucket = map_bytes(bucket), .pair = fn, .arg = arg
	};
	const struct map_read read = { &list.bucket, step_pairs, &list };

	return walk(&list, &read, hand_pairs);
}

enum kv_status
kv_map_buckets(struct kv_map *map, kv_item_fn *fn, void *arg)
{
	struct list list = { .map = map, .item = fn, .arg = arg };
	const struct map_read read = { NULL, step_buckets, &list };
	enum kv_status status;

	do {
		list.scan = (struct scan){ 0 };
		status = walk(&list, &read, hand_buckets);
		/* The first step has seen that there is an arena. */
	} while (status == KV_OK && ++list.shard < arena_shards(map->arena));
	if (status == KV_OK && !map->owned.is_all)
		return map_fail(map, KV_PARTIAL, "/dev/shm/kvd.%s: other nodes "
		    "have buckets, too (the list is not complete)",
		    map->name);
	return status;
}
