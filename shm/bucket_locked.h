#ifndef KVD_SHM_BUCKET_LOCKED_H
#define KVD_SHM_BUCKET_LOCKED_H

#include "shm/index.h"

/*
 * The bucket of that name in the shard that is held, and where its name is;
 * NULL if there is none, or the change breaks.  bucket_find() takes no ghost
 * for a bucket.
 */
struct bucket *bucket_find(struct held *, struct bytes name,
    struct index_place *);
struct bucket *bucket_find_any(struct held *, struct bytes name,
    struct index_place *);

/*
 * Has the bucket expired?  For all who ask it is not there; whoever changes it
 * next drops it.
 */
bool bucket_is_ghost(const struct bucket *);

/*
 * What a live bucket is called, and where its name is.  The bytes are in the
 * arena.  False, and the change breaks, if that leads nowhere.
 */
bool bucket_name(struct held *, const struct bucket *, struct index_place *,
    struct bytes *name);

/*
 * Drop the bucket whose name is at that place; why is for those who follow
 * the log, see layout.h.  SHM_OK or SHM_FULL.
 */
enum shm_status bucket_drop_place(struct held *, const struct bucket *,
    struct bytes name, const struct index_place *, unsigned why);

/*
 * For a batch: make a struct bucket without a name, among the dropped ones,
 * which is where the cleaner looks should the batch not come about.  An intent
 * of its own.
 */
enum shm_status bucket_prepare(struct held *, arena_off *);

/*
 * The bucket that a record names, or NULL if it is no more: the unit may be a
 * line by now, or bytes of another life that nobody has carved yet.
 */
struct bucket *bucket_live(const struct held *, arena_off);

/* The dropped bucket at that place, or NULL if there is none. */
struct bucket *bucket_dropped(const struct held *, arena_off);

#endif
