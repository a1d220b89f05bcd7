/*
 * How the arenas that are damaged are made.  Segments of 16 KiB, so that a
 * megabyte holds many of them and is copied in no time.
 *
 * A wild offset leads far: on both sides of the mapping lie gigabytes that
 * are reserved and not accessible, so that whoever follows one outside is
 * caught, instead of reading some other mapping.
 */

#include "specimen.h"

#include <sys/mman.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "damage.h"
#include "must.h"
#include "shm/bucket.h"
#include "shm/clean.h"
#include "shm/pair.h"
#include "shm/segment.h"
#include "shm/word.h"

#define MEMORY		(UINT64_C(1) << 20)
#define SEGMENT_BYTES	(16U * 1024)
#define SHARDS		2
#define GUARD		(UINT64_C(16) << 30)

static struct specimen specimens[SPECIMEN_SHAPES];

struct bytes
specimen_bucket(unsigned i)
{
	static const char *const names[SPECIMEN_BUCKETS] = {
		"b0", "b1", "b2", "b3"
	};

	return (struct bytes){ names[i % SPECIMEN_BUCKETS], 2 };
}

struct bytes
specimen_key(unsigned i)
{
	static char key[16];

	return (struct bytes){
		key, (size_t)snprintf(key, sizeof(key), "key %u", i)
	};
}

static enum shm_status
put(struct arena *a, unsigned bucket, unsigned key, size_t len,
    uint64_t expires_ms)
{
	static const uint8_t value[8192];
	struct pair p = { specimen_key(key), { value, len }, expires_ms };

	return pair_put(a, specimen_bucket(bucket), &p, NULL);
}

static void
clean(struct arena *a)
{
	struct clean_state state = { .shard = 0 };
	struct clean_work work = { .segments_freed = 0 };
	unsigned i;

	for (i = 0; i < 10000 && clean_step(a, &state, &work, 1); i++)
		;
	must(i < 10000);
}

/* All that a process may find in the log and in the small. */
static void
fill_mixed(struct arena *a)
{
	unsigned i;

	for (i = 0; i < 800; i++)	/* all but a tenth are overwritten */
		must(put(a, i % 3, i % 10 == 0 ? i / 10 : 90 + i % 10,
		    i % 100, 0) == SHM_OK);
	for (i = 0; i < 90; i += 7)
		(void)pair_delete(a, specimen_bucket(i % 3), specimen_key(i));
	clean(a);
	for (i = 100; i < 140; i++)
		must(put(a, i % 3, i, 40, i % 2 == 0 ? 1 : UINT64_MAX) ==
		    SHM_OK);
	for (i = 0; i < 60; i++)
		must(put(a, 3, i, 30, 0) == SHM_OK);
	must(bucket_drop(a, specimen_bucket(3)) == SHM_OK);
}

static void
fill_large(struct arena *a)
{
	unsigned i;

	for (i = 0; i < SPECIMEN_KEYS; i++)
		must(put(a, 0, i, i % 100 == 0 ? 8000 : 8, 0) == SHM_OK);
	must(put(a, 1, 0, 8, 0) == SHM_OK);
}

static void
fill_up(struct arena *a)
{
	unsigned i;

	for (i = 0; put(a, i % 2, i % SPECIMEN_KEYS, 2000, 0) == SHM_OK; i++)
		must(i < 100000);
}

static void (*const fill[SPECIMEN_SHAPES])(struct arena *) = {
	[SPECIMEN_MIXED] = fill_mixed,
	[SPECIMEN_LARGE] = fill_large,
	[SPECIMEN_FULL] = fill_up
};

/* What is random in an arena is not to be so in these. */
static void
make_same(struct arena *a)
{
	struct superblock *sb = (struct superblock *)a->base;

	a->hash_seed[0] = UINT64_C(0x0706050403020100);
	a->hash_seed[1] = UINT64_C(0x0f0e0d0c0b0a0908);
	memcpy(sb->hash_seed, a->hash_seed, sizeof(sb->hash_seed));
	memset(sb->uuid, 0, sizeof(sb->uuid));
}

void *
specimen_reserve(void)
{
	uint8_t *reserved = mmap(NULL, 2 * GUARD, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	must(reserved != MAP_FAILED);
	return reserved + GUARD;
}

void
specimen_move(struct arena *a, void *to)
{
	uint8_t *old = a->base;

	a->base = mremap(old, a->size_bytes, a->size_bytes,
	    MREMAP_MAYMOVE | MREMAP_FIXED, to);
	must(a->base == to);
	a->pool = arena_at(a, (arena_off)((uint8_t *)a->pool - old));
	a->cleaning = arena_at(a, (arena_off)((uint8_t *)a->cleaning - old));
	a->board = arena_at(a, (arena_off)((uint8_t *)a->board - old));
	a->shards = arena_at(a, (arena_off)((uint8_t *)a->shards - old));
	a->table = arena_at(a, (arena_off)((uint8_t *)a->table - old));
}

static void
make(struct specimen *s, enum specimen_shape shape)
{
	char name[64];
	struct arena_params p = {
		.name = name, .memory_bytes = MEMORY, .shards = SHARDS,
		.segment_bytes = SEGMENT_BYTES
	};
	unsigned i;

	snprintf(name, sizeof(name), "test.fuzz.%d", (int)getpid());
	must(arena_create(&s->a, &p) == ARENA_OK);
	must(arena_unlink(name) == 0);
	make_same(s->a);
	specimen_move(s->a, specimen_reserve());
	for (i = 0; i < SPECIMEN_BUCKETS; i++)
		must(bucket_create(s->a, specimen_bucket(i)) == SHM_OK);
	fill[shape](s->a);
	s->image = malloc(s->a->size_bytes);
	must(s->image != NULL);
	memcpy(s->image, s->a->base, s->a->size_bytes);
	s->map = damage_map(s->a);
}

struct specimen *
specimen_get(enum specimen_shape shape)
{
	struct specimen *s = &specimens[shape];

	if (s->a == NULL)
		make(s, shape);
	return s;
}

void
specimen_restore(struct specimen *s)
{
	memcpy(s->a->base, s->image, s->a->size_bytes);
}
