/*
 * The roster: who is connected and what they listen to, at the desks of
 * several workers, seen by each.
 */

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
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

TestSuite(roster, .init = begin, .fini = end, .timeout = 60);

/* As another worker; each has its handle. */
static struct roster *
at_desk(unsigned desk)
{
	struct roster *other = roster_open(dup(roster_fd(r)));

	cr_assert_not_null(other);
	roster_enter(other, desk);
	return other;
}

static struct slice
word(const char *text)
{
	return (struct slice){ (const uint8_t *)text, strlen(text) };
}

/* --- a pause --- */

Test(roster, knows_of_a_pause_until_it_ends)
{
	cr_assert(!roster_is_paused(r, true, 1000));
	roster_pause(r, 2000, false);
	cr_assert(roster_is_paused(r, true, 1999));
	cr_assert(roster_is_paused(r, false, 1999));
	cr_assert(!roster_is_paused(r, true, 2000));
}

Test(roster, knows_of_a_pause_of_changes_alone)
{
	roster_pause(r, 2000, true);
	cr_assert(roster_is_paused(r, true, 1000));
	cr_assert(!roster_is_paused(r, false, 1000));
	roster_pause(r, 0, false);
	cr_assert(!roster_is_paused(r, true, 1000));
}

/* --- clients --- */

static uint64_t
sum_of_ids(size_t *n)
{
	struct roster_walk walk = { .desk = 0 };
	struct roster_client c;
	uint64_t sum = 0;

	for (*n = 0; roster_next(r, &walk, &c); ++*n)
		sum += c.id;
	return sum;
}

Test(roster, numbers_clients_over_all_desks)
{
	struct roster *other = at_desk(7);

	cr_assert_eq(roster_next_id(r), 1);
	cr_assert_eq(roster_next_id(other), 2);
	cr_assert_eq(roster_next_id(r), 3);
	roster_close(other);
}

Test(roster, lists_clients_of_all_desks)
{
	struct roster *other = at_desk(7);
	uint32_t place;
	size_t n;

	roster_add(r, 1);
	place = roster_add(other, 2);
	roster_add(other, 4);
	cr_assert_eq(sum_of_ids(&n), 7);
	cr_assert_eq(n, 3);
	roster_remove(other, place);
	cr_assert_eq(sum_of_ids(&n), 5);
	cr_assert_eq(n, 2);
	cr_assert_eq(roster_add(other, 8), place);
	roster_close(other);
}

Test(roster, shows_what_was_written)
{
	struct roster_walk walk = { .desk = 0 };
	struct roster_client c, *mine;
	uint32_t place = roster_add(r, 5);

	mine = roster_write(r, place);
	strcpy(mine->name, "me");
	mine->fd = 12;
	roster_wrote(r, place);
	cr_assert(roster_next(r, &walk, &c));
	cr_assert_str_eq(c.name, "me");
	cr_assert_eq(c.fd, 12);
	cr_assert(roster_again(r, &walk, 5, &c));
	cr_assert(!roster_again(r, &walk, 6, &c));
	/* Whoever comes next to that place begins with nothing. */
	roster_remove(r, place);
	roster_add(r, 6);
	cr_assert(roster_again(r, &walk, 6, &c));
	cr_assert_str_eq(c.name, "");
}

Test(roster, is_not_waited_for_while_somebody_stopped_in_the_midst_of_it)
{
	uint32_t place;
	size_t n;

	roster_add(r, 1);
	place = roster_add(r, 2);
	roster_write(r, place);
	cr_assert_eq(sum_of_ids(&n), 1);
	roster_wrote(r, place);
	cr_assert_eq(sum_of_ids(&n), 3);
}

Test(roster, has_an_end)
{
	uint32_t i;
	size_t n;

	for (i = 0; i < ROSTER_CLIENTS_MAX; i++)
		cr_assert_neq(roster_add(r, i + 1), ROSTER_NO_PLACE);
	cr_assert_eq(roster_add(r, i + 1), ROSTER_NO_PLACE);
	sum_of_ids(&n);
	cr_assert_eq(n, ROSTER_CLIENTS_MAX);
	roster_remove(r, 5);
	cr_assert_eq(roster_add(r, i + 1), 5);
}

