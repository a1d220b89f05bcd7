#include <criterion/criterion.h>

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shm/bucket.h"
#include "shm/handle.h"
#include "shm/huge.h"
#include "shm/pair.h"
#include "support.h"

#define MB	(UINT64_C(1) << 20)

TestSuite(arena, .fini = support_fini);

static int
open_raw(void)
{
	char path[128];

	snprintf(path, sizeof(path), "/kvd.%s", support_arena_name());
	return shm_open(path, O_RDWR, 0);
}

/* Change bytes of the header, as another version or a disk might have. */
static void
patch_header(size_t at, const void *bytes, size_t len)
{
	int fd = open_raw();

	cr_assert_neq(fd, -1);
	cr_assert_eq(pwrite(fd, bytes, len, (off_t)at), (ssize_t)len);
	close(fd);
}

static enum arena_error
attach(void)
{
	struct arena *again = NULL;
	enum arena_error error;

	error = arena_attach(&again, support_arena_name(), geteuid());
	arena_close(again);
	return error;
}

Test(arena, holds_after_attaching_what_was_put_before_closing)
{
	struct arena *a = support_named_arena(8 * MB, 2, 64 * 1024), *again;
	struct pair p = { support_bytes("milk"), support_bytes("1"), 0 };
	char buf[8];
	size_t len;

	cr_assert_eq(bucket_create(a, support_bytes("shopping")), SHM_OK);
	cr_assert_eq(pair_put(a, support_bytes("shopping"), &p, NULL),
	    SHM_OK);
	cr_assert_eq(arena_attach(&again, support_arena_name(), geteuid()),
	    ARENA_OK);
	cr_assert_str_eq(arena_uuid(again), arena_uuid(a));
	cr_assert_eq(strlen(arena_uuid(a)), 36);
	cr_assert_eq(pair_get(again, support_bytes("shopping"),
	    support_bytes("milk"), buf, sizeof(buf), &len, NULL), SHM_OK);
	cr_assert(len == 1 && buf[0] == '1');
	support_audit(again);
	arena_close(again);
}

/* Bytes of our mappings of shared memory that are in huge pages. */
static unsigned long
huge_kb(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	unsigned long kb = 0;
	char line[128];

	cr_assert_not_null(file);
	while (fgets(line, sizeof(line), file) != NULL)
		(void)sscanf(line, "ShmemPmdMapped: %lu", &kb);
	fclose(file);
	return kb;
}

/* Are there any for who asks for them, of memory like that of an arena? */
static bool
has_huge_pages(void)
{
	int fd = memfd_create("huge", MFD_CLOEXEC);
	bool has = false;
	void *p;

	cr_assert_neq(fd, -1);
	cr_assert_eq(ftruncate(fd, (off_t)HUGE_BYTES), 0);
	p = huge_map(fd, HUGE_BYTES, PROT_READ | PROT_WRITE);
	cr_assert_neq(p, MAP_FAILED);
	*(char *)p = 1;
	has = madvise(p, HUGE_BYTES, 25 /* MADV_COLLAPSE */) == 0;
	munmap(p, HUGE_BYTES);
	close(fd);
	return has;
}

Test(arena, of_large_segments_stands_in_huge_pages_where_there_are_any)
{
	struct arena *a = support_named_arena(64 * MB, 2, 2 * MB), *reader;
	struct bytes name = support_bytes("b");
	struct bucket_stat stat;
	bool has = has_huge_pages();

	cr_assert_eq(a->segments_off % HUGE_BYTES, 0);
	cr_assert_eq((uintptr_t)a->base % HUGE_BYTES, 0);
	cr_assert_eq(bucket_create(a, name), SHM_OK);
	cr_assert(!has || huge_kb() > 0);
	support_close();
	cr_assert_eq(huge_kb(), 0);
	cr_assert_eq(arena_attach_reader(&reader, support_arena_name(), NULL),
	    ARENA_OK);
	cr_assert_eq(bucket_stat(reader, name, &stat), SHM_OK);
	cr_assert(!has || huge_kb() > 0);
	arena_close(reader);
}

Test(arena, is_not_made_twice)
{
	struct arena_params p = {
		.name = support_arena_name(), .memory_bytes = 8 * MB
	};
	struct arena *a;

	support_named_arena(8 * MB, 0, 0);
	cr_assert_eq(arena_create(&a, &p), ARENA_EXISTS);
	cr_assert_eq(attach(), ARENA_OK, "the first one is untouched");
}

