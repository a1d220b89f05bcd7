#ifndef KVD_SHM_PAIR_RUN_H
#define KVD_SHM_PAIR_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "shm/pair.h"
#include "shm/pair_edit.h"

/*
 * Changes, sets or edits, that have nothing to do with each other but that they
 * come at the same time and belong to one shard.  They are done in their order
 * and happen at once: one lock, one intent.  So whoever reads sees those before
 * and not yet one of them, or all; a kill leaves none or all.
 */
#define PAIR_RUN_MAX	16	/* are done in one run, at most */

struct pair_step {
	struct bytes	bucket;		/* of the shard; see pair_set() */
	struct pair	pair;
	const struct ahead *ahead;	/* the same that was looked for, or */
					/* NULL; see ahead.h */
	bool		replace;	/* not done if it is not there, but */
					/* for strings, see pair_set_run() */
	struct pair_edit *edit;		/* decides what is put, or NULL */
	uint64_t	fingerprint;	/* of the request that wants it */
	bool		is_new;		/* told: the key was not there */
	uint64_t	revision;	/* told: of the change */
};

/*
 * Do the first of n steps, and return how many: *is_new and *revision of these
 * are what pair_set() says.  The next one is the caller's, to be done with
 * pair_set(), or pair_edit() if it has an edit, if none was; else to be tried
 * again as the first.  0 also if the shard is poisoned or found damaged: then
 * pair_set() says so.  For a step that cannot be done ends the run, and so does
 * one that takes more than there is at hand: another segment, of the log or of
 * lines, the first line of a bucket, a split.
 *
 * A step with an edit is not done if the pair is not there, nor if decide(),
 * which is called at most once, says anything but that a value of at most
 * pair.value.len bytes is to be put: which it is, instead of pair.value, and
 * the step has it then.  Revisions are told as they are of sets.
 *
 * One that shall only replace, of a key of the bucket without a name, is done
 * as well if there is no bucket that is called like the key, unless what is
 * there has expired: then there is more to be told, and to be done, than that
 * it was set.
 *
 * slot is the caller's own on the board, see board.h.  While the bytes of a
 * step are looked at and copied its fingerprint stands there, so that a crash
 * is laid on the right request; that of the last one stays.
 */
size_t pair_set_run(struct arena *, uint32_t shard, unsigned slot,
    struct pair_step *, size_t n);

/*
 * The same of sets that belong together, of the one request that the board
 * shows already, so their fingerprints need not be given: all of them, or false
 * and nothing was done, which is so if n is more than one run does.  n > 0.
 */
bool pair_set_all(struct arena *, uint32_t shard, unsigned slot,
    struct pair_step *, size_t n);

#endif
