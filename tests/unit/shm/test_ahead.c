/*
 * Pairs that are looked for ahead, and read when much has happened in between.
 * Two handles of one arena stand for two processes.
 */

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shm/ahead.h"
#include "shm/bucket.h"
#include "shm/clean.h"
#include "shm/pair.h"
#include "shm/txn.h"
#include "support.h"

#define KEYS		20000	/* enough for a bucket that is looked into */
#define OTHERS		2000	/* names, more than are remembered */
#define STEPS		40000
#define AT_ONCE		8

TestSuite(ahead, .fini = support_fini, .timeout = 120);

static const struct bytes bucket = { "b", 1 };
static struct arena *a, *other;

static void
open_both(void)
{
	enum arena_error error;

	a = support_named_arena(UINT64_C(3) << 20, 4, 64 * 1024);
	error = arena_attach(&other, support_arena_name(), geteuid());
	cr_assert_eq(error, ARENA_OK, "%s", arena_strerror(error));
	arena_remember_names(a);
	cr_assert_eq(bucket_create(a, bucket), SHM_OK);
}

static void
put(const char *key, const char *value)
{
	struct pair p = { support_bytes(key), support_bytes(value), 0 };

	cr_assert_eq(pair_put(other, bucket, &p, NULL), SHM_OK);
}

static void
look_for(struct bytes key, struct ahead *ahead)
{
	ahead_line(a, arena_shard_of(a, bucket), bucket, key, ahead);
	(void)ahead_record(a, ahead);
}

static enum shm_status
look(const struct ahead *ahead, char value[16])
{
	struct pair_facts facts;
	enum shm_status status;

	status = pair_look_ahead(a, ahead, value, 15, &facts);
	value[status == SHM_OK ? facts.len : 0] = '\0';
	return status;
}

static void
expect(const struct ahead *ahead, const char *wanted)
{
	char value[16];

	cr_assert_eq(look(ahead, value), SHM_OK);
	cr_assert_str_eq(value, wanted);
}

Test(ahead, finds_what_is_there_when_it_is_read, .init = open_both)
{
	struct ahead unknown, known;
	char value[16];

	look_for(support_bytes("k"), &unknown);
	cr_assert_eq(look(&unknown, value), SHM_NO_KEY);
	look_for(support_bytes("k"), &known);
	put("k", "1");
	expect(&unknown, "1");
	expect(&known, "1");
	put("k", "2");
	expect(&unknown, "2");
	expect(&known, "2");
	cr_assert_eq(pair_delete(other, bucket, support_bytes("k")), SHM_OK);
	cr_assert_eq(look(&known, value), SHM_NO_KEY);
	arena_close(other);
}

Test(ahead, finds_no_bucket_that_was_dropped_meanwhile, .init = open_both)
{
	struct ahead ahead;
	char value[16];

	put("k", "1");
	look_for(support_bytes("k"), &ahead);
	expect(&ahead, "1");
	look_for(support_bytes("k"), &ahead);
	cr_assert_eq(bucket_drop(other, bucket), SHM_OK);
	cr_assert_eq(look(&ahead, value), SHM_NO_BUCKET);
	cr_assert_eq(bucket_create(other, bucket), SHM_OK);
	cr_assert_eq(look(&ahead, value), SHM_NO_KEY);
	put("k", "2");
	expect(&ahead, "2");
	arena_close(other);
}

/* The place where a name is remembered goes to another one. */
Test(ahead, keeps_its_bucket_while_other_names_are_asked_for,
    .init = open_both)
{
	struct ahead ahead;
	char name[16];
	unsigned i;

	put("k", "1");
	look_for(support_bytes("k"), &ahead);
	expect(&ahead, "1");
	look_for(support_bytes("k"), &ahead);
	for (i = 0; i < OTHERS; i++) {
		snprintf(name, sizeof(name), "%u", i);
		cr_assert_eq(bucket_create(a, support_bytes(name)), SHM_OK);
		cr_assert_eq(pair_delete(a, support_bytes(name),
		    support_bytes("k")), SHM_NO_KEY);
	}
	expect(&ahead, "1");
	arena_close(other);
}

static uint64_t rng = 1;

static unsigned
pick(unsigned n)
{
	return (unsigned)(support_random(&rng) >> 33) % n;
}

static const char *
key_of(unsigned i)
{
	static char text[16];

	snprintf(text, sizeof(text), "%u", i);
	return text;
}

static void
set(unsigned values[KEYS], unsigned key, unsigned value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	put(key_of(key), text);
	values[key] = value;
}

/* Records are moved, and lines split, between looking ahead and reading. */
Test(ahead, is_right_while_all_is_changed_and_cleaned, .init = open_both)
{
	static unsigned values[KEYS];
	struct clean_state state = { 0 };
	struct clean_work work = { 0 };
	struct ahead ahead[AT_ONCE];
	char keys[AT_ONCE][16], text[16];
	unsigned step, i, k[AT_ONCE];

	for (i = 0; i < KEYS / 2; i++)
		set(values, i, 1);
	for (step = 0; step < STEPS; step++) {
		for (i = 0; i < AT_ONCE; i++) {
			k[i] = pick(KEYS);
			strcpy(keys[i], key_of(k[i]));
			look_for(support_bytes(keys[i]), &ahead[i]);
		}
		set(values, pick(2) ? k[0] : pick(KEYS), step);
		(void)clean_step(other, &state, &work, 0);
		for (i = 0; i < AT_ONCE; i++) {
			snprintf(text, sizeof(text), "%u", values[k[i]]);
			if (values[k[i]] != 0)
				expect(&ahead[i], text);
		}
	}
	cr_assert_gt(work.records_moved, 0);
	support_audit(a);
	arena_close(other);
}

/* They make a large table of four shards, and not of one. */
#define STRINGS		8000

static const struct bytes nameless = { NULL, 0 };

static enum shm_status
make_nameless(struct txn *t, void *arg)
{
	(void)arg;
	return txn_create(t, nameless, false);
}

static bool
is_looked_into(uint32_t shard, struct bytes name)
{
	struct pair_set set = { .replace = false };
	struct ahead ahead;
	char key[16];
	struct pair p = { { key, 0 }, { NULL, 0 }, 0 };
	int i;

	for (i = 0; i < STRINGS; i++) {
		p.key.len = (size_t)snprintf(key, sizeof(key), "k%d", i);
		cr_assert_eq(pair_set(a, shard, name, &p, &set), SHM_OK);
	}
	ahead_line(a, shard, name, p.key, &ahead);
	return ahead_record(a, &ahead);
}

/* A shard has a fourth of them, and all are asked for. */
Test(ahead, looks_into_the_strings_of_all_shards_as_into_one_bucket,
    .init = open_both)
{
	struct txn *txn = txn_open(a);

	cr_assert_not_null(txn);
	cr_assert_eq(txn_run(txn, 1, make_nameless, NULL, NULL), SHM_OK);
	cr_assert(is_looked_into(1, nameless));
	cr_assert_not(is_looked_into(arena_shard_of(a, bucket), bucket));
	txn_close(txn);
	arena_close(other);
}
