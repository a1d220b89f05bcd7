#include <criterion/criterion.h>

#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/bucket.h"
#include "shm/pair.h"
#include "shm/scan.h"
#include "shm/txn.h"
#include "support.h"

TestSuite(scan, .fini = support_fini, .timeout = 120);

static struct arena *a;
static const struct bytes name = { "b", 1 };

static void
put_number(const char *what, unsigned i)
{
	char key[32];
	struct pair p = { { key, 0 }, support_bytes("v"), 0 };

	p.key.len = (size_t)snprintf(key, sizeof(key), "%s%u",
	    what, i);
	cr_assert_eq(pair_put(a, name, &p, NULL), SHM_OK);
}

Test(scan, of_an_empty_bucket_is_done_at_once)
{
	uint8_t buf[64];
	struct scan_batch batch = { .buf = buf, .cap = sizeof(buf) };
	struct scan scan = { 0 };

	a = support_arena(UINT64_C(8) << 20, 2, 64 * 1024);
	cr_assert_eq(scan_keys(a, name, &scan, &batch), SHM_NO_BUCKET);
	cr_assert_eq(bucket_create(a, name), SHM_OK);
	cr_assert_eq(scan_keys(a, name, &scan, &batch), SHM_OK);
	cr_assert(scan.done && batch.used == 0);
}

Test(scan, finds_the_buckets_of_all_shards)
{
	static uint8_t buf[4096];
	struct scan_batch batch = { .buf = buf, .cap = sizeof(buf) };
	struct bytes found;
	unsigned i, n = 0;
	char b[16];
	size_t pos;

	a = support_arena(UINT64_C(16) << 20, 8, 64 * 1024);
	for (i = 0; i < 1000; i++) {
		snprintf(b, sizeof(b), "bucket%u", i);
		cr_assert_eq(bucket_create(a, support_bytes(b)), SHM_OK);
	}
	for (i = 0; i < arena_shards(a); i++) {
		struct scan scan = { 0 };

		while (!scan.done) {
			cr_assert_eq(scan_buckets(a, i, &scan, &batch),
			    SHM_OK);
			for (pos = 0; scan_next_name(&batch, &pos, &found);)
				n++;
		}
	}
	cr_assert_eq(n, 1000);
}

Test(scan, asks_for_room_when_a_line_does_not_fit)
{
	uint8_t buf[64];
	struct scan_batch batch = { .buf = buf, .cap = 4 };
	struct scan scan = { 0 };

	a = support_arena(UINT64_C(8) << 20, 2, 64 * 1024);
	cr_assert_eq(bucket_create(a, name), SHM_OK);
	put_number("key", 1);
	cr_assert_eq(scan_keys(a, name, &scan, &batch), SHM_NO_ROOM);
	cr_assert_eq(batch.needed, 4 + 4);
	batch.cap = batch.needed;
	cr_assert_eq(scan_keys(a, name, &scan, &batch), SHM_OK);
	cr_assert(scan.done && batch.used == 8);
}

/* Of a line of seven it takes all, or none. */
Test(scan, takes_no_more_lines_when_it_has_enough)
{
	static uint8_t buf[64 * 1024];
	struct scan_batch batch = {
		.buf = buf, .cap = sizeof(buf), .enough = 10
	};
	struct scan scan = { 0 };
	struct bytes key;
	unsigned i, n = 0, step;
	size_t pos;

	a = support_arena(UINT64_C(8) << 20, 2, 64 * 1024);
	cr_assert_eq(bucket_create(a, name), SHM_OK);
	for (i = 0; i < 1000; i++)
		put_number("key", i);
	while (!scan.done) {
		cr_assert_eq(scan_keys(a, name, &scan, &batch), SHM_OK);
		for (step = 0, pos = 0; scan_next_name(&batch, &pos, &key);)
			step++;
		cr_assert(scan.done || step >= 10);
		cr_assert_lt(step, 10 + 40);
		n += step;
	}
	cr_assert_eq(n, 1000);
}

