#include "support.h"

#include <criterion/criterion.h>

#include <sys/prctl.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shm/audit.h"
#include "shm/clean.h"

/*
 * Criterion keeps a few bytes to its end when a test has a time limit; the
 * leak checker asks the program for exceptions under this name.
 */
const char *__lsan_default_suppressions(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libcriterion";
}

static struct arena *arena;
static char name[64];

struct arena *
support_named_arena(uint64_t memory_bytes, uint32_t shards,
    uint32_t segment_bytes)
{
	struct arena_params p = {
		.name = support_arena_name(),
		.memory_bytes = memory_bytes,
		.shards = shards,
		.segment_bytes = segment_bytes
	};
	enum arena_error error = arena_create(&arena, &p);

	cr_assert_eq(error, ARENA_OK, "%s", arena_strerror(error));
	return arena;
}

struct arena *
support_arena(uint64_t memory_bytes, uint32_t shards, uint32_t segment_bytes)
{
	struct arena *a = support_named_arena(memory_bytes, shards,
	    segment_bytes);

	arena_unlink(support_arena_name());
	return a;
}

const char *
support_arena_name(void)
{
	snprintf(name, sizeof(name), "test.shm.%d", (int)getpid());
	return name;
}

void
support_close(void)
{
	arena_close(arena);
	arena = NULL;
}

void
support_fini(void)
{
	support_close();
	arena_unlink(support_arena_name());
}

void
support_audit(struct arena *a)
{
	struct audit_report r;

	cr_assert_eq(audit_arena(a, &r), 0);
	cr_assert_eq(r.errors, 0, "%lu errors, the first: %s", r.errors,
	    r.first_error);
}

pid_t
support_fork(void)
{
	pid_t parent = getpid(), pid = fork();

	cr_assert_neq(pid, -1);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

struct bytes
support_bytes(const char *s)
{
	return (struct bytes){ s, strlen(s) };
}

struct bytes
support_name_in(const struct arena *a, uint32_t shard, char buf[16])
{
	unsigned i = 0;

	do
		snprintf(buf, 16, "n%u", i++);
	while (arena_shard_of(a, support_bytes(buf)) != shard);
	return support_bytes(buf);
}

uint64_t
support_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

void
support_clean(struct arena *a)
{
	struct clean_state state = { .shard = 0 };
	struct clean_work work = { .segments_freed = 0 };

	while (clean_step(a, &state, &work, 0))
		;
}
