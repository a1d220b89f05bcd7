/* Names of buckets by their numbers. */

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "server/shard_names.h"

#define MANY	100000U

TestSuite(shard_names);

static struct shard_names t;

static bool
note(uint64_t id, uint64_t created, const char *name)
{
	return shard_names_note(&t, id, created,
	    (struct bytes){ name, strlen(name) });
}

static bool
is_named(uint64_t id, const char *name)
{
	const struct shard_name *n = shard_names_find(&t, id);

	return n != NULL && n->len == strlen(name) &&
	    memcmp(n->bytes, name, n->len) == 0;
}

Test(shard_names, are_found_by_number)
{
	cr_assert_null(shard_names_find(&t, 64));
	cr_assert(note(64, 1, "one") && note(128, 2, "two") &&
	    note(192, 3, ""));
	cr_assert(is_named(64, "one") && is_named(128, "two") &&
	    is_named(192, ""));
	cr_assert_eq(shard_names_find(&t, 128)->created, 2);
	cr_assert_null(shard_names_find(&t, 256));
	shard_names_forget_all(&t);
	cr_assert_null(shard_names_find(&t, 64));
}

Test(shard_names, take_the_place_of_older_ones)
{
	cr_assert(note(64, 1, "one") && note(64, 5, "another"));
	cr_assert(is_named(64, "another"));
	cr_assert_eq(t.n, 1);
	shard_names_forget(&t, 64);
	cr_assert_null(shard_names_find(&t, 64));
	shard_names_forget(&t, 64);
	cr_assert_eq(t.n, 0);
	shard_names_forget_all(&t);
}

Test(shard_names, may_be_many_that_come_and_go)
{
	char name[16];
	unsigned i;

	for (i = 1; i <= MANY; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		cr_assert(note(UINT64_C(64) * i, i, name));
		if (i % 3 == 0)
			shard_names_forget(&t, UINT64_C(64) * (i - 1));
	}
	for (i = 1; i <= MANY; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		cr_assert_eq(is_named(UINT64_C(64) * i, name), i % 3 != 2,
		    "%u", i);
	}
	cr_assert_leq(t.n, t.n_chains);
	shard_names_forget_all(&t);
}
