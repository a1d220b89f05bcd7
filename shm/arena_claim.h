#ifndef KVD_SHM_ARENA_CLAIM_H
#define KVD_SHM_ARENA_CLAIM_H

/* What arena.c and arena_claim.c do for each other. */

/*
 * Open the object of an instance, with flags of open(2) and mode 0600.
 * Returns the descriptor, or -1 with errno.
 */
int arena_open_object(const char *instance, int flags);

/*
 * Claim the object open on fd, as arena_claim() does.  0, or -1 with errno:
 * EACCES or EAGAIN if another process has it.
 */
int arena_claim_object(int fd);

#endif
