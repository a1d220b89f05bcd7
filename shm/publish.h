#ifndef KVD_SHM_PUBLISH_H
#define KVD_SHM_PUBLISH_H

#include "shm/index.h"

/*
 * Making a record that was written at the hot head count: the index, the
 * head, the bucket and the dead bytes change in one intent.
 */

static inline struct bucket *
publish_bucket(const struct held *h, const struct record_view *r)
{
	return arena_at(h->a, r->bucket);
}

/*
 * A RECORD_PUT.  index_reserve() must have been done.  Commits; may end with
 * a split, unless it is part of a batch, which has split in advance.
 * SHM_FULL means that the put is done and the split has to wait for memory.
 */
enum shm_status publish_put(struct held *, arena_off,
    const struct record_view *, bool in_batch);

/*
 * A RECORD_DELETE of the key at that place, whose record is *old.  Commits,
 * and may end with a merge.
 */
void publish_delete(struct held *, arena_off, const struct record_view *,
    const struct index_place *, const struct record_view *old);

#endif
