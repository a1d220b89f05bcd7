/*
 * Walking a table that others change.  Lines are visited in the order of
 * their bit-reversed numbers (table.h), and a key never moves in the space of
 * bit-reversed hashes.  So the cursor is a position in it (after P.
 * Noordhuis' SCAN of Redis, which reverses bits in the same way over tables
 * that double).
 *
 * A line that was merged since the last step holds names from before the
 * cursor too, which were returned then: they are left out by their hash.
 */

#include "shm/scan.h"

#include <stdlib.h>
#include <string.h>

#include "shm/bucket.h"
#include "shm/bucket_locked.h"
#include "shm/chain.h"
#include "shm/clock.h"
#include "shm/hash.h"
#include "shm/read.h"
#include "shm/read_line.h"
#include "shm/scan_locked.h"
#include "shm/table.h"
#include "shm/word.h"

/* Of a table that is all but empty many could be visited for one name. */
#define LINES_PER_STEP	4096U

struct packing {		/* names of one line on their way out */
	const struct arena	*a;
	struct scan_batch	*batch;
	size_t			 used;
	size_t			 names;		/* in the line */
	bool			 fits;
	enum record_op		 op;
	bool			 has_values;
	arena_off		 bucket;	/* RECORD_PUT: whose */
	uint64_t		 now_ms;
	uint64_t		 cursor;
	bool			 is_midway;	/* the line begins before it */
};

struct pair_head {
	uint32_t	key_len;
	uint32_t	value_len;
	uint64_t	expires_ms;
};

_Static_assert(sizeof(struct pair_head) == SCAN_PAIR_BYTES, "no padding");

/* The bucket without a name is for the store's own use. */
static bool
is_hidden(const struct arena *a, const struct record_view *r)
{
	return r->key.len == 0 || r->bucket % sizeof(struct line) != 0 ||
	    !arena_holds(a, r->bucket, sizeof(struct bucket)) ||
	    bucket_is_ghost(arena_at(a, r->bucket));
}

static bool
is_wanted(const struct packing *p, const struct record_view *r)
{
	if (r->op != p->op ||
	    (!p->has_values && record_is_expired(r, p->now_ms)) ||
	    (p->op == RECORD_PUT ? r->bucket != p->bucket :
	    is_hidden(p->a, r)))
		return false;
	/* The length may be of a record that is none any more. */
	return !p->is_midway || (r->key.len <= PAIR_KEY_MAX &&
	    hash_reverse(hash_keyed(p->a->hash_seed, r->key.data,
	    r->key.len)) >= p->cursor);
}

static uint8_t *
put_bytes(uint8_t *to, const void *from, size_t len)
{
	if (len > 0)
		memmove(to, from, len);
	return to + len;
}

size_t
scan_put(struct scan_batch *batch, size_t at, const struct pair *pair,
    bool has_value)
{
	struct pair_head head = {
		.key_len = (uint32_t)pair->key.len,
		.value_len = (uint32_t)pair->value.len,
		.expires_ms = pair->expires_ms
	};
	size_t head_len = has_value ? sizeof(head) : sizeof(head.key_len);
	size_t value_len = has_value ? pair->value.len : 0;
	size_t need = head_len + pair->key.len + value_len;
	uint8_t *to;

	if (need <= batch->cap && at <= batch->cap - need) {
		to = put_bytes(batch->buf + at, &head, head_len);
		to = put_bytes(to, pair->key.data, pair->key.len);
		put_bytes(to, pair->value.data, value_len);
	}
	return at + need;
}

static void
pack(void *arg, const struct record_view *r)
{
	struct packing *p = arg;
	const struct pair pair = {
		.key = r->key, .value = r->value, .expires_ms = r->expires_ms
	};

	if (!is_wanted(p, r))
		return;
	p->used = scan_put(p->batch, p->used, &pair, p->has_values);
	p->fits &= p->used <= p->batch->cap;
	p->names++;
}

