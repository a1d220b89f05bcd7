/*
 * Which table is in force: workers that look while the record of it is
 * written serve nothing, so it is written when it changes and not else.
 */

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "server/route_publish.h"
#include "shm/handle.h"
#include "shm/ownership.h"
#include "shm/word.h"
#include "tests/unit/server/complaints.h"
#include "tests/unit/server/scratch.h"

#define TABLE(version, letters)						      \
	"name n0\n"							      \
	"node n0 { address 127.0.0.1:4040 }\n"				      \
	"node n1 { address 127.0.0.1:4041 }\n"				      \
	"table " version "\n"						      \
	"buckets \"" letters "\" n0\n"					      \
	"buckets other n1\n"

static struct config config;
static struct arena *arena;

static void
begin(void)
{
	char name[64];
	const struct arena_params params = {
		.name = name, .memory_bytes = UINT64_C(8) << 20, .shards = 1,
		.segment_bytes = 64 * 1024
	};

	scratch_make();
	snprintf(name, sizeof(name), "test.route_publish.%d", (int)getpid());
	cr_assert_eq(arena_create(&arena, &params), ARENA_OK);
	arena_unlink(name);
}

static void
end(void)
{
	arena_close(arena);
	config_free(&config);
	scratch_remove();
}

TestSuite(route_publish, .init = begin, .fini = end);

/* Returns how often the record was written; each time it moves on by two. */
static uint64_t
publish(const char *content)
{
	config_free(&config);
	load_good(&config, content);
	route_publish(arena, &config);
	return word_load(&arena->ownership->sequence) / 2;
}

static uint64_t
hash_in_force(void)
{
	struct ownership own;

	cr_assert(ownership_read(arena, &own));
	return own.hash;
}

Test(route_publish, table_is_put_in_force_when_it_is_another_one)
{
	uint64_t times = publish(TABLE("1", "a-h")), hash = hash_in_force();

	cr_assert_eq(publish(TABLE("2", "a-h")), times + 1);
	cr_assert_eq(publish(TABLE("2", "a-m")), times + 2);
	cr_assert_neq(hash_in_force(), hash);
	cr_assert_eq(publish(TABLE("1", "a-h")), times + 3);
	cr_assert_eq(hash_in_force(), hash);
}

Test(route_publish, of_the_table_in_force_counts_its_strays_anew)
{
	const struct ownership_strays some = { 2, 3 };
	uint64_t times = publish(TABLE("1", "a-h"));
	struct ownership_strays found;

	ownership_set_strays(arena, hash_in_force(), &some);
	cr_assert(ownership_strays(arena, hash_in_force(), &found));
	cr_assert_eq(publish(TABLE("1", "a-h")), times);
	cr_assert_not(ownership_strays(arena, hash_in_force(), &found));
}
