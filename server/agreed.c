/*
 * Words that all workers see.  Each stands for itself: nobody is told a lie
 * who reads two of them from different moments, so none needs a lock, and a
 * process killed between two of them has left nothing half done.
 */

#include "server/agreed.h"

#include <sys/mman.h>

#include <stdatomic.h>
#include <stddef.h>

#define SAMPLE_MS	1000

#define LINE	64	/* bytes that move between processors together */

/* What every request reads is apart from what changes each second. */
struct agreed {
	_Atomic uint64_t	 setting[AGREED_SETTINGS];
	_Atomic bool		 is_set[AGREED_SETTINGS]; /* after that */
	_Atomic uint64_t	 counted_before[BOARD_COUNTERS];
	_Atomic uint64_t	 flushes;
	_Alignas(LINE) _Atomic uint64_t sampled_ms;
	_Atomic uint64_t	 sampled;		/* requests, then */
	_Atomic uint64_t	 per_second;
};

struct agreed *
agreed_open(void)
{
	struct agreed *a;

	a = mmap(NULL, sizeof(*a), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (a == MAP_FAILED)
		return NULL;
	return a;
}

void
agreed_close(struct agreed *a)
{
	munmap(a, sizeof(*a));
}

void
agreed_set(struct agreed *a, unsigned setting, uint64_t value)
{
	a->setting[setting] = value;
	a->is_set[setting] = true;
}

bool
agreed_get(const struct agreed *a, unsigned setting, uint64_t *value)
{
	bool is_set = a->is_set[setting];

	if (is_set)
		*value = a->setting[setting];
	return is_set;
}

void
agreed_forget_settings(struct agreed *a)
{
	unsigned i;

	for (i = 0; i < AGREED_SETTINGS; i++)
		a->is_set[i] = false;
}

void
agreed_reset_counters(struct agreed *a, const struct arena *arena)
{
	unsigned i;

	for (i = 0; i < BOARD_COUNTERS; i++)
		a->counted_before[i] = board_sum(arena, i);
}

void
agreed_flush(struct agreed *a)
{
	a->flushes++;
}

uint64_t
agreed_flushes(const struct agreed *a)
{
	return atomic_load_explicit(&a->flushes, memory_order_relaxed);
}

/* A worker that ended may take what it had not published with it. */
uint64_t
agreed_count(const struct agreed *a, const struct arena *arena,
    enum board_counter which)
{
	uint64_t sum = board_sum(arena, which);
	uint64_t before = a->counted_before[which];

	return sum > before ? sum - before : 0;
}

/* Two who do so at once come to nearly the same. */
void
agreed_sample(struct agreed *a, const struct arena *arena, uint64_t now_ms)
{
	uint64_t then_ms = a->sampled_ms, then, now;

	if (now_ms < then_ms + SAMPLE_MS)
		return;
	then = a->sampled;
	now = board_sum(arena, BOARD_REQUESTS);
	a->sampled_ms = now_ms;
	a->sampled = now;
	if (then_ms != 0 && now >= then)
		a->per_second = (now - then) * 1000 / (now_ms - then_ms);
}

uint64_t
agreed_requests_per_second(const struct agreed *a)
{
	return a->per_second;
}
