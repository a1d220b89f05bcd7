#ifndef KVD_SERVER_ROLE_H
#define KVD_SERVER_ROLE_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "server/config.h"
#include "shm/arena.h"
#include "shm/board.h"

/*
 * What a child inherits from the master over fork(2), all of it: no other
 * global crosses.  The master opens everything before it forks, so that a
 * child's death closes nothing that a client waits on.
 */
struct inherit {
	const struct config	*config;	/* for the child's whole life */
	const struct config_args *args;		/* that it comes from */
	struct arena		*arena;
	struct lastwords_sheet	*lastwords;
	struct poison_list	*poison;
	struct agreed		*agreed;
	struct roster		*roster;
	const int		*listen_fds;	/* shared by all workers */
	size_t			 listens;
	size_t			 peers;		/* the last so many of them are
						 * for other nodes */
	const int		*wake_fds;	/* an eventfd per board slot, or
						 * INHERIT_NO_WAKE, _FOREIGN */
	int			 wake_fd;	/* the eventfd that wakes us */
	int			 alive_fd;	/* read end; EOF: master died */
	int			 ready_fd;	/* add 1 when serving */
	pid_t			 master;
	unsigned		 slot;		/* ours on the board */
	unsigned		 instance;	/* worker number, 0.. */
	sigset_t		 signals;	/* blocked; read by signalfd */
};

/* Nobody has had that slot yet. */
#define INHERIT_NO_WAKE		(-1)
/* It may be another master's child's, while that one is replaced. */
#define INHERIT_FOREIGN		(-2)

/*
 * A role is a function that becomes a child's life; what it returns is the
 * exit status, and the exit status is the respawn policy.
 *
 * Signals to a child: TERM ends it after the request in hand, QUIT when what
 * has arrived is answered, USR2 when its clients are done or its successors'
 * (a worker accepts nobody any more in both cases), USR1 reopens the log.
 */
enum role_exit {
	ROLE_DONE = 0,		/* told to stop, or drained */
	ROLE_RESTART = 1,	/* begin anew, after a growing delay */
	ROLE_NEVER = 2		/* starting again would not help */
};

/*
 * Whether a child that ended is started again.  One that said ROLE_NEVER is
 * not; then the master gives up, unless it was a temporary one.  So far all
 * roles are permanent.
 */
enum role_restart {
	ROLE_PERMANENT,		/* however it ended */
	ROLE_TRANSIENT,		/* unless it said ROLE_DONE */
	ROLE_TEMPORARY		/* not at all */
};

struct role {
	const char		*name;
	enum board_role		 shown;		/* on the board */
	int			(*run)(const struct inherit *);
	enum role_restart	 restart;
	unsigned		 shutdown_ms;	/* from TERM to KILL */
};

extern const struct role role_worker;
extern const struct role role_cleaner;

#endif
