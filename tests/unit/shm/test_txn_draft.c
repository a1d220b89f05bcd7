/*
 * Drafts: transactions of several steps, and what happens to them when
 * somebody else is faster.
 */

#include <criterion/criterion.h>

#include <string.h>

#include "shm/bucket.h"
#include "shm/clock.h"
#include "transact.h"

TestSuite(txn_draft, .fini = support_fini, .timeout = 300);

static enum shm_status
spoil(struct txn *t, void *arg)
{
	(void)arg;
	cr_assert_eq(put(t, "x", "k", "spoilt"), SHM_OK);
	cr_assert_eq(txn_drop(t, b("y")), SHM_OK);
	cr_assert_eq(txn_create(t, b("y"), true), SHM_OK);
	cr_assert_eq(put(t, "y", "k", "spoilt"), SHM_OK);
	cr_assert_eq(txn_create(t, b("z"), true), SHM_OK);
	cr_assert_eq(txn_delete(t, b("x"), b("l")), SHM_OK);
	return SHM_NO_KEY;
}

static void
view_has(struct txn *view, const char *bucket, const char *key,
    const char *value)
{
	struct txn_pair pair;

	cr_assert_eq(txn_get(view, b(bucket), b(key), &pair), SHM_OK);
	cr_assert_eq(pair.value.len, strlen(value));
	cr_assert_eq(memcmp(pair.value.data, value, pair.value.len), 0);
}

static enum shm_status
write_steps(struct txn *view, void *arg)
{
	struct txn_bucket facts;

	(void)arg;
	cr_assert_eq(txn_step(view, make_two, NULL), SHM_OK);
	cr_assert_eq(txn_step(view, put_l, NULL), SHM_OK);
	cr_assert_eq(txn_step(view, spoil, NULL), SHM_NO_KEY);
	view_has(view, "x", "k", "w");
	view_has(view, "x", "l", "2");
	cr_assert_eq(txn_look(view, b("x"), &facts), SHM_OK);
	cr_assert_eq(facts.keys, 2);
	cr_assert_eq(txn_look(view, b("y"), &facts), SHM_OK);
	cr_assert_not(facts.is_auto);
	cr_assert_eq(txn_look(view, b("z"), &facts), SHM_NO_BUCKET);
	must_have("x", "k", NULL);
	return SHM_OK;
}

Test(txn_draft, sees_its_steps_but_for_those_called_off)
{
	struct bucket_stat stat;

	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run_draft(write_steps, NULL), SHM_OK);
	must_have("x", "k", "w");
	must_have("x", "l", "2");
	must_have("y", "k", NULL);
	cr_assert_eq(bucket_stat(a, b("z"), &stat), SHM_NO_BUCKET);
	support_audit(a);
}

static enum shm_status
write_and_give_up(struct txn *view, void *arg)
{
	cr_assert_eq(write_steps(view, arg), SHM_OK);
	return SHM_KEY_SIZE;
}

Test(txn_draft, may_be_given_up)
{
	struct bucket_stat stat;

	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run_draft(write_and_give_up, NULL), SHM_KEY_SIZE);
	cr_assert_eq(bucket_stat(a, b("x"), &stat), SHM_NO_BUCKET);
	support_audit(a);
}

static enum shm_status
write_an_end(struct txn *view, void *arg)
{
	struct bytes x = b("x");
	struct txn_bucket facts;

	(void)arg;
	cr_assert_eq(txn_step(view, delete_k, &x), SHM_OK);
	cr_assert_eq(txn_look(view, x, &facts), SHM_NO_BUCKET);
	cr_assert_eq(txn_step(view, make_two, NULL), SHM_OK);
	cr_assert_eq(txn_step(view, renew, NULL), SHM_OK);
	return SHM_OK;
}