Test(roster, condemns_a_client_once)
{
	struct roster_walk walk = { .desk = 0 };
	struct roster *other = at_desk(1);
	struct roster_client c;
	uint32_t place = roster_add(other, 3);
	size_t n;

	cr_assert(!roster_was_called(other));
	cr_assert(roster_next(r, &walk, &c));
	cr_assert(!roster_condemn(r, &walk, 2));
	cr_assert(roster_condemn(r, &walk, c.id));
	cr_assert(!roster_condemn(r, &walk, c.id));
	cr_assert_eq(sum_of_ids(&n), 0);
	cr_assert(!roster_was_called(r));
	cr_assert(roster_was_called(other) && !roster_was_called(other));
	cr_assert(roster_is_condemned(other, place));
	/* The next one at that place is not meant. */
	roster_remove(other, place);
	cr_assert_eq(roster_add(other, 4), place);
	cr_assert(!roster_is_condemned(other, place));
	cr_assert(!roster_condemn(r, &walk, 3));
	cr_assert(!roster_is_condemned(other, place));
	roster_close(other);
}

/* --- death, and the next program --- */

Test(roster, forgets_who_died_in_the_midst_of_a_change)
{
	uint32_t place;
	size_t n;
	int status;
	pid_t pid;

	cr_assert_neq(pid = fork(), -1);
	if (pid == 0) {
		roster_enter(r, 3);
		roster_add(r, 1);
		place = roster_add(r, 2);
		roster_hear(r, ROSTER_NAME, word("a"));
		roster_write(r, place);
		roster_break(&roster_our_desk(r)->seal);
		raise(SIGKILL);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(sum_of_ids(&n), 1);
	cr_assert_eq(roster_listeners(r, ROSTER_NAME, word("a")), 0);
	roster_clear(r, 3);
	cr_assert_eq(sum_of_ids(&n), 0);
	cr_assert_eq(roster_count(r, ROSTER_NAME), 0);
	roster_enter(r, 3);
	roster_add(r, 9);
	cr_assert(roster_hear(r, ROSTER_NAME, word("a")));
	cr_assert_eq(sum_of_ids(&n), 9);
	cr_assert_eq(roster_receivers(r, word("a")), 1);
}

Test(roster, forgets_who_died_before_anything_was_there)
{
	roster_break(&roster_our_desk(r)->seal);
	roster_clear(r, 0);
	cr_assert_eq(roster_look(&roster_our_desk(r)->seal) % 2, 0);
}

static long
blocks(void)
{
	struct stat st;

	cr_assert_eq(fstat(roster_fd(r), &st), 0);
	return st.st_blocks;
}

Test(roster, takes_the_memory_that_is_used_and_gives_it_back)
{
	long before = blocks(), full;
	int i;

	cr_assert_lt(before, 4096);
	for (i = 0; i < 10000; i++)
		roster_add(r, (uint64_t)i + 1);
	full = blocks();
	cr_assert_gt(full, before + 10000);
	roster_clear(r, 0);
	cr_assert_leq(blocks(), before + 16);
}

Test(roster, goes_on_with_the_next_program)
{
	struct roster *next;
	int pipe_ends[2];
	size_t n;

	roster_add(r, roster_next_id(r));
	next = roster_open(dup(roster_fd(r)));
	cr_assert_not_null(next);
	cr_assert_eq(roster_next_id(next), 2);
	roster_enter(next, 4);
	roster_add(next, 2);
	cr_assert_eq(sum_of_ids(&n), 3);
	roster_close(next);
	/* What is none of ours is not taken. */
	cr_assert_eq(pipe(pipe_ends), 0);
	cr_assert_not_null(next = roster_open(pipe_ends[0]));
	cr_assert_eq(roster_next_id(next), 1);
	roster_close(next);
	close(pipe_ends[1]);
	r->memory->kind++;
	cr_assert_not_null(next = roster_open(dup(roster_fd(r))));
	cr_assert_eq(roster_next_id(next), 1);
	roster_close(next);
}

/* --- what they listen to --- */

Test(roster, counts_who_hears_a_message)
{
	struct roster *other = at_desk(5);

	roster_hear(r, ROSTER_NAME, word("news"));
	roster_hear(other, ROSTER_NAME, word("news"));
	roster_hear(other, ROSTER_NAME, word("news"));
	roster_hear(other, ROSTER_PATTERN, word("n*"));
	roster_hear(r, ROSTER_PATTERN, word("*s"));
	roster_hear(r, ROSTER_PATTERN, word("x*"));
	cr_assert_eq(roster_receivers(r, word("news")), 5);
	cr_assert_eq(roster_receivers(other, word("news")), 5);
	cr_assert_eq(roster_receivers(other, word("n*")), 1);
	cr_assert_eq(roster_receivers(r, word("")), 0);
	cr_assert_eq(roster_listeners(r, ROSTER_NAME, word("news")), 3);
	cr_assert_eq(roster_listeners(r, ROSTER_PATTERN, word("n*")), 1);
	roster_unhear(other, ROSTER_NAME, word("news"));
	roster_unhear(r, ROSTER_PATTERN, word("*s"));
	roster_unhear(r, ROSTER_PATTERN, word("nothing"));
	cr_assert_eq(roster_receivers(r, word("news")), 3);
	roster_clear(r, 5);
	cr_assert_eq(roster_receivers(r, word("news")), 1);
	cr_assert_eq(roster_receivers(other, word("xs")), 1);
	roster_close(other);
}

Test(roster, keeps_what_it_prepared_of_patterns_and_forgets_the_rest)
{
	char text[16];
	int i;

	for (i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "%d*", i);
		roster_hear(r, ROSTER_PATTERN, word(text));
		/* 1*, and 12* with 12. */
		cr_assert_eq(roster_receivers(r, word("12")),
		    (i >= 1) + (i >= 12));
	}
	for (i = 0; i < 100; i += 3) {
		snprintf(text, sizeof(text), "%d*", i);
		roster_unhear(r, ROSTER_PATTERN, word(text));
		cr_assert_eq(roster_receivers(r, word("12")),
		    1 + (i < 12));
	}
	roster_hear(r, ROSTER_PATTERN, word("12*"));
	roster_hear(r, ROSTER_PATTERN, word("12*"));
	cr_assert_eq(roster_receivers(r, word("12")), 3);
	cr_assert_eq(roster_count(r, ROSTER_PATTERN), 67);
}

