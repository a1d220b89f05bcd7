#ifndef KVD_TESTS_BENCH_LOAD_DATA_H
#define KVD_TESTS_BENCH_LOAD_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "tests/bench/bench.h"

/*
 * Keys and values.  What a key holds follows from its number, its length as
 * well, so that every reply to a read can be told right from wrong without
 * remembering what was written, and a client may read what another one has
 * written.
 */

struct load_values {
	char	*text;		/* values are windows into it */
	size_t	 least;		/* bytes of the shortest, at least 1 */
	size_t	 most;		/* and of the longest */
};

/* Ends the program when memory has run out. */
void load_values_open(struct load_values *, size_t least, size_t most);
void load_values_close(struct load_values *);

/* The value of a key: letters, of which the values keep the memory. */
const char *load_value(const struct load_values *, uint64_t key, size_t *len);

/* "key-00000000002a": the number in hexadecimal, behind a prefix of 4 bytes. */
void load_key(char out[KEY_BYTES], const char *prefix, uint64_t key);

/* Bytes that are on their way in or out; freed by the owner of data. */
struct load_buffer {
	char	*data;
	size_t	 at;		/* what is before it is done with */
	size_t	 len;
	size_t	 cap;
};

/* Room for n bytes more; whoever fills it adds to len. */
char *load_buffer_room(struct load_buffer *, size_t n);
void load_buffer_add(struct load_buffer *, const void *, size_t n);

#endif
