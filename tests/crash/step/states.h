#ifndef KVD_STEP_STATES_H
#define KVD_STEP_STATES_H

#include "world.h"

/*
 * What scenarios.def has as the state before, states.c: changes of a world
 * that was just made.  And as candidates, candidates.c: what is tried in that
 * state, the i-th time.
 */
#define SCENARIO(name, segments, bytes, prepare, kind, candidate, ...) \
	void prepare(struct world *); \
	struct op candidate(const struct world *, unsigned i);
#include "scenarios.def"
#undef SCENARIO

#endif
