#ifndef KVD_CLIENT_KV_PROGRESS_H
#define KVD_CLIENT_KV_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * One line on standard error that tells how far a long job is: keys, keys a
 * second, and the time left if it is known how much there is.  Nothing at all
 * unless standard error is a terminal.
 */
struct progress {
	bool		shown;
	uint64_t	keys;		/* done */
	uint64_t	done;		/* of total, in its own unit */
	uint64_t	total;		/* 0: nobody knows */
	int64_t		started_ms;
	int64_t		drawn_ms;
	unsigned	calls;		/* since the clock was read */
};

void progress_begin(struct progress *, bool quiet, uint64_t total);
/* Some keys more are done; draws now and then. */
void progress_step(struct progress *, uint64_t keys, uint64_t done);
/* Replace the line by what was reached. */
void progress_end(struct progress *, const char *verb);

#endif