Test(txn_draft, takes_a_bucket_with_its_last_key_at_that_step)
{
	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run_draft(write_steps, NULL), SHM_OK);
	cr_assert_eq(pair_delete(a, b("x"), b("l")), SHM_OK);
	cr_assert_eq(run_draft(write_an_end, NULL), SHM_OK);
	must_have("x", "k", NULL);
	must_have("x", "m", "new");
	support_audit(a);
}

static enum shm_status
write_states(struct txn *view, void *arg)
{
	uint64_t later_ms = clock_wall_ms() + 3600000;

	(void)arg;
	cr_assert_eq(txn_step(view, make_two, NULL), SHM_OK);
	cr_assert_eq(txn_step(view, expire_x, &later_ms), SHM_OK);
	return txn_step(view, create_x, NULL);
}

Test(txn_draft, keeps_the_state_of_a_bucket)
{
	struct bucket_stat stat;

	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run_draft(write_states, NULL), SHM_OK);
	cr_assert_eq(bucket_stat(a, b("x"), &stat), SHM_OK);
	cr_assert_not(stat.is_auto);
	cr_assert_gt(stat.expires_ms, clock_wall_ms());
	support_audit(a);
}

struct race {
	unsigned	calls;
	unsigned	losses;
};

static enum shm_status
write_a_race(struct txn *view, void *arg)
{
	const struct pair p = { b("k"), b("theirs"), 0 };
	struct race *race = arg;

	cr_assert_eq(txn_step(view, put_l, NULL), SHM_OK);
	if (race->calls++ < race->losses)
		cr_assert_eq(pair_put(a, b("x"), &p, NULL), SHM_OK);
	else
		view_has(view, "x", "k", race->losses > 0 ? "theirs" : "w");
	return SHM_OK;
}

static void
race(unsigned losses)
{
	struct race race = { .losses = losses };

	cr_assert_eq(run_draft(write_a_race, &race), SHM_OK);
	cr_assert_eq(race.calls, losses + 1);
	must_have("x", "k", losses > 0 ? "theirs" : "w");
	must_have("x", "l", "2");
	support_audit(a);
}

Test(txn_draft, is_written_again_when_the_shard_has_changed)
{
	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run(make_two, NULL), SHM_OK);
	race(0);
	race(3);
}

/* Written with the lock held it cannot lose any more. */
Test(txn_draft, is_written_under_the_lock_at_last)
{
	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run(make_two, NULL), SHM_OK);
	race(16);
}

/* Whose records are whose, whoever has written before and after. */
Test(txn_draft, knows_which_revisions_are_its_own)
{
	const struct pair p = { b("k"), b("theirs"), 0 };
	struct txn_revisions own;
	uint64_t before;
	struct race race = { .losses = 2 };

	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run(make_two, NULL), SHM_OK);
	cr_assert_eq(pair_put(a, b("x"), &p, &before), SHM_OK);
	cr_assert_eq(run(put_l, NULL), SHM_OK);
	own = txn_revisions(txn);
	cr_assert_eq(own.first, before + 1);
	cr_assert_eq(own.last, before + 1);
	cr_assert_eq(run_draft(write_a_race, &race), SHM_OK);
	own = txn_draft_revisions(draft);
	cr_assert_eq(own.first, before + 4);
	cr_assert_eq(own.last, before + 4);
}

static enum shm_status
write_much(struct txn *view, void *arg)
{
	unsigned n = 1000;
	char *kept[10];

	(void)arg;
	(void)txn_step(view, put_many, &n);
	(void)txn_step(view, keep_much, kept);
	cr_assert_eq(kept[9][2999], 'j');
	txn_turn_page(view);
	return SHM_OK;
}

Test(txn_draft, has_as_much_room_as_it_needs)
{
	struct bucket_stat stat;

	set_up(UINT64_C(8) << 20, 64 * 1024);
	cr_assert_eq(run_draft(write_much, NULL), SHM_OK);
	cr_assert_eq(bucket_stat(a, b("x"), &stat), SHM_OK);
	cr_assert_eq(stat.keys, 1000);
	must_have("x", "999", "999");
	support_audit(a);
}
