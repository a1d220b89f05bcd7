/*
 * The ring of slow requests, written by several workers.
 */

#include <sys/wait.h>

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/roster_state.h"

static struct roster *r;

static void
begin(void)
{
	cr_assert_not_null(r = roster_open(-1));
	roster_enter(r, 0);
}

static void
end(void)
{
	roster_close(r);
}

TestSuite(roster_slow, .init = begin, .fini = end, .timeout = 60);

static void
note(struct roster *by, const char *text)
{
	struct slice word = { (const uint8_t *)text, strlen(text) };
	struct roster_slow facts = { .at_s = 7, .took_us = 8, .words = 1,
	    .addr = "addr", .name = "name" };

	roster_note_slow(by, &facts, &word);
}

Test(roster_slow, are_told_from_the_newest_on)
{
	struct roster *other = roster_open(dup(roster_fd(r)));
	struct roster_slow slow;

	roster_enter(other, 3);
	cr_assert(!roster_slow_before(r, UINT64_MAX, &slow));
	note(r, "first");
	note(other, "second");
	cr_assert_eq(roster_slow_count(r), 2);
	cr_assert(roster_slow_before(r, UINT64_MAX, &slow) && slow.id == 1);
	cr_assert_eq(slow.len[0], 6);
	cr_assert_eq(memcmp(slow.word[0], "second", 6), 0);
	cr_assert(slow.at_s == 7 && slow.took_us == 8 && slow.words == 1);
	cr_assert_str_eq(slow.addr, "addr");
	cr_assert_str_eq(slow.name, "name");
	cr_assert(roster_slow_before(r, 1, &slow) && slow.id == 0);
	cr_assert(!roster_slow_before(r, 0, &slow));
	/* They are not their worker's, but the node's. */
	roster_clear(r, 3);
	cr_assert_eq(roster_slow_count(r), 2);
	roster_close(other);
}

Test(roster_slow, are_forgotten_but_their_numbers_are_not)
{
	struct roster_slow slow;

	note(r, "first");
	roster_forget_slow(r);
	cr_assert_eq(roster_slow_count(r), 0);
	cr_assert(!roster_slow_before(r, UINT64_MAX, &slow));
	note(r, "second");
	cr_assert(roster_slow_before(r, UINT64_MAX, &slow) && slow.id == 1);
}

Test(roster_slow, make_room_for_newer_ones)
{
	struct roster_slow slow = { .id = UINT64_MAX };
	char text[200];
	uint64_t n = 0;
	int i;

	memset(text, 'x', sizeof(text));
	text[199] = '\0';
	for (i = 0; i < 3 * ROSTER_SLOW_MAX / 2; i++)
		note(r, text);
	cr_assert_eq(roster_slow_count(r), ROSTER_SLOW_MAX);
	while (roster_slow_before(r, slow.id, &slow)) {
		n++;
		cr_assert_eq(slow.id, 3 * ROSTER_SLOW_MAX / 2 - n);
		cr_assert_eq(slow.len[0], 199);
	}
	cr_assert_eq(n, ROSTER_SLOW_MAX);
}

/* At desk 5, all of it but the end: as one who is killed there. */
static void
die_while_writing(void)
{
	uint64_t id = atomic_fetch_add(&r->memory->slow_next, 1);

	r->memory->slow_state[id % ROSTER_SLOW_MAX] = (id + 1) << 10 |
	    5 << 1 | 1;
}

Test(roster_slow, are_not_told_of_before_they_are_written)
{
	struct roster_slow slow;
	int i;

	note(r, "first");
	die_while_writing();
	note(r, "third");
	cr_assert_eq(roster_slow_count(r), 2);
	cr_assert(roster_slow_before(r, 2, &slow) && slow.id == 0);
	/* Nobody writes there while it may yet be written. */
	for (i = 0; i < ROSTER_SLOW_MAX; i++)
		note(r, "more");
	cr_assert_eq(roster_slow_count(r), ROSTER_SLOW_MAX - 1);
	roster_clear(r, 4);
	roster_clear(r, 5);
	for (i = 0; i < ROSTER_SLOW_MAX; i++)
		note(r, "more");
	cr_assert_eq(roster_slow_count(r), ROSTER_SLOW_MAX);
}

Test(roster_slow, of_many_workers_are_all_told)
{
	enum { WORKERS = 4, EACH = 200 };
	int i, j, status;

	for (i = 0; i < WORKERS; i++)
		if (fork() == 0) {
			roster_enter(r, (unsigned)i);
			for (j = 0; j < EACH; j++)
				note(r, "slow");
			_exit(0);
		}
	for (i = 0; i < WORKERS; i++)
		cr_assert(wait(&status) > 0 && status == 0);
	cr_assert_eq(roster_slow_count(r), WORKERS * EACH);
}
