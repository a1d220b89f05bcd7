#ifndef KVD_SHM_SHORT_H
#define KVD_SHM_SHORT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * Keys, names and values are short, mostly, and of a length that only the
 * moment knows: to call memcmp(3) or memcpy(3) costs more than the bytes do.
 * So runs of up to SHORT bytes are taken in pieces of a fixed size, of which
 * the last one overlaps with that before it.  Pure; len may be 0, with any
 * pointer.
 */
#define SHORT	64U

static inline uint64_t
short_load(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, 8);
	return x;
}

static inline uint32_t
short_load_half(const uint8_t *p)
{
	uint32_t x;

	memcpy(&x, p, 4);
	return x;
}

static inline bool
short_equal(const void *a, const void *b, size_t len)
{
	const uint8_t *p = a, *q = b;
	size_t i;

	if (len > SHORT)
		return memcmp(p, q, len) == 0;
	if (len >= 8) {
		if (short_load(p + len - 8) != short_load(q + len - 8))
			return false;
		for (i = len - 8; i > 8; i -= 8)
			if (short_load(p + i - 8) != short_load(q + i - 8))
				return false;
		return short_load(p) == short_load(q);
	}
	if (len >= 4)
		return short_load_half(p) == short_load_half(q) &&
		    short_load_half(p + len - 4) ==
		    short_load_half(q + len - 4);
	for (i = 0; i < len; i++)
		if (p[i] != q[i])
			return false;
	return true;
}

static inline void
short_copy(void *to, const void *from, size_t len)
{
	uint8_t *p = to;
	const uint8_t *q = from;
	size_t i;

	if (len > SHORT) {
		memcpy(p, q, len);
	} else if (len >= 16) {
		for (i = 0; i + 16 < len; i += 16)
			memcpy(p + i, q + i, 16);
		memcpy(p + len - 16, q + len - 16, 16);
	} else if (len >= 8) {
		memcpy(p, q, 8);
		memcpy(p + len - 8, q + len - 8, 8);
	} else {
		for (i = 0; i < len; i++)
			p[i] = q[i];
	}
}

#endif