/* Also of one that has expired. */
Test(scan, of_pairs_hands_out_values_and_times)
{
	uint8_t buf[256];
	struct scan_batch batch = { .buf = buf, .cap = SCAN_PAIR_BYTES + 7 };
	struct pair p = {
		support_bytes("key"), support_bytes("value"), 1
	}, found;
	struct scan scan = { 0 };
	size_t pos = 0;

	a = support_arena(UINT64_C(8) << 20, 2, 64 * 1024);
	cr_assert_eq(scan_pairs(a, name, &scan, &batch), SHM_NO_BUCKET);
	cr_assert_eq(scan_pairs(a, support_bytes(""), &scan, &batch),
	    SHM_BUCKET_NAME_SIZE);
	cr_assert_eq(bucket_create(a, name), SHM_OK);
	cr_assert_eq(pair_put(a, name, &p, NULL), SHM_OK);
	cr_assert_eq(scan_pairs(a, name, &scan, &batch), SHM_NO_ROOM);
	cr_assert_eq(batch.needed, SCAN_PAIR_BYTES + 8);
	batch.cap = batch.needed;
	cr_assert_eq(scan_pairs(a, name, &scan, &batch), SHM_OK);
	cr_assert(scan.done);
	cr_assert(scan_next_pair(&batch, &pos, &found));
	cr_assert_arr_eq(found.key.data, "key", 3);
	cr_assert_arr_eq(found.value.data, "value", 5);
	cr_assert(found.key.len == 3 && found.value.len == 5);
	cr_assert_eq(found.expires_ms, p.expires_ms);
	cr_assert_not(scan_next_pair(&batch, &pos, &found));
}

/* Whoever holds the lock sees all of a bucket at once. */
static enum shm_status
count_pairs(struct txn *t, void *arg)
{
	static uint8_t buf[64 * 1024];
	struct scan_batch batch = { .buf = buf, .cap = sizeof(buf) };
	struct scan scan = { 0 };
	enum shm_status status;
	unsigned *n = arg;
	struct pair found;
	size_t pos;

	while (!scan.done) {
		status = txn_scan_pairs(t, name, &scan, &batch);
		if (status != SHM_OK)
			return status;
		for (pos = 0; scan_next_pair(&batch, &pos, &found); ++*n)
			cr_assert_eq(*(const char *)found.value.data, 'v');
	}
	return SHM_OK;
}

Test(scan, of_pairs_is_a_part_of_a_transaction)
{
	struct txn *t;
	unsigned i, n = 0;

	a = support_arena(UINT64_C(8) << 20, 2, 64 * 1024);
	cr_assert_not_null(t = txn_open(a));
	cr_assert_eq(txn_run(t, arena_shard_of(a, name), count_pairs, &n,
	    NULL), SHM_NO_BUCKET);
	cr_assert_eq(bucket_create(a, name), SHM_OK);
	for (i = 0; i < 1000; i++)
		put_number("key", i);
	cr_assert_eq(txn_run(t, arena_shard_of(a, name), count_pairs, &n,
	    NULL), SHM_OK);
	cr_assert_eq(n, 1000);
	txn_close(t);
}

static void
delete_number(const char *what, unsigned i)
{
	char key[32];

	snprintf(key, sizeof(key), "%s%u", what, i);
	(void)pair_delete(a, name, support_bytes(key));
}

static unsigned
number_of(const struct pair *p)
{
	char text[16] = "";

	cr_assert_lt(p->key.len, sizeof(text));
	memcpy(text, p->key.data, p->key.len);
	return (unsigned)strtoul(text, NULL, 10);
}

/*
 * Begin a walk, delete most keys, so that lines merge, and end it: what was
 * before the cursor stays out.
 */
static void
walk_while_it_shrinks(unsigned before)
{
	enum { KEYS = 5000, STAY = 500 };
	static uint8_t buf[64 * 1024], seen[KEYS];
	struct scan_batch batch = { .buf = buf, .cap = sizeof(buf) };
	struct scan scan = { 0 };
	struct pair found;
	unsigned i, n = 0;
	size_t pos;

	memset(seen, 0, sizeof(seen));
	for (i = 0; i < KEYS; i++)
		put_number("", i);
	while (!scan.done) {
		batch.enough = n < before ? before - n : 0;
		cr_assert_eq(scan_pairs(a, name, &scan, &batch), SHM_OK);
		for (pos = 0; scan_next_pair(&batch, &pos, &found); n++)
			seen[number_of(&found)]++;
		for (i = STAY; i < KEYS; i++)
			delete_number("", i);
	}
	for (i = 0; i < KEYS; i++)
		cr_assert(i < STAY ? seen[i] == 1 : seen[i] <= 1,
		    "key %u: %u times", i, seen[i]);
}

