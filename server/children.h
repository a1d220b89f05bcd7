#ifndef KVD_SERVER_CHILDREN_H
#define KVD_SERVER_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/role.h"

/*
 * The supervision table: which children there should be, which there are,
 * and what is done about the difference.  For the master alone.
 */
struct children;

/*
 * common: what all children inherit alike; kept, and read at every fork.
 * wake_fds has an eventfd for each worker and one more for the cleaner.
 * before_role: called in each new child first.  NULL when memory ran out.
 */
struct children *children_open(const struct inherit *common,
    const int *wake_fds, void (*before_role)(void *), void *arg);
void children_close(struct children *);

/* Start all: the cleaner, then the workers. */
void children_start(struct children *);

/*
 * After SIGCHLD: bury who died, log how, and start or schedule another.
 * Everybody else is woken to look at what the dead one may have left.
 */
void children_reap(struct children *);

/*
 * Do what is due: start those whose delay is over, kill those that overstay.
 * Returns ms until something will be due, or -1 if nothing is.
 */
int children_tick(struct children *);

/* Pass a signal on to every child. */
void children_signal(const struct children *, int signal);

/*
 * End them in the reverse order of their start: at once (TERM), or after
 * they have served what is in hand (QUIT), each within its role's time, then
 * by KILL.  A second call may only make it faster.
 */
void children_stop(struct children *, bool drain);

/* How many run now. */
size_t children_running(const struct children *);
/* True once every child has said that it serves. */
bool children_serve(struct children *);
/*
 * Why there is no point in going on, or NULL: too many restarts, a child that
 * must not be started again, or one that failed before all served.
 */
const char *children_failure(const struct children *);

#endif
