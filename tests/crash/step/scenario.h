#ifndef KVD_STEP_SCENARIO_H
#define KVD_STEP_SCENARIO_H

#include "facts.h"

/*
 * An operation on an arena in a state in which it does something of interest.
 * The state is prepared and then searched: candidates are run one after the
 * other until one of them is of the right kind and does all that is asked
 * for, and the world is put back to the moment before it.
 */
struct scenario {
	const char	*name;
	unsigned	 segments, segment_bytes;
	void		(*prepare)(struct world *);
	enum op_kind	 kind;
	struct op	(*candidate)(const struct world *, unsigned i);
	uint32_t	 happens;	/* all of these */
	uint32_t	 never;		/* none of these */
};

enum scenario_number {
#define SCENARIO(name, segments, bytes, prepare, kind, candidate, happens, \
    never) SCENARIO_##name,
#include "scenarios.def"
#undef SCENARIO
	SCENARIOS
};

extern const struct scenario scenarios[SCENARIOS];

/*
 * Make the world of a scenario; *op is what happens next in it, *status what
 * it will answer, *after the model after it.  Fails the test if no candidate
 * does what the scenario is about, or if one leaves the arena wrong.
 */
void scenario_begin(const struct scenario *, struct world *, struct op *,
    enum shm_status *, struct model *after);

#endif
