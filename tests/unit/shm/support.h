#ifndef KVD_TESTS_SHM_SUPPORT_H
#define KVD_TESTS_SHM_SUPPORT_H

#include <stdint.h>

#include "shm/arena.h"

/*
 * An arena of the test's own, gone when the test ends, however it ends: its
 * name is taken away at once.  Criterion runs each test in a process of its
 * own, so one arena per process is enough.
 */
struct arena *support_arena(uint64_t memory_bytes, uint32_t shards,
    uint32_t segment_bytes);

/* The same, to be found by its name until support_fini(). */
struct arena *support_named_arena(uint64_t memory_bytes, uint32_t shards,
    uint32_t segment_bytes);

/* The name of the named arena, which no other process uses. */
const char *support_arena_name(void);

/* Close it, and leave its name. */
void support_close(void);

/* For .fini: close and remove it. */
void support_fini(void);

/* The audit finds nothing wrong, or the test fails with its words. */
void support_audit(struct arena *);

/* fork(2); the child is killed when the test that made it ends. */
pid_t support_fork(void);

/* A string as bytes, without its NUL. */
struct bytes support_bytes(const char *);

/* The first of n0, n1 .. that lives in this shard, made in buf. */
struct bytes support_name_in(const struct arena *, uint32_t shard,
    char buf[16]);

/* A small generator, the same everywhere: xorshift64*. */
uint64_t support_random(uint64_t *state);

/* Let the cleaner work until it finds nothing more to do. */
void support_clean(struct arena *);

#endif