struct walk {			/* what a step is about */
	struct arena		*a;
	struct shard		*sh;
	struct index_key	 bucket;	/* of RECORD_PUT walks */
	struct scan		*scan;
	size_t			 names;		/* in the batch */
	struct packing		 packing;
};

enum step { STEP_OK, STEP_GONE, STEP_RETRY, STEP_STUCK };

/* One attempt at one line: its names, and the cursor behind it. */
static enum step
attempt(struct walk *w, uint64_t *next)
{
	uint64_t version = word_load(&w->sh->version), shape;
	const struct table *t = &w->sh->buckets;
	struct read_name name = { .bucket = 0 };
	const struct bucket *b;
	struct read_action packed = { pack, &w->packing };
	enum read_status s = READ_MISSING;

	if ((version & 1) != 0)
		return STEP_RETRY;
	if (w->packing.op == RECORD_PUT) {
		s = read_bucket_once(w->a, w->sh, &w->bucket, &name);
		if (s != READ_FOUND)
			return s == READ_RETRY || word_peek(
			    &w->sh->version) != version ? STEP_RETRY :
			    STEP_GONE;
		w->packing.bucket = name.bucket;
		b = arena_at(w->a, name.bucket);
		if (bucket_is_ghost(b))
			return STEP_GONE;
		t = &b->table;
	}
	shape = word_load(&t->shape);
	*next = 0;
	if (table_lines(shape) > 0) {
		uint64_t number = table_line_number(table_lines(shape),
		    hash_reverse(w->scan->cursor));

		*next = table_interval_end(w->scan->cursor,
		    table_line_bits(table_lines(shape), number));
		w->packing.cursor = w->scan->cursor;
		w->packing.is_midway = hash_reverse(number) !=
		    w->scan->cursor;
		s = read_line_once(w->a, t, number, &packed);
	}
	atomic_thread_fence(memory_order_acquire);
	return s == READ_RETRY || word_peek(&w->sh->version) != version ||
	    word_peek(&t->shape) != shape ? STEP_RETRY : STEP_OK;
}

static enum step
try_line(struct walk *w, uint64_t *next)
{
	struct scan_batch *batch = w->packing.batch;

	w->packing.used = batch->used;
	w->packing.names = 0;
	w->packing.fits = true;
	return attempt(w, next);
}

static enum step
one_line(struct walk *w, uint32_t shard, uint64_t *next)
{
	enum step step;
	struct held h;
	unsigned n;

	for (n = 0; read_patience(n); n++)
		if ((step = try_line(w, next)) != STEP_RETRY)
			return step;
	if (w->a->read_only)
		return STEP_STUCK;
	if (lock_shard(w->a, shard, &h) == LOCK_POISONED)
		return STEP_RETRY;
	step = try_line(w, next);
	lock_release(&h);
	return step;
}

static enum shm_status
run(struct walk *w, uint32_t shard,
    enum step (*line)(struct walk *, uint32_t, uint64_t *))
{
	struct scan_batch *batch = w->packing.batch;
	unsigned lines;
	uint64_t next;

	batch->used = 0;
	for (lines = 0; !w->scan->done && lines < LINES_PER_STEP; lines++) {
		switch (line(w, shard, &next)) {
		case STEP_OK:
			break;
		case STEP_GONE:
			return SHM_NO_BUCKET;
		case STEP_RETRY:
			return SHM_DAMAGED;
		case STEP_STUCK:
			return batch->used > 0 ? SHM_OK : read_stuck(w->sh);
		}
		if (!w->packing.fits) {
			batch->needed = w->packing.used - batch->used;
			return batch->used > 0 ? SHM_OK : SHM_NO_ROOM;
		}
		batch->used = w->packing.used;
		w->names += w->packing.names;
		w->scan->cursor = next;
		w->scan->done = next == 0;
		if (batch->enough > 0 && w->names >= batch->enough)
			break;
	}
	return SHM_OK;
}

