#ifndef KVD_SHM_ROOM_H
#define KVD_SHM_ROOM_H

#include <stdbool.h>

#include "shm/arena.h"

/*
 * After an operation found the arena full for the attempt-th time (from 0),
 * and with no lock held: back one more segment with memory, or do the
 * cleaner's work until a segment is free.  Returns true if trying again is
 * worth while.  So a writer that is faster than the cleaner waits for itself
 * and is not refused while there is garbage to be collected.
 */
bool room_make(struct arena *, unsigned attempt);

#endif
