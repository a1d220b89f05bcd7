/*
 * Making room on behalf of a writer.  The work is bounded: one segment, or
 * as much as dismantling and moving takes to free one.  Others may take what
 * was freed before the writer comes back, hence attempts, bounded as well.
 */

#include "shm/room.h"

#include "shm/clean.h"
#include "shm/clock.h"
#include "shm/pace.h"
#include "shm/segment.h"
#include "shm/word.h"

#define ATTEMPTS_MAX	64
#define STEPS_MAX	65536		/* several segments' worth of pieces */
#define SWEEPS_MAX	512		/* half a million records at most */

/*
 * A piece of the cleaner's work.  What has expired waits for the cleaner to
 * sweep it, but not when there is nothing else to be had; and who looks for it
 * in vain must not look as if he hangs.
 */
static bool
work_some(struct arena *a, struct clean_state *state, struct clean_work *work,
    uint64_t now_ms, unsigned *sweeps)
{
	return clean_step(a, state, work, now_ms) || ((*sweeps)++ <
	    SWEEPS_MAX && clean_sweep(a, state, work, now_ms, 1));
}

/* Clean until there is a free segment more than before. */
static bool
clean_until_freed(struct arena *a)
{
	uint64_t before = segment_count_free(a), now_ms = clock_wall_ms();
	struct clean_state state = { .shard = 0 };
	struct clean_work work = { .segments_freed = 0 };
	unsigned i, sweeps = 0;

	for (i = 0; i < STEPS_MAX; i++) {
		if (work.segments_freed > 0 || segment_count_free(a) > before)
			return true;
		if (!work_some(a, &state, &work, now_ms, &sweeps))
			break;
	}
	return work.segments_freed > 0 || segment_count_free(a) > before;
}

/* Is trying again worth while, for the attempt-th time from 0? */
static bool
make_room(struct arena *a, unsigned attempt)
{
	if (attempt == ATTEMPTS_MAX)
		return false;
	a->delays++;
	if (segment_back_one(a))
		return true;
	/* Somebody else may have made room since we asked. */
	if (attempt == 0 && segment_count_free(a) > segment_reserve(a) + 1)
		return true;
	return clean_until_freed(a);
}

/* How much was written since the hot head was at that place. */
static uint64_t
written_since(const struct held *h, arena_off was)
{
	uint64_t number = word_peek(&h->sh->hot_segment);
	arena_off at = word_peek(&h->sh->hot_pos), base;

	if (number == 0 || at == was)
		return 0;
	base = arena_segment_base(h->a, number - 1);
	return was >= base && was < at ? at - was : at - base;
}

enum shm_status
room_run(struct arena *a, uint32_t shard,
    enum shm_status (*op)(struct held *, void *), void *arg)
{
	enum shm_status status;
	unsigned attempt = 0;
	uint64_t written;
	struct held h;
	arena_off at;

	do {
		if (lock_shard(a, shard, &h) == LOCK_POISONED)
			return SHM_DAMAGED;
		at = word_peek(&h.sh->hot_pos);
		status = op(&h, arg);
		written = written_since(&h, at);
		if (h.broken)
			status = SHM_DAMAGED;
		lock_release(&h);
	} while (status == SHM_FULL && make_room(a, attempt++));
	pace_writer(a, shard, written);
	return status;
}
