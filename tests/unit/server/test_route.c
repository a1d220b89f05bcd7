/*
 * The table: who owns what, by whatever rule, and that two nodes agree about
 * it exactly if their configurations mean the same.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/config_value.h"
#include "server/route.h"
#include "shm/hash.h"
#include "tests/unit/server/complaints.h"
#include "tests/unit/server/scratch.h"

#define TWO								      \
	"name n0\n"							      \
	"node n0 { address 127.0.0.1:4040 }\n"				      \
	"node n1 { address 127.0.0.1:4041 }\n"

static struct config config;
static struct route route;

static void
end(void)
{
	config_free(&config);
	scratch_remove();
}

TestSuite(route, .init = scratch_make, .fini = end);

static void
build(const char *content, uint32_t shards)
{
	char why[CONFIG_WHY_MAX];

	config_free(&config);
	load_good(&config, content);
	cr_assert(route_build(&route, &config, shards, why), "%s", why);
}

static uint64_t
hash_of(const char *content)
{
	build(content, 64);
	return route_hash(&route);
}

/* n nodes, called n0, n1, .. */
static const char *
nodes(uint32_t n)
{
	static char text[4096];
	uint32_t i;

	strlcpy(text, "name n0\n", sizeof(text));
	for (i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "node n%u { address 10.0.0.1:%u }\n", i, 4040 + i);
	return text;
}

static uint32_t
owner_of(const char *name)
{
	return route_owner_of_name(&route, name, strlen(name));
}

static void
must_be_why(const char *name, const char *why)
{
	char buf[128];

	route_why(&route, name, strlen(name), buf, sizeof(buf));
	cr_assert_str_eq(buf, why);
}

static bool
owns(uint32_t piece)
{
	struct ownership own;

	route_owned(&route, &own);
	cr_assert_eq(own.version, route_version(&route));
	cr_assert_eq(own.hash, route_hash(&route));
	return (own.has[piece / 64] >> piece % 64 & 1) != 0;
}

static enum ownership_by
owned_by(void)
{
	struct ownership own;

	route_owned(&route, &own);
	return own.by;
}

Test(route, tells_the_arena_which_slots_are_ours)
{
	build("", 64);
	cr_assert_eq(owned_by(), OWNERSHIP_SLOTS);
	cr_assert(owns(0) && owns(1023));
	build(nodes(3), 64);
	cr_assert_eq(owned_by(), OWNERSHIP_SLOTS);
	cr_assert(owns(0) && owns(351));
	cr_assert(!owns(352) && !owns(1023));
	build(TWO "slots 0-1023 n1\nslots 1024-16383 n0\n", 64);
	cr_assert(!owns(0) && !owns(63));
	cr_assert(owns(64) && owns(1023));
}

Test(route, tells_the_arena_which_letters_are_ours)
{
	build(TWO "buckets \"a-m\" n0\nbuckets other n1\n", 64);
	cr_assert_eq(owned_by(), OWNERSHIP_LETTERS);
	cr_assert(owns('a') && owns('m'));
	cr_assert(!owns('n') && !owns(0) && !owns(255) && !owns(1023));
}

Test(route, without_a_list_there_is_only_this_node)
{
	build("name shop\nlisten /run/shop.sock\nlisten :1\n", 64);
	cr_assert(route_is_alone(&route));
	cr_assert_eq(route_count(&route), 1);
	cr_assert_eq(route_self(&route), 0);
	cr_assert_eq(route_owner(&route, 63), 0);
	cr_assert_eq(owner_of("b"), 0);
	cr_assert_str_eq(route_name(&route, 0), "shop");
	cr_assert_str_eq(route_address(&route, 0), "/run/shop.sock");
	cr_assert_null(route_peer(&route, 0));
	must_be_why("b", "the only node");
}

Test(route, a_list_of_one_is_alone_too)
{
	build(nodes(1), 64);
	cr_assert(route_is_alone(&route));
	cr_assert_eq(owner_of("b"), 0);
	cr_assert_str_eq(route_address(&route, 0), "10.0.0.1:4040");
	cr_assert_str_eq(route_peer(&route, 0)->text, "10.0.0.1:14040");
}

