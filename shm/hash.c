/*
 * Where a name lives.  Two hashes for two purposes: a keyed one for the
 * indexes, whose lines an attacker must not be able to fill at will, and the
 * public CRC16 for slots, which clients compute for themselves.
 */

#include "shm/hash.h"

#include <string.h>

#include "shm/short.h"

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void
sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 = rotate(s->v2, 32);
}

static inline void
sip_word(struct sip *s, uint64_t m)
{
	s->v3 ^= m;
	sip_round(s);
	s->v0 ^= m;
}

/*
 * The last len % 8 bytes of len, from p on, of which the first is the lowest;
 * without a step for each: what is there already is loaded once more.
 */
static inline uint64_t
tail(const uint8_t *p, size_t len)
{
	unsigned rest = (unsigned)len % 8;

	if (rest == 0)
		return 0;
	if (len >= 8)
		return short_load(p + rest - 8) >> (64 - 8 * rest);
	if (rest >= 4)
		return short_load_half(p) |
		    (uint64_t)short_load_half(p + rest - 4) << (8 * rest - 32);
	return p[0] | (uint64_t)p[rest / 2] << (8 * (rest / 2)) |
	    (uint64_t)p[rest - 1] << (8 * (rest - 1));
}

uint64_t
hash_keyed(const uint64_t seed[2], const void *data, size_t len)
{
	struct sip s = {
		seed[0] ^ UINT64_C(0x736f6d6570736575),
		seed[1] ^ UINT64_C(0x646f72616e646f6d),
		seed[0] ^ UINT64_C(0x6c7967656e657261),
		seed[1] ^ UINT64_C(0x7465646279746573)
	};
	const uint8_t *p = data;
	size_t words;

	for (words = len / 8; words > 0; words--, p += 8)
		sip_word(&s, short_load(p));
	sip_word(&s, (uint64_t)len << 56 | tail(p, len));
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/*
 * What the eight bits that leave at the top bring back is the polynomial's 1,
 * x^5 and x^12 times them, once they have been folded on their own upper half.
 * Each request has a name or more, so this is in a table, of 512 bytes.
 */
#define FOLD(b)		((b) ^ (b) >> 4)
#define BACK(b)		((uint16_t)(FOLD(b) << 12 ^ FOLD(b) << 5 ^ FOLD(b)))
#define BACK_4(b)	BACK(b), BACK((b) + 1), BACK((b) + 2), BACK((b) + 3)
#define BACK_16(b)	BACK_4(b), BACK_4((b) + 4), BACK_4((b) + 8), \
			BACK_4((b) + 12)
#define BACK_64(b)	BACK_16(b), BACK_16((b) + 16), BACK_16((b) + 32), \
			BACK_16((b) + 48)

static const uint16_t back[256] = {
	BACK_64(0U), BACK_64(64U), BACK_64(128U), BACK_64(192U)
};

uint16_t
hash_crc16(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t crc = 0;
	size_t i;

	for (i = 0; i < len; i++)
		crc = (crc << 8 ^ back[(crc >> 8 ^ p[i]) & 0xff]) & 0xffff;
	return (uint16_t)crc;
}

uint32_t
hash_slot(const void *name, size_t len)
{
	const uint8_t *open, *close;

	open = len > 0 ? memchr(name, '{', len) : NULL;
	if (open != NULL) {
		size_t rest = len - (size_t)(open + 1 - (const uint8_t *)name);

		close = memchr(open + 1, '}', rest);
		if (close != NULL && close > open + 1)
			return hash_crc16(open + 1,
			    (size_t)(close - open - 1)) % HASH_SLOTS;
	}
	return hash_crc16(name, len) % HASH_SLOTS;
}

uint64_t
hash_reverse(uint64_t x)
{
	const uint64_t m1 = UINT64_C(0x5555555555555555);
	const uint64_t m2 = UINT64_C(0x3333333333333333);
	const uint64_t m4 = UINT64_C(0x0f0f0f0f0f0f0f0f);

	x = (x >> 1 & m1) | (x & m1) << 1;
	x = (x >> 2 & m2) | (x & m2) << 2;
	x = (x >> 4 & m4) | (x & m4) << 4;
	return __builtin_bswap64(x);
}
