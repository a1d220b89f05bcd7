/*
 * Many buckets of seven keys each: what such a key takes, with all that its
 * bucket takes.
 *
 *	small BUCKETS
 */

#include <stdlib.h>

#include "shm/bucket.h"
#include "tests/bench/arena.h"

#define KEYS	7

int
main(int argc, char **argv)
{
	char name[16];
	struct bytes bucket = { name, sizeof(name) };
	uint64_t buckets, i;
	struct arena_usage usage;
	struct arena *arena;
	double keys;

	if (argc != 2 || (buckets = strtoull(argv[1], NULL, 10)) == 0)
		errx(64, "usage: small buckets");
	arena = bench_arena(buckets * KEYS * 256 + ((uint64_t)512 << 20));
	for (i = 0; i < buckets * KEYS; i++) {
		bench_text(name, sizeof(name), "bkt-", i / KEYS);
		if (i % KEYS == 0)
			must(bucket_create(arena, bucket), "create");
		bench_put(arena, bucket, i % KEYS, i);
	}
	arena_usage(arena, &usage);
	keys = (double)buckets * KEYS;
	bench_figure("shm memory, 7 keys a bucket",
	    ((double)usage.log_bytes + (double)usage.segments_index *
	    (double)arena_segment_bytes(arena)) / keys - KEY_BYTES -
	    VALUE_BYTES, "B/key over key+value");
	arena_close(arena);
	return 0;
}