Test(route, nodes_are_found_by_name_and_know_which_they_are)
{
	build(TWO "table 7\n", 64);
	cr_assert_not(route_is_alone(&route));
	cr_assert_eq(route_count(&route), 2);
	cr_assert_eq(route_self(&route), 0);
	cr_assert_eq(route_find(&route, "n1"), 1);
	cr_assert_eq(route_find(&route, "n"), ROUTE_NOBODY);
	cr_assert_str_eq(route_name(&route, 1), "n1");
	cr_assert_str_eq(route_address(&route, 1), "127.0.0.1:4041");
	cr_assert_str_eq(route_peer(&route, 1)->host, "127.0.0.1");
	cr_assert_str_eq(route_peer(&route, 1)->port, "14041");
	cr_assert_eq(route_version(&route), 7);
}

/* Every shard has an owner, owners only go up, and no two sizes are far
 * apart. */
static void
must_be_even(uint32_t n, uint32_t shards)
{
	uint32_t size[9] = { 0 }, s, last = 0;

	for (s = 0; s < shards; s++) {
		cr_assert_lt(route_owner(&route, s), n);
		cr_assert_geq(route_owner(&route, s), last);
		last = route_owner(&route, s);
		size[last]++;
	}
	for (s = 0; s < n; s++)
		cr_assert(size[s] == shards / n || size[s] == shards / n + 1,
		    "%u of %u shards for one of %u nodes", size[s], shards, n);
}

Test(route, an_even_deal_gives_runs_whose_sizes_differ_by_one_at_most)
{
	uint32_t n, shards;

	for (n = 1; n <= 9; n++)
		for (shards = 1; shards <= ARENA_SHARDS_MAX; shards *= 2) {
			build(nodes(n), shards);
			must_be_even(n, shards);
		}
}

Test(route, a_bucket_is_where_the_arena_has_its_shard)
{
	char name[32];
	unsigned i;

	build(nodes(3), 64);
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "bucket-%u", i);
		cr_assert_eq(owner_of(name), route_owner(&route,
		    hash_slot(name, strlen(name)) / (HASH_SLOTS / 64)));
	}
}

Test(route, ten_thousand_names_are_spread_within_five_per_cent)
{
	unsigned count[3] = { 0 }, i, j;
	uint64_t random = 1;
	char name[17];

	build(nodes(3), 64);
	for (i = 0; i < 10000; i++) {
		for (j = 0; j < 16; j++) {
			random = random * 6364136223846793005 +
			    1442695040888963407;
			name[j] = (char)('a' + (random >> 33) % 26);
		}
		name[16] = '\0';
		count[owner_of(name)]++;
	}
	for (i = 0; i < 3; i++)
		cr_assert(count[i] * 3 >= 9500 && count[i] * 3 <= 10500,
		    "%u of 10000 on node %u", count[i], i);
}

Test(route, names_with_the_same_part_in_braces_are_on_one_node)
{
	build(nodes(3), 1024);
	cr_assert_eq(owner_of("{shop}.a"), owner_of("b.{shop}"));
	cr_assert_eq(owner_of("{shop}.a"), owner_of("shop"));
}

Test(route, an_even_deal_says_slot_and_shard)
{
	build(TWO, 64);
	/* CRC-16/XMODEM of "123456789" is 0x31c3. */
	must_be_why("123456789", "slot 12739, shard 49 of 64, dealt evenly");
}

Test(route, slots_are_dealt_as_they_are_written)
{
	build(TWO "slots 8192-16383 n0\nslots 0-4095 n0\nslots 4096-8191 n1\n",
	    4);
	cr_assert_eq(route_owner(&route, 0), 0);
	cr_assert_eq(route_owner(&route, 1), 1);
	cr_assert_eq(route_owner(&route, 2), 0);
	cr_assert_eq(route_owner(&route, 3), 0);
	cr_assert_eq(owner_of("123456789"), 0);
	must_be_why("123456789", "slots 8192-16383");
}

Test(route, an_arena_with_too_few_shards_for_the_slots_is_refused)
{
	char why[CONFIG_WHY_MAX];

	build(TWO "slots 0-1039 n0\nslots 1040-16383 n1\n", 1024);
	cr_assert_eq(route_owner(&route, 64), 0);
	cr_assert_eq(route_owner(&route, 65), 1);
	cr_assert_not(route_build(&route, &config, 512, why));
	cr_assert_str_eq(why, "the slots of the nodes have borders inside of "
	    "the 512 shards of the data; they take \"shards 1024\" and a cold "
	    "start, or other borders");
}

Test(route, an_instance_that_is_not_in_the_list_is_refused)
{
	char why[CONFIG_WHY_MAX];

	build(TWO, 64);
	strlcpy(config.name, "xx", 3);
	cr_assert_not(route_build(&route, &config, 64, why));
	cr_assert_str_eq(why, "no node has the name of this instance, \"xx\"");
}

