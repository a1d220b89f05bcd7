#ifndef KVD_SERVER_PROCESS_H
#define KVD_SERVER_PROCESS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

/* What the system tells of a process, see proc(5). */

/* R, S, D, T, ..., or 0 if there is none of that pid. */
char process_state(pid_t);

/*
 * Does the process still run that had this pid at that time, in ms of the
 * monotonic clock?  A pid may be another's by now, but that one is younger.
 */
bool process_is_there(pid_t, uint64_t at_ms);

/*
 * Children of a master that died end by themselves after the request in hand,
 * unless one was stopped, or does not come back from it: so they are given
 * this time, and then killed.
 */
#define PROCESS_ORPHANS_MS	2000

/* Kill an orphan, if it is there, and say so in the log. */
void process_end_orphan(pid_t, uint64_t at_ms);

#endif
