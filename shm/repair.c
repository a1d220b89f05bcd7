/*
 * Repair, in the order in which things happened: the intent that was
 * committed is applied again, then segments that were taken but not linked
 * (or unlinked but not freed) go back to the pool, then a batch that was
 * committed is indexed to its end.  Each step finds its work in the arena
 * alone, so whoever comes next after a death in here does the rest.
 */

#include "shm/repair.h"

#include "shm/batch.h"
#include "shm/intent.h"
#include "shm/segment.h"

bool
repair_shard(struct held *h)
{
	if (!intent_finish(h))
		return false;
	segment_free_strays(h);
	return batch_finish(h);
}