Test(route, first_letters_decide_whatever_the_slot)
{
	build(TWO "buckets other n1\nbuckets a-mA-M_ n0\nbuckets 0-9 n1\n", 1);
	cr_assert_eq(owner_of("apple"), 0);
	cr_assert_eq(owner_of("mango"), 0);
	cr_assert_eq(owner_of("nut"), 1);
	cr_assert_eq(owner_of("Apple"), 0);
	cr_assert_eq(owner_of("_"), 0);
	cr_assert_eq(owner_of("{apple}"), 1);
	cr_assert_eq(owner_of("\xc3\xa9"), 1);
	cr_assert_eq(route_owner_of_name(&route, "\0a", 2), 1);
	cr_assert_eq(route_owner(&route, 0), ROUTE_NOBODY);
	must_be_why("banana", "buckets a-m");
	must_be_why("_", "buckets _");
	must_be_why("7", "buckets other");
	must_be_why("\xc3\xa9", "buckets other");
}

Test(route, tables_that_mean_the_same_have_the_same_hash)
{
	uint64_t even = hash_of(TWO), slots = hash_of(TWO
	    "slots 0-8191 n0\nslots 8192-16383 n1\n");
	uint64_t letters = hash_of(TWO "buckets a-z n0\nbuckets other n1\n");

	cr_assert_eq(even, hash_of("route even; table 1 # as by default\n"
	    "node \"n0\" {\n\n  peer 127.0.0.1:14040\n  address 4040\n}\n"
	    "p = 4041\nnode n1 { address 127.0.0.1:$p; }\nname n1\n"
	    "listen :1\nworkers 2\nlog { level debug }\n"));
	cr_assert_eq(slots, hash_of(TWO "slots 8192-16383 n1\n"
	    "slots 4096-8191 n0\nslots 0-4095 n0\n"));
	cr_assert_eq(letters, hash_of(TWO "buckets other n1\n"
	    "buckets n-z n0\nbuckets A-Z n1\nbuckets mlkjihgfedcba n0\n"));
}

Test(route, tells_the_shard_of_a_name_only_if_it_decides)
{
	uint32_t shard = 99;

	build(TWO, 64);
	cr_assert_eq(route_find_owner(&route, "foo", 3, &shard), 1);
	cr_assert_eq(shard, hash_slot("foo", 3) / (HASH_SLOTS / 64));
	build(TWO "buckets a-m n0\nbuckets other n1\n", 64);
	shard = 99;
	cr_assert_eq(route_find_owner(&route, "foo", 3, &shard), 0);
	cr_assert_eq(shard, 99);
}

Test(route, any_change_of_a_table_changes_the_hash)
{
	static const char *const tables[] = {
		"name n0\n",
		"name n0\ntable 2\n",
		TWO, TWO "table 2\n",
		TWO "node n2 { address 127.0.0.1:4042 }\n",
		"name n0\nnode n1 { address 127.0.0.1:4041 }\n"
		"node n0 { address 127.0.0.1:4040 }\n",
		"name n0\nnode n0 { address 127.0.0.1:4040 }\n"
		"node m { address 127.0.0.1:4041 }\n",
		"name n0\nnode n0 { address 127.0.0.1:4040 }\n"
		"node n1 { address 127.0.0.2:4041 }\n",
		"name n0\nnode n0 { address 127.0.0.1:4040 }\n"
		"node n1 { address 127.0.0.1:4041; peer 127.0.0.1:4042 }\n",
		TWO "slots 0-8191 n0\nslots 8192-16383 n1\n",
		TWO "slots 0-8191 n1\nslots 8192-16383 n0\n",
		TWO "slots 0-4095 n0\nslots 4096-16383 n1\n",
		TWO "slots 0-16383 n0\n",
		TWO "buckets a-m n0\nbuckets other n1\n",
		TWO "buckets a-m n1\nbuckets other n0\n",
		TWO "buckets a-l n0\nbuckets other n1\n",
		TWO "buckets other n0\n"
	};
	uint64_t hash[sizeof(tables) / sizeof(tables[0])];
	size_t i, j;

	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		hash[i] = hash_of(tables[i]);
		for (j = 0; j < i; j++)
			cr_assert_neq(hash[i], hash[j], "%s is %s", tables[i],
			    tables[j]);
	}
	build(TWO, 128);
	cr_assert_neq(route_hash(&route), hash[2], "with more shards");
}
