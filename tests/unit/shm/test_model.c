/*
 * Millions of random operations against a plain table of what each key
 * should hold.  The arena is small, so that growth, splits, merges, cleaning
 * and the full arena are met all the time; the audit looks at everything
 * now and then.  A failure names the seed and the step.
 */

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/bucket.h"
#include "shm/clean.h"
#include "shm/pair.h"
#include "shm/scan.h"
#include "support.h"

#define BUCKETS	10
#define KEYS	3000
#define VALUE	700		/* bytes at most */

TestSuite(model, .fini = support_fini, .timeout = 300);

struct cell {			/* what a key should hold */
	bool		there;
	uint16_t	len;
	uint8_t		first;	/* the value is first, first + 1, ... */
};

struct model {
	struct arena		*a;
	uint64_t		 rng;
	uint64_t		 full;		/* refusals seen */
	uint64_t		 steps;
	bool			 exists[BUCKETS];
	struct cell		 cells[BUCKETS][KEYS];
	struct clean_state	 state;
	struct clean_work	 work;
	unsigned		 fill;		/* share of puts, in percent */
	unsigned		 keys;		/* keys in play */
	unsigned		 value;		/* longest value in play */
};

static struct model m;

static unsigned
pick(unsigned n)
{
	return (unsigned)(support_random(&m.rng) >> 33) % n;
}

static struct bytes
bucket_name(unsigned b)
{
	static char name[BUCKETS][8];

	snprintf(name[b], sizeof(name[b]), "b%u", b);
	return support_bytes(name[b]);
}

/* Keys of many lengths, so that records are not all alike. */
static struct bytes
key_name(unsigned k, char buf[64])
{
	int len = snprintf(buf, 64, "%0*u", (int)(k % 40 + 5), k);

	return (struct bytes){ buf, (size_t)len };
}

static struct bytes
value_of(struct cell c, uint8_t buf[VALUE])
{
	unsigned i;

	for (i = 0; i < c.len; i++)
		buf[i] = (uint8_t)(c.first + i);
	return (struct bytes){ buf, c.len };
}

static struct cell
new_cell(void)
{
	return (struct cell){
		true, (uint16_t)pick(m.value), (uint8_t)pick(256)
	};
}

static bool
accept(enum shm_status got, enum shm_status wanted, bool may_be_full)
{
	if (may_be_full && got == SHM_FULL && wanted == SHM_OK) {
		m.full++;
		return false;
	}
	cr_assert_eq(got, wanted, "step %lu: %s instead of %s", m.steps,
	    shm_strstatus(got), shm_strstatus(wanted));
	return got == SHM_OK;
}

static void
step_put(unsigned b, unsigned k)
{
	uint8_t value[VALUE];
	char key[64];
	struct cell c = new_cell();
	struct pair p = { key_name(k, key), value_of(c, value), 0 };

	if (accept(pair_put(m.a, bucket_name(b), &p, NULL),
	    m.exists[b] ? SHM_OK : SHM_NO_BUCKET, true))
		m.cells[b][k] = c;
}

static void
step_put_many(unsigned b)
{
	enum { N = 40 };
	static uint8_t values[N][VALUE];
	static char keys[N][64];
	struct cell cells[N];
	struct pair p[N];
	unsigned i, n = pick(N), k[N];

	for (i = 0; i < n; i++) {
		k[i] = pick(m.keys);
		cells[i] = new_cell();
		p[i] = (struct pair){ key_name(k[i], keys[i]),
		    value_of(cells[i], values[i]), 0 };
	}
	if (accept(pair_put_many(m.a, bucket_name(b), p, n),
	    m.exists[b] ? SHM_OK : SHM_NO_BUCKET, true))
		for (i = 0; i < n; i++)
			m.cells[b][k[i]] = cells[i];
}

static void
step_delete(unsigned b, unsigned k)
{
	char key[64];

	accept(pair_delete(m.a, bucket_name(b), key_name(k, key)),
	    !m.exists[b] ? SHM_NO_BUCKET : m.cells[b][k].there ? SHM_OK :
	    SHM_NO_KEY, false);
	m.cells[b][k].there = false;
}

static void
step_get(unsigned b, unsigned k)
{
	uint8_t want[VALUE], got[VALUE];
	struct cell c = m.cells[b][k];
	struct bytes value = value_of(c, want);
	char key[64];
	size_t len;

	if (!accept(pair_get(m.a, bucket_name(b), key_name(k, key), got,
	    sizeof(got), &len, NULL), !m.exists[b] ? SHM_NO_BUCKET :
	    c.there ? SHM_OK : SHM_NO_KEY, false))
		return;
	cr_assert(len == value.len && memcmp(got, want, len) == 0,
	    "step %lu: another value", m.steps);
}

