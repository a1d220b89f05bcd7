#ifndef KVD_PROTO_LITTLE_H
#define KVD_PROTO_LITTLE_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Numbers as they travel between nodes: the low byte first, whatever the
 * machine, at any address.  Pure; a single move where the size is a constant,
 * which not every compiler makes of a loop over the bytes.
 */

/* Write the low `bytes' bytes (1 to 8) of a number; returns what follows. */
static inline uint8_t *
little_put(uint8_t *out, uint64_t number, size_t bytes)
{
	uint64_t little = htole64(number);

	memcpy(out, &little, bytes);
	return out + bytes;
}

/* Read a number of `bytes' bytes (1 to 8) at *in, and move *in past it. */
static inline uint64_t
little_get(const uint8_t **in, size_t bytes)
{
	uint64_t little = 0;

	memcpy(&little, *in, bytes);
	*in += bytes;
	return le64toh(little);
}

#endif
