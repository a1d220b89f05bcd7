#include <criterion/criterion.h>

#include "shm/handle.h"
#include "shm/hash.h"
#include "shm/ownership.h"
#include "shm/word.h"
#include "support.h"

TestSuite(ownership, .fini = support_fini);

static struct arena *
an_arena(void)
{
	return support_arena(UINT64_C(8) << 20, 1, 64 * 1024);
}

static void
set(struct ownership *own, uint32_t piece)
{
	own->has[piece / 64] |= UINT64_C(1) << piece % 64;
}

Test(ownership, of_nothing_is_what_a_new_arena_has)
{
	struct arena *a = an_arena();
	struct ownership own;

	cr_assert_not(ownership_read(a, &own));
	cr_assert_not(ownership_is_of(a, 0));
	cr_assert_not(ownership_allows(a, 0, support_bytes("b")));
	cr_assert_not(ownership_allows(a, 7, support_bytes("b")));
}

Test(ownership, is_whatever_the_table_in_force_says)
{
	struct ownership none = { 3, 77, OWNERSHIP_SLOTS, { 0 } }, read;
	struct arena *a = an_arena();

	ownership_publish(a, &none);
	cr_assert(ownership_is_of(a, 77));
	cr_assert_not(ownership_is_of(a, 78));
	cr_assert(ownership_allows(a, 77, support_bytes("b")));
	cr_assert(ownership_read(a, &read));
	cr_assert_eq(read.version, 3);
	cr_assert_eq(read.hash, 77);
	cr_assert_eq(read.by, OWNERSHIP_SLOTS);
	cr_assert_eq(memcmp(read.has, none.has, sizeof(read.has)), 0);
}

Test(ownership, of_another_table_goes_by_slots)
{
	struct ownership own = { 3, 77, OWNERSHIP_SLOTS, { 0 } };
	struct arena *a = an_arena();

	set(&own, hash_slot("ours", 4) / 16);
	ownership_publish(a, &own);
	cr_assert(ownership_allows(a, 76, support_bytes("ours")));
	cr_assert_not(ownership_allows(a, 76, support_bytes("theirs")));
	cr_assert_not(ownership_allows(a, 76, support_bytes("")));
}

Test(ownership, of_another_table_goes_by_letters)
{
	struct ownership own = { 3, 77, OWNERSHIP_LETTERS, { 0 } };
	struct arena *a = an_arena();

	set(&own, 'o');
	set(&own, 0xff);
	ownership_publish(a, &own);
	cr_assert(ownership_allows(a, 76, support_bytes("ours")));
	cr_assert(ownership_allows(a, 76, support_bytes("\xff")));
	cr_assert_not(ownership_allows(a, 76, support_bytes("theirs")));
}

/* The master died half way; the next one puts it right. */
Test(ownership, that_is_half_written_allows_nothing)
{
	struct ownership own = { 3, 77, OWNERSHIP_SLOTS, { 0 } }, read;
	struct arena *a = an_arena();

	set(&own, hash_slot("ours", 4) / 16);
	ownership_publish(a, &own);
	word_store(&a->ownership->sequence,
	    word_load(&a->ownership->sequence) + 1);
	cr_assert_not(ownership_read(a, &read));
	cr_assert_not(ownership_is_of(a, 77));
	cr_assert_not(ownership_allows(a, 77, support_bytes("ours")));
	ownership_publish(a, &own);
	cr_assert(ownership_read(a, &read));
	cr_assert(ownership_allows(a, 76, support_bytes("ours")));
}

Test(ownership, counts_strays_for_one_table)
{
	const struct ownership own = { 3, 77, OWNERSHIP_SLOTS, { 0 } };
	const struct ownership_strays some = { 2, 5 };
	struct ownership_strays strays;
	struct arena *a = an_arena();

	ownership_publish(a, &own);
	cr_assert_not(ownership_strays(a, 77, &strays));
	ownership_set_strays(a, 77, &some);
	cr_assert(ownership_strays(a, 77, &strays));
	cr_assert_eq(strays.buckets, 2);
	cr_assert_eq(strays.keys, 5);
	cr_assert_not(ownership_strays(a, 78, &strays));
	ownership_publish(a, &own);
	cr_assert_not(ownership_strays(a, 77, &strays));
}

Test(ownership, is_asked_by_who_has_no_table_and_keeps_a_copy)
{
	struct ownership own = { 3, 77, OWNERSHIP_SLOTS, { 0 } };
	struct bytes ours = support_bytes("ours");
	struct ownership_copy kept = { 0 };
	struct arena *a = an_arena();
	word *sequence = &a->ownership->sequence;

	cr_assert_eq(ownership_ask(a, &kept, ours), OWNERSHIP_UNKNOWN);
	set(&own, hash_slot("ours", 4) / 16);
	ownership_publish(a, &own);
	cr_assert_eq(ownership_ask(a, &kept, ours), OWNERSHIP_OURS);
	cr_assert_eq(ownership_ask(a, &kept, support_bytes("theirs")),
	    OWNERSHIP_OTHERS);
	cr_assert_not(kept.is_all);
	/* It has moved away; and is published just now, or was by who died. */
	memset(own.has, 0, sizeof(own.has));
	ownership_publish(a, &own);
	cr_assert_eq(ownership_ask(a, &kept, ours), OWNERSHIP_OTHERS);
	word_store(sequence, word_peek(sequence) + 1);
	cr_assert_eq(ownership_ask(a, &kept, ours), OWNERSHIP_UNKNOWN);
	memset(own.has, 0xff, sizeof(own.has));
	ownership_publish(a, &own);
	cr_assert_eq(ownership_ask(a, &kept, ours), OWNERSHIP_OURS);
	cr_assert(kept.is_all);
}

Test(ownership, of_all_letters_is_of_all)
{
	struct ownership own = { 3, 77, OWNERSHIP_LETTERS, { 0 } };
	struct ownership_copy kept = { 0 };
	struct arena *a = an_arena();
	uint32_t i;

	for (i = 0; i < 255; i++)
		set(&own, i);
	ownership_publish(a, &own);
	cr_assert_eq(ownership_ask(a, &kept, support_bytes("x")),
	    OWNERSHIP_OURS);
	cr_assert_eq(ownership_ask(a, &kept, support_bytes("\xff")),
	    OWNERSHIP_OTHERS);
	cr_assert_not(kept.is_all);
	set(&own, 255);
	ownership_publish(a, &own);
	cr_assert_eq(ownership_ask(a, &kept, support_bytes("\xff")),
	    OWNERSHIP_OURS);
	cr_assert(kept.is_all);
}
