#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/bucket.h"
#include "shm/clock.h"
#include "shm/pair.h"
#include "support.h"

#define MB	(UINT64_C(1) << 20)

TestSuite(pair, .fini = support_fini);
TestSuite(bucket, .fini = support_fini);

static struct arena *a;
static const struct bytes shopping = { "shopping", 8 };

static void
set_up(void)
{
	a = support_arena(16 * MB, 2, 256 * 1024);
	cr_assert_eq(bucket_create(a, shopping), SHM_OK);
}

static enum shm_status
put(const char *key, const char *value)
{
	struct pair p = { support_bytes(key), support_bytes(value), 0 };

	return pair_put(a, shopping, &p, NULL);
}

static void
expect(const char *key, const char *value)
{
	char buf[64];
	size_t len;

	cr_assert_eq(pair_get(a, shopping, support_bytes(key), buf,
	    sizeof(buf), &len, NULL), value == NULL ? SHM_NO_KEY : SHM_OK);
	if (value != NULL) {
		cr_assert_eq(len, strlen(value));
		cr_assert_eq(memcmp(buf, value, len), 0);
	}
}

Test(pair, is_got_as_it_was_put)
{
	set_up();
	expect("milk", NULL);
	cr_assert_eq(put("milk", "1"), SHM_OK);
	expect("milk", "1");
	cr_assert_eq(put("milk", "22"), SHM_OK);
	expect("milk", "22");
	cr_assert_eq(put("milk", ""), SHM_OK);
	expect("milk", "");
	cr_assert_eq(put("", "empty key"), SHM_OK);
	expect("", "empty key");
	support_audit(a);
}

Test(pair, is_gone_when_deleted)
{
	set_up();
	cr_assert_eq(pair_delete(a, shopping, support_bytes("milk")),
	    SHM_NO_KEY);
	put("milk", "1");
	cr_assert_eq(pair_delete(a, shopping, support_bytes("milk")), SHM_OK);
	expect("milk", NULL);
	cr_assert_eq(pair_delete(a, shopping, support_bytes("milk")),
	    SHM_NO_KEY);
	support_audit(a);
}

Test(pair, has_a_revision_that_only_grows)
{
	struct pair p = { support_bytes("k"), support_bytes("v"), 0 };
	uint64_t first, second, read;
	char buf[8];
	size_t len;

	set_up();
	cr_assert_eq(pair_put(a, shopping, &p, &first), SHM_OK);
	cr_assert_eq(pair_put(a, shopping, &p, &second), SHM_OK);
	cr_assert_gt(second, first);
	cr_assert_eq(pair_get(a, shopping, p.key, buf, sizeof(buf), &len,
	    &read), SHM_OK);
	cr_assert_eq(read, second);
}

Test(pair, in_a_missing_bucket_is_refused)
{
	struct pair p = { support_bytes("k"), support_bytes("v"), 0 };
	struct bytes nowhere = support_bytes("nowhere");
	char buf[8];
	size_t len;

	set_up();
	cr_assert_eq(pair_put(a, nowhere, &p, NULL), SHM_NO_BUCKET);
	cr_assert_eq(pair_put_many(a, nowhere, &p, 1), SHM_NO_BUCKET);
	cr_assert_eq(pair_delete(a, nowhere, p.key), SHM_NO_BUCKET);
	cr_assert_eq(pair_get(a, nowhere, p.key, buf, sizeof(buf), &len,
	    NULL), SHM_NO_BUCKET);
}