Test(arena, is_missing_when_nobody_made_it)
{
	cr_assert_eq(attach(), ARENA_MISSING);
	cr_assert_eq(arena_holder(support_arena_name()), 0);
}

Test(arena, of_another_layout_is_refused)
{
	uint64_t other = 1;

	support_named_arena(8 * MB, 0, 0);
	patch_header(offsetof(struct superblock, layout_hash), &other, 8);
	cr_assert_eq(attach(), ARENA_OTHER_LAYOUT);
}

Test(arena, of_another_version_is_refused)
{
	uint64_t other = LAYOUT_VERSION + 1;

	support_named_arena(8 * MB, 0, 0);
	patch_header(offsetof(struct superblock, version), &other, 8);
	cr_assert_eq(attach(), ARENA_OTHER_LAYOUT);
}

Test(arena, of_another_boot_is_refused)
{
	support_named_arena(8 * MB, 0, 0);
	patch_header(offsetof(struct superblock, boot_id), "x", 1);
	cr_assert_eq(attach(), ARENA_OTHER_BOOT);
}

Test(arena, of_another_pid_namespace_is_refused)
{
	uint64_t other = 0;

	support_named_arena(8 * MB, 0, 0);
	patch_header(offsetof(struct superblock, pidns) + 8, &other, 8);
	cr_assert_eq(attach(), ARENA_OTHER_PIDNS);
}

Test(arena, of_another_user_is_refused)
{
	struct arena *again;

	support_named_arena(8 * MB, 0, 0);
	cr_assert_eq(arena_attach(&again, support_arena_name(),
	    geteuid() + 1), ARENA_OTHER_USER);
}

Test(arena, without_its_magic_was_never_completed)
{
	uint64_t none = 0;

	support_named_arena(8 * MB, 0, 0);
	patch_header(offsetof(struct superblock, magic), &none, 8);
	cr_assert_eq(attach(), ARENA_UNFINISHED);
}

Test(arena, with_any_header_word_changed_is_refused)
{
	uint64_t right, wrong;
	size_t at;
	int fd;

	support_named_arena(8 * MB, 4, 64 * 1024);
	fd = open_raw();
	for (at = 0; at < offsetof(struct superblock, hash_seed); at += 8) {
		cr_assert_eq(pread(fd, &right, 8, (off_t)at), 8);
		wrong = ~right;
		cr_assert_eq(pwrite(fd, &wrong, 8, (off_t)at), 8);
		cr_assert_neq(attach(), ARENA_OK, "word at %zu", at);
		cr_assert_eq(pwrite(fd, &right, 8, (off_t)at), 8);
	}
	close(fd);
	cr_assert_eq(attach(), ARENA_OK);
}

Test(arena, truncated_is_refused)
{
	int fd;

	support_named_arena(8 * MB, 0, 0);
	fd = open_raw();
	cr_assert_eq(ftruncate(fd, 100), 0);
	cr_assert_eq(attach(), ARENA_NOT_AN_ARENA);
	cr_assert_eq(ftruncate(fd, 4 * MB), 0);
	cr_assert_eq(attach(), ARENA_NOT_AN_ARENA);
	/* The first mapping must not be touched any more. */
	cr_assert_eq(ftruncate(fd, 8 * MB), 0);
	close(fd);
}

Test(arena, refuses_impossible_parameters)
{
	static const struct {
		struct arena_params	p;
		enum arena_error	error;
	} cases[] = {
		{ { "x", 8 * MB, 0, 3, 0 }, ARENA_BAD_PARAMS },
		{ { "x", 8 * MB, 0, 2048, 0 }, ARENA_BAD_PARAMS },
		{ { "x", 8 * MB, 0, 0, 100000 }, ARENA_BAD_PARAMS },
		{ { "x", 8 * MB, 4 * MB, 0, 64 * 1024 }, ARENA_BAD_PARAMS },
		{ { "x", 256 * 1024, 0, 0, 0 }, ARENA_TOO_SMALL },
		{ { "x", 0, 0, 0, 0 }, ARENA_TOO_SMALL },
		{ { "x", UINT64_MAX, 0, 0, 0 }, ARENA_BAD_PARAMS },
		{ { "a/b", 8 * MB, 0, 0, 0 }, ARENA_ERRNO },
		{ { "", 8 * MB, 0, 0, 0 }, ARENA_ERRNO }
	};
	struct arena *a;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_assert_eq(arena_create(&a, &cases[i].p), cases[i].error,
		    "case %zu", i);
}

