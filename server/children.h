#ifndef KVD_SERVER_CHILDREN_H
#define KVD_SERVER_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/role.h"

/*
 * The supervision table: which children there should be, which there are,
 * and what is done about the difference.  For the master alone.
 *
 * Children come in generations, each a cleaner and some workers, all with
 * one configuration.  A new one is started beside the one that serves, and
 * when all of it serves the old one may be told to leave.
 */
struct children;

/*
 * common: what all children inherit alike; kept, and read at every fork.
 * common->config says how they are supervised, also after it has changed.
 * before_role: called in each new child first.  NULL when memory ran out.
 */
struct children *children_open(const struct inherit *common,
    void (*before_role)(void *), void *arg);
void children_close(struct children *);

/*
 * Keep off a slot of the board: somebody else's child has it.  Until
 * children_free_slots(), which gives all of these back.
 */
void children_spare_slot(struct children *, unsigned slot);
void children_free_slots(struct children *);
/* Does one of ours have that slot, or may come to have it again? */
bool children_have_slot(const struct children *, unsigned slot);

/*
 * Start a generation: the cleaner, then that many workers.  Returns false,
 * with nothing started, if the slots or descriptors for it are not free or
 * another one is still coming.
 */
bool children_begin(struct children *, size_t workers);

enum children_coming {
	CHILDREN_NONE,		/* no generation is coming */
	CHILDREN_COMING,
	CHILDREN_SERVE,		/* every child of it has said that it serves */
	CHILDREN_FAILED		/* one of it cannot, or not in time */
};

/* How it is with the generation begun last. */
enum children_coming children_coming(const struct children *);

/* It serves: it is the one that counts, and all others leave. */
void children_succeed(struct children *);
/* It failed: it is stopped; the one before goes on. */
void children_abandon(struct children *);

/*
 * After SIGCHLD: bury who died, log how, and start or schedule another.
 * Everybody else is woken to look at what the dead one may have left.
 */
void children_reap(struct children *);

/*
 * Do what is due: start those whose delay is over, kill those that overstay
 * or stand still.  Returns ms until something will be due, or -1.
 */
int children_tick(struct children *);

/* Pass a signal on to every child. */
void children_signal(const struct children *, int signal);

enum children_leave {
	CHILDREN_RETIRE,	/* when its clients are done: USR2 */
	CHILDREN_DRAIN,		/* when what has arrived is answered: QUIT */
	CHILDREN_STOP		/* after the request in hand: TERM */
};

/*
 * End them all in the reverse order of their start, each within its time,
 * then by TERM, then by KILL.  A second call may only make it faster.
 */
void children_leave(struct children *, enum children_leave);

/* How many run now. */
size_t children_running(const struct children *);

/*
 * Look after what the children of another master have left on the board: the
 * slots of dead ones are cleared, and who does not die in time is killed.
 * Only while there is no other master.
 */
void children_sweep(struct children *, uint64_t now_ms);

/* Has a worker shown life since the last call?  For a manager's watchdog. */
bool children_workers_move(struct children *);

/*
 * Why there is no point in going on, or NULL: too many restarts, a child that
 * must not be started again, or one that failed before all served.
 */
const char *children_failure(const struct children *);

#endif
