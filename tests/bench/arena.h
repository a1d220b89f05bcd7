#ifndef KVD_TESTS_BENCH_ARENA_H
#define KVD_TESTS_BENCH_ARENA_H

/*
 * For the programs that measure shared memory without a server: an arena of
 * their own, and pairs with the keys and values of bench.h in it.
 */

#include <err.h>
#include <string.h>
#include <unistd.h>

#include "shm/arena.h"
#include "shm/clean.h"
#include "shm/pair.h"
#include "tests/bench/bench.h"

static inline void
must(enum shm_status status, const char *what)
{
	if (status != SHM_OK)
		errx(1, "%s: %s", what, shm_strstatus(status));
}

/* It lives as long as it is mapped: killed, we leave nothing. */
static inline struct arena *
bench_arena(uint64_t memory_bytes)
{
	char name[32];
	struct arena_params params = {
		.name = name, .memory_bytes = memory_bytes
	};
	enum arena_error error;
	struct arena *arena;

	snprintf(name, sizeof(name), "bench-shm-%d", (int)getpid());
	error = arena_create(&arena, &params);
	if (error != ARENA_OK)
		errx(1, "%s", arena_strerror(error));
	arena_unlink(name);
	return arena;
}

static inline void
bench_put(struct arena *arena, struct bytes bucket, uint64_t k, uint64_t v)
{
	char key[KEY_BYTES], value[VALUE_BYTES];
	struct pair pair = {
		.key = { key, sizeof(key) }, .value = { value, sizeof(value) }
	};

	bench_text(key, sizeof(key), "key-", k);
	bench_text(value, sizeof(value), "val-", v);
	must(pair_put(arena, bucket, &pair, NULL), "put");
}

/* The value begins with "val-" and ends with the digits of the key. */
static inline void
bench_get(struct arena *arena, struct bytes bucket, uint64_t k)
{
	char key[KEY_BYTES], value[VALUE_BYTES];
	struct bytes name = { key, sizeof(key) };
	size_t len;

	bench_text(key, sizeof(key), "key-", k);
	must(pair_get(arena, bucket, name, value, sizeof(value), &len, NULL),
	    "get");
	if (len != sizeof(value) || memcmp(value, "val-", 4) != 0)
		errx(1, "get: not the value");
}

/* To the end, so that what follows begins with nothing left to do. */
static inline void
bench_clean(struct arena *arena, struct clean_work *work)
{
	struct clean_state state = { 0 };

	while (clean_step(arena, &state, work, 0))
		continue;
}

#endif
