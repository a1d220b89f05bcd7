/*
 * What a process remembers of the names of buckets, while others change
 * everything behind its back.  Two handles of one arena stand for two
 * processes: what one of them does, the other has not been told.
 */

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shm/bucket.h"
#include "shm/clean.h"
#include "shm/pair.h"
#include "support.h"

#define NAMES		300	/* more than are remembered, and grow */
#define STEPS		60000
#define LONG_NAME	70	/* bytes: too long to be remembered */

TestSuite(names, .fini = support_fini, .timeout = 120);

static struct arena *handles[2];

static void
open_both(void)
{
	enum arena_error error;

	handles[0] = support_named_arena(UINT64_C(16) << 20, 4, 64 * 1024);
	error = arena_attach(&handles[1], support_arena_name(), geteuid());
	cr_assert_eq(error, ARENA_OK, "%s", arena_strerror(error));
	arena_remember_names(handles[0]);
	arena_remember_names(handles[1]);
}

static enum shm_status
put(struct arena *a, const char *bucket, const char *value)
{
	struct pair p = { support_bytes("k"), support_bytes(value), 0 };

	return pair_put(a, support_bytes(bucket), &p, NULL);
}

static enum shm_status
get(struct arena *a, const char *bucket, char value[16])
{
	enum shm_status status;
	size_t len;

	status = pair_get(a, support_bytes(bucket), support_bytes("k"), value,
	    15, &len, NULL);
	value[status == SHM_OK ? len : 0] = '\0';
	return status;
}

Test(names, of_a_bucket_that_another_has_dropped_lead_nowhere, .init =
    open_both)
{
	char value[16];

	cr_assert_eq(bucket_create(handles[0], support_bytes("b")), SHM_OK);
	cr_assert_eq(put(handles[0], "b", "1"), SHM_OK);
	cr_assert_eq(get(handles[0], "b", value), SHM_OK);
	cr_assert_eq(bucket_drop(handles[1], support_bytes("b")), SHM_OK);
	cr_assert_eq(get(handles[0], "b", value), SHM_NO_BUCKET);
	cr_assert_eq(put(handles[0], "b", "2"), SHM_NO_BUCKET);
	arena_close(handles[1]);
}

Test(names, lead_to_the_bucket_that_another_has_made_anew, .init = open_both)
{
	char value[16];

	cr_assert_eq(bucket_create(handles[0], support_bytes("b")), SHM_OK);
	cr_assert_eq(put(handles[0], "b", "1"), SHM_OK);
	cr_assert_eq(bucket_drop(handles[1], support_bytes("b")), SHM_OK);
	cr_assert_eq(bucket_create(handles[1], support_bytes("b")), SHM_OK);
	cr_assert_eq(get(handles[0], "b", value), SHM_NO_KEY);
	cr_assert_eq(put(handles[0], "b", "2"), SHM_OK);
	cr_assert_eq(get(handles[1], "b", value), SHM_OK);
	cr_assert_str_eq(value, "2");
	arena_close(handles[1]);
}

/* --- everything at once --- */

struct model {
	bool	exists[NAMES];
	bool	has_key[NAMES];
	char	value[NAMES][16];
};

static uint64_t rng = 1;

static unsigned
pick(unsigned n)
{
	return (unsigned)(support_random(&rng) >> 33) % n;
}

static const char *
name_of(unsigned i)
{
	static char name[LONG_NAME + 1];

	snprintf(name, sizeof(name), "%0*u", i % 7 == 0 ? LONG_NAME : 6, i);
	return name;
}

static void
check_get(const struct model *m, unsigned i)
{
	char value[16];
	enum shm_status status = get(handles[pick(2)], name_of(i), value);

	cr_assert_eq(status, !m->exists[i] ? SHM_NO_BUCKET :
	    m->has_key[i] ? SHM_OK : SHM_NO_KEY, "%s: %s", name_of(i),
	    shm_strstatus(status));
	cr_assert(!m->has_key[i] || strcmp(value, m->value[i]) == 0);
}

static void
change(struct model *m, unsigned i, unsigned step)
{
	struct arena *a = handles[pick(2)];
	struct bytes name = support_bytes(name_of(i));
	char value[16];

	if (pick(3) == 0) {
		cr_assert_eq(bucket_create(a, name), SHM_OK);
		m->exists[i] = true;
	} else if (pick(3) == 0) {
		cr_assert_eq(bucket_drop(a, name), m->exists[i] ? SHM_OK :
		    SHM_NO_BUCKET);
		m->exists[i] = m->has_key[i] = false;
	} else {
		snprintf(value, sizeof(value), "%u", step);
		cr_assert_eq(put(a, name_of(i), value), m->exists[i] ?
		    SHM_OK : SHM_NO_BUCKET);
		m->has_key[i] = m->exists[i];
		memcpy(m->value[i], value, sizeof(value));
	}
}

/* Names that come and go split and merge the lines that they are found in. */
Test(names, are_right_while_buckets_come_and_go_and_are_moved, .init =
    open_both)
{
	static struct model m;
	struct clean_state state = { 0 };
	struct clean_work work = { 0 };
	unsigned step, i, range = NAMES;

	for (step = 0; step < STEPS; step++) {
		if (step % 5000 == 0)
			range = 1 + pick(NAMES);
		i = pick(range);
		if (pick(3) == 0)
			change(&m, i, step);
		else
			check_get(&m, i);
		(void)clean_step(handles[pick(2)], &state, &work, 0);
	}
	cr_assert_gt(work.records_moved, 0);
	support_audit(handles[0]);
	arena_close(handles[1]);
}