static char seen[256];

static void
see(void *arg, struct slice name)
{
	(void)arg;
	snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%.*s,",
	    (int)name.len, name.data);
}

Test(roster, names_each_channel_once)
{
	struct roster *other = at_desk(1), *third = at_desk(2);

	roster_hear(r, ROSTER_NAME, word("a"));
	roster_hear(r, ROSTER_NAME, word("b"));
	roster_hear(other, ROSTER_NAME, word("b"));
	roster_hear(other, ROSTER_NAME, word("c"));
	roster_hear(third, ROSTER_NAME, word("c"));
	roster_hear(third, ROSTER_NAME, word(""));
	roster_hear(third, ROSTER_PATTERN, word("d"));
	roster_each(other, ROSTER_NAME, see, NULL);
	cr_assert_str_eq(seen, "a,b,c,,");
	cr_assert_eq(roster_count(r, ROSTER_NAME), 4);
	cr_assert_eq(roster_count(r, ROSTER_PATTERN), 1);
	roster_close(other);
	roster_close(third);
}

Test(roster, keeps_names_of_any_length)
{
	static char name[5000];
	size_t len;

	for (len = 0; len < sizeof(name); len += len < 100 ? 1 : 97) {
		memset(name, 'x', len);
		cr_assert(roster_hear(r, ROSTER_NAME,
		    (struct slice){ (const uint8_t *)name, len }));
		cr_assert_eq(roster_receivers(r,
		    (struct slice){ (const uint8_t *)name, len }), 1);
		/* One that differs at the end is another one. */
		name[len] = 'y';
		cr_assert_eq(roster_receivers(r,
		    (struct slice){ (const uint8_t *)name, len + 1 }), 0);
	}
}

