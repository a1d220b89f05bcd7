#ifndef KVD_SERVER_STRAYS_H
#define KVD_SERVER_STRAYS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/route.h"
#include "shm/ownership.h"
#include "shm/scan.h"

/*
 * Counts the strays: buckets that are in the arena, and another node's by the
 * table.  One per process; the table and the arena must outlive it.
 */
struct strays {
	struct arena		*arena;
	const struct route	*route;
	uint32_t		 shard;
	struct scan		 scan;
	struct ownership_strays	 found;		/* so far */
};

void strays_open(struct strays *, struct arena *, const struct route *);

/*
 * Go on counting, once the table is in force and for as long as the arena does
 * not say how many there are; and say in the end what was found, there and, if
 * there are any, in the log.  A piece of bounded size; no lock.  Returns true
 * if there is more to do at once.
 */
bool strays_step(struct strays *);

#endif
