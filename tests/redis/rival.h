#ifndef KVD_TESTS_REDIS_RIVAL_H
#define KVD_TESTS_REDIS_RIVAL_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * A redis-server for one test, on a socket in a folder that somebody else
 * removes; it ends with the test.
 */
struct rival {
	pid_t	pid;
	char	path[108];	/* of its socket */
};

/* Is there a redis-server to be started?  If not, says so. */
bool rival_exists(void);

void rival_start(struct rival *, const char *dir);
void rival_stop(struct rival *);

#endif
