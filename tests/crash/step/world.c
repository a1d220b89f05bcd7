/*
 * The world in which processes are killed.  Whatever could differ between
 * two runs of the same operation is taken out of it: the seed of the hash is
 * fixed, and so is the wall clock.  The latter also because the C library
 * reads the clock in shared memory of the kernel and begins again when that
 * is being written: a loop that takes another number of instructions each
 * time.
 */

#include "world.h"

#include <sys/syscall.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "must.h"
#include "shm/bucket.h"
#include "shm/clean.h"
#include "shm/geometry.h"
#include "shm/handle.h"
#include "shm/message.h"
#include "shm/pair_edit.h"
#include "shm/pair_run.h"
#include "shm/segment.h"
#include "shm/word.h"

#define PARTS_MAX	8	/* of a transaction, that have a value */
#define BOARD_SLOT	9U	/* of who runs operations */

/* Instead of that of the C library; other clocks are the system's. */
int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	if (clock != CLOCK_REALTIME_COARSE)
		return (int)syscall(SYS_clock_gettime, clock, ts);
	ts->tv_sec = (time_t)(MODEL_NOW_MS / 1000);
	ts->tv_nsec = 0;
	return 0;
}

/* The memory that holds so many segments and what is in front of them. */
static uint64_t
memory_for(unsigned segments, unsigned segment_bytes)
{
	struct geometry g = {
		.size_bytes = (uint64_t)segments * segment_bytes,
		.segment_bytes = segment_bytes,
		.shards = MODEL_SHARDS
	};

	while (!geometry_place(&g) || g.segments < segments)
		g.size_bytes += 4096;
	return g.size_bytes;
}

static void
set_seed(struct arena *a)
{
	struct superblock *sb = (struct superblock *)a->base;

	a->hash_seed[0] = UINT64_C(0x0706050403020100);
	a->hash_seed[1] = UINT64_C(0x0f0e0d0c0b0a0908);
	memcpy(sb->hash_seed, a->hash_seed, sizeof(sb->hash_seed));
}

void
world_make(struct world *w, unsigned segments, unsigned segment_bytes)
{
	char name[64];
	struct arena_params p = {
		.name = name,
		.memory_bytes = memory_for(segments, segment_bytes),
		.shards = MODEL_SHARDS,
		.segment_bytes = segment_bytes
	};
	enum arena_error error;

	snprintf(name, sizeof(name), "test.step.%d", (int)getpid());
	error = arena_create(&w->a, &p);
	must(error == ARENA_OK, "%s", arena_strerror(error));
	must(w->a->segments <= WORLD_SEGMENTS_MAX, "too many segments");
	arena_unlink(name);
	set_seed(w->a);
	memset(&w->m, 0, sizeof(w->m));
	model_init();
}

void
call_prepare(struct call *c, const struct world *w, const struct op *op)
{
	uint64_t version = w->m.versions;
	unsigned i, n = op->kind == OP_PUT_MANY ||
	    op->kind == OP_SET_RUN ? op->n : 1;

	if (op->kind == OP_TXN)
		n = PARTS_MAX;
	if (c->txn == NULL)
		c->txn = txn_open(w->a);
	must(c->txn != NULL, "no memory");
	c->a = w->a;
	c->op = *op;
	c->bucket = model_bucket_name(op->bucket);
	must(n <= MODEL_BATCH && n * op->size <= sizeof(c->values),
	    "too large an operation");
	for (i = 0; i < n; i++) {
		model_value(c->values + i * op->size, ++version, op->size);
		c->pairs[i] = (struct pair){
			.key = model_key(model_batch_key(op, i)),
			.value = { c->values + i * op->size, op->size },
			.expires_ms = op->expires_ms
		};
	}
}

static enum shm_status
run_part(struct txn *t, const struct call *c, const struct part *p,
    unsigned *puts)
{
	struct bytes bucket = model_bucket_name(p->bucket);
	struct bytes key = model_key(p->key != 0 ? p->key : c->op.key);
	struct pair pair = { .key = key };

	switch (p->kind) {
	case PART_CREATE:
		return txn_create(t, bucket, false);
	case PART_CREATE_AUTO:
		return txn_create(t, bucket, true);
	case PART_DROP:
		return txn_drop(t, bucket);
	case PART_PUT:
		pair.value = c->pairs[(*puts)++].value;
		return txn_put(t, bucket, &pair);
	case PART_DELETE:
		return txn_delete(t, bucket, key);
	case PART_EXPIRE:
		return txn_expire(t, bucket, c->op.expires_ms);
	case PART_END:
		break;
	}
	return SHM_OK;
}

