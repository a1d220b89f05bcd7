/*
 * The model of the contents.  A revision is the number of a record in the
 * log of its shard, and each operation writes a known number of them, so
 * revisions are predicted exactly; only when the cleaner may have met expired
 * pairs, which it deletes in an order of its own, they are lower bounds.
 */

#include "model.h"

#include <stdio.h>
#include <string.h>

#include "shm/bucket.h"
#include "shm/handle.h"
#include "shm/hash.h"
#include "shm/pair.h"
#include "shm/word.h"

static char bucket_names[MODEL_BUCKETS][16];
static char key_names[MODEL_KEYS_FIRST][16];

void
model_init(void)
{
	char tags[MODEL_SHARDS] = { 0 }, text[2] = { 0 };
	unsigned i;
	char c;

	for (c = 'z'; c >= 'a'; c--) {
		text[0] = c;
		tags[hash_slot(text, 1) / (HASH_SLOTS / MODEL_SHARDS)] = c;
	}
	for (i = 0; i < MODEL_BUCKETS; i++)
		snprintf(bucket_names[i], sizeof(bucket_names[i]),
		    "{%c}bucket%u", tags[model_shard(i)], i);
	/* The first one is the empty key: it is a key, too. */
	for (i = 1; i < MODEL_KEYS_FIRST; i++)
		snprintf(key_names[i], sizeof(key_names[i]), "key%u", i);
}

struct bytes
model_bucket_name(unsigned bucket)
{
	return (struct bytes){
		bucket_names[bucket], strlen(bucket_names[bucket])
	};
}

struct bytes
model_key(unsigned key)
{
	return (struct bytes){ key_names[key], strlen(key_names[key]) };
}

unsigned
model_keys(unsigned bucket)
{
	return bucket == 0 ? MODEL_KEYS_FIRST : MODEL_KEYS;
}

static unsigned
cell_number(unsigned bucket, unsigned key)
{
	return bucket == 0 ? key :
	    MODEL_KEYS_FIRST + (bucket - 1) * MODEL_KEYS + key;
}

struct cell *
model_cell(struct model *m, unsigned bucket, unsigned key)
{
	return &m->cells[cell_number(bucket, key)];
}

const struct cell *
model_peek(const struct model *m, unsigned bucket, unsigned key)
{
	return &m->cells[cell_number(bucket, key)];
}

void
model_value(uint8_t *out, uint64_t version, uint32_t size)
{
	uint64_t x = (version << 20 | size) * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t i;

	for (i = 0; i < size; i++) {
		if (i % 8 == 0)
			x = (x ^ x >> 29) * UINT64_C(0xbf58476d1ce4e5b9) + i;
		out[i] = (uint8_t)(x >> i % 8 * 8);
	}
}

unsigned
model_batch_key(const struct op *op, unsigned i)
{
	return op->key + (op->distinct != 0 ? i % op->distinct : i);
}

static void
note(struct model *m, enum model_event_op kind, unsigned bucket, unsigned key)
{
	const struct cell *c = model_peek(m, bucket, key);

	if (m->nevents == MODEL_EVENTS)
		return;
	m->events[m->nevents++] = (struct model_event){
		.op = kind, .bucket = bucket, .key = key,
		.size = kind == EVENT_SET ? c->size : 0,
		.version = c->version,
		.revision = m->lsn[model_shard(bucket)]
	};
}

static void
set(struct model *m, unsigned bucket, unsigned key, uint32_t size,
    uint64_t expires_ms)
{
	struct model_bucket *b = &m->buckets[bucket];

	*model_cell(m, bucket, key) = (struct cell){
		.there = true,
		.size = size,
		.version = ++m->versions,
		.revision = ++m->lsn[model_shard(bucket)],
		.expires_ms = expires_ms
	};
	b->revision = m->lsn[model_shard(bucket)];
	if (b->touched <= key)
		b->touched = key + 1;
	note(m, EVENT_SET, bucket, key);
}

static void
take_out(struct model *m, unsigned bucket, unsigned key)
{
	model_cell(m, bucket, key)->there = false;
	m->buckets[bucket].revision = ++m->lsn[model_shard(bucket)];
	note(m, EVENT_DELETED, bucket, key);
}

static void
forget_keys(struct model *m, unsigned bucket)
{
	unsigned k;

	for (k = 0; k < m->buckets[bucket].touched; k++)
		model_cell(m, bucket, k)->there = false;
}

