#ifndef KVD_TESTS_STORM_VALUE_H
#define KVD_TESTS_STORM_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A value says who wrote it, to which key, as the how many-th of its writes,
 * and every byte of it follows from that: whoever reads it knows whether it
 * is whole and where it belongs.
 */
#define VALUE_MAX	4096	/* bytes, and a NUL */

/* Write the value to text, which has VALUE_MAX bytes; returns its length. */
size_t value_make(char *text, const char *key, unsigned writer, uint64_t seq);

/*
 * Returns true if these bytes are what the writer they name has written to
 * this key, and who and when that was.
 */
bool value_check(const char *text, size_t len, const char *key,
    unsigned *writer, uint64_t *seq);

/* A small generator, the same everywhere: xorshift64*.  state is not 0. */
uint64_t value_random(uint64_t *state);

#endif