static enum shm_status
run_parts(struct txn *t, void *arg)
{
	const struct call *c = arg;
	const struct part *p = model_script(&c->op);
	enum shm_status status;
	unsigned puts = 0;

	for (; p->kind != PART_END; p++) {
		status = run_part(t, c, p, &puts);
		if (status != SHM_OK && status != SHM_NO_KEY &&
		    status != SHM_NO_BUCKET)
			return status;
	}
	return SHM_OK;
}

static enum shm_status
clean(struct arena *a)
{
	struct clean_state state = { .shard = 0 };
	struct clean_work work = { .segments_freed = 0 };

	/* SHM_OK: there is more to do. */
	return clean_step(a, &state, &work, MODEL_NOW_MS) ? SHM_OK :
	    SHM_NO_KEY;
}

static enum shm_status
sweep(struct arena *a)
{
	struct clean_state state = { .shard = 0 };
	struct clean_work work = { .segments_freed = 0 };

	return clean_sweep(a, &state, &work, MODEL_NOW_MS, 1) ? SHM_OK :
	    SHM_NO_KEY;
}

static enum shm_status
set(const struct call *c)
{
	struct pair_set set = { .replace = false };

	return pair_set(c->a, arena_shard_of(c->a, c->bucket), c->bucket,
	    c->pairs, &set);
}

static enum pair_verdict
decide(void *arg, const struct pair_old *old, struct pair_new *new)
{
	const struct call *c = arg;

	if (c->op.kind == OP_EDIT_AWAY)
		return old->is_there ? PAIR_DELETE : PAIR_LEAVE;
	new->value = c->pairs[0].value;
	new->expires_ms = c->op.expires_ms;
	return PAIR_PUT;
}

static enum shm_status
edit(const struct call *c)
{
	struct pair_edit edit = {
		.decide = decide, .arg = (void *)(uintptr_t)c
	};

	return pair_edit(c->a, arena_shard_of(c->a, c->bucket), c->bucket,
	    c->pairs[0].key, &edit);
}

/* In one run where that is the scenario; what it leaves is done alone. */
static enum shm_status
set_run(const struct call *c)
{
	uint32_t shard = arena_shard_of(c->a, c->bucket);
	struct pair_set set = { .replace = false };
	struct pair_step steps[MODEL_BATCH];
	enum shm_status status = SHM_OK;
	size_t i, done;

	for (i = 0; i < c->op.n; i++)
		steps[i] = (struct pair_step){
			.bucket = c->bucket, .pair = c->pairs[i]
		};
	for (i = 0; i < c->op.n && status == SHM_OK; i += done) {
		done = pair_set_run(c->a, shard, BOARD_SLOT, steps + i,
		    c->op.n - i);
		if (done > 0)
			continue;
		status = pair_set(c->a, shard, c->bucket, &c->pairs[i], &set);
		done = 1;
	}
	return status;
}

enum shm_status
call_run(const struct call *c)
{
	switch (c->op.kind) {
	case OP_CREATE:
		return bucket_create(c->a, c->bucket);
	case OP_DROP:
		return bucket_drop(c->a, c->bucket);
	case OP_PUT:
		return pair_put(c->a, c->bucket, c->pairs, NULL);
	case OP_SET:
		return set(c);
	case OP_EDIT:
	case OP_EDIT_AWAY:
		return edit(c);
	case OP_DELETE:
		return pair_delete(c->a, c->bucket, c->pairs[0].key);
	case OP_PUT_MANY:
		return pair_put_many(c->a, c->bucket, c->pairs, c->op.n);
	case OP_SET_RUN:
		return set_run(c);
	case OP_TXN:
		return txn_run(c->txn, 0, run_parts, (void *)(uintptr_t)c,
		    NULL);
	case OP_SAY:
		return message_say(c->a, c->bucket, c->pairs[0].value);
	case OP_CLEAN:
		return clean(c->a);
	case OP_SWEEP:
		return sweep(c->a);
	case OP_BACK:
		arena_back_ahead(c->a, c->op.n);
		break;
	case OP_WATCH:
		feed_watch(c->a, model_shard(c->op.bucket), 77);
		break;
	case OP_UNWATCH:
		feed_unwatch(c->a, model_shard(c->op.bucket), 77);
		break;
	}
	return SHM_OK;
}

