#ifndef KVD_TESTS_PROC_CLUSTER_H
#define KVD_TESTS_PROC_CLUSTER_H

#include <stddef.h>

#include "tests/proc/talk.h"

#define CLUSTER_MAX	3
#define CLUSTER_COOKIE	"of the tests"

/*
 * Nodes for one test.  Buckets go by letters, so that a test knows who has
 * one: node 0 those that begin with a to h, node 1 i to p, node 2 all others
 * (without a third node, node 1).  Links are on addresses of 127/8 that are
 * this test's alone.
 */
struct cluster {
	size_t		n;
	struct daemon	node[CLUSTER_MAX];
	char		peer[CLUSTER_MAX][40];	/* address of its links */
	const char	*letters[CLUSTER_MAX];	/* NULL: goes by others */
};

/* Prepare them all, with two workers each; start none. */
void cluster_prepare(struct cluster *, size_t n);
/* Prepare and start. */
void cluster_start(struct cluster *, size_t n);
/* SIGKILL its master, and wait until its other processes have ended, too. */
void cluster_kill(struct cluster *, size_t node);
/* End what runs, and remove everything. */
void cluster_remove(struct cluster *);

/* Write the configuration of a node; more is put behind it. */
void cluster_configure(struct cluster *, size_t node, const char *more);
/* Write another cookie for a node. */
void cluster_set_cookie(struct cluster *, size_t node, const char *cookie);

/* A listening socket where the links of a node, which is not started, go. */
int cluster_listen(const struct cluster *, size_t node);
/* A connection to where the links of a node go. */
int cluster_dial(const struct cluster *, size_t node);

#endif
