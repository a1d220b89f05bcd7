#ifndef KVD_TESTS_REDIS_DRAW_H
#define KVD_TESTS_REDIS_DRAW_H

#include "tests/redis/random.h"
#include "tests/redis/words.h"

/*
 * Words drawn at random, put behind those that are there.
 *
 * Time would tell the two servers apart: what expires does so a moment
 * earlier with one of them.  So a time to live is either over already or goes
 * on for hours; keys that really expire are the business of the test.
 */

/* What is as far away is hours away, in s and in ms. */
#define FAR	10000000

/* One of this kind, "key" for example; or that word itself. */
void draw_word(struct random *, const char *word, size_t len, struct words *);
/* One of any kind; and a verb that there is not. */
void draw_any(struct random *, struct words *);
void draw_odd_verb(struct random *, struct words *);

#endif