static void
drop(struct model *m, unsigned bucket)
{
	forget_keys(m, bucket);
	m->buckets[bucket].there = m->buckets[bucket].is_ghost = false;
	++m->lsn[model_shard(bucket)];
	note(m, EVENT_DROPPED, bucket, 0);
}

static void
touch(struct model *m, unsigned bucket)
{
	m->buckets[bucket].revision = ++m->lsn[model_shard(bucket)];
	note(m, EVENT_TOUCHED, bucket, 0);
}

static void
create(struct model *m, unsigned bucket, bool is_auto)
{
	struct model_bucket *b = &m->buckets[bucket];

	if (b->there && b->is_auto && !is_auto) {
		b->is_auto = false;
		touch(m, bucket);
	}
	if (b->there)
		return;
	if (b->is_ghost)
		drop(m, bucket);
	b->there = true;
	b->is_auto = is_auto;
	b->created = b->revision = ++m->lsn[model_shard(bucket)];
	note(m, EVENT_CREATED, bucket, 0);
}

static void
expire(struct model *m, unsigned bucket, uint64_t expires_ms)
{
	touch(m, bucket);
	if (expires_ms > MODEL_NOW_MS)
		return;
	forget_keys(m, bucket);
	m->buckets[bucket].there = false;
	m->buckets[bucket].is_ghost = true;
}

/* Nothing is written where nobody listens. */
static void
say(struct model *m, unsigned bucket, uint32_t size)
{
	uint32_t shard = model_shard(bucket);

	m->versions++;
	if (!m->watched[shard])
		return;
	m->lsn[shard]++;
	note(m, EVENT_SAID, bucket, 0);
	m->events[m->nevents - 1].size = size;
	m->events[m->nevents - 1].version = m->versions;
}

static bool
is_expired(const struct cell *c)
{
	return c->there && c->expires_ms != 0 &&
	    c->expires_ms <= MODEL_NOW_MS;
}

static bool
has_expired(const struct model *m)
{
	unsigned i;

	for (i = 0; i < MODEL_CELLS; i++)
		if (is_expired(&m->cells[i]))
			return true;
	for (i = 0; i < MODEL_BUCKETS; i++)
		if (m->buckets[i].is_ghost)
			return true;
	return false;
}

static bool
has_keys(const struct model *m, unsigned bucket)
{
	unsigned k;

	for (k = 0; k < m->buckets[bucket].touched; k++)
		if (model_peek(m, bucket, k)->there)
			return true;
	return false;
}

static const char *
apply_delete(struct model *m, const struct op *op, enum shm_status status)
{
	const struct cell *c = model_peek(m, op->bucket, op->key);
	bool visible = c->there && !is_expired(c);

	if (status != (visible ? SHM_OK : SHM_NO_KEY))
		return "a delete answers what cannot be";
	if (c->there && !(is_expired(c) && m->expiring))
		take_out(m, op->bucket, op->key);
	if (m->buckets[op->bucket].is_auto && !has_keys(m, op->bucket))
		drop(m, op->bucket);
	return NULL;
}

const struct part *
model_script(const struct op *op)
{
	enum { GOES = 18, NEW = 17, VAIN = 16 };
	static const struct part scripts[][8] = {
		[SCRIPT_SEVERAL] = {
			{ PART_CREATE_AUTO, GOES, 0 }, { PART_PUT, GOES, 1 },
			{ PART_PUT, GOES, 2 }, { PART_PUT, 0, 0 },
			{ PART_DELETE, 0, 1 }, { PART_PUT, GOES, 1 },
			{ PART_CREATE, NEW, 0 }
		},
		[SCRIPT_RENEW] = {
			{ PART_DROP, 0, 0 }, { PART_CREATE, 0, 0 },
			{ PART_PUT, 0, 1 }, { PART_PUT, 0, 2 },
		},
		[SCRIPT_LAST_KEYS] = {
			{ PART_DELETE, GOES, 1 }, { PART_DELETE, GOES, 2 }
		},
		[SCRIPT_EXPIRE] = { { PART_EXPIRE, GOES, 0 } },
		[SCRIPT_MAKE] = {
			{ PART_CREATE_AUTO, GOES, 0 }, { PART_PUT, GOES, 1 }
		},
		[SCRIPT_FOR_NOTHING] = {
			{ PART_CREATE, VAIN, 0 }, { PART_PUT, VAIN, 1 },
			{ PART_PUT, 0, 0 }, { PART_DROP, VAIN, 0 }
		},
		[SCRIPT_STAY] = { { PART_CREATE, GOES, 0 } }
	};

	return scripts[op->n];
}