Test(arena, chooses_a_segment_that_holds_the_largest_value)
{
	struct arena_params p = {
		.name = support_arena_name(), .memory_bytes = 64 * MB,
		.value_max_bytes = 3 * MB
	};
	struct arena *a;

	cr_assert_eq(arena_create(&a, &p), ARENA_OK);
	cr_assert_eq(arena_value_max(a), 3 * MB);
	cr_assert_geq(arena_segment_bytes(a), 3 * MB + PAIR_KEY_MAX);
	arena_close(a);
}

Test(arena, larger_than_dev_shm_says_so_and_leaves_nothing)
{
	struct arena_params p = {
		.name = support_arena_name(),
		.memory_bytes = UINT64_C(1) << 46,
		.segment_bytes = PAGE_BYTES
	};
	struct arena *a;

	/* Its table alone is larger than any machine's memory. */
	cr_assert_eq(arena_create(&a, &p), ARENA_NO_SPACE);
	cr_assert_eq(attach(), ARENA_MISSING);
}

Test(arena, is_claimed_by_one_process_until_it_exits)
{
	struct arena *a = support_named_arena(8 * MB, 0, 0);
	int up[2], down[2], status;
	pid_t pid;
	char c = 0;

	cr_assert_eq(pipe(up), 0);
	cr_assert_eq(pipe(down), 0);
	arena_unclaim(a);
	if ((pid = support_fork()) == 0) {
		c = arena_claim(a) == 0 ? 'y' : 'n';
		arena_show_change(a, true);
		if (write(up[1], &c, 1) == 1 && read(down[0], &c, 1) == 1)
			_exit(0);
		_exit(1);
	}
	cr_assert_eq(read(up[0], &c, 1), 1);
	cr_assert_eq(c, 'y');
	cr_assert_eq(arena_claim(a), pid);
	cr_assert_eq(arena_holder(support_arena_name()), pid);
	cr_assert(arena_is_changing(support_arena_name()));
	cr_assert_eq(write(down[1], "", 1), 1);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	cr_assert(!arena_is_changing(support_arena_name()));
	cr_assert_eq(arena_claim(a), 0);
}

Test(arena, belongs_to_its_maker_from_the_start)
{
	struct arena *a = support_named_arena(8 * MB, 0, 0);
	int status;
	pid_t pid;

	if ((pid = support_fork()) == 0)
		_exit(arena_claim(a) == getppid() ? 0 : 1);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
}

Test(arena, is_held_by_a_family_until_the_last_of_it_is_gone)
{
	struct arena *a = support_named_arena(8 * MB, 0, 0), *again;
	int status, down[2];
	pid_t pid;
	char c;

	cr_assert(arena_hold(a));
	cr_assert_eq(arena_attach(&again, support_arena_name(), geteuid()),
	    ARENA_OK);
	cr_assert(!arena_hold(again));
	cr_assert_eq(pipe(down), 0);
	if ((pid = support_fork()) == 0)
		_exit(read(down[0], &c, 1) == 1 ? 0 : 1);
	support_close();
	cr_assert(!arena_hold(again), "the child has it");
	cr_assert_eq(write(down[1], "", 1), 1);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	cr_assert(arena_hold(again));
	arena_close(again);
}

Test(arena, deals_buckets_to_all_shards)
{
	struct arena *a = support_arena(16 * MB, 16, 64 * 1024);
	unsigned seen[16] = { 0 }, i;
	char name[16];

	for (i = 0; i < 1600; i++) {
		snprintf(name, sizeof(name), "b%u", i);
		seen[arena_shard_of(a, support_bytes(name))]++;
	}
	for (i = 0; i < 16; i++)
		cr_assert(seen[i] > 50 && seen[i] < 200);
	cr_assert_eq(arena_shard_of(a, support_bytes("{x}1")),
	    arena_shard_of(a, support_bytes("{x}2")));
}
