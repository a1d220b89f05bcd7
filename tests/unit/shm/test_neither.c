/*
 * A name is a string's, a bucket's, or nobody's; whoever asks without a lock
 * must not be told the third while it passes from the one to the other.
 */

#include <criterion/criterion.h>

#include <sys/time.h>

#include <signal.h>
#include <unistd.h>

#include "shm/ahead.h"
#include "shm/bucket.h"
#include "shm/clock.h"
#include "shm/handle.h"
#include "shm/read.h"
#include "shm/word.h"
#include "transact.h"

#define SWAPS	4000

TestSuite(neither, .fini = support_fini, .timeout = 300);

static const struct bytes nameless = { "", 0 };

static bool
is_free(const char *name)
{
	struct ahead string;

	ahead_line(a, 0, nameless, b(name), &string);
	return read_neither_once(a, &string);
}

static void
begin(void)
{
	set_up(UINT64_C(32) << 20, 64 * 1024);
	arena_remember_names(a);
}

static enum shm_status
make_string(struct txn *t, void *arg)
{
	struct txn_bucket facts;

	(void)arg;
	if (txn_look(t, nameless, &facts) == SHM_NO_BUCKET)
		cr_assert_eq(txn_create(t, nameless, false), SHM_OK);
	return put(t, "", "x", "v");
}

static enum shm_status
take_string(struct txn *t, void *arg)
{
	(void)arg;
	return txn_delete(t, nameless, b("x"));
}

Test(neither, is_so_until_there_is_a_string, .init = begin)
{
	cr_assert(is_free("x"));
	cr_assert_eq(run(make_string, NULL), SHM_OK);
	cr_assert(!is_free("x"));
	cr_assert(is_free("y"));
	cr_assert_eq(run(take_string, NULL), SHM_OK);
	cr_assert(is_free("x"));
}

Test(neither, is_so_until_there_is_a_bucket, .init = begin)
{
	uint64_t at_ms = clock_wall_ms() + 3600 * 1000;

	cr_assert(is_free("x"));
	cr_assert_eq(run(make_two, NULL), SHM_OK);
	cr_assert(!is_free("x"));
	cr_assert_eq(run(expire_x, &at_ms), SHM_OK);
	cr_assert(!is_free("x"));
	cr_assert_eq(bucket_drop(a, b("x")), SHM_OK);
	cr_assert(is_free("x"));
}

Test(neither, is_so_when_the_time_of_a_bucket_has_passed, .init = begin)
{
	uint64_t soon_ms = clock_wall_ms() + 30;

	cr_assert_eq(run(make_two, NULL), SHM_OK);
	cr_assert_eq(run(expire_x, &soon_ms), SHM_OK);
	while (clock_wall_ms() < soon_ms)
		cr_assert(!is_free("x") || clock_wall_ms() >= soon_ms);
	cr_assert(is_free("x"));
}

Test(neither, cannot_be_told_while_several_changes_are_made, .init = begin)
{
	word *version = &a->shards[0].version;

	cr_assert(is_free("x"));
	word_store(version, word_peek(version) | 1);
	cr_assert(!is_free("x"));
	word_store(version, word_peek(version) + 1);
	cr_assert(is_free("x"));
}

static enum shm_status
to_bucket(struct txn *t, void *arg)
{
	enum shm_status status;

	(void)arg;
	if ((status = txn_delete(t, nameless, b("x"))) != SHM_OK ||
	    (status = txn_create(t, b("x"), true)) != SHM_OK)
		return status;
	return put(t, "x", "k", "v");
}

static enum shm_status
to_string(struct txn *t, void *arg)
{
	enum shm_status status = txn_drop(t, b("x"));

	return status == SHM_OK ? make_string(t, arg) : status;
}

/* Whole, wherever the look has got to: as if the reader had slept meanwhile. */
static struct txn *others;
static volatile sig_atomic_t swaps, failures;

static void
swap(int signal_number)
{
	(void)signal_number;
	if (txn_run(others, 0, swaps % 2 == 0 ? to_bucket : to_string, NULL,
	    NULL) != SHM_OK)
		failures++;
	swaps++;
}

static void
swap_within(suseconds_t us)
{
	const struct itimerval once = { .it_value.tv_usec = us };

	cr_assert_eq(setitimer(ITIMER_REAL, &once, NULL), 0);
}

Test(neither, is_never_so_while_one_becomes_the_other)
{
	const struct sigaction act = { .sa_handler = swap };
	struct arena *other;
	uint64_t rng = 1;
	sig_atomic_t before;
	unsigned i;

	a = support_named_arena(UINT64_C(32) << 20, 1, 64 * 1024);
	arena_remember_names(a);
	cr_assert_eq(arena_attach(&other, support_arena_name(), geteuid()),
	    ARENA_OK);
	cr_assert_not_null(others = txn_open(other));
	cr_assert_eq(txn_run(others, 0, make_string, NULL, NULL), SHM_OK);
	cr_assert_eq(sigaction(SIGALRM, &act, NULL), 0);
	for (i = 0; i < SWAPS; i++) {
		before = swaps;
		swap_within(1 + (suseconds_t)(support_random(&rng) % 20));
		while (swaps == before)
			cr_assert(!is_free("x"), "at swap %u", i);
	}
	cr_assert_eq(failures, 0);
	support_audit(a);
	txn_close(others);
	arena_close(other);
}
