/*
 * How long requests take, for who wants to know of slow ones.
 *
 * A clock is read at the end of each request, or of several that are executed
 * in one go, which is the beginning of the next.  All turns together are
 * bounded in time, so it would be read after each of them anyway: a turn that
 * has executed something need not.  Hence a client that sends one request at a
 * time costs no reading more.  What a request is said to have taken includes
 * that its bytes were read and, if it is the first of a turn, that the answers
 * of the turn before were sent.
 */

#include "server/clock.h"
#include "server/conn_state.h"
#include "server/redis_slowlog.h"

void
conns_set_time(struct conns *set, uint64_t now_us)
{
	set->clock_us = now_us;
	set->clock_stale = false;
	set->measures = redis_slower_than(set->env->inherit->agreed) >= 0;
	set->now_ms = set->sessions.now_ms = now_us / 1000;
}

static void
read_clock(struct conns *set)
{
	set->clock_us = clock_us();
	set->clock_stale = false;
}

bool
conns_begin_request(struct conns *set)
{
	if (set->measures && set->clock_stale)
		read_clock(set);
	return set->measures;
}

bool
conns_end_piece(struct conns *set, uint64_t *took_us)
{
	uint64_t began_us = set->clock_us;
	int64_t limit_us = redis_slower_than(set->env->inherit->agreed);

	read_clock(set);
	set->clock_moved = true;
	*took_us = set->clock_us - began_us;
	return limit_us >= 0 && *took_us >= (uint64_t)limit_us;
}

void
conns_end_request(struct conns *set, const struct session *session,
    const struct call *call)
{
	uint64_t took_us;

	if (conns_end_piece(set, &took_us))
		redis_note_slow(call, session, took_us);
}

uint64_t
conns_end_turn_ms(struct conns *set)
{
	if (!set->clock_moved)
		read_clock(set);
	set->clock_moved = false;
	return set->clock_us / 1000;
}