/* What finds nothing to change changes nothing. */
static void
carry_out_part(struct model *m, const struct op *op, const struct part *p)
{
	bool there = m->buckets[p->bucket].there;
	unsigned key = p->key != 0 ? p->key : op->key;

	switch (p->kind) {
	case PART_CREATE:
	case PART_CREATE_AUTO:
		create(m, p->bucket, p->kind == PART_CREATE_AUTO);
		break;
	case PART_DROP:
		if (there)
			drop(m, p->bucket);
		break;
	case PART_PUT:
		if (there)
			set(m, p->bucket, key, op->size, 0);
		else
			m->versions++;
		break;
	case PART_DELETE:
		if (there && model_peek(m, p->bucket, key)->there)
			take_out(m, p->bucket, key);
		break;
	case PART_EXPIRE:
		if (there)
			expire(m, p->bucket, op->expires_ms);
		break;
	case PART_END:
		break;
	}
}

static void
carry_out(struct model *m, const struct op *op)
{
	const struct part *p;
	unsigned b;

	for (p = model_script(op); p->kind != PART_END; p++)
		carry_out_part(m, op, p);
	for (b = 0; b < MODEL_OTHER_SHARD; b++)
		if (m->buckets[b].there && m->buckets[b].is_auto &&
		    !has_keys(m, b))
			drop(m, b);
}

const char *
model_apply(struct model *m, const struct op *op, enum shm_status status)
{
	bool there = m->buckets[op->bucket].there;
	unsigned i;

	if (op->kind == OP_CLEAN || op->kind == OP_SWEEP) {
		m->cleaned = true;
		m->expiring = m->expiring || has_expired(m);
	}
	if (op->kind == OP_WATCH || op->kind == OP_UNWATCH)
		m->watched[model_shard(op->bucket)] = op->kind == OP_WATCH;
	if (op->kind >= OP_CLEAN)
		return NULL;
	/* A full arena still takes every delete and every drop. */
	if (status == SHM_FULL)
		return op->kind == OP_DELETE || op->kind == OP_EDIT_AWAY ||
		    op->kind == OP_DROP ?
		    "no memory for what gives memory back" : NULL;
	if (op->kind != OP_CREATE && op->kind != OP_TXN &&
	    op->kind != OP_SAY && !there)
		return status == SHM_NO_BUCKET ? NULL :
		    "a bucket that is not there is answered for";
	if (op->kind == OP_DELETE || op->kind == OP_EDIT_AWAY)
		return apply_delete(m, op, status);
	if (op->kind == OP_PUT_MANY && status == SHM_BATCH_SIZE)
		return NULL;
	if (status != SHM_OK)
		return "an operation that must succeed does not";
	switch (op->kind) {
	case OP_CREATE:
		create(m, op->bucket, false);
		break;
	case OP_DROP:
		drop(m, op->bucket);
		break;
	case OP_PUT:
	case OP_SET:
	case OP_EDIT:
		set(m, op->bucket, op->key, op->size, op->expires_ms);
		break;
	case OP_PUT_MANY:
	case OP_SET_RUN:
		for (i = 0; i < op->n; i++)
			set(m, op->bucket, model_batch_key(op, i), op->size,
			    op->expires_ms);
		break;
	case OP_TXN:
		carry_out(m, op);
		break;
	case OP_SAY:
		say(m, op->bucket, op->size);
		break;
	case OP_DELETE:
	case OP_EDIT_AWAY:
	case OP_CLEAN:
	case OP_SWEEP:
	case OP_BACK:
	case OP_WATCH:
	case OP_UNWATCH:
		break;
	}
	return NULL;
}

/* With the last of its keys, which has expired. */
static bool
may_be_gone(const struct model *m, unsigned bucket)
{
	unsigned k;

	for (k = 0; k < m->buckets[bucket].touched; k++)
		if (model_peek(m, bucket, k)->there &&
		    !is_expired(model_peek(m, bucket, k)))
			return false;
	return m->expiring && m->buckets[bucket].is_auto;
}

static bool
is_revision(const struct model *m, uint64_t said, uint64_t found)
{
	return m->expiring ? found >= said : found == said;
}

