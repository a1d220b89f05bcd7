#ifndef KVD_SHM_CLEAN_PARTS_H
#define KVD_SHM_CLEAN_PARTS_H

#include "shm/clean.h"
#include "shm/index.h"

/* What the parts of the cleaning share. */

/* Lock a shard, and count it if that repaired it. */
enum lock_status clean_enter(struct arena *, uint32_t shard, struct held *,
    struct clean_work *);

/*
 * Release it.  If the change in hand is broken the shard is not cleaned any
 * more: it would come to the same place over and over, and never to others.
 */
void clean_leave(struct held *);

/*
 * The place of a record that lives; false if it does not, or the change
 * breaks.
 */
bool clean_find_live(struct held *, arena_off, const struct record_view *,
    struct index_place *);

/* Drop a bucket whose time has come. */
enum shm_status clean_bury(struct held *, const struct bucket *,
    struct clean_work *);

/* Take apart what is left of drops; false if there is nothing. */
bool clean_tidy(struct arena *, struct clean_state *, struct clean_work *);

/*
 * Put the segment that is most worth emptying into the hints, with the lock
 * of the cleaning held; false if none is worth it.
 */
bool clean_choose_victim(struct arena *);

/* A segment of the log that no head writes to any more, and of a shard that
 * can be cleaned. */
bool clean_is_sealed(const struct arena *, const struct segment *);

/* Does anybody watch this shard? */
bool clean_is_followed(struct arena *, uint32_t shard);

/* Is more than a quarter of the arena free? */
bool clean_has_plenty(const struct arena *);

#endif
