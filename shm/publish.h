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
 * and may end with a merge, unless it is part of a batch.
 */
void publish_delete(struct held *, arena_off, const struct record_view *,
    const struct index_place *, const struct record_view *old, bool in_batch);

/*
 * A RECORD_DROP of the bucket whose name is at that place.  Commits, and may
 * end with a merge, unless it is part of a batch.
 */
void publish_drop(struct held *, arena_off, const struct record_view *,
    const struct index_place *, bool in_batch);

/*
 * A RECORD_CREATE, in a batch: the struct bucket is among the dropped ones,
 * where bucket_prepare() has put it.  Commits; breaks if it is not.
 */
void publish_create(struct held *, arena_off, const struct record_view *);

/* A RECORD_TOUCH, of a bucket that lives.  Commits. */
void publish_touch(struct held *, arena_off, const struct record_view *);

/* A RECORD_MESSAGE, which nothing leads to: its bytes are dead.  Commits. */
void publish_message(struct held *, arena_off, const struct record_view *);

/*
 * Any record, for which all of the above holds.  False if what it removes is
 * not there, or the change breaks.
 */
bool publish_record(struct held *, arena_off, const struct record_view *,
    bool in_batch);

/* The mark of the bucket that a RECORD_CREATE or RECORD_TOUCH speaks of. */
static inline uint64_t
publish_mark(const struct record_view *r)
{
	return (r->flags & RECORD_AUTO) != 0 ? BUCKET_AUTO : BUCKET_LIVE;
}

#endif
