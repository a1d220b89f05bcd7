#ifndef KVD_STEP_IMAGE_H
#define KVD_STEP_IMAGE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "shm/arena.h"

/* Copies of a whole arena.  An image is arena_memory_bytes() long. */

uint8_t *image_new(const struct arena *);
void image_take(const struct arena *, uint8_t *image);
void image_put(struct arena *, const uint8_t *image);

/*
 * What the kernel does to the locks when this process dies: in an image, or,
 * with image NULL, in the arena.  Returns how many it held.
 */
unsigned image_bury(const struct arena *, uint8_t *image, pid_t dead);

/*
 * Does the arena hold the very bytes of the image?  Of the locks only the
 * word that the kernel knows is compared: the rest is the C library's, and
 * tells which process it was.
 */
bool image_matches(const struct arena *, const uint8_t *image);

/*
 * Look for words that differ between arena and image and make the image
 * equal; each is handed over.  Fast when there are none.  The board is left
 * out: nothing that is stepped through writes to it (image_matches() would
 * notice).
 */
void image_follow(const struct arena *, uint8_t *image,
    void (*changed)(void *arg, uint32_t word, uint64_t value), void *arg);

#endif
