#ifndef KVD_TESTS_STORM_LEDGER_H
#define KVD_TESTS_STORM_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What one writer knows of one key that it alone writes.  A change is in
 * flight until its reply comes; if the connection breaks before that it is
 * in doubt until a later change of the key is acknowledged or seen.
 */
#define CELL_PENDING	16

struct change {
	uint64_t	seq;		/* only grows; 0: there was none */
	bool		present;	/* a value, or deleted */
	bool		in_doubt;
};

struct cell {
	struct change	last;		/* acknowledged, or seen since */
	uint32_t	n;
	struct change	pending[CELL_PENDING];	/* later ones, in order */
};

/* May another change be sent, or would we lose count? */
bool cell_has_room(const struct cell *);

void cell_sent(struct cell *, uint64_t seq, bool present);
void cell_acknowledged(struct cell *, uint64_t seq);

/* What is in flight is in doubt; returns how many that are. */
unsigned cell_lost(struct cell *);

bool cell_is_in_doubt(const struct cell *);

/*
 * The key has been read: a value of this number, or absent (seq is 0).
 * Returns false if that cannot be.
 */
bool cell_seen(struct cell *, uint64_t seq);

#endif
