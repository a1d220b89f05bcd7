#ifndef KVD_STEP_READER_H
#define KVD_STEP_READER_H

#include <sys/types.h>

#include "world.h"

/* Readers beside a change: they take no lock and see old or new. */

/* Which of the two an answer about a key was, where they differ. */
enum seen { SEEN_NOTHING, SEEN_OLD, SEEN_NEW };

/* One attempt, without a lock; false if it is to be made again. */
bool reader_try(const struct arena *, unsigned bucket, unsigned key,
    struct answer *);

/*
 * One attempt at every key, in the arena as it is: counted in the tally.
 * NULL, or what is wrong.  All answers together must be of before or of
 * after: *seen is which, if any of them tells.
 */
const char *reader_look(const struct arena *, const struct model *before,
    const struct model *after, enum seen *seen);

/*
 * A process that reads all keys over and over, until reader_stop(): an
 * answer must be the old one or the new one, and never the old one again
 * after the new one.  reader_stop() returns NULL, or what it saw instead.
 */
pid_t reader_start(struct arena *, const struct model *before,
    const struct model *after);
const char *reader_stop(pid_t);

#endif