const char *
world_try(struct world *w, const struct op *op, enum shm_status *status)
{
	static struct call c;

	call_prepare(&c, w, op);
	*status = call_run(&c);
	return model_apply(&w->m, op, *status);
}

void
world_do(struct world *w, struct op op)
{
	enum shm_status status;
	const char *wrong = world_try(w, &op, &status);

	must(wrong == NULL, "%s", wrong);
	must(status == SHM_OK, "%s", shm_strstatus(status));
}

void
world_follow(struct world *w)
{
	uint64_t i;

	w->m.nevents = 0;
	w->m.cleaned = w->m.expiring = false;
	for (i = 0; i < MODEL_SHARDS; i++)
		feed_open(w->a, (uint32_t)i, &w->feeds[i]);
	for (i = 0; i < w->a->segments; i++)
		w->followed[i] = word_peek(&w->a->table[i].state);
}

/* Is each segment that was hot then still there? */
static bool
nothing_was_freed(const struct world *w, const struct model *m)
{
	uint64_t i;

	for (i = 0; i < w->a->segments; i++)
		if (segment_kind(w->followed[i]) == SEGMENT_HOT &&
		    w->followed[i] != word_peek(&w->a->table[i].state))
			return false;
	return !m->cleaned;
}

static const char *
compare_event(const struct model_event *want, const struct feed_event *got)
{
	static const enum feed_op ops[] = {
		[EVENT_SET] = FEED_SET, [EVENT_DELETED] = FEED_DELETED,
		[EVENT_CREATED] = FEED_CREATED, [EVENT_DROPPED] = FEED_DROPPED,
		[EVENT_TOUCHED] = FEED_TOUCHED, [EVENT_SAID] = FEED_MESSAGE
	};
	uint8_t value[MODEL_VALUE_MAX];
	struct bytes key = want->op >= EVENT_CREATED ?
	    model_bucket_name(want->bucket) : model_key(want->key);

	model_value(value, want->version, want->size);
	if (got->op != ops[want->op] || got->revision != want->revision ||
	    got->key.len != key.len || got->value.len != want->size ||
	    memcmp(got->key.data, key.data, key.len) != 0 ||
	    memcmp(got->value.data, value, want->size) != 0)
		return "the feed tells something else";
	return NULL;
}

static const struct model_event *
next_event(const struct model *m, uint32_t shard, unsigned *at)
{
	for (; *at < m->nevents; ++*at)
		if (model_shard(m->events[*at].bucket) == shard)
			return &m->events[(*at)++];
	return NULL;
}

static const char *
compare_shard(const struct world *w, const struct model *m, uint32_t shard)
{
	struct feed f = w->feeds[shard];
	const struct model_event *want;
	uint8_t buf[MODEL_VALUE_MAX + 64];
	struct feed_event got;
	const char *wrong;
	unsigned at = 0;
	size_t needed;

	for (;;) {
		want = next_event(m, shard, &at);
		switch (feed_next(w->a, &f, buf, sizeof(buf), &got,
		    &needed)) {
		case FEED_OK:
			if (want == NULL)
				return "the feed tells what did not happen";
			if ((wrong = compare_event(want, &got)) != NULL)
				return wrong;
			break;
		case FEED_NONE:
			return want == NULL ? NULL :
			    "the feed does not tell all";
		case FEED_LOST:
			return nothing_was_freed(w, m) ?
			    "the feed is lost" : NULL;
		case FEED_NO_ROOM:
			return "the feed tells of something too large";
		}
	}
}

const char *
world_compare_news(const struct world *w, const struct model *m)
{
	const char *wrong = NULL;
	uint32_t i;

	/* What the cleaner deletes comes in an order of its own. */
	if (m->expiring || m->nevents == MODEL_EVENTS)
		return NULL;
	for (i = 0; i < MODEL_SHARDS && wrong == NULL; i++)
		wrong = compare_shard(w, m, i);
	return wrong;
}
