#ifndef KVD_SERVER_DEBUG_H
#define KVD_SERVER_DEBUG_H

#include "server/command.h"

/* Misbehaviour on demand, in builds for tests alone: see debug.c. */

/* The command DEBUG. */
void debug_execute(struct call *);

/*
 * In a worker that is about to serve: wait for as long as the file is there
 * that KVD_DEBUG_HOLD in the environment names, or until TERM.
 */
#ifdef KVD_DEBUG_COMMANDS
void debug_hold(const struct inherit *);
#else
static inline void
debug_hold(const struct inherit *in)
{
	(void)in;
}
#endif

#endif
