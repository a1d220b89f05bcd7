/*
 * When the system has no more memory for /dev/shm.  Each test sees a small
 * one of its own, in a mount namespace; where that is not allowed it is
 * skipped.
 */

#include <criterion/criterion.h>

#include <sys/mount.h>

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shm/bucket.h"
#include "shm/pair.h"
#include "support.h"

#define MB	(UINT64_C(1) << 20)

TestSuite(space, .fini = support_fini);

static void
shrink_dev_shm(const char *size)
{
	int flags = CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER);

	if (unshare(flags) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("tmpfs", "/dev/shm", "tmpfs", 0, size) == -1)
		cr_skip_test("no mount namespace to be had");
}

Test(space, too_little_for_an_arena_is_said_and_leaves_nothing)
{
	struct arena_params p = {
		.name = support_arena_name(), .memory_bytes = 64 * MB
	};
	struct arena *a;

	shrink_dev_shm("size=1m");
	cr_assert_eq(arena_create(&a, &p), ARENA_NO_SPACE);
	cr_assert_eq(arena_attach(&a, p.name, geteuid()), ARENA_MISSING);
}

static enum shm_status
put(struct arena *a, unsigned i)
{
	static char value[1000];
	char key[16];
	struct pair p = { { key, 0 }, { value, sizeof(value) }, 0 };

	p.key.len = (size_t)snprintf(key, sizeof(key), "k%u", i);
	return pair_put(a, support_bytes("b"), &p, NULL);
}

static enum shm_status
take_out(struct arena *a, unsigned i)
{
	char key[16];

	snprintf(key, sizeof(key), "k%u", i);
	return pair_delete(a, support_bytes("b"), support_bytes(key));
}

/* The arena promises 64 MiB; the system has eight. */
Test(space, that_runs_out_later_is_a_full_arena_and_no_signal)
{
	enum shm_status s = SHM_OK;
	struct arena *a;
	unsigned i, n;
	char buf[1000];
	size_t len;

	shrink_dev_shm("size=8m");
	a = support_arena(64 * MB, 2, 256 * 1024);
	cr_assert_eq(bucket_create(a, support_bytes("b")), SHM_OK);
	for (n = 0; s == SHM_OK; n++)
		s = put(a, n);
	cr_assert_eq(s, SHM_FULL);
	n--;
	cr_assert(n > 2000 && n < 8000, "%u pairs", n);
	cr_assert_eq(pair_get(a, support_bytes("b"), support_bytes("k0"), buf,
	    sizeof(buf), &len, NULL), SHM_OK);
	for (i = 0; i < n; i++)
		cr_assert_eq(take_out(a, i), SHM_OK);
	for (i = 0; i < n / 2; i++)
		cr_assert_eq(put(a, i), SHM_OK);
	cr_assert_eq(bucket_drop(a, support_bytes("b")), SHM_OK);
	support_audit(a);
}
