#ifndef KVD_SERVER_ROSTER_SLOW_H
#define KVD_SERVER_ROSTER_SLOW_H

#include "server/roster.h"

/*
 * Requests that took long, the last of all workers of a node; they outlive the
 * worker, and a new program inherits them.
 */

#define ROSTER_SLOW_MAX		1024	/* are kept */
#define ROSTER_SLOW_WORDS	32	/* of each */
#define ROSTER_SLOW_BYTES	128	/* of each word */

struct roster_slow {
	uint64_t	id;		/* from 0, over all workers */
	uint64_t	at_s;		/* of the wall's clock */
	uint64_t	took_us;
	uint64_t	words;		/* there were */
	uint64_t	len[ROSTER_SLOW_WORDS];
	uint8_t		word[ROSTER_SLOW_WORDS][ROSTER_SLOW_BYTES];
	char		addr[ROSTER_ADDRESS_MAX];
	char		name[ROSTER_NAME_MAX];	/* or "" */
};

/*
 * Note one: its number is given to it here, and its words are copied, as many
 * and as much of each as there is room for.
 */
void roster_note_slow(struct roster *, const struct roster_slow *facts,
    const struct slice *words);

/*
 * Copy the newest of those that are there and have a smaller number than that,
 * UINT64_MAX for the newest of all; false if there is none.
 */
bool roster_slow_before(const struct roster *, uint64_t id,
    struct roster_slow *);
/* How many there are. */
uint64_t roster_slow_count(const struct roster *);

/* Forget them all; numbers go on. */
void roster_forget_slow(struct roster *);

#endif