static void
step_create(unsigned b)
{
	if (accept(bucket_create(m.a, bucket_name(b)), SHM_OK, true))
		m.exists[b] = true;
}

static void
step_drop(unsigned b)
{
	accept(bucket_drop(m.a, bucket_name(b)),
	    m.exists[b] ? SHM_OK : SHM_NO_BUCKET, false);
	m.exists[b] = false;
	memset(m.cells[b], 0, sizeof(m.cells[b]));
}

static void
step_scan(unsigned b)
{
	static uint8_t buf[256 * 1024], seen[KEYS];
	struct scan scan = { 0 };
	struct scan_batch batch = { .buf = buf, .cap = 300 + pick(20000) };
	struct bytes name;
	unsigned k, n = 0;
	size_t pos;

	if (!m.exists[b])
		return;
	memset(seen, 0, sizeof(seen));
	while (!scan.done) {
		enum shm_status s = scan_keys(m.a, bucket_name(b), &scan,
		    &batch);

		if (s == SHM_NO_ROOM) {
			batch.cap = batch.needed;
			continue;
		}
		cr_assert_eq(s, SHM_OK);
		for (pos = 0; scan_next_name(&batch, &pos, &name); n++) {
			k = (unsigned)strtoul(strndupa(name.data, name.len),
			    NULL, 10);
			cr_assert(k < KEYS && m.cells[b][k].there &&
			    !seen[k]);
			seen[k] = 1;
		}
	}
	for (k = 0; k < KEYS; k++)
		cr_assert_eq(seen[k], m.cells[b][k].there, "key %u", k);
}

static void
check_counts(void)
{
	uint64_t keys, bytes, all_keys = 0, all_buckets = 0;
	uint64_t counted_keys, counted_buckets;
	struct bucket_stat st;
	char key[64];
	unsigned b, k;

	for (b = 0; b < BUCKETS; b++) {
		if (!m.exists[b])
			continue;
		for (k = 0, keys = bytes = 0; k < KEYS; k++)
			if (m.cells[b][k].there) {
				keys++;
				bytes += key_name(k, key).len +
				    m.cells[b][k].len;
			}
		cr_assert_eq(bucket_stat(m.a, bucket_name(b), &st), SHM_OK);
		cr_assert_eq(st.keys, keys);
		cr_assert_eq(st.bytes, bytes);
		all_keys += keys;
		all_buckets++;
	}
	arena_counts(m.a, &counted_buckets, &counted_keys);
	cr_assert_eq(counted_keys, all_keys);
	cr_assert_eq(counted_buckets, all_buckets);
}

static void
step(void)
{
	unsigned b = pick(BUCKETS), k = pick(m.keys), what = pick(1000);

	if (what < m.fill * 10)
		step_put(b, k);
	else if (what < 700)
		step_delete(b, k);
	else if (what < 970)
		step_get(b, k);
	else if (what < 985)
		step_put_many(b);
	else if (what < 995)
		clean_step(m.a, &m.state, &m.work, 0);
	else if (what < 998)
		step_create(b);
	else if (pick(40) == 0)
		step_drop(b);
	else if (pick(20) == 0)
		step_scan(b);
}

static void
run(uint64_t seed, unsigned steps)
{
	unsigned i;

	m.rng = seed;
	arena_remember_names(m.a);
	for (i = 0; i < BUCKETS; i++)
		step_create(i);
	for (i = 0; i < steps; i++, m.steps++) {
		if (i % 20000 == 0) {	/* tides: fill up, run dry */
			m.fill = pick(70);
			m.keys = 1 + pick(KEYS);
			m.value = 1 + pick(VALUE);
			support_audit(m.a);
			check_counts();
		}
		step();
	}
	support_audit(m.a);
	check_counts();
	for (i = 0; i < BUCKETS; i++)
		step_scan(i);
}

Test(model, holds_with_room_to_spare)
{
	m.a = support_arena(UINT64_C(64) << 20, 4, 256 * 1024);
	run(1, 1200000);
	cr_assert_eq(m.full, 0);
}

Test(model, holds_in_an_arena_that_is_nearly_always_full)
{
	m.a = support_arena(UINT64_C(5) << 20, 4, 64 * 1024);
	run(2, 1200000);
	cr_assert_gt(m.full, 0, "the arena was never full");
}

Test(model, holds_in_one_shard_with_tiny_segments)
{
	m.a = support_arena(UINT64_C(2) << 20, 1, 32 * 1024);
	run(3, 800000);
	cr_assert_gt(m.full, 0, "the arena was never full");
}
