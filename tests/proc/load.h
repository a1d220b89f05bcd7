#ifndef KVD_TESTS_PROC_LOAD_H
#define KVD_TESTS_PROC_LOAD_H

#include <stdint.h>

#include "tests/proc/daemon.h"

/*
 * Clients that connect, write, read back what they wrote, and leave, over
 * and over, in processes of their own, while a test does something to the
 * daemon.  Nothing may go wrong with any of that.
 */
#define LOAD_INSTEAD_MAX	256

struct load_report {
	uint64_t	connections;
	uint64_t	requests;	/* answered as they should be */
	uint64_t	refused;	/* connections */
	uint64_t	lost;		/* requests without an answer, or with a
					 * wrong one */
	char		instead[LOAD_INSTEAD_MAX];	/* one of those */
};

/* Makes the bucket "load".  One at a time in a process. */
void load_start(const struct daemon *, unsigned clients);
/* Wait until so many requests more have been answered. */
void load_await(uint64_t requests);
/* End the clients, after what they have in hand. */
struct load_report load_stop(void);

#endif
