/*
 * The store as a draft has it while it is written: what is read and changed
 * then is its view, and the arena is left alone.
 */

#include "server/store_state.h"

enum shm_status
store_view_drop(struct txn *view, void *arg)
{
	return txn_drop(view, ((struct edit *)arg)->bucket);
}

enum shm_status
store_view_put(struct txn *view, void *arg)
{
	const struct edit *edit = arg;
	enum shm_status status = SHM_OK;
	size_t i;

	for (i = 0; i < edit->n && status == SHM_OK; i++)
		status = txn_put(view, edit->bucket, &edit->pairs[i]);
	return status;
}

enum shm_status
store_view_delete(struct txn *view, void *arg)
{
	const struct edit *edit = arg;

	return txn_delete(view, edit->bucket, edit->key);
}

enum shm_status
store_view_read(struct store *store, struct bytes bucket, struct bytes key,
    struct slice *value)
{
	struct txn_pair pair;
	enum shm_status status = txn_get(store->view, bucket, key, &pair);

	if (status == SHM_OK)
		*value = (struct slice){ pair.value.data, pair.value.len };
	return status;
}

enum shm_status
store_view_stat(struct store *store, struct bytes bucket,
    struct bucket_stat *stat)
{
	struct txn_bucket facts;
	enum shm_status status = SHM_BUCKET_NAME_SIZE;

	if (bucket.len > 0)
		status = txn_look(store->view, bucket, &facts);
	if (status == SHM_OK)
		*stat = (struct bucket_stat){
			.keys = facts.keys,
			.revision = facts.revision,
			.expires_ms = facts.expires_ms,
			.is_auto = facts.is_auto
		};
	return status;
}

void
store_turn_page(struct store *store)
{
	if (store->view != NULL)
		txn_turn_page(store->view);
}
