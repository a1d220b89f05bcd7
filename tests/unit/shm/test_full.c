/* What a full arena still does. */

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "shm/bucket.h"
#include "shm/pair.h"
#include "support.h"

TestSuite(full, .fini = support_fini, .timeout = 120);

static struct arena *a;
static const char *const buckets[] = { "one", "two", "three", "four" };

static enum shm_status
put(unsigned b, unsigned i)
{
	char key[16];
	struct pair p = { { key, 0 }, support_bytes(
	    "forty bytes of a value that fills memory"), 0 };

	p.key.len = (size_t)snprintf(key, sizeof(key), "k%u", i);
	return pair_put(a, support_bytes(buckets[b]), &p, NULL);
}

static enum shm_status
take_out(unsigned b, unsigned i)
{
	char key[16];
	struct bytes k = { key, 0 };

	k.len = (size_t)snprintf(key, sizeof(key), "k%u", i);
	return pair_delete(a, support_bytes(buckets[b]), k);
}

/* Returns how many keys each bucket took. */
static unsigned
fill(void)
{
	enum shm_status s = SHM_OK;
	unsigned i, b;

	a = support_arena(UINT64_C(6) << 20, 4, 64 * 1024);
	for (b = 0; b < 4; b++)
		cr_assert_eq(bucket_create(a, support_bytes(buckets[b])),
		    SHM_OK);
	for (i = 0; s == SHM_OK; i++)
		for (b = 0; b < 4 && s == SHM_OK; b++)
			s = put(b, i);
	cr_assert_eq(s, SHM_FULL);
	return i - 1;
}

Test(full, arena_refuses_puts_and_new_buckets_and_goes_on_reading)
{
	unsigned n = fill(), i;
	char buf[64];
	size_t len;

	cr_assert_gt(n, 1000);
	for (i = 0; i < 2000; i++) {
		enum shm_status s = put(i % 4, 1000000 + i);

		cr_assert(s == SHM_FULL || s == SHM_OK);
	}
	cr_assert_eq(pair_get(a, support_bytes("one"), support_bytes("k0"),
	    buf, sizeof(buf), &len, NULL), SHM_OK);
	cr_assert_eq(len, 40);
	support_audit(a);
}

Test(full, arena_takes_every_delete_and_then_puts_again)
{
	unsigned n = fill(), i, b;

	/* Every shard in turn, so that each needs room for tombstones. */
	for (i = 0; i < n; i++)
		for (b = 0; b < 4; b++)
			cr_assert_eq(take_out(b, i), SHM_OK, "key %u", i);
	support_audit(a);
	for (i = 0; i < n / 2; i++)
		for (b = 0; b < 4; b++)
			cr_assert_eq(put(b, i), SHM_OK, "key %u", i);
	support_audit(a);
}

Test(full, arena_takes_a_drop_and_then_puts_again)
{
	unsigned n = fill(), i;

	cr_assert_eq(bucket_drop(a, support_bytes("two")), SHM_OK);
	for (i = 0; i < n / 2; i++)
		cr_assert_eq(put(0, 1000000 + i), SHM_OK, "key %u", i);
	support_audit(a);
}

Test(full, arena_takes_overwrites_for_ever_while_the_garbage_is_collected)
{
	unsigned n, i, b, round;

	n = fill() * 3 / 4;
	for (b = 0; b < 4; b++)
		for (i = n; take_out(b, i) == SHM_OK; i++)
			;
	for (round = 0; round < 10; round++)
		for (i = 0; i < n; i++)
			for (b = 0; b < 4; b++)
				cr_assert_eq(put(b, i), SHM_OK,
				    "round %u, key %u", round, i);
	support_audit(a);
}

/*
 * A shard without buckets needs two segments at once for its first one; what
 * it gives back for want of the second is no room that was made.
 */
Test(full, arena_of_garbage_takes_a_bucket_in_an_empty_shard)
{
	char busy[16], lonely[16], key[16];
	struct pair p = { { key, 0 }, support_bytes(
	    "forty bytes of a value that fills memory"), 0 };
	struct bytes busy_name, lonely_name;
	unsigned i;

	a = support_arena(UINT64_C(2) << 20, 4, 64 * 1024);
	busy_name = support_name_in(a, 0, busy);
	lonely_name = support_name_in(a, 1, lonely);
	cr_assert_eq(bucket_create(a, busy_name), SHM_OK);
	for (i = 0; i < 200000; i++) {
		p.key.len = (size_t)snprintf(key, sizeof(key), "k%u",
		    i % 100);
		cr_assert_eq(pair_put(a, busy_name, &p, NULL), SHM_OK);
		if (i % 10 != 0)
			continue;
		cr_assert_eq(bucket_create(a, lonely_name), SHM_OK,
		    "after %u puts", i);
		cr_assert_eq(bucket_drop(a, lonely_name), SHM_OK);
	}
	support_audit(a);
}
