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

/*
 * The same of 0 to 8 bytes, without a loop and without touching any others:
 * two numbers that overlap in the middle, or three bytes, of which some are the
 * same one.
 */
static inline uint64_t
little_get_few(const uint8_t *in, size_t bytes)
{
	uint32_t low, high;
	uint64_t all;

	if (bytes == 8) {
		memcpy(&all, in, 8);
		return le64toh(all);
	}
	if (bytes >= 4) {
		memcpy(&low, in, 4);
		memcpy(&high, in + bytes - 4, 4);
		return le32toh(low) |
		    (uint64_t)le32toh(high) << 8 * (bytes - 4);
	}
	if (bytes == 0)
		return 0;
	return in[0] | (uint64_t)in[bytes / 2] << 8 * (bytes / 2) |
	    (uint64_t)in[bytes - 1] << 8 * (bytes - 1);
}

#endif
