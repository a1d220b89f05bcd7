/*
 * The ledger of a key.
 *
 *	last | pending[0] | ... | pending[n - 1]
 *	     |  in doubt        |  in flight
 *
 * A change in doubt may still come true after an older state was read: the
 * worker may have died behind its point of no return, and nobody has taken
 * the lock since.  But it comes before any later change of that key, so with
 * a later one acknowledged or seen it is history.
 */

#include "tests/crash/storm/ledger.h"

#include <string.h>

bool
cell_has_room(const struct cell *c)
{
	return c->n < CELL_PENDING;
}

void
cell_sent(struct cell *c, uint64_t seq, bool present)
{
	c->pending[c->n++] = (struct change){ seq, present, false };
}

/* This one is the last now, and what was before it is no more. */
static void
settle(struct cell *c, uint32_t i)
{
	c->last = c->pending[i];
	c->n -= i + 1;
	memmove(c->pending, c->pending + i + 1, c->n * sizeof(c->pending[0]));
}

void
cell_acknowledged(struct cell *c, uint64_t seq)
{
	uint32_t i;

	for (i = 0; i < c->n; i++)
		if (c->pending[i].seq == seq) {
			settle(c, i);
			return;
		}
}

unsigned
cell_lost(struct cell *c)
{
	unsigned n = 0;
	uint32_t i;

	for (i = 0; i < c->n; i++)
		if (!c->pending[i].in_doubt) {
			c->pending[i].in_doubt = true;
			n++;
		}
	return n;
}

bool
cell_is_in_doubt(const struct cell *c)
{
	return c->n > 0 && c->pending[0].in_doubt;
}

static bool
is(const struct change *c, uint64_t seq)
{
	return seq == 0 ? !c->present : c->present && c->seq == seq;
}

bool
cell_seen(struct cell *c, uint64_t seq)
{
	uint32_t i;

	if (is(&c->last, seq))
		return true;
	for (i = 0; i < c->n && c->pending[i].in_doubt; i++)
		if (is(&c->pending[i], seq)) {
			settle(c, i);
			return true;
		}
	return false;
}
