#ifndef KVD_TESTS_REDIS_GRAMMAR_H
#define KVD_TESTS_REDIS_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/redis/random.h"
#include "tests/redis/words.h"

/* One that kvd has, good or bad, and what is promised of the reply. */
enum likeness grammar_draw(struct random *, struct words *);

/*
 * One that may be a step of a transaction, whose reply then is a part of that
 * of EXEC: all of its keys are of one slot, and all of the reply is promised.
 */
void grammar_draw_step(struct random *, struct words *);

/* Is it a SET of what has expired already? */
bool grammar_is_fleeting(const struct words *);

/* Those that are said once, one after the other; false after the last. */
bool grammar_draw_once(struct random *, struct words *);

#endif