const char *
model_check_answer(const struct model *m, unsigned bucket, unsigned key,
    const struct answer *got)
{
	const struct cell *c = model_peek(m, bucket, key);
	uint8_t bytes[MODEL_VALUE_MAX];

	if (!m->buckets[bucket].there)
		return got->status == SHM_NO_BUCKET ? NULL :
		    "a dropped bucket is there";
	if (got->status == SHM_NO_BUCKET)
		return may_be_gone(m, bucket) ? NULL : "a bucket is missing";
	if (!c->there || is_expired(c))
		return got->status == SHM_NO_KEY ? NULL :
		    "a key is there that should not be";
	if (got->status == SHM_NO_KEY)
		return "a key is missing";
	if (got->status != SHM_OK)
		return "a key cannot be read";
	model_value(bytes, c->version, c->size);
	if (got->len != c->size || memcmp(bytes, got->bytes, c->size) != 0)
		return "a value is not what was put";
	if (!is_revision(m, c->revision, got->revision))
		return "a pair has a wrong revision";
	return NULL;
}

struct facts {
	uint64_t	keys, bytes;
	uint64_t	expired_keys, expired_bytes;
};

static struct facts
count(const struct model *m, unsigned bucket)
{
	struct facts f = { .keys = 0 };
	const struct cell *c;
	unsigned k;

	for (k = 0; k < m->buckets[bucket].touched; k++) {
		c = model_peek(m, bucket, k);
		if (!c->there)
			continue;
		f.keys++;
		f.bytes += model_key(k).len + c->size;
		if (!is_expired(c))
			continue;
		f.expired_keys++;
		f.expired_bytes += model_key(k).len + c->size;
	}
	return f;
}

/* What has expired is there until the cleaner meets it. */
static bool
is_count(const struct model *m, uint64_t said, uint64_t expired, uint64_t is)
{
	return m->expiring ? is <= said && is >= said - expired : is == said;
}

static const char *
compare_bucket(const struct model *m, struct arena *a, unsigned bucket)
{
	const struct model_bucket *b = &m->buckets[bucket];
	struct facts f = count(m, bucket);
	struct bucket_stat st;
	enum shm_status s = bucket_stat(a, model_bucket_name(bucket), &st);

	if (s == SHM_NO_BUCKET && may_be_gone(m, bucket))
		return NULL;
	if (s != (b->there ? SHM_OK : SHM_NO_BUCKET))
		return b->there ? "a bucket is missing" :
		    "a bucket is there that should not be";
	if (!b->there)
		return NULL;
	if (!is_count(m, f.keys, f.expired_keys, st.keys))
		return "a bucket counts its keys wrong";
	if (!is_count(m, f.bytes, f.expired_bytes, st.bytes))
		return "a bucket counts its bytes wrong";
	if (!is_revision(m, b->created, st.created))
		return "a bucket has a wrong revision of creation";
	if (!is_revision(m, b->revision, st.revision))
		return "a bucket has a wrong revision";
	return NULL;
}

const char *
model_compare(const struct model *m, struct arena *a)
{
	const char *wrong;
	struct answer got;
	unsigned b, k;

	for (b = 0; b < MODEL_SHARDS; b++)
		if (!is_revision(m, m->lsn[b], word_peek(&a->shards[b].lsn)))
			return "a shard has a wrong revision";
	for (b = 0; b < MODEL_BUCKETS; b++) {
		if ((wrong = compare_bucket(m, a, b)) != NULL)
			return wrong;
		if (!m->buckets[b].there)
			continue;
		for (k = 0; k < m->buckets[b].touched; k++) {
			got.status = pair_get(a, model_bucket_name(b),
			    model_key(k), got.bytes, sizeof(got.bytes),
			    &got.len, &got.revision);
			wrong = model_check_answer(m, b, k, &got);
			if (wrong != NULL)
				return wrong;
		}
	}
	return NULL;
}

static bool
is_same_cell(const struct cell *x, const struct cell *y)
{
	return x->there == y->there && (!x->there ||
	    (x->version == y->version && x->revision == y->revision));
}

bool
model_equal(const struct model *x, const struct model *y)
{
	unsigned i;

	/* What is said changes nothing else. */
	for (i = 0; i < MODEL_SHARDS; i++)
		if (x->lsn[i] != y->lsn[i])
			return false;
	for (i = 0; i < MODEL_BUCKETS; i++)
		if (x->buckets[i].there != y->buckets[i].there ||
		    x->buckets[i].created != y->buckets[i].created ||
		    x->buckets[i].revision != y->buckets[i].revision)
			return false;
	for (i = 0; i < MODEL_CELLS; i++)
		if (!is_same_cell(&x->cells[i], &y->cells[i]))
			return false;
	return true;
}