enum shm_status
scan_keys(struct arena *a, struct bytes bucket, struct scan *scan,
    struct scan_batch *batch)
{
	if (bucket.len == 0 || bucket.len > BUCKET_NAME_MAX)
		return SHM_BUCKET_NAME_SIZE;
	return scan_shard_keys(a, arena_shard_of(a, bucket), bucket, scan,
	    batch);
}

static struct walk
keys_walk(struct arena *a, uint32_t shard, struct bytes bucket,
    struct scan *scan, struct scan_batch *batch)
{
	struct walk w = {
		.a = a,
		.sh = &a->shards[shard],
		.scan = scan,
		.packing = {
			.a = a,
			.batch = batch,
			.op = RECORD_PUT,
			.now_ms = clock_wall_ms()
		}
	};

	index_key_init(a, &w.bucket, RECORD_CREATE, 0, bucket);
	return w;
}

enum shm_status
scan_shard_keys(struct arena *a, uint32_t shard, struct bytes bucket,
    struct scan *scan, struct scan_batch *batch)
{
	struct walk w = keys_walk(a, shard, bucket, scan, batch);

	return run(&w, shard, one_line);
}

enum shm_status
scan_pairs(struct arena *a, struct bytes bucket, struct scan *scan,
    struct scan_batch *batch)
{
	uint32_t shard = arena_shard_of(a, bucket);
	struct walk w = keys_walk(a, shard, bucket, scan, batch);

	if (bucket.len == 0 || bucket.len > BUCKET_NAME_MAX)
		return SHM_BUCKET_NAME_SIZE;
	w.packing.has_values = true;
	return run(&w, shard, one_line);
}

/* Nobody else writes, so the first attempt tells. */
static enum step
one_line_locked(struct walk *w, uint32_t shard, uint64_t *next)
{
	(void)shard;
	return try_line(w, next);
}

enum shm_status
scan_keys_locked(struct held *h, struct bytes bucket, struct scan *scan,
    struct scan_batch *batch)
{
	struct walk w = keys_walk(h->a, h->shard, bucket, scan, batch);

	return run(&w, h->shard, one_line_locked);
}

enum shm_status
scan_pairs_locked(struct held *h, struct bytes bucket, struct scan *scan,
    struct scan_batch *batch)
{
	struct walk w = keys_walk(h->a, h->shard, bucket, scan, batch);

	w.packing.has_values = true;
	return run(&w, h->shard, one_line_locked);
}

enum shm_status
scan_buckets(struct arena *a, uint32_t shard, struct scan *scan,
    struct scan_batch *batch)
{
	struct walk w = {
		.a = a,
		.sh = &a->shards[shard],
		.scan = scan,
		.packing = { .a = a, .batch = batch, .op = RECORD_CREATE }
	};

	return run(&w, shard, one_line);
}

bool
scan_enlarge(struct scan_batch *batch)
{
	uint8_t *buf = realloc(batch->buf, batch->needed);

	if (buf == NULL)
		return false;
	batch->buf = buf;
	batch->cap = batch->needed;
	return true;
}

bool
scan_next_name(const struct scan_batch *batch, size_t *pos,
    struct bytes *name)
{
	uint32_t len;

	if (*pos >= batch->used)
		return false;
	memcpy(&len, batch->buf + *pos, sizeof(len));
	*name = (struct bytes){ batch->buf + *pos + sizeof(len), len };
	*pos += sizeof(len) + len;
	return true;
}

bool
scan_next_pair(const struct scan_batch *batch, size_t *pos, struct pair *pair)
{
	const uint8_t *p = batch->buf + *pos;
	struct pair_head head;

	if (*pos >= batch->used)
		return false;
	memcpy(&head, p, sizeof(head));
	p += sizeof(head);
	pair->key = (struct bytes){ p, head.key_len };
	pair->value = (struct bytes){ p + head.key_len, head.value_len };
	pair->expires_ms = head.expires_ms;
	*pos += sizeof(head) + head.key_len + head.value_len;
	return true;
}
