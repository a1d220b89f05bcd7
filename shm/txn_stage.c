/*
 * What a transaction is to change, before it does: records in the order in
 * which they will be written, and for each bucket what it will be.  Lookups
 * see the last record of a key, else what is in the arena.
 *
 * A name may stand for several buckets in a row, when one is dropped and made
 * anew; the index of names has the last.
 */

#include <string.h>

#include "shm/bucket.h"
#include "shm/bucket_locked.h"
#include "shm/hash.h"
#include "shm/names.h"
#include "shm/txn_parts.h"
#include "shm/word.h"

_Static_assert((TXN_REASONS - 1) << RECORD_WHY_SHIFT <= 0xff,
    "a reason is among the flags of a record");

static bool
is_same(struct bytes a, struct bytes b)
{
	return a.len == b.len &&
	    (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* --- the indices --- */

static bool
is_pair(const struct txn *t, uint32_t change, uint32_t bucket, uint64_t hash,
    struct bytes key)
{
	return t->stage.changes[change].bucket == bucket &&
	    t->stage.changes[change].hash == hash &&
	    is_same(t->stage.views[change].key, key);
}

/* The slot of a key of a bucket: its last change's, or an empty one. */
static uint32_t *
pair_slot(const struct txn *t, uint32_t bucket, uint64_t hash, struct bytes key)
{
	size_t i = (hash + bucket * UINT64_C(0x9e3779b97f4a7c15)) &
	    t->stage.pairs.mask;

	while (t->stage.pairs.slots[i] != 0 &&
	    !is_pair(t, t->stage.pairs.slots[i] - 1, bucket, hash, key))
		i = (i + 1) & t->stage.pairs.mask;
	return &t->stage.pairs.slots[i];
}

static uint32_t *
name_slot(struct txn *t, uint64_t hash, struct bytes name)
{
	const struct stage_index *names = &t->stage.names;
	const struct stage_bucket *s;
	size_t i = hash & names->mask;

	for (; names->slots[i] != 0; i = (i + 1) & names->mask) {
		s = &t->stage.buckets[names->slots[i] - 1];
		if (s->hash == hash && is_same(s->name, name))
			break;
	}
	return &names->slots[i];
}

static bool
is_of_pair(const struct record_view *r)
{
	return r->op == RECORD_PUT || r->op == RECORD_DELETE;
}

void
stage_clear(struct txn *t)
{
	if (t->stage.n > 0)
		memset(t->stage.pairs.slots, 0,
		    (t->stage.pairs.mask + 1) * sizeof(*t->stage.pairs.slots));
	if (t->stage.nbuckets > 0)
		memset(t->stage.names.slots, 0,
		    (t->stage.names.mask + 1) * sizeof(*t->stage.names.slots));
	t->stage.n = t->stage.nbuckets = t->stage.last_bucket = 0;
	t->kept_used = 0;
	t->starved = false;
	stage_begin_step(t);
}

void
stage_begin_step(struct txn *t)
{
	t->step = t->stage.n;
	t->why = 0;
}

/*
 * The last one first, so that each slot of an index which becomes empty is
 * the last that was filled, and no search ends at it too early.
 */
void
stage_undo(struct txn *t, size_t n, size_t nbuckets)
{
	struct stage *s = &t->stage;
	const struct stage_change *c;
	const struct stage_bucket *b;

	s->last_bucket = 0;
	for (; s->n > n; s->n--) {
		c = &s->changes[s->n - 1];
		if (is_of_pair(&s->views[s->n - 1]))
			*pair_slot(t, c->bucket, c->hash,
			    s->views[s->n - 1].key) = c->hides;
		s->buckets[c->bucket] = c->before;
	}
	for (; s->nbuckets > nbuckets; s->nbuckets--) {
		b = &s->buckets[s->nbuckets - 1];
		*name_slot(t, b->hash, b->name) = b->hides;
	}
}

/* --- what is staged --- */

/*
 * Of several fields of a bucket to which the same is done, for the same
 * reason, all but the first say so.
 */
static bool
is_more(const struct txn *t, uint32_t bucket, enum record_op op, unsigned why)
{
	size_t n = t->stage.n;

	return n > t->step && t->stage.views[n - 1].op == op &&
	    record_why(&t->stage.views[n - 1]) == why &&
	    t->stage.changes[n - 1].bucket == bucket &&
	    t->stage.buckets[bucket].name.len > 0;
}

static enum shm_status
add(struct txn *t, uint32_t bucket, enum record_op op, struct bytes key,
    unsigned why)
{
	struct record_view *r = &t->stage.views[t->stage.n];

	if (t->stage.n == t->stage.cap) {
		t->starved = true;
		return SHM_NO_ROOM;
	}
	*r = (struct record_view){ .op = op, .key = key };
	r->flags = why << RECORD_WHY_SHIFT |
	    (is_more(t, bucket, op, why) ? RECORD_MORE : 0);
	r->size = record_size(key.len, 0, false);
	t->stage.changes[t->stage.n++] = (struct stage_change){
		.bucket = bucket, .before = t->stage.buckets[bucket]
	};
	return SHM_OK;
}

/* The same of a pair, which lookups shall find. */
static enum shm_status
add_pair(struct txn *t, uint32_t bucket, enum record_op op, uint64_t hash,
    struct bytes key, unsigned why)
{
	struct stage_change *c = &t->stage.changes[t->stage.n];
	uint32_t *slot = pair_slot(t, bucket, hash, key);
	enum shm_status status;

	if (t->draft != NULL && !draft_keep_on(t->draft, &key))
		return SHM_FULL;
	if ((status = add(t, bucket, op, key, why)) != SHM_OK)
		return status;
	t->stage.views[t->stage.n - 1].hash = hash;
	t->stage.views[t->stage.n - 1].is_hashed = true;
	c->hash = hash;
	c->hides = *slot;
	*slot = (uint32_t)t->stage.n;
	return SHM_OK;
}

/* The next bucket, for a name. */
static enum shm_status
add_bucket(struct txn *t, uint64_t hash, struct bytes name)
{
	uint32_t *slot = name_slot(t, hash, name);

	if (t->stage.nbuckets == t->stage.cap) {
		t->starved = true;
		return SHM_NO_ROOM;
	}
	if (t->draft != NULL && !draft_keep_on(t->draft, &name))
		return SHM_FULL;
	t->stage.buckets[t->stage.nbuckets] = (struct stage_bucket){
		.name = name, .hash = hash, .hides = *slot
	};
	*slot = (uint32_t)++t->stage.nbuckets;
	t->stage.last_bucket = 0;
	return SHM_OK;
}

static void
take_facts(struct txn *t, struct stage_bucket *s, const struct bucket *b)
{
	s->off = arena_off_of(t->a, b);
	s->is_ghost = bucket_is_ghost(b);
	s->exists = !s->is_ghost;
	s->is_auto = word_peek(&b->mark) == BUCKET_AUTO;
	s->keys = word_peek(&b->table.count);
	s->expires_ms = word_peek(&b->link);
	s->revision = word_peek(&b->revision);
}

static enum shm_status
look_up(struct txn *t, struct stage_bucket *s)
{
	struct index_place place;
	const struct bucket *b;

	if (t->h == NULL)
		return draft_read_bucket(t->draft, s);
	b = bucket_find_any(t->h, s->name, &place);
	if (t->h->broken)
		return SHM_DAMAGED;
	if (b != NULL)
		take_facts(t, s, b);
	return SHM_OK;
}

static uint64_t
hash_of_name(struct txn *t, struct bytes name)
{
	const struct known_name *known = names_recall(t->a, t->shard, name);

	return known != NULL ? known->hash : names_hash(t->a, name);
}

/*
 * Is it the very name of the last time?  While op runs the bytes of names do
 * not change; between the steps of a draft they may.
 */
static bool
is_last(const struct txn *t, struct bytes name)
{
	const struct stage *s = &t->stage;

	return t->draft == NULL && s->last_bucket != 0 &&
	    s->last_name.data == name.data && s->last_name.len == name.len;
}

/* Sets *bucket to its number, whether it exists or not. */
static enum shm_status
find(struct txn *t, struct bytes name, uint32_t *bucket)
{
	enum shm_status status;
	uint32_t number;
	uint64_t hash;

	if (is_last(t, name)) {
		*bucket = t->stage.last_bucket - 1;
		return SHM_OK;
	}
	hash = hash_of_name(t, name);
	number = *name_slot(t, hash, name);
	if (number == 0) {
		if ((status = add_bucket(t, hash, name)) != SHM_OK)
			return status;
		number = (uint32_t)t->stage.nbuckets;
		status = look_up(t, &t->stage.buckets[number - 1]);
		if (status != SHM_OK) {
			stage_undo(t, t->stage.n, number - 1);
			return status;
		}
	}
	*bucket = number - 1;
	t->stage.last_name = name;
	t->stage.last_bucket = number;
	return SHM_OK;
}

/* The same of one that exists. */
enum shm_status
stage_find_bucket(struct txn *t, struct bytes name, uint32_t *bucket)
{
	enum shm_status status;

	if (name.len > BUCKET_NAME_MAX)
		return SHM_BUCKET_NAME_SIZE;
	status = find(t, name, bucket);
	if (status == SHM_OK && !t->stage.buckets[*bucket].exists)
		return SHM_NO_BUCKET;
	return status;
}

enum shm_status
txn_look(struct txn *t, struct bytes name, struct txn_bucket *facts)
{
	const struct stage_bucket *s;
	enum shm_status status;
	uint32_t bucket;

	if ((status = stage_find_bucket(t, name, &bucket)) != SHM_OK)
		return status;
	s = &t->stage.buckets[bucket];
	*facts = (struct txn_bucket){
		.is_auto = s->is_auto, .keys = s->keys,
		.expires_ms = s->expires_ms, .revision = s->revision
	};
	return SHM_OK;
}

/* --- pairs --- */

struct found {
	bool			is_there;	/* perhaps expired */
	struct record_view	record;
};

static enum shm_status
find_in_arena(struct txn *t, const struct stage_bucket *s, uint64_t hash,
    struct bytes key, struct found *found)
{
	const struct index_key k = {
		.op = RECORD_PUT, .bucket = s->off, .key = key, .hash = hash
	};
	struct index_place place;
	enum shm_status status;
	struct bucket *b;

	if (s->is_new)
		return SHM_OK;
	if (t->h == NULL) {
		status = draft_read_pair(t->draft, s->name, key,
		    &found->record);
		found->is_there = status == SHM_OK;
		return status == SHM_DAMAGED || status == SHM_FULL ? status :
		    SHM_OK;
	}
	b = arena_at(t->a, s->off);
	if (index_find(t->h, &b->table, &k, &place))
		found->is_there = record_read(t->a, place.record,
		    &found->record);
	return t->h->broken ? SHM_DAMAGED : SHM_OK;
}

static enum shm_status
find_pair(struct txn *t, uint32_t bucket, uint64_t hash, struct bytes key,
    struct found *found)
{
	uint32_t change = *pair_slot(t, bucket, hash, key);

	found->is_there = false;
	if (change == 0)
		return find_in_arena(t, &t->stage.buckets[bucket], hash, key,
		    found);
	found->record = t->stage.views[change - 1];
	found->is_there = found->record.op == RECORD_PUT;
	return SHM_OK;
}

enum shm_status
txn_get(struct txn *t, struct bytes name, struct bytes key,
    struct txn_pair *pair)
{
	uint64_t hash = names_hash(t->a, key);
	enum shm_status status;
	struct found found;
	uint32_t bucket;

	if ((status = stage_find_bucket(t, name, &bucket)) != SHM_OK ||
	    (status = find_pair(t, bucket, hash, key, &found)) != SHM_OK)
		return status;
	if (!found.is_there || record_is_expired(&found.record, t->now_ms))
		return SHM_NO_KEY;
	/* Callers have room for the longest value that can be put. */
	if (found.record.value.len > t->a->value_max_bytes)
		return SHM_DAMAGED;
	*pair = (struct txn_pair){
		.value = found.record.value,
		.expires_ms = found.record.expires_ms,
		.revision = found.record.lsn
	};
	return SHM_OK;
}

static enum shm_status
check_sizes(const struct txn *t, const struct pair *p)
{
	if (p->key.len > PAIR_KEY_MAX)
		return SHM_KEY_SIZE;
	if (p->value.len > t->a->value_max_bytes ||
	    record_size(p->key.len, p->value.len, true) >
	    t->a->segment_bytes)
		return SHM_VALUE_SIZE;
	return SHM_OK;
}

/* The key that is there. */
static enum shm_status
remove_pair(struct txn *t, uint32_t bucket, uint64_t hash, struct bytes key,
    unsigned why)
{
	enum shm_status status;

	status = add_pair(t, bucket, RECORD_DELETE, hash, key, why);
	if (status != SHM_OK)
		return status;
	t->stage.buckets[bucket].keys--;
	t->stage.buckets[bucket].deletes++;
	return SHM_OK;
}

/* One that had expired goes first, so that this is told. */
static enum shm_status
make_way(struct txn *t, uint32_t bucket, uint64_t hash, struct bytes key,
    struct found *found)
{
	if (!found->is_there || !record_is_expired(&found->record, t->now_ms))
		return SHM_OK;
	found->is_there = false;
	return remove_pair(t, bucket, hash, key, RECORD_EXPIRED);
}

enum shm_status
txn_put(struct txn *t, struct bytes name, const struct pair *p)
{
	uint64_t hash = names_hash(t->a, p->key);
	struct bytes value = p->value;
	struct record_view *r;
	enum shm_status status;
	struct found found;
	uint32_t bucket;

	if ((status = check_sizes(t, p)) != SHM_OK ||
	    (status = stage_find_bucket(t, name, &bucket)) != SHM_OK ||
	    (status = find_pair(t, bucket, hash, p->key, &found)) != SHM_OK ||
	    (status = make_way(t, bucket, hash, p->key, &found)) != SHM_OK)
		return status;
	if (t->draft != NULL && !draft_keep_on(t->draft, &value))
		return SHM_FULL;
	status = add_pair(t, bucket, RECORD_PUT, hash, p->key, t->why);
	if (status != SHM_OK)
		return status;
	r = &t->stage.views[t->stage.n - 1];
	r->flags |= p->expires_ms != 0 ? RECORD_EXPIRES : 0;
	r->expires_ms = p->expires_ms;
	r->value = value;
	r->size = record_size(p->key.len, p->value.len, p->expires_ms != 0);
	t->stage.buckets[bucket].keys += !found.is_there;
	t->stage.buckets[bucket].puts++;
	return SHM_OK;
}

enum shm_status
txn_delete(struct txn *t, struct bytes name, struct bytes key)
{
	uint64_t hash = names_hash(t->a, key);
	enum shm_status status;
	struct found found;
	uint32_t bucket;
	bool is_expired;

	if ((status = stage_find_bucket(t, name, &bucket)) != SHM_OK ||
	    (status = find_pair(t, bucket, hash, key, &found)) != SHM_OK)
		return status;
	if (!found.is_there)
		return SHM_NO_KEY;
	is_expired = record_is_expired(&found.record, t->now_ms);
	status = remove_pair(t, bucket, hash, key,
	    is_expired ? RECORD_EXPIRED : t->why);
	return status == SHM_OK && is_expired ? SHM_NO_KEY : status;
}

const struct record_view *
stage_last_change(const struct txn *t, uint32_t bucket, struct bytes key)
{
	uint32_t change = *pair_slot(t, bucket, names_hash(t->a, key), key);

	return change == 0 ? NULL : &t->stage.views[change - 1];
}

/* --- buckets --- */

/* What a bucket is to be, as a record; its name, where that is told. */
static enum shm_status
add_state(struct txn *t, uint32_t bucket, enum record_op op, bool is_auto,
    uint64_t expires_ms)
{
	struct stage_bucket *s = &t->stage.buckets[bucket];
	enum shm_status status = add(t, bucket, op, s->name, t->why);
	struct record_view *r = &t->stage.views[t->stage.n - 1];

	if (status != SHM_OK)
		return status;
	s->is_auto = is_auto;
	s->expires_ms = expires_ms;
	r->flags |= (s->is_auto ? RECORD_AUTO : 0) |
	    (s->expires_ms != 0 ? RECORD_EXPIRES : 0);
	r->expires_ms = s->expires_ms;
	r->size = record_size(s->name.len, 0, s->expires_ms != 0);
	return SHM_OK;
}

static enum shm_status
drop(struct txn *t, uint32_t bucket, unsigned why)
{
	enum shm_status status;

	status = add(t, bucket, RECORD_DROP, t->stage.buckets[bucket].name,
	    why);
	if (status == SHM_OK)
		t->stage.buckets[bucket].exists = false;
	return status;
}

enum shm_status
txn_create(struct txn *t, struct bytes name, bool is_auto)
{
	struct stage_bucket *s;
	enum shm_status status;
	uint32_t bucket;

	if (name.len > BUCKET_NAME_MAX)
		return SHM_BUCKET_NAME_SIZE;
	if ((status = find(t, name, &bucket)) != SHM_OK)
		return status;
	s = &t->stage.buckets[bucket];
	if (s->exists && (is_auto || !s->is_auto))
		return SHM_OK;
	if (s->exists)
		return add_state(t, bucket, RECORD_TOUCH, false,
		    s->expires_ms);
	if (s->is_ghost &&
	    (status = drop(t, bucket, RECORD_EXPIRED)) != SHM_OK)
		return status;
	if ((status = add_bucket(t, s->hash, name)) != SHM_OK)
		return status;
	bucket = (uint32_t)t->stage.nbuckets - 1;
	s = &t->stage.buckets[bucket];
	s->exists = s->is_new = true;
	return add_state(t, bucket, RECORD_CREATE, is_auto, 0);
}

enum shm_status
txn_drop(struct txn *t, struct bytes name)
{
	enum shm_status status;
	uint32_t bucket;

	if ((status = stage_find_bucket(t, name, &bucket)) != SHM_OK)
		return status;
	return drop(t, bucket, t->why);
}

enum shm_status
txn_expire(struct txn *t, struct bytes name, uint64_t expires_ms)
{
	enum shm_status status;
	uint32_t bucket;

	if ((status = stage_find_bucket(t, name, &bucket)) != SHM_OK)
		return status;
	return add_state(t, bucket, RECORD_TOUCH,
	    t->stage.buckets[bucket].is_auto, expires_ms);
}

enum shm_status
stage_ends(struct txn *t)
{
	enum shm_status status = SHM_OK;
	const struct stage_bucket *s;
	uint32_t i;

	for (i = 0; i < t->stage.nbuckets && status == SHM_OK; i++) {
		s = &t->stage.buckets[i];
		if (s->exists && s->is_auto && s->keys == 0)
			status = drop(t, i, 0);
	}
	return status;
}

void
txn_because(struct txn *t, unsigned why)
{
	t->why = why;
}

uint64_t
stage_bytes(const struct txn *t)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < t->stage.n; i++)
		bytes += t->stage.views[i].size;
	return bytes;
}

void *
txn_keep(struct txn *t, const void *data, size_t len)
{
	void *copy = t->kept + t->kept_used;

	if (t->draft != NULL)
		return draft_keep(t->draft, data, len);
	if (len > t->kept_cap - t->kept_used) {
		t->kept_needed = t->kept_used + len;
		return NULL;
	}
	if (len > 0)
		memcpy(copy, data, len);
	t->kept_used += len;
	return copy;
}
