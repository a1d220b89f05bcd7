/*
 * Making room on behalf of a writer.  The work is bounded: one segment, or
 * as much as dismantling and moving takes to free one.
 */

#include "shm/room.h"

#include "shm/clean.h"
#include "shm/clock.h"
#include "shm/segment.h"

/* Several segments' worth of small pieces of work. */
#define STEPS_MAX	65536

bool
room_make(struct arena *a)
{
	struct clean_state state = { .victim = 0 };
	struct clean_work work = { .segments_freed = 0 };
	uint64_t now_ms = clock_wall_ms();
	unsigned i;

	if (segment_back_one(a))
		return true;
	for (i = 0; i < STEPS_MAX && work.segments_freed == 0; i++)
		if (!clean_step(a, &state, &work, now_ms))
			break;
	return work.segments_freed > 0;
}