/* Of those that are told about, the odd ones stay; the even ones go. */
static void
count_and_remove(void *arg, struct slice name)
{
	static int gone;
	unsigned *stays = arg;
	char text[64];

	*stays += name.data[name.len - 1] % 2 == 1;
	snprintf(text, sizeof(text), "a-name-that-is-not-short-%d", gone);
	roster_unhear(r, ROSTER_NAME, word(text));
	roster_hear(r, ROSTER_NAME, word("comes again and again"));
	roster_unhear(r, ROSTER_NAME, word("comes again and again"));
	gone += 2;
}

Test(roster, names_all_that_stay_while_others_come_and_go)
{
	unsigned stays = 0;
	char name[64];
	int i;

	for (i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "a-name-that-is-not-short-%d", i);
		cr_assert(roster_hear(r, ROSTER_NAME, word(name)));
	}
	roster_each(r, ROSTER_NAME, count_and_remove, &stays);
	cr_assert_eq(stays, 5000);
	cr_assert_eq(roster_count(r, ROSTER_NAME), 5000);
}

Test(roster, has_no_room_for_more_than_its_cells)
{
	static char name[64 * 1024];
	struct slice s = { (const uint8_t *)name, sizeof(name) };
	uint32_t n = 0;

	for (; memcpy(name, &n, sizeof(n)), roster_hear(r, ROSTER_NAME, s);
	    n++)
		cr_assert_eq(roster_listeners(r, ROSTER_NAME, s), 1);
	cr_assert_gt(n, 300);
	cr_assert_eq(roster_listeners(r, ROSTER_NAME, s), 0);
	cr_assert_eq(roster_count(r, ROSTER_NAME), n);
	/* What failed has taken nothing. */
	n = 0;
	memcpy(name, &n, sizeof(n));
	roster_unhear(r, ROSTER_NAME, s);
	memcpy(name, "other", 5);
	cr_assert(roster_hear(r, ROSTER_NAME, s));
}

/* For ever, and as fast as it can. */
static void
come_and_go(struct roster *other)
{
	char name[64];
	uint32_t i, place;

	for (i = 0;; i++) {
		snprintf(name, sizeof(name), "%u-goes-as-soon-as-it-came",
		    i % 8);
		roster_hear(other, ROSTER_NAME, word(name));
		roster_hear(other, ROSTER_PATTERN, word(name));
		place = roster_add(other, 0x100000 + i % 8);
		roster_unhear(other, ROSTER_NAME, word(name));
		roster_unhear(other, ROSTER_PATTERN, word(name));
		roster_remove(other, place);
		/* It is stopped here rather than in the midst of it. */
		sched_yield();
	}
}

/* Who looks sees all that stays, always. */
Test(roster, is_read_while_it_is_written)
{
	struct roster *other = at_desk(1);
	uint32_t i;
	size_t n;
	pid_t pid;

	roster_hear(other, ROSTER_NAME, word("stays"));
	roster_add(other, 1000);
	cr_assert_neq(pid = fork(), -1);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		come_and_go(other);
	}
	for (i = 0; i < 20000; i++) {
		cr_assert_eq(roster_receivers(r, word("stays")), 1);
		cr_assert(sum_of_ids(&n) % 0x100000 >= 1000);
		seen[0] = '\0';
		roster_each(r, ROSTER_NAME, see, NULL);
		cr_assert_not_null(strstr(seen, "stays,"));
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	roster_close(other);
}
