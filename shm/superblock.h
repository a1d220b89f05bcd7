#ifndef KVD_SHM_SUPERBLOCK_H
#define KVD_SHM_SUPERBLOCK_H

#include "shm/geometry.h"

/* What an arena says of itself, and whether it can be believed. */

/* Everything but magic, seed and uuid. */
void superblock_fill(struct superblock *, const struct geometry *);

/*
 * Do its numbers agree with each other, with this program, and with the size
 * of the object that it was read from?  If so, nothing that they lead to is
 * outside of the object.  ARENA_OK, ARENA_UNFINISHED, ARENA_NOT_AN_ARENA or
 * ARENA_OTHER_LAYOUT.  Pure.
 */
enum arena_error superblock_check_numbers(const struct superblock *,
    uint64_t object_bytes);

/*
 * The same, and was it made since the last boot and in our pid namespace?
 * Also ARENA_OTHER_BOOT and ARENA_OTHER_PIDNS.
 */
enum arena_error superblock_check(const struct superblock *,
    uint64_t object_bytes);

#endif
