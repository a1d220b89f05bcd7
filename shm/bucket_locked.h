#ifndef KVD_SHM_BUCKET_LOCKED_H
#define KVD_SHM_BUCKET_LOCKED_H

#include "shm/index.h"

/*
 * The bucket of that name in the shard that is held, and where its name is;
 * NULL if there is none, or the change breaks.
 */
struct bucket *bucket_find(struct held *, struct bytes name,
    struct index_place *);

/*
 * The bucket that a record names, or NULL if it is no more: the unit may be a
 * line by now, or bytes of another life that nobody has carved yet.
 */
struct bucket *bucket_live(const struct held *, arena_off);

/* The dropped bucket at that place, or NULL if there is none. */
struct bucket *bucket_dropped(const struct held *, arena_off);

#endif