Test(pair, over_its_limits_is_refused_and_changes_nothing)
{
	static char big[512 * 1024];
	struct pair p = { { big, PAIR_KEY_MAX + 1 }, { big, 1 }, 0 };
	struct bytes long_name = { big, BUCKET_NAME_MAX + 1 };
	struct bytes none = { big, 0 };

	set_up();
	memset(big, 'x', sizeof(big));
	cr_assert_eq(pair_put(a, shopping, &p, NULL), SHM_KEY_SIZE);
	p.key.len = 1;
	p.value.len = arena_value_max(a) + 1;
	cr_assert_eq(pair_put(a, shopping, &p, NULL), SHM_VALUE_SIZE);
	cr_assert_eq(pair_put_many(a, shopping, &p, 1), SHM_VALUE_SIZE);
	cr_assert_eq(pair_put(a, long_name, &p, NULL), SHM_BUCKET_NAME_SIZE);
	cr_assert_eq(pair_put(a, none, &p, NULL), SHM_BUCKET_NAME_SIZE);
	cr_assert_eq(bucket_create(a, long_name), SHM_BUCKET_NAME_SIZE);
	cr_assert_eq(bucket_create(a, none), SHM_BUCKET_NAME_SIZE);
	cr_assert_eq(bucket_drop(a, long_name), SHM_BUCKET_NAME_SIZE);
	p.value.len = arena_value_max(a);
	cr_assert_eq(pair_put(a, shopping, &p, NULL), SHM_OK);
	support_audit(a);
}

Test(pair, longer_than_the_buffer_says_how_long)
{
	char buf[4];
	size_t len = 0;

	set_up();
	put("k", "longer");
	cr_assert_eq(pair_get(a, shopping, support_bytes("k"), buf,
	    sizeof(buf), &len, NULL), SHM_NO_ROOM);
	cr_assert_eq(len, 6);
}

Test(pair, past_its_time_is_not_there)
{
	struct pair p = { support_bytes("k"), support_bytes("v"), 0 };

	set_up();
	p.expires_ms = clock_wall_ms() + 3600 * 1000;
	cr_assert_eq(pair_put(a, shopping, &p, NULL), SHM_OK);
	expect("k", "v");
	p.expires_ms = 1;
	cr_assert_eq(pair_put(a, shopping, &p, NULL), SHM_OK);
	expect("k", NULL);
	cr_assert_eq(pair_delete(a, shopping, p.key), SHM_NO_KEY);
	support_audit(a);
}

Test(pair, that_is_set_tells_whether_it_is_new)
{
	struct pair p = { support_bytes("milk"), support_bytes("1"), 0 };
	struct pair_set set = { .replace = true };
	uint32_t shard;

	set_up();
	shard = arena_shard_of(a, shopping);
	cr_assert_eq(pair_set(a, shard, shopping, &p, &set), SHM_NO_KEY);
	expect("milk", NULL);
	set.replace = false;
	cr_assert_eq(pair_set(a, shard, shopping, &p, &set), SHM_OK);
	cr_assert(set.is_new);
	expect("milk", "1");
	p.value = support_bytes("2");
	set.replace = true;
	cr_assert_eq(pair_set(a, shard, shopping, &p, &set), SHM_OK);
	cr_assert_not(set.is_new);
	expect("milk", "2");
	p.expires_ms = clock_wall_ms() - 1;
	cr_assert_eq(pair_set(a, shard, shopping, &p, &set), SHM_OK);
	expect("milk", NULL);
	p.expires_ms = 0;
	cr_assert_eq(pair_set(a, shard, shopping, &p, &set), SHM_NO_KEY);
	set.replace = false;
	cr_assert_eq(pair_set(a, shard, shopping, &p, &set), SHM_OK);
	cr_assert(set.is_new);
	support_audit(a);
}

Test(pair, that_is_set_has_a_bucket_and_a_size)
{
	char *large = calloc(1, PAIR_KEY_MAX + 1);
	struct pair p = { { large, PAIR_KEY_MAX + 1 }, { "", 0 }, 0 };
	const struct bytes nameless = { NULL, 0 };
	struct pair_set set = { .replace = false };

	set_up();
	cr_assert_eq(pair_set(a, 0, shopping, &p, &set), SHM_KEY_SIZE);
	p.key.len = 1;
	cr_assert_eq(pair_set(a, 0, nameless, &p, &set), SHM_NO_BUCKET);
	cr_assert_eq(pair_set(a, 0, support_bytes("nosuch"), &p, &set),
	    SHM_NO_BUCKET);
	free(large);
}