Test(scan, returns_no_key_twice_when_the_table_shrinks)
{
	unsigned before;

	a = support_arena(UINT64_C(16) << 20, 2, 64 * 1024);
	cr_assert_eq(bucket_create(a, name), SHM_OK);
	for (before = 100; before < 3000; before += 123)
		walk_while_it_shrinks(before);
}

Test(scan, may_begin_anywhere)
{
	enum { KEYS = 1000 };
	static uint8_t buf[64 * 1024], seen[KEYS];
	struct scan_batch batch = { .buf = buf, .cap = sizeof(buf) };
	struct scan scan;
	struct pair found;
	unsigned i, n = 0;
	size_t pos;

	a = support_arena(UINT64_C(8) << 20, 2, 64 * 1024);
	cr_assert_eq(bucket_create(a, name), SHM_OK);
	for (i = 0; i < KEYS; i++)
		put_number("", i);
	/* Only this half of the space: about half of the keys, once each. */
	for (scan = (struct scan){ .cursor = UINT64_MAX / 2 + 12345 };
	    !scan.done;) {
		cr_assert_eq(scan_pairs(a, name, &scan, &batch), SHM_OK);
		for (pos = 0; scan_next_pair(&batch, &pos, &found); n++)
			cr_assert_eq(seen[number_of(&found)]++, 0);
	}
	cr_assert(n > KEYS / 3 && n < KEYS * 2 / 3, "%u keys", n);
}

/* As many calls as it takes: who waits for a name must not wait for all. */
Test(scan, rests_when_it_finds_no_name_for_a_long_time)
{
	enum { EXPIRED = 60000 };
	uint8_t buf[64];
	struct scan_batch batch = { .buf = buf, .cap = sizeof(buf) };
	struct scan scan = { 0 };
	char key[16];
	struct pair p = { { key, 0 }, support_bytes(""), 1 };
	unsigned i, steps;

	a = support_arena(UINT64_C(32) << 20, 2, 256 * 1024);
	cr_assert_eq(bucket_create(a, name), SHM_OK);
	for (i = 0; i < EXPIRED; i++) {
		p.key.len = (size_t)snprintf(key, sizeof(key), "%u", i);
		cr_assert_eq(pair_put(a, name, &p, NULL), SHM_OK);
	}
	for (steps = 0; !scan.done; steps++) {
		cr_assert_eq(scan_keys(a, name, &scan, &batch), SHM_OK);
		cr_assert_eq(batch.used, 0);
		cr_assert_lt(steps, EXPIRED);
	}
	cr_assert_gt(steps, 1);
}

/* Keys that come and go, so that the table grows and shrinks all the time. */
static void
churn(void)
{
	unsigned i;
	char key[32];

	for (;;) {
		for (i = 0; i < 20000; i++)
			put_number("coming and going ", i);
		for (i = 0; i < 20000; i++) {
			snprintf(key, sizeof(key), "coming and going %u", i);
			pair_delete(a, name, support_bytes(key));
		}
	}
}

static void
expect_all_stayers(unsigned stayers)
{
	static uint8_t buf[8192], seen[4096];
	struct scan_batch batch = { .buf = buf, .cap = sizeof(buf) };
	struct scan scan = { 0 };
	struct bytes key;
	unsigned i;
	size_t pos;

	memset(seen, 0, sizeof(seen));
	while (!scan.done) {
		cr_assert_eq(scan_keys(a, name, &scan, &batch), SHM_OK);
		for (pos = 0; scan_next_name(&batch, &pos, &key);) {
			char text[32] = "";

			cr_assert_lt(key.len, sizeof(text));
			memcpy(text, key.data, key.len);
			if (sscanf(text, "staying %u", &i) == 1)
				seen[i] = 1;
			else
				cr_assert_eq(strncmp(text, "coming and go",
				    13), 0, "torn: %s", text);
		}
	}
	for (i = 0; i < stayers; i++)
		cr_assert(seen[i], "key %u was missed", i);
}

Test(scan, returns_every_key_that_stays_while_the_table_breathes)
{
	enum { STAYERS = 3000, ROUNDS = 100 };
	unsigned i;
	pid_t pid;

	a = support_arena(UINT64_C(32) << 20, 2, 256 * 1024);
	cr_assert_eq(bucket_create(a, name), SHM_OK);
	for (i = 0; i < STAYERS; i++)
		put_number("staying ", i);
	if ((pid = support_fork()) == 0)
		churn();
	for (i = 0; i < ROUNDS; i++)
		expect_all_stayers(STAYERS);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	support_audit(a);
}
