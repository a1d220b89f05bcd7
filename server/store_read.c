/*
 * One pair, or one bucket, is looked at: in the arena without a lock, or in
 * the view of the draft that is being written.
 */

#include <string.h>

#include "server/store_state.h"

enum shm_status
store_stat(struct store *store, struct slice bucket, struct bucket_stat *stat)
{
	if (store->view != NULL)
		return store_view_stat(store, bytes_of(bucket), stat);
	return bucket_stat(store->arena, bytes_of(bucket), stat);
}

enum shm_status
store_get(struct store *store, struct slice bucket, struct slice key,
    struct slice *value)
{
	if (store->view != NULL)
		return store_view_read(store, bytes_of(bucket), bytes_of(key),
		    value);
	value->data = store->value;
	return pair_get(store->arena, bytes_of(bucket), bytes_of(key),
	    store->value, arena_value_max(store->arena), &value->len, NULL);
}

enum shm_status
store_read(struct store *store, uint32_t shard, struct bytes bucket,
    struct bytes key, struct slice *value)
{
	struct pair_facts facts;
	enum shm_status status;

	if (store->view != NULL)
		return store_view_read(store, bucket, key, value);
	status = pair_look(store->arena, shard, bucket, key, store->value,
	    arena_value_max(store->arena), &facts);
	if (status == SHM_OK)
		*value = (struct slice){ store->value, facts.len };
	return status;
}

enum shm_status
store_look(struct store *store, uint32_t shard, struct bytes bucket,
    struct bytes key, void *buf, size_t cap, struct pair_facts *facts)
{
	struct txn_pair pair;
	enum shm_status status;

	if (store->view == NULL)
		return pair_look(store->arena, shard, bucket, key, buf, cap,
		    facts);
	if ((status = txn_get(store->view, bucket, key, &pair)) != SHM_OK)
		return status;
	*facts = (struct pair_facts){
		.len = pair.value.len,
		.revision = pair.revision,
		.expires_ms = pair.expires_ms
	};
	if (pair.value.len > cap)
		return SHM_NO_ROOM;
	if (pair.value.len > 0)
		memcpy(buf, pair.value.data, pair.value.len);
	return SHM_OK;
}
