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

#include "proto/reply.h"
#include "server/store.h"

#define SCAN_BATCH_BYTES	((size_t)64 * 1024)
#define SCAN_MOMENT_BYTES	((size_t)1024 * 1024)	/* others wait */

static struct bytes
bytes_of(struct slice slice)
{
	return (struct bytes){ .data = slice.data, .len = slice.len };
}

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

/* --- in a draft --- */

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

void
store_turn_page(struct store *store)
{
	if (store->view != NULL)
		txn_turn_page(store->view);
}

struct edit {			/* what is to become of a bucket */
	struct bytes		 bucket;
	const struct pair	*pairs;
	size_t			 n;
	struct bytes		 key;
};

static enum shm_status
draft_drop(struct txn *view, void *arg)
{
	return txn_drop(view, ((struct edit *)arg)->bucket);
}

static enum shm_status
draft_put(struct txn *view, void *arg)
{
	const struct edit *edit = arg;
	enum shm_status status = SHM_OK;
	size_t i;

	for (i = 0; i < edit->n && status == SHM_OK; i++)
		status = txn_put(view, edit->bucket, &edit->pairs[i]);
	return status;
}

static enum shm_status
draft_delete(struct txn *view, void *arg)
{
	const struct edit *edit = arg;

	return txn_delete(view, edit->bucket, edit->key);
}

static enum shm_status
draft_read(struct store *store, struct bytes bucket, struct bytes key,
    struct slice *value)
{
	struct txn_pair pair;
	enum shm_status status = txn_get(store->view, bucket, key, &pair);

	if (status == SHM_OK)
		*value = (struct slice){ pair.value.data, pair.value.len };
	return status;
}

static enum shm_status
draft_stat(struct store *store, struct bytes bucket, struct bucket_stat *stat)
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

/* --- or not --- */

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
		return txn_step(store->view, draft_drop, &edit);
	return changed(store, bucket,
	    bucket_drop(store->arena, bytes_of(bucket)));
}

enum shm_status
store_stat(struct store *store, struct slice bucket, struct bucket_stat *stat)
{
	if (store->view != NULL)
		return draft_stat(store, bytes_of(bucket), stat);
	return bucket_stat(store->arena, bytes_of(bucket), stat);
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
		return txn_step(store->view, draft_put, &edit);
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
		return txn_step(store->view, draft_put, &edit);
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
		return txn_step(store->view, draft_delete, &edit);
	return changed(store, bucket,
	    pair_delete(store->arena, bytes_of(bucket), bytes_of(key)));
}

enum shm_status
store_get(struct store *store, struct slice bucket, struct slice key,
    struct slice *value)
{
	if (store->view != NULL)
		return draft_read(store, bytes_of(bucket), bytes_of(key),
		    value);
	value->data = store->value;
	return pair_get(store->arena, bytes_of(bucket), bytes_of(key),
	    store->value, arena_value_max(store->arena), &value->len, NULL);
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

enum shm_status
store_read(struct store *store, uint32_t shard, struct bytes bucket,
    struct bytes key, struct slice *value)
{
	struct pair_facts facts;
	enum shm_status status;

	if (store->view != NULL)
		return draft_read(store, bucket, key, value);
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

/* Room for one line of the index that did not fit. */
bool
store_enlarge_batch(struct store *store)
{
	return scan_enlarge(&store->batch);
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
		if (status == SHM_NO_ROOM && !store_enlarge_batch(store))
			return SHM_FULL;
	} while (status == SHM_NO_ROOM);
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
		if (status == SHM_NO_ROOM && !store_enlarge_batch(store))
			return SHM_FULL;
	} while (status == SHM_NO_ROOM);
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
		if (status == SHM_NO_ROOM && !store_enlarge_batch(store))
			return SHM_FULL;
	} while (status == SHM_NO_ROOM);
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
		if (status == SHM_NO_ROOM && !store_enlarge_batch(store))
			return SHM_FULL;
	} while (status == SHM_NO_ROOM);
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
