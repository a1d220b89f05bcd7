/*
 * Using an arena as the server does.  Loops of ours have an end, too: a ring
 * of pages makes a walk over keys that are there again and again, a step at a
 * time, which is damage that nobody can tell from a large bucket.
 */

#include "exercise.h"

#include <linux/futex.h>

#include <string.h>

#include "must.h"
#include "shm/ahead.h"
#include "shm/board.h"
#include "shm/bucket.h"
#include "shm/clean.h"
#include "shm/feed.h"
#include "shm/lock.h"
#include "shm/names.h"
#include "shm/pair.h"
#include "shm/scan.h"
#include "shm/word.h"
#include "specimen.h"

#define WALK_STEPS	8	/* calls, of up to 4096 lines each */
#define FEED_EVENTS	4096
#define BATCH		30
#define CLEAN_STEPS	40
#define TOGETHER	40	/* keys */

/*
 * Readers of a damaged line give way to a writer 4000 times.  There is none,
 * and system calls are most of what that costs.
 */
int
sched_yield(void)
{
	return 0;
}

static void
check_report(const struct audit_report *r)
{
	must((r->errors > 0) == (r->first_error[0] != '\0'));
	must(memchr(r->first_error, '\0', sizeof(r->first_error)) != NULL);
	must(r->shards_whole + r->shards_sliced + r->shards_lost ==
	    r->shards);
}

uint64_t
exercise_audit(struct arena *a, uint64_t piece)
{
	struct audit *au = audit_open(a, piece);
	struct audit_report r;

	must(au != NULL);
	while (audit_step(au))
		(void)exercise_locks(a);
	r = *audit_report(au);
	check_report(&r);
	must(r.shards == a->shards_count);
	audit_close(au);
	return r.errors;
}

/*
 * The word of a mutex that the kernel knows says which thread holds it.
 * (Trying to take one that is lost makes glibc 2.36 hold it for ever.)
 */
bool
exercise_locks(struct arena *a)
{
	bool ours = true;
	uint32_t i, futex;

	for (i = 0; i < a->shards_count; i++) {
		if (!lock_is_ours(&a->shards[i].lock)) {
			ours = false;
			continue;
		}
		memcpy(&futex, &a->shards[i].lock, sizeof(futex));
		must((futex & FUTEX_TID_MASK) == 0);
	}
	return ours;
}

static void
read_pairs(struct arena *a, struct bytes bucket)
{
	static uint8_t buf[8192];
	uint64_t revision;
	unsigned i;
	size_t len;

	for (i = 0; i < SPECIMEN_KEYS; i += 23)
		switch (pair_get(a, bucket, specimen_key(i), buf, sizeof(buf),
		    &len, &revision)) {
		case SHM_OK:
			must(len <= sizeof(buf));
			break;
		case SHM_NO_ROOM:
			must(len > sizeof(buf));
			break;
		case SHM_NO_KEY:
		case SHM_NO_BUCKET:
			break;
		case SHM_DAMAGED:
			return;		/* the next one would say so, too */
		case SHM_FULL:
		case SHM_BUCKET_NAME_SIZE:
		case SHM_KEY_SIZE:
		case SHM_VALUE_SIZE:
		case SHM_BATCH_SIZE:
		case SHM_NOT_A_BUCKET:
		case SHM_BUSY:
			must(false);
		}
}

static bool
check_told(void *arg, size_t i, enum shm_status status,
    const struct pair_facts *facts)
{
	(void)i;
	must(status == SHM_NO_KEY || facts->len <= *(const size_t *)arg);
	return true;
}

static void
read_pairs_together(struct arena *a, struct bytes bucket)
{
	static uint8_t buf[8192];
	static char text[TOGETHER][16];
	size_t cap = sizeof(buf), done = 0;
	const struct pair_told told = { buf, cap, check_told, &cap };
	struct bytes keys[TOGETHER];
	struct ahead_bucket in;
	unsigned i;

	ahead_bucket(a, arena_shard_of(a, bucket), bucket, &in);
	for (i = 0; i < TOGETHER; i++) {
		keys[i] = specimen_key(i);
		memcpy(text[i], keys[i].data, keys[i].len);
		keys[i].data = text[i];
	}
	(void)pair_look_many(a, &in, keys, TOGETHER, &done, &told);
	must(done <= TOGETHER);
}

static void
check_names(const struct scan_batch *batch)
{
	struct bytes name;
	size_t pos = 0;

	while (scan_next_name(batch, &pos, &name))
		must((const uint8_t *)name.data + name.len <= batch->buf +
		    batch->used);
	must(pos == batch->used && batch->used <= batch->cap);
}

