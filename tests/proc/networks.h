#ifndef KVD_TESTS_PROC_NETWORKS_H
#define KVD_TESTS_PROC_NETWORKS_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/proc/cluster.h"

/*
 * A network for each node of a cluster, with one cable to ours, which routes
 * between them.  Clients of the test reach all nodes whatever becomes of the
 * cables: the sockets they connect to are in our network.
 *
 *	node 0		the test		node 1
 *	10.0.0.2 ------ 10.0.0.1  10.0.1.1 ---- 10.0.1.2
 *
 * The kernel takes networks away with the last process in them, so nothing
 * stays, however a test ends.  Everything but networks_begin() fails the test
 * when it cannot be done.
 */

/*
 * Leave the network of this process for new ones: before anything is started
 * or connected.  Returns NULL, or why this machine does not permit it.
 */
const char *networks_begin(size_t n);
/* Put the nodes, which are prepared, into them. */
void networks_use(struct cluster *);

/* Pull the cable of a node, at our end or at its own; put it back. */
void networks_unplug(size_t node);
void networks_plug(size_t node);
void networks_take_down(size_t node);
void networks_bring_up(size_t node);

/* Lose all that it says, or all that is said to it, without a word. */
enum networks_way { NETWORKS_FROM, NETWORKS_TO };
void networks_lose(size_t node, enum networks_way);
void networks_lose_no_more(size_t node, enum networks_way);

#endif
