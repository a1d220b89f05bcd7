/*
 * Transactions against a plain table of what there should be: random changes
 * of a few buckets at once, some of which are called off in the end.
 */

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/bucket.h"
#include "transact.h"

#define BUCKETS	6
#define KEYS	200
#define OPS_MAX	60

TestSuite(txn_model, .fini = support_fini, .timeout = 300);

struct cell {
	bool		there;
	unsigned	value;
};

struct world {
	bool		exists[BUCKETS];
	bool		is_auto[BUCKETS];
	struct cell	cells[BUCKETS][KEYS];
};

struct plan {			/* one transaction, to be run repeatedly */
	uint64_t	rng;
	unsigned	ops;
	bool		off;
	struct world	after;
	const struct world *before;
	unsigned	from;		/* of a draft: this step */
	bool		is_lost;	/* at first somebody else is faster */
	char		values[OPS_MAX][12];
};

static char names[BUCKETS][4], keys[KEYS][24];

static unsigned
pick(uint64_t *rng, unsigned n)
{
	return (unsigned)(support_random(rng) >> 33) % n;
}

static unsigned
count(const struct world *w, unsigned bucket)
{
	unsigned i, n = 0;

	for (i = 0; i < KEYS; i++)
		n += w->cells[bucket][i].there;
	return n;
}

static void
forget(struct world *w, unsigned bucket)
{
	memset(w->cells[bucket], 0, sizeof(w->cells[bucket]));
	w->exists[bucket] = w->is_auto[bucket] = false;
}

/* Go with the last key: when all is done, as in the store. */
static void
end_world(struct world *w)
{
	unsigned i;

	for (i = 0; i < BUCKETS; i++)
		if (w->exists[i] && w->is_auto[i] && count(w, i) == 0)
			forget(w, i);
}

static enum shm_status
expect(enum shm_status status, enum shm_status expected)
{
	if (status == SHM_NO_ROOM)
		return status;
	cr_assert_eq(status, expected, "%s instead of %s",
	    shm_strstatus(status), shm_strstatus(expected));
	return SHM_OK;
}

static enum shm_status
step_pair(struct txn *t, struct plan *p, unsigned i, unsigned what)
{
	unsigned bucket = pick(&p->rng, BUCKETS), key = pick(&p->rng, KEYS);
	struct world *w = &p->after;
	struct cell *cell = &w->cells[bucket][key];
	enum shm_status expected = !w->exists[bucket] ? SHM_NO_BUCKET :
	    cell->there ? SHM_OK : SHM_NO_KEY, status;
	struct txn_pair pair;

	if (what == 0) {
		status = txn_get(t, b(names[bucket]), b(keys[key]), &pair);
		if (status == SHM_OK && expected == SHM_OK)
			cr_assert_eq(strtoul(strndupa(pair.value.data,
			    pair.value.len), NULL, 10), cell->value);
		return expect(status, expected);
	}
	if (what == 1) {
		cell->there = false;
		return expect(txn_delete(t, b(names[bucket]), b(keys[key])),
		    expected);
	}
	if (expected == SHM_NO_KEY)
		expected = SHM_OK;
	if (expected == SHM_OK)
		*cell = (struct cell){ true, pick(&p->rng, 100000) };
	snprintf(p->values[i], sizeof(p->values[i]), "%u", cell->value);
	return expect(put(t, names[bucket], keys[key], p->values[i]),
	    expected);
}

static enum shm_status
step_bucket(struct txn *t, struct plan *p, unsigned what)
{
	unsigned bucket = pick(&p->rng, BUCKETS);
	bool is_auto = pick(&p->rng, 2) == 0;
	struct world *w = &p->after;
	struct txn_bucket facts;
	enum shm_status status, expected;

	if (what == 0) {
		w->is_auto[bucket] = is_auto && (!w->exists[bucket] ||
		    w->is_auto[bucket]);
		w->exists[bucket] = true;
		return expect(txn_create(t, b(names[bucket]), is_auto),
		    SHM_OK);
	}
	expected = w->exists[bucket] ? SHM_OK : SHM_NO_BUCKET;
	if (what == 1) {
		forget(w, bucket);
		return expect(txn_drop(t, b(names[bucket])), expected);
	}
	status = txn_look(t, b(names[bucket]), &facts);
	if (status == SHM_OK && expected == SHM_OK) {
		cr_assert_eq(facts.keys, count(w, bucket));
		cr_assert_eq(facts.is_auto, w->is_auto[bucket]);
	}
	return expect(status, expected);
}

