/*
 * Getting huge pages.  Shared memory has none unless an administrator says so
 * (shmem_enabled), but since Linux 6.1 a process may ask for one where there is
 * a small page already (MADV_COLLAPSE).
 *
 * This is done when a segment is backed, before it has any data: then nothing
 * is copied, nobody is kept waiting, and it is even faster than to back 512
 * small pages.  In a segment that is in use all who touch it would have to wait
 * for milliseconds.  No memory is spent, for a segment is backed as a whole
 * anyway, and stays so.
 *
 * To find 2 MiB in one piece can take long where memory is short or in pieces.
 * So a system that had none, or took long, is not asked for a while.  Long is
 * more than memory takes that a virtual machine has not touched yet: its host
 * has to find that first, 2 to 4 ms for 2 MiB, be the pages small or huge.
 */

#include "shm/huge.h"

#include <sys/mman.h>

#include <fcntl.h>
#include <time.h>

#include "shm/clock.h"
#include "shm/word.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define REFUSAL_LASTS_MS	10000
#define LONG_NS		20000000	/* of the processor, for one page */

void *
huge_map(int fd, uint64_t size_bytes, int access)
{
	uint64_t room = size_bytes + HUGE_BYTES, before;
	uint8_t *base, *p;

	/* The kernel aligns no mapping of shared memory for its own sake. */
	p = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return MAP_FAILED;
	before = -(uintptr_t)p & (HUGE_BYTES - 1);
	base = mmap(p + before, size_bytes, access, MAP_SHARED |
	    MAP_NORESERVE | MAP_FIXED, fd, 0);
	if (base == MAP_FAILED) {
		munmap(p, room);
		return MAP_FAILED;
	}
	if (before > 0)
		munmap(p, before);
	munmap(base + size_bytes, room - before - size_bytes);
	return base;
}

static bool
was_refused_lately(const struct arena *a, uint64_t now_ms)
{
	uint64_t then = word_load(&a->pool->huge_refused_ms);

	return then != 0 && now_ms >= then && now_ms - then < REFUSAL_LASTS_MS;
}

static uint64_t
spent_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static bool
back_page(const struct arena *a, arena_off at)
{
	uint64_t begun_ns = spent_ns();

	/* A range of nothing but holes cannot be collapsed. */
	return posix_fallocate(a->fd, (off_t)at, PAGE_BYTES) == 0 &&
	    madvise(arena_at(a, at), HUGE_BYTES, MADV_COLLAPSE) == 0 &&
	    spent_ns() - begun_ns < LONG_NS;
}

void
huge_back(const struct arena *a, arena_off segment)
{
	uint64_t now_ms = clock_wall_ms();
	arena_off at;

	if (a->segment_bytes < HUGE_BYTES || was_refused_lately(a, now_ms))
		return;
	for (at = segment; at < segment + a->segment_bytes; at += HUGE_BYTES)
		if (!back_page(a, at)) {
			word_store(&a->pool->huge_refused_ms, now_ms);
			return;
		}
}
