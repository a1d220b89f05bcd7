#ifndef KVD_STEP_EXAMINE_H
#define KVD_STEP_EXAMINE_H

#include "scenario.h"

/*
 * Kill the operation of a scenario at each of its instructions, and the
 * repair after it, and fail the test if anything is found wrong.  What was
 * tried goes into the tally.
 *
 * With KVD_STEP=all in the environment processes are really killed at every
 * instruction, and repairs recorded from every state, as far as time allows:
 * KVD_STEP_SECONDS for all scenarios together, half for each of the two.
 */
void examine(const struct scenario *);

#endif
