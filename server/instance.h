#ifndef KVD_SERVER_INSTANCE_H
#define KVD_SERVER_INSTANCE_H

#include <stdbool.h>

#include "server/config.h"
#include "shm/arena.h"

/* The instance's shared memory, as the master comes to it. */

/*
 * fatal(EX_TEMPFAIL, 75) with its pid if a running daemon holds the name;
 * if only children of one that died do, wait for their end, or end them.
 * To be asked before anything is opened that these may have or need.
 */
void instance_require_free(const struct config *);

/*
 * Adopt the arena that is there, or make one; with cold, make one in any
 * case.  It is claimed for this process.  fatal() otherwise: EX_TEMPFAIL (75)
 * claimed by another, EX_NOPERM (77) another user's, EX_OSERR (71) no memory,
 * EX_CONFIG (78) an arena or parameters that do not fit.
 */
struct arena *instance_open(const struct config *, bool cold);

/*
 * The same through the descriptor that a predecessor has handed over, who
 * still has the claim.  fatal() if we cannot work with that arena.
 */
struct arena *instance_inherit(const struct config *, int fd);

/*
 * Claim it, now that the predecessor lets it go or is dying; fatal() if it
 * does not within a second.
 */
void instance_claim_next(const struct config *, struct arena *);

#endif
