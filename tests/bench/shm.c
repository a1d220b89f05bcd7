/*
 * libshm alone, in one process: what the shared memory costs without the
 * wire.  The keys are visited at random except by the first put, as clients
 * would; nobody else runs, so there is neither a cleaner nor contention, and
 * backing fresh segments with memory is part of the put that needs them.
 */

#include <stdlib.h>
#include <string.h>

#include "shm/bucket.h"
#include "shm/scan.h"
#include "tests/bench/arena.h"

#define SCAN_BYTES	65536

struct bench {
	struct arena	*arena;
	uint64_t	 keys;
};

static const struct bytes bucket = { "bench", 5 };

static void
rate(const struct bench *b, const char *what, double n, double since_s)
{
	char name[64];

	snprintf(name, sizeof(name), "shm %s, %g M keys", what,
	    (double)b->keys / 1e6);
	bench_figure(name, n / (bench_now_s() - since_s), "1/s");
}

static void
fill(struct bench *b)
{
	double start_s = bench_now_s();
	uint64_t i;

	for (i = 0; i < b->keys; i++)
		bench_put(b->arena, bucket, i, i);
	rate(b, "put", (double)b->keys, start_s);
}

static void
report_memory(const struct bench *b)
{
	struct arena_usage usage;
	struct bucket_stat stat;
	double keys, segment;
	char name[64];

	must(bucket_stat(b->arena, bucket, &stat), "stat");
	arena_usage(b->arena, &usage);
	keys = (double)stat.keys;
	segment = (double)arena_segment_bytes(b->arena);
	snprintf(name, sizeof(name), "shm memory, %g M keys",
	    (double)b->keys / 1e6);
	bench_figure(name, ((double)usage.log_bytes + segment *
	    (double)usage.segments_index - (double)stat.bytes) / keys,
	    "B/key over key+value");
}

static void
get(struct bench *b)
{
	char key[KEY_BYTES], value[VALUE_BYTES];
	struct bytes k = { key, sizeof(key) };
	double start_s = bench_now_s();
	uint64_t i;
	size_t len;

	for (i = 0; i < b->keys; i++) {
		bench_text(key, sizeof(key), "key-", bench_pick(i, b->keys));
		must(pair_get(b->arena, bucket, k, value, sizeof(value), &len,
		    NULL), "get");
		if (memcmp(key + 4, value + VALUE_BYTES - 12, 12) != 0)
			errx(1, "get: another key's value");
	}
	rate(b, "get", (double)b->keys, start_s);
}

static void
overwrite(struct bench *b)
{
	double start_s = bench_now_s();
	uint64_t i;

	for (i = 0; i < b->keys; i++)
		bench_put(b->arena, bucket, bench_pick(i, b->keys), i);
	rate(b, "overwrite", (double)b->keys, start_s);
}

static uint64_t
scan_once(struct bench *b)
{
	static uint8_t buf[SCAN_BYTES];
	struct scan_batch batch = { .buf = buf, .cap = sizeof(buf) };
	struct scan scan = { 0 };
	struct bytes name;
	uint64_t n = 0;
	size_t pos;

	while (!scan.done) {
		must(scan_keys(b->arena, bucket, &scan, &batch), "scan");
		for (pos = 0; scan_next_name(&batch, &pos, &name);)
			n++;
	}
	return n;
}

static void
scan(struct bench *b)
{
	double start_s = bench_now_s();
	uint64_t n = scan_once(b);

	if (n < b->keys)
		errx(1, "scan: only %" PRIu64 " keys", n);
	rate(b, "scan", (double)n, start_s);
}

/* Every third key, so that the next segment to be cleaned is no empty one. */
static void
delete_some(struct bench *b)
{
	char key[KEY_BYTES];
	struct bytes k = { key, sizeof(key) };
	double start_s = bench_now_s();
	uint64_t i;

	for (i = 0; i < b->keys; i += 3) {
		bench_text(key, sizeof(key), "key-", i);
		must(pair_delete(b->arena, bucket, k), "delete");
	}
	rate(b, "delete", (double)((b->keys + 2) / 3), start_s);
}

static void
clean_up(struct bench *b)
{
	struct clean_work work = { 0 };
	double start_s = bench_now_s();

	bench_clean(b->arena, &work);
	if (work.records_moved > 0)
		rate(b, "clean (records moved)", (double)work.records_moved,
		    start_s);
}

static void
dismantle(struct bench *b)
{
	struct clean_work work = { 0 };
	struct bucket_stat stat;
	double start_s;

	must(bucket_stat(b->arena, bucket, &stat), "stat");
	must(bucket_drop(b->arena, bucket), "drop");
	start_s = bench_now_s();
	bench_clean(b->arena, &work);
	rate(b, "dismantle", (double)stat.keys, start_s);
}

static void
run(struct bench *b)
{
	must(bucket_create(b->arena, bucket), "create");
	fill(b);
	report_memory(b);
	get(b);
	scan(b);
	overwrite(b);
	delete_some(b);
	clean_up(b);
	dismantle(b);
}

int
main(int argc, char **argv)
{
	struct bench b = { 0 };

	if (argc != 2 || (b.keys = strtoull(argv[1], NULL, 10)) == 0)
		errx(64, "usage: shm keys");
	b.arena = bench_arena(b.keys * 320 + ((uint64_t)256 << 20));
	arena_remember_names(b.arena);
	run(&b);
	arena_close(b.arena);
	return 0;
}
