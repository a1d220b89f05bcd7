#ifndef KVD_SHM_OWNERSHIP_H
#define KVD_SHM_OWNERSHIP_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/arena.h"

/*
 * What of the data in the arena the node owns: a record beside the data, so
 * that processes with different routing tables cannot both serve a bucket.
 *
 * An edited routing table comes into force in one process after another.
 * None may serve a bucket that both its own table and this record do not give
 * to the node: those of before the edit then serve no longer what moved away,
 * from the moment that the master publishes the new record; those of after it
 * not yet what moved here.
 *
 * A bucket that moved away while it had data is a stray.  It is kept, and
 * served by nobody; how many there are is counted once for each record.
 */

#define OWNERSHIP_PIECES	1024U	/* of the slots, or letters */

enum ownership_by {
	OWNERSHIP_NONE,			/* none was ever published */
	OWNERSHIP_SLOTS,		/* piece i: slots 16i .. 16i + 15 */
	OWNERSHIP_LETTERS		/* piece i: names that begin with i */
};

struct ownership {
	uint64_t		version;	/* of the routing table */
	uint64_t		hash;		/* of its text */
	enum ownership_by	by;
	uint64_t		has[OWNERSHIP_PIECES / 64];
};

/*
 * Put another record in force, in the master, of which there is one.  What was
 * counted for the last one is forgotten.
 */
void ownership_publish(struct arena *, const struct ownership *);

/* A copy; false if there is none, or if it changes all the time. */
bool ownership_read(const struct arena *, struct ownership *);

/*
 * May a process whose own table, with that hash, gives the bucket to this
 * node serve it?  Three loads if it is the table in force.  No lock.
 */
bool ownership_allows(const struct arena *, uint64_t hash,
    struct bytes bucket);

/*
 * The same for a process without a table of its own, which believes the
 * record: it keeps a copy, all zeros at first, that is made anew here if it
 * is old.  Two loads if it is not.  OWNERSHIP_UNKNOWN if nothing is published,
 * or is published just now.
 */
struct ownership_copy {
	uint64_t		sequence;
	bool			is_all;		/* there is no other node */
	struct ownership	own;
};
enum ownership_answer { OWNERSHIP_OURS, OWNERSHIP_OTHERS, OWNERSHIP_UNKNOWN };
enum ownership_answer ownership_ask(const struct arena *,
    struct ownership_copy *, struct bytes bucket);

/* Is the table with that hash in force? */
bool ownership_is_of(const struct arena *, uint64_t hash);

struct ownership_strays {
	uint64_t	buckets;
	uint64_t	keys;
};

/*
 * Say what was counted for the table with that hash, in the one process that
 * counts; and ask: false if it has not been counted.
 */
void ownership_set_strays(struct arena *, uint64_t hash,
    const struct ownership_strays *);
bool ownership_strays(const struct arena *, uint64_t hash,
    struct ownership_strays *);

#endif
