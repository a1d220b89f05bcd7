#ifndef KVD_SERVER_PROCESS_H
#define KVD_SERVER_PROCESS_H

#include <sys/types.h>

#include <stdbool.h>

/* What the system tells of a process, see proc(5). */

/* R, S, D, T, ..., or 0 if there is none of that pid. */
char process_state(pid_t);

/* Does a process of that pid run, be it whose it may? */
bool process_is_there(pid_t);

/*
 * Children of a master that died end by themselves after the request in hand,
 * unless one was stopped, or does not come back from it: so they are given
 * this time, and then killed.
 */
#define PROCESS_ORPHANS_MS	2000

/*
 * Kill an orphan, and say so in the log; unless the pid is by now that of a
 * process of another program, or of this one.
 */
void process_end_orphan(pid_t);

#endif
