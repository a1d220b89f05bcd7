/*
 * Where commands meet the shared memory, and the only place: when buckets
 * live on other nodes as well, this is where a request learns whose it is.
 *
 * A change is complete when the call returns.  What is put off is only to
 * tell the watchers: the shards that changed are remembered, and whoever
 * watches them is woken once per turn of the worker's loop, not once per
 * request.  A worker killed in between wakes nobody; watchers look by
 * themselves ten times a second.
 */

#include <stdlib.h>
#include <string.h>

#include "server/store_state.h"

#define SCAN_BATCH_BYTES	((size_t)64 * 1024)

int
store_open(struct store *store, struct arena *arena)
{
	memset(store, 0, sizeof(*store));
	store->arena = arena;
	arena_remember_names(arena);
	store->value = malloc(arena_value_max(arena) + 1);
	store->pairs = calloc(REQUEST_ARGS_MAX / 2, sizeof(*store->pairs));
	store->batch.cap = SCAN_BATCH_BYTES;
	store->batch.buf = malloc(store->batch.cap);
	store->txn = txn_open(arena);
	store->draft = txn_draft_open(arena);
	if (store->txn != NULL && store->draft != NULL &&
	    store->value != NULL && store->pairs != NULL &&
	    store->batch.buf != NULL)
		return 0;
	store_close(store);
	return -1;
}

void
store_close(struct store *store)
{
	free(store->value);
	free(store->pairs);
	free(store->batch.buf);
	txn_close(store->txn);
	txn_draft_close(store->draft);
	memset(store, 0, sizeof(*store));
}

uint64_t
store_value_max(const struct store *store)
{
	return arena_value_max(store->arena);
}

static enum shm_status
changed_shard(struct store *store, uint32_t shard, enum shm_status status)
{
	if (status == SHM_OK) {
		store->changed[shard / 64] |= UINT64_C(1) << (shard % 64);
		store->any_changed = true;
	}
	return status;
}

static enum shm_status
changed(struct store *store, struct slice bucket, enum shm_status status)
{
	return changed_shard(store,
	    arena_shard_of(store->arena, bytes_of(bucket)), status);
}

static enum shm_status
noted(struct store *store, struct txn_revisions r, enum shm_status status)
{
	struct store_changes *changes = store->changes;

	if (status == SHM_OK && r.first <= r.last && changes != NULL &&
	    changes->n < STORE_CHANGES_MAX)
		changes->of[changes->n++] = r;
	return changed_shard(store, r.shard, status);
}

/* --- changes --- */

struct drafting {
	struct store	*store;
	enum shm_status	(*write)(void *);
	void		*arg;
};

static enum shm_status
write_draft(struct txn *view, void *arg)
{
	const struct drafting *d = arg;
	enum shm_status status;

	d->store->view = view;
	status = d->write(d->arg);
	d->store->view = NULL;
	return status;
}

enum shm_status
store_draft(struct store *store, uint32_t shard,
    enum shm_status (*write)(void *), void *arg)
{
	struct drafting d = { .store = store, .write = write, .arg = arg };
	enum shm_status status;

	status = txn_draft_run(store->draft, shard, write_draft, &d);
	return noted(store, txn_draft_revisions(store->draft), status);
}

/* Strings, which the protocol of Redis has, live in a bucket without a name. */
static enum shm_status
create(struct txn *t, void *arg)
{
	const struct bytes strings = { NULL, 0 }, *name = arg;
	struct txn_pair string;

	if (txn_get(t, strings, *name, &string) == SHM_OK)
		return SHM_NOT_A_BUCKET;
	return txn_create(t, *name, false);
}

enum shm_status
store_create(struct store *store, struct slice bucket)
{
	struct bytes name = bytes_of(bucket);

	return store_change(store, arena_shard_of(store->arena, name), create,
	    &name);
}

enum shm_status
store_drop(struct store *store, struct slice bucket)
{
	struct edit edit = { .bucket = bytes_of(bucket) };

	if (store->view != NULL)
		return txn_step(store->view, store_view_drop, &edit);
	return changed(store, bucket,
	    bucket_drop(store->arena, bytes_of(bucket)));
}

enum shm_status
store_put(struct store *store, struct slice bucket, struct slice key,
    struct slice value)
{
	struct pair pair = {
		.key = bytes_of(key), .value = bytes_of(value)
	};
	struct edit edit = {
		.bucket = bytes_of(bucket), .pairs = &pair, .n = 1
	};

	if (store->view != NULL)
		return txn_step(store->view, store_view_put, &edit);
	return changed(store, bucket,
	    pair_put(store->arena, bytes_of(bucket), &pair, NULL));
}