/* A bucket, or with none the names of a shard. */
static void
walk(struct arena *a, uint32_t shard, const struct bytes *bucket)
{
	static uint8_t buf[4096];
	struct scan_batch batch = { .buf = buf, .cap = sizeof(buf) };
	struct scan scan = { 0 };
	enum shm_status status = SHM_OK;
	unsigned i;

	for (i = 0; i < WALK_STEPS && !scan.done && status == SHM_OK; i++) {
		status = bucket != NULL ?
		    scan_keys(a, *bucket, &scan, &batch) :
		    scan_buckets(a, shard, &scan, &batch);
		if (status == SHM_OK)
			check_names(&batch);
	}
	must(status == SHM_OK || status == SHM_NO_BUCKET ||
	    status == SHM_NO_ROOM || status == SHM_DAMAGED);
}

/* From the first record of the segment at the head. */
static void
follow(struct arena *a, uint32_t shard)
{
	static uint8_t buf[8192];
	struct feed_event event;
	size_t needed;
	struct feed f;
	unsigned i;

	feed_open(a, shard, &f);
	if (f.segment < a->segments) {
		f.offset = 0;
		f.lsn = word_peek(&a->table[f.segment].first_lsn);
	}
	for (i = 0; i < FEED_EVENTS; i++)
		if (feed_next(a, &f, buf, sizeof(buf), &event, &needed) !=
		    FEED_OK)
			break;
}

static void
look_around(struct arena *a)
{
	struct arena_usage usage;
	struct board_row row;
	unsigned i;

	arena_usage(a, &usage);
	must(usage.segments == a->segments);
	for (i = 0; i < 4; i++)
		(void)board_read(a, i, &row);
	must(strlen(arena_uuid(a)) == 36);
}

/* As workers do, but for what was in the memory before. */
static void
remember_names(struct arena *a)
{
	names_close(a->names);
	a->names = NULL;
	arena_remember_names(a);
}

void
exercise_reads(struct arena *a)
{
	struct bucket_stat st;
	struct bytes bucket;
	uint32_t shard;
	unsigned i;

	look_around(a);
	remember_names(a);
	for (i = 0; i < SPECIMEN_BUCKETS; i++) {
		bucket = specimen_bucket(i);
		(void)bucket_stat(a, bucket, &st);
		read_pairs(a, bucket);
		read_pairs_together(a, bucket);
		walk(a, 0, &bucket);
	}
	for (shard = 0; shard < a->shards_count; shard++) {
		walk(a, shard, NULL);
		follow(a, shard);
	}
	(void)exercise_locks(a);
}

static void
check_status(enum shm_status status)
{
	must(status == SHM_OK || status == SHM_NO_KEY ||
	    status == SHM_NO_BUCKET || status == SHM_FULL ||
	    status == SHM_DAMAGED);
}

static void
put(struct arena *a, struct bytes bucket, unsigned key, size_t len)
{
	static const uint8_t value[1024];
	struct pair p = { specimen_key(key), { value, len }, 0 };

	check_status(pair_put(a, bucket, &p, NULL));
}

static void
put_batch(struct arena *a, struct bytes bucket)
{
	static const char keys[] = "abcdefghijklmnopqrstuvwxyz";
	struct pair pairs[BATCH];
	unsigned i;

	for (i = 0; i < BATCH; i++)
		pairs[i] = (struct pair){
			.key = { keys + i % 20, 1 + i % 5 },
			.value = { keys, i % 20 }
		};
	check_status(pair_put_many(a, bucket, pairs, BATCH));
}

static void
change(struct arena *a, struct bytes bucket)
{
	unsigned i;

	for (i = 0; i < 8; i++)		/* there, or not */
		put(a, bucket, i * 80, i * 100);
	put_batch(a, bucket);
	for (i = 0; i < 8; i++)
		check_status(pair_delete(a, bucket, specimen_key(i * 79)));
}

static void
clean(struct arena *a)
{
	struct clean_state state = { .shard = 0 };
	struct clean_work work = { .segments_freed = 0 };
	unsigned i;

	for (i = 0; i < CLEAN_STEPS; i++)
		if (!clean_step(a, &state, &work, 2))
			break;
}

void
exercise_changes(struct arena *a)
{
	static const struct bytes new = { "new", 3 };
	unsigned i;

	for (i = 0; i < SPECIMEN_BUCKETS; i++)
		change(a, specimen_bucket(i));
	clean(a);
	check_status(bucket_create(a, new));
	put(a, new, 0, 10);
	check_status(bucket_drop(a, specimen_bucket(1)));
	clean(a);
	(void)clean_repair_all(a);
	(void)exercise_locks(a);
}