static enum shm_status
carry_out_some(struct txn *t, struct plan *p, unsigned from, unsigned to)
{
	enum shm_status status = SHM_OK;
	unsigned i, what;

	for (i = from; i < to && status == SHM_OK; i++) {
		what = pick(&p->rng, 20);
		status = what < 17 ? step_pair(t, p, i, what / 2 > 1 ? 2 :
		    what / 2) : step_bucket(t, p, what - 17);
	}
	return status;
}

static enum shm_status
carry_out(struct txn *t, void *arg)
{
	struct plan *p = arg;
	uint64_t rng = p->rng;
	enum shm_status status;

	p->after = *p->before;
	status = carry_out_some(t, p, 0, p->ops);
	p->rng = rng;
	if (status == SHM_OK && p->off)
		status = SHM_NO_KEY;
	return status;
}

#define STEP	7	/* ops of a draft, of which every fourth or so fails */

static enum shm_status
carry_out_step(struct txn *t, void *arg)
{
	struct plan *p = arg;
	unsigned to = p->from + STEP < p->ops ? p->from + STEP : p->ops;
	enum shm_status status = carry_out_some(t, p, p->from, to);

	return status == SHM_OK && pick(&p->rng, 4) == 0 ? SHM_NO_KEY :
	    status;
}

static enum shm_status
write_plan(struct txn *view, void *arg)
{
	static struct world saved;
	const struct pair theirs = { b("k"), b("theirs"), 0 };
	struct plan *p = arg;
	uint64_t rng = p->rng;

	p->after = *p->before;
	for (p->from = 0; p->from < p->ops; p->from += STEP) {
		saved = p->after;
		if (txn_step(view, carry_out_step, p) == SHM_OK)
			end_world(&p->after);
		else
			p->after = saved;
		txn_turn_page(view);
	}
	if (p->is_lost)
		(void)pair_put(a, b("theirs"), &theirs, NULL);
	p->is_lost = false;
	p->rng = rng;
	return p->off ? SHM_NO_KEY : SHM_OK;
}

static void
check(const struct world *w)
{
	char value[12];
	struct bucket_stat stat;
	unsigned i, k;

	for (i = 0; i < BUCKETS; i++) {
		cr_assert_eq(bucket_stat(a, b(names[i]), &stat),
		    w->exists[i] ? SHM_OK : SHM_NO_BUCKET);
		if (w->exists[i])
			cr_assert_eq(stat.keys, count(w, i));
		for (k = 0; k < KEYS; k++) {
			snprintf(value, sizeof(value), "%u",
			    w->cells[i][k].value);
			must_have(names[i], keys[k], w->cells[i][k].there ?
			    value : NULL);
		}
	}
}

static uint64_t
model(uint64_t seed, unsigned rounds, bool drafts)
{
	static struct world w;
	static struct plan p;
	enum shm_status status;
	uint64_t refused = 0;
	unsigned i;

	for (i = 0; i < BUCKETS; i++)
		snprintf(names[i], sizeof(names[i]), "b%u", i);
	for (i = 0; i < KEYS; i++)
		snprintf(keys[i], sizeof(keys[i]), "%0*u", (int)(i % 19 + 4),
		    i);
	for (i = 0; i < rounds; i++) {
		p.rng = seed = support_random(&seed);
		p.ops = 1 + pick(&p.rng, OPS_MAX);
		p.off = pick(&p.rng, 10) == 0;
		p.before = &w;
		p.is_lost = i % 3 == 0;
		status = drafts ? run_draft(write_plan, &p) :
		    run(carry_out, &p);
		refused += status == SHM_FULL;
		cr_assert(status == SHM_OK || status == SHM_FULL ||
		    (status == SHM_NO_KEY && p.off), "%s",
		    shm_strstatus(status));
		if (status == SHM_OK) {
			w = p.after;
			end_world(&w);
		}
		if (i % 500 == 0) {
			support_audit(a);
			check(&w);
			support_clean(a);
		}
	}
	support_audit(a);
	check(&w);
	return refused;
}

Test(txn_model, does_what_a_plain_table_does)
{
	set_up(UINT64_C(16) << 20, 64 * 1024);
	cr_assert_eq(model(1, 20000, false), 0);
}

Test(txn_model, does_so_where_there_is_hardly_any_room)
{
	set_up(UINT64_C(1) << 20, 64 * 1024);
	model(2, 20000, false);
}

Test(txn_model, of_drafts_does_what_a_plain_table_does)
{
	set_up(UINT64_C(16) << 20, 64 * 1024);
	cr_assert_eq(bucket_create(a, b("theirs")), SHM_OK);
	cr_assert_eq(model(3, 20000, true), 0);
}

Test(txn_model, of_drafts_does_so_where_there_is_hardly_any_room)
{
	set_up(UINT64_C(1) << 20, 64 * 1024);
	cr_assert_eq(bucket_create(a, b("theirs")), SHM_OK);
	model(4, 20000, true);
}