enum shm_status
store_put_many(struct store *store, struct slice bucket,
    const struct slice *words, size_t n)
{
	struct edit edit = {
		.bucket = bytes_of(bucket), .pairs = store->pairs, .n = n / 2
	};
	size_t i;

	for (i = 0; i < n / 2; i++)
		store->pairs[i] = (struct pair){
			.key = bytes_of(words[2 * i]),
			.value = bytes_of(words[2 * i + 1])
		};
	if (store->view != NULL)
		return txn_step(store->view, store_view_put, &edit);
	return changed(store, bucket, pair_put_many(store->arena,
	    bytes_of(bucket), store->pairs, n / 2));
}

enum shm_status
store_delete(struct store *store, struct slice bucket, struct slice key)
{
	struct edit edit = {
		.bucket = bytes_of(bucket), .key = bytes_of(key)
	};

	if (store->view != NULL)
		return txn_step(store->view, store_view_delete, &edit);
	return changed(store, bucket,
	    pair_delete(store->arena, bytes_of(bucket), bytes_of(key)));
}

enum shm_status
store_change(struct store *store, uint32_t shard,
    enum shm_status (*op)(struct txn *, void *), void *arg)
{
	enum shm_status status;

	if (store->view != NULL)
		return txn_step(store->view, op, arg);
	status = txn_run(store->txn, shard, op, arg, NULL);
	return noted(store, txn_revisions(store->txn), status);
}

enum shm_status
store_set(struct store *store, uint32_t shard, struct bytes bucket,
    const struct pair *pair, struct pair_set *set)
{
	enum shm_status status;

	if (store->view != NULL)
		return SHM_NO_BUCKET;
	status = pair_set(store->arena, shard, bucket, pair, set);
	return noted(store, (struct txn_revisions){
	    shard, set->revision, set->revision }, status);
}

size_t
store_set_run(struct store *store, uint32_t shard, unsigned slot,
    struct pair_step *steps, size_t n)
{
	if (store->view != NULL)
		return 0;
	n = pair_set_run(store->arena, shard, slot, steps, n);
	if (n > 0)
		noted(store, (struct txn_revisions){ shard, steps[0].revision,
		    steps[n - 1].revision }, SHM_OK);
	return n;
}

bool
store_set_all(struct store *store, uint32_t shard, unsigned slot,
    struct pair_step *steps, size_t n)
{
	if (store->view != NULL || !pair_set_all(store->arena, shard, slot,
	    steps, n))
		return false;
	noted(store, (struct txn_revisions){ shard, steps[0].revision,
	    steps[n - 1].revision }, SHM_OK);
	return true;
}

enum shm_status
store_edit(struct store *store, uint32_t shard, struct bytes bucket,
    struct bytes key, struct pair_edit *edit)
{
	enum shm_status status;

	if (store->view != NULL)
		return SHM_NO_BUCKET;
	status = pair_edit(store->arena, shard, bucket, key, edit);
	return noted(store, (struct txn_revisions){
	    shard, edit->first, edit->last }, status);
}

enum shm_status
store_say(struct store *store, struct slice channel, struct slice text)
{
	return changed(store, channel, message_say(store->arena,
	    bytes_of(channel), bytes_of(text)));
}

bool
store_audit_begin(struct store *store)
{
	store->audit = audit_open(store->arena, AUDIT_PIECE);
	return store->audit != NULL;
}

bool
store_audit_step(struct store *store, const struct audit_report **report)
{
	*report = audit_report(store->audit);
	return audit_step(store->audit);
}

void
store_audit_end(struct store *store)
{
	audit_close(store->audit);
	store->audit = NULL;
}

static bool
add_watchers(struct store *store, uint32_t shard, struct feed_watchers *all)
{
	struct feed_watchers some;
	size_t i;

	if (!feed_watchers(store->arena, shard, &some))
		return false;
	for (i = 0; i < FEED_WATCHERS_MAX / 64; i++)
		all->bits[i] |= some.bits[i];
	return true;
}

bool
store_take_watchers(struct store *store, struct feed_watchers *watchers)
{
	bool any = false;
	uint32_t shard, i;

	if (!store->any_changed)
		return false;
	store->any_changed = false;
	memset(watchers, 0, sizeof(*watchers));
	for (i = 0; i < ARENA_SHARDS_MAX / 64; i++)
		while (store->changed[i] != 0) {
			shard = i * 64 +
			    (uint32_t)__builtin_ctzll(store->changed[i]);
			store->changed[i] &= store->changed[i] - 1;
			any |= add_watchers(store, shard, watchers);
		}
	return any;
}
