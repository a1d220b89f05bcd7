#ifndef KVD_STEP_PROVE_H
#define KVD_STEP_PROVE_H

#include "trace.h"
#include "world.h"

/* What may be found after a kill. */
struct proof {
	struct world		*w;	/* its model is of before */
	const struct op		*op;	/* the operation that was killed */
	const struct model	*after;
	bool			 changes; /* the two models differ */
	char			 wrong[384]; /* what was found instead */
};

/*
 * The arena holds what a killed process has left.  Readers look at it, the
 * locks are taken and what they protect is repaired, everything is audited
 * and compared with the model of before and after; then other operations
 * follow, and everything is audited and compared again.
 *
 * *verdict is in: VERDICT_OLD or VERDICT_NEW if it must be that, else
 * VERDICT_NONE; out: which it was.  (If the models are equal it is always
 * VERDICT_OLD.)  Returns false if something is wrong: see proof->wrong.
 */
bool prove_state(struct proof *, enum verdict *);

/* The same in a process of its own, forked for it. */
bool prove_elsewhere(struct proof *, enum verdict *);

/* Take and release every lock, as the first who comes by will: the repair. */
int prove_repair(const void *arena);

#endif
