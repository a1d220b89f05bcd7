#ifndef KVD_SERVER_ROLE_H
#define KVD_SERVER_ROLE_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "server/config.h"

/*
 * What a child inherits from the master over fork(2), all of it: no other
 * global crosses.  The master opens everything before it forks, so that a
 * child's death closes nothing that a client waits on.
 */
struct inherit {
	const struct config	*config;
	const struct config_args *args;		/* to read it again on HUP */
	struct arena		*arena;
	const int		*listen_fds;	/* shared by all workers */
	size_t			 listens;
	const int		*wake_fds;	/* an eventfd per worker */
	size_t			 workers;
	int			 wake_fd;	/* the eventfd that wakes us */
	int			 alive_fd;	/* read end; EOF: master died */
	int			 ready_fd;	/* add 1 when serving */
	pid_t			 master;
	unsigned		 slot;		/* ours on the board */
	unsigned		 instance;	/* worker number, 0.. */
	uint64_t		 restarts;	/* of this slot so far */
	bool			 to_stderr;	/* as given to log_open() */
	int			 verbose;
	sigset_t		 signals;	/* blocked; read by signalfd */
};

/*
 * A role is a function that becomes a child's life; what it returns is the
 * exit status, and the exit status is the respawn policy.
 */
enum role_exit {
	ROLE_DONE = 0,		/* told to stop, or drained */
	ROLE_RESTART = 1,	/* begin anew, after a growing delay */
	ROLE_NEVER = 2		/* starting again would not help */
};

/* Whether a child that ended is started again. */
enum role_restart {
	ROLE_PERMANENT,		/* however it ended, but for ROLE_NEVER */
	ROLE_TRANSIENT,		/* unless it said ROLE_DONE */
	ROLE_TEMPORARY		/* not at all */
};

struct role {
	const char		*name;
	int			(*run)(const struct inherit *);
	enum role_restart	 restart;
	unsigned		 shutdown_ms;	/* from TERM to KILL */
	unsigned		 drain_ms;	/* from QUIT to TERM */
};

extern const struct role role_worker;
extern const struct role role_cleaner;

#endif
