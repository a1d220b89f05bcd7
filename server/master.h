#ifndef KVD_SERVER_MASTER_H
#define KVD_SERVER_MASTER_H

#include <stdbool.h>

#include "server/config.h"

/* How kvd was asked to run, beyond the configuration. */
struct master_options {
	bool	foreground;
	bool	cold;		/* discard what an earlier run has left */
	int	debug;		/* how often -d was given */
};

/*
 * Run the instance until it is stopped.  *config is the master's from now
 * on; args are kept to read it again.  Returns the exit status; start-up
 * failures are fatal() with one of sysexits(3).
 */
int master_run(struct config *config, const struct config_args *args,
    const struct master_options *);

#endif