Test(pair, of_a_batch_is_put_with_all_others)
{
	struct pair p[] = {
		{ support_bytes("a"), support_bytes("1"), 0 },
		{ support_bytes("b"), support_bytes("2"), 0 },
		{ support_bytes("a"), support_bytes("3"), 0 }
	};

	set_up();
	cr_assert_eq(pair_put_many(a, shopping, p, 3), SHM_OK);
	expect("a", "3");
	expect("b", "2");
	cr_assert_eq(pair_put_many(a, shopping, p, 0), SHM_OK);
	support_audit(a);
}

Test(pair, of_a_batch_larger_than_a_segment_is_refused_with_all_others)
{
	static char big[100 * 1024];
	struct pair p[3];
	unsigned i;

	set_up();
	for (i = 0; i < 3; i++)
		p[i] = (struct pair){ { &"abc"[i], 1 },
		    { big, sizeof(big) }, 0 };
	cr_assert_eq(pair_put_many(a, shopping, p, 3), SHM_BATCH_SIZE);
	expect("a", NULL);
	support_audit(a);
}

Test(pair, of_a_large_batch_grows_the_index_in_advance)
{
	enum { N = 5000 };
	static struct pair p[N];
	static char keys[N][8];
	struct bucket_stat st;
	unsigned i;

	set_up();
	for (i = 0; i < N; i++) {
		snprintf(keys[i], sizeof(keys[i]), "k%u", i);
		p[i] = (struct pair){ support_bytes(keys[i]),
		    support_bytes(keys[i]), 0 };
	}
	cr_assert_eq(pair_put_many(a, shopping, p, N), SHM_OK);
	for (i = 0; i < N; i++)
		expect(keys[i], keys[i]);
	cr_assert_eq(bucket_stat(a, shopping, &st), SHM_OK);
	cr_assert_eq(st.keys, N);
	support_audit(a);
}

Test(bucket, is_made_once_and_dropped_with_its_pairs)
{
	struct bucket_stat st;

	set_up();
	put("milk", "1");
	cr_assert_eq(bucket_create(a, shopping), SHM_OK);
	expect("milk", "1");
	cr_assert_eq(bucket_stat(a, shopping, &st), SHM_OK);
	cr_assert_eq(st.keys, 1);
	cr_assert_eq(st.bytes, 5);
	cr_assert_eq(bucket_drop(a, shopping), SHM_OK);
	cr_assert_eq(bucket_drop(a, shopping), SHM_NO_BUCKET);
	cr_assert_eq(bucket_stat(a, shopping, &st), SHM_NO_BUCKET);
	cr_assert_eq(bucket_create(a, shopping), SHM_OK);
	expect("milk", NULL);
	support_audit(a);
}

Test(bucket, leaves_no_segment_when_the_last_of_a_shard_is_dropped)
{
	struct arena_usage u;
	char key[16];
	unsigned i;

	set_up();
	for (i = 0; i < 20000; i++) {
		snprintf(key, sizeof(key), "key%u", i);
		cr_assert_eq(put(key, "some value"), SHM_OK);
	}
	support_audit(a);
	cr_assert_eq(bucket_drop(a, shopping), SHM_OK);
	support_audit(a);
	support_clean(a);
	support_audit(a);
	arena_usage(a, &u);
	cr_assert_eq(u.segments_log + u.segments_index, 0);
	cr_assert_eq(bucket_create(a, shopping), SHM_OK);
	expect("key1", NULL);
	support_audit(a);
}

Test(bucket, names_of_any_bytes_are_told_apart)
{
	struct bytes names[] = {
		{ "a", 1 }, { "a\0", 2 }, { "a\0b", 3 }, { "\xff", 1 }
	};
	struct pair p = { support_bytes("k"), { NULL, 0 }, 0 };
	char buf[8];
	size_t len, i;

	set_up();
	for (i = 0; i < 4; i++) {
		p.value = names[i];
		cr_assert_eq(bucket_create(a, names[i]), SHM_OK);
		cr_assert_eq(pair_put(a, names[i], &p, NULL), SHM_OK);
	}
	for (i = 0; i < 4; i++) {
		cr_assert_eq(pair_get(a, names[i], p.key, buf, sizeof(buf),
		    &len, NULL), SHM_OK);
		cr_assert_eq(len, names[i].len);
	}
	support_audit(a);
}
