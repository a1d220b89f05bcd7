/*
 * What of the supervision table needs no processes; those that there are have
 * tests of their own in tests/proc.
 */

#include <sys/resource.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/children.h"
#include "server/roster.h"
#include "shm/arena.h"
#include "tests/unit/server/scratch.h"

static struct config config;
static struct inherit common;
static char name[64], errors[4096];

static void
begin(void)
{
	const struct arena_params params = {
		.name = name, .memory_bytes = 16 << 20
	};

	snprintf(name, sizeof(name), "test.children.%d", (int)getpid());
	cr_assert_eq(arena_create(&common.arena, &params), ARENA_OK);
	common.config = &config;
	cr_assert_not_null(common.roster = roster_open(-1));
	common.master = getpid();
}

static void
end(void)
{
	roster_close(common.roster);
	arena_close(common.arena);
	arena_unlink(name);
}

TestSuite(children, .init = begin, .fini = end, .timeout = 60);

static void
no_child_must_start(void *arg)
{
	(void)arg;
	_exit(99);
}

/* Descriptors for some of the slots, but not for all. */
static void
begin_without_descriptors(void)
{
	const struct rlimit few = { 16, 16 };
	struct children *all = children_open(&common, no_child_must_start,
	    NULL);

	if (all == NULL || setrlimit(RLIMIT_NOFILE, &few) == -1)
		_exit(1);
	if (children_begin(all, 20))
		_exit(2);
	if (children_coming(all) != CHILDREN_NONE)
		_exit(3);
	if (children_running(all) != 0 || children_have_slot(all,
	    BOARD_WORKER_SLOT))
		_exit(4);
	children_close(all);
	_exit(0);
}

Test(children, begin_all_or_none_of_a_generation)
{
	cr_assert_eq(scratch_run(begin_without_descriptors, errors,
	    sizeof(errors)), 0, "%s", errors);
}

static void
begin_without_slots(void)
{
	struct children *all = children_open(&common, no_child_must_start,
	    NULL);
	unsigned slot;

	for (slot = 1; slot < BOARD_WORKERS_MAX; slot++)
		children_spare_slot(all, slot);
	if (children_begin(all, 2) || children_running(all) != 0)
		_exit(1);
	children_free_slots(all);
	if (children_have_slot(all, BOARD_WORKER_SLOT))
		_exit(2);
	children_close(all);
	_exit(0);
}

Test(children, begin_nothing_in_slots_of_another_master)
{
	cr_assert_eq(scratch_run(begin_without_slots, errors,
	    sizeof(errors)), 0, "%s", errors);
}
