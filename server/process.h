#ifndef KVD_SERVER_PROCESS_H
#define KVD_SERVER_PROCESS_H

#include <sys/types.h>

#include <stdbool.h>

/* What the system tells of a process, see proc(5). */

/* R, S, D, T, ..., or 0 if there is none of that pid. */
char process_state(pid_t);

/* Does a process of that pid run, be it whose it may? */
bool process_is_there(pid_t);

/* A process of our program, but not this one? */
bool process_is_kvd(pid_t);

#endif
