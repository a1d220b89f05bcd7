/*
 * Walks: a step of one fills the batch, from which names or pairs are taken
 * one by one.  It grows for a line of the index that does not fit.
 */

#include "proto/reply.h"
#include "server/store_state.h"

#define SCAN_MOMENT_BYTES	((size_t)1024 * 1024)	/* others wait */

/* Room for one line of the index that did not fit. */
bool
store_enlarge_batch(struct store *store)
{
	return scan_enlarge(&store->batch);
}

/* With more room, if that was what it lacked; SHM_FULL if there is none. */
static bool
is_to_repeat(struct store *store, enum shm_status *status)
{
	if (*status != SHM_NO_ROOM)
		return false;
	if (store_enlarge_batch(store))
		return true;
	*status = SHM_FULL;
	return false;
}

enum shm_status
store_scan_keys(struct store *store, struct slice bucket, struct scan *scan)
{
	enum shm_status status;

	store->batch_pos = store->batch.enough = 0;
	do {
		status = store->view != NULL ? txn_scan(store->view,
		    bytes_of(bucket), scan, &store->batch) :
		    scan_keys(store->arena, bytes_of(bucket), scan,
		    &store->batch);
	} while (is_to_repeat(store, &status));
	return status;
}

enum shm_status
store_scan_pairs(struct store *store, struct slice bucket, struct scan *scan,
    size_t enough)
{
	enum shm_status status;

	store->batch_pos = 0;
	store->batch.enough = enough;
	do {
		status = store->view != NULL ? txn_scan_pairs(store->view,
		    bytes_of(bucket), scan, &store->batch) :
		    scan_pairs(store->arena, bytes_of(bucket), scan,
		    &store->batch);
	} while (is_to_repeat(store, &status));
	return status;
}

struct moment {
	struct bytes		 bucket;
	struct scan_batch	*batch;
};

static enum shm_status
scan_moment(struct txn *t, void *arg)
{
	struct moment *m = arg;
	struct scan scan = { 0 };
	enum shm_status status;

	m->batch->enough = 0;
	status = txn_scan_pairs(t, m->bucket, &scan, m->batch);
	/* Not SHM_NO_ROOM, which means something else to a transaction. */
	return status == SHM_NO_ROOM || (status == SHM_OK && !scan.done) ?
	    SHM_BATCH_SIZE : status;
}

enum shm_status
store_scan_moment(struct store *store, struct slice bucket)
{
	struct moment m = { bytes_of(bucket), &store->batch };
	struct bucket_stat stat;
	enum shm_status status;

	store->batch_pos = 0;
	if ((status = store_stat(store, bucket, &stat)) != SHM_OK)
		return status;
	/* Some more may have come by the time that the lock is held. */
	store->batch.needed = 2 * (stat.bytes + stat.keys * SCAN_PAIR_BYTES);
	if (store->batch.needed > SCAN_MOMENT_BYTES ||
	    (store->batch.needed > store->batch.cap &&
	    !store_enlarge_batch(store)))
		return SHM_NO_ROOM;
	status = store->view != NULL ? scan_moment(store->view, &m) :
	    txn_run(store->txn, arena_shard_of(store->arena, m.bucket),
	    scan_moment, &m, NULL);
	return status == SHM_BATCH_SIZE ? SHM_NO_ROOM : status;
}

enum shm_status
store_scan_strings(struct store *store, uint32_t shard, struct scan *scan,
    size_t enough)
{
	const struct bytes strings = { NULL, 0 };
	enum shm_status status;

	store->batch_pos = 0;
	store->batch.enough = enough;
	do {
		status = scan_shard_keys(store->arena, shard, strings, scan,
		    &store->batch);
	} while (is_to_repeat(store, &status));
	return status;
}

enum shm_status
store_scan_buckets(struct store *store, uint32_t shard, struct scan *scan,
    size_t enough)
{
	enum shm_status status;

	store->batch_pos = 0;
	store->batch.enough = enough;
	do {
		status = scan_buckets(store->arena, shard, scan,
		    &store->batch);
	} while (is_to_repeat(store, &status));
	return status;
}

bool
store_next_name(struct store *store, struct slice *name)
{
	struct bytes bytes;

	if (!scan_next_name(&store->batch, &store->batch_pos, &bytes))
		return false;
	name->data = bytes.data;
	name->len = bytes.len;
	return true;
}

bool
store_next_pair(struct store *store, struct pair *pair)
{
	return scan_next_pair(&store->batch, &store->batch_pos, pair);
}

void
store_count_names(const struct store *store, uint32_t shard,
    uint64_t *buckets, uint64_t *strings)
{
	const struct bytes nameless = { NULL, 0 };
	struct bucket_stat stat;
	uint64_t keys;

	arena_shard_counts(store->arena, shard, buckets, &keys);
	*strings = 0;
	if (bucket_look(store->arena, shard, nameless, &stat) != SHM_OK)
		return;
	*strings = stat.keys;
	*buckets -= *buckets > 0;
}

void
store_count_all(const struct store *store, uint64_t *buckets,
    uint64_t *strings)
{
	uint64_t some_buckets, some_strings;
	uint32_t i;

	*buckets = *strings = 0;
	for (i = 0; i < arena_shards(store->arena); i++) {
		store_count_names(store, i, &some_buckets, &some_strings);
		*buckets += some_buckets;
		*strings += some_strings;
	}
}

enum shm_status
store_list_buckets(struct store *store, const struct route *route,
    uint32_t shard, uint64_t *place, struct outbuf *out)
{
	struct scan scan = { .cursor = *place };
	enum shm_status status;
	struct slice name;

	status = store_scan_buckets(store, shard, &scan, 0);
	if (status != SHM_OK)
		return status;
	while (store_next_name(store, &name))
		if (route_owner_of_name(route, name.data, name.len) ==
		    route_self(route))
			reply_item(out, name);
	*place = scan.done ? 0 : scan.cursor;
	return SHM_OK;
}
