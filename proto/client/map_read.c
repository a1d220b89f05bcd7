/* Pairs and facts, read from the memory of a server. */

#include <string.h>

#include "proto/client/map.h"
#include "shm/bucket.h"
#include "shm/pair.h"
#include "shm/short.h"

#define SHARE	64		/* keys of a kv_map_mget() at a time */

static bool
is_name(struct bytes bucket)
{
	return bucket.len > 0 && bucket.len <= BUCKET_NAME_MAX;
}

/* Most reads are of the same bucket as the one before. */
static struct ahead_bucket *
bucket_of(struct kv_map *map, struct bytes name)
{
	struct ahead_bucket *last = &map->last;

	if (last->name.len == name.len &&
	    short_equal(last->name.data, name.data, name.len))
		return last;
	memcpy(map->last_name, name.data, name.len);
	ahead_bucket(map->arena, arena_shard_of(map->arena, name),
	    (struct bytes){ map->last_name, name.len }, last);
	return last;
}

struct get {
	struct bytes		 bucket;
	struct bytes		 key;
	bool			 facts_alone;
	struct pair_facts	 facts;
};

static inline enum shm_status
look_in(struct kv_map *map, struct ahead_bucket *in, struct get *get)
{
	return get->key.len > PAIR_KEY_MAX ? SHM_KEY_SIZE :
	    pair_look_in(map->arena, in, get->key, map->value,
	    get->facts_alone ? 0 : map->value_max, &get->facts);
}

static enum shm_status
look(struct kv_map *map, void *arg)
{
	struct get *get = arg;
	enum shm_status status;

	if (!is_name(get->bucket))
		return SHM_BUCKET_NAME_SIZE;
	status = look_in(map, bucket_of(map, get->bucket), get);
	return get->facts_alone && status == SHM_NO_ROOM ? SHM_OK : status;
}

enum kv_status
kv_map_get(struct kv_map *map, struct kv_bytes bucket, struct kv_bytes key,
    struct kv_bytes *value)
{
	struct get get = { .bucket = map_bytes(bucket), .key = map_bytes(key) };
	const struct map_read read = { &get.bucket, look, &get };
	enum shm_status answer = SHM_BUSY;
	enum kv_status status;

	if (map_is_at_hand(map, get.bucket))
		answer = look_in(map, &map->last, &get);
	status = answer == SHM_BUSY ? map_run(map, &read) :
	    map_verdict(map, answer);
	if (status == KV_OK)
		*value = (struct kv_bytes){ map->value, get.facts.len };
	return status;
}

enum kv_status
kv_map_revision(struct kv_map *map, struct kv_bytes bucket,
    struct kv_bytes key, uint64_t *revision)
{
	struct get get = {
		.bucket = map_bytes(bucket), .key = map_bytes(key),
		.facts_alone = true
	};
	const struct map_read read = { &get.bucket, look, &get };
	enum kv_status status = map_run(map, &read);

	if (status == KV_OK)
		*revision = get.facts.revision;
	return status;
}

/* Strings are in a bucket without a name, which comes with the first one. */
static enum shm_status
get_string(struct kv_map *map, void *arg)
{
	const struct bytes nameless = { NULL, 0 };
	struct get *get = arg;
	enum shm_status status;

	if (get->key.len > PAIR_KEY_MAX)
		return SHM_KEY_SIZE;
	status = pair_look(map->arena, arena_shard_of(map->arena, get->key),
	    nameless, get->key, map->value, map->value_max,
	    &get->facts);
	return status == SHM_NO_BUCKET ? SHM_NO_KEY : status;
}

enum kv_status
kv_map_string(struct kv_map *map, struct kv_bytes key, struct kv_bytes *value)
{
	struct get get = { .key = map_bytes(key) };
	const struct map_read read = { &get.key, get_string, &get };
	enum kv_status status = map_run(map, &read);

	if (status == KV_OK)
		*value = (struct kv_bytes){ map->value, get.facts.len };
	return status;
}

struct stat_of {
	struct bytes		bucket;
	struct bucket_stat	stat;
};

static enum shm_status
get_stat(struct kv_map *map, void *arg)
{
	struct stat_of *of = arg;

	return bucket_stat(map->arena, of->bucket, &of->stat);
}

enum kv_status
kv_map_count(struct kv_map *map, struct kv_bytes bucket, uint64_t *count)
{
	struct stat_of of = { .bucket = map_bytes(bucket) };
	const struct map_read read = { &of.bucket, get_stat, &of };
	enum kv_status status = map_run(map, &read);

	if (status == KV_OK)
		*count = of.stat.keys;
	return status;
}

struct mget {
	struct kv_map		*map;
	struct bytes		 bucket;
	struct bytes		 keys[SHARE];	/* those in hand */
	size_t			 n;
	size_t			 done;
	size_t			 first;		/* of keys, among all */
	kv_value_fn		*fn;
	void			*arg;
	bool			 stopped;
};

static bool
hand_out(void *arg, size_t i, enum shm_status status,
    const struct pair_facts *facts)
{
	struct mget *get = arg;
	struct kv_bytes value = { get->map->value, facts->len };

	get->map->listing = true;
	get->stopped = get->fn(get->arg, get->first + i, status == SHM_OK ?
	    &value : NULL) != 0;
	get->map->listing = false;
	return !get->stopped;
}

static enum shm_status
get_some(struct kv_map *map, void *arg)
{
	struct mget *get = arg;
	const struct pair_told told = {
		map->value, map->value_max, hand_out, get
	};

	if (!is_name(get->bucket))
		return SHM_BUCKET_NAME_SIZE;
	return pair_look_many(map->arena, bucket_of(map, get->bucket),
	    get->keys, get->n, &get->done, &told);
}

enum kv_status
kv_map_mget(struct kv_map *map, struct kv_bytes bucket,
    const struct kv_bytes *keys, size_t n, kv_value_fn *fn, void *arg)
{
	struct mget get = {
		.map = map, .bucket = map_bytes(bucket), .fn = fn, .arg = arg
	};
	const struct map_read read = { &get.bucket, get_some, &get };
	enum kv_status status = KV_OK;
	size_t i;

	for (; get.first < n && status == KV_OK; get.first += get.n) {
		get.n = n - get.first < SHARE ? n - get.first : SHARE;
		get.done = 0;
		for (i = 0; i < get.n; i++)
			get.keys[i] = map_bytes(keys[get.first + i]);
		status = map_run(map, &read);
		if (get.stopped)
			return map_fail(map, KV_STOPPED, "/dev/shm/kvd.%s: "
			    "stopped before the end", map->name);
	}
	return status;
}
